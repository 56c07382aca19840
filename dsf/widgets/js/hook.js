/** The live hook of a chapter's first screen: one slider, perhaps a choice, one number that changes, a few bars. */
import { html, place, svg, tableOf } from "./dom.js";
import { frame } from "./frame.js";
import { STRENGTH } from "./looks.js";

/**
 * A bar: how much of it is full, from 0 to 1, and what is written above it.
 * @typedef {{name: string, share: number, label: string, own?: boolean, parts?: number}} Bar
 */
/**
 * A row of cells, each with a number from -1 to 1 and perhaps a mark.
 * @typedef {{name: string, values: number[], marks?: string[]}} Strip
 */
/**
 * What is seen of a state: strips above, the line before, in and after the number; the bars; the finding.
 * @typedef {{strips?: Strip[], line: [string, string, string], bars: Bar[], said: string}} Seen
 */
/**
 * @typedef {object} Hook
 * @property {Record<string, import("./traits.js").Trait>} traits
 * @property {(it: ReturnType<typeof frame>) => Node} slider
 * @property {(it: ReturnType<typeof frame>) => Node} [choice] a second control
 * @property {(model: any) => Seen} see
 * @property {string[]} head of the table
 * @property {number[]} places of the slider, the rows of the table
 * @property {(place: number, model: any) => string[]} row
 */

const [ROW, TOP, THICK] = [54, 24, 20]; // of a bar in pixels
const MARKS = 18; // what the marks of a strip take
const WIDEST = 640; // of a bar in pixels

/** @param {Bar} bar @param {number} above where it begins @param {number} width */
function drawn({ name, share, label, own = true, parts = 1 }, above, width) {
  const y = above + TOP;
  const box = { x: 0.5, y, width: width - 1, height: THICK };
  const borders = Array.from({ length: parts - 1 }, (_, j) => {
    const x = ((j + 1) * width) / parts;
    return svg("line", { class: "dsf-cell-line", x1: x, x2: x, y1: y, y2: y + THICK });
  });
  return [
    svg("text", { x: 0, y: y - 7 }, name),
    svg("text", { x: width, y: y - 7, "text-anchor": "end" }, label),
    svg("rect", { ...box, width: share * (width - 1), class: own ? "dsf-pos" : "dsf-other" }),
    ...borders,
    svg("rect", { ...box, class: "dsf-chosen" }),
  ];
}

/** What a strip takes. @param {Strip} strip */
const height = ({ marks }) => ROW + (marks ? MARKS : 0);

/** @param {Strip} strip @param {number} above where it begins @param {number} width */
function cellsOf({ name, values, marks = [] }, above, width) {
  const size = (width - 1) / values.length;
  const y = above + TOP + (marks.length ? MARKS : 0);
  const cells = values.flatMap((value, k) => {
    const box = { x: 0.5 + k * size, y, width: size, height: THICK };
    const opacity = (Math.min(1, Math.abs(value)) ** STRENGTH).toFixed(3);
    const kind = value < 0 ? "dsf-neg" : "dsf-pos";
    return [
      svg("rect", { ...box, class: kind, "fill-opacity": opacity }),
      svg("rect", { ...box, class: "dsf-chosen" }),
    ];
  });
  const over = marks.map((mark, k) =>
    svg("text", { x: 0.5 + (k + 0.5) * size, y: y - 6, "text-anchor": "middle" }, mark),
  );
  return [svg("text", { x: 0, y: above + TOP - 7 }, name), ...cells, ...over];
}

/** The module of a hook. @param {Hook} hook */
export const hook = ({ traits, slider, choice, see, head, places, row }) => ({
  traits,
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    const it = frame({ model, el }, traits);
    const number = html("p", { class: "dsf-number" });
    const picture = svg("svg", { class: "dsf-picture dsf-hook", role: "img" });
    const rows = places.map((at) => [`${at}`, ...row(at, model)]);
    const table = html("details", { class: "dsf-data" }, html("summary", {}, "Numbers"), tableOf("", head, rows));
    it.controls.classList.add("dsf-hook-controls");
    it.controls.append(slider(it), ...(choice ? [choice(it)] : []), it.reset());
    it.root.append(it.problem, it.controls, number, picture, it.finding, it.spoken, table);
    return it.start(() => {
      const { strips = [], line, bars, said } = see(model);
      const [before, value, after] = line;
      number.replaceChildren(before, html("strong", {}, value), after);
      const width = Math.min(it.root.clientWidth, WIDEST);
      const tops = [0];
      for (const strip of strips) tops.push(tops[tops.length - 1] + height(strip));
      const below = tops[strips.length];
      picture.replaceChildren(
        ...strips.flatMap((strip, k) => cellsOf(strip, tops[k], width)),
        ...bars.flatMap((bar, k) => drawn(bar, below + k * ROW, width)),
      );
      const signs = (/** @type {Strip} */ { name, values }) =>
        `${name}: ${values.map((value) => (value < 0 ? "−" : value > 0 ? "+" : "0")).join(" ")}`;
      const label = [...strips.map(signs), ...bars.map(({ name, label: text }) => `${name}: ${text}`)].join("; ");
      place(picture, { width, height: below + bars.length * ROW, "aria-label": label });
      it.say(said);
    });
  },
});
