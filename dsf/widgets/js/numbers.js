/** Scalar functions that keep their digits. */

/** @param {number} x */
export const sigmoid = (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
/** @param {number} x */
export const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
/** @param {number} x */
export const logSigmoid = (x) => -softplus(-x);
/** @param {number} x */
export const eluPlusOne = (x) => (x > 0 ? x + 1 : Math.exp(x));

/** @param {ArrayLike<number>} x @param {ArrayLike<number>} y */
export function dot(x, y) {
  let sum = 0;
  for (let c = 0; c < x.length; c++) sum += x[c] * y[c];
  return sum;
}

/** @param {number[]} all at least one */
export const mean = (all) => all.reduce((sum, one) => sum + one, 0) / all.length;
