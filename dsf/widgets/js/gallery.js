/** Feature maps: the kernel ⟨φ(q), φ(k)⟩ of each against exp(qᵀk), over angle and norm in the plane. */
import { lineChart } from "./chart.js";
import { format, html, panel, place, svg, tableOf } from "./dom.js";
import { heatMap, legend, lineStyles, swatch } from "./draw.js";
import { randomFeatures, taylorFeatures } from "./features.js";
import { frame } from "./frame.js";
import { dot, eluPlusOne } from "./numbers.js";
import { directions } from "./random.js";
import { oneOf, real, whole } from "./traits.js";

/** @type {[string, string][]} */
const NAMES = [
  ["taylor", "Taylor, order p"],
  ["positive_random", "positive random"],
  ["elu_plus_one", "elu + 1"],
  ["exponential", "exp, elementwise"],
  ["relu", "relu"],
  ["identity", "identity"],
];
const STYLES = lineStyles(
  NAMES.map(([name]) => name),
  "map-",
);
const MOST_FEATURES = 64;
const MOST_NORM = 2.5;
const [ACROSS, DOWN] = [37, 20]; // cells of the map over angle and norm
const TENFOLD = Math.log(10);

const traits = {
  map: oneOf(NAMES.map(([name]) => name)),
  norm: real(0.1, MOST_NORM),
  angle: whole(0, 180),
  direction: whole(0, 359),
  order: whole(0, 8),
  features: whole(1, MOST_FEATURES),
  seed: whole(0, 999),
};

/**
 * @param {Record<string, any>} state
 * @returns {Record<string, (x: number[]) => number[]>} the maps by name
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
 * ⟨φ(q), φ(k)⟩ where q has this direction and k is turned by an angle, both of this norm.
 * @param {(x: number[]) => number[]} map
 * @param {number} norm
 * @param {number} angle in degrees
 * @param {number} direction in degrees
 */
export function kernel(map, norm, angle, direction) {
  /** @param {number} degrees */
  const point = (degrees) => [norm * Math.cos((Math.PI * degrees) / 180), norm * Math.sin((Math.PI * degrees) / 180)];
  return dot(map(point(direction)), map(point(direction + angle)));
}

/** @param {number} norm @param {number} angle */
export const exact = (norm, angle) => Math.exp(norm * norm * Math.cos((Math.PI * angle) / 180));

/** How a kernel compares, in words. @param {number} ratio */
const off = (ratio) => (ratio > 0 ? `${format(ratio)} times` : "not positive");

/** @param {ReturnType<typeof frame>} it */
const controls = (it) => [
  it.slider(
    "norm",
    "Norm of q and k",
    () => ({ min: 0.1, max: MOST_NORM, step: 0.1 }),
    (value) => value.toFixed(1),
  ),
  it.slider(
    "angle",
    "Angle between q and k",
    () => ({ min: 0, max: 180 }),
    (value) => `${value}°`,
  ),
  it.slider(
    "direction",
    "Direction of q",
    () => ({ min: 0, max: 359 }),
    (value) => `${value}°`,
  ),
  it.slider("order", "Order p (Taylor)", () => ({ min: 0, max: 8 }), String),
  it.slider("features", "Features n (positive random)", () => ({ min: 1, max: MOST_FEATURES }), String),
  it.select("map", "Map on the right", NAMES),
  it.seedAndReset(),
];

/**
 * The kernels of all maps where the reader is.
 * @param {Record<string, any>} state
 */
function evaluate(state) {
  const { norm, angle, direction, map } = state;
  const maps = featureMaps(state);
  const truth = exact(norm, angle);
  const now = NAMES.map(([name, title]) => {
    const value = kernel(maps[name], norm, angle, direction);
    return { name, title, size: maps[name]([0, 0]).length, value, ratio: value / truth };
  });
  const chosen = /** @type {typeof now[0]} */ (now.find(({ name }) => name === map));
  return { ...{ norm, angle, direction, maps, truth, now, chosen }, order: state.order, features: state.features };
}

/** @typedef {ReturnType<typeof evaluate>} View */

/** The kernels over the angle. @param {any} chart @param {View} view @param {number} width */
function drawKernels(chart, { norm, angle, direction, maps, now }, width) {
  const angles = Array.from({ length: 91 }, (_, k) => 2 * k);
  const [low, high] = [Math.exp(-norm * norm), Math.exp(norm * norm)];
  const lines = NAMES.map(([name]) => ({
    name: STYLES[name],
    points: angles.map((value) => [value, kernel(maps[name], norm, value, direction)]),
  }));
  lineChart(chart, {
    ...{ width, height: 250, log: true, x: [0, 180], y: [Math.min(low / 3, 0.09), Math.max(high * 3, 11)] },
    ...{ xLabel: "angle in degrees", yLabel: "⟨φ(q), φ(k)⟩" },
    lines: [...lines, { name: "dsf-exact", points: angles.map((value) => [value, exact(norm, value)]) }],
    marks: [{ x: angle }, ...now.map(({ name, value }) => ({ x: angle, y: value, name: STYLES[name] }))],
  });
  const said = `the numbers at ${angle} degrees stand in the table`;
  chart.setAttribute("aria-label", `Kernels against the angle at norm ${norm}; ${said}`);
}

/**
 * The error of one map over angle and norm.
 * @param {(chosen: {angle: number, norm: number}) => void} choose
 */
function errorMap(choose) {
  const picture = svg("svg", { class: "dsf-picture dsf-phi", role: "img" });
  const cells = heatMap(picture);
  const [labels, cursor] = [svg("g"), svg("rect", { class: "dsf-entry" })];
  picture.append(labels, cursor);
  const { left, top, height } = { left: 34, top: 6, height: 200 };
  let width = 1;
  picture.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const box = picture.getBoundingClientRect();
    const across = (event.clientX - box.left - left) / width;
    const down = (event.clientY - box.top - top) / height;
    if (across < 0 || across > 1 || down < 0 || down > 1) return;
    choose({ angle: Math.round(180 * across), norm: Math.max(0.1, Math.round(10 * MOST_NORM * (1 - down)) / 10) });
  });
  /** @param {number} angle */
  const x = (angle) => left + (width * angle) / 180;
  /** @param {number} norm */
  const y = (norm) => top + height * (1 - norm / MOST_NORM);
  /** @param {number} px @param {number} py @param {string} anchor @param {string} words */
  const text = (px, py, anchor, words) => svg("text", { x: px, y: py, "text-anchor": anchor }, words);
  /** @param {View} view @param {number} row @param {number} col */
  const value = ({ maps, chosen, direction }, row, col) => {
    const [norm, angle] = [MOST_NORM * (1 - (row + 0.5) / DOWN), (180 * (col + 0.5)) / ACROSS];
    const found = kernel(maps[chosen.name], norm, angle, direction);
    return found > 0 ? Math.log(found / exact(norm, angle)) : -TENFOLD;
  };
  return {
    picture,
    /** @param {View} view @param {number} whole_ width of the picture */
    draw(view, whole_) {
      width = Math.max(60, whole_ - left - 8);
      const where = { x: left, y: top, width, height, rows: DOWN, cols: ACROSS, limit: TENFOLD };
      cells.show({ ...where, value: (row, col) => value(view, row, col) });
      labels.replaceChildren(
        ...[0, 1, 2].map((norm) => text(left - 5, y(norm) + 4, "end", `${norm}`)),
        ...[0, 60, 120].map((angle) => text(x(angle), top + height + 15, "middle", `${angle}°`)),
        text(x(180), top + height + 15, "end", "180°"),
        text(0, top + 14, "start", "norm"),
        text(x(180), top + height + 30, "end", "angle between q and k"),
      );
      place(cursor, { x: x(view.angle) - 5, y: y(view.norm) - 5, width: 10, height: 10 });
      const said = `${view.chosen.title} over angle and norm; here it gives ${off(view.chosen.ratio)} the true kernel`;
      place(picture, { width: whole_, height: 240, "aria-label": said });
    },
  };
}

/** @param {View} view */
function finding({ norm, angle, truth, now: [taylor, random], order, features }) {
  return (
    `At norm ${norm.toFixed(1)} and ${angle}° the true kernel is ${format(truth)}; Taylor features of order ${order} ` +
    `(n = ${taylor.size}) give ${off(taylor.ratio)} that, ${features} positive random features ${off(random.ratio)}.`
  );
}

/** @param {View} view */
function table({ norm, angle, truth, now }) {
  const rows = now.map(({ name, title, size, value, ratio }) => [
    [swatch(STYLES[name]), title],
    ...[`${size}`, format(value), format(ratio)],
  ]);
  const first = [[swatch("dsf-exact"), "exp(qᵀk)"], "∞", format(truth), format(1)];
  const caption = `Norm ${norm.toFixed(1)}, angle ${angle}°: exp(qᵀk) = ${format(truth)}`;
  return tableOf(caption, ["map", "n", "kernel", "ratio"], [first, ...rows]);
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const chart = svg("svg", { class: "dsf-picture", role: "img" });
  const plane = errorMap(it.set);
  const data = html("div", { class: "dsf-data" });
  const heading = html("p", { class: "dsf-panel-title" });
  it.controls.classList.add("dsf-many");
  it.controls.append(...controls(it));
  const note = ["too small ", legend(), " too large · full colour: by a factor of 10 or more"];
  const left = panel("The kernel over the angle, at this norm", chart);
  const right = html("div", { class: "dsf-panel" }, heading, plane.picture, html("p", { class: "dsf-note" }, ...note));
  const body = html("div", { class: "dsf-panels" }, left, right);
  it.root.append(it.problem, it.controls, it.finding, it.spoken, body, data);

  return it.start(() => {
    const widths = [left, right].map(({ clientWidth }) => clientWidth); // before anything is changed
    const view = evaluate(it.state());
    drawKernels(chart, view, widths[0]);
    plane.draw(view, widths[1]);
    heading.textContent = `${view.chosen.title}: too large or too small`;
    data.replaceChildren(table(view));
    it.say(finding(view));
  });
}

export default { traits, render };
