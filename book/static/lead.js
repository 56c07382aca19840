/* Leads the reader through a page that is complete without: predictions and questions become forms,
   links set figures, tours go step by step, and what was answered is remembered in this browser. */
"use strict";

(() => {
  const STORE = "dsf-progress"; // key -> the option committed to, or "right"
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") node.addEventListener(name, value);
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  const button = (text, click) => make("button", { type: click ? "button" : "submit", ...(click && { click }) }, text);

  /* What is remembered; storage may be closed, as in a private window, or hold what nobody here wrote. */
  let kept = new Map();
  try {
    const stored = JSON.parse(localStorage.getItem(STORE));
    if (stored && typeof stored === "object") kept = new Map(Object.entries(stored).filter(([, value]) => typeof value === "string"));
  } catch {
    // Nothing is remembered then.
  }

  function keep(key, value) {
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
      localStorage.removeItem(STORE);
    } catch {
      // There was nothing.
    }
  };

  /* A number as readers write it: 0.5, 0,5, 1/3, 1e-3; NaN for anything else. */
  function number(text) {
    const parts = text.trim().replace(/\u2212/g, "-").replace(",", ".").split("/");
    if (parts.length > 2 || parts.some((part) => !part.trim())) return NaN;
    return parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(parts[0]);
  }

  const SIGNS = {
    "=": (a, b) => a === b, "!=": (a, b) => a !== b,
    "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
  };
  const meets = (state, when) => JSON.parse(when).every(([name, sign, value]) => {
    const is = typeof value === "string" ? String(state[name]) : state[name];
    return SIGNS[sign](is, value);
  });

  /* For each kind: controls put into the form; `given()` what the reader says, null for nothing;
     `judge(given)` whether it is right, which reply belongs to it, and words of its own. */
  const KINDS = {
    choice(block, form) {
      const name = block.id;
      const items = all(".options > li", block);
      for (const item of items) {
        const input = make("input", { type: "radio", name, value: item.dataset.option });
        const text = make("span");
        text.append(...all(":scope > p", item).flatMap((paragraph) => [...paragraph.childNodes]));
        item.replaceChildren(make("label", {}, input, text));
      }
      items[0].parentElement.setAttribute("role", "radiogroup");
      items[0].parentElement.setAttribute("aria-labelledby", `${name}-title`);
      for (const item of items) item.setAttribute("role", "presentation");
      form.append(items[0].parentElement);
      return {
        missing: "Choose one first.",
        given: () => form.querySelector("input:checked")?.value ?? null,
        judge: (given) => ({ right: given === block.dataset.right, option: given }),
      };
    },
    number(block, form) {
      const input = make("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
      form.append(make("label", {}, "Your answer ", input));
      const { right, tolerance } = block.dataset;
      const near = (a, b) => Math.abs(a - b) <= Number(tolerance) + 1e-9 * Math.abs(b);
      return {
        missing: "Give a number, such as 0.5 or 1/3.",
        given: () => (Number.isFinite(number(input.value)) ? number(input.value) : null),
        judge(given) {
          const known = all(".replies > li", block).find((item) => near(given, Number(item.dataset.option)));
          return { right: near(given, Number(right)), option: known?.dataset.option };
        },
      };
    },
    order(block, form) {
      const list = block.querySelector(".options");
      for (const item of [...list.children]) {
        const text = item.textContent.trim();
        const move = (up) => ({ currentTarget: pressed }) => {
          const other = up ? item.previousElementSibling : item.nextElementSibling;
          if (up) other?.before(item);
          else other?.after(item);
          pressed.focus();
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
        given: () => [...list.children].map((item) => item.dataset.option),
        judge(given) {
          const wrong = given.findIndex((place, i) => place !== String(i));
          const words = wrong > 0 ? `The first ${wrong > 1 ? `${wrong} are` : "one is"} in place.` : "The first one is not in place.";
          return { right: wrong < 0, option: String(wrong), words: wrong < 0 ? "" : words };
        },
      };
    },
    set(block) {
      const { figure, right } = block.dataset;
      const state = () => document.getElementById(figure)?.dsfState?.() ?? null;
      return {
        missing: "The figure is not alive on this page.",
        given: state,
        judge(given) {
          const known = all(".replies > li[data-when]", block).find((item) => meets(given, item.dataset.when));
          return { right: meets(given, right), option: known?.dataset.option };
        },
      };
    },
  };
  KINDS.predict = KINDS.choice;

  function ask(block) {
    const { kind, key } = block.dataset;
    const predicts = kind === "predict";
    const answer = block.querySelector(":scope > .answer");
    const line = answer.querySelector("summary");
    const form = make("form", { novalidate: "" });
    const reply = make("div", { class: "reply", role: "status" });
    const control = KINDS[kind](block, form);
    const submit = button(predicts ? "Commit" : "Check");
    const without = make("span", { class: "without" }, predicts ? ", without a guess" : ", without an attempt");
    const replies = all(".replies > li", block);
    line.append(without);
    form.append(submit);
    block.querySelector(":scope > .asked").append(form, reply);

    function show(given) {
      const verdict = control.judge(given);
      const known = replies.find((item) => item.dataset.option === verdict.option)
        ?? (verdict.right ? null : replies.find((item) => item.dataset.option === "else"));
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

    function commit(option) {
      const { right } = show(option);
      block.dataset.guess = option;
      for (const input of all("input", form)) {
        input.checked = input.value === option;
        input.disabled = true;
      }
      for (const item of all(".options > li", form)) {
        item.classList.toggle("right", item.dataset.option === block.dataset.right);
        item.classList.toggle("wrong", !right && item.dataset.option === option);
      }
      submit.textContent = "Guess again";
      reveal();
      const detail = { id: block.id, option, right };
      block.dispatchEvent(new CustomEvent("dsf-guess", { bubbles: true, detail }));
    }

    function again() {
      delete block.dataset.guess;
      for (const input of all("input", form)) {
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
      if (block.dataset.guess) return again();
      const given = control.given();
      if (given === null) {
        reply.className = "reply";
        return reply.replaceChildren(control.missing);
      }
      if (predicts) {
        keep(key, given);
        return commit(given);
      }
      if (show(given).right) {
        keep(key, "right");
        reveal();
      }
    });

    const before = kept.get(key);
    const options = all(".options > li", form).map((item) => item.dataset.option);
    if (predicts && options.includes(before)) commit(before);
    if (!predicts && before === "right") reply.replaceChildren("✓ Answered before.");
  }

  /* A link that sets a figure: it keeps what it does not name, and what has changed lights up. */
  function setter(link) {
    const figure = document.getElementById(link.hash.slice(1));
    if (!figure) return;
    link.href = `#${figure.id}:${link.dataset.set}`;
    link.addEventListener("click", () => {
      const before = figure.dsfState?.() ?? {};
      const same = location.hash === link.hash; // the figure has been turned since, the address not
      if (same) window.dispatchEvent(new HashChangeEvent("hashchange"));
      setTimeout(() => {
        const after = figure.dsfState?.() ?? {};
        const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
        const fields = changed.flatMap((name) => all(`.dsf-field-${CSS.escape(name)}`, figure));
        for (const node of fields.length ? fields : [figure]) {
          node.classList.add("lit");
          setTimeout(() => node.classList.remove("lit"), 1600);
        }
      }, 50);
    });
  }

  function tour(box) {
    const steps = all(":scope > ol > li", box);
    let at = -1;
    const where = make("span", { role: "status" });
    const back = button("Back", () => go(at - 1));
    const next = button("", () => go(at + 1));
    function show() {
      steps.forEach((step, i) => { step.hidden = at >= 0 && i !== at; });
      back.hidden = at < 1;
      next.textContent = at < 0 ? "Start the tour" : at === steps.length - 1 ? "Show all" : "Next";
      where.textContent = at < 0 ? "" : `Step ${at + 1} of ${steps.length}`;
    }
    function go(to) {
      at = to < steps.length ? to : -1;
      show();
      if (at >= 0) steps[at].querySelector("a.set")?.click();
    }
    box.append(make("div", { class: "tour-steps" }, back, next, where));
    window.addEventListener("beforeprint", () => { for (const step of steps) step.hidden = false; });
    window.addEventListener("afterprint", show);
    show();
  }

  function progress(list) {
    const counts = all("[data-keys]", list).map((node) => [node, node.dataset.keys.split(" "), node.textContent]);
    const said = make("p", { role: "status" });
    const clear = button("Forget all answers", () => {
      forget();
      show();
      said.textContent = "Forgotten.";
    });
    function show() {
      for (const [node, keys, words] of counts) {
        const done = keys.filter((key) => kept.has(key)).length;
        node.textContent = `${done} of ${words} ${node.dataset.kind === "predict" ? "committed" : "right"}`;
        node.classList.toggle("done", done === keys.length);
      }
    }
    list.after(clear, said);
    show();
  }

  const parts = [[".ask", ask], ["a.set", setter], [".tour", tour], ["ul.progress", progress]];
  for (const [selector, start] of parts) {
    for (const node of all(selector)) {
      try {
        start(node);
      } catch (error) {
        reportError(error); // the others come all the same
      }
    }
  }
})();
