/** The live hook of a chapter's first screen: one slider, perhaps a choice, one number that changes, a few bars. */
import { html, place, svg, tableOf } from "./dom.js";
import { frame } from "./frame.js";

/**
 * A bar: how much of it is full, from 0 to 1, and what is written above it.
 * @typedef {{name: string, share: number, label: string, own?: boolean, parts?: number}} Bar
 */
/**
 * What is seen of a state: the line before, in and after the number; the bars; the finding.
 * @typedef {{line: [string, string, string], bars: Bar[], said: string}} Seen
 */
/** @typedef {{nodes: Node[], height: number, said: string}} Drawing */
/**
 * @typedef {object} Hook
 * @property {Record<string, import("./traits.js").Trait>} traits
 * @property {(it: ReturnType<typeof frame>) => Node} slider
 * @property {(it: ReturnType<typeof frame>) => Node} [choice] a second control
 * @property {(model: any) => Seen} see
 * @property {(model: any, width: number) => Drawing} [picture] what is drawn above the bars
 * @property {string[]} head of the table
 * @property {number[]} places of the slider, the rows of the table
 * @property {(place: number, model: any) => string[]} row
 */

export const [ROW, TOP, THICK] = [54, 24, 20]; // of a bar in pixels
const WIDEST = 640; // of a bar in pixels

/** @param {Bar} bar @param {number} from where its row begins @param {number} width */
function drawn({ name, share, label, own = true, parts = 1 }, from, width) {
  const y = from + TOP;
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

/** The module of a hook. @param {Hook} hook */
export const hook = ({ traits, slider, choice, see, picture: draw, head, places, row }) => ({
  traits,
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    const it = frame({ model, el }, traits);
    const number = html("p", { class: "dsf-number" });
    const picture = svg("svg", { class: "dsf-picture dsf-hook", role: "img" });
    const numbers = html("div");
    const table = html("details", { class: "dsf-data" }, html("summary", {}, "Numbers"), numbers);
    it.controls.classList.add("dsf-hook-controls");
    it.controls.append(slider(it), ...(choice ? [choice(it)] : []), it.reset());
    it.root.append(it.problem, it.controls, number, picture, it.finding, it.spoken, table);
    return it.start(() => {
      const { line, bars, said } = see(model);
      const [before, value, after] = line;
      number.replaceChildren(before, html("strong", {}, value), after);
      const width = Math.min(it.root.clientWidth, WIDEST);
      const above = draw?.(model, width) ?? { nodes: [], height: 0, said: "" };
      const below = bars.flatMap((bar, k) => drawn(bar, above.height + k * ROW, width));
      picture.replaceChildren(...above.nodes, ...below);
      const label = bars.map(({ name, label: text }) => `${name}: ${text}`);
      const height = above.height + bars.length * ROW;
      place(picture, { width, height, "aria-label": [above.said, ...label].filter(Boolean).join("; ") });
      // What a second control chooses, the table follows.
      const rows = places.map((at) => [`${at}`, ...row(at, model)]);
      numbers.replaceChildren(tableOf("", head, rows));
      it.say(said);
    });
  },
});
