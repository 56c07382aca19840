/** Softmax attention beside attention with n features: weights, errors against n, and Hankel ranks. */
import * as approximation from "./approximation.js";
import { CHANNELS, DOUBLINGS, MOST_ORDER, size, stepOf } from "./approximation.js";
import { lineChart } from "./chart.js";
import { format, html, panel, svg, tableOf } from "./dom.js";
import { lineStyles, paint, swatch } from "./draw.js";
import { frame } from "./frame.js";
import { hankelForms, ranks } from "./hankel.js";
import { oneOf, real, whole } from "./traits.js";

/** @type {[string, string][]} */
const NAMES = [
  ["taylor", "Taylor"],
  ["positive_random", "positive random"],
  ["elu_plus_one", "elu + 1, widened"],
  ["exponential", "exp, widened"],
];
const STYLES = lineStyles(
  NAMES.map(([name]) => name),
  "map-",
);
const BOUND = `${STYLES.taylor} dsf-bound`;
const MATRICES = ["softmax, Φ", "stand-in, Φ̂", "Φ̂ − Φ"];
const CHARTS = ["Error of the outputs against n", "Rank of the Hankel block against the cut t"];
const COLORS = "Colour: an entry as a share of the largest weight of softmax in its row; orange is negative.";
const [LEAST_ERROR, MOST_ERROR] = [1e-8, 10]; // where the chart ends
const PROMPT_LENGTH = 48; // longer sequences are drawn in two steps
const WAIT_MS = 80;

const traits = {
  map: oneOf(NAMES.map(([name]) => name)),
  order: whole(0, MOST_ORDER),
  doublings: whole(0, DOUBLINGS),
  scale: real(0.05, 2),
  length: whole(4, 128),
  digits: whole(1, 12),
  seed: whole(0, 999),
};

/** @typedef {{errors: Record<string, number[]>, hankel: ReturnType<typeof hankelForms>}} Curves what takes long */

/** 10^-digits in words. @param {number} digits */
const epsilon = (digits) => `10⁻${[...`${digits}`].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;

/** @param {ReturnType<typeof frame>} it */
function controls(it) {
  const [orders, steps] = [() => ({ min: 0, max: MOST_ORDER }), () => ({ min: 0, max: DOUBLINGS })];
  const order = it.slider("order", "Order p", orders, (p) => `${p}, n = ${size("taylor", p)}`);
  const doublings = it.slider("doublings", "Features n", steps, (step) => `${2 ** step}`);
  const all = [
    ...[it.select("map", "Feature map", NAMES), order, doublings],
    it.slider(
      "scale",
      "Scale of the scores",
      () => ({ min: 0.05, max: 2, step: 0.05 }),
      (value) => value.toFixed(2),
    ),
    it.slider("length", "Length L", () => ({ min: 4, max: 128 }), String),
    it.slider("digits", "Tolerance ε of the rank", () => ({ min: 1, max: 12 }), epsilon),
    it.seedAndReset(),
  ];
  return { order, doublings, all };
}

/**
 * What is drawn at once.
 * @param {Record<string, any>} state
 */
function evaluate(state) {
  const { map, length, scale, seed } = state;
  const chosen = approximation.draws(state);
  const exact = approximation.softmax(chosen);
  const weights = approximation.standIn(map, stepOf(map, state), chosen, seed);
  return {
    ...{ state, map, length, chosen, exact, weights, title: new Map(NAMES).get(map) },
    key: [length, scale, seed].join(), // of what takes long
    n: size(map, stepOf(map, state)),
    error: approximation.distance(weights, exact, chosen.v),
    limit: approximation.bound(chosen.radius, state.order),
  };
}

/** @typedef {ReturnType<typeof evaluate>} View */

/** @param {View} view @returns {Curves} */
const curvesOf = ({ chosen, exact, length, state }) => ({
  errors: Object.fromEntries(NAMES.map(([name]) => [name, approximation.errors(name, chosen, exact, state.seed)])),
  hankel: hankelForms(exact, length),
});

/** @param {View} view */
function finding({ map, title, n, error, limit, chosen, weights }) {
  const bounded = limit < Infinity;
  const theorem = bounded
    ? ` The theorem allows ${format(100 * limit)} %.`
    : ` The theorem gives no bound yet: some scores are as large as R = ${format(chosen.radius)}.`;
  const own = map === "elu_plus_one" || map === "exponential";
  return [
    `${title}, n = ${n}: no output is off by more than ${format(100 * error)} % of the largest value.`,
    map === "taylor" ? theorem : "",
    own ? " These features have a kernel of their own, whatever n." : "",
    weights.some((weight) => weight < 0) ? " Some weights of the stand-in are negative." : "",
  ].join("");
}

/** The three matrices. @param {any[]} canvases @param {View} view */
function drawMatrices(canvases, { length, exact, weights }) {
  const most = Array.from({ length }, (_, i) => Math.max(...exact.subarray(i * length, i * (length + 1) + 1)));
  /** @type {((at: number) => number)[]} */
  const entry = [(at) => exact[at], (at) => weights[at], (at) => weights[at] - exact[at]];
  canvases.forEach((canvas, place) => {
    paint(canvas, length, (i, j) => entry[place](i * length + j) / most[i]);
    canvas.setAttribute("aria-label", `Heat map, ${length} by ${length}: ${MATRICES[place]}`);
  });
}

/** @param {any} chart @param {View} view @param {Curves} curves @param {number} width */
function drawErrors(chart, { map, length, chosen, error, n }, { errors }, width) {
  /** @param {number[]} values @param {string} name */
  const points = (values, name) => values.map((value, step) => [size(name, step), value]);
  const bounds = errors.taylor.map((_, p) => approximation.bound(chosen.radius, p));
  const seen = Math.min(Math.max(error, LEAST_ERROR), MOST_ERROR);
  lineChart(chart, {
    ...{ width, height: 250, x: [1, 2 ** DOUBLINGS], y: [LEAST_ERROR, MOST_ERROR], log: true, logX: true },
    ...{ xLabel: "n", yLabel: "error" },
    lines: [
      { name: BOUND, points: points(bounds, "taylor") },
      ...NAMES.map(([name]) => ({ name: STYLES[name], points: points(errors[name], name) })),
    ],
    marks: [{ x: length }, { x: n, y: seen, name: STYLES[map] }],
  });
  const said = "one line for each map; the numbers at the present n stand in the table";
  chart.setAttribute("aria-label", `${CHARTS[0]}, ${said}`);
}

/**
 * Draw the ranks, and give the words for what is seen.
 * @param {any} chart
 * @param {View} view
 * @param {Curves} curves
 * @param {number} width
 */
function drawRanks(chart, { map, length, n, state }, { hankel }, width) {
  const cuts = Array.from({ length: length - 1 }, (_, t) => t + 1);
  const full = cuts.map((t) => Math.min(t, length - t));
  const seen = ranks(hankel, 10 ** -state.digits);
  const own = `${STYLES[map]} dsf-most`;
  /** @param {string} name @param {number[]} values */
  const line = (name, values) => ({ name, points: cuts.map((t, at) => [t, values[at]]) });
  lineChart(chart, {
    ...{ width, height: 250, x: [1, length - 1], y: [0, Math.ceil((1.05 * length) / 2)], xLabel: "t", yLabel: "rank" },
    lines: [
      line("dsf-exact", full),
      line("", seen),
      line(
        own,
        full.map((rank) => Math.min(rank, n)),
      ),
    ],
  });
  const [most, needed, e] = [Math.floor(length / 2), Math.max(...seen), epsilon(state.digits)];
  const said = `in exact arithmetic up to ${most}, above ${e} up to ${needed}, stand-in at most ${n}`;
  chart.setAttribute("aria-label", `${CHARTS[1]}: ${said}`);
  return [
    ...[swatch("dsf-exact"), `softmax, exact (theorem): up to ${most} · `],
    ...[swatch(""), `softmax, singular values above ${e} ‖Φ‖: up to ${needed} · `],
    ...[swatch(own), `stand-in: at most n = ${n}. `],
    `A system with fewer than ${needed} states a channel is more than ${e} ‖Φ‖ away from Φ.`,
  ];
}

/** @param {View} view @param {Curves} curves */
function table({ state, length, chosen, limit }, { errors }) {
  const rows = NAMES.map(([name, title]) => {
    const [step, n] = [stepOf(name, state), size(name, stepOf(name, state))];
    const proved = name !== "taylor" ? "none" : limit < Infinity ? format(limit) : "none yet";
    const first = [swatch(STYLES[name]), title];
    return [first, `${n}`, `${CHANNELS * n}`, format(errors[name][step]), proved];
  });
  const radius = `largest score R = ${format(chosen.radius)}`;
  const caption = `Length ${length}, d = ${CHANNELS}, ${radius}; error and bound as shares of the largest value`;
  return tableOf(caption, ["map", "n", "N", "error", "bound"], rows);
}

/** What takes long to compute, and says so meanwhile. */
function slowPart() {
  const charts = CHARTS.map(() => svg("svg", { class: "dsf-picture", role: "img" }));
  const notes = CHARTS.map(() => html("p", { class: "dsf-note" }));
  const panels = CHARTS.map((title, place) => panel(title, charts[place], notes[place]));
  const data = html("div", { class: "dsf-data" });
  const busy = html("p", { class: "dsf-note", hidden: true });
  const body = html("div", {}, html("div", { class: "dsf-panels" }, ...panels), data);
  notes[0].append(swatch(BOUND), "bound of Taylor · dotted: n = L, where a key-value cache is exact");
  return {
    nodes: [busy, body],
    /** @param {View} view @param {Curves} curves */
    draw(view, curves) {
      busy.hidden = true;
      body.classList.remove("dsf-dim");
      const width = panels[0].clientWidth;
      drawErrors(charts[0], view, curves, width);
      notes[1].replaceChildren(...drawRanks(charts[1], view, curves, width));
      data.replaceChildren(table(view, curves));
    },
    /** @param {number} length */
    wait(length) {
      body.classList.add("dsf-dim");
      busy.textContent = `Computing the curves for L = ${length}; what stands below belongs to an earlier setting.`;
      busy.hidden = false;
    },
  };
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const canvases = MATRICES.map(() => html("canvas", { role: "img" }));
  const matrices = MATRICES.map((title, place) =>
    html("div", {}, html("p", { class: "dsf-panel-title" }, title), canvases[place]),
  );
  const { order, doublings, all } = controls(it);
  const slow = slowPart();
  it.controls.classList.add("dsf-many");
  it.controls.append(...all);
  it.root.append(
    ...[it.problem, it.controls, it.finding, it.spoken, html("div", { class: "dsf-triple" }, ...matrices)],
    ...[html("p", { class: "dsf-note" }, COLORS), ...slow.nodes],
  );
  let known = ""; // what the curves were computed for
  /** @type {Curves} */
  let curves;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  it.atEnd(() => clearTimeout(timer));

  return it.start(() => {
    const view = evaluate(it.state());
    order.hidden = view.map !== "taylor";
    doublings.hidden = view.map === "taylor";
    drawMatrices(canvases, view);
    it.say(finding(view));
    const rest = () => {
      if (view.key !== known) curves = curvesOf(view);
      known = view.key;
      slow.draw(view, curves);
    };
    clearTimeout(timer);
    if (view.length <= PROMPT_LENGTH || view.key === known) rest();
    else {
      slow.wait(view.length);
      timer = setTimeout(rest, WAIT_MS);
    }
  });
}

export default { traits, render };
