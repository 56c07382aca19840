/* Leads the reader through a page that is complete without: predictions and questions become forms,
   links set figures, tours go step by step, and what was answered is remembered in this browser. */
"use strict";

(() => {
  const STORE = "dsf-progress"; // key -> the option committed to, or "right"
  const LAB = "dsf-lab"; // the bet and the runs of the laboratory, see dsf/widgets/js/lab/store.js

  /** @param {string} selector @param {ParentNode} [root] */
  const all = (selector, root = document) => /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);

  /** @param {string} selector @param {ParentNode} root */
  const first = (selector, root) => /** @type {HTMLElement} */ (root.querySelector(selector));

  /**
   * @param {string} tag
   * @param {Record<string, string | EventListener>} [attributes] functions are listeners
   * @param {...(Node | string)} children
   */
  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  /** @param {string} text @param {EventListener} [click] without one it sends the form it stands in */
  const button = (text, click) => make("button", click ? { type: "button", click } : { type: "submit" }, text);
  /** @param {string} type @param {Record<string, string>} more */
  const field = (type, more) => /** @type {HTMLInputElement} */ (make("input", { type, ...more }));

  /* What is remembered; storage may be closed, as in a private window, or hold what nobody here wrote. */
  /** @returns {Map<string, string> | null} */
  function stored() {
    try {
      const found = JSON.parse(localStorage.getItem(STORE) ?? "{}");
      return new Map(Object.entries(found ?? {}).filter(([, value]) => typeof value === "string"));
    } catch {
      return null;
    }
  }

  let kept = stored() ?? new Map();

  /** @param {string} key @param {string} value empty to forget it */
  function keep(key, value) {
    kept = stored() ?? kept; // another page may have been answered meanwhile
    if (value) kept.set(key, value);
    else kept.delete(key);
    try {
      localStorage.setItem(STORE, JSON.stringify(Object.fromEntries(kept)));
    } catch {
      // It lasts for this page.
    }
  }

  const forget = () => {
    kept.clear();
    try {
      for (const name of [STORE, LAB]) localStorage.removeItem(name);
    } catch {
      // There was nothing.
    }
    window.dispatchEvent(new Event("dsf-forget"));
  };

  /* A number as readers write it: 0.5, 0,5, 1/3, 5 %, 1e-3; NaN for anything else. */
  /** @param {string} text */
  function number(text) {
    const plain = text
      .trim()
      .replace(/\u2212/g, "-")
      .replace(",", ".");
    const parts = plain.replace(/%$/, "").split("/");
    if (parts.length > 2 || parts.some((part) => !part.trim())) return NaN;
    const value = parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(parts[0]);
    return plain.endsWith("%") ? value / 100 : value;
  }

  /** @type {Record<string, (a: any, b: any) => boolean>} */
  const SIGNS = {
    "=": (a, b) => a === b,
    "!=": (a, b) => a !== b,
    "<": (a, b) => a < b,
    "<=": (a, b) => a <= b,
    ">": (a, b) => a > b,
    ">=": (a, b) => a >= b,
  };
  /** @param {Record<string, any>} state of a figure @param {string | undefined} when the condition, as JSON */
  const meets = (state, when) => {
    /** @type {[string, string, any][]} */
    const parts = JSON.parse(when ?? "[]");
    return parts.every(([name, sign, value]) =>
      SIGNS[sign](typeof value === "string" ? String(state[name]) : state[name], value),
    );
  };
  /** @param {HTMLElement | null} figure */
  const stateOf = (figure) => /** @type {LiveFigure | null} */ (figure)?.dsfState?.() ?? null;

  /* For each kind: controls put into the form; `given()` what the reader says, null for nothing;
     `judge(given)` whether it is right, which reply belongs to it, and words of its own. */
  /** @typedef {HTMLElement & { dsfState?: () => Record<string, any> }} LiveFigure */
  /** @typedef {{ right: boolean, option: string | undefined, words?: string }} Verdict */
  /** @typedef {{ missing: string, given: () => any, judge: (given: any) => Verdict }} Control */
  /** @type {(block: HTMLElement, form: HTMLElement) => Control} */
  function choice(block, form) {
    const name = block.id;
    const items = all(".options > li", block);
    for (const item of items) {
      const input = field("radio", { name, value: item.dataset.option ?? "" });
      const text = make("span");
      text.append(...all(":scope > p", item).flatMap((paragraph) => [...paragraph.childNodes]));
      item.replaceChildren(make("label", {}, input, text));
    }
    const list = first(".options", block);
    list.setAttribute("role", "radiogroup");
    list.setAttribute("aria-labelledby", `${name}-title`);
    for (const item of items) item.setAttribute("role", "presentation");
    form.append(list);
    return {
      missing: "Choose one first.",
      given: () => /** @type {HTMLInputElement | null} */ (form.querySelector("input:checked"))?.value ?? null,
      judge: (given) => ({ right: given === block.dataset.right, option: given }),
    };
  }

  /** @type {(block: HTMLElement, form: HTMLElement) => Control} */
  function quantity(block, form) {
    const input = field("text", { inputmode: "decimal", autocomplete: "off" });
    form.append(make("label", {}, "Your answer ", input));
    const { right, tolerance } = block.dataset;
    /** @param {number} a @param {number} b */
    const near = (a, b) => Math.abs(a - b) <= Number(tolerance) + 1e-9 * Math.abs(b);
    return {
      missing: "Give a number, such as 0.5 or 1/3.",
      given: () => (Number.isFinite(number(input.value)) ? number(input.value) : null),
      judge(given) {
        const known = all(".replies > li", block).find((item) => near(given, Number(item.dataset.option)));
        return { right: near(given, Number(right)), option: known?.dataset.option };
      },
    };
  }

  /** @type {(block: HTMLElement, form: HTMLElement) => Control} */
  function order(block, form) {
    const list = first(".options", block);
    for (const item of all(":scope > li", list)) {
      const text = item.textContent?.trim();
      /** @param {boolean} up @returns {EventListener} */
      const move = (up) => (event) => {
        if (up) item.previousElementSibling?.before(item);
        else item.nextElementSibling?.after(item);
        /** @type {HTMLElement} */ (event.currentTarget).focus(); // which moving has taken
      };
      const up = button("↑", move(true));
      const down = button("↓", move(false));
      up.setAttribute("aria-label", `Up: ${text}`);
      down.setAttribute("aria-label", `Down: ${text}`);
      item.prepend(up, down);
    }
    form.append(list);
    return {
      missing: "",
      given: () => all(":scope > li", list).map((item) => item.dataset.option),
      /** @param {string[]} given */
      judge(given) {
        const wrong = given.findIndex((place, i) => place !== String(i));
        const words =
          wrong > 0 ? `The first ${wrong > 1 ? `${wrong} are` : "one is"} in place.` : "The first one is not in place.";
        return { right: wrong < 0, option: String(wrong), words: wrong < 0 ? "" : words };
      },
    };
  }

  /** @type {(block: HTMLElement) => Control} */
  function setting(block) {
    const { figure = "", right } = block.dataset;
    return {
      missing: "The figure is not alive on this page.",
      given: () => stateOf(document.getElementById(figure)),
      judge(given) {
        const known = all(".replies > li[data-when]", block).find((item) => meets(given, item.dataset.when));
        return { right: meets(given, right), option: known?.dataset.option };
      },
    };
  }

  /** @type {Record<string, (block: HTMLElement, form: HTMLElement) => Control>} */
  const CONTROLS = { predict: choice, choice, number: quantity, order, set: setting };

  /** @param {HTMLElement} block */
  function ask(block) {
    const { kind = "", key = "" } = block.dataset;
    const predicts = kind === "predict";
    const answer = /** @type {HTMLDetailsElement} */ (block.querySelector(":scope > .answer"));
    const line = first("summary", answer);
    const form = make("form", { novalidate: "" });
    const reply = make("div", { class: "reply", role: "status" });
    const control = CONTROLS[kind](block, form);
    const submit = button(predicts ? "Commit" : "Check");
    const without = make("span", { class: "without" }, predicts ? ", without a guess" : ", without an attempt");
    const replies = all(".replies > li", block);
    line.append(without);
    form.append(submit);
    first(":scope > .asked", block).append(form, reply);
    const inputs = () => /** @type {HTMLInputElement[]} */ (all("input", form));

    /** @param {any} given */
    function show(given) {
      const verdict = control.judge(given);
      const known =
        replies.find((item) => item.dataset.option === verdict.option) ??
        (verdict.right ? null : replies.find((item) => item.dataset.option === "else"));
      const said = make("div");
      if (known) said.append(...[...known.childNodes].map((node) => node.cloneNode(true)));
      said.querySelector("strong")?.remove(); // the letter, which the verdict names
      for (const node of all("[id]", said)) node.removeAttribute("id");
      const head = `${verdict.right ? "✓ Right." : predicts ? "✗ No." : "✗ Not yet."} ${verdict.words ?? ""}`;
      reply.className = `reply ${verdict.right ? "right" : "wrong"}`;
      reply.replaceChildren(make("strong", {}, head), said);
      for (const item of replies) item.classList.toggle("given", item === known);
      return verdict;
    }

    function reveal() {
      without.remove();
      answer.open = true;
    }

    /** @param {string} option */
    function commit(option) {
      const { right } = show(option);
      block.dataset.guess = option;
      for (const input of inputs()) {
        input.checked = input.value === option;
        input.disabled = true;
      }
      for (const item of all(".options > li", form)) {
        item.classList.toggle("right", item.dataset.option === block.dataset.right);
        item.classList.toggle("wrong", !right && item.dataset.option === option);
      }
      submit.textContent = "Start over";
      reveal();
      const detail = { id: block.id, option, right };
      block.dispatchEvent(new CustomEvent("dsf-guess", { bubbles: true, detail }));
    }

    function again() {
      delete block.dataset.guess;
      for (const input of inputs()) {
        input.checked = false;
        input.disabled = false;
      }
      for (const item of [...replies, ...all(".options > li", form)]) item.classList.remove("given");
      for (const item of all(".options > li", form)) item.classList.remove("right", "wrong");
      submit.textContent = "Commit";
      reply.replaceChildren();
      line.append(without);
      answer.open = false;
      keep(key, "");
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = control.given();
      if (block.dataset.guess) again();
      else if (given === null) {
        reply.className = "reply";
        reply.replaceChildren(control.missing);
      } else if (predicts) {
        keep(key, given);
        commit(given);
      } else if (show(given).right) {
        keep(key, "right");
        reveal();
      }
    });

    const before = kept.get(key);
    const options = all(".options > li", form).map((item) => item.dataset.option);
    if (predicts && before && options.includes(before)) commit(before);
    if (!predicts && before === "right") reply.replaceChildren("✓ Answered before.");
  }

  /* A link that sets a figure: it keeps what it does not name, and what has changed lights up, in sight. */
  /** @param {HTMLElement} node */
  function setter(node) {
    const link = /** @type {HTMLAnchorElement} */ (node);
    const figure = document.getElementById(link.hash.slice(1));
    if (!figure) return;
    link.href = `#${figure.id}:${link.dataset.set}`;
    link.addEventListener("click", () => {
      const before = stateOf(figure) ?? {};
      const same = location.hash === link.hash; // the figure has been turned since, the address not
      if (same) window.dispatchEvent(new HashChangeEvent("hashchange"));
      setTimeout(() => {
        const after = stateOf(figure) ?? {};
        const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
        const fields = changed.flatMap((name) => all(`.dsf-field-${CSS.escape(name)}`, figure));
        for (const lit of fields.length ? fields : [figure]) {
          lit.closest("details.dsf-more")?.setAttribute("open", "");
          lit.classList.add("lit");
          setTimeout(() => lit.classList.remove("lit"), 1600);
        }
        unfold(figure, link);
        if (!link.closest(".tour.on")) bringNear(fields[0] ?? fieldsOf(figure, link)[0]);
      }, 50);
    });
  }

  /* The address brings a figure into view; of one taller than the window the controls may stay out of sight. */
  const HEAD = 60; // px that the head of a page covers
  /** @param {HTMLElement | undefined} field */
  function bringNear(field) {
    const { top = 0, bottom = 0 } = field?.getBoundingClientRect() ?? {};
    if (top < HEAD || bottom > innerHeight)
      (field?.closest(".dsf-controls") ?? field)?.scrollIntoView({ block: "start" });
  }

  /* The controls of what a link names. */
  /** @param {HTMLElement} figure @param {HTMLAnchorElement} link @param {string} [within] */
  const fieldsOf = (figure, link, within = "") =>
    (link.dataset.set ?? "")
      .split(",")
      .flatMap((part) => all(`${within} .dsf-field-${CSS.escape(part.split("=")[0])}`, figure));

  /* The part of a figure that is folded away and belongs to what a link names is opened, and seen above the tour. */
  /** @param {HTMLElement} figure @param {HTMLAnchorElement} link */
  function unfold(figure, link) {
    for (const field of fieldsOf(figure, link, "details.dsf-fold")) {
      const part = /** @type {HTMLDetailsElement} */ (field.closest("details.dsf-fold"));
      const card = /** @type {HTMLElement | null} */ (link.closest(".tour.on"));
      part.open = true;
      part.style.scrollMarginBottom = `${card?.offsetHeight ?? 0}px`;
      setTimeout(() => part.scrollIntoView({ block: "nearest" }), 150); // once it is drawn
    }
  }

  /** @param {HTMLElement} box */
  function tour(box) {
    const steps = all(":scope > ol > li", box);
    let at = -1;
    const where = make("span", { role: "status" });
    const back = button("Back", () => go(at - 1));
    const next = button("", () => go(at + 1));
    function show() {
      box.classList.toggle("on", at >= 0);
      for (const [i, step] of steps.entries()) step.hidden = at >= 0 && i !== at;
      back.hidden = at < 1;
      next.textContent = at < 0 ? "Start the tour" : at === steps.length - 1 ? "Show all" : "Next";
      where.textContent = at < 0 ? "" : `Step ${at + 1} of ${steps.length}`;
    }
    /** @param {number} to */
    function go(to) {
      at = to < steps.length ? to : -1;
      show();
      if (at < 0) return;
      const link = /** @type {HTMLAnchorElement} */ (first("a.set", steps[at]));
      link.click();
      // The figure from its top, to which a tall one does not come by itself; the step stays at the foot of the screen.
      const figure = document.getElementById(link.hash.slice(1).split(":")[0]);
      setTimeout(() => figure?.scrollIntoView({ block: "start" }), 60); // after the address has brought it near
    }
    box.append(make("div", { class: "tour-steps" }, back, next, where));
    window.addEventListener("beforeprint", () => {
      for (const step of steps) step.hidden = false;
    });
    window.addEventListener("afterprint", show);
    show();
  }

  /** @param {HTMLElement} list */
  function progress(list) {
    const counts = all("[data-keys]", list).map((node) => ({
      node,
      keys: node.dataset.keys?.split(" ") ?? [],
      words: node.textContent,
    }));
    const said = make("p", { role: "status" });
    const clear = button("Forget all of it", () => {
      forget();
      show();
      said.textContent = "Forgotten.";
    });
    function show() {
      kept = stored() ?? kept;
      for (const { node, keys, words } of counts) {
        const done = keys.filter((key) => kept.has(key)).length;
        node.textContent = `${done} of ${words} ${node.dataset.kind === "predict" ? "committed" : "right"}`;
        node.classList.toggle("done", done === keys.length);
      }
    }
    list.after(clear, said);
    for (const event of ["storage", "pageshow"]) window.addEventListener(event, show);
    show();
  }

  for (const [selector, start] of Object.entries({
    ".ask": ask,
    "a.set": setter,
    ".tour": tour,
    ".tally": progress,
  })) {
    for (const node of all(selector)) {
      try {
        start(node);
      } catch (error) {
        reportError(error); // the others come all the same
      }
    }
  }
})();
