/** What the recorded runs reached, cell by cell, in numbers and in words; and the choice of one. */
import { format } from "./dom.js";

/** @typedef {import("./recall.js").Recall} Recall */
/** @typedef {import("./recall.js").Task & {position: number}} Task position: what guessing from there scores */
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
const CLOSE = 0.02; // of two accuracies that count as equal

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

/** @param {Cell} cell the mean and the spread over the seeds, in words */
function reached(cell) {
  const seen = finite(cell).length;
  const said = seen > 1 ? [`${range(cell)} over ${seen} seeds`] : seen ? ["1 seed"] : [];
  if (lost(cell)) said.push(`${lost(cell)} of ${cell.accuracy.length} diverged`);
  return `${mean(cell)} (${said.join(", ")})`;
}

/** @param {Cell} cell how the learning rate was found, in words */
export const rated = ({ rate, tried }) =>
  `Learning rate ${rate}${tried > 1 ? `, chosen of ${tried} on validation` : ""}.`;

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

/** @param {string} wanted @param {string[]} names */
export const without = (wanted, names) => names.filter((name) => name !== wanted);
/** @param {string[]} names */
export const joined = (names) => [...new Set(names)].join(" + ");

/**
 * What was asked for, if it is there.
 * @param {string} name
 * @param {string} value
 * @param {Record<string, any>} known
 */
function demand(name, value, known) {
  if (Object.hasOwn(known, value)) return;
  throw new Error(`${name} is “${value}”, expected one of ${Object.keys(known).join("; ")}`);
}

/**
 * What is looked at: the cells of the task, those of the mixer, the one that is chosen, and whose lines are drawn.
 * @param {any} model
 */
export function look(model) {
  const [title, wanted] = [model.get("task"), model.get("mixer")];
  /** @type {Record<string, Task>} */
  const tasks = model.get("tasks");
  /** @type {Record<string, Mixer>} */
  const mixers = model.get("mixers");
  if (!Object.keys(tasks).length) return null;
  /** @type {string[]} */
  const beside = model.get("drawn").split(" + ").filter(Boolean);
  demand("task", title, tasks);
  demand("mixer", wanted, mixers);
  for (const name of beside) demand("drawn", name, mixers);
  /** @type {Cell[]} */
  const all = model.get("cells");
  const here = all.filter((cell) => cell.task === title);
  const names = Object.keys(mixers).filter((name) => here.some((cell) => cell.mixer === name));
  /** @param {string} name */
  const of = (name) => here.filter((cell) => cell.mixer === name);
  const own = of(names.includes(wanted) ? wanted : here[0].mixer);
  const cell = nearest(own, { n: model.get("n"), d: model.get("d") });
  const drawn = names.filter((name) => name === cell.mixer || beside.includes(name));
  const task = tasks[title];
  const pair = Math.min(model.get("pair"), task.K - 1);
  return { title, task, all, mixers, here, names, drawn, of, own, cell, pair, seed: model.get("seed") };
}

/** @typedef {NonNullable<ReturnType<typeof look>>} View */

/**
 * From which n on a mixer is as good as softmax attention of the same width, in words.
 * @param {Cell[]} own at this width
 * @param {Cell[]} rivals
 */
function caughtUp(own, rivals) {
  /** @param {Cell} cell */
  const isClose = (cell) => {
    const rival = nearest(rivals, cell);
    return finite(cell).length && finite(rival).length && average(finite(cell)) > average(finite(rival)) - CLOSE;
  };
  const sorted = [...own].sort((a, b) => a.n - b.n);
  const first = sorted.findIndex((_, k) => sorted.slice(k).every(isClose));
  const within = `within ${CLOSE} of softmax attention`;
  if (first >= 0) return `From n = ${sorted[first].n} on it is ${within}`;
  return sorted.some(isClose) ? `It comes ${within}, but not at its largest n` : `At no recorded n is it ${within}`;
}

/** @param {View} view */
export function finding({ mixers, of, own, cell }) {
  /** @param {Cell} one */
  const title = ({ mixer, n }) => `${mixers[mixer].title}, n = ${n}`;
  const wide = (/** @type {Cell} */ one) => one.d === cell.d;
  const rivals = of("softmax").filter(wide);
  const other = cell.mixer !== "softmax" && rivals.length ? nearest(rivals, cell) : null;
  return [
    `${title(cell)}, d = ${cell.d}: ${reached(cell)}`,
    other ? `; ${title(other)}: ${mean(other)}.` : ".",
    other ? ` ${caughtUp(own.filter(wide), rivals)}.` : "",
  ].join("");
}

/** The pair that is looked at, in words. @param {View} view @param {Recall} read */
export function told({ pair }, { tokens, asked }) {
  const later = asked[pair].map((at) => at - 2 * pair).join(" and ");
  return `Pair ${pair}: key ${tokens[2 * pair]}, value ${tokens[2 * pair + 1]}, asked ${later} tokens later.`;
}
