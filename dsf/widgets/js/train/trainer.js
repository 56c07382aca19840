/** A model in training: all that it holds, and what can be done with it. */

import { learningRate, pace } from "./adam.js";
import { dispose, floats, integers, program } from "./array.js";
import { step } from "./learn.js";
import { parameters, untrained } from "./model.js";
import { reader } from "./probe.js";
import { batch } from "./task.js";

/** @typedef {import("./array.js").Tensors} Tensors */
/** @typedef {import("./config.js").Config} Config */
/** @typedef {import("./model.js").Weights} Weights */
/** @typedef {{loss: number, accuracy: number}} Score at the questions of fresh batches, each before its step */
/** @typedef {ReturnType<typeof trainer>} Trainer */

/** @param {Config} config */
export function trainer(config) {
  const learn = program(step(config));
  const read = reader(config);
  const { L, batch: size } = config;
  let done = 0;
  /** @type {{p: Tensors, m: Tensors, v: Tensors}} */
  let held = { p: {}, m: {}, v: {} };
  /** @type {import("./array.js").Tensor[][]} loss and accuracy of the steps that nobody has asked about yet */
  let scores = [];

  const forget = () => {
    for (const table of Object.values(held)) dispose(table);
    for (const pair of scores) for (const x of pair) x.dispose();
    scores = [];
  };
  /** @param {Weights} weights */
  const begin = (weights) => {
    forget();
    /** @param {(values: Float32Array) => Float32Array} f */
    const table = (f) =>
      Object.fromEntries(Object.entries(weights).map(([name, { shape, values }]) => [name, floats(f(values), shape)]));
    const none = () => table(({ length }) => new Float32Array(length));
    held = { p: table((x) => x), m: none(), v: none() };
  };
  begin(untrained(config));

  return {
    config,
    /** How many steps it has taken. */
    get done() {
      return done;
    },
    /** Take a step. */
    step() {
      const { tokens, labels, asked } = batch(config, done);
      const shape = [size, L];
      const given = { tokens: integers(tokens, shape), labels: integers(labels, shape), asked: floats(asked, shape) };
      const [rate, lacking] = pace(learningRate(config, done), done).map((x) => floats([x], []));
      const { p, m, v } = held;
      const [next, first, second, loss, share] = learn.run(p, m, v, given, rate, lacking);
      for (const table of [p, m, v, given, { rate, lacking }]) dispose(table);
      held = { p: next, m: first, v: second };
      scores.push([loss, share]);
      done += 1;
    },
    /** Means over the steps since this was asked last. @returns {Promise<Score>} */
    async score() {
      const taken = scores;
      scores = [];
      const numbers = await Promise.all(taken.map((pair) => Promise.all(pair.map((x) => x.data()))));
      const mean = (/** @type {0 | 1} */ k) => numbers.reduce((sum, pair) => sum + pair[k][0], 0) / numbers.length;
      return { loss: mean(0), accuracy: mean(1) };
    },
    /** Wait until all steps have been taken. */
    async settled() {
      await scores.at(-1)?.[0].ref.blockUntilReady();
    },
    /** Begin again with other weights, or with those of before training. @param {Weights} [weights] */
    reset(weights = untrained(config)) {
      begin(weights);
      done = 0;
    },
    /** @returns {Promise<Weights>} */
    async weights() {
      const all = Object.entries(held.p).map(async ([name, x]) => {
        const values = Float32Array.from(await x.ref.data());
        return [name, { shape: [...x.shape], values }];
      });
      return Object.fromEntries(await Promise.all(all));
    },
    /** What it makes of a sequence, see `reader`. @param {ArrayLike<number>} tokens */
    probe: (tokens) => read.run(held.p, tokens),
    dispose() {
      forget();
      held = { p: {}, m: {}, v: {} };
      learn.dispose();
      read.dispose();
    },
  };
}

/**
 * @param {Config} config
 * @param {any} weights
 * @returns {Weights} the same, if a model of this configuration can have them
 * @throws {TypeError} naming what is missing or has another shape
 */
export function fitting(config, weights) {
  const wanted = parameters(config);
  const names = Object.keys(wanted);
  const strange = Object.keys(weights ?? {}).find((name) => !Object.hasOwn(wanted, name));
  if (strange) throw new TypeError(`weights has ${JSON.stringify(strange)}, expected ${names.join(", ")}`);
  for (const [name, { shape }] of Object.entries(wanted)) {
    const found = weights?.[name];
    if (!found) throw new TypeError(`weights lacks ${JSON.stringify(name)}, expected ${names.join(", ")}`);
    const size = shape.reduce((x, y) => x * y, 1);
    if (`${found.shape}` !== `${shape}` || found.values?.length !== size)
      throw new TypeError(`${name} has the shape (${found.shape}), expected (${shape})`);
  }
  return weights;
}
