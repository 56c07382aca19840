/** The curves that PyTorch has recorded of the usual set-up, behind those of the reader. */
import { EVERY, RECORD, UNITS } from "./record.js";

/** @typedef {{mean: number[], low: number[], high: number[]}} Course over the seeds, at every report */
/**
 * @typedef {object} Curve
 * @property {number[]} steps of the reports
 * @property {Course & {seeds: number[][]}} accuracy also of each seed by itself
 * @property {Course} loss in nats a question
 */

const FIRST = "#".charCodeAt(0);

/** The reverse of `packed` in `dsf/widgets/recorded_lab.py`. @param {string} text */
function whole(text) {
  let at = 0;
  return Array.from(text, (character) => {
    const place = character.charCodeAt(0) - FIRST;
    at += place % 2 ? -(place + 1) / 2 : place / 2;
    return at;
  });
}

/**
 * @param {{mixer: string, start: string, n: number}} setting
 * @returns {Curve | null} none where it was not recorded
 */
export function curve({ mixer, start, n }) {
  const found = RECORD[`${mixer}|${start}|${n}`];
  if (!found) return null;
  const seeds = found.accuracy.map((text) => whole(text).map((x) => x * UNITS.accuracy));
  const of = (/** @type {(...x: number[]) => number} */ f) =>
    seeds[0].map((_, k) => f(...seeds.map((seed) => seed[k])));
  const [mean, low, high] = found.loss.map(whole);
  const loss = (/** @type {(k: number) => number} */ f) => mean.map((_, k) => f(k) * UNITS.loss);
  return {
    steps: mean.map((_, k) => EVERY * (k + 1)),
    accuracy: {
      seeds,
      mean: of((...x) => x.reduce((sum, one) => sum + one, 0) / x.length),
      low: of(Math.min),
      high: of(Math.max),
    },
    loss: { mean: loss((k) => mean[k]), low: loss((k) => mean[k] - low[k]), high: loss((k) => mean[k] - high[k]) },
  };
}
