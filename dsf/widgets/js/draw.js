/** Pictures in SVG, drawn in pixels of the screen: heat maps, and the keys of lines. */
import { svg } from "./dom.js";
import { MINUS, PLUS, STRENGTH } from "./looks.js";

/**
 * How strongly a value is coloured.
 * @param {number} value
 * @param {number} limit
 */
const strength = (value, limit) => Math.min(1, Math.abs(value) / limit) ** STRENGTH;

/**
 * The largest absolute value, or 1 where all are zero.
 * @param {Iterable<number>} values
 */
export function largest(values) {
  let most = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) throw new Error("a number is not finite");
    most = Math.max(most, Math.abs(value));
  }
  return most || 1;
}

/**
 * A heat map that is drawn once and coloured often.
 * @param {any} parent an SVG element
 */
export function heatMap(parent) {
  const group = svg("g", { class: "dsf-heat" });
  let shape = "";
  /** @type {SVGRectElement[]} */
  let cells = [];
  /** @type {string[]} */
  let shown = [];
  parent.append(group);
  return {
    group,
    /**
     * @param {{x: number, y: number, width: number, height: number, rows: number, cols: number, limit: number,
     *          value: (row: number, col: number) => number, lower?: boolean}} options
     *        `lower` leaves out what is above the diagonal
     */
    show({ x, y, width, height, rows, cols, limit, value, lower = false }) {
      const wanted = [x, y, width, height, rows, cols, lower].join();
      if (wanted !== shape) {
        const [w, h] = [width / cols, height / rows];
        const gap = Math.min(w, h) > 6 ? 1 : 0.5;
        cells = [];
        for (let row = 0; row < rows; row++) {
          for (let col = 0; col < (lower ? row + 1 : cols); col++) {
            cells.push(svg("rect", { x: x + col * w, y: y + row * h, width: w - gap, height: h - gap }));
          }
        }
        group.replaceChildren(...cells);
        shape = wanted;
        shown = [];
      }
      let at = 0;
      for (let row = 0; row < rows; row++) {
        for (let col = 0; col < (lower ? row + 1 : cols); col++) {
          const number = value(row, col);
          const kind = number < 0 ? "dsf-neg" : "dsf-pos";
          const opacity = strength(number, limit).toFixed(3);
          if (shown[at] !== kind + opacity) {
            cells[at].setAttribute("class", kind);
            cells[at].setAttribute("fill-opacity", opacity);
            shown[at] = kind + opacity;
          }
          at += 1;
        }
      }
    },
  };
}

/**
 * A heat map of a lower triangular matrix with one dot an entry, for more entries than `heatMap` can take.
 * @param {HTMLCanvasElement} canvas inside a figure
 * @param {number} length
 * @param {(row: number, col: number) => number} value full colour at 1 and -1
 */
export function paint(canvas, length, value) {
  const [plus, minus] = [PLUS, MINUS].map((color) => parseInt(color.slice(1), 16));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(length, length);
  for (let row = 0; row < length; row++) {
    for (let col = 0; col <= row; col++) {
      const number = value(row, col);
      const color = number < 0 ? minus : plus;
      const at = 4 * (row * length + col);
      image.data[at] = color >> 16;
      image.data[at + 1] = (color >> 8) & 255;
      image.data[at + 2] = color & 255;
      image.data[at + 3] = 255 * strength(number, 1);
    }
  }
  canvas.width = canvas.height = length;
  context.putImageData(image, 0, 0);
}

/** A bar of colours from -limit to limit. */
export function legend() {
  const picture = svg("svg", { class: "dsf-legend", width: 122, height: 12, "aria-hidden": "true" });
  heatMap(picture).show({
    x: 0,
    y: 0,
    width: 122,
    height: 12,
    rows: 1,
    cols: 13,
    limit: 6,
    value: (_, col) => col - 6,
  });
  return picture;
}

/**
 * Classes of lines without markers: a colour for each name, a dash for each place.
 * @param {string[]} names
 * @param {string} [kind] "map-" for feature maps
 * @returns {Record<string, string>}
 */
export const lineStyles = (names, kind = "") =>
  Object.fromEntries(names.map((name, place) => [name, `dsf-${kind}${name} dsf-dash-${place}`]));

/**
 * A short piece of a line, for a legend.
 * @param {string} name class of the line
 */
export const swatch = (name) =>
  svg(
    "svg",
    { class: "dsf-swatch", width: 26, height: 8, "aria-hidden": "true" },
    svg("line", { class: `dsf-line ${name}`, x1: 0, x2: 26, y1: 4, y2: 4 }),
  );
