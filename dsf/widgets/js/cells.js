/** What the recorded runs reached, cell by cell, in numbers and in words; and the choice of one. */
import { format } from "./dom.js";
import { mean } from "./numbers.js";

/** @typedef {{tokens: number[], asked: number[][]}} Sequence asked: where, of each pair */
/** @typedef {{L: number, K: number, V: number, hint: number, sequences: Sequence[]}} Task hint: what positions give */
/**
 * @typedef {object} Cell
 * @property {string} line
 * @property {number} K
 * @property {number} n
 * @property {number} d
 * @property {(number | null)[]} accuracy of every seed, null if the run diverged
 * @property {number} rate
 * @property {number} tried how many rates were tried
 * @property {number | null} carried numbers from token to token, null where that is not known
 * @property {number} every steps between two reports
 * @property {(number | null)[][]} history validation accuracy of every seed, in thousandths
 */
/**
 * @typedef {object} Line
 * @property {string} title
 * @property {string} color
 * @property {string} marker
 * @property {boolean} hollow
 * @property {string} mixer
 * @property {string} name of the mixer, for people
 * @property {string} start
 * @property {number} steps
 * @property {string} from the start in words
 * @property {string} for the steps in words
 * @property {string} base the mixer of which it is a variant, else its own
 */
/** @typedef {{answers: number[], rows: {most: number, shares: number[]}[]}} Read by position of the question */
/** @typedef {{line: string, K: number, n: number, d: number, accuracy: number, reads: Read[]}} Model */

export const DIVERGED = "✗";
const MOST_LINES = 4;
const CLOSE = 0.02; // of two accuracies that count as equal
const AGREE = 0.1; // how far apart seeds may be so that their mean says something
const BOUND = 0.05; // above the hint a run has learnt to bind
const OWN = "own"; // the start of the paper

/** @param {Cell} cell @returns {number[]} ascending */
export const finite = ({ accuracy }) =>
  /** @type {number[]} */ (accuracy.filter((x) => x !== null)).sort((x, y) => x - y);
/** Whether a mean over the seeds says what the seeds did. @param {Cell} cell */
export function agrees(cell) {
  const seen = finite(cell);
  return seen.length > 0 && seen[seen.length - 1] - seen[0] < AGREE;
}
/** @param {Cell} cell @param {Task} task */
const bound = (cell, { hint }) => finite(cell).filter((x) => x > hint + BOUND).length;
/** @param {Cell} cell */
const lost = (cell) => cell.accuracy.length - finite(cell).length;
/** @param {number[]} seen */
const range = (seen) => `${format(seen[0])} to ${format(seen[seen.length - 1])}`;
/** @param {string[]} words */
const listed = (words) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;

/** A cell for a table: mean and range, or the seeds where these differ. @param {Cell} cell @param {Task} task */
export function brief(cell, task) {
  const seen = finite(cell);
  if (!seen.length) return "diverged";
  const cross = lost(cell) ? ` ${DIVERGED}` : "";
  if (!agrees(cell)) return `${seen.map(format).join(", ")}: ${bound(cell, task)} of ${cell.accuracy.length}${cross}`;
  return format(mean(seen)) + (seen.length > 1 ? ` (${range(seen)})` : "") + cross;
}

/** A cell in a sentence. @param {Cell} cell @param {Task} task */
function reached(cell, task) {
  const [seen, all] = [finite(cell), cell.accuracy.length];
  const [learnt, gone] = [bound(cell, task), lost(cell) ? `, ${lost(cell)} of ${all} diverged` : ""];
  if (!seen.length) return `diverged (${all} of ${all})`;
  if (!agrees(cell)) {
    const share = learnt === all ? `all ${all} learnt to bind, not equally well` : `${learnt} of ${all} learnt to bind`;
    return `${listed(seen.map(format))}, seed by seed: ${share}${gone}`;
  }
  const spread = seen.length > 1 ? `${range(seen)} over ${seen.length} seeds` : "1 seed";
  return `${format(mean(seen))} (${spread}${gone})${learnt ? "" : ", which is no more than a guess"}`;
}

/** @param {Cell} cell how the learning rate was found, in words */
export const rated = ({ rate, tried }) =>
  `Learning rate ${rate}${tried > 1 ? `, chosen of ${tried} on validation` : ""}.`;

/** @param {number[]} sizes */
export const ascending = (sizes) => [...new Set(sizes)].sort((x, y) => x - y);

/**
 * The largest size that is not above the one wanted, else the smallest.
 * @param {number[]} sizes
 * @param {number} wanted
 */
export function fit(sizes, wanted) {
  const below = sizes.filter((size) => size <= wanted);
  return below.length ? Math.max(...below) : Math.min(...sizes);
}

/**
 * The one whose n is the largest that is not above the one wanted.
 * @template {{n: number}} T
 * @param {T[]} own
 * @param {number} wanted
 */
export function nearest(own, wanted) {
  const n = fit(
    own.map((one) => one.n),
    wanted,
  );
  return /** @type {T} */ (own.find((one) => one.n === n));
}

/** @param {string[]} names */
export const joined = (names) => names.join(" + ");

/** @param {string} name @param {string} value @param {string[]} known */
function demand(name, value, known) {
  if (known.includes(value)) return;
  throw new Error(`${name} is “${value}”, expected one of ${[...new Set(known)].join("; ")}`);
}

/**
 * The line of a mixer that is nearest to what is asked for, by its start and then by its steps.
 * @param {Record<string, Line>} lines
 * @param {string[]} names
 * @param {string} start
 * @param {number} steps
 */
function lineOf(lines, names, start, steps) {
  /** @param {string[]} among @param {"start" | "steps"} trait @param {any} wanted */
  const choose = (among, trait, wanted) => {
    const near = among.filter((name) => lines[name][trait] === wanted);
    const own = among.filter((name) => lines[name][trait] === OWN);
    return near.length ? near : own.length ? own : among;
  };
  const begun = choose(names, "start", start);
  const wanted = fit(
    begun.map((name) => lines[name].steps),
    steps,
  );
  return choose(begun, "steps", wanted)[0];
}

/**
 * What is looked at: the cells of the task, the line and its cell that is chosen, whose lines are drawn, and what a
 * model does on the sequence.
 * @param {any} model
 */
export function look(model) {
  /** @type {Record<string, Line>} */
  const lines = model.get("lines");
  /** @type {Cell[]} */
  const all = model.get("cells");
  if (!all.length) return null;
  /** @type {string[]} */
  const beside = model.get("drawn").split(" + ").filter(Boolean);
  const [mixer, start] = [model.get("mixer"), model.get("start")];
  const every = Object.values(lines);
  demand(
    "mixer",
    mixer,
    every.map((line) => line.mixer),
  );
  demand("start", start, [OWN, ...every.map((line) => line.start)]);
  for (const name of beside) demand("drawn", name, Object.keys(lines));
  /** @param {Cell[]} cells @param {"K" | "d"} size @param {number} wanted */
  const near = (cells, size, wanted) => {
    const found = fit(
      cells.map((cell) => cell[size]),
      wanted,
    );
    return cells.filter((cell) => cell[size] === found);
  };
  const ofTask = near(all, "K", model.get("pairs"));
  const here = near(ofTask, "d", model.get("d"));
  const { K, d } = here[0];
  const names = Object.keys(lines).filter((name) => here.some((cell) => cell.line === name));
  const own = names.filter((name) => lines[name].mixer === mixer);
  const line = own.length ? lineOf(lines, own, start, model.get("steps")) : names[0];
  /** @param {string} name */
  const of = (name) => here.filter((cell) => cell.line === name);
  const cell = nearest(of(line), model.get("n"));
  const others = beside.filter((name) => name !== line && names.includes(name));
  const drawn = [line, ...new Set(others.reverse())].slice(0, MOST_LINES); // the last one added first
  const task = /** @type {Task} */ (model.get("tasks").find((/** @type {Task} */ one) => one.K === K));
  const missing = own.length ? "" : (every.find((one) => one.mixer === mixer)?.name ?? "");
  /** @type {Model[]} */
  /** @type {Model[]} */
  const trained = model
    .get("models")
    .filter((/** @type {Model} */ one) => one.line === line && one.K === K && one.d === d);
  const reader = trained.length ? nearest(trained, cell.n) : null;
  return {
    ...{ all, ofTask, here, lines, names, drawn, of, line, cell, task, K, d, missing, reader },
    ...{ axis: /** @type {string} */ (model.get("axis")), seed: /** @type {number} */ (model.get("seed")) },
    pair: Math.min(model.get("pair"), K - 1),
    sequence: task.sequences[model.get("seed")],
  };
}

/** @typedef {NonNullable<ReturnType<typeof look>>} View */

/** The cell of each drawn line that is nearest to the chosen n, the chosen one first. @param {View} view */
export const beside = ({ drawn, of, cell }) => drawn.map((name) => nearest(of(name), cell.n));

/**
 * From which n on a line is as good as softmax attention of the same width, in words.
 * @param {Cell[]} own
 * @param {Cell[]} rivals
 */
function caughtUp(own, rivals) {
  /** @param {Cell} cell */
  const isClose = (cell) => {
    const rival = nearest(rivals, cell.n);
    return agrees(cell) && agrees(rival) && mean(finite(cell)) > mean(finite(rival)) - CLOSE;
  };
  const sorted = [...own].sort((a, b) => a.n - b.n);
  const first = sorted.findIndex((_, k) => sorted.slice(k).every(isClose));
  const within = `within ${CLOSE} of softmax attention`;
  if (first >= 0 && first === sorted.length - 1) return `At n = ${sorted[first].n}, its largest, it is ${within}`;
  if (first >= 0) return `From n = ${sorted[first].n} on it is ${within}`;
  return sorted.some(isClose) ? `It comes ${within}, but not at its largest n` : `At no recorded n is it ${within}`;
}

/** A whole number in groups of three. @param {number} value */
export const grouped = (value) => `${value}`.replace(/\B(?=(\d{3})+$)/g, " ");

/** What a cell hands on, in words. @param {View} view @param {Cell} cell */
function carries({ lines, task }, cell) {
  const grows = lines[cell.line].mixer === "softmax" ? ` after ${task.L} tokens, and more with each` : "";
  return cell.carried === null ? "" : `${grouped(cell.carried)} numbers${grows}`;
}

/** The steps of a report. @param {Cell} cell @param {number} steps of all training @param {number} report from 0 */
export const stepOf = ({ every }, steps, report) => Math.min((report + 1) * every, steps);

/** When the seeds passed the line above which they bind. @param {View} view */
function passed({ lines, cell, task }) {
  const { steps } = lines[cell.line];
  const first = cell.history.map((seed) => seed.findIndex((x) => x !== null && x / 1000 > task.hint + BOUND));
  const at = first.filter((report) => report >= 0).map((report) => stepOf(cell, steps, report));
  if (!cell.history.length) return " How it went is not recorded.";
  const never = first.length - at.length;
  const kept = never ? ` ${never} of ${first.length} never bind.` : "";
  return at.length
    ? ` On validation its seeds begin to bind by step ${listed(ascending(at).map(String))}.${kept}`
    : kept;
}

/** @param {View} view */
export function finding(view) {
  const { lines, of, line, cell, task, K, d, missing, axis } = view;
  const rivals = lines[line].mixer === "softmax" ? [] : of("softmax");
  const other = rivals.length ? nearest(rivals, cell.n) : null;
  const lacks = missing ? `${missing} was not run with ${K} pairs at d = ${d}. ` : "";
  const said = `${lacks}${lines[line].title}, n = ${cell.n}: ${reached(cell, task)}`;
  if (axis === "step") return `${said}.${passed(view)}`;
  if (axis === "carried") {
    const [own, theirs] = [carries(view, cell), other ? carries(view, other) : ""];
    const than = theirs ? `; softmax attention, n = ${other?.n}, ${theirs}` : "";
    return own ? `${said}. From token to token it carries ${own}${than}.` : `${said}.`;
  }
  if (!other) return `${said}.`;
  const rival = agrees(other) ? format(mean(finite(other))) : brief(other, task);
  return `${said}; softmax attention, n = ${other.n}: ${rival}. ${caughtUp(of(line), rivals)}.`;
}

/**
 * What stands at a position, for the question about a pair.
 * @param {View} view
 * @param {number} at
 * @param {number} pair
 */
function placed({ sequence: { tokens }, K }, at, pair) {
  if (at === 2 * pair + 1) return "its value";
  if (at === 2 * pair) return "the key itself";
  if (at === 2 * pair + 2) return "right behind its value, which the convolution holds there too";
  if (at === 0 || at > 2 * K) return "";
  if (at % 2) return `the value of ${tokens[at - 1]}`;
  return `right behind the value of ${tokens[at - 2]}, which the convolution holds there too`;
}

/** The questions of a sequence in the order of their positions. @param {View} view */
export const questions = ({ sequence }) => sequence.asked.flat().sort((x, y) => x - y);

/** What the model does with the questions of a sequence; nothing without a model. @param {View} view */
export function read(view) {
  const { reader, seed, sequence } = view;
  const order = questions(view);
  const told = reader?.reads[seed];
  return sequence.asked.map((places, j) =>
    places.map((at) => {
      const answer = told?.answers[order.indexOf(at)];
      return { at, answer, right: answer === sequence.tokens[2 * j + 1], row: told?.rows[order.indexOf(at)] };
    }),
  );
}

/** @typedef {ReturnType<typeof read>} Answers of each pair */

/** The pair that is looked at, in words. @param {View} view @param {Answers} answers @param {number} pair */
export function told(view, answers, pair) {
  const { sequence, reader, lines, line, cell } = view;
  const [key, value] = sequence.tokens.slice(2 * pair, 2 * pair + 2);
  const later = sequence.asked[pair].map((at) => at - 2 * pair).join(" and ");
  const about = `Key ${key}, value ${value}, asked ${later} tokens later.`;
  const { title } = lines[line];
  if (!reader)
    return `${about} No trained model of this comes with the figure: ${title}, K = ${view.K}, d = ${view.d}.`;
  const which = reader.n === cell.n ? "" : ", the nearest that comes with the figure";
  const from = `The model: ${title}, n = ${reader.n}${which}, ${format(reader.accuracy)} on its test set.`;
  const [{ row, answer, right }] = answers[pair];
  if (!row) return about;
  const top = row.shares.reduce((best, share, at) => (Math.abs(share) > Math.abs(row.shares[best]) ? at : best), 0);
  const where = placed(view, top, pair);
  const token = `${sequence.tokens[top]}${where && `, ${where}`}`;
  const most = `The question's largest weight, ${format((row.most * row.shares[top]) / 100)}, stands on ${token}.`;
  const all = answers.flat();
  const score = `Of ${all.length} questions ${all.filter((one) => one.right).length} are right.`;
  return `${about} ${most} The answer is ${answer}, ${right ? "right" : "wrong"}. ${score} ${from}`;
}
