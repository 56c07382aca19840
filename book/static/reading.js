/* Finding one's way: the search from every page, and what a link leads to before one follows it. */
"use strict";

const siteRoot = new URL("..", document.currentScript.src);

function fetchFromSite(path) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(path, siteRoot);
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    document.head.append(script);
  });
}

comfort(function searching() {
  const dialog = document.getElementById("search-dialog"); // the search page has its field in the text
  const field = document.getElementById("search-input");
  let fetched = !dialog;

  function open() {
    if (!fetched) fetchFromSite("_static/search.js");
    fetched = true;
    const menu = document.getElementById("menu");
    if (menu.matches(":popover-open")) menu.hidePopover();
    if (dialog && !dialog.open) dialog.showModal();
    field.focus();
    field.select();
  }

  document.getElementById("search-opener").addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    const writing = event.target.closest?.(
      "input:not([type=range], [type=checkbox], [type=radio]), textarea, [contenteditable]",
    );
    const slash = event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey;
    const control =
      event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!slash && !control) return;
    event.preventDefault();
    open();
  });
  if (!dialog) return;
  document.getElementById("search-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target }) => {
    if (target.closest("a")) dialog.close(); // the result may be on this page
  });
});

comfort(function previews() {
  // Of equations, theorems, exercises, sources and terms; `book/sphinx/previews.py` has the same list.
  const shown = "div.equation, div.admonition, div.citation, dt";
  const leftOut = "details, script, .headerlink, .backrefs, .label";
  const box = document.createElement("div");
  box.id = "preview";
  box.className = "preview";
  box.setAttribute("role", "tooltip");
  box.popover = "manual";
  document.querySelector("main").append(box);
  let over = null; // the link whose preview is open or about to be
  let opening;
  let closing;

  /* A copy of the target of a link on this page, as HTML. */
  function markup(target) {
    if (!target?.matches(shown)) return null;
    if (target.localName !== "dt") return target.outerHTML;
    const meaning = target.nextElementSibling;
    return (
      target.outerHTML + ((target.querySelector(".descname") ? meaning?.querySelector("p") : meaning)?.outerHTML ?? "")
    );
  }

  let others;
  async function find(link) {
    const address = new URL(link.href);
    if (address.pathname === location.pathname) return markup(targetOf(address.hash));
    others ??= fetchFromSite("_static/previews.js");
    await others;
    const page = address.pathname.slice(siteRoot.pathname.length);
    return window.dsfPreviews[`${page}${decodeURIComponent(address.hash)}`] ?? null;
  }

  function place(link) {
    const { left, bottom, top } = link.getClientRects()[0];
    const { offsetWidth, offsetHeight } = box;
    const below = bottom + offsetHeight + 12 < innerHeight || top < offsetHeight + 60;
    box.style.left = `${Math.max(8, Math.min(left, document.documentElement.clientWidth - offsetWidth - 8))}px`;
    box.style.top = `${below ? bottom + 4 : top - offsetHeight - 4}px`;
  }

  async function show(link) {
    const html = await find(link).catch(() => null); // without it the link is a link
    if (!html || over !== link) return;
    box.innerHTML = html;
    for (const node of box.querySelectorAll(leftOut)) node.remove();
    for (const node of box.querySelectorAll("[id], [href], [tabindex]")) {
      for (const name of ["id", "href", "tabindex"]) node.removeAttribute(name);
    }
    box.showPopover();
    place(link);
    link.setAttribute("aria-describedby", box.id);
  }

  function hide() {
    clearTimeout(opening);
    clearTimeout(closing);
    over?.removeAttribute("aria-describedby");
    over = null;
    if (box.matches(":popover-open")) box.hidePopover();
  }

  function wait(link, milliseconds) {
    clearTimeout(closing);
    if (link === over) return;
    hide();
    over = link;
    opening = setTimeout(show, milliseconds, link);
  }

  const linkOf = (node) => node.closest?.("article a[href*='#']:not(.headerlink, .eqno)");
  document.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType === "touch") return; // a tap follows the link
    const link = linkOf(target);
    if (link) wait(link, 250);
    else if (box.contains(target)) clearTimeout(closing);
    else if (over && !over.matches(":focus-visible")) {
      clearTimeout(closing);
      closing = setTimeout(hide, 250); // time to reach the preview itself
    }
  });
  document.addEventListener("focusin", ({ target }) => {
    const link = linkOf(target);
    if (link?.matches(":focus-visible")) wait(link, 0);
    else hide();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  window.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("click", hide);
});
