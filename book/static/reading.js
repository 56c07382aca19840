/* Finding one's way: the search from every page, and what a link leads to before one follows it. */
"use strict";

const siteRoot = new URL("..", /** @type {HTMLScriptElement} */ (document.currentScript).src);

/* A script of the site, fetched when it is needed. */
/**
 * @param {string} path
 * @returns {Promise<Event>}
 */
function fetchFromSite(path) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(path, siteRoot).href;
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    document.head.append(script);
  });
}

comfort(function searching() {
  /** @type {HTMLDialogElement | null} */
  const dialog = document.querySelector("#search-dialog"); // the search page has its field in the text
  const field = /** @type {HTMLInputElement} */ (document.getElementById("search-input"));
  let fetched = !dialog;

  function open() {
    if (!fetched) fetchFromSite("_static/search.js");
    fetched = true;
    const menu = document.getElementById("menu");
    if (menu?.matches(":popover-open")) menu.hidePopover();
    if (dialog && !dialog.open) dialog.showModal();
    field.focus();
    field.select();
  }

  document.getElementById("search-opener")?.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    const held = event.ctrlKey || event.metaKey;
    if (event.altKey || (event.shiftKey && key !== "/")) return; // some keyboards write / with Shift
    const texts = "input:not([type=range], [type=checkbox], [type=radio]), textarea, [contenteditable]";
    const writing = event.target instanceof Element && event.target.closest(texts);
    if (!(held ? key === "k" : key === "/" && !writing)) return;
    event.preventDefault();
    open();
  });
  if (!dialog) return;
  document.getElementById("search-close")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // else it empties the field first
    dialog.close();
  });
  dialog.addEventListener("click", ({ target }) => {
    // The result may be on this page.
    if (target instanceof Element && target.closest("a")) dialog.close();
  });
});

comfort(function previews() {
  // Of equations, theorems, exercises, sources and terms; `book/sphinx/previews.py` has the same lists.
  const shown = "div.equation, div.admonition, div.citation, dt";
  const leftOut = "details, script, .headerlink, .backrefs, .label";
  const box = document.createElement("div");
  box.id = "preview";
  box.className = "preview";
  box.setAttribute("role", "tooltip");
  box.popover = "manual";
  document.querySelector("main")?.append(box);
  /** @type {HTMLAnchorElement | null} */
  let over = null; // the link whose preview is open or about to be
  /** @type {number | undefined} */
  let opening;
  /** @type {number | undefined} */
  let closing;

  /* The HTML of a target on this page; a term or a name brings what is said about it. */
  /** @param {Element | null} target */
  function markup(target) {
    if (!target?.matches(shown)) return null;
    const meaning = target.localName === "dt" ? target.nextElementSibling : null;
    const told = target.querySelector(".descname") ? meaning?.querySelector("p") : meaning;
    return target.outerHTML + (told?.outerHTML ?? "");
  }

  /** @type {Promise<Event> | undefined} */
  let others;
  /** @param {HTMLAnchorElement} link */
  async function find(link) {
    if (link.pathname === location.pathname) return markup(targetOf(link.hash));
    others ??= fetchFromSite("_static/previews.js");
    await others;
    const page = link.pathname.slice(siteRoot.pathname.length);
    return window.dsfPreviews[page + decodeURIComponent(link.hash)] ?? null;
  }

  /** @param {HTMLAnchorElement} link */
  function place(link) {
    const { left, bottom, top } = link.getClientRects()[0];
    const { offsetWidth, offsetHeight } = box;
    const below = bottom + offsetHeight + 12 < innerHeight || top < offsetHeight + 60;
    const right = document.documentElement.clientWidth - offsetWidth - 8;
    box.style.left = `${Math.max(8, Math.min(left, right))}px`;
    box.style.top = `${below ? bottom + 4 : top - offsetHeight - 4}px`;
  }

  /** @param {HTMLAnchorElement} link */
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

  /**
   * @param {HTMLAnchorElement} link
   * @param {number} milliseconds
   */
  function wait(link, milliseconds) {
    clearTimeout(closing);
    if (link === over) return;
    hide();
    over = link;
    opening = window.setTimeout(show, milliseconds, link);
  }

  /**
   * @param {EventTarget | null} node
   * @returns {HTMLAnchorElement | null}
   */
  const linkOf = (node) =>
    node instanceof Element ? node.closest("article a[href*='#']:not(.headerlink, .eqno)") : null;
  document.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType === "touch") return; // a tap follows the link
    const link = linkOf(target);
    if (link) wait(link, 250);
    else if (target instanceof Node && box.contains(target)) clearTimeout(closing);
    else if (over && !over.matches(":focus-visible")) {
      clearTimeout(closing);
      closing = window.setTimeout(hide, 250); // time to reach the preview itself
    }
  });
  document.addEventListener("focusin", ({ target }) => {
    const link = linkOf(target);
    if (link?.matches(":focus-visible")) wait(link, 0);
    else hide();
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") hide();
  });
  window.addEventListener(
    "scroll",
    () => {
      // The keyboard brings the link that it reaches into view: the preview goes along.
      if (!over?.matches(":focus-visible")) hide();
      else if (box.matches(":popover-open")) place(over);
    },
    { passive: true },
  );
  document.addEventListener("click", hide);
});
