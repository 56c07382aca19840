/** Mixers of state space models. */
import {
  add,
  cos,
  divide,
  einsum,
  exp,
  linear,
  made,
  mean,
  negative,
  reshape,
  rows,
  sin,
  softplus,
  sqrt,
  subtract,
  sum,
  times,
} from "./array.js";
import { applied, keyed, products, queriesAndKeys, sizeOfKeys } from "./attention.js";
import { constant, drawn, inverseSoftplus, logUniforms, normals, ones } from "./draws.js";
import { recurrence } from "./recurrence.js";

/** @typedef {import("./array.js").Tensor} Tensor */
/** @typedef {import("./array.js").Tensors} Tensors */
/** @typedef {import("./mixers.js").Mixer} Mixer */

const STEPS = [1e-3, 1e-1]; // between which the steps Δ begin, log-uniformly
const LONG = [0.1, 1];
const LN_2 = [Math.LN2, Math.LN2]; // where no bias of Δ is set

/** What s4d makes of its parameters: the steps, the poles Δa, and B̄ = (e^{Δa} - 1) / a. @param {Tensors} p */
function discretised(p) {
  const [d] = p.frequency.shape;
  const step = reshape(exp(p.log_step), [d, 1]);
  const [re, im] = [negative(exp(p.log_decay)), p.frequency]; // a
  const [fade, turn] = [times(step, re), times(step, im)];
  const grown = exp(fade);
  const [x, y] = [subtract(times(grown, cos(turn)), 1), times(grown, sin(turn))];
  const square = add(times(re, re), times(im, im));
  const real = divide(add(times(x, re), times(y, im)), square);
  const imaginary = divide(subtract(times(y, re), times(x, im)), square);
  return { fade, turn, real, imaginary };
}

/** The part of a pole that turns is kept beside the part that fades: two real numbers each. @type {Mixer} */
export const s4d = {
  even: true,
  starts: { "": { steps: STEPS }, "long steps": { steps: LONG } },
  parameters: ({ n, d }, { steps }) => ({
    log_step: logUniforms([d], steps),
    log_decay: constant([d, n / 2], () => Math.log(0.5)),
    frequency: constant([d, n / 2], (_, s) => Math.PI * s),
    read: normals([d, n / 2, 2], Math.SQRT1_2),
    skip: normals([d], 1),
  }),
  mix(p, _, u) {
    const [length, [d, pairs]] = [u.shape[1], p.frequency.shape];
    const { fade, turn, real, imaginary } = discretised(p);
    // c B̄, where c counts twice, for the pole and for its conjugate
    const part = (/** @type {number} */ k) => times(2, reshape(rows(p.read, 2, k, k + 1), [d, pairs]));
    const [c, e] = [part(0), part(1)];
    const [a, b] = [subtract(times(c, real), times(e, imaginary)), add(times(c, imaginary), times(e, real))];
    // what comes out t steps after an impulse: Re(c B̄ e^{Δa t})
    const time = made([length, 1, 1], (t) => t);
    const [faded, turned] = [exp(times(time, fade)), times(time, turn)];
    const answer = sum(times(faded, subtract(times(a, cos(turned)), times(b, sin(turned)))), -1); // (L, d)
    const lag = made([length, length, length], (i, j, t) => Number(i - j === t));
    const phi = einsum("ijt,td->dij", lag, answer);
    return add(einsum("dij,bjd->bid", phi, u), times(p.skip, u));
  },
  /** Every token alike, by pairs of poles. */
  written(p, z) {
    const { real, imaginary } = discretised(p);
    const written = mean(sqrt(add(times(real, real), times(imaginary, imaginary))), 0); // (n/2)
    return add(times(0, sum(z, -1, true)), written);
  },
};

/** Δ of s6, (batch, L, d). @param {Tensors} p @param {Tensor} z */
const stepsOf = (p, z) => softplus(add(linear(linear(z, p["step_down.weight"]), p.step_up), p.step_bias));
/** Δ of ssd, (batch, L, 1). @param {Tensors} p @param {Tensor} z */
const stepOf = (p, z) => softplus(add(linear(z, p["step_weight.weight"]), p.step_bias));

/** @type {Mixer} */
export const s6 = {
  starts: {
    "": { steps: STEPS, slowest: [1] },
    "ln 2": { steps: LN_2, slowest: [1] },
    "long steps": { steps: LONG, slowest: [1] },
    "slow poles": { steps: STEPS, slowest: [0.01] },
    "slow poles, long steps": { steps: LONG, slowest: [0.01] },
  },
  parameters(size, { steps, slowest }) {
    const { n, d } = size;
    const rank = Math.ceil(d / 16);
    return {
      ...keyed(size),
      "step_down.weight": normals([rank, d]),
      step_up: drawn([d, rank], -(rank ** -0.5), rank ** -0.5),
      step_bias: inverseSoftplus([d], steps),
      log_decay: constant([n], (s) => Math.log(slowest[0] * (s + 1))),
      skip: ones([d]),
    };
  },
  mix(p, z, u) {
    const [b, length, d] = u.shape;
    const n = p.log_decay.shape[0];
    const [output, input] = queriesAndKeys(p, z);
    const step = stepsOf(p, z);
    const slow = reshape(step, [b, length, 1, d]);
    const decay = exp(negative(times(slow, reshape(exp(p.log_decay), [n, 1])))); // (b, L, n, d)
    const driven = times(reshape(input, [b, length, n, 1]), reshape(times(step, u), [b, length, 1, d]));
    const state = recurrence(decay, driven);
    return add(sum(times(state, reshape(output, [b, length, n, 1])), 2), times(p.skip, u));
  },
  written: (p, z) => times(sizeOfKeys(p, z), mean(stepsOf(p, z), -1, true)),
};

/** Scores that fade by e^{aΔ} a step: e to the sum of what lies between, summed and never subtracted. @type {Mixer} */
export const ssd = {
  starts: {
    "": { steps: STEPS, decay: [1] },
    fixed: { steps: [0.01, 0.01], decay: [1] },
    "ln 2": { steps: LN_2, decay: [1] },
    slow: { steps: [0.1, 0.1], decay: [0.1] },
  },
  parameters: (size, { steps, decay }) => ({
    ...keyed(size),
    "step_weight.weight": normals([1, size.d]),
    step_bias: inverseSoftplus([], steps),
    log_decay: constant([], () => Math.log(decay[0])),
    skip: ones([size.d]),
  }),
  mix(p, z, u) {
    const [b, length] = u.shape;
    const [output, input] = queriesAndKeys(p, z);
    const step = stepOf(p, z);
    const rate = negative(times(exp(p.log_decay), reshape(step, [b, length])));
    const between = made([length, length, length], (i, j, t) => Number(j < t && t <= i));
    const past = made([length, length], (i, j) => Number(j <= i));
    const fading = times(past, exp(einsum("bt,ijt->bij", rate, between)));
    const y = applied(times(products(output, input), fading), times(step, u));
    return add(y, times(p.skip, u));
  },
  written: (p, z) => times(sizeOfKeys(p, z), stepOf(p, z)),
};
