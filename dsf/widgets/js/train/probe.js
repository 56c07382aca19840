/** What a model makes of one sequence: its answers, Φ of each layer, and what the last one stores of each key. */
import { dispose, integers, made, program, repeated, softmax } from "./array.js";
import { logits, mixed, states, written } from "./model.js";

/** @typedef {import("./array.js").Tensors} Tensors */
/**
 * @typedef {object} Probe
 * @property {number} V
 * @property {number} L
 * @property {number} d
 * @property {Float32Array} probabilities of the vocabulary at each position, (L, V)
 * @property {Float32Array[]} phi of each layer, (L, d, L): how y_i depends on u_j, channel by channel
 * @property {Float32Array | null} stored of the last layer, (features, K): the size of B_i at the value of each pair,
 *   the mean over channels; null where the state has no features
 */

/**
 * The rows of Φ are what the mixer makes of impulses: the sequence stands there L times, the j-th time driven by 1 at
 * position j in every channel and by 0 elsewhere. No architecture has a formula of its own for it.
 * @param {import("./config.js").Config} config
 */
export function reader(config) {
  const { L, d, V, K } = config;
  const answers = program((/** @type {Tensors} */ p, /** @type {any} */ tokens) => softmax(logits(config, p, tokens)));
  const responses = program((/** @type {Tensors} */ p, /** @type {any} */ tokens) => {
    const impulses = made([L, L, d], (j, i) => Number(i === j));
    const { inputs } = states(config, p, tokens);
    const { block: last, z: read } = inputs[inputs.length - 1];
    const sizes = written(config, last, read);
    // each (j, i, d)
    const responses = inputs.map(({ block, z }) => mixed(config, block, repeated(z, L), impulses));
    return [...responses, ...(sizes ? [sizes] : [])];
  });
  /** Of sizes at all positions, (L, features), those at the values of pairs. @param {Float32Array} [sizes] */
  function atValues(sizes) {
    if (!sizes) return null;
    const features = sizes.length / L;
    return Float32Array.from(
      { length: features * K },
      (_, k) => sizes[(2 * (k % K) + 1) * features + Math.floor(k / K)],
    );
  }
  return {
    /**
     * @param {Tensors} p
     * @param {ArrayLike<number>} sequence L tokens
     * @returns {Promise<Probe>}
     * @throws {TypeError} it has another length or tokens that there are not
     */
    async run(p, sequence) {
      if (sequence?.length !== L) throw new TypeError(`tokens has ${sequence?.length} of them, expected ${L}`);
      for (const token of Array.from(sequence))
        if (!(Number.isInteger(token) && token >= 0 && token < V))
          throw new TypeError(`tokens has ${token}, expected integers from 0 to ${V - 1}`);
      const tokens = integers(sequence, [1, L]);
      const [scores, impulses] = [answers.run(p, tokens), responses.run(p, tokens)];
      dispose({ tokens });
      const probabilities = Float32Array.from(await scores.data());
      const phi = [];
      const found = await Promise.all(impulses.map((/** @type {any} */ x) => x.data()));
      for (const values of found.slice(0, config.layers)) {
        phi.push(
          Float32Array.from({ length: L * d * L }, (_, k) => {
            const [i, c, j] = [Math.floor(k / (d * L)), Math.floor(k / L) % d, k % L];
            return values[(j * L + i) * d + c];
          }),
        );
      }
      return { V, L, d, probabilities, phi, stored: atValues(found[config.layers]) };
    },
    dispose() {
      answers.dispose();
      responses.dispose();
    },
  };
}
