/** What a model makes of one sequence: its answers, and Φ of each layer. */
import { dispose, integers, made, program, repeated, softmax } from "./array.js";
import { logits, mixed, states } from "./model.js";

/** @typedef {import("./array.js").Tensors} Tensors */
/**
 * @typedef {object} Probe
 * @property {number} V
 * @property {number} L
 * @property {number} d
 * @property {Float32Array} probabilities of the vocabulary at each position, (L, V)
 * @property {Float32Array[]} phi of each layer, (L, d, L): how y_i depends on u_j, channel by channel
 */

/**
 * The rows of Φ are what the mixer makes of impulses: the sequence stands there L times, the j-th time driven by 1 at
 * position j in every channel and by 0 elsewhere. No architecture has a formula of its own for it.
 * @param {import("./config.js").Config} config
 */
export function reader(config) {
  const { L, d, V } = config;
  const answers = program((/** @type {Tensors} */ p, /** @type {any} */ tokens) => softmax(logits(config, p, tokens)));
  const responses = program((/** @type {Tensors} */ p, /** @type {any} */ tokens) => {
    const impulses = made([L, L, d], (j, i) => Number(i === j));
    const { inputs } = states(config, p, tokens);
    return inputs.map(({ block, z }) => mixed(config, block, repeated(z, L), impulses)); // each (j, i, d)
  });
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
      for (const response of impulses) {
        const values = await response.data();
        phi.push(
          Float32Array.from({ length: L * d * L }, (_, k) => {
            const [i, c, j] = [Math.floor(k / (d * L)), Math.floor(k / L) % d, k % L];
            return values[(j * L + i) * d + c];
          }),
        );
      }
      return { V, L, d, probabilities, phi };
    },
    dispose() {
      answers.dispose();
      responses.dispose();
    },
  };
}
