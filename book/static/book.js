/* Comforts of a page that is complete without them: colours, copying, keyboard, printing. */
"use strict";

(function colours() {
  const button = document.getElementById("theme-button");
  const names = { "": "as the system", light: "light", dark: "dark" };
  const current = () => document.documentElement.dataset.theme || "";

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
})();

(function copying() {
  if (!navigator.clipboard) return;
  for (const block of document.querySelectorAll(".cell_input .highlight, div.highlight-python .highlight, div.highlight-bash .highlight")) {
    if (block.querySelector(".copy-button")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy-button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy this code");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("pre").innerText);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.append(button);
  }
})();

(function keyboardScrolling() {
  // A box that scrolls sideways must be reachable by keyboard; one that does not must not be a stop.
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
})();

(function folded() {
  const openTarget = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const closed = target && target.parentElement.closest("details:not([open])");
    if (!closed) return;
    for (let node = closed; node; node = node.parentElement.closest("details")) node.open = true;
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", openTarget);
  openTarget();

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("article details:not([open])")];
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();

(function whereAmI() {
  const links = new Map();
  for (const link of document.querySelectorAll(".on-this-page-wide a[href^='#']")) {
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (section) links.set(section, link);
  }
  if (!links.size) return;
  const visible = new Set();
  const observer = new IntersectionObserver((entries) => {
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
  }, { rootMargin: "-15% 0px -70% 0px" });
  for (const section of links.keys()) observer.observe(section);
})();
