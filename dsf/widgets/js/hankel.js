/** Ranks of the Hankel blocks of a lower triangular matrix, (L, L) row by row. */
import { dot } from "./numbers.js";

/**
 * Bidiagonal form by Householder reflections.
 * @param {Float64Array[]} columns at most as many as rows; overwritten
 * @returns {number[]} absolute values along the two diagonals: d_1, e_1, d_2, e_2, ..., d_n
 */
function bidiagonal(columns) {
  const [rows, n] = [columns[0].length, columns.length];
  /** @type {number[]} */
  const out = [];
  /**
   * Turn a vector into ∓ its norm times the first unit vector: the reflection is I - 2uuᵀ/‖u‖².
   * @param {Float64Array} u
   */
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
  /** @param {number} top @param {number} right */
  const block = (top, right) => {
    const [rows, cols] = [length - top, right];
    // The transpose of a wide block, whose columns are rows of Φ.
    if (rows < cols)
      return bidiagonal(
        Array.from({ length: rows }, (_, i) => phi.slice((top + i) * length, (top + i) * length + cols)),
      );
    return bidiagonal(
      Array.from({ length: cols }, (_, j) => {
        const column = new Float64Array(rows);
        for (let i = 0; i < rows; i++) column[i] = phi[(top + i) * length + j];
        return column;
      }),
    );
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
