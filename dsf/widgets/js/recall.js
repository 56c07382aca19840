/** A sequence of the task. */
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

/**
 * What a reader scores who guesses among the values shown, and among all values.
 * @param {Task} task
 */
export const chance = ({ K, V }) => [1 / K, 1 / (V - Math.floor(V / 2))];

/**
 * What is drawn of a sequence; filler in a row is one item.
 * @param {Recall} read
 * @param {number} pairs
 */
export function items({ tokens, asked }, pairs) {
  const which = new Map(asked.flatMap((places, j) => places.map((at) => /** @type {[number, number]} */ ([at, j]))));
  /** @type {{kind: string, pair: number, words: string}[]} */
  const out = [];
  let filler = 0;
  tokens.forEach((token, at) => {
    const pair = at < 2 * pairs ? at >> 1 : which.get(at);
    filler = pair === undefined ? filler + 1 : 0;
    if (at < 2 * pairs) out.push({ kind: at % 2 ? "value" : "key", pair: at >> 1, words: `${token}` });
    else if (pair !== undefined) out.push({ kind: "question", pair, words: `${token}?` });
    else if (filler === 1) out.push({ kind: "filler", pair: -1, words: "·" });
    else out[out.length - 1].words = `·×${filler}`;
  });
  return out;
}
