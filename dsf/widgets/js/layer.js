/**
 * The small untrained layer behind the explorer, token by token.
 *
 * Token t has an embedding x. Queries read the token itself, keys the token before it, as after a
 * short convolution, and values the token itself; queries and keys share their projection. Row i of
 * Φ therefore looks for what followed earlier occurrences of token i.
 */
import { ARCHITECTURES } from "./architectures.js";
import { normal, uniform } from "./random.js";

/** @typedef {import("./system.js").Matrix} Matrix */
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
  token: 1,
  random: 2,
  key: 3,
  value: 4,
  eta: 5,
  step: 6,
  output: 7,
  forget: 8,
  input: 9,
  gate: 10,
  decay: 11,
  keys: 12,
  values: 13,
  slots: 14,
};
/** @typedef {keyof typeof STREAM} Stream */

/**
 * The state expansions that an architecture can have, smallest first.
 * @param {string} name
 */
export const sizes = (name) => ARCHITECTURES[name].sizes ?? Array.from({ length: MAX_N }, (_, index) => index + 1);

/**
 * The largest expansion of an architecture that is not above `n`.
 * @param {string} name
 * @param {number} n
 */
export const fit = (name, n) => Math.max(...sizes(name).filter((size) => size <= n));

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
  const keys = shuffled(seed, STREAM.keys, 8)
    .slice(0, PAIRS)
    .map((k) => "abcdefgh"[k]);
  const values = shuffled(seed, STREAM.values, 8)
    .slice(0, PAIRS)
    .map((v) => "12345678"[v]);
  const tokens = keys.flatMap((key, index) => [key, values[index]]);
  const rest = Array(LENGTH - 2 * PAIRS).fill(FILLER);
  const slots = shuffled(seed, STREAM.slots, rest.length / 2);
  keys.forEach((key, index) => {
    rest[2 * slots[index]] = key;
  });
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
    drawn.set(
      key,
      Array.from({ length: rows }, (_, r) => vector(stream, seed, r, WIDTH).map((value) => value / Math.sqrt(WIDTH))),
    );
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
  const values =
    kind === "impulse"
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
 * What `layer` of an architecture draws its arguments with. Streams are keys of `STREAM`.
 * @param {Matrix} embeddings
 * @param {number} seed
 */
function draws(embeddings, seed) {
  const previous = [Array(WIDTH).fill(0), ...embeddings.slice(0, -1)];
  /** @param {Stream} stream @param {number} rows @param {Matrix} xs @param {number} gain @param {number} bias */
  const over = (stream, rows, xs, gain, bias) =>
    xs.map((x) => project(seed, STREAM[stream], rows, x).map((value) => gain * value + bias));
  /** @param {number} n @param {(channel: number, s: number) => number} value */
  const table = (n, value) =>
    Array.from({ length: CHANNELS }, (_, channel) => Array.from({ length: n }, (__, s) => value(channel, s)));
  return {
    length: embeddings.length,
    /** (L, n), from the token itself. @param {number} n */
    queries: (n, gain = 1) => over("key", n, embeddings, gain, 0),
    /** (L, n), from the token before. @param {number} n */
    keys: (n, gain = 1) => over("key", n, previous, gain, 0),
    /** (L, d), before any sigmoid. @param {Stream} stream */
    gates: (stream, gain = 1, bias = 0) => over(stream, CHANNELS, embeddings, gain, bias),
    /** (L). @param {Stream} stream */
    scalars: (stream, gain = 1, bias = 0) => over(stream, 1, embeddings, gain, bias).map(([value]) => value),
    /** (d), the same at all times. @param {Stream} stream */
    constants: (stream, gain = 1, bias = 0) => vector(STREAM[stream], seed, 0, CHANNELS).map((x) => gain * x + bias),
    /** (d, n) of given numbers. */
    table,
    /**
     * (d, n) of complex normal numbers, the first ones the same whatever n.
     * @param {Stream} stream
     * @param {number} n
     */
    complex(stream, n) {
      const [re, im] = [0, 1].map((part) =>
        table(n, (channel, s) => normal(seed, STREAM[stream], 2 * (channel * MAX_N + s) + part)),
      );
      return { re, im };
    },
  };
}

/** @typedef {ReturnType<typeof draws>} Draws */

/**
 * The arguments of an untrained layer.
 * @param {string} name a key of `ARCHITECTURES`
 * @param {Sequence} sequence_
 * @param {number} n one of its sizes
 * @param {number} seed
 */
export const layerArguments = (name, { embeddings }, n, seed) => ARCHITECTURES[name].layer(draws(embeddings, seed), n);
