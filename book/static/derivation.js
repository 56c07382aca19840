/* A derivation step by step: what two equations share moves from its place in the one to its place in the other. */
"use strict";

(() => {
  const MOVE_MS = 1100;
  const EASING = "cubic-bezier(0.45, 0, 0.2, 1)";
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {string} selector @param {ParentNode} root */
  const all = (selector, root) => /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);

  /** @param {string} tag @param {Record<string, string>} attributes @param {...(Node | string)} children */
  function make(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  /** @param {string} text @param {() => void} click @param {Record<string, string>} [more] */
  function button(text, click, more = {}) {
    const node = make("button", { type: "button", ...more }, text);
    node.addEventListener("click", click);
    return node;
  }

  /* What moves as one: a letter with its indices, a sign, the bar of a fraction. One key, one look. */
  /** @typedef {{ node: HTMLElement, key: string, part: boolean, box: DOMRect }} Atom */
  /** @param {HTMLElement} step */
  function atoms(step) {
    /** @type {Atom[]} */
    const found = [];
    /** @param {HTMLElement} node */
    function visit(node) {
      const children = /** @type {HTMLElement[]} */ ([...node.children]);
      const part = node.matches("[class*='part-']");
      if (!part && children.length && !children.some((child) => child.matches(".msupsub"))) {
        children.forEach(visit);
        return;
      }
      const text = node.matches(".frac-line") ? "/" : node.textContent.replace(/[\s\u200b]/g, "");
      const key = `${text} ${getComputedStyle(node).fontSize}`;
      if (text) found.push({ node, key, part, box: node.getBoundingClientRect() });
    }
    for (const formula of all(".equation .katex-html", step)) visit(formula);
    return found;
  }

  /* Where each atom comes from, the nearest first. A coloured letter may split: divide a sum by it. */
  /** @param {Atom[]} before @param {Atom[]} after */
  function origins(before, after) {
    const pairs = after
      .flatMap((to) => before.filter(({ key }) => key === to.key).map((from) => ({ from, to })))
      .map(({ from, to }) => ({ from, to, far: Math.hypot(from.box.x - to.box.x, from.box.y - to.box.y) }))
      .sort((a, b) => a.far - b.far);
    /** @type {Map<Atom, Atom>} */
    const found = new Map();
    const moved = new Set();
    for (const { from, to } of pairs) {
      if (found.has(to) || moved.has(from)) continue;
      found.set(to, from);
      moved.add(from);
    }
    for (const { from, to } of pairs) if (to.part && !found.has(to)) found.set(to, from);
    return found;
  }

  /* Both equations are laid out, one on the other. What has gone fades, what is new comes last. */
  /** @param {HTMLElement} before @param {HTMLElement} after */
  function transition(before, after) {
    const [gone, come] = [atoms(before), atoms(after)];
    const from = origins(gone, come);
    const moved = new Set(from.values());
    /** @type {Animation[]} */
    const running = [];
    /** @param {Atom} atom @param {Keyframe[]} frames */
    const run = ({ node }, frames) => running.push(node.animate(frames, { duration: MOVE_MS, easing: EASING }));
    for (const atom of gone)
      run(atom, [{ opacity: moved.has(atom) ? 0 : 1 }, { opacity: 0, offset: 0.4 }, { opacity: 0 }]);
    for (const atom of come) {
      const origin = from.get(atom);
      if (!origin) {
        run(atom, [{ opacity: 0 }, { opacity: 0, offset: 0.6 }, { opacity: 1 }]);
        continue;
      }
      const [x, y] = [origin.box.x - atom.box.x, origin.box.y - atom.box.y];
      atom.node.style.position = "relative"; // a transform would not move what stands in a line of text
      run(atom, [
        { left: `${x}px`, top: `${y}px` },
        { left: "0px", top: "0px" },
      ]);
    }
    before.classList.add("leaves");
    return {
      running,
      end() {
        for (const animation of running) animation.cancel();
        for (const { node } of come) node.style.removeProperty("position");
        before.classList.remove("leaves");
      },
    };
  }

  /** @param {HTMLElement} block @param {number} number */
  function start(block, number) {
    const steps = all(":scope > .step", block);
    let at = 0;
    let end = () => {};
    const said = make("span", { role: "status", class: "visually-hidden" });
    const back = button("Back", () => go(at - 1));
    const next = button("Next", () => go(at + 1));
    const whole = button("All steps", () => {
      const live = block.classList.toggle("live");
      for (const part of [marks, back, next]) part.hidden = !live;
      whole.textContent = live ? "All steps" : "Step by step";
      show();
    });
    const tabs = steps.map((step, i) => {
      step.id ||= `derivation-${number}-${i + 1}`;
      const tab = { role: "tab", id: `${step.id}-tab`, "aria-controls": step.id, "aria-label": `Step ${i + 1}` };
      return button(`${i + 1}`, () => go(i), tab);
    });
    const marks = make("div", { role: "tablist", "aria-label": "Steps" }, ...tabs);
    const bar = make("div", { class: "derivation-bar" }, marks, back, next, whole, said);

    function show() {
      const live = block.classList.contains("live");
      for (const [i, step] of steps.entries()) {
        step.classList.toggle("here", i === at);
        tabs[i].setAttribute("aria-selected", `${i === at}`);
        tabs[i].tabIndex = i === at ? 0 : -1;
        if (live) {
          step.setAttribute("role", "tabpanel");
          step.setAttribute("aria-labelledby", tabs[i].id);
        } else for (const name of ["role", "aria-labelledby"]) step.removeAttribute(name);
      }
      back.setAttribute("aria-disabled", `${at === 0}`); // not disabled, which would take the focus
      next.setAttribute("aria-disabled", `${at === steps.length - 1}`);
      said.textContent = live ? `Step ${at + 1} of ${steps.length}` : `${steps.length} steps`;
    }

    /** @param {number} to @param {boolean} [moving] */
    function go(to, moving = !still.matches) {
      if (to === at || !steps[to]) return;
      end();
      const [before, after] = [steps[at], steps[to]];
      at = to;
      show();
      if (!moving) return;
      const { running, end: stop } = transition(before, after);
      end = stop;
      Promise.all(running.map(({ finished }) => finished)).then(stop, () => {}); // or the next step came first
    }

    bar.addEventListener("keydown", (event) => {
      /** @type {Record<string, number>} */
      const keys = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: steps.length - 1 };
      const plain = !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
      if (!(event.key in keys && plain && block.classList.contains("live"))) return;
      event.preventDefault();
      go(keys[event.key]);
      if (marks.contains(document.activeElement)) tabs[at].focus();
    });

    /* A link to an equation leads to its step. */
    const follow = () => {
      const target = document.getElementById(location.hash.slice(1));
      const to = steps.findIndex((step) => target && step.contains(target));
      if (to >= 0) go(to, false);
    };
    window.addEventListener("hashchange", follow);
    block.prepend(bar);
    block.classList.add("live");
    show();
    follow();
  }

  for (const [number, block] of all(".derivation", document).entries()) {
    try {
      start(block, number + 1);
    } catch (error) {
      reportError(error); // the others come all the same
    }
  }
})();
