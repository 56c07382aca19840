/* The search: by section, as the reader types. Fetched when somebody searches, and then brings the library
   and the index, as classic scripts, which a page from a file may load too.

   Exact words come first, then words of the same beginning. A word that no page has is read as the
   nearest one that some page has, and the reader is told. A Greek letter and its name are one word. */
"use strict";

/**
 * @typedef {{ word: string, from: number, to: number }} Word a word of a text, as it is sought, and where it stands
 * @typedef {{ id: number, address: string, title: string, path: string, text: string, code: string,
 *   formulas: string, kind: string }} Place
 * @typedef {{ place: Place, matched: Set<string>, exact: number, score: number }} Hit
 * @typedef {{ found: Hit[], asked: string[], read: Map<string, string>, partly: boolean }} Answer what is found, the
 *   words that were sought, which of the reader's were read as another, whether places have some of them only
 */

(function search() {
  const SHOWN = 30; // results
  const WIDTH = 200; // characters of a sentence
  /** @type {Map<string, string>} */
  const LETTERS = new Map(); // no object: what a page says may be “constructor”
  for (const pair of [
    "α alpha,β beta,γ gamma,δ delta,ε epsilon,ϵ epsilon,ζ zeta,η eta,θ theta,ϑ theta,ι iota,κ kappa,λ lambda,μ mu",
    "ν nu,ξ xi,ο omicron,π pi,ρ rho,σ sigma,ς sigma,τ tau,υ upsilon,φ phi,ϕ phi,χ chi,ψ psi,ω omega",
  ].flatMap((line) => line.split(","))) {
    LETTERS.set(pair[0], pair.slice(2));
  }
  // Words that say too little to be sought, unless nothing else is asked for.
  const PLAIN = new Set(
    (
      "a an and are as at be been but by can do does for from has have how if in into is it its no not of on or so " +
      "such than that the their then there these they this to was we what when where which why will with you"
    ).split(" "),
  );

  /* The words of a text: a Greek letter is a word of its own, of H_i are H and i. */
  /**
   * @param {string} text
   * @returns {Generator<Word>}
   */
  function* words(text) {
    const each = /\p{Script=Greek}|(?:(?!\p{Script=Greek})[\p{Lu}\p{Ll}\p{M}\p{Nd}])+/gu;
    for (const match of text.matchAll(each)) {
      const lower = match[0].toLowerCase();
      const word = LETTERS.get(lower) ?? lower.normalize("NFD").replace(/\p{M}/gu, "");
      yield { word, from: match.index, to: match.index + match[0].length };
    }
  }
  /** @param {string} text */
  const terms = (text) => Array.from(words(text), ({ word }) => word);
  /**
   * @param {string} text
   * @param {string} phrase words with a space around each
   */
  const says = (text, phrase) => ` ${terms(text).join(" ")} `.includes(phrase);

  /* What a word and its forms begin with: telescopes, telescoping. */
  /** @param {string} word */
  function stem(word) {
    const short = word.replace(/(ing|ed|e?s|e)$/, "");
    if (short.length >= 5) return short;
    return word.length >= 5 ? word.replace(/s$/, "") : word;
  }

  /* How many letters are to be changed, added, left out or swapped with their neighbour; at most `limit` + 1. */
  /**
   * @param {string} one
   * @param {string} other
   * @param {number} limit
   */
  function distance(one, other, limit) {
    if (Math.abs(one.length - other.length) > limit) return limit + 1;
    /** @type {number[]} */
    let before = [];
    let last = Array.from({ length: other.length + 1 }, (_, j) => j);
    for (let i = 1; i <= one.length; i += 1) {
      const row = [i];
      for (let j = 1; j <= other.length; j += 1) {
        const changed = one[i - 1] === other[j - 1] ? 0 : 1;
        row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + changed);
        const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
        if (swapped) row[j] = Math.min(row[j], before[j - 2] + 1);
      }
      [before, last] = [last, row];
    }
    return last[other.length];
  }

  /* The places of the book, the index of the library over them, and how often the book has each word. */
  async function open() {
    const scripts = ["minisearch/minisearch-7.2.0.js", "search-index.js"];
    await Promise.all(scripts.map((name) => fetchFromSite(`_static/${name}`)));
    const { pages, places } = window.dsfSearchIndex;
    /** @type {Map<string, number>} */
    const counts = new Map();
    const library = new window.MiniSearch({
      fields: ["title", "path", "text", "code", "formulas", "kind"],
      tokenize: terms,
      /** @param {string} word */
      processTerm(word) {
        counts.set(word, (counts.get(word) ?? 0) + 1);
        return word;
      },
      searchOptions: {
        /** @param {string} word */
        processTerm: (word) => word,
        boost: { title: 4, path: 1.5, code: 0.3, kind: 0.3 },
      },
    });
    /** @type {Place[]} */
    const all = places.map(([page, anchor, title, path, text, code, formulas], id) => {
      const [address, name] = pages[page];
      const whole = [name, path].filter((part) => part && part !== title).join(" · ");
      const kind = formulas && "equation formula"; // which the text does not say where one stands
      return { id, address: address + (anchor && `#${anchor}`), title, path: whole, text, code, formulas, kind };
    });
    library.addAll(all);
    return { library, counts, all };
  }
  /** @type {ReturnType<typeof open> | undefined} */
  let opened;

  /* Places with a word, or with one that has the same beginning. */
  /** @param {string} word */
  const having = (word) => ({
    combineWith: "OR",
    queries: [
      { queries: [word], prefix: word.length > 2 },
      { queries: [stem(word)], prefix: word.length > 4, weights: { prefix: 0.1, fuzzy: 0 } },
    ],
  });

  /* The word of the book that is nearest to one that it does not have: by letters, then by how common it is. */
  /**
   * @param {string} word
   * @param {Map<string, number>} counts
   */
  function nearest(word, counts) {
    const limit = word.length < 6 ? 1 : 2;
    let best = { known: "", far: limit + 1, count: 0 };
    for (const [known, count] of counts) {
      const far = known.length < 2 ? limit + 1 : distance(word, known, limit);
      if (far < best.far || (far === best.far && count > best.count)) best = { known, far, count };
    }
    return best.far <= limit ? best.known : null;
  }

  /* What a question leads to, best first. */
  /**
   * @param {string} question
   * @returns {Promise<Answer>}
   */
  async function ask(question) {
    opened ??= open();
    const { library, counts, all } = await opened;
    const read = new Map();
    for (const word of new Set(terms(question))) {
      if (PLAIN.has(word) || library.search(having(word)).length) continue;
      const near = nearest(word, counts);
      if (near) read.set(word, near);
    }
    const asked = terms(question).map((word) => read.get(word) ?? word);
    const telling = asked.filter((word) => !PLAIN.has(word));
    const sought = telling.length ? telling : asked;
    if (!sought.length) return { found: [], asked, read, partly: false };

    let found = library.search({ combineWith: "AND", queries: sought.map(having) });
    const partly = !found.length && sought.length > 1;
    if (partly) found = library.search({ combineWith: "OR", queries: sought.map(having) });
    const phrase = ` ${asked.join(" ")} `;
    const hits = found.map(({ id, score, terms: matched }) => {
      const place = all[id];
      const kind = place.title.startsWith("dsf.") ? 0.4 : 1; // the text comes before the code that it is about
      const close = says(place.title, phrase) ? 4 : says(place.text, phrase) || says(place.formulas, phrase) ? 2 : 1;
      const exact = sought.filter((word) => matched.includes(word)).length;
      return { place, matched: new Set(matched), exact, score: score * kind * close };
    });
    hits.sort((one, other) => other.exact - one.exact || other.score - one.score);
    return { found: hits, asked, read, partly };
  }

  /* The words of a text that a place was found for. */
  /**
   * @param {string} text
   * @param {Set<string>} matched
   */
  const hitsIn = (text, matched) => [...words(text)].filter(({ word }) => matched.has(word) && !PLAIN.has(word));

  /* Text from `start` to `end`, with the hits in marks. */
  /**
   * @param {string} text
   * @param {Word[]} hits
   */
  function marked(text, hits, start = 0, end = text.length) {
    const parts = [];
    let at = start;
    for (const { from, to } of hits) {
      if (from < at || to > end) continue;
      const mark = document.createElement("mark");
      mark.textContent = text.slice(from, to);
      parts.push(text.slice(at, from), mark);
      at = to;
    }
    return [...parts, text.slice(at, end)];
  }

  /* The sentence of a place that has most of the words, best as they were asked for; a long one around them. */
  /**
   * @param {Hit} hit
   * @param {string[]} asked
   */
  function sentence({ place, matched }, asked) {
    const phrase = ` ${asked.join(" ")} `;
    let best = { worth: -1, text: "", hits: /** @type {Word[]} */ ([]) };
    /** @type {[string, number][]} */
    const sources = [
      [place.text, 1],
      [place.code, 0.5],
    ];
    for (const [source, weight] of sources) {
      for (const text of source.split(/\n|(?<=[.!?:;])\s+(?=\p{Lu})/u)) {
        const hits = hitsIn(text, matched);
        const kinds = new Set(hits.map(({ word }) => word));
        const exact = asked.filter((word) => kinds.has(word)).length;
        const worth = weight * (kinds.size + exact + (says(text, phrase) ? 4 : 0));
        if (worth > best.worth) best = { worth, text, hits };
      }
    }
    const { text, hits } = best;
    const first = hits[0]?.from ?? 0;
    const start = text.length > WIDTH && first > WIDTH / 2 ? text.lastIndexOf(" ", first - WIDTH / 3) + 1 : 0;
    const end = text.length - start > WIDTH ? text.lastIndexOf(" ", start + WIDTH) : text.length;
    return [start ? "… " : "", ...marked(text, hits, start, end), end < text.length ? " …" : ""];
  }

  /**
   * @param {Hit} hit
   * @param {string[]} asked
   */
  function result(hit, asked) {
    const { place, matched } = hit;
    const link = document.createElement("a");
    link.href = new URL(place.address, siteRoot).href;
    const parts = {
      path: [place.path],
      title: marked(place.title, hitsIn(place.title, matched)),
      sentence: sentence(hit, asked),
    };
    for (const [name, content] of Object.entries(parts)) {
      const span = document.createElement("span");
      span.className = `result-${name}`;
      span.append(...content);
      link.append(span);
    }
    const item = document.createElement("li");
    item.append(link);
    return item;
  }

  /**
   * @param {Answer} answer
   * @param {string} question
   */
  function report({ found, asked, read, partly }, question) {
    const parts = [];
    if (read.size) {
      const unknown = [...read.keys()].map((word) => `“${word}”`).join(", ");
      parts.push(`The book does not say ${unknown}. Shown is “${asked.join(" ")}”.`);
    }
    if (partly && found.length) parts.push("No place has all of these words; these have some.");
    if (!found.length) parts.push(`Nothing found for “${question}”.`);
    else if (found.length === 1) parts.push("1 place");
    else parts.push(`${found.length} places${found.length > SHOWN ? `, the best ${SHOWN} shown` : ""}`);
    return parts.join(" ");
  }

  /* The question stays in the address of the search page, so that one comes back to its results. */
  /** @param {string} question */
  function remember(question) {
    const address = new URL(location.href);
    if (question) address.searchParams.set("q", question);
    else address.searchParams.delete("q");
    try {
      history.replaceState(null, "", address);
    } catch {
      // Some browsers let a page from a file keep its address only.
    }
  }

  const form = /** @type {HTMLFormElement} */ (document.querySelector("form[role=search]"));
  const field = /** @type {HTMLInputElement} */ (document.getElementById("search-input"));
  const status = /** @type {HTMLElement} */ (document.getElementById("search-status"));
  const list = /** @type {HTMLElement} */ (document.getElementById("search-results"));
  const inAddress = form.dataset.inAddress !== undefined;
  let turn = 0;

  async function update() {
    const question = field.value.trim();
    turn += 1;
    const mine = turn;
    if (inAddress) remember(question);
    /** @type {Answer | null} */
    const answer = question ? await ask(question) : null;
    if (mine !== turn) return; // the reader has typed on
    list.replaceChildren(...(answer?.found.slice(0, SHOWN).map((hit) => result(hit, answer.asked)) ?? []));
    status.textContent = answer ? report(answer, question) : "";
  }
  const refresh = () =>
    update().catch(() => {
      status.textContent = "The index of the search cannot be read. The contents and your browser's own search remain.";
    });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await refresh();
    list.querySelector("a")?.click();
  });
  field.addEventListener("input", refresh);
  form.parentElement?.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    /** @type {Element[]} */
    const stops = [field, ...list.querySelectorAll("a")];
    const next = stops[stops.indexOf(/** @type {Element} */ (document.activeElement)) + step];
    event.preventDefault();
    if (next instanceof HTMLElement) next.focus();
  });
  const asked = new URLSearchParams(location.search).get("q");
  if (inAddress && asked) field.value = asked;
  refresh();
})();
