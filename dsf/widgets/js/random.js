/**
 * Random numbers that depend only on (seed, stream, index): the same in Python, see `dsf/widgets/random.py`.
 * No hidden state, so row 3 of a weight matrix is the same whether it has 4 rows or 16.
 */

/**
 * Scramble 32 bits (the finaliser of MurmurHash3).
 * @param {number} h
 * @returns {number} an integer from 0 to 2^32 - 1
 */
function mix(h) {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * @param {number} seed
 * @param {number} stream
 * @param {number} index
 * @returns {number} uniform on (0, 1)
 */
export function uniform(seed, stream, index) {
  const bits = mix(mix(mix(seed + 0x9e3779b9) + stream) + index);
  return (bits + 0.5) / 2 ** 32;
}

/**
 * @param {number} seed
 * @param {number} stream
 * @param {number} index
 * @returns {number} standard normal, by Box and Muller
 */
export function normal(seed, stream, index) {
  const radius = Math.sqrt(-2 * Math.log(uniform(seed, stream, 2 * index)));
  return radius * Math.cos(2 * Math.PI * uniform(seed, stream, 2 * index + 1));
}

const DIRECTIONS = 21;
export const MOST_FEATURES = 64; // that several draws can have and share none

/**
 * @param {number} seed
 * @param {number} n
 * @param {number} [draw]
 * @returns {number[][]} n random directions in the plane, the first ones the same whatever n
 */
export const directions = (seed, n, draw = 0) =>
  Array.from({ length: n }, (_, r) => [0, 1].map((c) => normal(seed, DIRECTIONS, 2 * (MOST_FEATURES * draw + r) + c)));
