/** The tokens, and over them the one row of numbers that a step is about. */
import { format, place, svg } from "./dom.js";
import { at } from "./system.js";

/** @typedef {import("./view.js").View} View */

const BARS = { left: 24, tokens: 13, top: 22, tall: 44 }; // pixels

/**
 * What the bars over the tokens show: numbers with a name, full height at `limit`; which are dim, which tokens marked.
 * @typedef {{letter: string, values: number[], limit: number, lit: (i: number) => boolean, marks: number[]}} Bars
 */

/** The size of Λ_l in a channel, in the mean over the features. @param {View} view @param {number} l */
function decayAt({ system: { transition }, n, channel }, l) {
  const sizes = Array.from({ length: n }, (_, a) => {
    const k = at(transition, l, a, channel);
    return Math.hypot(transition.re[k], transition.im ? transition.im[k] : 0);
  });
  return sizes.reduce((x, y) => x + y) / n;
}

/** @type {Record<string, (view: View) => Bars>} */
const ROWS = {
  write: ({ read, channel, time, limits }) => ({
    ...{ letter: "u", values: read.values.map((u) => u[channel]), limit: limits().u },
    ...{ lit: (i) => i === time, marks: [time] },
  }),
  decay(view) {
    const values = view.read.tokens.map((_, l) => decayAt(view, l));
    return { letter: "Λ", values, limit: view.limits().transition, lit: (i) => i === view.time, marks: [view.time] };
  },
  read: ({ ran, channel, time, limits }) => ({
    ...{ letter: "y", values: ran().outputs.map((y) => y[channel]), limit: limits().y },
    ...{ lit: (i) => i === time, marks: [time] },
  }),
  product(view) {
    const { time, source } = view;
    return { ...ROWS.decay(view), lit: (i) => i > source && i <= time, marks: [time, source] };
  },
};

/**
 * The tokens, and what a step is about as bars over time.
 * @param {(time: number) => void} choose
 */
export function signals(choose) {
  const picture = svg("svg", { class: "dsf-picture dsf-signals", role: "img" });
  const { left, tokens, top, tall } = BARS;
  return {
    picture,
    /** @param {View} view @param {string} step @param {number} width */
    draw(view, step, width) {
      const { read, length, channel } = view;
      const { letter, values, limit, lit, marks } = ROWS[step](view);
      const cell = (width - left) / length;
      const signed = values.some((value) => value < 0);
      const [level, full] = signed ? [top + tall / 2, tall / 2] : [top + tall, tall];
      const parts = read.tokens.flatMap((token, i) => {
        const size = cell < 15 && token.length > 1 ? 8 : 12;
        const middle = { x: left + (i + 0.5) * cell, y: tokens, "text-anchor": "middle", "font-size": size };
        const high = (Math.abs(values[i]) / limit) * full;
        const y = values[i] < 0 ? level : level - high;
        const kind = `${values[i] < 0 ? "dsf-neg" : "dsf-pos"}${lit(i) ? "" : " dsf-dim"}`;
        return [
          svg("text", { class: marks.includes(i) ? "dsf-strong" : null, ...middle }, token),
          svg("rect", { class: kind, x: left + (i + 0.2) * cell, width: cell * 0.6, y, height: high }),
          svg("rect", {
            ...{ class: "dsf-touch", x: left + i * cell, y: 0, width: cell, height: top + tall },
            click: () => choose(i),
          }),
        ];
      });
      const frames = marks.map((i) =>
        svg("rect", { class: "dsf-now", x: left + i * cell, y: 0, width: cell, height: top + tall }),
      );
      picture.replaceChildren(
        ...frames,
        svg("text", { x: 0, y: top + tall / 2 + 4, class: "dsf-i" }, letter),
        svg("line", { class: "dsf-axis", x1: left, x2: width, y1: level, y2: level }),
        ...parts,
      );
      const said = marks.map((i) => `at token ${i} it is ${format(values[i])}`).join(", ");
      const label = `Tokens ${read.tokens.join(" ")} with ${letter} of channel ${channel}: ${said}.`;
      place(picture, { width, height: top + tall + 1, "aria-label": label });
    },
  };
}
