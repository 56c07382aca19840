/** One step of training, and what it follows: the loss at the questions. */

import { update } from "./adam.js";
import { chosen, divide, logSoftmax, negative, oneHot, sum, times, withGradient } from "./array.js";
import { logits } from "./model.js";

/** @typedef {import("./array.js").Tensor} Tensor */
/** @typedef {import("./array.js").Tensors} Tensors */
/** @typedef {import("./config.js").Config} Config */
/** @typedef {{tokens: Tensor, labels: Tensor, asked: Tensor}} Asked arrays (batch, L) */
/** @typedef {{p: Tensors, m: Tensors, v: Tensors}} State parameters, means of gradients, means of their squares */

/**
 * Mean cross-entropy at the questions, and the share of them that is answered.
 * @param {Config} config @param {Tensors} p @param {Asked} batch
 * @returns {[Tensor, Tensor]}
 */
export function loss(config, p, { tokens, labels, asked }) {
  const [scores, wanted] = [logits(config, p, tokens), oneHot(labels, config.V)];
  const count = sum(asked, [0, 1]);
  /** @param {Tensor} x (batch, L, V) */
  const atQuestions = (x) => divide(sum(times(sum(times(x, wanted), -1), asked), [0, 1]), count);
  return [negative(atQuestions(logSoftmax(scores))), atQuestions(chosen(scores, config.V))];
}

/** @param {Config} config @param {Tensors} p @param {Asked} batch */
export const gradients = (config, p, batch) => withGradient((p) => loss(config, p, batch))(p);

/**
 * @param {Config} config
 * @returns {(p: Tensors, m: Tensors, v: Tensors, batch: Asked, rate: Tensor, lacking: Tensor) => any}
 *   what training holds after a step, the loss before it, and the share that was answered
 */
export const step = (config) => (p, m, v, batch, rate, lacking) => {
  const [[error, share], slope] = gradients(config, p, batch);
  /** @type {State} */
  const next = { p: {}, m: {}, v: {} };
  for (const name of Object.keys(p))
    [next.p[name], next.m[name], next.v[name]] = update(p[name], slope[name], m[name], v[name], rate, lacking);
  return [next.p, next.m, next.v, error, share];
};
