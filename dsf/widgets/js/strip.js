/** The sequence in rows of tokens. */
import { place, svg, watch } from "./dom.js";
import { items } from "./recall.js";

/** @typedef {import("./recall.js").Recall} Recall */
/** @typedef {import("./cells.js").View} View */

const WORDED = 80; // items of a sequence up to which the tokens are written out
const ROW = 34; // height of a row in pixels
/** @type {Record<string, string>} what is written of items where there are many */
const SHORT = { question: "?", filler: "·" };

/**
 * The sequence in rows; a pair is lit and joined to its question.
 * @param {(pair: number) => void} choose
 * @param {(pair: number | null) => void} peek
 */
export function strip(choose, peek) {
  const picture = svg("svg", { class: "dsf-picture dsf-recall", role: "img" });
  /** @param {{target: Element}} event */
  const under = ({ target }) => {
    const found = target.closest?.("[data-pair]")?.getAttribute("data-pair");
    return found === undefined ? null : Number(found);
  };
  picture.addEventListener("pointerover", (/** @type {any} */ event) => peek(under(event)));
  picture.addEventListener("pointerleave", () => peek(null));
  picture.addEventListener("click", (/** @type {any} */ event) => {
    const pair = under(event);
    if (pair !== null) choose(pair);
  });
  const changed = watch();
  /** @type {{pair: number, kind: string, node: SVGGElement, x: number, y: number}[]} */
  let drawn = [];
  /** @type {SVGPathElement[]} */
  let joins = [];
  return {
    picture,
    /** @param {View} view @param {Recall} read @param {number} width */
    draw({ task, title, seed }, read, width) {
      if (!changed(title, seed, width)) return;
      const all = items(read, task.K);
      const worded = all.length <= WORDED;
      const cell = worded ? 7 * Math.max(...all.map(({ words: said }) => said.length)) + 6 : 14;
      const columns = Math.max(2, 2 * Math.floor(width / cell / 2)); // a pair stays in one row
      drawn = all.map(({ kind, pair, words }, at) => {
        const [x, y] = [(at % columns) * cell, 22 + Math.floor(at / columns) * ROW];
        const shown = worded ? words : (SHORT[kind] ?? "");
        const node = svg(
          "g",
          { class: `dsf-token dsf-${kind}`, "data-pair": pair < 0 ? null : pair },
          svg("rect", { x: x + 1, y, width: cell - 2, height: 22, rx: 2 }),
          svg("text", { x: x + cell / 2, y: y + 15, "text-anchor": "middle" }, shown),
        );
        return { pair, kind, node, x: x + cell / 2, y };
      });
      picture.replaceChildren(...drawn.map(({ node }) => node));
      const places = read.asked.map((found, j) => {
        const [key, value] = read.tokens.slice(2 * j, 2 * j + 2);
        return `${key} is followed by ${value} and asked at ${found.join(", ")}`;
      });
      const said = `A sequence of ${task.L} tokens. ${places.join("; ")}.`;
      place(picture, { width, height: 22 + Math.ceil(all.length / columns) * ROW, "aria-label": said });
    },
    /** @param {number} lit */
    light(lit) {
      for (const { pair, node } of drawn) node.classList.toggle("dsf-lit", pair === lit);
      const [{ x, y }, ...questions] = drawn.filter(({ pair, kind }) => pair === lit && kind !== "value");
      for (const join of joins) join.remove();
      joins = questions.map(({ x: u, y: v }) => {
        const [first, middle] = y === v ? [y, y - 22] : [y + 22, (y + 22 + v) / 2];
        return svg("path", { class: "dsf-join", d: `M${x} ${first}C${x} ${middle} ${u} ${middle} ${u} ${v}` });
      });
      picture.append(...joins);
    },
  };
}
