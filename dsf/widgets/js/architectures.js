/**
 * The architectures that live in the page, by their names in `dsf.ARCHITECTURES`: the line of mathematics of
 * each, and what an untrained layer of it draws. Titles and colours come from `looks.js`.
 *
 * `system` takes the arguments of the Python function `X_system`, and the tests compare the two; `layer` draws
 * these arguments with what `draws` of `layer.js` offers.
 */
import { taylorFeatures } from "./features.js";
import { dot, eluPlusOne, logSigmoid, sigmoid, softplus } from "./numbers.js";
import { block } from "./system.js";

/** @typedef {import("./system.js").Matrix} Matrix */
/** @typedef {import("./system.js").System} System */
/** @typedef {{re: Matrix, im: Matrix}} ComplexMatrix */

/**
 * @typedef {object} Architecture
 * @property {(given: any) => System} system
 * @property {(draw: import("./layer.js").Draws, n: number) => Record<string, any>} layer
 * @property {(given: any) => Float64Array} [exact] Φ of what the system only stands in for
 * @property {number[]} [sizes] the state expansions it can have, smallest first, where that is not every n
 */

// --- shapes of systems ---------------------------------------------------------------------------

/**
 * One number Λ_i for all states; B_i and C_i shared by the channels.
 * @param {number[]} transition (L)
 * @param {Matrix} input (L, n)
 * @param {Matrix} output (L, n)
 * @param {number[] | null} [skip] (d)
 * @returns {System}
 */
function scalar(transition, input, output, skip = null) {
  const [length, n] = [input.length, input[0].length];
  return {
    length,
    n,
    transition: block(length, 1, 1, (i) => transition[i]),
    input: block(length, n, 1, (i, a) => input[i][a]),
    output: block(length, n, 1, (i, a) => output[i][a]),
    feedthrough: skip,
  };
}

/**
 * One state a channel.
 * @param {Matrix} transition (L, d)
 * @param {Matrix} input (L, d)
 * @param {Matrix} output (L, d)
 * @returns {System}
 */
function gated(transition, input, output) {
  const [length, d] = [transition.length, transition[0].length];
  const [a, b, c] = [transition, input, output].map((x) => block(length, 1, d, (i, _, channel) => x[i][channel]));
  return { length, n: 1, transition: a, input: b, output: c, feedthrough: null };
}

/** @param {Matrix} rows @param {(value: number) => number} value @returns {Matrix} */
const each = (rows, value) => rows.map((row) => row.map(value));

/** Row i times the i-th factor. @param {Matrix} rows @param {number[]} factors @returns {Matrix} */
const scaled = (rows, factors) => rows.map((row, i) => row.map((value) => value * factors[i]));

// --- attention -----------------------------------------------------------------------------------

/**
 * A score that splits: Λ_i = η_{i-1}/η_i, B_i = ψ_i/η_i, C_i = φ_i.
 * @param {Matrix} phi
 * @param {Matrix} psi
 * @param {number[]} eta
 */
function separable(phi, psi, eta) {
  const ratios = eta.map((value, i) => (i ? eta[i - 1] / value : 1));
  const shares = eta.map((value) => 1 / value);
  return scalar(ratios, scaled(psi, shares), phi);
}

/** Divided by the row sums, η_i = φ_iᵀ Σ_{j≤i} ψ_j. @param {Matrix} phi @param {Matrix} psi */
function normalized(phi, psi) {
  const sum = psi[0].map(() => 0);
  const eta = phi.map((row, i) => {
    psi[i].forEach((value, a) => {
      sum[a] += value;
    });
    return row.reduce((total, value, a) => total + value * sum[a], 0);
  });
  return separable(phi, psi, eta);
}

/** @param {{q: Matrix, k: Matrix, order: number, scale?: number}} given */
function softmax({ q, k, order, scale = 1 / Math.sqrt(q[0].length) }) {
  const root = Math.sqrt(scale);
  const [phi, psi] = [q, k].map((x) => each(x, (value) => value * root).map((row) => taylorFeatures(row, order)));
  return normalized(phi, psi);
}

const TAYLOR_SIZES = [1, 6, 15]; // C(2 + p, p) at the even orders p = 0, 2, 4, whose kernel is positive
const LARGEST_SCORE = 2;

/**
 * Rows of one length, such that no score is larger than `LARGEST_SCORE`. The softmax gives an equal key the most
 * weight then, and so does every Taylor polynomial of even order but the constant.
 * @param {Matrix} rows
 */
const ofOneLength = (rows) =>
  rows.map((row) => {
    const size = Math.hypot(...row) || 1;
    return row.map((value) => (value / size) * Math.sqrt(LARGEST_SCORE * Math.sqrt(row.length)));
  });

/** Φ of the softmax itself. @param {{q: Matrix, k: Matrix, scale?: number}} given */
function exactSoftmax({ q, k, scale = 1 / Math.sqrt(q[0].length) }) {
  const length = q.length;
  const phi = new Float64Array(length * length);
  q.forEach((row, i) => {
    const weights = k.slice(0, i + 1).map((key) => Math.exp(scale * dot(row, key)));
    const sum = weights.reduce((x, y) => x + y);
    phi.set(
      weights.map((weight) => weight / sum),
      i * length,
    );
  });
  return phi;
}

// --- state space models --------------------------------------------------------------------------

/**
 * S4D by zero-order hold: ā = e^{Δa}, b̄ = (e^{Δa} - 1) b / a.
 * @param {{a: ComplexMatrix, b: ComplexMatrix, c: ComplexMatrix, step: number[], length: number}} given
 * @returns {System}
 */
function s4d({ a, b, c, step, length }) {
  const [d, n] = [step.length, a.re[0].length];
  const bar = step.map((delta, channel) =>
    a.re[channel].map((real, s) => {
      const imaginary = a.im[channel][s];
      const [x, y] = [delta * real, delta * imaginary];
      // e^z - 1 without the loss of digits near z = 0.
      const [re, im] = [Math.expm1(x) * Math.cos(y) - 2 * Math.sin(y / 2) ** 2, Math.exp(x) * Math.sin(y)];
      const size = real * real + imaginary * imaginary;
      const [gr, gi] = [(re * real + im * imaginary) / size, (im * real - re * imaginary) / size];
      const [br, bi] = [b.re[channel][s], b.im[channel][s]];
      return { re: Math.exp(x) * Math.cos(y), im, inRe: gr * br - gi * bi, inIm: gr * bi + gi * br };
    }),
  );
  return {
    length,
    n,
    transition: block(
      length,
      n,
      d,
      (_, s, ch) => bar[ch][s].re,
      (_, s, ch) => bar[ch][s].im,
    ),
    input: block(
      length,
      n,
      d,
      (_, s, ch) => bar[ch][s].inRe,
      (_, s, ch) => bar[ch][s].inIm,
    ),
    output: block(
      length,
      n,
      d,
      (_, s, ch) => c.re[ch][s],
      (_, s, ch) => c.im[ch][s],
    ),
    feedthrough: null,
  };
}

/**
 * Λ_i = e^{Δ_i ⊗ a}, B_i = Δ_i ⊗ b_i, C_i = c_i.
 * @param {{step: Matrix, a: Matrix, b: Matrix, c: Matrix, skip?: number[] | null}} given
 * @returns {System}
 */
function s6({ step, a, b, c, skip = null }) {
  const [length, d, n] = [step.length, step[0].length, b[0].length];
  return {
    length,
    n,
    transition: block(length, n, d, (i, s, ch) => Math.exp(step[i][ch] * a[ch][s])),
    input: block(length, n, d, (i, s, ch) => step[i][ch] * b[i][s]),
    output: block(length, n, 1, (i, s) => c[i][s]),
    feedthrough: skip,
  };
}

/**
 * Λ_i = e^{aΔ_i}, B_i = Δ_i b_i, C_i = c_i.
 * @param {{step: number[], a: number, b: Matrix, c: Matrix, skip?: number[] | null}} given
 */
function ssd({ step, a, b, c, skip = null }) {
  const transition = step.map((delta) => Math.exp(a * delta));
  return scalar(transition, scaled(b, step), c, skip);
}

// --- recurrent networks --------------------------------------------------------------------------

/**
 * Λ_i = σ(±f_i)^α, through its logarithm.
 * @param {{forget_gate: Matrix, input_gate: Matrix, output_gate: Matrix,
 *          reversed_sigmoid?: boolean, exponent?: number}} given
 */
function qlstm({ forget_gate, input_gate, output_gate, reversed_sigmoid = false, exponent = 1 }) {
  const sign = reversed_sigmoid ? -1 : 1;
  const transition = each(forget_gate, (gate) => Math.exp(exponent * logSigmoid(sign * gate)));
  return gated(transition, each(input_gate, sigmoid), each(output_gate, sigmoid));
}

/**
 * Λ_i = σ(decay)^{8σ(r_i)}, B_i = sqrt(1 - Λ_i²) σ(g_i), C_i = 1.
 * @param {{recurrence_gate: Matrix, input_gate: Matrix, decay: number[]}} given
 */
function rgLru({ recurrence_gate, input_gate, decay }) {
  const logs = recurrence_gate.map((row) => row.map((gate, c) => 8 * sigmoid(gate) * logSigmoid(decay[c])));
  const input = logs.map((row, i) => row.map((log, c) => Math.sqrt(-Math.expm1(2 * log)) * sigmoid(input_gate[i][c])));
  return gated(
    each(logs, Math.exp),
    input,
    each(logs, () => 1),
  );
}

// --- the list ------------------------------------------------------------------------------------

/** @type {Record<string, Architecture>} */
export const ARCHITECTURES = {
  softmax: {
    system: softmax,
    exact: exactSoftmax,
    layer: (draw, n) => ({
      q: ofOneLength(draw.queries(2)),
      k: ofOneLength(draw.keys(2)),
      order: 2 * TAYLOR_SIZES.indexOf(n),
    }),
    sizes: TAYLOR_SIZES,
  },
  linear: {
    system: ({ q, k }) => normalized(each(q, eluPlusOne), each(k, eluPlusOne)),
    layer: (draw, n) => ({ q: draw.queries(n, 2), k: draw.keys(n, 2) }),
  },
  normalized: {
    system: ({ q, k, eta }) => separable(q, k, eta),
    layer: (draw, n) => ({ q: draw.queries(n), k: draw.keys(n), eta: draw.scalars("eta", 0.3).map(Math.exp) }),
  },
  s4d: {
    system: s4d,
    layer: (draw, n) => ({
      a: { re: draw.table(n, () => -0.5), im: draw.table(n, (_, s) => Math.PI * s) },
      b: { re: draw.table(n, () => 1), im: draw.table(n, () => 0) },
      c: draw.complex("output", n),
      step: draw.constants("step", 0.5, -2).map(Math.exp),
      length: draw.length,
    }),
  },
  s6: {
    system: s6,
    layer: (draw, n) => ({
      step: each(draw.gates("step", 0.5, -4), softplus),
      a: draw.table(n, (_, s) => -(s + 1)),
      b: draw.keys(n),
      c: draw.queries(n),
    }),
  },
  ssd: {
    system: ssd,
    layer: (draw, n) => ({
      step: draw.scalars("step", 0.5, -4).map(softplus),
      a: -1,
      b: draw.keys(n),
      c: draw.queries(n),
    }),
  },
  qlstm: {
    system: qlstm,
    layer: (draw) => ({
      forget_gate: draw.gates("forget", 1, 2),
      input_gate: draw.gates("input"),
      output_gate: draw.gates("gate"),
    }),
    sizes: [1],
  },
  qlstm_reversed: {
    system: qlstm,
    layer: (draw) => ({
      forget_gate: draw.gates("forget", 1, -2),
      input_gate: draw.gates("input"),
      output_gate: draw.gates("gate"),
      reversed_sigmoid: true,
      exponent: 0.5,
    }),
    sizes: [1],
  },
  rg_lru: {
    system: rgLru,
    layer: (draw) => ({
      recurrence_gate: draw.gates("gate"),
      input_gate: draw.gates("input"),
      decay: draw.constants("decay", 1, 4),
    }),
    sizes: [1],
  },
  retnet: {
    system: ({ q, k, decay }) => scalar(Array(q.length).fill(decay), k, q),
    layer: (draw, n) => ({ q: draw.queries(n), k: draw.keys(n), decay: 1 - 2 ** -5 }),
  },
};
