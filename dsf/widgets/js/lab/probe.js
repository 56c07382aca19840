/** One sequence, which the model has never seen: what it answers there, right or wrong, and Φ. */
import { html, panel, place, svg } from "../dom.js";
import { heatMap } from "../draw.js";
import { recall } from "../recall.js";
import { strip } from "../strip.js";
import { taskOf } from "./setup.js";
import { storedView } from "./stored.js";

/** @typedef {import("./setup.js").Setup} Setup */
/**
 * @typedef {{probabilities: Float32Array, phi: Float32Array[], stored: Float32Array | null, L: number, V: number,
 *   d: number, step: number}} Probe
 */

const NAME = 2 ** 31; // of the sequence
const SIDE = 264; // px of Φ, at most

const PHI_NOTE =
  "A row is what one position of the sequence reads, a column what it reads from; positive blue, negative orange. " +
  "Framed: where the value of a question stands, and the position after it, to which the convolution carries it on. " +
  "✓ and ✗: the answer of the model.";

/** @param {Setup} setup */
export const sequenceOf = (setup) => recall(taskOf(setup), NAME);

/** Φ, the mean over channels, (L, L). @param {Probe} probe */
export function meanPhi({ phi: [phi], L, d }) {
  const mean = new Float64Array(L * L);
  for (let i = 0; i < L; i++)
    for (let c = 0; c < d; c++) for (let j = 0; j <= i; j++) mean[i * L + j] += phi[(i * d + c) * L + j] / d;
  return mean;
}

/** The likeliest token at a position. @param {Probe} probe @param {number} at */
function answerAt({ probabilities, V }, at) {
  const row = probabilities.subarray(at * V, (at + 1) * V);
  return row.reduce((best, share, token) => (share > row[best] ? token : best), 0);
}

/**
 * What is said to each question, pair by pair.
 * @param {Setup} setup @param {Probe | null} probe @param {Float64Array} phi
 */
function answersOf(setup, probe, phi) {
  const { tokens, asked } = sequenceOf(setup);
  const { L } = setup;
  return asked.map((places, pair) =>
    places.map((at) => {
      if (!probe) return { at };
      const answer = answerAt(probe, at);
      const row = [...phi.subarray(at * L, at * L + at + 1)];
      const most = Math.max(...row.map(Math.abs)) || 1;
      const shares = row.map((x) => (100 * x) / most);
      return { at, answer, right: answer === tokens[2 * pair + 1], row: { most, shares } };
    }),
  );
}

/** @param {(pair: number) => void} choose */
export function probeView(choose) {
  let chosen = 0;
  const line = strip(choose, (pair) => line.light(pair ?? chosen));
  const map = svg("svg", { class: "dsf-picture dsf-lab-phi", role: "img" });
  const heat = heatMap(map);
  const marks = svg("g", {});
  map.append(marks);
  const said = html("p", { class: "dsf-told" });
  const stored = storedView();
  const box = html("div", { class: "dsf-panels", hidden: true });
  const title = html("p", { class: "dsf-panel-title" }, "A sequence that it has not seen");
  const node = html("div", { class: "dsf-lab-probe" }, title, line.picture, said, box);
  /** @type {Probe | null | undefined} */
  let seen;
  let at = "";
  /** @type {Float64Array} */
  let phi = new Float64Array(0);
  return {
    node,
    /** @param {Setup} setup @param {Probe | null} probe @param {number} pair @param {number} width */
    draw(setup, probe, pair, width) {
      const { L, K } = setup;
      const fits = probe?.L === L && probe.V === taskOf(setup).V ? probe : null;
      const now = [L, K, pair, width].join();
      if (fits === seen && now === at) return;
      phi = fits ? meanPhi(fits) : new Float64Array(L * L);
      [seen, at, chosen] = [fits, now, Math.min(pair, K - 1)];
      const sequence = sequenceOf(setup);
      const answers = answersOf(setup, fits, phi);
      line.draw(/** @type {any} */ ({ task: { L }, sequence, reader: fits, K }), /** @type {any} */ (answers), width);
      line.light(chosen);
      const all = answers.flat();
      const right = all.filter((one) => one.right).length;
      const after = fits?.step ? ` after ${fits.step} steps` : "";
      said.textContent = fits
        ? `${right} of ${all.length} questions are right${after}. Shaded: where the first question ` +
          `about pair ${chosen} looks, in the mean over channels. A value is often read one tile later: the ` +
          "convolution carries it there. Choose another pair by a click."
        : `Outlined: ${K} keys and their values. With a question mark: keys that are asked again.`;
      box.hidden = !fits;
      if (!fits) return;
      if (!box.firstChild) {
        const note = html("p", { class: "dsf-note" }, PHI_NOTE);
        box.append(panel("Φ of this sequence", map, note), panel("What the state stores of each key", stored.node));
      }
      const keys = sequence.asked.map((_, j) => sequence.tokens[2 * j]);
      stored.draw(fits.stored, keys, chosen, width);
      const side = Math.min(SIDE, width - 24);
      let limit = 0; // what passes by the state, on the diagonal, may be much larger than what comes from it
      for (let i = 0; i < L; i++) for (let j = 0; j < i; j++) limit = Math.max(limit, Math.abs(phi[i * L + j]));
      const cell = side / L;
      const frame = { x: 0, y: 0, width: side, height: side, rows: L, cols: L, lower: true };
      heat.show({ ...frame, limit: limit || 1, value: (row, col) => phi[row * L + col] });
      marks.replaceChildren(
        ...answers.flatMap((of, j) =>
          of.flatMap(({ at: row, right: hit }) => [
            svg("text", { x: side + 4, y: (row + 0.5) * cell + 4, class: "dsf-lab-mark" }, hit ? "✓" : "✗"),
            svg("rect", { class: "dsf-chosen", x: (2 * j + 1) * cell, y: row * cell, width: 2 * cell, height: cell }),
          ]),
        ),
      );
      const words = `Φ, ${L} by ${L}: rows are outputs, columns inputs.`;
      place(map, { width: side + 20, height: side, "aria-label": `${words} ${right} of ${all.length} are right.` });
    },
  };
}
