/** Mixers of recurrent networks. */
import { add, linear, mean, sigmoid, times } from "./array.js";
import { normals, zeros } from "./draws.js";
import { recurrence } from "./recurrence.js";

/** @typedef {import("./mixers.js").Mixer} Mixer */

/** @param {import("./array.js").Tensors} p @param {import("./array.js").Tensor} z @param {string} name */
const gate = (p, z, name) => sigmoid(add(linear(z, p[`${name}.weight`]), p[`${name}.bias`]));

/** @type {Mixer} */
export const qlstm = {
  single: true,
  parameters: ({ d }) => ({
    "forget.weight": normals([d, d]),
    forget_bias: zeros([d]),
    "input_gate.weight": normals([d, d]),
    "input_gate.bias": zeros([d]),
    "output_gate.weight": normals([d, d]),
    "output_gate.bias": zeros([d]),
  }),
  mix(p, z, u) {
    const forget = sigmoid(add(linear(z, p["forget.weight"]), p.forget_bias));
    const [input, output] = ["input_gate", "output_gate"].map((name) => gate(p, z, name));
    return times(output, recurrence(forget, times(input, u)));
  },
  written: (p, z) => mean(gate(p, z, "input_gate"), -1, true),
};
