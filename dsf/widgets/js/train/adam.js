/** The optimiser: Adam, and the schedule of `dsf.optimize`. */
import { add, divide, sqrt, subtract, times } from "./array.js";

/** @typedef {import("./array.js").Tensor} Tensor */
/** @typedef {import("./array.js").Tensors} Tensors */

const [BETA, GAMMA, EPSILON] = [0.9, 0.999, 1e-8]; // as PyTorch has them

/** The nearest integer, of two the even one, as in Python. @param {number} x */
function rounded(x) {
  const above = Math.round(x);
  return above - x === 0.5 && above % 2 ? above - 1 : above;
}

/**
 * Linear warm-up to the peak, then half a cosine towards zero.
 * @param {{rate: number, warmup: number, steps: number}} config
 * @param {number} step from 0 to steps - 1
 */
export function learningRate({ rate, warmup, steps }, step) {
  const rising = rounded(warmup * steps);
  if (step < rising) return (rate * (step + 1)) / rising;
  return (rate / 2) * (1 + Math.cos((Math.PI * (step - rising)) / (steps - rising)));
}

/**
 * What a step needs beside the gradient: its rate, and what its averages lack.
 * @param {number} rate @param {number} step
 */
export const pace = (rate, step) => [rate / (1 - BETA ** (step + 1)), 1 / (1 - GAMMA ** (step + 1))];

/**
 * One step of one array.
 * @param {Tensor} p @param {Tensor} gradient
 * @param {Tensor} first mean of the gradients @param {Tensor} second mean of their squares
 * @param {Tensor} rate @param {Tensor} lacking see `pace`
 */
export function update(p, gradient, first, second, rate, lacking) {
  const m = add(times(BETA, first), times(1 - BETA, gradient));
  const v = add(times(GAMMA, second), times(1 - GAMMA, times(gradient, gradient)));
  return [subtract(p, divide(times(rate, m), add(sqrt(times(v, lacking)), EPSILON))), m, v];
}
