/** Pairs of a random key and a random value, written into a memory and read again; as in `dsf/widgets/hero.py`. */
import { dot } from "./numbers.js";
import { normal } from "./random.js";

export const [PAIRS, CHANNELS, DRAWS] = [8, 16, 200];
/** The state expansions n that are measured. */
export const SIZES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const [CODEBOOK, MOST, DECAY, SCALE] = [1024, SIZES[SIZES.length - 1], 0.8, 32];
/** The draw that is shown: in each memory what comes back of it never grows when n is taken down. */
const SHOWN = 189;
const [SEED, KEYS, VALUES] = [0, 31, 32];

/** @param {number} stream @param {number} from place of the first number @param {number} length */
function unit(stream, from, length) {
  const row = Array.from({ length }, (_, c) => normal(SEED, stream, from + c));
  const size = Math.sqrt(dot(row, row));
  return row.map((value) => value / size);
}

/** @type {number[][]} */
let rows = [];
/** The values that there are; made once, when first asked for. */
function codebook() {
  if (!rows.length) rows = Array.from({ length: CODEBOOK }, (_, r) => unit(VALUES, r * CHANNELS, CHANNELS));
  return rows;
}

/** The place of value j in the codebook. @param {number} j */
const place = (j) => (SHOWN * PAIRS + j) % CODEBOOK;

/** Σ_j weight_j row_j @param {number[]} weights @param {number[][]} of */
const sum = (weights, of) => of[0].map((_, c) => weights.reduce((all, weight, j) => all + weight * of[j][c], 0));

/**
 * A memory after its first pairs were written.
 * @param {string} name "linear", "softmax" or "decay"
 * @param {number} n
 * @param {number} [written] how many pairs, 1 to 8
 * @returns {{keys: number[][], values: number[][], state: number[][], reads: number[][], back: boolean[]}}
 *          state: Σ k vᵀ, (n, d), or for softmax the rows (k, v) that are kept; reads: what each key brings;
 *          back: whether that is nearest to its value.
 */
export function remember(name, n, written = PAIRS) {
  const asked = `${name} ${n} ${written}`;
  if (!known.has(asked)) known.set(asked, write(name, n, written));
  return known.get(asked);
}

/** What was asked for already. @type {Map<string, any>} */
const known = new Map();

/** @param {string} name @param {number} n @param {number} written */
function write(name, n, written) {
  const pairs = Array.from({ length: written }, (_, j) => j);
  const keys = pairs.map((j) => unit(KEYS, (SHOWN * PAIRS + j) * MOST, n));
  const values = pairs.map((j) => codebook()[place(j)]);
  const strengths = pairs.map((j) => (name === "decay" ? DECAY ** (written - 1 - j) : 1));
  const state =
    name === "softmax"
      ? keys.map((key, j) => [...key, ...values[j]])
      : Array.from({ length: n }, (_, s) =>
          sum(
            keys.map((key, j) => key[s] * strengths[j]),
            values,
          ),
        );
  const reads = keys.map((key) => {
    if (name !== "softmax") return sum(key, state);
    const scores = keys.map((other) => Math.exp(SCALE * (dot(key, other) - 1))); // at most 1
    const all = scores.reduce((x, y) => x + y);
    return sum(
      scores.map((score) => score / all),
      values,
    );
  });
  return { keys, values, state, reads, back: reads.map((read, j) => nearest(read) === place(j)) };
}

/** The place in the codebook of what is nearest. @param {number[]} read */
function nearest(read) {
  let [best, most] = [0, -Infinity];
  codebook().forEach((row, r) => {
    const found = dot(row, read);
    if (found > most) [best, most] = [r, found];
  });
  return best;
}
