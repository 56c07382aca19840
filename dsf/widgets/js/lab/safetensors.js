/** Trained weights as a file in the safetensors format, as `dsf.model.save` writes and `dsf.model.load` reads it. */
import { asTraits, configOf, setupOf, taskOf, traits } from "./setup.js";

/** @typedef {import("./setup.js").Setup} Setup */
/** @typedef {import("./session.js").Weights} Weights */

const CONFIG = "dsf.config"; // the entry of the metadata that makes a file one of ours
const HEAD = 8; // bytes that say how long the header is
const WHOLE = 8; // the header fills a multiple of so many bytes

/** The fields of a configuration that a page does not choose, with the values that it trains with. */
export const FIXED = {
  ...{ task: "mqar", forget_bias: 0, num_layers: 1, conv_kernel: 4, mlp_ratio: 0, position_embedding: false },
  ...{ init_std: 0.1, batch_size: 32, warmup: 0.05, weight_decay: 0, power_a: 0.01, random_non_queries: false },
};
/** Those that the weights depend on. */
const SHAPING = ["num_layers", "conv_kernel", "mlp_ratio", "position_embedding", "vocab_size"];
/** Those that say how a run in Python is watched and tested, as they are there if nothing is said. */
const WATCHED = { num_validation: 500, num_test: 1000, stop_accuracy: 0.995 };

/** @param {Setup} setup */
const fieldsOf = (setup) => ({ ...FIXED, ...WATCHED, ...configOf(setup) });

/** @param {Setup} setup @param {Weights} weights @returns {Uint8Array<ArrayBuffer>} the file */
export function writeModel(setup, weights) {
  let end = 0;
  const entries = Object.entries(weights).map(([name, { shape, values }]) => {
    const start = end;
    end += 4 * values.length;
    return [name, { dtype: "F32", shape, data_offsets: [start, end] }];
  });
  const head = { __metadata__: { [CONFIG]: JSON.stringify(fieldsOf(setup)) }, ...Object.fromEntries(entries) };
  const text = new TextEncoder().encode(JSON.stringify(head));
  const length = Math.ceil(text.length / WHOLE) * WHOLE;
  const file = new Uint8Array(HEAD + length + end).fill(32, HEAD, HEAD + length); // padded with spaces
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(length), true);
  file.set(text, HEAD);
  let at = HEAD + length;
  for (const { values } of Object.values(weights)) for (const x of values) at = put(view, at, x);
  return file;
}

/** @param {DataView} view @param {number} at @param {number} x */
function put(view, at, x) {
  view.setFloat32(at, x, true);
  return at + 4;
}

/** @param {string} problem @returns {never} */
const refuse = (problem) => {
  throw new Error(problem);
};

/**
 * @param {ArrayBuffer} file
 * @returns {{setup: Setup, weights: Weights}}
 * @throws {Error} saying what is wrong with it, or what this figure cannot train
 */
export function readModel(file) {
  const view = new DataView(file);
  const length = file.byteLength >= HEAD ? Number(view.getBigUint64(0, true)) : Number.POSITIVE_INFINITY;
  if (HEAD + length > file.byteLength) refuse("it is no file in the safetensors format");
  const { __metadata__: said, ...entries } = parsed(new TextDecoder().decode(new Uint8Array(file, HEAD, length)));
  const config = said?.[CONFIG] ?? refuse(`it is no model of this book: its metadata have no ${CONFIG}`);
  const tensors = Object.entries(entries).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => {
      if (dtype !== "F32") refuse(`${name} is of the type ${dtype}, expected F32`);
      const count = shape.reduce((/** @type {number} */ x, /** @type {number} */ y) => x * y, 1);
      if (to - from !== 4 * count || !(from >= 0 && HEAD + length + to <= file.byteLength))
        refuse(`${name} is not whole`);
      const values = Float32Array.from({ length: count }, (_, k) =>
        view.getFloat32(HEAD + length + from + 4 * k, true),
      );
      return [name, { shape, values }];
    },
  );
  return { setup: setupFrom(parsed(config)), weights: Object.fromEntries(tensors) };
}

/** @param {string} text */
function parsed(text) {
  try {
    const found = JSON.parse(text);
    if (typeof found === "object" && found !== null) return found;
  } catch {
    // Said below.
  }
  return refuse("its header is no JSON object");
}

/** The set-up of a configuration. @param {Record<string, any>} config @returns {Setup} */
function setupFrom(config) {
  /** @type {Record<string, any>} */
  const given = { ...FIXED, start: "", ...config };
  /** @type {Setup} */
  const setup = {
    ...{ mixer: given.mixer, n: given.n, start: given.start, d: given.d_model, K: given.num_kv_pairs },
    ...{ L: given.seq_len, rate: given.learning_rate, steps: given.steps, seed: given.seed },
  };
  const asked = /** @type {Record<string, any>} */ (asTraits(setup));
  // What a page has no control for is of no matter to a model that is only looked at.
  const free = ["rate", "steps", "seed"];
  for (const [name, trait] of Object.entries(traits)) {
    if (trait.accepts(asked[name])) continue;
    if (!free.includes(name)) refuse(`its ${name} is ${asked[name]}, expected ${trait.wanted}`);
  }
  const usable = { ...asked, rate: 0.01, steps: 400, seed: 0 };
  for (const name of free)
    if (traits[/** @type {keyof typeof traits} */ (name)].accepts(asked[name]))
      /** @type {any} */ (usable)[name] = asked[name];
  const found = setupOf({ get: (name) => /** @type {any} */ (usable)[name] });
  /** @type {Record<string, any>} */
  const wanted = { ...FIXED, vocab_size: taskOf(found).V };
  for (const name of SHAPING)
    if (given[name] !== wanted[name]) refuse(`its ${name} is ${given[name]}, expected ${wanted[name]}`);
  return found;
}
