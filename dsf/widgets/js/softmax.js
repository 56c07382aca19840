/**
 * Softmax attention beside attention with n features: weights, errors against n, and Hankel ranks.
 * `dsf/widgets/softmax.py` is its twin. Attention maps are (L, L) row by row, zero above the diagonal.
 */
import { dot, eluPlusOne, randomFeatures } from "./architectures.js";
import { format, frame, html, oneOf, real, svg, whole } from "./dom.js";
import { lineChart, lineStyles, paint, swatch } from "./draw.js";
import { directions, normal } from "./random.js";

/** @type {[string, string][]} */
const NAMES = [
  ["taylor", "Taylor"], ["positive_random", "positive random"], ["elu_plus_one", "elu + 1, widened"],
  ["exponential", "exp, widened"],
];
const STYLES = lineStyles(NAMES.map(([name]) => name), "map-");
const TITLES = new Map(NAMES);
const STREAM = { q: 22, k: 23, v: 24 };
const [WIDTH, CHANNELS] = [2, 4]; // m of queries and keys, d of values
const MOST_ORDER = 12;
const DOUBLINGS = 7;
const [LEAST_ERROR, MOST_ERROR] = [1e-8, 10]; // where the chart ends
const PROMPT_LENGTH = 48; // longer sequences are drawn in two steps

export const traits = {
  map: oneOf(NAMES.map(([name]) => name)),
  order: whole(0, MOST_ORDER),
  doublings: whole(0, DOUBLINGS),
  scale: real(0.05, 2),
  length: whole(4, 128),
  digits: whole(1, 12),
  seed: whole(0, 999),
};

/** @typedef {import("./architectures.js").Matrix} Matrix */
/** @typedef {{q: Matrix, k: Matrix, v: Matrix, scores: Float64Array, radius: number}} Draws */

/** C(2 + p, p) for Taylor features, 2^step for the others. @param {string} name @param {number} step */
export const size = (name, step) => (name === "taylor" ? ((step + 1) * (step + 2)) / 2 : 2 ** step);

/** What the slider of a map says. @param {string} name @param {Record<string, any>} state */
const stepOf = (name, { order, doublings }) => (name === "taylor" ? order : doublings);

/**
 * Queries and keys that share the factor on the scores evenly, values, the scores, and the largest of them.
 * @param {Record<string, any>} state
 * @returns {Draws}
 */
export function draws({ length, scale, seed }) {
  const rows = (name, width, factor) => Array.from({ length }, (_, i) =>
    Array.from({ length: width }, (__, c) => factor * normal(seed, STREAM[name], i * width + c)));
  const root = Math.sqrt(scale / Math.sqrt(WIDTH));
  const [q, k, v] = [rows("q", WIDTH, root), rows("k", WIDTH, root), rows("v", CHANNELS, 1)];
  const scores = new Float64Array(length * length);
  for (let i = 0; i < length; i++) for (let j = 0; j <= i; j++) scores[i * length + j] = dot(q[i], k[j]);
  return { q, k, v, scores, radius: scores.reduce((most, score) => Math.max(most, Math.abs(score)), 0) };
}

/** One feature for each direction ω. @type {Record<string, (x: number[], rows: Matrix) => number[]>} */
const FEATURES = {
  positive_random: randomFeatures,
  elu_plus_one: (x, rows) => rows.map((w) => eluPlusOne(dot(w, x))),
  exponential: (x, rows) => rows.map((w) => Math.exp(dot(w, x))),
};

/**
 * The kernels ⟨φ(q_i), φ(k_j)⟩ of a map at step 0, 1, ..., up to a factor; each is the last one, grown.
 * @param {string} name
 * @param {number} steps the last step
 * @param {Draws} draws_
 * @param {number} seed
 */
function* kernels(name, steps, { q, k, scores }, seed) {
  const length = q.length;
  const kernel = new Float64Array(length * length);
  if (name === "taylor") {
    // ⟨φ(q), φ(k)⟩ = Σ_r (qᵀk)^r / r!
    const term = new Float64Array(length * length).fill(1);
    for (let r = 0; r <= steps; r++) {
      for (let at = 0; at < term.length; at++) {
        if (r) term[at] *= scores[at] / r;
        kernel[at] += term[at];
      }
      yield kernel;
    }
    return;
  }
  const rows = directions(seed, 2 ** steps);
  const [phi, psi] = [q, k].map((xs) => xs.map((x) => FEATURES[name](x, rows)));
  const keys = new Float64Array(length);
  for (let [a, step] = [0, 0]; step <= steps; step++) {
    for (; a < 2 ** step; a++) {
      for (let j = 0; j < length; j++) keys[j] = psi[j][a];
      for (let i = 0; i < length; i++) {
        const query = phi[i][a];
        for (let j = 0, at = i * length; j <= i; j++, at++) kernel[at] += query * keys[j];
      }
    }
    yield kernel;
  }
}

/**
 * Rows divided by their sums.
 * @param {Float64Array} kernel
 * @param {number} length
 */
function normalise(kernel, length) {
  const phi = new Float64Array(kernel.length);
  for (let i = 0; i < length; i++) {
    let eta = 0;
    for (let at = i * length; at <= i * (length + 1); at++) eta += kernel[at];
    for (let at = i * length; at <= i * (length + 1); at++) phi[at] = kernel[at] / eta;
  }
  return phi;
}

/** Φ of softmax attention. @param {Draws} draws_ */
export const softmax = ({ q, scores }) => normalise(scores.map(Math.exp), q.length);

/**
 * Φ of the stand-in.
 * @param {string} name
 * @param {number} step the order of Taylor features, the number of doublings of the others
 * @param {Draws} draws_
 * @param {number} seed
 */
export function standIn(name, step, draws_, seed) {
  const last = [...kernels(name, step, draws_, seed)].pop();
  return normalise(/** @type {Float64Array} */ (last), draws_.q.length);
}

/**
 * y = Φ v, where the rows of Φ need not be divided by their sums yet.
 * @param {Float64Array} kernel
 * @param {Matrix} v
 */
function outputs(kernel, v) {
  const length = v.length;
  const y = new Float64Array(length * CHANNELS);
  for (let i = 0; i < length; i++) {
    let eta = 0;
    for (let j = 0, at = i * length; j <= i; j++, at++) {
      eta += kernel[at];
      for (let c = 0; c < CHANNELS; c++) y[i * CHANNELS + c] += kernel[at] * v[j][c];
    }
    for (let c = 0; c < CHANNELS; c++) y[i * CHANNELS + c] /= eta;
  }
  return y;
}

/**
 * The error of a stand-in, max_i ‖ŷ_i - y_i‖ / max_j ‖v_j‖.
 * @param {Float64Array} kernel
 * @param {Float64Array} exact
 * @param {Matrix} v
 */
export function distance(kernel, exact, v) {
  const [found, wanted] = [outputs(kernel, v), outputs(exact, v)];
  let most = 0;
  for (let at = 0; at < found.length; at += CHANNELS) {
    let square = 0;
    for (let c = at; c < at + CHANNELS; c++) square += (found[c] - wanted[c]) ** 2;
    most = Math.max(most, square);
  }
  return Math.sqrt(most / Math.max(...v.map((row) => dot(row, row))));
}

/**
 * The errors of a map at every step.
 * @param {string} name
 * @param {Draws} draws_
 * @param {Float64Array} exact
 * @param {number} seed
 * @returns {number[]}
 */
export function errors(name, draws_, exact, seed) {
  const steps = name === "taylor" ? MOST_ORDER : DOUBLINGS;
  return Array.from(kernels(name, steps, draws_, seed), (kernel) => distance(kernel, exact, draws_.v));
}

/**
 * 2ε/(1 - ε) with ε = R^{p+1} e^R / (p+1)!, the bound of the error of Taylor features; infinite for ε ≥ 1.
 * @param {number} radius
 * @param {number} order
 */
export function bound(radius, order) {
  let epsilon = Math.exp(radius);
  for (let r = 1; r <= order + 1; r++) epsilon *= radius / r;
  return epsilon < 1 ? (2 * epsilon) / (1 - epsilon) : Infinity;
}

// --- ranks ---------------------------------------------------------------------------------------

/**
 * Bidiagonal form by Householder reflections.
 * @param {Float64Array[]} columns at most as many as rows; overwritten
 * @returns {number[]} absolute values along the two diagonals: d_1, e_1, d_2, e_2, ..., d_n
 */
function bidiagonal(columns) {
  const [rows, n] = [columns[0].length, columns.length];
  const out = [];
  /** Turn a vector into ∓ its norm times the first unit vector: the reflection is I - 2uuᵀ/‖u‖². */
  const reflection = (u) => {
    const norm = Math.sqrt(dot(u, u));
    out.push(norm);
    u[0] += u[0] < 0 ? -norm : norm;
    return norm && 1 / (norm * Math.abs(u[0]));
  };
  for (let k = 0; k < n; k++) {
    const u = columns[k].slice(k);
    const beta = reflection(u);
    for (let j = k + 1; j < n; j++) {
      const column = columns[j];
      let sum = 0;
      for (let i = k; i < rows; i++) sum += u[i - k] * column[i];
      sum *= beta;
      for (let i = k; i < rows; i++) column[i] -= sum * u[i - k];
    }
    if (k === n - 1) break;
    const w = Float64Array.from(columns.slice(k + 1), (column) => column[k]);
    const gamma = reflection(w);
    const sums = new Float64Array(rows);
    for (let j = k + 1; j < n; j++) {
      const [column, weight] = [columns[j], w[j - k - 1]];
      for (let i = k + 1; i < rows; i++) sums[i] += weight * column[i];
    }
    for (let j = k + 1; j < n; j++) {
      const [column, weight] = [columns[j], gamma * w[j - k - 1]];
      for (let i = k + 1; i < rows; i++) column[i] -= weight * sums[i];
    }
  }
  return out;
}

/**
 * How many singular values are above a threshold: the positive eigenvalues above it of the tridiagonal
 * matrix with zero diagonal and these numbers beside it, counted by the signs of its pivots.
 * @param {number[]} form
 * @param {number} threshold positive
 */
function countAbove(form, threshold) {
  let [count, pivot] = [0, threshold];
  for (const value of form) {
    pivot = threshold - (value * value) / (pivot || Number.MIN_VALUE);
    if (pivot < 0) count += 1;
  }
  return count;
}

/**
 * The bidiagonal forms of the Hankel blocks Φ[t:, :t], t = 1, ..., L - 1, and the spectral norm of Φ.
 * @param {Float64Array} phi
 * @param {number} length
 */
export function hankelForms(phi, length) {
  const block = (top, right) => {
    const [rows, cols] = [length - top, right];
    // The transpose of a wide block, whose columns are rows of Φ.
    if (rows < cols) return bidiagonal(Array.from({ length: rows }, (_, i) => phi.slice((top + i) * length, (top + i) * length + cols)));
    return bidiagonal(Array.from({ length: cols }, (_, j) => {
      const column = new Float64Array(rows);
      for (let i = 0; i < rows; i++) column[i] = phi[(top + i) * length + j];
      return column;
    }));
  };
  const whole_ = block(0, length);
  let [low, high] = [0, Math.sqrt(dot(phi, phi))];
  for (let halving = 0; halving < 50; halving++) {
    const middle = (low + high) / 2;
    if (countAbove(whole_, middle)) low = middle;
    else high = middle;
  }
  return { norm: high, forms: Array.from({ length: length - 1 }, (_, t) => block(t + 1, t + 1)) };
}

/**
 * The ranks of the Hankel blocks: their singular values above a fraction of the norm of Φ.
 * @param {ReturnType<typeof hankelForms>} hankel
 * @param {number} tolerance
 */
export const ranks = ({ norm, forms }, tolerance) => forms.map((form) => countAbove(form, tolerance * norm));

// --- the figure ----------------------------------------------------------------------------------

const epsilon = (digits) => `10⁻${[...`${digits}`].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const maps = ["softmax, Φ", "stand-in, Φ̂", "Φ̂ − Φ"].map((title) => ({ title, canvas: html("canvas", { role: "img" }) }));
  const charts = [0, 1].map(() => svg("svg", { class: "dsf-picture", role: "img" }));
  const notes = [0, 1].map(() => html("p", { class: "dsf-note" }));
  const busy = html("p", { class: "dsf-note", hidden: true });
  const table = html("div", { class: "dsf-data" });
  const order = it.slider("order", "Order p", () => ({ min: 0, max: MOST_ORDER }), (p) => `${p}, n = ${size("taylor", p)}`);
  const doublings = it.slider("doublings", "Features n", () => ({ min: 0, max: DOUBLINGS }), (step) => `${2 ** step}`);
  it.controls.classList.add("dsf-many");
  it.controls.append(
    it.select("map", "Feature map", NAMES), order, doublings,
    it.slider("scale", "Scale of the scores", () => ({ min: 0.05, max: 2, step: 0.05 }), (value) => value.toFixed(2)),
    it.slider("length", "Length L", () => ({ min: 4, max: 128 }), String),
    it.slider("digits", "Tolerance ε of the rank", () => ({ min: 1, max: 12 }), epsilon),
    html("div", { class: "dsf-field dsf-buttons" },
      it.button("New draw", () => it.set({ seed: (model.get("seed") + 1) % 1000 })), it.reset()),
  );
  const titles = ["Error of the outputs against n", "Rank of the Hankel block against the cut t"];
  const slow = html("div", {},
    html("div", { class: "dsf-panels" }, ...charts.map((chart, place) =>
      html("div", { class: "dsf-panel" }, html("p", { class: "dsf-panel-title" }, titles[place]), chart, notes[place]))), table);
  it.root.append(it.problem, it.controls, it.finding, it.spoken,
    html("div", { class: "dsf-triple" }, ...maps.map(({ title, canvas }) =>
      html("div", {}, html("p", { class: "dsf-panel-title" }, title), canvas))),
    html("p", { class: "dsf-note" }, "Colour: an entry as a share of the largest weight of softmax in its row; orange is negative."),
    busy, slow);

  let known = "";
  let timer = 0;
  /** @type {{errors: Record<string, number[]>, hankel: ReturnType<typeof hankelForms>}} */
  let curves;
  it.atEnd(() => clearTimeout(timer));

  return it.start(() => {
    const state = Object.fromEntries(Object.keys(traits).map((name) => [name, model.get(name)]));
    const { map, length, scale, seed, digits } = state;
    const chosen = draws(state);
    const exact = softmax(chosen);
    const weights = standIn(map, stepOf(map, state), chosen, seed);
    const error = distance(weights, exact, chosen.v);
    const n = size(map, stepOf(map, state));
    const limit = bound(chosen.radius, state.order);
    order.hidden = map !== "taylor";
    doublings.hidden = map === "taylor";

    const most = Array.from({ length }, (_, i) => Math.max(...exact.subarray(i * length, i * (length + 1) + 1)));
    const entry = [(at) => exact[at], (at) => weights[at], (at) => weights[at] - exact[at]];
    maps.forEach(({ title, canvas }, place) => {
      paint(canvas, length, (i, j) => entry[place](i * length + j) / most[i]);
      canvas.setAttribute("aria-label", `Heat map, ${length} by ${length}: ${title}`);
    });
    const theorem = map !== "taylor" ? "" : limit < Infinity ? ` The theorem allows ${format(100 * limit)} %.`
      : ` The theorem gives no bound yet: some scores are as large as R = ${format(chosen.radius)}.`;
    const signs = weights.some((weight) => weight < 0) ? " Some weights of the stand-in are negative." : "";
    const own = map === "elu_plus_one" || map === "exponential" ? " These features have a kernel of their own, whatever n." : "";
    it.say(`${TITLES.get(map)}, n = ${n}: no output is off by more than ${format(100 * error)} % of the largest value.${theorem}${own}${signs}`);

    /** What takes long: all errors, and a bidiagonal form for every cut. */
    const rest = () => {
      const key = [length, scale, seed].join();
      if (key !== known) {
        curves = {
          errors: Object.fromEntries(NAMES.map(([name]) => [name, errors(name, chosen, exact, seed)])),
          hankel: hankelForms(exact, length),
        };
        known = key;
      }
      busy.hidden = true;
      slow.classList.remove("dsf-dim");
      const width = charts[0].parentElement.clientWidth;
      const points = (values, name) => values.map((value, step) => [size(name, step), value]);
      const orders = Array.from({ length: MOST_ORDER + 1 }, (_, p) => bound(chosen.radius, p));
      lineChart(charts[0], {
        width, height: 250, x: [1, 2 ** DOUBLINGS], y: [LEAST_ERROR, MOST_ERROR], log: true, logX: true, xLabel: "n", yLabel: "error",
        lines: [
          { name: "dsf-map-taylor dsf-bound", points: points(orders, "taylor") },
          ...NAMES.map(([name]) => ({ name: STYLES[name], points: points(curves.errors[name], name) })),
        ],
        marks: [{ x: length }, { x: n, y: Math.min(Math.max(error, LEAST_ERROR), MOST_ERROR), name: STYLES[map] }],
      });
      charts[0].setAttribute("aria-label", `${titles[0]}, one line for each map; the numbers at the present n stand in the table`);
      notes[0].replaceChildren(swatch("dsf-map-taylor dsf-bound"), "bound of Taylor · dotted: n = L, where a key-value cache is exact");

      const cuts = Array.from({ length: length - 1 }, (_, t) => t + 1);
      const full = cuts.map((t) => Math.min(t, length - t));
      const seen = ranks(curves.hankel, 10 ** -digits);
      const line = (name, values) => ({ name, points: cuts.map((t, at) => [t, values[at]]) });
      lineChart(charts[1], {
        width, height: 250, x: [1, length - 1], y: [0, Math.ceil(1.05 * length / 2)], xLabel: "t", yLabel: "rank",
        lines: [line("dsf-exact", full), line("", seen), line(`${STYLES[map]} dsf-most`, full.map((rank) => Math.min(rank, n)))],
      });
      const needed = Math.max(...seen);
      charts[1].setAttribute("aria-label", `${titles[1]}: in exact arithmetic up to ${Math.floor(length / 2)}, above ${epsilon(digits)} up to ${needed}, stand-in at most ${n}`);
      notes[1].replaceChildren(
        swatch("dsf-exact"), `softmax, exact (theorem): up to ${Math.floor(length / 2)} · `,
        swatch(""), `softmax, singular values above ${epsilon(digits)} ‖Φ‖: up to ${needed} · `,
        swatch(`${STYLES[map]} dsf-most`), `stand-in: at most n = ${n}. A system with fewer than ${needed} states a channel is more than ${epsilon(digits)} ‖Φ‖ away from Φ.`);

      const rows = NAMES.map(([name, title]) => {
        const here = curves.errors[name][stepOf(name, state)];
        const expansion = size(name, stepOf(name, state));
        const proved = name !== "taylor" ? "none" : limit < Infinity ? format(limit) : "none yet";
        return { name, title, cells: [`${expansion}`, `${CHANNELS * expansion}`, format(here), proved] };
      });
      table.replaceChildren(html("table", {},
        html("caption", {}, `Length ${length}, d = ${CHANNELS}, largest score R = ${format(chosen.radius)}; error and bound as shares of the largest value`),
        html("thead", {}, html("tr", {}, ...["map", "n", "N", "error", "bound"].map((head) => html("th", { scope: "col" }, head)))),
        html("tbody", {}, ...rows.map(({ name, title, cells }) => html("tr", {},
          html("th", { scope: "row" }, swatch(STYLES[name]), title), ...cells.map((cell) => html("td", {}, cell)))))));
    };
    clearTimeout(timer);
    if (length <= PROMPT_LENGTH || known === [length, scale, seed].join()) {
      rest();
    } else {
      slow.classList.add("dsf-dim");
      busy.textContent = `Computing the curves for L = ${length}; what stands below belongs to an earlier setting.`;
      busy.hidden = false;
      timer = setTimeout(rest, 80);
    }
  });
}

export default { render };
