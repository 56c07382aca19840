/** Pictures in SVG, drawn in pixels of the screen: heat maps, bars, line charts. */
import { svg } from "./dom.js";

/**
 * How strongly a value is coloured. The root makes small values visible.
 * @param {number} value
 * @param {number} limit
 */
const strength = (value, limit) => Math.sqrt(Math.min(1, Math.abs(value) / limit));

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
  const style = getComputedStyle(canvas);
  const [plus, minus] = ["--dsf-plus", "--dsf-minus"].map((name) => parseInt(style.getPropertyValue(name).trim().slice(1), 16));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(length, length);
  for (let row = 0; row < length; row++) {
    for (let col = 0; col <= row; col++) {
      const number = value(row, col);
      const colour = number < 0 ? minus : plus;
      const at = 4 * (row * length + col);
      image.data[at] = colour >> 16;
      image.data[at + 1] = (colour >> 8) & 255;
      image.data[at + 2] = colour & 255;
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
    x: 0, y: 0, width: 122, height: 12, rows: 1, cols: 13, limit: 6, value: (_, col) => col - 6,
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
export const swatch = (name) => svg("svg", { class: "dsf-swatch", width: 26, height: 8, "aria-hidden": "true" },
  svg("line", { class: `dsf-line ${name}`, x1: 0, x2: 26, y1: 4, y2: 4 }));

/**
 * Round numbers that divide a range into about `wanted` parts.
 * @param {number} low
 * @param {number} high
 * @param {number} wanted
 */
function ticks(low, high, wanted) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10);
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) out.push(k * step);
  return out;
}

/**
 * A round number as short as it goes.
 * @param {number} value
 */
function plain(value) {
  const short = Number(value.toPrecision(3));
  return (short && Math.abs(short) < 1e-3 ? short.toExponential() : `${short}`).replaceAll("-", "−");
}

/**
 * @typedef {object} Line
 * @property {string} name class of the colour, `dsf-c-…`
 * @property {number[][]} points pairs of x and y
 */

/**
 * A line chart.
 * @param {any} picture an SVG element, emptied first
 * @param {{width: number, height: number, x: [number, number], y: [number, number], xLabel: string, yLabel: string,
 *          lines: Line[], marks?: {x: number, y?: number, name?: string}[], log?: boolean, logX?: boolean}} options
 *        `log` draws y on a logarithmic axis, `logX` x
 */
export function lineChart(picture, { width, height, x, y, xLabel, yLabel, lines, marks = [], log = false, logX = false }) {
  const [left, right, top, bottom] = [44, 10, 18, 34];
  const place = (value) => (logX ? Math.log10(value) : value);
  const [first, last] = x.map(place);
  const across = (value) => left + ((place(value) - first) / (last - first)) * (width - left - right);
  const level = (value) => (log ? Math.log10(value) : value);
  const [low, high] = y.map(level);
  const up = (value) => height - bottom - ((level(value) - low) / (high - low)) * (height - top - bottom);
  const inside = (value) => Math.max(-50, Math.min(height + 50, up(value)));
  const parts = [];
  const powers = (from, to) => ticks(from, to, 5).filter(Number.isInteger).map((power) => 10 ** power);
  for (const tick of logX ? powers(first, last) : ticks(x[0], x[1], width < 400 ? 4 : 7)) {
    parts.push(svg("line", { class: "dsf-grid", x1: across(tick), x2: across(tick), y1: top, y2: height - bottom }));
    parts.push(svg("text", { x: across(tick), y: height - bottom + 14, "text-anchor": "middle" }, plain(tick)));
  }
  for (const tick of log ? powers(low, high) : ticks(low, high, 4)) {
    parts.push(svg("line", { class: "dsf-grid", x1: left, x2: width - right, y1: up(tick), y2: up(tick) }));
    parts.push(svg("text", { x: left - 5, y: up(tick) + 4, "text-anchor": "end" }, plain(tick)));
  }
  parts.push(svg("text", { x: left - 40, y: 11 }, yLabel));
  parts.push(svg("text", { x: width - right, y: height - 4, "text-anchor": "end" }, xLabel));
  // Cuts off what leaves the frame. A style too, because pages set the height of every svg.
  const [wide, tall] = [width - left - right, height - top - bottom];
  const style = `width:${wide}px;height:${tall}px;overflow:hidden;max-width:none`;
  const clip = svg("svg", { x: left, y: top, width: wide, height: tall, style });
  for (const line of lines) {
    const seen = line.points.filter(([, value]) => Number.isFinite(value) && (!log || value > 0));
    if (!seen.length) continue;
    const path = seen.map(([px, py]) => `${(across(px) - left).toFixed(1)},${(inside(py) - top).toFixed(1)}`).join(" ");
    clip.append(svg("polyline", { class: `dsf-line ${line.name}`, points: path }));
  }
  for (const { x: mx, y: my, name = "" } of marks) {
    if (my === undefined) clip.append(svg("line", { class: "dsf-cursor", x1: across(mx) - left, x2: across(mx) - left, y1: 0, y2: height }));
    else if (Number.isFinite(my) && (!log || my > 0)) clip.append(svg("circle", { class: `dsf-dot ${name}`, cx: across(mx) - left, cy: inside(my) - top, r: 4.5 }));
  }
  picture.replaceChildren(...parts, clip);
  picture.setAttribute("width", `${width}`);
  picture.setAttribute("height", `${height}`);
}
