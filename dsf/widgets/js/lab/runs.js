/** Runs that were trained: what is kept of them, as one text for addresses and notebooks, and as a table in CSV. */
import { everyOf, isSame, SERIES, SIZES, STARTS, titleOf, traits } from "./setup.js";

/** @typedef {import("./setup.js").Setup} Setup */
/** @typedef {{step: number, loss: number, accuracy: number}} Point means over the steps since the last one */
/**
 * @typedef {object} Run
 * @property {Setup} setup
 * @property {Point[]} points
 * @property {number} done steps that were taken
 * @property {boolean} hidden
 * @property {string} name given by the reader; empty for its title
 */

export const MOST = 12; // runs that are kept
export const LONGEST = 24; // letters of a name
const [RUN, FIELD] = ["~", "_"]; // what stands between them, and in no other place
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
const MOST_LOSS = 8;
const DASHES = 6; // as in looks.css
const GRAINS = LETTERS.length ** 2 - 1;

/** A number from 0 to `most` in two letters. @param {number} x @param {number} most */
function grain(x, most) {
  const whole = Math.round((Math.min(Math.max(x, 0), most) / most) * GRAINS);
  return LETTERS[whole >> 6] + LETTERS[whole & 63];
}
/** @param {string} pair @param {number} most */
const fromGrain = (pair, most) => ((LETTERS.indexOf(pair[0]) * 64 + LETTERS.indexOf(pair[1])) / GRAINS) * most;

/** A name that a text of runs can hold. @param {string} name */
export const plainName = (name) => [...name.replace(/[~_%]/g, " ").trim()].slice(0, LONGEST).join("");

/** @param {Run} run */
function write({ setup, points, done, hidden, name }) {
  const { mixer, n, start, d, K, L, rate, steps, seed } = setup;
  const curve = points.map(({ accuracy, loss }) => grain(accuracy, 1) + grain(loss, MOST_LOSS)).join("");
  const fields = [mixer, n, STARTS.indexOf(start), d, K, L, rate, steps, seed, done, Number(hidden), plainName(name)];
  return [...fields, curve].join(FIELD);
}

/** @param {Run[]} runs */
export const writeRuns = (runs) => runs.map(write).join(RUN);

/** @param {string} text @returns {Run} */
function read(text) {
  const [mixer, ...rest] = text.split(FIELD);
  const [n, start, d, K, L, rate, steps, seed, done, hidden] = rest.slice(0, 10).map(Number);
  const [name, curve] = rest.slice(10);
  const setup = { mixer, n, start: STARTS[start], d, K, L, rate, steps, seed };
  const asked = { mixer, n, start: setup.start, d, pairs: K, length: L, rate, steps, seed };
  for (const [trait, value] of Object.entries(asked))
    if (!traits[/** @type {keyof typeof traits} */ (trait)].accepts(value))
      throw new Error(`a run has ${trait}=${value}`);
  const every = everyOf(setup);
  const count = curve.length / 4;
  const right = rest.length === 12 && Number.isInteger(done) && done > 0 && done <= steps && [0, 1].includes(hidden);
  if (!right || [...curve].some((letter) => !LETTERS.includes(letter)) || count !== Math.ceil(done / every))
    throw new Error("a run is not whole");
  const points = Array.from({ length: count }, (_, k) => {
    const at = curve.slice(4 * k, 4 * k + 4);
    const step = Math.min((k + 1) * every, done);
    return { step, accuracy: fromGrain(at.slice(0, 2), 1), loss: fromGrain(at.slice(2), MOST_LOSS) };
  });
  return { setup, points, done, hidden: hidden === 1, name: plainName(name) };
}

/** @param {string} text of `writeRuns` @returns {Run[]} @throws {Error} it is none */
export const readRuns = (text) => (text ? text.split(RUN).map(read) : []);

let taken = ""; // the text that was accepted last: it is asked about at every redraw

/** @type {import("../traits.js").Trait} */
export const runsTrait = {
  parse: String,
  accepts(value) {
    if (value === taken) return true;
    try {
      if (typeof value !== "string" || readRuns(value).length > MOST) return false;
    } catch {
      return false;
    }
    taken = value;
    return true;
  },
  wanted: `up to ${MOST} runs, as this figure writes them`,
};

/**
 * What is kept when a run is over: the points on the grid and the last; nothing of a run that has none.
 * @param {Setup} setup @param {Point[]} points
 * @returns {Run | null}
 */
export function keptOf(setup, points) {
  if (!points.length) return null;
  const every = everyOf(setup);
  const done = points[points.length - 1].step;
  const steps = Array.from({ length: Math.ceil(done / every) }, (_, k) => Math.min((k + 1) * every, done));
  const kept = steps.map((step) => ({ .../** @type {Point} */ (points.find((one) => one.step >= step)), step }));
  return { setup, points: kept, done, hidden: false, name: "" };
}

/** The runs with one more: it takes the place of one of the same set-up. @param {Run[]} runs @param {Run} run */
export const withRun = (runs, run) =>
  [...runs.filter((other) => !isSame(other.setup, run.setup) || other.done > run.done), run].slice(-MOST);

/** @param {Run} run */
export const nameOf = ({ name, setup, done }) =>
  name || titleOf(setup) + (done < setup.steps ? `, stopped at ${done}` : "");

/** @param {Run} run */
export const lastOf = ({ points }) => points[points.length - 1];

/** @param {Run} run */
export const isWhole = ({ setup, done }) => done === setup.steps;

/** A field of CSV. @param {string | number} value */
const field = (value) => (/[",\n]/.test(`${value}`) ? `"${`${value}`.replaceAll('"', '""')}"` : `${value}`);

/** All curves, a line a point. @param {Run[]} runs */
export function csv(runs) {
  const head = [
    "run",
    "mixer",
    "n",
    "start",
    "d",
    "pairs",
    "length",
    "rate",
    "steps",
    "seed",
    "step",
    "accuracy",
    "loss",
  ];
  const lines = runs.flatMap((run) => {
    const { mixer, n, start, d, K, L, rate, steps, seed } = run.setup;
    const own = [nameOf(run), mixer, n, start, d, K, L, rate, steps, seed];
    return run.points.map(({ step, accuracy, loss }) => [...own, step, accuracy.toFixed(4), loss.toFixed(4)]);
  });
  return `${[head, ...lines].map((line) => line.map(field).join(",")).join("\n")}\n`;
}

/** The first seed with which a set-up has not been trained to its end. @param {Run[]} runs @param {Setup} setup */
export function freshSeed(runs, setup) {
  let { seed } = setup;
  while (runs.some((run) => isWhole(run) && isSame(run.setup, { ...setup, seed }))) seed = (seed + 1) % 1000;
  return seed;
}

/** The shade of a size, from that of a series on: the larger, the nearer to the ink. @param {number} n */
export const shadeOf = (n) => `dsf-shade-${SIZES.filter((size) => size > SERIES[0] && size <= n).length}`;

/**
 * The look of each run: a hue for the architecture, a shade for n, and dashes where both are alike.
 * @param {Run[]} runs
 */
export function stylesOf(runs) {
  /** @type {Record<string, number>} */
  const seen = {};
  return runs.map(({ setup: { mixer, n } }) => {
    const look = `dsf-${mixer} ${shadeOf(n)}`;
    seen[look] = (seen[look] ?? -1) + 1;
    return `${look} dsf-dash-${seen[look] % DASHES}`;
  });
}
