/**
 * Diagonal linear time-varying systems and their evaluation, in float64:
 *
 *     H_i[a, c] = Λ_i[a, c] H_{i-1}[a, c] + B_i[a, c] u_i[c]
 *     y_i[c]    = Σ_a C_i[a, c] H_i[a, c] + D[c] u_i[c]
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
export function block(length, rows, cols, re, im = null) {
  /** @param {(i: number, a: number, c: number) => number} value */
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
  /** @typedef {{re: number, im: number}} Complex */
  /** @param {Block} x @param {number} k */
  const number = (x, k) => ({ re: x.re[k], im: x.im ? x.im[k] : 0 });
  /** @param {Complex} x @param {Complex} y */
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
