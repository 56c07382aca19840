/** Feature maps: the kernel ⟨φ(q), φ(k)⟩ of each against exp(qᵀk), over angle and norm in the plane. */
import { dot, eluPlusOne, randomFeatures, taylorFeatures } from "./architectures.js";
import { format, frame, html, oneOf, real, svg, whole } from "./dom.js";
import { heatMap, legend, lineChart, lineStyles, swatch } from "./draw.js";
import { directions } from "./random.js";

/** @type {[string, string][]} */
const NAMES = [
  ["taylor", "Taylor, order p"], ["positive_random", "positive random"], ["elu_plus_one", "elu + 1"],
  ["exponential", "exp, elementwise"], ["relu", "relu"], ["identity", "identity"],
];
const STYLES = lineStyles(NAMES.map(([name]) => name), "map-");
const MOST_FEATURES = 64;
const MOST_NORM = 2.5;
const [ACROSS, DOWN] = [37, 20]; // cells of the map over angle and norm
const TENFOLD = Math.log(10);

export const traits = {
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
  const point = (degrees) => [norm * Math.cos((Math.PI * degrees) / 180), norm * Math.sin((Math.PI * degrees) / 180)];
  return dot(map(point(direction)), map(point(direction + angle)));
}

/** @param {number} norm @param {number} angle */
export const exact = (norm, angle) => Math.exp(norm * norm * Math.cos((Math.PI * angle) / 180));

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const chart = svg("svg", { class: "dsf-picture", role: "img" });
  const plane = svg("svg", { class: "dsf-picture dsf-phi", role: "img" });
  const cells = heatMap(plane);
  const labels = svg("g");
  const cursor = svg("rect", { class: "dsf-entry" });
  const table = html("div", { class: "dsf-data" });
  const heading = html("p", { class: "dsf-panel-title" });
  plane.append(labels, cursor);
  const box = { left: 34, top: 6, width: 1, height: 200 };
  plane.addEventListener("click", (event) => {
    const place = plane.getBoundingClientRect();
    const across = (event.clientX - place.left - box.left) / box.width;
    const down = (event.clientY - place.top - box.top) / box.height;
    if (across < 0 || across > 1 || down < 0 || down > 1) return;
    it.set({ angle: Math.round(180 * across), norm: Math.max(0.1, Math.round(10 * MOST_NORM * (1 - down)) / 10) });
  });
  it.controls.classList.add("dsf-many");
  it.controls.append(
    it.slider("norm", "Norm of q and k", () => ({ min: 0.1, max: MOST_NORM, step: 0.1 }), (value) => value.toFixed(1)),
    it.slider("angle", "Angle between q and k", () => ({ min: 0, max: 180 }), (value) => `${value}°`),
    it.slider("direction", "Direction of q", () => ({ min: 0, max: 359 }), (value) => `${value}°`),
    it.slider("order", "Order p (Taylor)", () => ({ min: 0, max: 8 }), String),
    it.slider("features", "Features n (positive random)", () => ({ min: 1, max: MOST_FEATURES }), String),
    it.select("map", "Map on the right", NAMES),
    html("div", { class: "dsf-field dsf-buttons" },
      it.button("New draw", () => it.set({ seed: (model.get("seed") + 1) % 1000 })), it.reset()),
  );
  const left = html("div", { class: "dsf-panel" }, html("p", { class: "dsf-panel-title" }, "The kernel over the angle, at this norm"), chart);
  const right = html("div", { class: "dsf-panel" }, heading, plane,
    html("p", { class: "dsf-note" }, "too small ", legend(), " too large · full colour: by a factor of 10 or more"));
  it.root.append(it.problem, it.controls, it.finding, it.spoken, html("div", { class: "dsf-panels" }, left, right), table);

  return it.start(() => {
    const state = Object.fromEntries(Object.keys(traits).map((name) => [name, model.get(name)]));
    const { norm, angle, direction } = state;
    const maps = featureMaps(state);
    const truth = exact(norm, angle);
    const angles = Array.from({ length: 91 }, (_, k) => 2 * k);
    const [low, high] = [Math.exp(-norm * norm), Math.exp(norm * norm)];
    lineChart(chart, {
      width: left.clientWidth, height: 250, log: true, x: [0, 180], y: [Math.min(low / 3, 0.09), Math.max(high * 3, 11)],
      xLabel: "angle in degrees", yLabel: "⟨φ(q), φ(k)⟩",
      lines: [
        ...NAMES.map(([name]) => ({ name: STYLES[name], points: angles.map((value) => [value, kernel(maps[name], norm, value, direction)]) })),
        { name: "dsf-exact", points: angles.map((value) => [value, exact(norm, value)]) },
      ],
      marks: [{ x: angle }, ...NAMES.map(([name]) => ({ x: angle, y: kernel(maps[name], norm, angle, direction), name: STYLES[name] }))],
    });
    chart.setAttribute("aria-label", `Kernels against the angle at norm ${norm}; the numbers at ${angle} degrees stand in the table`);

    const chosen = maps[state.map];
    const title = new Map(NAMES).get(state.map);
    box.width = Math.max(60, right.clientWidth - box.left - 8);
    const normOf = (row) => MOST_NORM * (1 - (row + 0.5) / DOWN);
    const angleOf = (col) => (180 * (col + 0.5)) / ACROSS;
    cells.show({
      x: box.left, y: box.top, width: box.width, height: box.height, rows: DOWN, cols: ACROSS, limit: TENFOLD,
      value: (row, col) => {
        const value = kernel(chosen, normOf(row), angleOf(col), direction);
        return value > 0 ? Math.log(value / exact(normOf(row), angleOf(col))) : -TENFOLD;
      },
    });
    const y = (value) => box.top + box.height * (1 - value / MOST_NORM);
    labels.replaceChildren(
      ...[0, 1, 2].map((value) => svg("text", { x: box.left - 5, y: y(value) + 4, "text-anchor": "end" }, `${value}`)),
      ...[0, 60, 120, 180].map((value) => svg("text", { x: box.left + (box.width * value) / 180, y: box.top + box.height + 15, "text-anchor": value === 180 ? "end" : "middle" }, `${value}°`)),
      svg("text", { x: 0, y: box.top + 14 }, "norm"),
      svg("text", { x: box.left + box.width, y: box.top + box.height + 30, "text-anchor": "end" }, "angle between q and k"),
    );
    const spot = { x: box.left + (box.width * angle) / 180 - 5, y: y(norm) - 5, width: 10, height: 10 };
    for (const [key, value] of Object.entries(spot)) cursor.setAttribute(key, `${value}`);
    plane.setAttribute("width", `${right.clientWidth}`);
    plane.setAttribute("height", "240");
    heading.textContent = `${title}: too large or too small`;

    const rows = NAMES.map(([name, label]) => {
      const value = kernel(maps[name], norm, angle, direction);
      return { name, label, size: maps[name]([0, 0]).length, value, ratio: value / truth };
    });
    const off = (ratio) => (ratio > 0 ? `${format(ratio)} times` : "not positive");
    plane.setAttribute("aria-label", `${title} over angle and norm; here it gives ${off(rows.find(({ name }) => name === state.map)?.ratio ?? 0)} the true kernel`);
    table.replaceChildren(html("table", {},
      html("caption", {}, `Norm ${norm.toFixed(1)}, angle ${angle}°: exp(qᵀk) = ${format(truth)}`),
      html("thead", {}, html("tr", {}, ...["map", "n", "kernel", "ratio"].map((head) => html("th", { scope: "col" }, head)))),
      html("tbody", {}, html("tr", {}, html("th", { scope: "row" }, swatch("dsf-exact"), "exp(qᵀk)"),
        ...["∞", format(truth), format(1)].map((cell) => html("td", {}, cell))), ...rows.map(({ name, label, size, value, ratio }) => html("tr", {},
        html("th", { scope: "row" }, swatch(STYLES[name]), label),
        ...[`${size}`, format(value), format(ratio)].map((cell) => html("td", {}, cell)))))));
    const [taylor, random] = rows;
    it.say(`At norm ${norm.toFixed(1)} and ${angle}° the true kernel is ${format(truth)}; Taylor features of order ${state.order} (n = ${taylor.size}) give ${off(taylor.ratio)} that, ${state.features} positive random features ${off(random.ratio)}.`);
  });
}

export default { render };
