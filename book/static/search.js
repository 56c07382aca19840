/* The search: by section, as the reader types. Fetched when somebody searches, and then brings the library
   and the index, as classic scripts, which a page from a file may load too.

   Exact words come first, then words of the same beginning. A word that no page has is read as the
   nearest one that some page has, and the reader is told. A Greek letter and its name are one word. */
"use strict";

(function search() {
  const base = document.currentScript.src;
  const SHOWN = 30; // results
  const WIDTH = 200; // characters of a sentence
  const LETTERS = {
    α: "alpha",
    β: "beta",
    γ: "gamma",
    δ: "delta",
    ε: "epsilon",
    ϵ: "epsilon",
    ζ: "zeta",
    η: "eta",
    θ: "theta",
    ϑ: "theta",
    ι: "iota",
    κ: "kappa",
    λ: "lambda",
    μ: "mu",
    ν: "nu",
    ξ: "xi",
    ο: "omicron",
    π: "pi",
    ρ: "rho",
    σ: "sigma",
    ς: "sigma",
    τ: "tau",
    υ: "upsilon",
    φ: "phi",
    ϕ: "phi",
    χ: "chi",
    ψ: "psi",
    ω: "omega",
  };
  const PLAIN = new Set(
    "a an and are as at be been but by can do does for from has have how if in into is it its no not of on or so such than that the their then there these they this to was we what when where which why will with you".split(
      " ",
    ),
  ); // words that say too little to be asked for, unless nothing else is

  /* The words of a text with their places: a Greek letter is a word of its own, of H_i are H and i. */
  function* words(text) {
    for (const match of text.matchAll(/\p{Script=Greek}|(?:(?!\p{Script=Greek})[\p{Lu}\p{Ll}\p{M}\p{Nd}])+/gu)) {
      const lower = match[0].toLowerCase();
      const word = LETTERS[lower] ?? lower.normalize("NFD").replace(/\p{M}/gu, "");
      yield { word, from: match.index, to: match.index + match[0].length };
    }
  }
  const terms = (text) => Array.from(words(text), ({ word }) => word);
  /* What a word and its forms begin with: telescopes, telescoping. */
  const stem = (word) =>
    [word.replace(/(ing|ed|e?s|e)$/, ""), word.replace(/s$/, ""), word].find(
      (short, k) => k === 2 || short.length >= 5 - k,
    );

  /* How many letters are to be changed, added, left out or swapped with their neighbour; at most `limit` + 1. */
  function distance(one, other, limit) {
    if (Math.abs(one.length - other.length) > limit) return limit + 1;
    let before = [];
    let last = Array.from({ length: other.length + 1 }, (_, j) => j);
    for (let i = 1; i <= one.length; i += 1) {
      const row = [i];
      for (let j = 1; j <= other.length; j += 1) {
        row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (one[i - 1] !== other[j - 1]));
        if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1])
          row[j] = Math.min(row[j], before[j - 2] + 1);
      }
      [before, last] = [last, row];
    }
    return last[other.length];
  }

  function fetchScript(path) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(path, base);
      script.addEventListener("load", resolve);
      script.addEventListener("error", reject);
      document.head.append(script);
    });
  }

  /* The index of the library over the places of the book, and how often the book has each word. */
  async function open() {
    await Promise.all([fetchScript("minisearch/minisearch-7.2.0.js"), fetchScript("search-index.js")]);
    const { pages, places } = window.dsfSearchIndex;
    const counts = new Map();
    const library = new window.MiniSearch({
      fields: ["title", "path", "text", "code"],
      tokenize: terms,
      processTerm(word) {
        counts.set(word, (counts.get(word) ?? 0) + 1);
        return word;
      },
      searchOptions: { processTerm: (word) => word, boost: { title: 4, path: 1.5, code: 0.3 } },
    });
    const all = places.map(([page, anchor, title, path, text, code], id) => {
      const [address, name] = pages[page];
      const whole = [name, path].filter((part) => part && part !== title).join(" · ");
      return { id, address: address + (anchor && `#${anchor}`), title, path: whole, text, code };
    });
    library.addAll(all);
    return { library, counts, all };
  }
  let opened;
  const book = () => (opened ??= open());

  /* Places with a word, or with one that has the same beginning. */
  const having = (word) => ({
    combineWith: "OR",
    queries: [
      { queries: [word], prefix: word.length > 2 },
      { queries: [stem(word)], prefix: word.length > 4, weights: { prefix: 0.1, fuzzy: 0 } },
    ],
  });

  /* The word of the book that is nearest to one that it does not have: by letters, then by how common it is. */
  function nearest(word, counts) {
    const limit = word.length < 6 ? 1 : 2;
    let best = null;
    for (const [known, count] of counts) {
      if (known.length < 2) continue;
      const far = distance(word, known, limit);
      if (far <= limit && (!best || far < best.far || (far === best.far && count > best.count)))
        best = { known, far, count };
    }
    return best?.known ?? null;
  }

  /* What a question leads to: the places, best first, and what the reader is to be told. */
  async function ask(question) {
    const { library, counts, all } = await book();
    let asked = terms(question);
    const read = new Map();
    for (const word of new Set(asked)) {
      if (PLAIN.has(word) || library.search(having(word)).length) continue;
      const near = nearest(word, counts);
      if (near) read.set(word, near);
    }
    asked = asked.map((word) => read.get(word) ?? word);
    const telling = asked.filter((word) => !PLAIN.has(word));
    const sought = telling.length ? telling : asked;
    if (!sought.length) return { found: [], asked, read, partly: false };

    const search = (combineWith) => library.search({ combineWith, queries: sought.map(having) });
    let hits = search("AND");
    const partly = !hits.length && sought.length > 1;
    if (partly) hits = search("OR");
    const phrase = ` ${asked.join(" ")} `;
    const found = hits.map(({ id, score, terms: matched }) => {
      const place = all[id];
      const has = (text) => ` ${terms(text).join(" ")} `.includes(phrase);
      const exact = sought.filter((word) => matched.includes(word)).length;
      const kind = place.title.startsWith("dsf.") ? 0.4 : 1; // the text comes before the code that it is about
      return {
        place,
        matched: new Set(matched),
        exact,
        score: kind * score * (has(place.title) ? 4 : has(place.text) ? 2 : 1),
      };
    });
    found.sort((one, other) => other.exact - one.exact || other.score - one.score);
    return { found, asked, read, partly };
  }

  /* The sentence of a place that has most of the words, as close as they were asked for, with the words marked. */
  function sentence({ place, matched }, asked) {
    const phrase = ` ${asked.join(" ")} `;
    let best = { worth: -1 };
    for (const [source, weight] of [
      [place.text, 1],
      [place.code, 0.5],
    ]) {
      for (const text of source.split(/\n|(?<=[.!?:;])\s+(?=\p{Lu})/u)) {
        const own = [...words(text)];
        const hits = own.filter(({ word }) => matched.has(word) && !PLAIN.has(word));
        const kinds = new Set(hits.map(({ word }) => word));
        const exact = asked.filter((word) => kinds.has(word)).length;
        const close = ` ${own.map(({ word }) => word).join(" ")} `.includes(phrase);
        const worth = weight * (kinds.size + exact + 4 * close);
        if (worth > best.worth) best = { worth, text, hits };
      }
    }
    const { text, hits } = best;
    const first = hits[0]?.from ?? 0;
    const start = text.length > WIDTH && first > WIDTH / 2 ? text.lastIndexOf(" ", first - WIDTH / 3) + 1 : 0;
    const end = text.length - start > WIDTH ? text.lastIndexOf(" ", start + WIDTH) : text.length;
    return [start ? "… " : "", ...marked(text, hits, start, end), end < text.length ? " …" : ""];
  }

  /* Text from `start` to `end`, with the hits in marks. */
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

  function result(hit, asked) {
    const { place, matched } = hit;
    const link = document.createElement("a");
    link.href = new URL(`../${place.address}`, base);
    const inTitle = [...words(place.title)].filter(({ word }) => matched.has(word) && !PLAIN.has(word));
    const parts = { path: [place.path], title: marked(place.title, inTitle), sentence: sentence(hit, asked) };
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

  function report({ found, read, partly }, question) {
    const quoted = (word) => `“${word}”`;
    const parts = [];
    if (read.size) {
      const swapped = terms(question)
        .map((word) => read.get(word) ?? word)
        .join(" ");
      parts.push(`The book does not say ${[...read.keys()].map(quoted).join(", ")}. Shown is ${quoted(swapped)}.`);
    }
    if (partly && found.length) parts.push("No place has all of these words; these have some.");
    if (!found.length) parts.push(`Nothing found for ${quoted(question)}.`);
    else
      parts.push(
        found.length === 1
          ? "1 place"
          : `${found.length} places${found.length > SHOWN ? `, the best ${SHOWN} shown` : ""}`,
      );
    return parts.join(" ");
  }

  /* Give life to a form: results as the reader types, arrows walk through them, Enter opens the first. */
  function attach(form) {
    const field = form.querySelector("input");
    const [status, list] = form.parentElement.querySelectorAll(".search-status, .search-results");
    let turn = 0;

    async function update() {
      const question = field.value.trim();
      const mine = (turn += 1);
      if (form.dataset.inAddress !== undefined) remember(question);
      const answer = question ? await ask(question) : null;
      if (mine !== turn) return; // the reader has typed on
      list.replaceChildren(...(answer?.found.slice(0, SHOWN) ?? []).map((hit) => result(hit, answer.asked)));
      status.textContent = answer ? report(answer, question) : "";
    }
    const refresh = () =>
      update().catch(() => {
        status.textContent =
          "The index of the search cannot be read. The contents and the browser's own search work without it.";
      });

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      await refresh();
      list.querySelector("a")?.click();
    });
    field.addEventListener("input", refresh);
    form.parentElement.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      const stops = [field, ...list.querySelectorAll("a")];
      const next = stops[stops.indexOf(document.activeElement) + step];
      event.preventDefault();
      next?.focus();
    });
    refresh();
  }

  /* The question stays in the address of the search page, so that one comes back to its results. */
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

  for (const form of document.querySelectorAll("form[role=search]")) {
    const asked = form.dataset.inAddress !== undefined && new URLSearchParams(location.search).get("q");
    if (asked) form.querySelector("input").value = asked;
    attach(form);
  }
})();
