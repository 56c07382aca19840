/**
 * Every architecture of `dsf.ARCHITECTURES` as a diagonal linear time-varying system,
 *
 *     H_i[a, c] = Λ_i[a, c] H_{i-1}[a, c] + B_i[a, c] u_i[c]
 *     y_i[c]    = Σ_a C_i[a, c] H_i[a, c] + D[c] u_i[c],
 *
 * from the same arguments as the Python functions `X_system`, in float64. The tests compare the two.
 */

/** @typedef {number[][]} Matrix rows of numbers */
/** @typedef {{re: Matrix, im: Matrix}} ComplexMatrix */

/**
 * An array (L, rows, cols) whose rows and cols may be 1, to be shared by all features or channels.
 * @typedef {{rows: number, cols: number, re: Float64Array, im: Float64Array | null}} Block
 */

/**
 * @typedef {object} System
 * @property {number} length
 * @property {number} n
 * @property {Block} transition Λ
 * @property {Block} input B
 * @property {Block} output C
 * @property {number[] | null} feedthrough D, one number a channel, or none
 */

/**
 * @param {number} length
 * @param {number} rows
 * @param {number} cols
 * @param {(i: number, a: number, c: number) => number} re
 * @param {((i: number, a: number, c: number) => number) | null} [im]
 * @returns {Block}
 */
function block(length, rows, cols, re, im = null) {
  const fill = (value) => {
    const out = new Float64Array(length * rows * cols);
    let at = 0;
    for (let i = 0; i < length; i++) {
      for (let a = 0; a < rows; a++) for (let c = 0; c < cols; c++) out[at++] = value(i, a, c);
    }
    return out;
  };
  return { rows, cols, re: fill(re), im: im && fill(im) };
}

/**
 * Where entry (i, a, c) of a block lies, with shared rows and columns.
 * @param {Block} x
 * @param {number} i
 * @param {number} a
 * @param {number} c
 */
export function at(x, i, a, c) {
  return (i * x.rows + (x.rows > 1 ? a : 0)) * x.cols + (x.cols > 1 ? c : 0);
}

// --- scalar functions that keep their digits ----------------------------------------------------

/** @param {number} x */
export const sigmoid = (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
/** @param {number} x */
export const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
/** @param {number} x */
export const logSigmoid = (x) => -softplus(-x);
/** @param {number} x */
export const eluPlusOne = (x) => (x > 0 ? x + 1 : Math.exp(x));

/** @param {ArrayLike<number>} x @param {ArrayLike<number>} y */
export function dot(x, y) {
  let sum = 0;
  for (let c = 0; c < x.length; c++) sum += x[c] * y[c];
  return sum;
}

// --- attention ----------------------------------------------------------------------------------

/**
 * All monomials x^α / sqrt(α!) of degree at most `order`; ⟨φ(q), φ(k)⟩ is the Taylor polynomial of exp.
 * Ordered by degree, then by the largest coordinate, as in `dsf.feature_maps.taylor_features`.
 * @param {number[]} x
 * @param {number} order
 * @returns {number[]} C(m + order, order) features
 */
export function taylorFeatures(x, order) {
  let degree = [{ value: 1, last: 0, power: 0 }];
  const out = [1];
  for (let r = 0; r < order; r++) {
    const next = [];
    for (let j = 0; j < x.length; j++) {
      for (const parent of degree) {
        if (parent.last > j) continue;
        const power = parent.last === j ? parent.power + 1 : 1;
        next.push({ value: (parent.value * x[j]) / Math.sqrt(power), last: j, power });
      }
    }
    degree = next;
    out.push(...degree.map((monomial) => monomial.value));
  }
  return out;
}

/**
 * exp(ωᵀx - ‖x‖²/2)/√n for n directions ω.
 * @param {number[]} x
 * @param {Matrix} directions
 * @returns {number[]} n features
 */
export function randomFeatures(x, directions) {
  const [half, root] = [dot(x, x) / 2, Math.sqrt(directions.length)];
  return directions.map((w) => Math.exp(dot(w, x) - half) / root);
}

/**
 * Attention with a score that splits: Λ_i = η_{i-1}/η_i, B_i = ψ_i/η_i, C_i = φ_i.
 * @param {Matrix} phi
 * @param {Matrix} psi
 * @param {number[]} eta
 * @returns {System}
 */
function separable(phi, psi, eta) {
  const length = phi.length;
  const n = phi[0].length;
  return {
    length,
    n,
    transition: block(length, 1, 1, (i) => (i ? eta[i - 1] / eta[i] : 1)),
    input: block(length, n, 1, (i, a) => psi[i][a] / eta[i]),
    output: block(length, n, 1, (i, a) => phi[i][a]),
    feedthrough: null,
  };
}

/**
 * @param {Matrix} phi
 * @param {Matrix} psi
 * @returns {number[]} η_i = φ_iᵀ Σ_{j≤i} ψ_j
 */
function rowSums(phi, psi) {
  const sum = psi[0].map(() => 0);
  return phi.map((row, i) => {
    psi[i].forEach((value, a) => { sum[a] += value; });
    return row.reduce((total, value, a) => total + value * sum[a], 0);
  });
}

/** @param {{q: Matrix, k: Matrix, order: number, scale?: number}} arguments_ @returns {System} */
function softmax({ q, k, order, scale = 1 / Math.sqrt(q[0].length) }) {
  const features = (x) => taylorFeatures(x.map((value) => value * Math.sqrt(scale)), order);
  const phi = q.map(features);
  const psi = k.map(features);
  return separable(phi, psi, rowSums(phi, psi));
}

/** @param {{q: Matrix, k: Matrix}} arguments_ @returns {System} */
function linear({ q, k }) {
  const phi = q.map((row) => row.map(eluPlusOne));
  const psi = k.map((row) => row.map(eluPlusOne));
  return separable(phi, psi, rowSums(phi, psi));
}

/** @param {{q: Matrix, k: Matrix, eta: number[]}} arguments_ @returns {System} */
function normalized({ q, k, eta }) {
  return separable(q, k, eta);
}

// --- state space models -------------------------------------------------------------------------

/**
 * S4D by zero-order hold: ā = e^{Δa}, b̄ = (e^{Δa} - 1) b / a.
 * @param {{a: ComplexMatrix, b: ComplexMatrix, c: ComplexMatrix, step: number[], length: number}} arguments_
 * @returns {System}
 */
function s4d({ a, b, c, step, length }) {
  const d = step.length;
  const n = a.re[0].length;
  const bar = step.map((delta, channel) => a.re[channel].map((real, s) => {
    const imaginary = a.im[channel][s];
    const [x, y] = [delta * real, delta * imaginary];
    // e^z - 1 without the loss of digits near z = 0.
    const [re, im] = [Math.expm1(x) * Math.cos(y) - 2 * Math.sin(y / 2) ** 2, Math.exp(x) * Math.sin(y)];
    const size = real * real + imaginary * imaginary;
    const [gr, gi] = [(re * real + im * imaginary) / size, (im * real - re * imaginary) / size];
    const [br, bi] = [b.re[channel][s], b.im[channel][s]];
    return {
      re: Math.exp(x) * Math.cos(y),
      im,
      inRe: gr * br - gi * bi,
      inIm: gr * bi + gi * br,
    };
  }));
  return {
    length,
    n,
    transition: block(length, n, d, (_, s, ch) => bar[ch][s].re, (_, s, ch) => bar[ch][s].im),
    input: block(length, n, d, (_, s, ch) => bar[ch][s].inRe, (_, s, ch) => bar[ch][s].inIm),
    output: block(length, n, d, (_, s, ch) => c.re[ch][s], (_, s, ch) => c.im[ch][s]),
    feedthrough: null,
  };
}

/**
 * Λ_i = e^{Δ_i ⊗ a}, B_i = Δ_i ⊗ b_i, C_i = c_i.
 * @param {{step: Matrix, a: Matrix, b: Matrix, c: Matrix, skip?: number[] | null}} arguments_
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
 * @param {{step: number[], a: number, b: Matrix, c: Matrix, skip?: number[] | null}} arguments_
 * @returns {System}
 */
function ssd({ step, a, b, c, skip = null }) {
  const [length, n] = [step.length, b[0].length];
  return {
    length,
    n,
    transition: block(length, 1, 1, (i) => Math.exp(a * step[i])),
    input: block(length, n, 1, (i, s) => step[i] * b[i][s]),
    output: block(length, n, 1, (i, s) => c[i][s]),
    feedthrough: skip,
  };
}

// --- recurrent networks -------------------------------------------------------------------------

/** The exponent of RG-LRU. */
export const RG_LRU_EXPONENT = 8;

/**
 * σ(±f)^α through its logarithm.
 * @param {number} gate
 * @param {boolean} reversed
 * @param {number} exponent
 */
export const forget = (gate, reversed, exponent) => Math.exp(exponent * logSigmoid(reversed ? -gate : gate));

/**
 * @param {{forget_gate: Matrix, input_gate: Matrix, output_gate: Matrix,
 *          reversed_sigmoid?: boolean, exponent?: number}} arguments_
 * @returns {System}
 */
function qlstm({ forget_gate, input_gate, output_gate, reversed_sigmoid = false, exponent = 1 }) {
  const [length, d] = [forget_gate.length, forget_gate[0].length];
  return {
    length,
    n: 1,
    transition: block(length, 1, d, (i, _, c) => forget(forget_gate[i][c], reversed_sigmoid, exponent)),
    input: block(length, 1, d, (i, _, c) => sigmoid(input_gate[i][c])),
    output: block(length, 1, d, (i, _, c) => sigmoid(output_gate[i][c])),
    feedthrough: null,
  };
}

/**
 * Λ_i = σ(decay)^{8σ(r_i)}, B_i = sqrt(1 - Λ_i²) σ(g_i), C_i = 1.
 * @param {{recurrence_gate: Matrix, input_gate: Matrix, decay: number[]}} arguments_
 * @returns {System}
 */
function rgLru({ recurrence_gate, input_gate, decay }) {
  const [length, d] = [recurrence_gate.length, decay.length];
  const log = (i, c) => RG_LRU_EXPONENT * sigmoid(recurrence_gate[i][c]) * logSigmoid(decay[c]);
  return {
    length,
    n: 1,
    transition: block(length, 1, d, (i, _, c) => Math.exp(log(i, c))),
    input: block(length, 1, d, (i, _, c) => Math.sqrt(-Math.expm1(2 * log(i, c))) * sigmoid(input_gate[i][c])),
    output: block(length, 1, 1, () => 1),
    feedthrough: null,
  };
}

/** @type {Record<string, (arguments_: any) => System>} the registry, with the names of Python's */
export const systems = {
  softmax, linear, normalized, s4d, s6, ssd, qlstm, qlstm_reversed: qlstm, rg_lru: rgLru,
};

// --- evaluation ---------------------------------------------------------------------------------

/**
 * @param {System} system
 * @param {Matrix} u (L, d)
 * @returns {{states: Block, outputs: Matrix}} H_i as a block (L, n, d) and y, (L, d)
 */
export function run(system, u) {
  const { length, n, transition, input, output, feedthrough } = system;
  const d = u[0].length;
  const complex = transition.im !== null;
  const re = new Float64Array(length * n * d);
  const im = complex ? new Float64Array(length * n * d) : null;
  const outputs = u.map((row) => row.map((value, c) => (feedthrough ? feedthrough[c] * value : 0)));
  for (let i = 0; i < length; i++) {
    for (let a = 0; a < n; a++) {
      for (let c = 0; c < d; c++) {
        const [t, b, o] = [at(transition, i, a, c), at(input, i, a, c), at(output, i, a, c)];
        const here = (i * n + a) * d + c;
        const before = here - n * d;
        const hr = i ? re[before] : 0;
        const hi = i && im ? im[before] : 0;
        const ti = transition.im ? transition.im[t] : 0;
        re[here] = transition.re[t] * hr - ti * hi + input.re[b] * u[i][c];
        outputs[i][c] += output.re[o] * re[here];
        if (im) {
          im[here] = transition.re[t] * hi + ti * hr + (input.im ? input.im[b] * u[i][c] : 0);
          outputs[i][c] -= output.im ? output.im[o] * im[here] : 0;
        }
      }
    }
  }
  return { states: { rows: n, cols: d, re, im }, outputs };
}

/**
 * What makes up Φ_ij for one channel: C_i · (Λ_i ⋯ Λ_{j+1}) · B_j, feature by feature.
 * @param {System} system
 * @param {number} i
 * @param {number} j
 * @param {number} channel
 */
export function takeApart(system, i, j, channel) {
  const { n, transition, input, output, feedthrough } = system;
  const complex = transition.im !== null;
  const number = (x, k) => ({ re: x.re[k], im: x.im ? x.im[k] : 0 });
  const times = (x, y) => ({ re: x.re * y.re - x.im * y.im, im: x.re * y.im + x.im * y.re });
  const features = [];
  let total = i === j && feedthrough ? feedthrough[channel] : 0;
  for (let a = 0; a < n && j <= i; a++) {
    let product = { re: 1, im: 0 };
    for (let l = j + 1; l <= i; l++) product = times(product, number(transition, at(transition, l, a, channel)));
    const c = number(output, at(output, i, a, channel));
    const b = number(input, at(input, j, a, channel));
    const term = times(times(c, product), b).re;
    features.push({ c, product, b, term });
    total += term;
  }
  return { complex, features, feedthrough: i === j && feedthrough ? feedthrough[channel] : 0, total };
}

/**
 * Φ of one channel, row by row, zero above the diagonal.
 * @param {System} system
 * @param {number} channel
 * @returns {Float64Array} (L, L)
 */
export function matrix(system, channel) {
  const { length, n, transition, input, output, feedthrough } = system;
  const phi = new Float64Array(length * length);
  for (let j = 0; j < length; j++) {
    for (let a = 0; a < n; a++) {
      // The column of B_j, carried forward one transition at a time.
      const b = at(input, j, a, channel);
      let [re, im] = [input.re[b], input.im ? input.im[b] : 0];
      for (let i = j; i < length; i++) {
        if (i > j) {
          const t = at(transition, i, a, channel);
          const [tr, ti] = [transition.re[t], transition.im ? transition.im[t] : 0];
          [re, im] = [tr * re - ti * im, tr * im + ti * re];
        }
        const o = at(output, i, a, channel);
        phi[i * length + j] += output.re[o] * re - (output.im ? output.im[o] * im : 0);
      }
    }
    if (feedthrough) phi[j * length + j] += feedthrough[channel];
  }
  return phi;
}
