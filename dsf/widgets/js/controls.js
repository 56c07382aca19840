/** Native controls, each with a label, bound to one trait of a model. */
import { fold, format, html } from "./dom.js";

/** The figures whose rare controls stand open: in a notebook a figure is drawn anew, by a module of its own. */
const OPENED = Symbol.for("dsf.more");

/**
 * What a control needs of its figure.
 * @typedef {object} Binding
 * @property {any} model
 * @property {Record<string, import("./traits.js").Trait>} traits
 * @property {Record<string, any>} first the values that the figure began with
 * @property {string} prefix of ids
 * @property {(values: Record<string, any>) => void} set
 * @property {(refresh: () => void) => void} onChange call `refresh` whenever the model has changed
 */

/**
 * @typedef {object} Limits of a slider
 * @property {number} min
 * @property {number} max
 * @property {number} [step]
 * @property {number} [value] its place, where that is not the value of the trait
 * @property {(place: number) => any} [read] the value of the trait at a place
 * @property {string | null} [fixed] what is said instead of a value that cannot be changed
 */

/** @param {string} name @param {Node[]} content */
const field = (name, ...content) => html("div", { class: `dsf-field dsf-field-${name}` }, ...content);

/** @param {Binding} binding */
function sliders({ model, prefix, set, onChange }) {
  /**
   * A slider with its value beside it; `limits` may change with the state.
   * @param {string} name
   * @param {string} label
   * @param {() => Limits} limits
   * @param {(value: any) => string} [show]
   */
  return (name, label, limits, show = format) => {
    const id = `${prefix}-${name}`;
    const output = html("output", { for: id });
    const input = html("input", {
      id,
      type: "range",
      input: () => set({ [name]: limits().read?.(input.valueAsNumber) ?? input.valueAsNumber }),
    });
    onChange(() => {
      const { min, max, step = 1, value = model.get(name), fixed = null } = limits();
      Object.assign(input, { min, max, step, value, disabled: fixed !== null || min === max });
      output.textContent = fixed ?? show(model.get(name));
      input.setAttribute("aria-valuetext", output.textContent);
    });
    return field(name, html("label", { for: id }, label), input, output);
  };
}

/** A value and its title, or a number that is both. @typedef {[string, string] | number} Choice */
/** @param {Choice} choice @returns {[string, string]} */
const titled = (choice) => (typeof choice === "number" ? [`${choice}`, `${choice}`] : choice);

/** @param {Binding} binding */
function selects({ model, first, prefix, set, onChange }) {
  /**
   * @param {string} name
   * @param {string} label
   * @param {Choice[] | (() => Choice[])} choices which may change
   * @param {() => any} [value]
   * @param {string} [key] of its id and class, where a trait has a control already: a trait has one by its own name
   */
  return (name, label, choices, value = () => model.get(name), key = name) => {
    const id = `${prefix}-${key}`;
    const numeric = typeof first[name] === "number";
    const input = html("select", { id, change: () => set({ [name]: numeric ? Number(input.value) : input.value }) });
    let offered = "";
    onChange(() => {
      const wanted = (typeof choices === "function" ? choices() : choices).map(titled);
      if (String(wanted) !== offered) {
        input.replaceChildren(...wanted.map(([key, title]) => html("option", { value: key }, title)));
      }
      offered = String(wanted);
      input.disabled = wanted.length < 2;
      input.value = value();
    });
    return field(key, html("label", { for: id }, label), input);
  };
}

/** @param {Binding} binding */
function textboxes({ model, traits, prefix, set, onChange }) {
  /** @param {string} name @param {string} label @param {number} most @param {() => boolean} visible */
  return (name, label, most, visible) => {
    const id = `${prefix}-${name}`;
    const input = html("input", {
      id,
      type: "text",
      maxlength: most,
      spellcheck: "false",
      autocomplete: "off",
      input: () => {
        if (traits[name].accepts(input.value)) set({ [name]: input.value });
      },
      // An empty box shows nothing new; leaving it brings back what is drawn.
      change: () => {
        input.value = model.get(name);
      },
    });
    const box = field(name, html("label", { for: id }, label), input);
    onChange(() => {
      box.hidden = !visible();
      if (document.activeElement !== input) input.value = model.get(name);
    });
    return box;
  };
}

/** @param {Binding} binding */
function folds({ traits }) {
  const shared = /** @type {Record<symbol, Set<string>>} */ (/** @type {unknown} */ (globalThis));
  shared[OPENED] ??= new Set();
  const [opened, kind] = [shared[OPENED], Object.keys(traits).join()];
  /**
   * Controls for the second look, folded. Once opened they stay open, also where a figure of this kind is drawn anew.
   * @param {Node[]} nodes
   */
  return (...nodes) => {
    const box = fold("dsf-more", "More", html("div", { class: "dsf-controls dsf-many" }, ...nodes));
    box.open = opened.has(kind);
    box.addEventListener("toggle", () => (box.open ? opened.add(kind) : opened.delete(kind)));
    return box;
  };
}

/** @param {Binding} binding */
export function controlsOf(binding) {
  const { model, first, prefix, set, onChange } = binding;
  /** @param {string} label @param {() => void} act */
  const button = (label, act) => html("button", { type: "button", class: "dsf-button", click: act }, label);
  return {
    button,
    more: folds(binding),
    slider: sliders(binding),
    select: selects(binding),
    textbox: textboxes(binding),

    /** @param {string} name @param {string} label */
    checkbox(name, label) {
      const id = `${prefix}-${name}`;
      const input = html("input", { id, type: "checkbox", change: () => set({ [name]: input.checked }) });
      onChange(() => {
        input.checked = model.get(name);
      });
      return html("div", { class: "dsf-field dsf-check" }, input, html("label", { for: id }, label));
    },

    /** Another seed, and back to what the page showed first. */
    seedAndReset: () =>
      html(
        "div",
        { class: "dsf-field dsf-buttons" },
        button("New draw", () => set({ seed: (model.get("seed") + 1) % 1000 })),
        button("Reset", () => set(first)),
      ),

    /** Back to what the page showed first. */
    reset: () => button("Reset", () => set(first)),
  };
}
