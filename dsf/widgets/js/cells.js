/** What the recorded runs reached, cell by cell, in numbers and in words; and the choice of one. */
import { format } from "./dom.js";
import { chance } from "./recall.js";

/** @typedef {import("./recall.js").Recall} Recall */
/** @typedef {import("./recall.js").Task} Task */
/**
 * @typedef {object} Cell
 * @property {string} task
 * @property {string} mixer
 * @property {number} n
 * @property {number} d
 * @property {(number | null)[]} accuracy of every seed, null if the run diverged
 * @property {number} rate
 * @property {number} tried how many rates were tried
 */
/** @typedef {{title: string, color: string, marker: string, hollow: boolean}} Mixer */

export const DIVERGED = "✗";

/** @param {Cell} cell @returns {number[]} */
export const finite = ({ accuracy }) => /** @type {number[]} */ (accuracy.filter((x) => x !== null));
/** @param {number[]} seen */
export const average = (seen) => seen.reduce((sum, x) => sum + x, 0) / seen.length;
/** @param {Cell} cell */
const lost = (cell) => cell.accuracy.length - finite(cell).length;
/** @param {Cell} cell */
export const mean = (cell) => (finite(cell).length ? format(average(finite(cell))) : "diverged");
/** @param {Cell} cell */
const range = (cell) => `${format(Math.min(...finite(cell)))} to ${format(Math.max(...finite(cell)))}`;
/** @param {Cell} cell the mean for little room, with a cross if a run diverged */
export const short = (cell) =>
  (finite(cell).length ? average(finite(cell)).toFixed(2) : "") + (lost(cell) ? DIVERGED : "");
/** @param {Cell} cell */
export function brief(cell) {
  const seen = finite(cell).length;
  return mean(cell) + (seen > 1 ? ` (${range(cell)})` : "") + (seen && lost(cell) ? ` ${DIVERGED}` : "");
}

/** @param {Cell} cell the mean, the spread over the seeds and how the learning rate was found, in words */
function reached(cell) {
  const seen = finite(cell).length;
  const said = seen > 1 ? [`${range(cell)} over ${seen} seeds`] : seen ? ["1 seed"] : [];
  if (lost(cell)) said.push(`${lost(cell)} of ${cell.accuracy.length} diverged`);
  said.push(`learning rate ${cell.rate}${cell.tried > 1 ? ` chosen of ${cell.tried} on validation` : ""}`);
  return `${mean(cell)} (${said.join(", ")})`;
}

/** @param {Cell} cell */
export const pick = ({ mixer, n, d }) => ({ mixer, n, d });

/** @param {number[]} sizes */
export const ascending = (sizes) => [...new Set(sizes)].sort((x, y) => x - y);

/**
 * The largest size that is not above the one wanted, else the smallest.
 * @param {number[]} sizes
 * @param {number} wanted
 */
function fit(sizes, wanted) {
  const below = sizes.filter((size) => size <= wanted);
  return below.length ? Math.max(...below) : Math.min(...sizes);
}

/**
 * The cell of a mixer whose d, then n, is the largest that is not above the one wanted.
 * @param {Cell[]} own
 * @param {{n: number, d: number}} wanted
 */
function nearest(own, wanted) {
  const d = fit(
    own.map((cell) => cell.d),
    wanted.d,
  );
  const wide = own.filter((cell) => cell.d === d);
  const n = fit(
    wide.map((cell) => cell.n),
    wanted.n,
  );
  return /** @type {Cell} */ (wide.find((cell) => cell.n === n));
}

/**
 * What is looked at: the cells of the task, those of the mixer, and the one that is chosen.
 * @param {any} model
 */
export function look(model) {
  const [title, wanted] = [model.get("task"), model.get("mixer")];
  /** @type {Record<string, Task>} */
  const tasks = model.get("tasks");
  /** @type {Record<string, Mixer>} */
  const mixers = model.get("mixers");
  if (!Object.keys(tasks).length) return null;
  if (!Object.hasOwn(tasks, title))
    throw new Error(`task is “${title}”, expected one of ${Object.keys(tasks).join("; ")}`);
  if (!Object.hasOwn(mixers, wanted))
    throw new Error(`mixer is “${wanted}”, expected one of ${Object.keys(mixers).join("; ")}`);
  /** @type {Cell[]} */
  const all = model.get("cells");
  const here = all.filter((cell) => cell.task === title);
  const names = Object.keys(mixers).filter((name) => here.some((cell) => cell.mixer === name));
  /** @param {string} name */
  const of = (name) => here.filter((cell) => cell.mixer === name);
  const own = of(names.includes(wanted) ? wanted : here[0].mixer);
  const cell = nearest(own, { n: model.get("n"), d: model.get("d") });
  const task = tasks[title];
  const pair = Math.min(model.get("pair"), task.K - 1);
  return { title, task, all, mixers, here, names, of, own, cell, pair, seed: model.get("seed") };
}

/** @typedef {NonNullable<ReturnType<typeof look>>} View */

/** @param {View} view @param {Recall} read */
export function finding({ task, mixers, of, cell, pair }, { tokens, asked }) {
  /** @param {Cell} one */
  const title = ({ mixer, n }) => `${mixers[mixer].title}, n = ${n}`;
  const rivals = of("softmax").filter(({ d }) => d === cell.d);
  const other = cell.mixer !== "softmax" && rivals.length ? nearest(rivals, cell) : null;
  const later = asked[pair].map((at) => at - 2 * pair).join(" and ");
  return [
    `${title(cell)}, d = ${cell.d}: ${reached(cell)}`,
    other ? `; ${title(other)}: ${mean(other)}` : "",
    `; guessing one of the ${task.K} values: ${format(chance(task)[0])}. `,
    `Pair ${pair}: key ${tokens[2 * pair]}, value ${tokens[2 * pair + 1]}, asked ${later} tokens later.`,
  ].join("");
}
