/** Batches of MQAR. */
import { uniform } from "../random.js";
import { recall } from "../recall.js";

/** @typedef {{tokens: Int32Array, labels: Int32Array, asked: Float32Array}} Batch each (batch, L), row by row */

const EXAMPLES = 41; // the stream of random numbers that names the sequences of a run

/**
 * @param {import("./config.js").Config} config
 * @param {number} step batches of other steps, and of other seeds, have other sequences
 * @returns {Batch} the labels are 0 where nothing is asked
 */
export function batch(config, step) {
  const { L, batch: size, seed } = config;
  const [tokens, labels] = [new Int32Array(size * L), new Int32Array(size * L)];
  const asked = new Float32Array(size * L);
  for (let row = 0; row < size; row++) {
    const name = Math.floor(2 ** 32 * uniform(seed, EXAMPLES, step * size + row));
    const one = recall(config, name);
    tokens.set(one.tokens, row * L);
    for (const [pair, places] of one.asked.entries())
      for (const at of places) {
        labels[row * L + at] = one.tokens[2 * pair + 1];
        asked[row * L + at] = 1;
      }
  }
  return { tokens, labels, asked };
}
