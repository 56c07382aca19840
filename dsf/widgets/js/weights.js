/** One row of weights three times: divided by its sum, divided by a learned η, and under a decay. */
import { fold, format, html, panel, place, svg, tableOf } from "./dom.js";
import { frame } from "./frame.js";
import { oneOf, real } from "./traits.js";

/** @typedef {{transition: number, scores: string}} State */

const [LEAST, MOST] = [0.5, 1.1];
const traits = { transition: real(LEAST, MOST), scores: oneOf(["positive", "signed"]) };
/** The scores of one query with eight keys, the oldest first. @type {Record<string, number[]>} */
const SCORES = {
  positive: [0.4, 0.05, 0.1, 0.2, 0.05, 0.1, 0.15, 0.2],
  signed: [0.4, -0.15, 0.1, 0.3, -0.25, 0.1, -0.2, 0.2],
};
/** @type {[string, string][]} */
const KINDS = [
  ["positive", "positive"],
  ["signed", "of both signs"],
];
const NAMES = ["divided by the row sum", "divided by η", "decay"];

/**
 * The scores, and the weights that the three make of them. With η = 1 at the start, Λ = η before ÷ η now at every step.
 * @param {State} state
 */
export function weightsOf({ transition, scores }) {
  const row = SCORES[scores];
  const last = row.length - 1;
  const sum = row.reduce((all, score) => all + score, 0);
  return {
    row,
    sum,
    all: [
      row.map((score) => score / sum),
      row.map((score) => score * transition ** last),
      row.map((score, j) => score * transition ** (last - j)),
    ],
  };
}

const [NAME, TEXT, GAP, FOOT] = [18, 11, 10, 18]; // px of a name, of a number, of what follows a row, of the axis
/** Of each kind the px of a weight of 1, and the largest and the lowest weight at any place of the slider. */
const SCALES = /** @type {Record<string, number[]>} */ ({ positive: [115, 0.79, 0], signed: [72, 0.81, 0.51] });
const NOTE = "Outlined: the scores themselves. All three are drawn to one scale.";
const TRY = "Try: take Λ down, and look at the oldest and the newest token.";

/** @param {number} x @param {number} y @param {string} anchor @param {string} text */
const words = (x, y, anchor, text) => svg("text", { x, y, "text-anchor": anchor }, text);
/** @param {number} value */
const two = (value) => value.toFixed(2).replace("-", "−");
/** Two digits that count, one below 0.001: eight such numbers stand side by side on a phone. @param {number} value */
function short(value) {
  const size = Math.abs(value);
  if (size >= 0.0995) return two(value);
  return value.toPrecision(size < 0.00095 ? 1 : 2).replace("-", "−");
}
/** How the oldest weight stands to the newest. @param {number[]} weights */
const ratio = (weights) => format(weights[0] / weights[weights.length - 1]);

/**
 * A row of bars with the scores behind them.
 * @param {number[]} weights
 * @param {number[]} scores
 * @param {number} width
 * @param {number} unit px of a weight of 1
 */
function bars(weights, scores, width, unit) {
  const wide = width / weights.length;
  /** @param {number} value @param {number} j */
  const box = (value, j) => ({
    x: j * wide + 3,
    y: value < 0 ? 0 : -unit * value,
    width: wide - 6,
    height: unit * Math.abs(value),
  });
  const drawn = weights.flatMap((value, j) => {
    const beyond = [value, scores[j]].map((one) => unit * Math.abs(one));
    const y = value < 0 ? Math.max(...beyond) + TEXT - 1 : -Math.max(...beyond) - 3;
    return [
      svg("rect", { ...box(value, j), class: value < 0 ? "dsf-neg" : "dsf-pos" }),
      svg("rect", { ...box(scores[j], j), class: "dsf-row" }),
      svg("g", { class: "dsf-small" }, words((j + 0.5) * wide, y, "middle", short(value))),
    ];
  });
  return [...drawn, svg("line", { class: "dsf-cell-line", x1: 0, x2: width, y1: 0, y2: 0 })];
}

/** @param {any} picture @param {ReturnType<typeof weightsOf>} found @param {string} kind @param {number} width */
function draw(picture, { row, all }, kind, width) {
  const [unit, high, deep] = SCALES[kind];
  const up = NAME + TEXT + unit * high;
  const tall = up + (deep ? TEXT + unit * deep : 0) + GAP;
  const parts = all.map((weights, k) => {
    const said = `oldest ÷ newest = ${ratio(weights)}`;
    const inside = svg("g", { transform: `translate(0 ${up})` }, ...bars(weights, row, width, unit));
    const names = [words(0, 12, "start", NAMES[k]), words(width, 12, "end", said)];
    return svg("g", { transform: `translate(0 ${k * tall})` }, ...names, inside);
  });
  const foot = all.length * tall + FOOT - 6;
  picture.replaceChildren(...parts, words(0, foot, "start", "oldest token"), words(width, foot, "end", "newest"));
  const label = all.map((weights, k) => `${NAMES[k]}: ${weights.map(short).join(", ")}`).join("; ");
  place(picture, { width, height: all.length * tall + FOOT, "aria-label": `Weights of eight tokens, ${label}` });
}

/** @param {State} state @param {ReturnType<typeof weightsOf>} found */
function finding({ transition }, { row, sum }) {
  const left = format(transition ** (row.length - 1));
  const first = `Λ = ${two(transition)} at every step, twice. Divided by η all weights are ${left} of their scores.`;
  const one = format(sum) === "1.25" ? "they add up to 1" : "they are doubled";
  const second = `Under the decay the oldest is ${left} of its score, the newest all of it.`;
  return `${first} ${second} Divided by their sum, ${format(sum)}, ${one}.`;
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const picture = svg("svg", { class: "dsf-picture", role: "img" });
  const data = html("div");
  it.controls.append(
    it.slider("transition", "Transition Λ", () => ({ min: LEAST, max: MOST, step: 0.05 }), two),
    it.select("scores", "Scores", KINDS),
    it.reset(),
  );
  const notes = [TRY, NOTE].map((text, k) => html("p", { class: k ? "dsf-note" : "dsf-note dsf-hint" }, text));
  const body = panel("The last row of Φ, three times", picture);
  it.root.append(
    ...[it.problem, it.controls, body, it.finding, it.spoken, ...notes],
    fold("dsf-data", "Numbers", data),
  );
  return it.start(() => {
    const width = Math.min(body.clientWidth, 560);
    const state = /** @type {State} */ (it.state());
    const found = weightsOf(state);
    draw(picture, found, state.scores, width);
    const rows = found.row.map((score, j) => [
      `${j}`,
      format(score),
      ...found.all.map((weights) => format(weights[j])),
    ]);
    data.replaceChildren(tableOf("", ["token", "score", ...NAMES], rows));
    it.say(finding(state, found));
  });
}

export default { traits, render };
