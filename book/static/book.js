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
  /** @type {HTMLDetailsElement[]} */
  let opened = [];
  window.addEventListener("beforeprint", () => {
    /** @type {NodeListOf<HTMLDetailsElement>} */
    const closed = document.querySelectorAll("article details:not([open])");
    opened = [...closed];
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
});

comfort(function whereAmI() {
  const links = new Map();
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const all = document.querySelectorAll(".on-this-page-wide a[href^='#']");
  for (const link of all) {
    const section = targetOf(link.hash);
    if (section) links.set(section, link);
  }
  if (!links.size) return;
  const visible = new Set();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) visible.add(entry.target);
        else visible.delete(entry.target);
      }
      const here = [...links.keys()].filter((section) => visible.has(section)).pop();
      for (const [section, link] of links) {
        link.classList.toggle("here", section === here);
        if (section === here) link.setAttribute("aria-current", "location");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "-15% 0px -70% 0px" },
  );
  for (const section of links.keys()) observer.observe(section);
});
