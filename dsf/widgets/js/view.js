/** What the explorer shows of a layer: its system, and, where a step asks for them, states, outputs and Φ. */
import { answers, DRAWS, hits, meanHits } from "./answers.js";
import { ARCHITECTURES } from "./architectures.js";
import { format } from "./dom.js";
import { largest } from "./draw.js";
import { CHANNELS, fit, layerArguments, sequence, tokensOf } from "./layer.js";
import { at, block, matrix, run } from "./system.js";

/**
 * The words for the value of a token.
 * @param {string} token
 */
export const quoted = (token) => `“${token === " " ? "␣" : token}”`;

/** Whether the tokens of an input mean something. @param {string} kind */
export const isText = (kind) => kind === "mqar" || kind === "text";

/**
 * What is computed when it is asked for, and once.
 * @template T
 * @param {() => T} compute
 */
function once(compute) {
  /** @type {{value: T} | null} */
  let kept = null;
  return () => {
    kept ??= { value: compute() };
    return kept.value;
  };
}

/** The last step, the present one, and the input whose entry is taken apart. @param {{get(name: string): any}} model */
export function places(model) {
  const last = tokensOf(model.get("input"), model.get("seed"), model.get("text")).length - 1;
  const time = Math.min(model.get("time"), last);
  return { last, time, source: Math.min(model.get("source"), time) };
}

/**
 * Every C_i ⊙ H_i that is read.
 * @param {import("./system.js").System} system
 * @param {import("./system.js").Block} states
 */
function termsOf({ output, length, n }, states) {
  /** @param {number} i @param {number} a @param {number} c */
  const term = (i, a, c) => {
    const [k, h] = [at(output, i, a, c), at(states, i, a, c)];
    return output.re[k] * states.re[h] - (output.im && states.im ? output.im[k] * states.im[h] : 0);
  };
  return block(length, n, CHANNELS, term);
}

/**
 * All that does not depend on the step.
 * @param {{get(name: string): any}} model
 */
export function evaluate(model) {
  const [name, kind, seed] = [model.get("architecture"), model.get("input"), model.get("seed")];
  const read = sequence(kind, seed, model.get("text"));
  const n = fit(name, model.get("n"));
  const given = layerArguments(name, read, n, seed);
  const system = ARCHITECTURES[name].system(given);
  const channel = model.get("channel");
  const phi = once(() => matrix(system, channel));
  const ran = once(() => run(system, read.values));
  const terms = once(() => termsOf(system, ran().states));
  return {
    ...{ name, kind, read, n, system, channel, length: read.tokens.length, phi, ran, terms },
    answers: once(() => answers(read, kind, phi())),
    exact: once(() => ARCHITECTURES[name].exact?.(given) ?? null),
    /** The largest sizes of each array over the whole sequence. */
    limits: once(() => ({
      transition: Math.max(1, largest(system.transition.re)),
      input: largest(system.input.re),
      output: largest(system.output.re),
      states: largest(ran().states.re),
      u: largest(read.values.flat()),
      y: largest(ran().outputs.flat()),
      terms: largest(terms().re),
    })),
  };
}

/** @typedef {ReturnType<typeof evaluate>} Evaluated */
/** @typedef {Evaluated & ReturnType<typeof places>} View */

/**
 * Entry (a, c) of H_i, or of H_{-1}, which is zero.
 * @param {Evaluated} view
 * @param {number} i
 */
export function stateAt({ ran }, i) {
  const { states } = ran();
  return (/** @type {number} */ a, /** @type {number} */ c) => {
    const k = at(states, i, a, c);
    return i < 0 ? { re: 0, im: 0 } : { re: states.re[k], im: states.im ? states.im[k] : 0 };
  };
}

/**
 * Entry (a, c) of what step i keeps, Λ_i ⊙ H_{i-1}.
 * @param {Evaluated} view
 * @param {number} i
 */
export function keptAt(view, i) {
  const { transition } = view.system;
  const before = stateAt(view, i - 1);
  return (/** @type {number} */ a, /** @type {number} */ c) => {
    const k = at(transition, i, a, c);
    const { re, im } = before(a, c);
    const [tr, ti] = [transition.re[k], transition.im ? transition.im[k] : 0];
    return { re: tr * re - ti * im, im: tr * im + ti * re };
  };
}

/**
 * Entry (a, c) of what step i writes, B_i u_i.
 * @param {Evaluated} view
 * @param {number} i
 */
export function writtenAt({ system: { input }, read }, i) {
  return (/** @type {number} */ a, /** @type {number} */ c) => {
    const k = at(input, i, a, c);
    const u = read.values[i][c];
    return { re: input.re[k] * u, im: input.im ? input.im[k] * u : 0 };
  };
}

/**
 * All entries of an (n, d) array.
 * @template T
 * @param {Evaluated} view
 * @param {(a: number, c: number) => T} entry
 */
export const entries = ({ n }, entry) =>
  Array.from({ length: n * CHANNELS }, (_, k) => {
    const [a, c] = [Math.floor(k / CHANNELS), k % CHANNELS];
    return { a, c, value: entry(a, c) };
  });

/**
 * The sizes of the numbers in Λ, at one step or at all.
 * @param {Evaluated} view
 * @param {number} [i]
 */
export function moduli({ system: { transition } }, i) {
  const size = transition.rows * transition.cols;
  const [from, to] = i === undefined ? [0, transition.re.length] : [i * size, (i + 1) * size];
  const { re, im } = transition;
  return [...re.subarray(from, to)].map((real, k) => Math.hypot(real, im ? im[from + k] : 0));
}

/** @param {number[]} sizes */
export const span = (sizes) => `from ${format(Math.min(...sizes))} to ${format(Math.max(...sizes))}`;

/**
 * What the first state shows, for the caption in a page.
 * @param {{get(name: string): any}} model
 */
export function caption(model) {
  const view = evaluate(model);
  const small = evaluate({ get: (name) => (name === "n" ? Math.min(2, view.n) : model.get(name)) });
  const asked = view.answers().length;
  if (!asked) return `With n = ${view.n} its transitions have sizes ${span(moduli(view))}.`;
  const recall = view.kind === "mqar";
  const [many, few] = [view, small].map(({ name, n, channel, answers: given }) =>
    recall ? /** @type {number} */ (meanHits(name, n, channel, DRAWS)).toFixed(1) : `${hits(given())}`,
  );
  const mean = recall ? ` in the mean of ${DRAWS} draws` : "";
  const rest = few === many ? "." : `, with n = ${small.n} only ${few}.`;
  return `With n = ${view.n} its state recalls ${many} of ${asked} answers${mean}${rest}`;
}
