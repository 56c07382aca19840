/** The curves that PyTorch has recorded of the usual set-up, behind those of the reader. */
import { EVERY, RECORD, UNITS } from "./record.js";

/**
 * @typedef {object} Curve
 * @property {number[]} steps of the reports
 * @property {number[][]} accuracy of each seed, at every report
 * @property {number[]} loss the mean of the seeds, in nats a question
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
  /** @param {string} text @param {number} unit */
  const course = (text, unit) => whole(text).map((x) => x * unit);
  const loss = course(found.loss, UNITS.loss);
  return {
    steps: loss.map((_, k) => EVERY * (k + 1)),
    accuracy: found.accuracy.map((text) => course(text, UNITS.accuracy)),
    loss,
  };
}
