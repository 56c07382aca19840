/** What to train: fields as `dsf.train.TrainConfig` names them, checked, and the engine's letters for them. */
import { MIXERS } from "./mixers.js";

/**
 * @typedef {object} Config
 * @property {string} mixer
 * @property {number} n state expansion
 * @property {number} d width
 * @property {number} layers
 * @property {number} kernel taps of the short convolution, 0 for none
 * @property {string} start where the dynamics of the mixer begin
 * @property {number} L length of a sequence
 * @property {number} K pairs
 * @property {number} V vocabulary
 * @property {number} a exponent of the slots' weights
 * @property {number} R questions a key
 * @property {number} batch sequences a step
 * @property {number} steps
 * @property {number} rate highest learning rate
 * @property {number} warmup fraction of the steps
 * @property {number} seed
 * @property {number} every steps between two reports
 */

/** @typedef {{letter: keyof Config, value: any, low?: number, high?: number, whole?: boolean}} Field */

/** The default set-up; the ranges are what a page can train within its patience. @type {Record<string, Field>} */
export const FIELDS = {
  mixer: { letter: "mixer", value: "softmax" },
  start: { letter: "start", value: "" },
  n: { letter: "n", value: 16, low: 1, high: 64, whole: true },
  d_model: { letter: "d", value: 32, low: 1, high: 128, whole: true },
  num_layers: { letter: "layers", value: 1, low: 1, high: 4, whole: true },
  conv_kernel: { letter: "kernel", value: 4, low: 0, high: 16, whole: true },
  seq_len: { letter: "L", value: 32, low: 4, high: 64, whole: true },
  num_kv_pairs: { letter: "K", value: 4, low: 1, high: 16, whole: true },
  vocab_size: { letter: "V", value: 64, low: 5, high: 512, whole: true },
  power_a: { letter: "a", value: 0.01, low: -10, high: 10 },
  queries_per_key: { letter: "R", value: 3, low: 1, high: 31, whole: true },
  batch_size: { letter: "batch", value: 32, low: 1, high: 256, whole: true },
  steps: { letter: "steps", value: 400, low: 1, high: 100_000, whole: true },
  learning_rate: { letter: "rate", value: 0.01, low: Number.MIN_VALUE, high: 1 },
  warmup: { letter: "warmup", value: 0.05, low: 0, high: 1 },
  seed: { letter: "seed", value: 0, low: 0, high: 2 ** 32 - 1, whole: true },
  report_every: { letter: "every", value: 5, low: 1, high: 100_000, whole: true },
};

/** What cannot be trained, with the reason. */
export class ConfigError extends Error {}

/** @param {any} x */
const shown = (x) => JSON.stringify(x) ?? String(x);
/** @param {string} name @param {any} value @param {string} wanted */
const refuse = (name, value, wanted) => {
  throw new ConfigError(`${name} is ${shown(value)}, expected ${wanted}`);
};
/** @param {readonly string[]} names */
const oneOf = (names) => `one of ${names.map(shown).join(", ")}`;

/**
 * @param {any} given some fields by name; the others keep their defaults
 * @returns {Config}
 * @throws {ConfigError} naming the field, what it was and what was expected
 */
export function checked(given) {
  if (typeof given !== "object" || given === null) refuse("the configuration", given, "fields by name");
  for (const name of Object.keys(given))
    if (!Object.hasOwn(FIELDS, name)) refuse("a field", name, oneOf(Object.keys(FIELDS)));
  const config = /** @type {any} */ ({});
  for (const [name, { letter, value: usual, low = 0, high, whole }] of Object.entries(FIELDS)) {
    const value = given[name] ?? usual;
    if (high !== undefined && !(Number.isFinite(value) && value >= low && value <= high && !(whole && value % 1)))
      refuse(name, value, `${whole ? "an integer" : "a number"} from ${low} to ${high}`);
    config[letter] = value;
  }
  checkMixer(config);
  checkTask(config);
  return config;
}

/** The fields of a configuration by their names, also those that were not given. @param {Config} config */
export const named = (config) =>
  Object.fromEntries(Object.entries(FIELDS).map(([name, { letter }]) => [name, config[letter]]));

/** @param {Config} config */
function checkMixer({ mixer, start, n }) {
  if (!Object.hasOwn(MIXERS, mixer)) refuse("mixer", mixer, oneOf(Object.keys(MIXERS)));
  const { starts = { "": {} }, even, single } = MIXERS[mixer];
  if (!Object.hasOwn(starts, start)) refuse("start", start, oneOf(Object.keys(starts)));
  if (even && n % 2) refuse("n", n, `an even number for ${mixer}`);
  if (single && n !== 1) refuse("n", n, `1 for ${mixer}`);
}

/** @param {Config} config */
function checkTask({ L, K, V, R }) {
  if (L % 2) refuse("seq_len", L, "an even number");
  if (2 * K * (1 + R) > L) refuse("seq_len", L, `at least ${2 * K * (1 + R)}, the space for pairs and questions`);
  if (V <= L) refuse("vocab_size", V, `more than seq_len = ${L}`);
}
