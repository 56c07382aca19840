/**
 * Softmax attention and attention with n features in its place: weights, errors and the bound of theory.
 * Attention maps are (L, L) row by row, zero above the diagonal; `dsf/widgets/softmax.py` computes the same.
 */
import { randomFeatures } from "./features.js";
import { dot, eluPlusOne } from "./numbers.js";
import { directions, normal } from "./random.js";

const STREAM = { q: 22, k: 23, v: 24 };
const WIDTH = 2; // m of queries and keys
export const CHANNELS = 4; // d of values
export const MOST_ORDER = 12;
export const DOUBLINGS = 7;

/** @typedef {import("./system.js").Matrix} Matrix */
/** @typedef {{q: Matrix, k: Matrix, v: Matrix, scores: Float64Array, radius: number}} Draws */

/** C(2 + p, p) for Taylor features, 2^step for the others. @param {string} name @param {number} step */
export const size = (name, step) => (name === "taylor" ? ((step + 1) * (step + 2)) / 2 : 2 ** step);

/** What the slider of a map says. @param {string} name @param {Record<string, any>} state */
export const stepOf = (name, { order, doublings }) => (name === "taylor" ? order : doublings);

/**
 * Queries and keys that share the factor on the scores evenly, values, the scores, and the largest of them.
 * @param {Record<string, any>} state
 * @returns {Draws}
 */
export function draws({ length, scale, seed }) {
  /** @param {keyof typeof STREAM} name @param {number} width @param {number} factor */
  const rows = (name, width, factor) =>
    Array.from({ length }, (_, i) =>
      Array.from({ length: width }, (__, c) => factor * normal(seed, STREAM[name], i * width + c)),
    );
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
function normalized(kernel, length) {
  const phi = new Float64Array(kernel.length);
  for (let i = 0; i < length; i++) {
    let eta = 0;
    for (let at = i * length; at <= i * (length + 1); at++) eta += kernel[at];
    for (let at = i * length; at <= i * (length + 1); at++) phi[at] = kernel[at] / eta;
  }
  return phi;
}

/** Φ of softmax attention. @param {Draws} draws_ */
export const softmax = ({ q, scores }) => normalized(scores.map(Math.exp), q.length);

/**
 * Φ of the stand-in.
 * @param {string} name
 * @param {number} step the order of Taylor features, the number of doublings of the others
 * @param {Draws} draws_
 * @param {number} seed
 */
export function standIn(name, step, draws_, seed) {
  const last = [...kernels(name, step, draws_, seed)].pop();
  return normalized(/** @type {Float64Array} */ (last), draws_.q.length);
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
