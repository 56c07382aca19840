/** Sequences of the task. */
import { uniform } from "./random.js";

/** @typedef {{L: number, K: number, V: number, a: number, R: number}} Task */
/** @typedef {{tokens: number[], asked: number[][]}} Recall */

const STREAM = { keys: 31, values: 32, slots: 33 };

/**
 * Distinct numbers below `size`, every ordered choice equally likely: ranks among what is left, then counted on
 * past the earlier numbers.
 * @param {number} seed
 * @param {number} stream
 * @param {number} count
 * @param {number} size
 */
function distinct(seed, stream, count, size) {
  const x = Array.from({ length: count }, (_, j) => Math.floor(uniform(seed, stream, j) * (size - j)));
  for (let j = count - 2; j >= 0; j--) {
    for (let i = j + 1; i < count; i++) if (x[i] >= x[j]) x[i] += 1;
  }
  return x;
}

/**
 * A sequence of the task: the pairs, then every key R times in slots of two, drawn with weights (g + 1)^(a - 1) by
 * the arrival times of exponential clocks.
 * @param {Task} task
 * @param {number} seed
 * @returns {Recall}
 */
export function recall({ L, K, V, a, R }, seed) {
  const half = Math.floor(V / 2);
  const keys = distinct(seed, STREAM.keys, K, half - 1);
  const values = distinct(seed, STREAM.values, K, V - half);
  const tokens = [...keys.flatMap((key, j) => [1 + key, half + values[j]]), ...Array(L - 2 * K).fill(0)];
  const times = Array.from(
    { length: (L - 2 * K) / 2 },
    (_, g) => -Math.log(uniform(seed, STREAM.slots, g)) * (g + 1) ** (1 - a),
  );
  const drawn = times
    .map((_, g) => g)
    .sort((g, h) => times[g] - times[h])
    .slice(0, K * R);
  const asked = keys.map((_, j) =>
    drawn
      .filter((_, m) => m % K === j)
      .map((g) => 2 * K + 2 * g)
      .sort((x, y) => x - y),
  );
  for (const [j, places] of asked.entries()) for (const at of places) tokens[at] = tokens[2 * j];
  return { tokens, asked };
}
