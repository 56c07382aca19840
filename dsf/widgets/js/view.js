/** What the explorer shows of a layer, and what it says about it. */

import { ARCHITECTURES } from "./architectures.js";
import { format } from "./dom.js";
import { largest } from "./draw.js";
import { fit, layerArguments, matches, sequence } from "./layer.js";
import { matrix, run } from "./system.js";

const SAME = 1e-9;
const COMMON = 0.97;

/**
 * The words for the value of a token.
 * @param {string} token
 */
export const quoted = (token) => `“${token === " " ? "␣" : token}”`;

/** Whether the tokens of an input mean something. @param {string} kind */
export const isText = (kind) => kind === "mqar" || kind === "text";

/**
 * A size that all but the largest entries of Φ stay below: the first rows of a normalised Φ, which have
 * few entries to share 1, would make all others pale.
 * @param {Float64Array} phi
 */
function common(phi) {
  largest(phi); // complains of what is not finite
  const sizes = [...phi]
    .map(Math.abs)
    .filter((size) => size > 0)
    .sort((x, y) => x - y);
  return sizes[Math.floor(COMMON * (sizes.length - 1))] || 1;
}

/**
 * All that does not depend on the step.
 * @param {{get(name: string): any}} model
 */
export function evaluate(model) {
  const [name, kind, seed] = [model.get("architecture"), model.get("input"), model.get("seed")];
  const read = sequence(kind, seed, model.get("text"));
  const n = fit(name, model.get("n"));
  const system = ARCHITECTURES[name].system(layerArguments(name, read, n, seed));
  const length = read.tokens.length;
  const channel = model.get("channel");
  const { states, outputs } = run(system, read.values);
  const phi = matrix(system, channel);
  const limits = {
    transition: Math.max(1, largest(system.transition.re)),
    input: largest(system.input.re),
    output: largest(system.output.re),
    states: largest(states.re),
    u: largest(read.values.flat()),
    y: largest(outputs.flat()),
    phi: common(phi),
  };
  return { name, kind, read, n, system, states, outputs, phi, length, channel, limits };
}

/** @typedef {ReturnType<typeof evaluate>} Evaluated */
/** @typedef {Evaluated & {time: number, source: number}} View */

/**
 * Row i of Φ up to its diagonal, and where its largest entry lies.
 * @param {Evaluated} view
 * @param {number} i
 */
function rowOf({ phi, length }, i) {
  const row = [...phi.subarray(i * length, i * length + i + 1)];
  const best = row.reduce((most, value, j) => (Math.abs(value) > Math.abs(row[most]) * (1 + SAME) ? j : most), 0);
  return { row, best };
}

/**
 * The sizes of the numbers in Λ, at one step or at all.
 * @param {Evaluated} view
 * @param {number} [i]
 */
function moduli({ system: { transition } }, i) {
  const size = transition.rows * transition.cols;
  const all = [...transition.re].map((re, k) => Math.hypot(re, transition.im ? transition.im[k] : 0));
  return i === undefined ? all : all.slice(i * size, (i + 1) * size);
}

/** @param {number[]} sizes */
const span = (sizes) => `from ${format(Math.min(...sizes))} to ${format(Math.max(...sizes))}`;

/**
 * One sentence on what row `time` of Φ does.
 * @param {View} view
 */
export function finding(view) {
  const { kind, read, time, system } = view;
  const { row, best } = rowOf(view, time);
  const weight = `Φ = ${format(row[best])}`;
  const wanted = matches(read, time, kind);
  /** @param {number} j */
  const token = (j) => (isText(kind) ? `input ${j}, ${quoted(read.tokens[j])}` : `input ${j}`);
  const open = `Step ${time}${isText(kind) ? `, ${quoted(read.tokens[time])}` : ""}: `;
  if (row.every((value) => value === 0)) return `${open}nothing is read, row ${time} of Φ is zero.`;
  const most = `most weight lies on ${token(best)}`;
  if (wanted.includes(best)) {
    return `${open}${most}, which followed ${quoted(read.tokens[time])} before (${weight}). Recalled.`;
  }
  const last = wanted.at(-1);
  if (last !== undefined) return `${open}recall would read ${token(last)}, but ${most} (${weight}). Not recalled.`;
  const here = moduli(view, time);
  const [low, high] = [Math.min(...here), Math.max(...here)];
  const bars = system.transition.im ? "|Λ|" : "Λ";
  return `${open}${most} (${weight}); ${bars} ${high - low < 1e-6 ? `= ${format(low)}` : span(here)}.`;
}

/**
 * At how many steps the layer recalls, and how many ask it to.
 * @param {Evaluated} view
 */
function recalled(view) {
  const wanted = view.read.tokens.map((_, i) => matches(view.read, i, view.kind));
  const hits = wanted.filter((places, i) => places.includes(rowOf(view, i).best));
  return { hits: hits.length, asked: wanted.filter((places) => places.length).length };
}

/**
 * What the first state shows, for the caption in a page.
 * @param {{get(name: string): any}} model
 */
export function caption(model) {
  const view = evaluate(model);
  const { hits, asked } = recalled(view);
  if (!asked) return `With n = ${view.n} its transitions have sizes ${span(moduli(view))}.`;
  const small = evaluate({ get: (name) => (name === "n" ? Math.min(2, view.n) : model.get(name)) });
  const few = recalled(small).hits;
  const rest = few < hits ? `, with n = ${small.n} only ${few}.` : ".";
  return `With n = ${view.n} its state recalls ${hits} of ${asked} answers${rest}`;
}
