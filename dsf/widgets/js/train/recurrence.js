/** Recurrences of all lengths at once. */
import { add, concatenate, pad, reshape, rows, times } from "./array.js";

/** @typedef {import("./array.js").Tensor} Tensor */

/**
 * H_i = Λ_i ⊙ H_{i-1} + X_i in 2 log₂ L rounds and about 3 L products. Every second step is taken together with the one
 * before, the recurrence of half the length that is left is solved in the same way, and the steps between follow from
 * it. Products of Λ are multiplied and never divided by, so nothing breaks where they vanish.
 * @param {Tensor} decay Λ, (batch, L, ...)
 * @param {Tensor} x X, of the same shape
 * @returns {Tensor} H, of the same shape
 */
export function recurrence(decay, x) {
  const [batch, length, ...rest] = x.shape;
  if (length === 1) return x;
  if (length % 2) return rows(recurrence(pad(decay, 1, 0, 1), pad(x, 1, 0, 1)), 1, 0, length);
  const half = length / 2;
  const [even, odd] = halves(decay, half);
  const [first, second] = halves(x, half);
  const ends = recurrence(times(odd, even), add(times(odd, first), second)); // states at the odd places
  const before = pad(rows(ends, 1, 0, half - 1), 1, 1);
  const starts = add(times(even, before), first);
  const pair = [batch, half, 1, ...rest];
  return reshape(concatenate([reshape(starts, pair), reshape(ends, pair)], 2), [batch, length, ...rest]);
}

/** Steps at even places, and those at odd ones. @param {Tensor} x @param {number} half */
function halves(x, half) {
  const [batch, , ...rest] = x.shape;
  const pairs = reshape(x, [batch, half, 2, ...rest]);
  return [0, 1].map((k) => reshape(rows(pairs, 2, k, k + 1), [batch, half, ...rest]));
}
