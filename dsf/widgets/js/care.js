/** The hook of chapter 11: which model is ahead, by the care taken with each. */
import { percent, svg } from "./dom.js";
import { hook } from "./hook.js";
import { mean } from "./numbers.js";
import { numberOf, real } from "./traits.js";

/** The models by their class of colour. @type {[string, string][]} */
const MODELS = [
  ["linear", "linear attention"],
  ["normalized", "normalised attention"],
  ["s6", "S6 (Mamba)"],
  ["ssd", "SSD (Mamba-2)"],
];
const S6 = 2; // its place among them
const SHORT = ["linear", "normalised", "S6", "SSD"];
const SIZES = [4, 16];
const PLACES = [1, 2, 3, 4];
const CARE = ["one rate", "own rates", "own starts", "or 4 × the steps"];
const GIVEN = [
  "All train with the rate 0.004, from the starts of their papers.",
  "Each trains with the best of four rates, from the starts of the papers.",
  "Each trains with the best of four rates and of its recorded starts: poles and steps, or the size of all first maps.",
  "From the starts of the papers, with the best of four rates, and four times as long.",
];
const POINT = 0.01; // who is ahead is so by more
const SEEDS = 3;
const [ROW, NAME, THICK, RADIUS] = [40, 14, 15, 4.5]; // px

/** @param {any} value the test accuracies of the seeds */
const seeds = (value) => Array.isArray(value) && value.length === SEEDS && value.every(Number.isFinite);
/** @param {any} value @param {number} count @param {(one: any) => boolean} each */
const list = (value, count, each) => Array.isArray(value) && value.length === count && value.every(each);

/**
 * What was recorded of every model in every state, which no address can change.
 * @param {(one: any) => boolean} each @param {string} wanted @returns {import("./traits.js").Trait}
 */
const recorded = (each, wanted) => ({
  parse: String,
  accepts: (value) =>
    list(value, PLACES.length, (care) => list(care, SIZES.length, (n) => list(n, MODELS.length, each))),
  wanted: `${PLACES.length} × ${SIZES.length} × ${MODELS.length} ${wanted}`,
});

/** @param {string} name of a trait @param {any} model @param {number} [care] */
const of = (name, model, care = model.get("care")) => model.get(name)[care - 1][SIZES.indexOf(model.get("n"))];
/** @param {any} model @param {number} [care] @returns {number[][]} */
const seen = (model, care) => of("scores", model, care);

/** @param {string[]} names */
const listed = (names) => names.join(", ").replace(/, ([^,]*)$/, " and $1");

/** Who is ahead of S6 by more than a point. @param {number[][]} scores */
function standing(scores) {
  const means = scores.map(mean);
  const ahead = SHORT.filter((_, k) => means[k] > means[S6] + POINT);
  if (!ahead.length) return "Nobody is more than one point ahead of S6.";
  return `Ahead of S6: ${listed(ahead)}.`;
}

/**
 * @param {number[]} scores @param {number} tried settings among which validation chose
 * @param {number} k the place of the model @param {number} guessed @param {number} width
 */
function row(scores, tried, k, guessed, width) {
  const [name, title] = MODELS[k];
  const top = k * ROW;
  const [middle, y] = [top + NAME + 5 + THICK / 2, top + NAME + 5];
  const across = (/** @type {number} */ share) => RADIUS + share * (width - 2 * RADIUS);
  const [left, right, at] = [across(0), across(1), across(mean(scores))];
  const guess = across(guessed);
  const chosen = tried > 1 ? `, best of ${tried}` : "";
  return [
    svg("text", { x: 0, y: top + NAME, class: k === S6 ? "dsf-strong" : null }, title),
    svg("text", { x: width, y: top + NAME, "text-anchor": "end" }, `${percent(mean(scores))}${chosen}`),
    svg("rect", { x: left, y, width: at - left, height: THICK, class: "dsf-other", "fill-opacity": 0.45 }),
    svg("rect", { x: left, y, width: right - left, height: THICK, class: "dsf-chosen" }),
    svg("line", { x1: guess, x2: guess, y1: y, y2: y + THICK, class: "dsf-cell-line", "stroke-dasharray": "3 3" }),
    ...scores.map((score) => {
      const style = `fill: var(--dsf-${name}); stroke: currentColor; stroke-width: 0.7`;
      return svg("circle", { cx: across(score), cy: middle, r: RADIUS, style });
    }),
  ];
}

export default hook({
  traits: {
    care: numberOf(PLACES),
    n: numberOf(SIZES),
    scores: recorded(seeds, `× ${SEEDS} numbers`),
    tried: recorded(Number.isInteger, "counts"),
    guessed: real(0, 1),
  },
  slider: (it) => {
    const limits = () => ({ min: PLACES[0], max: PLACES.length });
    return it.slider("care", "Given", limits, (care) => CARE[care - 1]);
  },
  choice: (it) => it.select("n", "State expansion n", SIZES),
  head: ["care", "what each model is given", "n", ...SHORT],
  places: PLACES,
  row: (place, model) => [
    CARE[place - 1],
    `${model.get("n")}`,
    ...seen(model, place).map((scores) => percent(mean(scores))),
  ],
  picture(model, width) {
    const [scores, tried] = [seen(model), of("tried", model)];
    const said = MODELS.map(([, title], k) => `${title}: ${scores[k].map((score) => percent(score)).join(", ")}`);
    const nodes = scores.flatMap((some, k) => row(some, tried[k], k, model.get("guessed"), width));
    return { nodes, height: MODELS.length * ROW, said: said.join("; ") };
  },
  see(model) {
    const scores = seen(model);
    return {
      line: ["S6 finds ", percent(mean(scores[S6])), " of the answers"],
      bars: [],
      said: `${GIVEN[model.get("care") - 1]} ${standing(scores)}`,
    };
  },
});
