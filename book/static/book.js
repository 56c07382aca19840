/* Comforts of a page that is complete without them: colours, copying, keyboard, printing. */
"use strict";

/* Comforts stand alone: what goes wrong in one is an error on the console, and the others come all the same. */
/** @param {() => void} start */
function comfort(start) {
  try {
    start();
  } catch (error) {
    reportError(error);
  }
}

/* The element that a hash such as `#name` leads to, or null; as browsers do, by its name as it is written first. */
/** @param {string} hash */
function targetOf(hash) {
  const name = hash.slice(1);
  const found = document.getElementById(name);
  if (found) return found;
  try {
    return document.getElementById(decodeURIComponent(name));
  } catch {
    return null; // a % that stands for nothing
  }
}

comfort(function colours() {
  const button = /** @type {HTMLButtonElement} */ (document.getElementById("theme-button"));
  /** @type {Record<string, string>} */
  const names = { "": "as the system", light: "light", dark: "dark" };
  const current = () => document.documentElement.dataset.theme || "";

  /** @param {string} theme */
  function show(theme) {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    button.setAttribute("aria-label", `Colours: ${names[theme]}. Change`);
    button.title = `Colours: ${names[theme]}`;
  }

  button.hidden = false;
  show(current());
  button.addEventListener("click", () => {
    const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    const order = dark ? ["", "light", "dark"] : ["", "dark", "light"];
    const theme = order[(order.indexOf(current()) + 1) % order.length];
    show(theme);
    try {
      if (theme) localStorage.setItem("dsf-theme", theme);
      else localStorage.removeItem("dsf-theme");
    } catch {
      // Storage may be closed, as in a private window: the choice then lasts for this page.
    }
  });
});

comfort(function copying() {
  if (!navigator.clipboard) return;
  const code = ":is(.cell_input, div.highlight-python, div.highlight-bash) .highlight";
  for (const block of document.querySelectorAll(code)) {
    if (block.querySelector(".copy-button")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy-button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy this code");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("pre")?.textContent ?? "");
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = "Copy";
      }, 1500);
    });
    block.append(button);
  }
});

comfort(function keyboardScrolling() {
  // A box that scrolls sideways must be reachable by keyboard; one that does not must not be a stop.
  /** @type {NodeListOf<HTMLElement>} */
  const boxes = document.querySelectorAll(".equation-body, .highlight pre, .table-box, .cell_output");
  const update = () => {
    for (const box of boxes) {
      const scrolls = box.scrollWidth > box.clientWidth + 1;
      box.classList.toggle("scrolls", scrolls);
      if (scrolls) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  update();
  document.fonts.ready.then(update);
  document.addEventListener("toggle", update, true);
  window.addEventListener("resize", update);
});

comfort(function folded() {
  const openTarget = () => {
    const target = targetOf(location.hash);
    const closed = target?.parentElement?.closest("details:not([open])");
    if (!closed) return;
    for (let node = closed.closest("details"); node; node = node.parentElement?.closest("details") ?? null) {
      node.open = true;
    }
    target?.scrollIntoView();
  };
  window.addEventListener("hashchange", openTarget);
  openTarget();
});

comfort(function printing() {
  // Paper shows what is folded. A hand-out, asked for by `?handout` or by the button, leaves the answers out.
  const root = document.documentElement;
  const answers = ".solution, .answer";
  /** @param {boolean} wanted */
  const asHandout = (wanted) => root.classList.toggle("handout", wanted);
  const inAddress = new URLSearchParams(location.search).has("handout");
  asHandout(inAddress);
  /** @type {HTMLDetailsElement[]} */
  let opened = [];
  window.addEventListener("beforeprint", () => {
    /** @type {NodeListOf<HTMLDetailsElement>} */
    const closed = document.querySelectorAll("article details:not([open])");
    const isHandout = root.classList.contains("handout");
    opened = [...closed].filter((details) => !(isHandout && details.matches(answers)));
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
    asHandout(inAddress);
  });
  const options = /** @type {HTMLElement} */ (document.getElementById("print-options"));
  options.hidden = false;
  const line = document.querySelector(".launch"); // at the top, where one looks for it
  if (line) {
    const link = document.createElement("a");
    link.href = `#${options.id}`;
    link.textContent = "print, or make a hand-out";
    line.append(" · ", link);
  }
  options.addEventListener("click", ({ target }) => {
    const kind = target instanceof HTMLElement ? target.dataset.print : undefined;
    if (kind === undefined) return;
    asHandout(kind === "handout");
    window.print();
  });
});

comfort(function whereAmI() {
  // The section on the screen: marked in the contents, named in the bar; and how far one has read, as a line.
  const menu = /** @type {HTMLElement} */ (document.getElementById("menu"));
  const name = /** @type {HTMLAnchorElement} */ (document.getElementById("section-here"));
  /** @type {Map<Element, HTMLAnchorElement>} */
  const links = new Map();
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const all = menu.querySelectorAll(".page-sections a[href^='#']");
  for (const link of all) {
    const section = targetOf(link.hash);
    if (section) links.set(section, link);
  }
  /** @param {HTMLAnchorElement | undefined} here */
  function show(here) {
    for (const link of links.values()) {
      link.classList.toggle("here", link === here);
      if (link === here) link.setAttribute("aria-current", "location");
      else link.removeAttribute("aria-current");
    }
    name.hidden = !here;
    window.dispatchEvent(new Event("dsf-section"));
    if (!here) return;
    name.replaceChildren(...here.cloneNode(true).childNodes);
    name.href = here.hash;
    const inside = here.offsetTop - menu.scrollTop;
    if (inside < 0 || inside > menu.clientHeight - 60) menu.scrollTop = here.offsetTop - menu.clientHeight / 2;
  }
  /** @type {Set<Element>} */
  const visible = new Set();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) visible.add(target);
        else visible.delete(target);
      }
      const sections = [...links.keys()].filter((section) => visible.has(section));
      show(sections.length ? links.get(sections[sections.length - 1]) : undefined);
    },
    { rootMargin: "-15% 0px -70% 0px" },
  );
  for (const section of links.keys()) observer.observe(section);
  menu.addEventListener("click", ({ target }) => {
    const followed = target instanceof Element && target.closest("a");
    if (followed && menu.matches(":popover-open")) menu.hidePopover();
  });

  const line = /** @type {HTMLElement} */ (document.getElementById("progress"));
  const text = /** @type {HTMLElement} */ (document.querySelector("article"));
  function draw() {
    const { top, height } = text.getBoundingClientRect();
    line.style.scale = `${Math.min(Math.max(-top / Math.max(height - innerHeight, 1), 0), 1)} 1`;
  }
  window.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true }); // one event a frame
  draw();
});
