/** Feature maps of queries and keys. */
import { dot } from "./numbers.js";

/** @typedef {import("./system.js").Matrix} Matrix */

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
