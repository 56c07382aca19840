/* Where the reader was: remembered in this browser, and offered to those who come back. */
"use strict";

comfort(function comingBack() {
  const STORE = "dsf-place"; // address of a chapter -> the section read there; the chapter read last stands last
  /** @typedef {{ id: string, title: string }} Section */

  /* What is remembered; storage may be closed, as in a private window, or hold what nobody here wrote. */
  /** @returns {Map<string, Section>} */
  function stored() {
    try {
      /** @type {[string, Section][]} */
      const found = Object.entries(JSON.parse(localStorage.getItem(STORE) ?? "{}") ?? {});
      return new Map(found.filter(([, at]) => typeof at?.id === "string" && typeof at.title === "string"));
    } catch {
      return new Map();
    }
  }

  const head = document.querySelector(".launch"); // chapters have one
  const address = location.pathname.slice(siteRoot.pathname.length);

  function keep() {
    const here = /** @type {HTMLAnchorElement | null} */ (document.querySelector(".page-sections a.here"));
    if (!here || scrollY === 0) return; // a page that was only opened says nothing of where one reads
    const places = stored();
    places.delete(address); // so that it comes last
    places.set(address, { id: here.hash.slice(1), title: here.textContent ?? "" });
    try {
      localStorage.setItem(STORE, JSON.stringify(Object.fromEntries(places)));
    } catch {
      // Nothing is remembered then.
    }
  }

  /* On a chapter that one begins again: a line under its title, which leads to where one was. */
  function offer() {
    const id = stored().get(address)?.id;
    /** @type {NodeListOf<HTMLAnchorElement>} */
    const sections = document.querySelectorAll(".page-sections a");
    const index = [...sections].findIndex(({ hash }) => hash === `#${id}`);
    if (location.hash || index < 1) return;
    const link = document.createElement("a");
    link.href = sections[index].hash;
    link.textContent = `Continue at “${sections[index].textContent}”`;
    const line = document.createElement("p");
    line.className = "come-back";
    line.append(link);
    head?.after(line);
  }

  /* On the start page and on the page of the progress: a link to where one was last, in any chapter. */
  /** @param {Element} box */
  function lead(box) {
    const link = document.createElement("a");
    link.className = "last-place";
    function show() {
      const [path, section] = [...stored()].pop() ?? [];
      /** @type {NodeListOf<HTMLAnchorElement>} */
      const pages = document.querySelectorAll(".menu a");
      const chapter = [...pages].find(({ pathname }) => pathname === siteRoot.pathname + path); // it may be gone
      link.remove();
      if (!chapter || !section) return;
      link.href = `${chapter.href}#${section.id}`;
      link.textContent = `Continue: ${chapter.textContent} · ${section.title}`;
      box.append(link);
    }
    for (const event of ["storage", "pageshow", "dsf-forget"]) window.addEventListener(event, show);
    show();
  }

  window.addEventListener("dsf-forget", () => {
    try {
      localStorage.removeItem(STORE);
    } catch {
      // There was nothing.
    }
  });
  if (head) {
    offer();
    window.addEventListener("dsf-section", keep);
    keep();
  }
  const start = document.querySelector(".start p");
  if (start) lead(start);
  const tally = document.querySelector(".tally");
  if (tally) {
    const line = document.createElement("p");
    tally.before(line);
    lead(line);
  }
});
