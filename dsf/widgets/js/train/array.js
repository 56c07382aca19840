/**
 * Operations on arrays that can be differentiated and compiled, over jax-js.
 *
 * The library counts references, and every call of its own takes one of each argument. Here no call takes any:
 * arguments are borrowed, so that a formula may name an array as often as it likes. All formulas are traced once and
 * run compiled, and a compiled program frees what it makes; what has to be disposed is a `program` and its results.
 */
import { jit, nn, numpy as np, valueAndGrad } from "@jax-js/jax";

/** @typedef {import("@jax-js/jax").Array} Tensor */
/** @typedef {Record<string, Tensor>} Tensors */
/** @typedef {Tensor | number} Value */

/** @template {Value} T @param {T} x @returns {T} the same with a reference more, which the library may take */
const lent = (x) => (typeof x === "number" ? x : /** @type {any} */ (x).ref);

/** @param {(...x: any[]) => any} f @returns {(...x: Value[]) => Tensor} */
const borrowing =
  (f) =>
  (...x) =>
    f(...x.map(lent));

export const add = borrowing(np.add);
export const subtract = borrowing(np.subtract);
export const times = borrowing(np.multiply);
export const divide = borrowing(np.divide);
export const exp = borrowing(np.exp);
export const sqrt = borrowing(np.sqrt);
export const sin = borrowing(np.sin);
export const cos = borrowing(np.cos);
export const where = borrowing(np.where);
export const larger = borrowing(np.maximum);
export const negative = borrowing(np.negative);
/** Softmax, and its logarithm, over the last axis. */
export const softmax = borrowing((x) => nn.softmax(x, -1));
export const logSoftmax = borrowing((x) => nn.logSoftmax(x, -1));

/** @param {Tensor} x */
export const size = (x) => larger(x, negative(x));
/** log(1 + e^x) without overflow. @param {Tensor} x */
export const softplus = (x) => {
  return add(larger(x, 0), np.log1p(exp(negative(size(x)))));
};
/** @param {Tensor} x */
export const logSigmoid = (x) => negative(softplus(negative(x)));
/** @param {Tensor} x */
export const sigmoid = (x) => exp(logSigmoid(x));

/** @param {string} subscripts @param {Tensor[]} x */
export const einsum = (subscripts, ...x) => np.einsum(subscripts, ...x.map(lent));
/** x Wᵀ over the last axis, as PyTorch's linear maps hold W. @param {Tensor} x (..., m) @param {Tensor} w (k, m) */
export const linear = (x, w) => np.matmul(lent(x), np.transpose(lent(w)));
/** @param {Tensor} x @param {number | number[]} axis @param {boolean} [keepdims] */
export const sum = (x, axis, keepdims = false) => lent(x).sum(axis, { keepdims });
/** @param {Tensor} x @param {number} axis @param {boolean} [keepdims] */
export const mean = (x, axis, keepdims = false) => divide(sum(x, axis, keepdims), x.shape.at(axis) ?? 1);
/** @param {Tensor} x @param {number[]} shape */
export const reshape = (x, shape) => lent(x).reshape(shape);
/** @param {Tensor[]} x @param {number} axis */
export const concatenate = (x, axis) => np.concatenate(x.map(lent), axis);
/**
 * The rows from `start` to `stop` - 1 of one axis.
 * @param {Tensor} x @param {number} axis @param {number} start @param {number} stop
 */
export const rows = (x, axis, start, stop) => {
  /** @type {([number, number] | [])[]} */
  const all = x.shape.map((_, a) => (a === axis ? [start, stop] : []));
  return lent(x).slice(...all);
};
/**
 * Zeros before and after one axis.
 * @param {Tensor} x @param {number} axis @param {number} before @param {number} [after]
 */
export const pad = (x, axis, before, after = 0) =>
  np.pad(
    lent(x),
    x.shape.map((_, a) => /** @type {[number, number]} */ (a === axis ? [before, after] : [0, 0])),
  );
/** The one sequence of a batch as often as is wanted. @param {Tensor} x (1, ...) @param {number} count */
export const repeated = (x, count) => np.broadcastTo(lent(x), [count, ...x.shape.slice(1)]);
/** 1 where a token is the one of its place, else 0. @param {Tensor} tokens (...) @param {number} size */
export const oneHot = (tokens, size) => nn.oneHot(lent(tokens), size);
/** 1 where the largest of the last axis stands. @param {Tensor} x @param {number} size */
export const chosen = (x, size) => nn.oneHot(np.argmax(lent(x), -1), size);

/** @param {ArrayLike<number>} values @param {number[]} shape */
export const floats = (values, shape) => np.array(Float32Array.from(values), { shape });
/** @param {ArrayLike<number>} values @param {number[]} shape */
export const integers = (values, shape) => np.array(Int32Array.from(values), { shape, dtype: np.int32 });
/** @param {number[]} shape @param {(...index: number[]) => number} f the number at an index */
export const made = (shape, f) => {
  const values = new Float32Array(shape.reduce((x, y) => x * y, 1));
  for (let place = 0; place < values.length; place++) {
    const index = shape.map(() => 0);
    let rest = place;
    for (let a = shape.length - 1; a >= 0; a--) {
      index[a] = rest % shape[a];
      rest = Math.floor(rest / shape[a]);
    }
    values[place] = f(...index);
  }
  return np.array(values, { shape });
};

/**
 * A function that is compiled when it is first called. It borrows its arguments as all else here.
 * @template {(...x: any[]) => any} F
 * @param {F} f
 * @returns {{run: F, dispose: () => void}}
 */
export function program(f) {
  const compiled = jit(/** @type {any} */ (f));
  return {
    run: /** @type {any} */ ((/** @type {any[]} */ ...x) => /** @type {any} */ (compiled)(...x.map(held))),
    dispose: () => compiled.dispose(),
  };
}

/** @param {any} x an array or a table of arrays @returns {any} the same with a reference more of each */
const held = (x) =>
  "ref" in x ? x.ref : Object.fromEntries(Object.entries(x).map(([name, value]) => [name, value.ref]));

/** @param {Tensors} x */
export const dispose = (x) => Object.values(x).forEach((array) => void array.dispose());

/**
 * A number, what else there is to know, and the derivative of the number by each array of a table.
 * @param {(x: Tensors) => [Tensor, Tensor]} f
 * @returns {(x: Tensors) => [[Tensor, Tensor], Tensors]}
 */
export const withGradient = (f) => (x) => /** @type {any} */ (valueAndGrad)(f, { hasAux: true })(held(x));
