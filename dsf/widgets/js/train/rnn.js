/** Mixers of recurrent networks. */
import { add, linear, sigmoid, times } from "./array.js";
import { normals, zeros } from "./draws.js";
import { recurrence } from "./recurrence.js";

/** @typedef {import("./mixers.js").Mixer} Mixer */

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
    const [input, output] = ["input_gate", "output_gate"].map((name) =>
      sigmoid(add(linear(z, p[`${name}.weight`]), p[`${name}.bias`])),
    );
    return times(output, recurrence(forget, times(input, u)));
  },
};
