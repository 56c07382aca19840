/** The mixing matrix Φ, each row in its own scale, and how many of the pairs it recalls. */
import { hits } from "./answers.js";
import { format, html, place, svg } from "./dom.js";
import { heatMap, largest } from "./draw.js";

/** @typedef {import("./view.js").View} View */

const [LEFT, RIGHT] = [18, 16]; // of the matrix in its picture, in pixels
const WIDEST = 410; // of the picture
const BESIDE = 150; // what stands beside it needs

/** How many are recalled, and how it is in other draws. */
function score() {
  const [number, mean] = [html("strong"), html("p", { class: "dsf-note" })];
  const line = html("p", { class: "dsf-number" }, "recalled ", number);
  const node = html("div", { class: "dsf-recalled" }, line, mean);
  return {
    node,
    /** @param {View} view @param {string} said */
    draw({ answers }, said) {
      node.hidden = !answers().length;
      number.textContent = `${hits(answers())} of ${answers().length}`;
      mean.textContent = said;
    },
  };
}

/**
 * What is marked in Φ: the inputs that are asked for, and whether the row finds one.
 * @param {View} view
 * @param {number} cell
 */
function marksOf({ answers }, cell) {
  const middle = (/** @type {number} */ k) => LEFT + (k + 0.5) * cell;
  return answers().flatMap(({ i, wanted, hit }) => [
    ...wanted.map((j) => svg("circle", { class: "dsf-wanted", cx: middle(j), cy: middle(i), r: 0.3 * cell })),
    svg("text", { class: "dsf-strong", x: LEFT + (i + 1) * cell + 3, y: middle(i) + 4 }, hit ? "✓" : "✗"),
  ]);
}

/**
 * Φ with the row of the step and one entry framed.
 * @param {(i: number, j: number) => void} choose
 */
export function mixing(choose) {
  const picture = svg("svg", { class: "dsf-picture dsf-phi", role: "img" });
  const map = heatMap(picture);
  const [row, entry] = [svg("rect", { class: "dsf-row" }), svg("rect", { class: "dsf-entry" })];
  const [labels, marks] = [svg("g", { class: "dsf-small" }), svg("g")];
  picture.append(labels, marks, row, entry);
  const recalled = score();
  let [cell, rows] = [1, 1];
  picture.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const box = picture.getBoundingClientRect();
    const j = Math.floor((event.clientX - box.left - LEFT) / cell);
    const i = Math.floor((event.clientY - box.top - LEFT) / cell);
    if (j >= 0 && j <= i && i < rows) choose(i, j);
  });
  /** @param {Element} node @param {number} col @param {number} line @param {number} cols */
  const outline = (node, col, line, cols) =>
    place(node, { x: LEFT + col * cell - 1, y: LEFT + line * cell - 1, width: cols * cell + 1, height: cell + 1 });
  return {
    node: html("div", { class: "dsf-mixing" }, picture, recalled.node),
    /** @param {View} view @param {number} room @param {string} mean */
    draw(view, room, mean) {
      const { phi, read, length, time, source, channel } = view;
      const width = Math.min(WIDEST, room > 430 ? room - BESIDE : room);
      const side = width - LEFT - RIGHT;
      [cell, rows] = [side / length, length];
      const full = Array.from({ length }, (_, i) => largest(phi().subarray(i * length, i * length + i + 1)));
      map.show({
        ...{ x: LEFT, y: LEFT, width: side, height: side, rows: length, cols: length, limit: 1, lower: true },
        value: (r, c) => phi()[r * length + c] / full[r],
      });
      const sparse = cell < 9 ? 2 : 1;
      const tokens = read.tokens.flatMap((token, k) => {
        if (k % sparse) return [];
        const middle = LEFT + (k + 0.5) * cell;
        const strong = k === time ? "dsf-strong" : null;
        return [
          svg("text", { x: middle, y: 12, "text-anchor": "middle" }, token),
          svg("text", { x: 13, y: middle + 3, "text-anchor": "end", class: strong }, token),
        ];
      });
      labels.replaceChildren(...tokens);
      marks.replaceChildren(...marksOf(view, cell));
      outline(row, 0, time, time + 1);
      outline(entry, source, time, 1);
      const numbers = [...phi().subarray(time * length, time * length + time + 1)].map(format).join(", ");
      const said = `Φ of channel ${channel}, ${length} by ${length}, lower triangular. Row ${time}: ${numbers}`;
      place(picture, { width, height: LEFT + side + 2, "aria-label": said });
      recalled.draw(view, mean);
    },
  };
}
