/** One step of the recurrence, and one entry of Φ, as equations of arrays in the shapes that they have. */
import { format, html, indexed, place, svg } from "./dom.js";
import { heatMap, largest } from "./draw.js";
import { CHANNELS } from "./layer.js";
import { at, takeApart } from "./system.js";
import { keptAt, stateAt, writtenAt } from "./view.js";

/** @typedef {import("./view.js").View} View */

const CELL = 13; // of a number in pixels, at most
const TALLEST = 128; // of a state
const SIDE = 14; // room for the names of the axes

/**
 * An array as it is drawn: its name, its shape, what its full colour is, and its numbers.
 * @typedef {{name: (string | Node)[], rows: number, cols: number, limit: number,
 *            value: (a: number, c: number) => number, bare?: boolean}} Shown
 *           `bare` for one column of a channel
 */

/** An array with its name and its shape above, features down and channels across. */
function tile() {
  const picture = svg("svg", { class: "dsf-picture", role: "img" });
  const map = heatMap(picture);
  const [edge, own] = [svg("rect", { class: "dsf-chosen" }), svg("rect", { class: "dsf-row" })];
  const [down, across] = ["n", "d"].map((letter) => svg("text", { class: "dsf-axis-name" }, letter));
  picture.append(edge, own, down, across);
  const [title, shape] = [html("div", { class: "dsf-tile-title" }), html("div", { class: "dsf-tile-shape" })];
  return {
    node: html("div", { class: "dsf-tile" }, title, shape, picture),
    /** @param {Shown} shown @param {View} view @param {number} most rows of any array in the line */
    draw({ name, rows, cols, limit, value, bare = false }, { n, channel }, most) {
      const high = Math.min(CELL, TALLEST / n);
      const [w, h] = [cols * CELL, rows * high];
      const [width, height] = [Math.max(w, 2 * CELL) + 2 * SIDE, most * high + SIDE + 2];
      const [x, y] = [(width - w) / 2, (most * high - h) / 2 + 1];
      title.replaceChildren(...name);
      shape.textContent = `${rows} × ${cols}`;
      map.show({ x, y, width: w, height: h, rows, cols, limit, value });
      place(edge, { x: x - 1, y: y - 1, width: w + 1, height: h + 1 });
      const mine = cols > 1 ? channel : 0;
      place(own, { x: x + mine * CELL - 1, y: y - 1, width: CELL + 1, height: h + 1 });
      own.setAttribute("class", cols > 1 ? "dsf-row" : "dsf-gone");
      place(down, { x: x - 11, y: y + h / 2 + 3 });
      down.setAttribute("class", rows > 1 ? "dsf-axis-name" : "dsf-gone");
      place(across, { x: x + w / 2 - 3, y: y + h + 11 });
      across.setAttribute("class", cols > 1 ? "dsf-axis-name" : "dsf-gone");
      const numbers = Array.from({ length: rows }, (_, a) => format(value(a, mine))).join(", ");
      const where = cols > 1 || bare ? `, channel ${channel}` : "";
      place(picture, { width, height, "aria-label": `${title.textContent}, ${rows} by ${cols}${where}: ${numbers}` });
    },
  };
}

/** @typedef {(view: View) => Shown} Ask */

/** Where an index stands for a time, a true minus. @param {string} letter @param {number} i */
const timed = (letter, i) => indexed(letter, `${i}`.replace("-", "−"));

/** @param {View} view */
const real = ({ system }) => (system.transition.im ? "Re " : "");

/** An array of the system. @param {"transition" | "input" | "output"} key @param {string} letter @returns {Ask} */
const held = (key, letter) => (view) => {
  const { system, time, limits } = view;
  const x = system[key];
  return {
    ...{ name: [real(view), timed(letter, time)], rows: x.rows, cols: x.cols, limit: limits()[key] },
    value: (a, c) => x.re[at(x, time, a, c)],
  };
};

/**
 * An array of the size of the state.
 * @param {(view: View, i: number) => (a: number, c: number) => {re: number}} entryOf
 * @param {(i: number) => (string | Node)[]} name
 * @returns {Ask}
 */
const like = (entryOf, name, back = 0) => {
  return (view) => {
    const entry = entryOf(view, view.time - back);
    return {
      ...{ name: [real(view), ...name(view.time - back)], rows: view.n, cols: CHANNELS, limit: view.limits().states },
      value: (a, c) => entry(a, c).re,
    };
  };
};

/** One number a channel. @param {string} letter @param {"u" | "y"} key @returns {Ask} */
const line = (letter, key) => (view) => {
  const rows = key === "u" ? view.read.values : view.ran().outputs;
  return {
    ...{ name: [timed(letter, view.time)], rows: 1, cols: CHANNELS, limit: view.limits()[key] },
    value: (_, c) => rows[view.time][c],
  };
};

const state = like(stateAt, (i) => [timed("H", i)]);
const before = like(stateAt, (i) => [timed("H", i)], 1);
const written = like(writtenAt, (i) => [timed("B", i), timed("u", i)]);
const kept = like(keptAt, (i) => [timed("Λ", i), "⊙", timed("H", i - 1)]);
/** @type {Ask} */
const terms = ({ terms: all, time, n, limits }) => ({
  ...{ name: [timed("C", time), "⊙", timed("H", time)], rows: n, cols: CHANNELS, limit: limits().terms },
  value: (a, c) => all().re[at(all(), time, a, c)],
});

/** One column of an entry of Φ that is taken apart. @param {(string | Node)[]} name @param {number[]} values */
const column = (name, values) => ({
  ...{ name, rows: values.length, cols: 1, limit: largest(values), bare: true },
  value: (/** @type {number} */ a) => values[a],
});

/** The factors between B_j and C_i. @param {number} i @param {number} j */
function factors(i, j) {
  if (i === j) return ["1"];
  if (i - j > 2) return [timed("Λ", i), "⋯", timed("Λ", j + 1)];
  return Array.from({ length: i - j }, (_, k) => timed("Λ", i - k));
}

/** @param {View} view */
const apart = ({ system, channel, time, source }) => takeApart(system, time, source, channel).features;

/**
 * The lines of the equations of a step: each array, and the sign before it.
 * @type {Record<string, [string, Ask][][]>}
 */
export const EQUATIONS = {
  write: [
    [
      ["", held("input", "B")],
      ["·", line("u", "u")],
      ["=", written],
    ],
  ],
  decay: [
    [
      ["", held("transition", "Λ")],
      ["⊙", before],
      ["=", kept],
    ],
    [
      ["", kept],
      ["+", written],
      ["=", state],
    ],
  ],
  read: [
    [
      ["", held("output", "C")],
      ["⊙", state],
      ["=", terms],
    ],
    [["Σ down the features =", line("y", "y")]],
  ],
  product: [
    [
      [
        "",
        (view) =>
          column(
            [real(view), timed("C", view.time)],
            apart(view).map(({ c }) => c.re),
          ),
      ],
      [
        "⊙",
        (view) => {
          const shared = view.system.transition.rows === 1;
          const values = apart(view).map(({ product }) => product.re);
          const name = [real(view), ...factors(view.time, view.source)];
          return { ...column(name, shared ? values.slice(0, 1) : values), limit: Math.max(1, largest(values)) };
        },
      ],
      [
        "⊙",
        (view) =>
          column(
            [real(view), timed("B", view.source)],
            apart(view).map(({ b }) => b.re),
          ),
      ],
      [
        "=",
        (view) =>
          column(
            ["product"],
            apart(view).map(({ term }) => term),
          ),
      ],
    ],
    [
      [
        "Σ down the features =",
        (view) => {
          const sum = view.phi()[view.time * view.length + view.source];
          return { ...column([indexed("Φ", `${view.time},${view.source}`)], [sum]), limit: largest(view.phi()) };
        },
      ],
    ],
  ],
};

/** The equations of a step. @param {string} step */
export function equations(step) {
  const lines = EQUATIONS[step].map((parts) => parts.map(([sign, ask]) => ({ sign, ask, tile: tile() })));
  const nodes = lines.map((parts) => {
    const all = parts.flatMap(({ sign, tile: { node } }) => [html("span", { class: "dsf-sign" }, sign), node]);
    return html("div", { class: "dsf-equation" }, ...all);
  });
  return {
    node: html("div", { class: "dsf-equations" }, ...nodes),
    /** @param {View} view */
    draw(view) {
      for (const parts of lines) {
        const shown = parts.map(({ ask }) => ask(view));
        const most = Math.max(...shown.map(({ rows }) => rows));
        parts.forEach(({ tile: { draw } }, k) => {
          draw(shown[k], view, most);
        });
      }
    },
  };
}
