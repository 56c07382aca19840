/** Mixers of attention: scores of all pairs of positions, those to come left out. */
import { add, divide, einsum, exp, larger, linear, made, size, softmax, subtract, sum, times } from "./array.js";
import { normals, zeros } from "./draws.js";

/** @typedef {import("./array.js").Tensor} Tensor */
/** @typedef {import("./array.js").Tensors} Tensors */
/** @typedef {import("./mixers.js").Mixer} Mixer */

/** The two projections to n numbers of all mixers with a state expansion. @param {import("./mixers.js").Size} size */
export const keyed = ({ n, d }) => ({ "query.weight": normals([n, d]), "key.weight": normals([n, d]) });

/** @param {Tensor} scores q_iᵀk_j, (batch, L, L) @returns {Tensor} those with j ≤ i, else 0 */
export const causal = (scores) => times(scores, past(scores));
/** @param {Tensor} scores */
const past = (scores) => made(scores.shape.slice(-2), (i, j) => Number(j <= i));

/** @param {Tensors} p @param {Tensor} z */
export const queriesAndKeys = (p, z) => [linear(z, p["query.weight"]), linear(z, p["key.weight"])];
/** @param {Tensor} q @param {Tensor} k */
export const products = (q, k) => einsum("bin,bjn->bij", q, k);
/** @param {Tensors} p @param {Tensor} z */
const scoresOf = (p, z) => {
  const [q, k] = queriesAndKeys(p, z);
  return products(q, k);
};
/** @param {Tensor} phi @param {Tensor} u */
export const applied = (phi, u) => einsum("bij,bjd->bid", phi, u);

const FAR = -1e30; // e to this is 0, and unlike an infinity it has a derivative

/** @type {Mixer} */
export const softmaxAttention = {
  parameters: keyed,
  mix(p, z, u, { n }) {
    const scores = divide(scoresOf(p, z), Math.sqrt(n));
    const shut = made(scores.shape.slice(-2), (i, j) => (j <= i ? 0 : FAR));
    return applied(softmax(add(scores, shut)), u);
  },
};

/** elu(x) + 1. @param {Tensor} x */
function eluPlusOne(x) {
  const positive = larger(x, 0);
  return add(positive, exp(subtract(x, positive)));
}

/** @param {Tensors} p @param {Tensor} z */
function positive(p, z) {
  const [q, k] = queriesAndKeys(p, z).map(eluPlusOne);
  const scores = causal(products(q, k));
  return { k, scores, eta: sum(scores, -1, true) };
}

/** @type {Mixer} */
export const linearAttention = {
  parameters: keyed,
  mix(p, z, u) {
    const { scores, eta } = positive(p, z);
    return divide(applied(scores, u), eta);
  },
  written(p, z) {
    const { k, eta } = positive(p, z);
    return divide(k, eta);
  },
};

/** @param {Tensors} p @param {Tensor} z (batch, L, 1) */
const etaOf = (p, z) => exp(add(linear(z, p["eta_weight.weight"]), p["eta_weight.bias"]));
/** @param {Tensors} p @param {Tensor} z */
export const sizeOfKeys = (p, z) => size(linear(z, p["key.weight"]));

/** @type {Mixer} */
export const normalizedAttention = {
  parameters: (size) => ({
    ...keyed(size),
    "eta_weight.weight": normals([1, size.d]),
    "eta_weight.bias": zeros([1]),
  }),
  mix: (p, z, u) => divide(applied(causal(scoresOf(p, z)), u), etaOf(p, z)),
  written: (p, z) => divide(sizeOfKeys(p, z), etaOf(p, z)),
};

const DECAY = 1 - 2 ** -5; // of the first head of RetNet; it is not trained

/** @type {Mixer} */
export const retention = {
  parameters: keyed,
  mix(p, z, u) {
    const scores = scoresOf(p, z);
    const fading = made(scores.shape.slice(-2), (i, j) => (j <= i ? DECAY ** (i - j) : 0));
    return applied(times(scores, fading), u);
  },
  written: sizeOfKeys,
};
