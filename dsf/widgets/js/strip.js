/** A sequence in rows of tokens: how much weight a question gives each, and what a model answers. */
import { place, svg, watch } from "./dom.js";
import { STRENGTH } from "./looks.js";

/** @typedef {import("./cells.js").View} View */
/** @typedef {import("./cells.js").Answers} Answers */
/** @typedef {{kind: string, pair: number, words: string, from: number, to: number}} Item from, to: its positions */

const WORDED = 80; // items of a sequence up to which the tokens are written out
const [ROW, ANSWER, BOX] = [34, 16, 22]; // px: of a row, of the line of answers below it, of a token
const FULL = 0.65; // opacity of the largest weight: the token on it can be read
/** @type {Record<string, string>} what is written of items where there are many */
const SHORT = { question: "?", filler: "·" };

/**
 * What is drawn of a sequence; filler in a row is one item.
 * @param {View} view
 * @returns {Item[]}
 */
function items({ sequence: { tokens, asked }, K }) {
  const which = new Map(asked.flatMap((places, j) => places.map((at) => /** @type {[number, number]} */ ([at, j]))));
  /** @type {Item[]} */
  const out = [];
  tokens.forEach((token, at) => {
    const pair = at < 2 * K ? at >> 1 : which.get(at);
    const last = out[out.length - 1];
    const place_ = { from: at, to: at + 1 };
    if (at < 2 * K) out.push({ kind: at % 2 ? "value" : "key", pair: at >> 1, words: `${token}`, ...place_ });
    else if (pair !== undefined) out.push({ kind: "question", pair, words: `${token}?`, ...place_ });
    else if (last.kind === "filler") Object.assign(last, { to: at + 1, words: `·×${at + 1 - last.from}` });
    else out.push({ kind: "filler", pair: -1, words: "·", ...place_ });
  });
  return out;
}

/**
 * The sequence in rows; a pair is lit and joined to its question.
 * @param {(pair: number) => void} choose
 * @param {(pair: number | null) => void} peek
 */
export function strip(choose, peek) {
  const picture = svg("svg", { class: "dsf-picture dsf-recall", role: "img" });
  const joins = svg("g"); // behind the tokens that they pass
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
  /** @type {(Item & {node: SVGGElement, weight: SVGRectElement, x: number, y: number})[]} */
  let drawn = [];
  /** @type {Answers} */
  let answers = [];
  return {
    picture,
    /** @param {View} view @param {Answers} now @param {number} width */
    draw(view, now, width) {
      const { task, sequence, reader, K } = view;
      if (!changed(sequence, reader, width)) return;
      answers = now;
      const all = items(view);
      const worded = all.length <= WORDED;
      const given = worded && reader ? answers.flat() : [];
      /** @param {Item} item */
      const answerTo = ({ kind, from }) => (kind === "question" ? given.find(({ at }) => at === from) : undefined);
      /** @param {Item} item */
      const below = (item) => {
        const found = answerTo(item);
        return found ? `${found.answer} ${found.right ? "✓" : "✗"}` : "";
      };
      const texts = all.flatMap((item) => [item.words, below(item)]);
      const cell = worded ? 7 * Math.max(...texts.map((text) => text.length)) + 6 : 14;
      const columns = Math.max(2, 2 * Math.floor(width / cell / 2)); // a pair stays in one row
      const tall = ROW + (given.length ? ANSWER : 0);
      drawn = all.map((item, at) => {
        const { kind, pair, words } = item;
        const [x, y] = [(at % columns) * cell, 22 + Math.floor(at / columns) * tall];
        const box = { x: x + 1, y, width: cell - 2, height: BOX, rx: 2 };
        const weight = svg("rect", { class: "dsf-weight", ...box });
        const middle = { x: x + cell / 2, "text-anchor": "middle" };
        const said = below(item);
        const node = svg(
          "g",
          { class: `dsf-token dsf-${kind}`, "data-pair": pair < 0 ? null : pair },
          svg("rect", box),
          weight,
          svg("text", { ...middle, y: y + 15 }, worded ? words : (SHORT[kind] ?? "")),
          ...(said ? [svg("text", { ...middle, class: "dsf-answer", y: y + BOX + 13 }, said)] : []),
        );
        return { ...item, node, weight, x: x + cell / 2, y };
      });
      picture.classList.toggle("dsf-weighed", Boolean(reader));
      picture.replaceChildren(joins, ...drawn.map(({ node }) => node));
      const places = sequence.asked.map((_, j) => {
        const [key, value] = sequence.tokens.slice(2 * j, 2 * j + 2);
        const say = answers[j].map(({ at, answer }) => (answer === undefined ? `${at}` : `${at}, answered ${answer}`));
        return `${key} is followed by ${value} and asked at ${say.join("; ")}`;
      });
      const said = `A sequence of ${task.L} tokens, ${K} pairs. ${places.join("; ")}.`;
      place(picture, { width, height: 22 + Math.ceil(all.length / columns) * tall, "aria-label": said });
    },
    /** @param {number} lit */
    light(lit) {
      const row = answers[lit]?.[0]?.row?.shares ?? [];
      for (const { pair, node, weight, from, to } of drawn) {
        node.classList.toggle("dsf-lit", pair === lit);
        const share = row.slice(from, to).reduce((most, x) => (Math.abs(x) > Math.abs(most) ? x : most), 0);
        const strength = FULL * (Math.abs(share) / 100) ** STRENGTH;
        place(weight, { class: `dsf-weight dsf-${share < 0 ? "neg" : "pos"}`, "fill-opacity": strength.toFixed(2) });
      }
      const [{ x, y }, ...questions] = drawn.filter(({ pair, kind }) => pair === lit && kind !== "value");
      const paths = questions.map(({ x: u, y: v }) => {
        const [first, middle] = y === v ? [y, y - 22] : [y + BOX, (y + BOX + v) / 2];
        return svg("path", { class: "dsf-join", d: `M${x} ${first}C${x} ${middle} ${u} ${middle} ${u} ${v}` });
      });
      joins.replaceChildren(...paths);
    },
  };
}
