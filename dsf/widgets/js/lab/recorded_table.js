/** What the recorded runs reached, as a table: of each setting the lowest and the highest seed. */
import { TITLES } from "../looks.js";
import { RECORD } from "./record.js";
import { curve } from "./recorded.js";
import { USUAL } from "./setup.js";

/** @param {{mixer: string, start: string, n: number}} setting */
function cell(setting) {
  const found = curve(setting);
  if (!found) return "–";
  const last = found.accuracy.map((seed) => Math.round(100 * seed[seed.length - 1]));
  const [low, high] = [Math.min(...last), Math.max(...last)];
  return `${low === high ? low : `${low} to ${high}`} %`;
}

/** Title, head and rows: a row for each mixer and start, in the order of the record. */
export function recordedTable() {
  const settings = Object.keys(RECORD).map((key) => key.split("|"));
  const sizes = [...new Set(settings.map(([, , n]) => Number(n)))].sort((a, b) => a - b);
  const lines = [...new Set(settings.map(([mixer, start]) => `${mixer}|${start}`))].map((key) => key.split("|"));
  return {
    title: `Recorded in PyTorch: accuracy of five seeds after ${USUAL.steps} steps`,
    head: ["", ...sizes.map((n) => `n = ${n}`)],
    rows: lines.map(([mixer, start]) => [
      [TITLES[mixer], start].filter(Boolean).join(", "),
      ...sizes.map((n) => cell({ mixer, start, n })),
    ]),
  };
}
