/** What a layer recalls: which inputs a token asks for, and whether Φ gives one of them the most weight. */
import { ARCHITECTURES } from "./architectures.js";
import { layerArguments, matches, sequence } from "./layer.js";
import { matrix } from "./system.js";

/** @typedef {import("./layer.js").Sequence} Sequence */
/** @typedef {{i: number, wanted: number[], best: number, hit: boolean}} Answer */

export const DRAWS = 100;
const SAME = 1e-9;

/**
 * Where the largest entry of row i lies, the first of equal ones.
 * @param {Float64Array} phi (L, L)
 * @param {number} length
 * @param {number} i
 */
export function bestOf(phi, length, i) {
  const row = phi.subarray(i * length, i * length + i + 1);
  return row.reduce((most, value, j) => (Math.abs(value) > Math.abs(row[most]) * (1 + SAME) ? j : most), 0);
}

/**
 * One for each token that asks for what followed it before.
 * @param {Sequence} read
 * @param {string} kind
 * @param {Float64Array} phi (L, L)
 * @returns {Answer[]}
 */
export function answers(read, kind, phi) {
  const length = read.tokens.length;
  return read.tokens.flatMap((_, i) => {
    const wanted = matches(read, i, kind);
    const best = bestOf(phi, length, i);
    return wanted.length ? [{ i, wanted, best, hit: wanted.includes(best) }] : [];
  });
}

/** How many of them are right. @param {Answer[]} given */
export const hits = (given) => given.filter(({ hit }) => hit).length;

/** Draws that were read before, and what they recalled. @type {Map<string, {draws: number, sum: number}>} */
const counted = new Map();

/**
 * How many of the four pairs of the recall task come back, in the mean over draws of weights and tokens; null while
 * some of them are still to be read. A call reads at most `draws` of them.
 * @param {string} name a key of `ARCHITECTURES`
 * @param {number} n one of its sizes
 * @param {number} channel
 * @param {number} draws
 */
export function meanHits(name, n, channel, draws) {
  const key = [name, n, channel].join();
  const count = counted.get(key) ?? { draws: 0, sum: 0 };
  counted.set(key, count);
  for (const end = Math.min(DRAWS, count.draws + draws); count.draws < end; count.draws += 1) {
    const seed = count.draws;
    const read = sequence("mqar", seed, "");
    const system = ARCHITECTURES[name].system(layerArguments(name, read, n, seed));
    count.sum += hits(answers(read, "mqar", matrix(system, channel)));
  }
  return count.draws < DRAWS ? null : count.sum / DRAWS;
}
