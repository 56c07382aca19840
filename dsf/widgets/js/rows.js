/** Small multiples: a row for each line, with its name above it, and one axis for all rows. */
import { place, svg, watch } from "./dom.js";

/**
 * What all rows of a column share.
 * @typedef {object} Column
 * @property {[number, number]} x
 * @property {[number, number]} y
 * @property {[number, string][]} across places on the axis below, and what is written there
 * @property {[number, string][]} up levels in every row, and what is written at them
 * @property {string} title of the axis
 */
/** @typedef {{name: string, points: number[][]}} Line  name: its classes; points: none where it is not seen */
/** @typedef {{name: string, said: string, lines: Line[][]}} Row  said: on the right; lines: of each column */

const [NAME, TALL, GAP, FOOT] = [17, 30, 7, 36]; // px of a row: its name, its lines, what follows; of the axis
const ROW = NAME + TALL + GAP;
const [MARGIN, BETWEEN] = [24, 12]; // px on the left of a column, and between columns

/** @param {number} x @param {number} y @param {string} anchor @param {string} [text] */
const words = (x, y, anchor, text = "") => svg("text", { x, y, "text-anchor": anchor }, text);

/**
 * Where the numbers of a column lie; what leaves a row stays at its edge.
 * @param {Column} column
 * @param {number} left
 * @param {number} right
 */
function scaleOf({ x, y }, left, right) {
  /** @param {number} value @param {[number, number]} range */
  const share = (value, [low, high]) => (Math.max(low, Math.min(high, value)) - low) / (high - low);
  return {
    ...{ left, right },
    /** @param {number} value */
    across: (value) => left + share(value, x) * (right - left),
    /** @param {number} value */
    up: (value) => NAME + TALL * (1 - share(value, y)),
  };
}

/** @typedef {ReturnType<typeof scaleOf>} Scale */

/**
 * Levels in the rows, places across all of them, and the title of the axis.
 * @param {Column} column
 * @param {Scale} scale
 * @param {number} count of rows
 */
function furniture({ across: places, up: levels, title }, { left, right, across, up }, count) {
  const tops = Array.from({ length: count }, (_, row) => row * ROW);
  const bottom = count * ROW - GAP;
  /** The baseline of what is written at a level, below the name of the row. @param {number} level */
  const beside = (level) => Math.max(NAME + 8, up(level) + 3);
  /** @param {number} x1 @param {number} x2 @param {number} y1 @param {number} y2 */
  const grid = (x1, x2, y1, y2) => svg("line", { class: "dsf-grid", x1, x2, y1, y2 });
  const rows = tops.flatMap((top) => [
    ...levels.map(([level]) => grid(left, right, top + up(level), top + up(level))),
    ...places.map(([at]) => grid(across(at), across(at), top + NAME, top + NAME + TALL)),
    svg(
      "g",
      { class: "dsf-small" },
      ...levels.map(([level, text]) => words(left - 4, top + beside(level), "end", text)),
    ),
  ]);
  const marks = places.map(([at, text], k) =>
    words(across(at), bottom + 14, k === places.length - 1 ? "end" : "middle", text),
  );
  return [...rows, ...marks, words(right, bottom + 30, "end", title)];
}

/** The parts of a row. @param {Row} row @param {number} place_ */
function partsOf({ lines }, place_) {
  const [name, said] = [words(0, 12, "start"), words(0, 12, "end")];
  const drawn = lines.map((cell) => cell.map(() => svg("polyline")));
  const node = svg("g", { transform: `translate(0 ${place_ * ROW})` }, ...drawn.flat(), name, said);
  return { node, name, said, drawn };
}

/** Layout is slow where nothing has changed, too. @param {Element} node @param {string} name @param {string} value */
function set(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** @param {Column[]} columns */
export function smallMultiples(columns) {
  const picture = svg("svg", { class: "dsf-picture", role: "img" });
  const [axes, body] = [svg("g"), svg("g")];
  picture.append(axes, body);
  const changed = watch();
  /** @type {Scale[]} */
  let scales = [];
  /** @type {ReturnType<typeof partsOf>[]} */
  let parts = [];
  /** @param {Row[]} rows @param {number} width */
  function build(rows, width) {
    const wide = (width - BETWEEN * (columns.length - 1)) / columns.length;
    scales = columns.map((column, k) => {
      const start = k * (wide + BETWEEN);
      return scaleOf(column, start + MARGIN, start + wide - 1);
    });
    parts = rows.map(partsOf);
    axes.replaceChildren(...columns.flatMap((column, k) => furniture(column, scales[k], rows.length)));
    body.replaceChildren(...parts.map(({ node }) => node));
    place(picture, { width, height: rows.length * ROW - GAP + FOOT });
  }
  return {
    picture,
    /** @param {Row[]} rows always as many, of as many lines @param {number} width @param {string} label */
    draw(rows, width, label) {
      if (changed(width)) build(rows, width);
      rows.forEach(({ name, said, lines }, row) => {
        const part = parts[row];
        if (part.name.textContent !== name) part.name.textContent = name;
        if (part.said.textContent !== said) part.said.textContent = said;
        set(part.said, "x", `${width - 1}`);
        lines.forEach((cell, k) => {
          const { across, up } = scales[k];
          cell.forEach((line, which) => {
            const node = part.drawn[k][which];
            const points = line.points.map(([x, y]) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`).join(" ");
            set(node, "class", points ? line.name : "dsf-gone");
            if (points) set(node, "points", points);
          });
        });
      });
      set(picture, "aria-label", label);
    },
  };
}
