/** The mixers that a page can train, by the names of `dsf.mixers.MIXERS`; parameters have their names there. */
import { linearAttention, normalizedAttention, retention, softmaxAttention } from "./attention.js";
import { qlstm } from "./rnn.js";
import { s4d, s6, ssd } from "./ssm.js";

/** @typedef {import("./array.js").Tensor} Tensor */
/** @typedef {import("./array.js").Tensors} Tensors */
/** @typedef {{n: number, d: number}} Size */
/** @typedef {Record<string, number[]>} Start */
/**
 * A mixer: what it draws beside the projection to u that all have, and its map from u to y, both (batch, L, d), for
 * tokens z of the same shape.
 * @typedef {object} Mixer
 * @property {(size: Size, start: Start) => Record<string, import("./draws.js").Draw>} parameters
 * @property {(p: Tensors, z: Tensor, u: Tensor, size: Size) => Tensor} mix
 * @property {(p: Tensors, z: Tensor) => Tensor} [written] |B_i|, the mean over channels, (batch, L, features); none
 *   where the state keeps whole tokens
 * @property {Record<string, Start>} [starts] where training may begin, by the names of the package
 * @property {boolean} [even] whether n has to be even
 * @property {boolean} [single] whether n is 1
 */

/** @type {Record<string, Mixer>} */
export const MIXERS = {
  softmax: softmaxAttention,
  linear: linearAttention,
  normalized: normalizedAttention,
  s4d,
  s6,
  ssd,
  qlstm,
  retnet: retention,
};
