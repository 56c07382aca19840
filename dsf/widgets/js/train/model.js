/** The model of `dsf.model`: embedding, blocks, norm, and a read-out by the embedding's matrix. */
import { add, divide, einsum, linear, mean, oneHot, pad, rows, sqrt, subtract, times } from "./array.js";
import { drawArray, drawn, normals, ones, zeros } from "./draws.js";
import { MIXERS } from "./mixers.js";

/** @typedef {import("./array.js").Tensor} Tensor */
/** @typedef {import("./array.js").Tensors} Tensors */
/** @typedef {import("./config.js").Config} Config */
/** @typedef {Record<string, {shape: number[], values: Float32Array}>} Weights named as in the package's `state_dict` */

/** @param {Config} config @returns {Record<string, import("./draws.js").Draw>} */
export function parameters({ mixer, n, d, V, layers, kernel, start }) {
  const { starts = { "": {} }, parameters: own } = MIXERS[mixer];
  /** @param {string} name */
  const norm = (name) => ({ [`${name}.weight`]: ones([d]), [`${name}.bias`]: zeros([d]) });
  /** @type {Record<string, import("./draws.js").Draw>} */
  const all = { "embedding.weight": normals([V, d]) };
  for (let layer = 0; layer < layers; layer++) {
    const block = `blocks.${layer}`;
    Object.assign(all, norm(`${block}.norm`));
    if (kernel) all[`${block}.conv.weight`] = drawn([kernel, d], -(kernel ** -0.5), kernel ** -0.5);
    all[`${block}.mixer.value.weight`] = normals([d, d]);
    for (const [name, draw] of Object.entries(own({ n, d }, starts[start]))) all[`${block}.mixer.${name}`] = draw;
    all[`${block}.out.weight`] = normals([d, d]);
  }
  return { ...all, ...norm("norm") };
}

const STREAM = 1000; // the first of those that draw parameters

/** @param {Config} config @returns {Weights} of a model before training */
export const untrained = (config) =>
  Object.fromEntries(
    Object.entries(parameters(config)).map(([name, draw], place) => [
      name,
      { shape: draw.shape, values: drawArray(draw, config.seed, STREAM + place) },
    ]),
  );

/** The parameters below a name. @param {Tensors} p @param {string} name @returns {Tensors} */
const below = (p, name) =>
  Object.fromEntries(
    Object.entries(p)
      .filter(([key]) => key.startsWith(`${name}.`))
      .map(([key, value]) => [key.slice(name.length + 1), value]),
  );

/** @param {Tensor} x @param {Tensors} p */
function layerNorm(x, { weight, bias }) {
  const centred = subtract(x, mean(x, -1, true));
  const deviation = sqrt(add(mean(times(centred, centred), -1, true), 1e-5));
  return add(times(divide(centred, deviation), weight), bias);
}

/** z_i = Σ_s w_s ⊙ x_{i-s}. @param {Tensor} x (batch, L, d) @param {Tensor} weight (kernel, d) */
function convolution(x, weight) {
  const [kernel, length] = [weight.shape[0], x.shape[1]];
  const padded = pad(x, 1, kernel - 1);
  return Array.from({ length: kernel }, (_, shift) =>
    times(rows(padded, 1, kernel - 1 - shift, kernel - 1 - shift + length), rows(weight, 0, shift, shift + 1)),
  ).reduce((x, y) => add(x, y));
}

/** What the mixer of a block reads. @param {Tensors} p of the block @param {Tensor} x */
function read(p, x) {
  const normed = layerNorm(x, below(p, "norm"));
  return p["conv.weight"] ? convolution(normed, p["conv.weight"]) : normed;
}

/**
 * What the mixer of a block makes of a sequence that drives it: of its own u in a model, of impulses where Φ is asked.
 * @param {Config} config @param {Tensors} p of the block @param {Tensor} z @param {Tensor} [u]
 */
export function mixed({ mixer, n, d }, p, z, u) {
  const own = below(p, "mixer");
  return MIXERS[mixer].mix(own, z, u ?? linear(z, own["value.weight"]), { n, d });
}

/**
 * The size of B_i in a block by feature, the mean over channels: (batch, L, features).
 * @param {Config} config @param {Tensors} p of the block @param {Tensor} z
 */
export const written = ({ mixer }, p, z) => MIXERS[mixer].written?.(below(p, "mixer"), z);

/** @param {Config} config @param {Tensors} p of the model @param {Tensor} tokens integers (batch, L) */
export function states(config, p, tokens) {
  let x = einsum("blv,vd->bld", oneHot(tokens, config.V), p["embedding.weight"]);
  const inputs = [];
  for (let layer = 0; layer < config.layers; layer++) {
    const block = below(p, `blocks.${layer}`);
    const z = read(block, x);
    inputs.push({ block, z });
    x = add(x, linear(mixed(config, block, z), block["out.weight"]));
  }
  return { inputs, x };
}

/** @param {Config} config @param {Tensors} p @param {Tensor} tokens (batch, L) @returns {Tensor} (batch, L, V) */
export const logits = (config, p, tokens) =>
  linear(layerNorm(states(config, p, tokens).x, below(p, "norm")), p["embedding.weight"]);
