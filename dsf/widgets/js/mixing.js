/** The mixing matrix Φ, one of its entries taken apart, and the numbers of a step. */
import { format, html, indexed, place, svg, tableOf } from "./dom.js";
import { heatMap, largest } from "./draw.js";
import { at, takeApart } from "./system.js";
import { isText, quoted } from "./view.js";

/** @typedef {import("./system.js").Block} Block */
/** @typedef {import("./view.js").View} View */

const LEFT = 18; // of the matrix in its picture, in pixels

/**
 * A complex number for people.
 * @param {{re: number, im: number}} value
 * @param {boolean} complex
 */
function show({ re, im }, complex) {
  return complex ? `${format(re)}${im < 0 ? "−" : "+"}${format(Math.abs(im))}i` : format(re);
}

/**
 * A complex number where there is little room.
 * @param {{re: number, im: number}} value
 */
const brief = ({ re, im }) => `${re.toFixed(2)}${im < 0 ? "−" : "+"}${Math.abs(im).toFixed(2)}i`.replace("-", "−");

/**
 * Φ with the row of the step lit; the entry under the pointer is taken apart.
 * @param {(i: number, j: number) => void} choose
 * @param {(entry: [number, number] | null) => void} look
 */
export function mixing(choose, look) {
  const picture = svg("svg", { class: "dsf-picture dsf-phi", role: "img" });
  const map = heatMap(picture);
  const [row, entry] = [svg("rect", { class: "dsf-row" }), svg("rect", { class: "dsf-entry" })];
  const labels = svg("g", { class: "dsf-small" });
  picture.append(labels, row, entry);
  let [cell, rows] = [1, 1];
  /** @param {MouseEvent} event @returns {[number, number] | null} */
  const find = (event) => {
    const box = picture.getBoundingClientRect();
    const j = Math.floor((event.clientX - box.left - LEFT) / cell);
    const i = Math.floor((event.clientY - box.top - LEFT) / cell);
    return j >= 0 && j <= i && i < rows ? [i, j] : null;
  };
  picture.addEventListener("pointermove", (/** @type {MouseEvent} */ event) => look(find(event)));
  picture.addEventListener("pointerleave", () => look(null));
  picture.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const found = find(event);
    if (found) choose(...found);
  });
  /** @param {Element} node @param {number} col @param {number} line @param {number} cols */
  const outline = (node, col, line, cols) =>
    place(node, { x: LEFT + col * cell - 1, y: LEFT + line * cell - 1, width: cols * cell + 1, height: cell + 1 });
  return {
    picture,
    /** @param {View} view @param {number} width @param {[number, number]} shown */
    draw({ phi, read, length, time, limits, channel }, width, [i, j]) {
      const side = width - LEFT;
      [cell, rows] = [side / length, length];
      map.show({
        ...{ x: LEFT, y: LEFT, width: side, height: side, rows: length, cols: length, limit: limits.phi, lower: true },
        value: (r, c) => phi[r * length + c],
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
      outline(row, 0, time, time + 1);
      outline(entry, j, i, 1);
      const numbers = [...phi.subarray(time * length, time * length + time + 1)].map(format).join(", ");
      const said = `Φ of channel ${channel}, ${length} by ${length}, lower triangular. Row ${time}: ${numbers}`;
      place(picture, { width, height: width, "aria-label": said });
    },
  };
}

/** The factors between B_j and C_i. @param {number} i @param {number} j */
function factors(i, j) {
  if (i === j) return ["no Λ"];
  if (i - j > 2) return [indexed("Λ", i), "⋯", indexed("Λ", j + 1)];
  return Array.from({ length: i - j }, (_, k) => indexed("Λ", i - k));
}

/** The factors of one entry of Φ, feature by feature. */
export function parts() {
  const node = html("div", { class: "dsf-parts" });
  /** @param {string} text */
  const cell = (text) => html("td", {}, text);
  /** @param {...(string | Node)} name */
  const head = (...name) => html("th", { scope: "col" }, ...name);
  return {
    node,
    /** @param {View} view @param {[number, number]} entry */
    draw({ system, channel, read, kind }, [i, j]) {
      const { complex, features, total } = takeApart(system, i, j, channel);
      const most = largest(features.map(({ term }) => term));
      const rows = features.map(({ c, product, b, term }, a) => {
        const bar = {
          class: term < 0 ? "dsf-term dsf-under" : "dsf-term",
          style: `--share:${((100 * Math.abs(term)) / most).toFixed(1)}%`,
        };
        const numbers = [c, product, b].map((value) => cell(complex ? brief(value) : format(value.re)));
        return html("tr", {}, html("th", { scope: "row" }, `${a}`), ...numbers, html("td", bar, format(term)));
      });
      const names = isText(kind) ? ` (${quoted(read.tokens[i])} reads ${quoted(read.tokens[j])})` : "";
      const said = `The sum over features a that makes the entry ${i}, ${j} of Φ`;
      const letters = [head(html("i", {}, "a")), head(indexed("C", i)), head(...factors(i, j)), head(indexed("B", j))];
      const sum = html("th", { scope: "row", colspan: 4 }, complex ? "sum of the real parts" : "sum");
      node.replaceChildren(
        html("p", { class: "dsf-panel-title" }, indexed("Φ", `${i},${j}`), ` = ${format(total)}${names}`),
        html(
          "table",
          { class: complex && "dsf-complex" },
          html("caption", { class: "dsf-hidden" }, said),
          html("thead", {}, html("tr", {}, ...letters, head("product"))),
          html("tbody", {}, ...rows),
          html("tfoot", {}, html("tr", {}, sum, cell(format(total)))),
        ),
      );
    },
  };
}

/** The numbers of the step, for reading and copying. */
export function numbers() {
  const table = html("div");
  return {
    node: html("details", { class: "dsf-data" }, html("summary", {}, "Numbers of this step"), table),
    /** @param {View} view */
    draw({ system, states, read, outputs, n, time, channel }) {
      const blocks = { Λ: system.transition, B: system.input, C: system.output, H: states };
      /** @param {Block} x @param {number} a */
      const entry = (x, a) => {
        const k = at(x, time, a, channel);
        return show({ re: x.re[k], im: x.im ? x.im[k] : 0 }, system.transition.im !== null);
      };
      const rows = Array.from({ length: n }, (_, a) => [`${a}`, ...Object.values(blocks).map((x) => entry(x, a))]);
      const head = [html("i", {}, "a"), ...Object.keys(blocks).map((letter) => indexed(letter, time))];
      const [u, y] = [read.values, outputs].map((values) => format(values[time][channel]));
      table.replaceChildren(tableOf(`Channel ${channel}: u = ${u}, y = ${y}`, head, rows));
    },
  };
}
