/** Feature maps: how far the score ⟨φ(q), φ(k)⟩ of each is from exp(qᵀk), over the angle between q and k. */
import { fold, format, html, panel, tableOf } from "./dom.js";
import { randomFeatures, taylorFeatures } from "./features.js";
import { frame } from "./frame.js";
import { dot, eluPlusOne } from "./numbers.js";
import { directions, MOST_FEATURES } from "./random.js";
import { smallMultiples } from "./rows.js";
import { real, whole } from "./traits.js";

/** @type {[string, string][]} */
const NAMES = [
  ["taylor", "Taylor, order p"],
  ["positive_random", "positive random"],
  ["elu_plus_one", "elu + 1"],
  ["exponential", "exp, elementwise"],
  ["relu", "relu"],
  ["identity", "identity"],
];
const DRAWS = 40; // of the directions of the random features
const MIDDLE = [0.1, 0.9]; // what the band holds of them
const MOST_NORM = 2.5;
const ANGLES = Array.from({ length: 91 }, (_, k) => 2 * k);

const traits = {
  norm: real(0.1, MOST_NORM),
  angle: whole(0, 180),
  direction: whole(0, 359),
  order: whole(0, 8),
  features: whole(1, MOST_FEATURES),
  seed: whole(0, 999),
};

/**
 * @param {Record<string, any>} state
 * @returns {Record<string, (x: number[]) => number[]>} the maps by name, of the random ones the first draw
 */
export function featureMaps({ order, features, seed }) {
  const rows = directions(seed, features);
  return {
    taylor: (x) => taylorFeatures(x, order),
    positive_random: (x) => randomFeatures(x, rows),
    elu_plus_one: (x) => x.map(eluPlusOne),
    exponential: (x) => x.map(Math.exp),
    relu: (x) => x.map((value) => Math.max(value, 0)),
    identity: (x) => x,
  };
}

/**
 * ⟨φ(q), φ(k)⟩ where q has this direction and k is turned by each of the angles, all of this norm.
 * @param {(x: number[]) => number[]} map
 * @param {number} norm
 * @param {number[]} angles in degrees
 * @param {number} direction in degrees
 */
export function kernel(map, norm, angles, direction) {
  /** @param {number} degrees */
  const point = (degrees) => [norm * Math.cos((Math.PI * degrees) / 180), norm * Math.sin((Math.PI * degrees) / 180)];
  const query = map(point(direction));
  return angles.map((angle) => dot(query, map(point(direction + angle))));
}

/**
 * Between the two that are next to it, as torch.quantile.
 * @param {number[]} sorted
 * @param {number} share
 */
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}

/** @param {number[]} values @returns {number[]} */
const ascending = (values) => [...values].sort((a, b) => a - b);

/**
 * The scores of the positive random features in every draw.
 * @param {Record<string, any>} state
 * @param {number[]} angles in degrees
 */
function drawn({ norm, direction, features, seed }, angles) {
  return Array.from({ length: DRAWS }, (_, draw) => {
    const rows = directions(seed, features, draw);
    return kernel((x) => randomFeatures(x, rows), norm, angles, direction);
  });
}

/** Each number of some curves: its quantiles. @param {number[][]} curves @param {number[]} shares */
function across(curves, shares) {
  const places = curves[0].map((_, at) => ascending(curves.map((curve) => curve[at])));
  return shares.map((share) => places.map((values) => quantile(values, share)));
}

/**
 * The scores of a map, of the random features the median of their draws.
 * @param {string} name
 * @param {Record<string, any>} state
 * @param {number[]} angles in degrees
 */
export function scores(name, state, angles) {
  if (name === "positive_random") return across(drawn(state, angles), [0.5])[0];
  return kernel(featureMaps(state)[name], state.norm, angles, state.direction);
}

/** @param {number} norm @param {number} angle */
export const exact = (norm, angle) => Math.exp(norm * norm * Math.cos((Math.PI * angle) / 180));

const QUESTION = "Which scores come near exp(qᵀk)?";
const TRY =
  "Try: take the norm down. The row of the Taylor features comes to lie on the line, whatever p. The last four " +
  "do not: their scores are their own.";
const NOTE =
  "On the line a score is exp(qᵀk); a constant factor would cancel in the normaliser. " +
  "Blue above it: too large. Orange below it: too small. " +
  "At the edge of its row: by a factor of 10 or more, or not positive. " +
  `Positive random features are drawn ${DRAWS} times: the line and the number are the median, ` +
  "the shade holds eight draws in ten.";
/** @type {import("./rows.js").Column} */
const COLUMN = {
  ...{ x: [0, 180], y: [-1, 1], title: "angle between q and k" },
  across: [0, 45, 90, 135, 180].map((angle) => [angle, `${angle}°`]),
  up: [
    [1, "10"],
    [0, "1"],
    [-1, "0.1"],
  ],
};

/** @param {ReturnType<typeof frame>} it */
function controls(it) {
  /** @param {string} name @param {string} label @param {number} max */
  const degrees = (name, label, max) =>
    it.slider(
      name,
      label,
      () => ({ min: 0, max }),
      (value) => `${value}°`,
    );
  const norm = () => ({ min: 0.1, max: MOST_NORM, step: 0.1 });
  return [
    it.slider("norm", "Norm of q and k", norm, (value) => value.toFixed(1)),
    it.slider("order", "Order p (Taylor)", () => ({ min: 0, max: 8 }), String),
    it.slider("features", "Features n (positive random)", () => ({ min: 1, max: MOST_FEATURES }), String),
    it.more(
      degrees("direction", "Direction of q", 359),
      degrees("angle", "Angle at which the numbers are taken", 180),
      it.seedAndReset(),
    ),
  ];
}

/**
 * What is seen of a map; the edges of its shade are those of the middle draws, or 1 and the ratio.
 * @typedef {object} Seen
 * @property {string} name
 * @property {string} title
 * @property {number} size
 * @property {number[]} ratios
 * @property {number[][]} edges
 * @property {number} worst
 * @property {number} value
 */
/** The largest distance from 1. @param {number[]} ratios */
const furthest = (ratios) => Math.max(...ratios.map((ratio) => Math.abs(ratio - 1)));

/**
 * The kernels of all maps over the angles, and where the numbers are taken.
 * @param {Record<string, any>} state
 */
function evaluate(state) {
  const { norm, angle } = state;
  const maps = featureMaps(state);
  const truth = ANGLES.map((at) => exact(norm, at));
  /** @param {number[]} values */
  const shares = (values) => values.map((value, k) => value / truth[k]);
  /** @type {Seen[]} */
  const seen = NAMES.map(([name, title]) => {
    const [value] = scores(name, state, [angle]);
    const size = maps[name]([0, 0]).length;
    if (name === "positive_random") {
      const draws = drawn(state, ANGLES).map(shares);
      const [low, ratios, high] = across(draws, [MIDDLE[0], 0.5, MIDDLE[1]]);
      const worst = quantile(ascending(draws.map(furthest)), 0.5);
      return { name, title, ratios, edges: [low, high], worst, value, size };
    }
    const ratios = shares(scores(name, state, ANGLES));
    return { name, title, ratios, edges: [ratios.map(() => 1), ratios], worst: furthest(ratios), value, size };
  });
  return { norm, angle, order: state.order, truth: exact(norm, angle), seen };
}

/** @typedef {ReturnType<typeof evaluate>} View */

/** @param {number} share */
const percent = (share) => `${format(100 * share)} %`;
/** Beyond a factor of ten the number says no more. @param {number} share */
const upTo = (share) => (share > 10 ? `over ${percent(10)}` : `up to ${percent(share)}`);

/**
 * @param {Seen} seen
 * @param {View} view
 * @returns {import("./rows.js").Row}
 */
function rowOf({ name, title, size, ratios, edges, worst }, { angle, order }) {
  /** @param {number[]} curve @param {(level: number) => number} [part] */
  const points = (curve, part = (level) => level) =>
    curve.map((ratio, k) => [ANGLES[k], part(ratio > 0 ? Math.log10(ratio) : -Infinity)]);
  /** What lies between the edges. @param {(level: number) => number} part */
  const between = (part) => [...points(edges[0], part), ...points(edges[1], part).reverse()];
  const above = between((level) => Math.max(level, 0));
  const below = between((level) => Math.min(level, 0));
  return {
    name: `${title.replace("order p", `p = ${order}`)}, n = ${size}`,
    said: `off by ${upTo(worst)}`,
    lines: [
      [
        { name: "dsf-area dsf-pos", points: above },
        { name: "dsf-area dsf-neg", points: below },
        { name: "dsf-cursor", points: [-1, 1].map((end) => [angle, end]) },
        { name: `dsf-line dsf-map-${name}`, points: points(ratios) },
      ],
    ],
  };
}

/** @param {View} view */
function finding({ norm, order, seen: [taylor, random, ...others] }) {
  const least = Math.min(...others.map(({ worst }) => worst));
  return (
    `At norm ${norm.toFixed(1)} Taylor features of order ${order} (n = ${taylor.size}) are off by ` +
    `${upTo(taylor.worst)}, ${random.size} positive random features in the median draw by ${upTo(random.worst)}, ` +
    `and the other four, whose scores are their own, by ${percent(least)} or more.`
  );
}

/** @param {View} view */
function table({ truth, seen }) {
  const rows = seen.map(({ title, size, value }) => [title, `${size}`, format(value), format(value / truth)]);
  return tableOf("", ["map", "n", "score", "ratio"], [["exp(qᵀk)", "∞", format(truth), format(1)], ...rows]);
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const rows = smallMultiples([COLUMN]);
  const [summary, numbers] = [html("span"), html("div")];
  const picture = panel(QUESTION, rows.picture);
  it.controls.classList.add("dsf-many");
  it.controls.append(...controls(it));
  const notes = [html("p", { class: "dsf-note" }, NOTE), html("p", { class: "dsf-note dsf-hint" }, TRY)];
  const data = fold("dsf-data", summary, numbers);
  it.root.append(it.problem, it.controls, picture, it.finding, it.spoken, ...notes, data);

  return it.start(() => {
    const width = picture.clientWidth; // before anything is changed
    const view = evaluate(it.state());
    const drawn = view.seen.map((seen) => rowOf(seen, view));
    const said = drawn.map(({ name, said: off }) => `${name} ${off}`);
    rows.draw(drawn, width, `${QUESTION} At norm ${view.norm}: ${said.join("; ")}`);
    summary.textContent = `Numbers at ${view.angle}°: exp(qᵀk) = ${format(view.truth)}`;
    numbers.replaceChildren(table(view));
    it.say(finding(view));
  });
}

export default { traits, render };
