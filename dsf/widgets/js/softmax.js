/** Softmax attention beside attention with n features: the maps and the error against n; Hankel ranks on demand. */
import * as approximation from "./approximation.js";
import { CHANNELS, DOUBLINGS, MOST_ORDER, size, stepOf } from "./approximation.js";
import { lineChart } from "./chart.js";
import { fold, format, html, panel, svg, tableOf } from "./dom.js";
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
const MATRICES = ["softmax, Φ", "stand-in", "stand-in − softmax"];
const COLORS = "Colour: an entry as a share of the largest weight of softmax in its row; orange is negative.";
const [LEAST_ERROR, MOST_ERROR] = [1e-8, 10]; // where the chart ends
const GOAL = 0.01; // an error that counts as none
const PROMPT_LENGTH = 48; // of longer sequences the ranks come a little later
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

/** 10^-digits in words. @param {number} digits */
const epsilon = (digits) => `10⁻${[...`${digits}`].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;

/** @param {ReturnType<typeof frame>} it @param {any} model */
function controls(it, model) {
  const [orders, steps] = [() => ({ min: 0, max: MOST_ORDER }), () => ({ min: 0, max: DOUBLINGS })];
  return {
    order: it.slider("order", "Order p", orders, (p) => `${p}, n = ${size("taylor", p)}`),
    doublings: it.slider("doublings", "Features n", steps, (step) => `${2 ** step}`),
    scale: it.slider(
      "scale",
      "Scale of the logits",
      () => ({ min: 0.05, max: 2, step: 0.05 }),
      (value) => value.toFixed(2),
    ),
    rare: [
      it.select("map", "Feature map", NAMES),
      it.slider("length", "Length L", () => ({ min: 4, max: 128 }), String),
      it.button("New draw", () => it.set({ seed: (model.get("seed") + 1) % 1000 })),
    ],
    digits: it.slider("digits", "Tolerance ε", () => ({ min: 1, max: 12 }), epsilon),
  };
}

/** What does not depend on the map that is chosen, kept as long as it stays the same. */
function attention() {
  let known = "";
  /** @type {{key: string, chosen: approximation.Draws, exact: Float64Array, errorsOf: (name: string) => number[]}} */
  let kept;
  return (/** @type {Record<string, any>} */ state) => {
    const key = [state.length, state.scale, state.seed].join();
    if (key === known) return kept;
    const chosen = approximation.draws(state);
    const exact = approximation.softmax(chosen);
    /** @type {Record<string, number[]>} */
    const found = {};
    /** @param {string} name */
    const errorsOf = (name) => {
      found[name] ??= approximation.errors(name, chosen, exact, state.seed);
      return found[name];
    };
    kept = { key, chosen, exact, errorsOf };
    known = key;
    return kept;
  };
}

/**
 * What is drawn.
 * @param {Record<string, any>} state
 * @param {ReturnType<ReturnType<typeof attention>>} fixed
 */
function evaluate(state, fixed) {
  const { map, length, seed } = state;
  const step = stepOf(map, state);
  return {
    ...{ ...fixed, state, map, length, title: new Map(NAMES).get(map), n: size(map, step) },
    weights: approximation.standIn(map, step, fixed.chosen, seed),
    error: fixed.errorsOf(map)[step],
    limit: approximation.bound(fixed.chosen.radius, state.order),
  };
}

/** @typedef {ReturnType<typeof evaluate>} View */

/** How many features are enough, in words. @param {View} view */
function enough({ map, errorsOf }) {
  const own = errorsOf(map);
  const step = own.findIndex((_, at) => own.slice(at).every((error) => error < GOAL));
  const goal = `below ${100 * GOAL} %`;
  if (step < 0) return ` At no n up to ${size(map, own.length - 1)} does it stay ${goal}.`;
  return ` It is ${goal} from n = ${size(map, step)} on${map === "taylor" ? `, order ${step}` : ""}.`;
}

/** Why no bound is drawn, in words. @param {View} view */
function unbounded({ map, chosen }) {
  if (map !== "taylor" || approximation.bound(chosen.radius, MOST_ORDER) < Infinity) return "";
  return ` Logits go up to ${format(chosen.radius)}: the theorem bounds no order up to ${MOST_ORDER}.`;
}

/** @param {View} view */
const finding = (view) =>
  [
    `${view.title}, n = ${view.n}: no output is off by more than ${format(100 * view.error)} % of the largest value.`,
    enough(view),
    unbounded(view),
    view.weights.some((weight) => weight < 0) ? " Some weights of the stand-in are negative." : "",
  ].join("");

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

/** @param {any} chart @param {View} view @param {number} width */
function drawErrors(chart, { map, length, chosen, error, errorsOf, n }, width) {
  /** @param {number[]} values @param {string} name */
  const points = (values, name) => values.map((value, step) => [size(name, step), value]);
  const bounds = errorsOf("taylor").map((_, p) => approximation.bound(chosen.radius, p));
  const seen = Math.min(Math.max(error, LEAST_ERROR), MOST_ERROR);
  const most = 2 ** DOUBLINGS;
  const shown = NAMES.filter(([name]) => name === "taylor" || name === map);
  lineChart(chart, {
    ...{ width, height: width < 360 ? 190 : 220, x: [1, most], y: [LEAST_ERROR, MOST_ERROR], log: true, logX: true },
    ...{ xLabel: `n (dotted: an error of ${100 * GOAL} %)`, yLabel: "largest error" },
    lines: [
      ...shown.map(([name, title]) => ({ name: STYLES[name], points: points(errorsOf(name), name), title })),
      { name: BOUND, points: points(bounds, "taylor"), title: "bound of Taylor" },
      { name: "dsf-chance", points: [1, most].map((x) => [x, GOAL]) },
    ],
    marks: [
      { x: length },
      { x: Math.min(length, most / 2), y: NaN, title: `n = L = ${length}` }, // whole at the edge too
      { x: n, y: seen, name: STYLES[map] },
    ],
  });
  const said = "Error of the outputs against n for Taylor features and the chosen map; the numbers stand in the table";
  chart.setAttribute("aria-label", said);
}

/**
 * Draw the ranks, and give the words for what is seen.
 * @param {any} chart
 * @param {View} view
 * @param {ReturnType<typeof hankelForms>} hankel
 * @param {number} width
 */
function drawRanks(chart, { map, length, n, state }, hankel, width) {
  const cuts = Array.from({ length: length - 1 }, (_, t) => t + 1);
  const full = cuts.map((t) => Math.min(t, length - t));
  const seen = ranks(hankel, 10 ** -state.digits);
  const own = full.map((rank) => Math.min(rank, n));
  const e = epsilon(state.digits);
  /** @param {string} name @param {number[]} values @param {string} title */
  const line = (name, values, title) => ({ name, points: cuts.map((t, at) => [t, values[at]]), title });
  lineChart(chart, {
    ...{ width, height: 220, x: [1, length - 1], y: [0, Math.ceil((1.05 * length) / 2)] },
    ...{ xLabel: "cut t", yLabel: "rank of the block" },
    lines: [
      line("dsf-exact", full, "softmax, exact"),
      line("", seen, `softmax, above ${e}`),
      line(`${STYLES[map]} dsf-most`, own, "stand-in"),
    ],
  });
  const [most, needed] = [Math.floor(length / 2), Math.max(...seen)];
  const said = `in exact arithmetic up to ${most}, above ${e} up to ${needed}, stand-in at most ${n}`;
  chart.setAttribute("aria-label", `Rank of the Hankel block against the cut t: ${said}`);
  return [
    `Softmax, exact (theorem): up to ${most} · singular values above ${e} ‖Φ‖: up to ${needed} · `,
    `stand-in: at most n = ${n}. `,
    `A system with fewer than ${needed} states a channel is more than ${e} ‖Φ‖ away from Φ.`,
  ].join("");
}

/** @param {View} view */
function table({ state, length, chosen, limit, errorsOf }) {
  const rows = NAMES.map(([name, title]) => {
    const [step, n] = [stepOf(name, state), size(name, stepOf(name, state))];
    const proved = name !== "taylor" ? "none" : limit < Infinity ? format(limit) : "none yet";
    const first = [swatch(STYLES[name]), title];
    return [first, `${n}`, `${CHANNELS * n}`, format(errorsOf(name)[step]), proved];
  });
  const radius = `largest logit R = ${format(chosen.radius)}`;
  const caption = `Length ${length}, d = ${CHANNELS}, ${radius}; error and bound as shares of the largest value`;
  return tableOf(caption, ["map", "n", "N", "error", "bound"], rows);
}

/**
 * The ranks, on demand: what takes long is computed when they are looked at, and says so meanwhile.
 * @param {ReturnType<typeof frame>} it
 * @param {Node} tolerance
 */
function rankPart(it, tolerance) {
  const chart = svg("svg", { class: "dsf-picture", role: "img" });
  const [busy, words] = [html("p", { class: "dsf-note", hidden: true }), html("p", { class: "dsf-note" })];
  const body = html("div", { class: "dsf-panel" }, chart, words);
  const title = "How many states at least? The ranks of the Hankel blocks";
  const node = fold("dsf-fold", title, html("div", { class: "dsf-controls" }, tolerance), busy, body);
  node.addEventListener("toggle", it.redraw);
  let known = ""; // what the ranks were computed for
  /** @type {ReturnType<typeof hankelForms>} */
  let hankel;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  it.atEnd(() => clearTimeout(timer));
  return {
    node,
    /** @param {View} view */
    draw(view) {
      clearTimeout(timer);
      if (known && !node.open) return;
      const rest = () => {
        if (view.key !== known) hankel = hankelForms(view.exact, view.length);
        known = view.key;
        busy.hidden = true;
        body.classList.remove("dsf-dim");
        words.textContent = drawRanks(chart, view, hankel, body.clientWidth);
      };
      if (view.length <= PROMPT_LENGTH || view.key === known) rest();
      else {
        body.classList.add("dsf-dim");
        busy.textContent = `Computing the ranks for L = ${view.length}; those below belong to an earlier setting.`;
        busy.hidden = false;
        timer = setTimeout(rest, WAIT_MS);
      }
    },
  };
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const canvases = MATRICES.map(() => html("canvas", { role: "img" }));
  const [exact, standIn, difference] = MATRICES.map((title, place) => panel(title, canvases[place]));
  const chart = svg("svg", { class: "dsf-picture", role: "img" });
  const right = html("div", { class: "dsf-panel" }, chart);
  const { order, doublings, scale, rare, digits } = controls(it, model);
  const ranked = rankPart(it, digits);
  const data = html("details", { class: "dsf-data" }, html("summary", {}, "The numbers"));
  const numbers = html("div");
  data.append(numbers);
  data.addEventListener("toggle", it.redraw);
  it.controls.append(order, doublings, scale, it.reset(), it.more(...rare));
  it.root.append(
    ...[it.problem, it.controls],
    html("div", { class: "dsf-panels" }, html("div", { class: "dsf-pair" }, exact, standIn), right),
    ...[it.finding, it.spoken, ranked.node, html("p", { class: "dsf-note" }, COLORS)],
    fold("dsf-fold", "Where do the two maps differ?", html("div", { class: "dsf-pair" }, difference)),
    data,
  );
  const fixed = attention();

  return it.start(() => {
    const width = right.clientWidth; // before anything is changed
    const state = it.state();
    const view = evaluate(state, fixed(state));
    order.hidden = view.map !== "taylor";
    doublings.hidden = view.map === "taylor";
    drawMatrices(canvases, view);
    drawErrors(chart, view, width);
    if (data.open || !numbers.firstChild) numbers.replaceChildren(table(view)); // what is folded waits
    ranked.draw(view);
    it.say(finding(view));
  });
}

export default { traits, render };
