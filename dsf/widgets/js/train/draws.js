/** What untrained parameters are drawn from: the distributions of the package. */
import { normal, uniform } from "../random.js";

/** @typedef {(index: number[], seed: number, stream: number, place: number) => number} Law the number at an index */
/** @typedef {{shape: number[], law: Law}} Draw */

/** Of every linear map and embedding. */
const SPREAD = 0.1;

/** @param {number[]} shape @param {Law} law @returns {Draw} */
const draw = (shape, law) => ({ shape, law });

/** @param {number[]} shape @param {number} [spread] */
export const normals = (shape, spread = SPREAD) =>
  draw(shape, (_, seed, stream, place) => spread * normal(seed, stream, place));
/** @param {number[]} shape @param {number} low @param {number} high */
export const drawn = (shape, low, high) =>
  draw(shape, (_, seed, stream, place) => low + (high - low) * uniform(seed, stream, place));
/** @param {number[]} shape @param {(...index: number[]) => number} f */
export const constant = (shape, f) => draw(shape, (index) => f(...index));
/** @param {number[]} shape */
export const zeros = (shape) => constant(shape, () => 0);
/** @param {number[]} shape */
export const ones = (shape) => constant(shape, () => 1);
/** Logarithms of numbers that are log-uniform. @param {number[]} shape @param {number[]} range */
export const logUniforms = (shape, [low, high]) => drawn(shape, Math.log(low), Math.log(high));
/** What softplus takes to such numbers. @param {number[]} shape @param {number[]} range */
export const inverseSoftplus = (shape, range) => {
  const { law } = logUniforms(shape, range);
  return draw(shape, (...place) => Math.log(Math.expm1(Math.exp(law(...place)))));
};

/**
 * @param {Draw} what
 * @param {number} seed
 * @param {number} stream one of its own for each array
 */
export function drawArray({ shape, law }, seed, stream) {
  const values = new Float32Array(shape.reduce((x, y) => x * y, 1));
  const index = shape.map(() => 0);
  for (let place = 0; place < values.length; place++) {
    values[place] = law(index, seed, stream, place);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
  return values;
}
