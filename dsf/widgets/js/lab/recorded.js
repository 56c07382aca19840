/** What PyTorch has recorded of the usual set-up: curves behind those of the reader, and what they reached. */
import { TITLES } from "../looks.js";
import { made } from "../traits.js";
import { USUAL } from "./setup.js";

/**
 * As `dsf/widgets/recorded_lab.py` gives it: by mixer, start and n the accuracy of every seed, and the mean of the
 * losses, in units.
 * @typedef {object} Held
 * @property {number} every steps between two points
 * @property {{accuracy: number, loss: number}} units
 * @property {Record<string, {accuracy: number[][], loss: number[]}>} curves
 */
/**
 * @typedef {object} Curve
 * @property {number[]} steps of the reports
 * @property {number[][]} accuracy of each seed, at every report
 * @property {number[]} loss the mean of the seeds, in nats a question
 */
/** @typedef {{mixer: string, start: string, n: number}} Setting */

export const recordTrait = made("the record of the laboratory", (value) => typeof value?.curves === "object");

/** @param {Held} record @param {Setting} setting @returns {Curve | null} none where it was not recorded */
export function curve({ every, units, curves }, { mixer, start, n }) {
  const key = `${mixer}|${start}|${n}`;
  if (!Object.hasOwn(curves, key)) return null;
  const { accuracy, loss } = curves[key];
  return {
    steps: loss.map((_, k) => every * (k + 1)),
    accuracy: accuracy.map((seed) => seed.map((x) => x * units.accuracy)),
    loss: loss.map((x) => x * units.loss),
  };
}

/** What the seeds reach at the end; none where it was not recorded. @param {Held} record @param {Setting} setting */
export const reachedIn = (record, setting) =>
  (curve(record, setting)?.accuracy ?? []).map((seed) => seed[seed.length - 1]);

/** The lowest and the highest of shares, in per cent. @param {number[]} shares */
export function spread(shares) {
  const all = shares.map((x) => Math.round(100 * x));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return `${low === high ? low : `${low} to ${high}`} %`;
}

/** As a table: a row for each mixer and start, in the order of the record. @param {Held} record */
export function recordedTable(record) {
  const settings = Object.keys(record.curves).map((key) => key.split("|"));
  const sizes = [...new Set(settings.map(([, , n]) => Number(n)))].sort((a, b) => a - b);
  const lines = [...new Set(settings.map(([mixer, start]) => `${mixer}|${start}`))].map((key) => key.split("|"));
  return {
    title: `Recorded in PyTorch: accuracy of five seeds after ${USUAL.steps} steps`,
    head: ["", ...sizes.map((n) => `n = ${n}`)],
    rows: lines.map(([mixer, start]) => [
      [TITLES[mixer], start].filter(Boolean).join(", "),
      ...sizes.map((n) => {
        const found = reachedIn(record, { mixer, start, n });
        return found.length ? spread(found) : "–";
      }),
    ]),
  };
}
