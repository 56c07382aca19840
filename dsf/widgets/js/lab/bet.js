/** What the reader says before anything is trained, and what the runs say to it. */
import { fold, html, percent } from "../dom.js";
import { mean } from "../numbers.js";
import { reachedIn, spread } from "./recorded.js";
import { isWhole, lastOf } from "./runs.js";
import { isSame, SERIES, USUAL } from "./setup.js";

/** @typedef {import("./runs.js").Run} Run */

export const GOAL = 0.9;
const NONE = 0; // the bet that no n of the series will do
const LONGER = "choose 1600 steps, under More";
const OPTIONS = [...SERIES, NONE];

/** The set-up that the bet is about. @param {number} n @returns {import("./setup.js").Setup} */
export const betOn = (n) => ({ mixer: "linear", n, start: "", ...USUAL, seed: 0 });

/** @param {any} bet */
export const isBet = (bet) => OPTIONS.includes(bet);
/** @param {number} bet */
const inWords = (bet) => (bet === NONE ? "none of the four" : `n = ${bet}`);
/** @param {number} bet @param {boolean} brief */
export const label = (bet, brief) => percent(GOAL) + (brief ? "" : `; your bet: ${inWords(bet)}`);

/**
 * The mean accuracy with each n of the series, over all seeds; null where nothing was trained to its end.
 * @param {Run[]} runs
 */
const reached = (runs) =>
  SERIES.map((n) => {
    const own = runs.filter((run) => isWhole(run) && isSame({ ...run.setup, seed: 0 }, betOn(n)));
    return own.length ? mean(own.map((run) => lastOf(run).accuracy)) : null;
  });

/** The smallest n that reached the goal; null while that is open. @param {(number | null)[]} all */
function outcome(all) {
  const first = all.findIndex((one) => one !== null && one > GOAL);
  const needed = first < 0 ? all : all.slice(0, first);
  if (needed.includes(null)) return null;
  return first < 0 ? NONE : SERIES[first];
}

/** @param {(string | number)[]} items */
const listed = (items) => `${items.slice(0, -1).join(", ")} and ${items[items.length - 1]}`;
const WITH_ALL = `with n = ${listed(SERIES)}`;

/** @type {Record<number, string>} why one may think so, and what is wrong with it */
const REPLIES = {
  4: "Four features would hold four pairs if keys never overlapped. Those of elu + 1 are positive: they always do.",
  8:
    `Eight features would do for four pairs that never change. But any four of ${USUAL.L - 1} keys may be shown, ` +
    "and some of these share features.",
  16: "More features help, but not enough.",
  32: "Eight features a pair, and still not.",
};

/** What the runs say to a bet; null while that is open. @param {number} bet @param {Run[]} runs */
export function verdict(bet, runs) {
  const all = reached(runs);
  const found = outcome(all);
  if (found === null) return null;
  const most = /** @type {number} */ (all[SERIES.indexOf(found || SERIES[SERIES.length - 1])]);
  if (bet === found)
    return bet === NONE
      ? `✓ Right: none of the four. Even with n = 32 the accuracy is ${percent(most)} of the questions. ` +
          `Room is not all that is short, so is time: ${LONGER}.`
      : `✓ Right: with n = ${bet} the accuracy is ${percent(most)} of the questions.`;
  const wanted = `is enough for ${percent(GOAL)}`;
  if (found !== NONE) {
    const other = "with another seed it may be another n";
    return `✗ Your bet was ${inWords(bet)}. In your runs n = ${found} ${wanted}: it has ${percent(most)}; ${other}.`;
  }
  const each = listed(all.map((one) => Math.round(100 * /** @type {number} */ (one))));
  return (
    `✗ You bet that n = ${bet} ${wanted}. In your runs no n is: ${each} % ${WITH_ALL}. ${REPLIES[bet]} ` +
    `Time is short too, and luck with the seed: ${LONGER}.`
  );
}

/** What is lacking for a verdict, where something was trained; else nothing. @param {Run[]} runs */
export function lacking(runs) {
  const all = reached(runs);
  const left = SERIES.filter((_, k) => all[k] === null);
  if (left.length === SERIES.length || outcome(all) !== null) return "";
  const isBegun = (/** @type {number} */ n) => runs.some(({ setup }) => isSame({ ...setup, seed: 0 }, betOn(n)));
  const names = left.map((n) => `n = ${n}`);
  const [which, are] = left.length > 1 ? [listed(names), "are"] : [names[0], "is"];
  return `Your runs leave it open: ${which} ${are} ${left.every(isBegun) ? "not trained to the end" : "missing"}.`;
}

/** The verdict of the record, with what its seeds reached. @param {import("./recorded.js").Held} record */
export function recordedVerdict(record) {
  const seeds = SERIES.map((n) => reachedIn(record, betOn(n)));
  const means = seeds.map(mean);
  const found = /** @type {number} */ (outcome(means));
  const [last] = seeds.slice(-1);
  const above = last.filter((one) => one > GOAL).length;
  return (
    `In the record, ${last.length} seeds each, it is ${inWords(found)}: the mean accuracy is ` +
    `${listed(means.map((one) => percent(one)))} of the questions ${WITH_ALL}. One seed says little: with n = 32 ` +
    `they reach ${spread(last)}, and ${above} of ${last.length} more than ${percent(GOAL)}.`
  );
}

/**
 * The question, and after it the bet with what came of it.
 * @param {(bet: number) => void} commit
 * @param {() => void} series trains what the bet is about
 * @param {import("./recorded.js").Held} record
 */
export function better(commit, series, record) {
  const box = html("div", { class: "dsf-bet" });
  let shown = "";
  const question = html(
    "p",
    {},
    html("strong", {}, "Your bet first. "),
    `What is the smallest n with which linear attention answers more than ${percent(GOAL)} of the questions ` +
      `after ${USUAL.steps} steps? Four pairs are shown, and each is asked for three times.`,
  );
  const options = OPTIONS.map((bet) =>
    html(
      "button",
      { type: "button", class: "dsf-button", click: () => commit(bet) },
      bet === NONE ? "none of these" : `n = ${bet}`,
    ),
  );
  const group = html("div", { class: "dsf-buttons", role: "group", "aria-label": "Your bet" }, ...options);
  return {
    box,
    /** @param {number | null} bet @param {Run[]} runs @param {boolean} busy */
    draw(bet, runs, busy) {
      const said = bet === null ? "" : verdict(bet, runs);
      const open = bet === null || busy ? "" : lacking(runs);
      const now = [bet, said, open, busy].join();
      if (now === shown) return;
      shown = now;
      if (bet === null) return box.replaceChildren(question, group);
      const line = html("p", { role: "status" }, said ?? `Your bet: ${inWords(bet)}. ${open}`);
      const told = html("p", {}, recordedVerdict(record));
      if (said) return box.replaceChildren(line, told);
      const button = html("button", { type: "button", class: "dsf-button", click: series, disabled: busy });
      button.append(`Train n = ${SERIES.join(", ")}`);
      box.replaceChildren(line, button, ...(open ? [fold("dsf-fold", "What the record says", told)] : []));
    },
  };
}
