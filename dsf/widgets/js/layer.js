/**
 * The small untrained layer behind the explorer, token by token: `dsf/widgets/layer.py` is its twin.
 *
 * Token t has an embedding x. Queries read the token itself, keys the token before it, as after a
 * short convolution, and values the token itself; queries and keys share their projection. Row i of
 * Φ therefore looks for what followed earlier occurrences of token i.
 */
import { normal, uniform } from "./random.js";
import { softplus } from "./architectures.js";

/** @typedef {import("./architectures.js").Matrix} Matrix */
/** @typedef {{tokens: string[], embeddings: Matrix, values: Matrix}} Sequence */

export const CHANNELS = 4;
export const LENGTH = 24;
export const MAX_TEXT = 32;
export const MAX_N = 16;
const WIDTH = 16;
const PAIRS = 4;
const IMPULSE_AT = 2;
const FILLER = "·";

/** One stream of random numbers for each thing that is drawn. */
const STREAM = {
  token: 1, random: 2, key: 3, value: 4, eta: 5, step: 6, output: 7, forget: 8, input: 9, gate: 10,
  decay: 11, keys: 12, values: 13, slots: 14,
};

/** The state expansions that an architecture can have, smallest first. */
export const SIZES = {
  softmax: [1, 6, 15], // C(2 + p, p) at the even orders p = 0, 2, 4, whose kernel is positive
  qlstm: [1],
  qlstm_reversed: [1],
  rg_lru: [1],
};

/**
 * @param {string} name
 * @returns {number[]}
 */
export function sizes(name) {
  return SIZES[name] || Array.from({ length: MAX_N }, (_, index) => index + 1);
}

/**
 * The largest expansion of an architecture that is not above `n`.
 * @param {string} name
 * @param {number} n
 */
export function fit(name, n) {
  return sizes(name).filter((size) => size <= n).pop();
}

/**
 * The numbers 0 to size - 1 in random order.
 * @param {number} seed
 * @param {number} stream
 * @param {number} size
 * @returns {number[]}
 */
function shuffled(seed, stream, size) {
  const draws = Array.from({ length: size }, (_, index) => uniform(seed, stream, index));
  return draws.map((_, index) => index).sort((x, y) => draws[x] - draws[y]);
}

/**
 * Four key-value pairs, then each key once more at a random place.
 * @param {number} seed
 * @returns {string[]}
 */
function recallTokens(seed) {
  const keys = shuffled(seed, STREAM.keys, 8).slice(0, PAIRS).map((k) => "abcdefgh"[k]);
  const values = shuffled(seed, STREAM.values, 8).slice(0, PAIRS).map((v) => "12345678"[v]);
  const tokens = keys.flatMap((key, index) => [key, values[index]]);
  const rest = Array(LENGTH - 2 * PAIRS).fill(FILLER);
  const slots = shuffled(seed, STREAM.slots, rest.length / 2);
  keys.forEach((key, index) => { rest[2 * slots[index]] = key; });
  return [...tokens, ...rest];
}

/**
 * @param {number} stream
 * @param {number} seed
 * @param {number} row
 * @param {number} size
 */
const vector = (stream, seed, row, size) =>
  Array.from({ length: size }, (_, c) => normal(seed, stream, row * size + c));

/** @type {Map<string, Matrix>} weights that were drawn before */
const drawn = new Map();

/**
 * W with W_rc ~ N(0, 1/width), the same rows whatever their number.
 * @param {number} seed
 * @param {number} stream
 * @param {number} rows
 * @returns {Matrix}
 */
function weights(seed, stream, rows) {
  const key = `${seed} ${stream} ${rows}`;
  if (drawn.size > 100) drawn.clear();
  if (!drawn.has(key)) {
    drawn.set(key, Array.from({ length: rows }, (_, r) => vector(stream, seed, r, WIDTH).map((value) => value / Math.sqrt(WIDTH))));
  }
  return /** @type {Matrix} */ (drawn.get(key));
}

/**
 * @param {number} seed
 * @param {number} stream
 * @param {number} rows
 * @param {number[]} x
 * @returns {number[]} W x
 */
function project(seed, stream, rows, x) {
  return weights(seed, stream, rows).map((row) => row.reduce((sum, weight, c) => sum + weight * x[c], 0));
}

/**
 * What is read, before any embedding.
 * @param {string} kind "random", "impulse", "mqar" or "text"
 * @param {number} seed
 * @param {string} text
 * @returns {string[]}
 */
export function tokensOf(kind, seed, text) {
  if (kind === "mqar") return recallTokens(seed);
  if (kind === "text") return [...text].slice(0, MAX_TEXT);
  return Array.from({ length: LENGTH }, (_, i) => (kind === "random" ? `${i}` : i === IMPULSE_AT ? "1" : "0"));
}

/**
 * @param {string} kind "random", "impulse", "mqar" or "text"
 * @param {number} seed
 * @param {string} text
 * @returns {Sequence}
 */
export function sequence(kind, seed, text) {
  const tokens = tokensOf(kind, seed, text);
  const embeddings = tokens.map((token, i) => {
    if (kind === "random") return vector(STREAM.random, seed, i, WIDTH);
    // An impulse has one embedding for all steps: Λ, B and C stay the same and y is the impulse response.
    if (kind === "impulse") return vector(STREAM.random, seed, 0, WIDTH);
    return vector(STREAM.token, seed, token.codePointAt(0) ?? 0, WIDTH);
  });
  const values = kind === "impulse"
    ? tokens.map((token) => Array(CHANNELS).fill(Number(token)))
    : embeddings.map((x) => project(seed, STREAM.value, CHANNELS, x));
  return { tokens, embeddings, values };
}

/**
 * The positions j ≤ i that follow an occurrence of token i: what recall would read.
 * @param {Sequence} sequence_
 * @param {number} i
 * @param {string} kind
 * @returns {number[]}
 */
export function matches({ tokens }, i, kind) {
  if (kind === "random" || kind === "impulse" || tokens[i] === FILLER) return [];
  return tokens.map((_, j) => j).filter((j) => j >= 1 && j <= i && tokens[j - 1] === tokens[i]);
}

/**
 * The arguments of the system function of an architecture.
 * @param {string} name a key of `systems`
 * @param {Sequence} sequence_
 * @param {number} n
 * @param {number} seed
 * @returns {Record<string, any>}
 */
export function layerArguments(name, { embeddings }, n, seed) {
  const previous = [Array(WIDTH).fill(0), ...embeddings.slice(0, -1)];
  const over = (stream, rows, xs, gain = 1, bias = 0) =>
    xs.map((x) => project(seed, stream, rows, x).map((value) => gain * value + bias));
  const scalar = (stream, gain, bias) => over(stream, 1, embeddings, gain, bias).map(([value]) => value);
  const queries = (rows, gain) => over(STREAM.key, rows, embeddings, gain);
  const keys = (rows, gain) => over(STREAM.key, rows, previous, gain);
  const gates = (stream, bias) => over(stream, CHANNELS, embeddings, 1, bias);
  switch (name) {
    case "softmax": {
      const tanh = (rows) => rows.map((row) => row.map(Math.tanh));
      return { q: tanh(queries(2, 2)), k: tanh(keys(2, 2)), order: 2 * SIZES.softmax.indexOf(n) };
    }
    case "linear":
      return { q: queries(n, 2), k: keys(n, 2) };
    case "normalized":
      return { q: queries(n, 1), k: keys(n, 1), eta: scalar(STREAM.eta, 0.3, 0).map(Math.exp) };
    case "s4d": {
      const step = vector(STREAM.step, seed, 0, CHANNELS).map((value) => Math.exp(0.5 * value - 2));
      const table = (value) => step.map((_, ch) => Array.from({ length: n }, (_, s) => value(ch, s)));
      const draw = (shift) => table((ch, s) => normal(seed, STREAM.output, 2 * (ch * MAX_N + s) + shift));
      return {
        a: { re: table(() => -0.5), im: table((_, s) => Math.PI * s) },
        b: { re: table(() => 1), im: table(() => 0) },
        c: { re: draw(0), im: draw(1) },
        step,
        length: embeddings.length,
      };
    }
    case "s6": {
      const step = over(STREAM.step, CHANNELS, embeddings, 0.5, -4).map((row) => row.map(softplus));
      const rates = Array.from({ length: n }, (_, s) => -(s + 1));
      return { step, a: Array(CHANNELS).fill(rates), b: keys(n, 1), c: queries(n, 1) };
    }
    case "ssd":
      return { step: scalar(STREAM.step, 0.5, -4).map(softplus), a: -1, b: keys(n, 1), c: queries(n, 1) };
    case "qlstm":
    case "qlstm_reversed": {
      const reversed = name === "qlstm_reversed";
      return {
        forget_gate: gates(STREAM.forget, reversed ? -2 : 2),
        input_gate: gates(STREAM.input, 0),
        output_gate: gates(STREAM.gate, 0),
        reversed_sigmoid: reversed,
        exponent: reversed ? 0.5 : 1,
      };
    }
    case "rg_lru":
      return {
        recurrence_gate: gates(STREAM.gate, 0),
        input_gate: gates(STREAM.input, 0),
        decay: vector(STREAM.decay, seed, 0, CHANNELS).map((value) => value + 4),
      };
    default:
      throw new Error(`no architecture is called ${name}`);
  }
}
