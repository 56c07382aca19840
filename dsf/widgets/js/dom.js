/** Elements, controls and the frame of a figure. Everything a reader can turn is a native control. */

const SVG = "http://www.w3.org/2000/svg";
const LEAST_WIDTH = 160; // px: narrower than any screen

/**
 * @param {Element} node
 * @param {Record<string, any>} attributes functions are listeners, null and false are left out
 * @param {(Node | string)[]} children
 */
function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export const html = (tag, attributes = {}, ...children) => furnish(document.createElement(tag), attributes, children);

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export const svg = (tag, attributes = {}, ...children) =>
  furnish(document.createElementNS(SVG, tag), attributes, children);

/**
 * A number for people: three digits that count, a true minus sign.
 * @param {number} value
 * @returns {string}
 */
export function format(value) {
  const size = Math.abs(value);
  const text = size === 0 ? "0"
    : size < 1e-3 || size >= 1e5 ? value.toExponential(1)
      : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  return text.replace(/-/g, "−");
}

/**
 * A letter with its indices, for a line of text.
 * @param {string} letter
 * @param {string | number} index
 */
export const indexed = (letter, index) => html("span", { class: "dsf-letter" }, html("i", {}, letter), html("sub", {}, `${index}`));

// --- what a trait may be ------------------------------------------------------------------------

/**
 * @typedef {object} Trait
 * @property {(text: string) => any} parse from the address of the page
 * @property {(value: any) => boolean} accepts
 * @property {string} wanted
 */

/** @param {string} text */
const toNumber = (text) => (text.trim() ? Number(text) : NaN);

/** @param {string[]} choices @returns {Trait} */
export const oneOf = (choices) => ({
  parse: String, accepts: (value) => choices.includes(value), wanted: `one of ${choices.join(", ")}`,
});

/** @param {number} least @param {number} most @returns {Trait} */
export const whole = (least, most) => ({
  parse: toNumber,
  accepts: (value) => Number.isInteger(value) && value >= least && value <= most,
  wanted: `a whole number from ${least} to ${most}`,
});

/** @param {number} least @param {number} most @returns {Trait} */
export const real = (least, most) => ({
  parse: toNumber,
  accepts: (value) => typeof value === "number" && value >= least && value <= most,
  wanted: `a number from ${least} to ${most}`,
});

/** @param {number} most @returns {Trait} */
export const words = (most) => ({
  parse: String,
  accepts: (value) => typeof value === "string" && value.length > 0 && [...value].length <= most,
  wanted: `1 to ${most} characters`,
});

/** @returns {Trait} */
export const yesNo = () => ({
  parse: (text) => (text === "true" ? true : text === "false" ? false : text),
  accepts: (value) => typeof value === "boolean",
  wanted: "true or false",
});

/**
 * Complain about the first trait whose value cannot be shown.
 * @param {Record<string, Trait>} traits
 * @param {{get(name: string): any}} model
 */
export function check(traits, model) {
  for (const [name, trait] of Object.entries(traits)) {
    const value = model.get(name);
    if (!trait.accepts(value)) throw new Error(`${name} is ${JSON.stringify(value)}, expected ${trait.wanted}`);
  }
}

// --- the frame of a figure ----------------------------------------------------------------------

/** Counts the figures of a document: in a notebook each figure loads a module of its own. */
const COUNT = Symbol.for("dsf.figures");

/**
 * A key without Ctrl, Alt, Shift or Meta is meant for the control that has the focus. JupyterLab would
 * take the arrow keys to move between cells, and Enter to edit one.
 * @param {KeyboardEvent} event
 */
function keepPlainKeys(event) {
  if (!event.ctrlKey && !event.altKey && !event.shiftKey && !event.metaKey) event.stopPropagation();
}

/**
 * Controls bound to a model, a line that says what is seen, and one redraw for many changes.
 * @param {{model: any, el: HTMLElement}} anywidget
 * @param {Record<string, Trait>} traits
 */
export function frame({ model, el }, traits) {
  check(traits, model);
  const names = Object.keys(traits);
  const first = Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const counter = /** @type {Record<symbol, number>} */ (/** @type {unknown} */ (globalThis));
  const prefix = `dsf-${(counter[COUNT] = (counter[COUNT] ?? 0) + 1)}`;
  const root = html("div", { class: "dsf-live", keydown: keepPlainKeys });
  const controls = html("div", { class: "dsf-controls" });
  const finding = html("p", { class: "dsf-finding" });
  const spoken = html("p", { class: "dsf-spoken", role: "status", "aria-live": "polite" });
  const problem = html("p", { class: "dsf-problem", role: "alert", hidden: true });
  /** @type {(() => void)[]} */
  const refreshers = [];
  /** @type {(() => void)[]} */
  const endings = [];
  let draw = () => {};
  let waiting = false;
  let speech = 0;
  el.append(root);

  /** @param {Record<string, any>} values */
  function set(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  }

  function redraw() {
    waiting = false;
    try {
      check(traits, model);
      for (const refresh of refreshers) refresh();
      draw();
      problem.hidden = true;
    } catch (error) {
      problem.textContent = `This cannot be drawn: ${/** @type {Error} */ (error).message}`;
      problem.hidden = false;
    }
  }

  function schedule() {
    if (!waiting) queueMicrotask(redraw);
    waiting = true;
  }

  for (const name of names) model.on(`change:${name}`, schedule);
  endings.push(() => names.forEach((name) => model.off(`change:${name}`, schedule)));

  /** @param {string} name @param {Node[]} content */
  const field = (name, ...content) => html("div", { class: `dsf-field dsf-field-${name}` }, ...content);

  return {
    root, controls, finding, spoken, problem, set,
    reduced: matchMedia("(prefers-reduced-motion: reduce)"),

    /** A slider with its value beside it; `limits` may change with the state. */
    slider(name, label, limits, show = format) {
      const id = `${prefix}-${name}`;
      const output = html("output", { for: id });
      const input = html("input", {
        id, type: "range", input: () => set({ [name]: limits().read?.(input.valueAsNumber) ?? input.valueAsNumber }),
      });
      refreshers.push(() => {
        const { min, max, step = 1, value = model.get(name), fixed = null } = limits();
        Object.assign(input, { min, max, step, value, disabled: fixed !== null || min === max });
        output.textContent = fixed ?? show(model.get(name));
        input.setAttribute("aria-valuetext", output.textContent);
      });
      return field(name, html("label", { for: id }, label), input, output);
    },

    /**
     * @param {string} name @param {string} label
     * @param {[string, string][] | (() => [string, string][])} choices values and titles, which may change with the state
     * @param {() => any} value
     */
    select(name, label, choices, value = () => model.get(name)) {
      const id = `${prefix}-${name}`;
      const numeric = typeof first[name] === "number";
      const input = html("select", { id, change: () => set({ [name]: numeric ? Number(input.value) : input.value }) });
      let offered = "";
      refreshers.push(() => {
        const wanted = typeof choices === "function" ? choices() : choices;
        if (String(wanted) !== offered) input.replaceChildren(...wanted.map(([key, title]) => html("option", { value: key }, title)));
        offered = String(wanted);
        input.disabled = wanted.length < 2;
        input.value = value();
      });
      return field(name, html("label", { for: id }, label), input);
    },

    /** @param {string} name @param {string} label */
    checkbox(name, label) {
      const id = `${prefix}-${name}`;
      const input = html("input", { id, type: "checkbox", change: () => set({ [name]: input.checked }) });
      refreshers.push(() => { input.checked = model.get(name); });
      return html("div", { class: "dsf-field dsf-check" }, input, html("label", { for: id }, label));
    },

    /** @param {string} name @param {string} label @param {number} most @param {() => boolean} visible */
    textbox(name, label, most, visible) {
      const id = `${prefix}-${name}`;
      const input = html("input", {
        id, type: "text", maxlength: most, spellcheck: "false", autocomplete: "off",
        input: () => { if (traits[name].accepts(input.value)) set({ [name]: input.value }); },
        // An empty box shows nothing new; leaving it brings back what is drawn.
        change: () => { input.value = model.get(name); },
      });
      const box = field(name, html("label", { for: id }, label), input);
      refreshers.push(() => {
        box.hidden = !visible();
        if (document.activeElement !== input) input.value = model.get(name);
      });
      return box;
    },

    /** @param {string} label @param {() => void} act */
    button: (label, act) => html("button", { type: "button", class: "dsf-button", click: act }, label),

    /** Back to what the page showed first. */
    reset: () => html("button", { type: "button", class: "dsf-button", click: () => set(first) }, "Reset"),

    /** Say what is seen: at once for the eye, when the hand rests for the ear. @param {string} text */
    say(text) {
      finding.textContent = text;
      clearTimeout(speech);
      speech = setTimeout(() => { spoken.textContent = text; }, 700);
    },

    /** @param {() => void} ending */
    atEnd: (ending) => endings.push(ending),

    /** Call `draw_` now, after every change, and whenever the width of the figure changes. */
    start(draw_) {
      // Folded away or not laid out yet there is no room to draw in; the observer calls again.
      draw = () => { if (root.clientWidth >= LEAST_WIDTH) draw_(); };
      let width = root.clientWidth;
      const observer = new ResizeObserver(() => {
        if (root.clientWidth !== width) schedule();
        width = root.clientWidth;
      });
      observer.observe(root);
      endings.push(() => observer.disconnect(), () => clearTimeout(speech));
      for (const refresh of refreshers) refresh();
      draw(); // what goes wrong here is the caller's to show
      return () => endings.forEach((ending) => ending());
    },
  };
}
