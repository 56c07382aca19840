/** What the laboratory trains: what a reader chooses, and what the engine is told. */
import { recall } from "../recall.js";
import { numberOf, oneOf, whole } from "../traits.js";

/**
 * What a reader has chosen, as far as it fits together.
 * @typedef {object} Setup
 * @property {string} mixer
 * @property {number} n state expansion
 * @property {string} start where the dynamics of the mixer begin; empty for that of its paper
 * @property {number} d width
 * @property {number} K pairs
 * @property {number} L length of a sequence
 * @property {number} rate highest learning rate
 * @property {number} steps
 * @property {number} seed
 */

const SLOW = "slow poles, long steps";
/**
 * As the engine has them; see `train/mixers.js`.
 * @type {Record<string, {name: string, starts?: string[], even?: boolean, single?: boolean}>}
 */
export const MIXERS = {
  softmax: { name: "softmax" },
  linear: { name: "linear" },
  normalized: { name: "normalised" },
  s4d: { name: "S4D", starts: ["long steps"], even: true },
  s6: { name: "S6", starts: ["ln 2", "long steps", "slow poles", SLOW] },
  ssd: { name: "SSD", starts: ["fixed", "ln 2", "slow"] },
  qlstm: { name: "qLSTM", single: true },
  retnet: { name: "RetNet" },
};
export const STARTS = ["", ...new Set(Object.values(MIXERS).flatMap(({ starts = [] }) => starts))];
export const SIZES = [1, 2, 4, 8, 16, 32, 64];
export const SERIES = [4, 8, 16, 32];
export const WIDTHS = [16, 32, 64];
export const LENGTHS = [16, 32, 64];
export const RATES = [0.001, 0.003, 0.01, 0.03];
export const STEPS = [100, 200, 400, 800, 1600, 5000];
const [MOST_PAIRS, MOST_SEEDS] = [16, 1000];
const [POINTS, ASKED] = [40, 3]; // of a curve; how often a key is asked where there is room

/** The set-up of the recorded curves, but for mixer, n, start and seed. */
export const USUAL = { d: 32, K: 4, L: 32, rate: 0.01, steps: 400 };

export const traits = {
  mixer: oneOf(Object.keys(MIXERS)),
  n: numberOf(SIZES),
  start: oneOf(STARTS),
  d: numberOf(WIDTHS),
  pairs: whole(1, MOST_PAIRS),
  length: numberOf(LENGTHS),
  rate: numberOf(RATES),
  steps: numberOf(STEPS),
  seed: whole(0, MOST_SEEDS - 1),
};

/** The values of n that a mixer can have. @param {string} mixer */
export const sizesOf = (mixer) =>
  MIXERS[mixer].single ? [1] : MIXERS[mixer].even ? SIZES.filter((n) => n % 2 === 0) : SIZES;

/** The most pairs that a sequence has room for, each asked once. @param {number} L */
export const mostPairs = (L) => Math.min(MOST_PAIRS, L / 4);

/** @param {{get: (name: string) => any}} model @returns {Setup} */
export function setupOf(model) {
  const [mixer, L, start] = [model.get("mixer"), model.get("length"), model.get("start")];
  const sizes = sizesOf(mixer);
  return {
    ...{ mixer, L, d: model.get("d"), rate: model.get("rate"), steps: model.get("steps"), seed: model.get("seed") },
    n: sizes.findLast((n) => n <= model.get("n")) ?? sizes[0],
    start: MIXERS[mixer].starts?.includes(start) ? start : "",
    K: Math.min(model.get("pairs"), mostPairs(L)),
  };
}

/** The values of the traits that ask for a set-up. @param {Setup} setup */
export const asTraits = ({ K, L, ...rest }) => ({ ...rest, pairs: K, length: L });

/** Whether a recorded curve is of this set-up, its mixer, n and start aside. @param {Setup} setup */
export const isUsual = (setup) =>
  Object.entries(USUAL).every(([name, value]) => setup[/** @type {keyof Setup} */ (name)] === value);

/** @param {Setup} one @param {Setup} other */
export const isSame = (one, other) =>
  Object.keys(one).every((name) => one[/** @type {keyof Setup} */ (name)] === other[/** @type {keyof Setup} */ (name)]);

/** The task, by the letters of `recall`. @param {Setup} setup */
export const taskOf = ({ K, L }) => ({ L, K, V: 2 * L, a: 0.01, R: Math.min(ASKED, Math.floor(L / (2 * K)) - 1) });

/** Steps between two reports. @param {Setup} setup */
export const everyOf = ({ steps }) => Math.ceil(steps / POINTS);

/** The fields of a configuration, see `train/config.js`. @param {Setup} setup */
export function configOf(setup) {
  const { mixer, n, start, d, K, L, rate, steps, seed } = setup;
  const { V, R } = taskOf(setup);
  return {
    ...{ mixer, n, start, d_model: d, seq_len: L, num_kv_pairs: K, vocab_size: V, queries_per_key: R },
    ...{ steps, learning_rate: rate, seed, report_every: everyOf(setup) },
  };
}

/** @type {Record<string, (value: any) => string>} what is said of a field */
const WORDS = {
  mixer: (mixer) => MIXERS[mixer].name,
  n: (n) => `n = ${n}`,
  start: (start) => start || "its paper's start",
  d: (d) => `d = ${d}`,
  K: (K) => `K = ${K}`,
  L: (L) => `L = ${L}`,
  rate: (rate) => `rate ${rate}`,
  steps: (steps) => `${steps} steps`,
  seed: (seed) => `seed ${seed}`,
};
/** @type {Record<string, any>} */
const COMMON = { start: "", ...USUAL, seed: 0 };

/** A set-up in words: the fields that are worth it. @param {any} setup @param {(field: string) => boolean} is */
const inWords = (setup, is) =>
  Object.keys(WORDS)
    .filter(is)
    .map((name) => WORDS[name](setup[name]))
    .join(", ");

const CHOICE = ["mixer", "n", "start", "seed"]; // what is chosen beside the task and its training
/** What is another task, width or training than before. @param {Setup} setup @param {Setup} before */
export const changesOf = (setup, before) =>
  inWords(setup, (name) => {
    const field = /** @type {keyof Setup} */ (name);
    return !CHOICE.includes(name) && setup[field] !== before[field];
  });

/** What differs from the usual. @param {Setup} setup */
export const titleOf = (setup) =>
  inWords(setup, (field) => setup[/** @type {keyof Setup} */ (field)] !== COMMON[field]);

/** Its n, and what differs from others that stand beside it. @param {Setup} setup @param {Setup[]} others */
export const labelOf = (setup, others) =>
  inWords(setup, (name) => {
    const field = /** @type {keyof Setup} */ (name);
    const always = others.length < 2 ? ["mixer", "n"] : ["n"];
    return always.includes(name) || others.some((other) => other[field] !== setup[field]);
  });

const WINDOW = 3; // tokens before its own that the convolution sees

/** Numbers that a model hands on at the end of a sequence, as `dsf.carried` counts them. @param {Setup} setup */
export function carried({ mixer, n, d, L }) {
  const state = mixer === "softmax" ? L * (n + d) : mixer === "linear" ? n * (d + 1) : n * d;
  return state + WINDOW * d;
}

const DRAWN = 600; // sequences that find the best guess, and as many that score it

/** @type {Map<string, number>} */
const levels = new Map();

/**
 * What a reader scores who guesses the pair from the position of its question: `dsf.mqar.position_level`.
 * @param {Setup} setup
 */
export function positionLevel(setup) {
  const { K, L } = setup;
  const key = `${K} ${L}`;
  const known = levels.get(key);
  if (known !== undefined) return known;
  const [found, scored] = [0, 1].map((half) => {
    const counts = new Int32Array(L * K);
    for (let seed = 0; seed < DRAWN; seed++)
      for (const [pair, places] of recall(taskOf(setup), half * DRAWN + seed).asked.entries())
        for (const at of places) counts[at * K + pair] += 1;
    return counts;
  });
  let right = 0;
  for (let at = 0; at < L; at++) {
    const row = found.subarray(at * K, at * K + K);
    right += scored[at * K + row.indexOf(Math.max(...row))];
  }
  const level = right / scored.reduce((sum, count) => sum + count, 0);
  levels.set(key, level);
  return level;
}
