/** What the reader says before anything is trained, and what the runs say to it. */
import { html, percent } from "../dom.js";
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
/** @param {number} bet */
export const label = (bet) => `${percent(GOAL)}; your bet: ${inWords(bet)}`;

/**
 * The mean accuracy with each n of the series, over all seeds; null where nothing was trained to its end.
 * @param {Run[]} runs
 */
const reached = (runs) =>
  SERIES.map((n) => {
    const own = runs.filter((run) => isWhole(run) && isSame({ ...run.setup, seed: 0 }, betOn(n)));
    return own.length ? own.reduce((sum, run) => sum + lastOf(run).accuracy, 0) / own.length : null;
  });

/** The smallest n that reached the goal; null while that is open. @param {(number | null)[]} all */
function outcome(all) {
  const first = all.findIndex((one) => one !== null && one > GOAL);
  const needed = first < 0 ? all : all.slice(0, first);
  if (needed.includes(null)) return null;
  return first < 0 ? NONE : SERIES[first];
}

/** Why one may think so, and what is wrong with it. @param {number} bet @param {number[]} all */
function reply(bet, all) {
  const [four, eight, sixteen, thirtyTwo] = all.map((one) => percent(one));
  if (bet === 4)
    return (
      "Four features would hold four pairs if keys never overlapped. " +
      `Keys of elu + 1 are positive, so they always do: ${four}.`
    );
  if (bet === 8)
    return (
      "With twice as many features as pairs there is room. " +
      `But each question still gives weight to the other pairs: ${eight}.`
    );
  if (bet === 16) return `Doubling n helps less each time: ${four}, ${eight}, ${sixteen}, ${thirtyTwo}.`;
  return `Eight features a pair, and still ${thirtyTwo}. What is short is time, and luck with the seed: ${LONGER}.`;
}

/** What the runs say to a bet; null while that is open. @param {number} bet @param {Run[]} runs */
export function verdict(bet, runs) {
  const all = reached(runs);
  const found = outcome(all);
  if (found === null) return null;
  if (bet === found)
    return bet === NONE
      ? `✓ Right: none of the four. Room is not all that is short, so is time: ${LONGER}.`
      : `✓ Right: n = ${bet}.`;
  const why = found === NONE ? reply(bet, /** @type {number[]} */ (all)) : "With another seed it may be another.";
  return `✗ Your bet was ${inWords(bet)}; in your runs it is ${inWords(found)}. ${why}`;
}

/**
 * The question, and after it the bet with what came of it.
 * @param {(bet: number) => void} commit
 * @param {() => void} series trains what the bet is about
 */
export function better(commit, series) {
  const box = html("div", { class: "dsf-bet" });
  let shown = "";
  const question = html(
    "p",
    {},
    html("strong", {}, "Your bet first. "),
    `With which n, at the least, does linear attention answer more than ${percent(GOAL)} of the questions after ` +
      `${USUAL.steps} steps? Four pairs are shown, and each is asked for three times.`,
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
      const now = [bet, said, busy].join();
      if (now === shown) return;
      shown = now;
      if (bet === null) return box.replaceChildren(question, group);
      const button = html("button", { type: "button", class: "dsf-button", click: series, disabled: busy });
      button.append(`Train n = ${SERIES.join(", ")}`);
      const line = html("p", { role: "status" }, said ?? `Your bet: ${inWords(bet)}. `);
      box.replaceChildren(line, ...(said ? [] : [button]));
    },
  };
}
