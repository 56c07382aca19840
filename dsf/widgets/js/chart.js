/** Line charts in SVG. */
import { place, svg } from "./dom.js";

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
 * @typedef {object} Options
 * @property {number} width
 * @property {number} height
 * @property {[number, number]} x
 * @property {[number, number]} y
 * @property {string} xLabel
 * @property {string} yLabel
 * @property {Line[]} lines
 * @property {{x: number, y?: number, name?: string}[]} [marks]
 * @property {boolean} [log] draw y on a logarithmic axis
 * @property {boolean} [logX] draw x on a logarithmic axis
 */

const [LEFT, RIGHT, TOP, BOTTOM] = [44, 10, 18, 34];

/**
 * Where the numbers of one axis lie, in pixels from the corner of the frame.
 * @param {[number, number]} range
 * @param {number} length negative where the axis runs up
 * @param {boolean} log
 */
function scale(range, length, log) {
  /** @param {number} value */
  const level = (value) => (log ? Math.log10(value) : value);
  const [first, last] = range.map(level);
  const start = Math.max(0, -length);
  return {
    /** @param {number} value */
    at: (value) => start + ((level(value) - first) / (last - first)) * length,
    /** @param {number} wanted */
    ticks: (wanted) =>
      log
        ? ticks(first, last, 5)
            .filter(Number.isInteger)
            .map((power) => 10 ** power)
        : ticks(first, last, wanted),
  };
}

/** @typedef {ReturnType<typeof scale>} Scale */

/**
 * Grid, numbers and names of the axes.
 * @param {Options} options
 * @param {Scale} across
 * @param {Scale} up
 */
function furniture({ width, height, xLabel, yLabel }, across, up) {
  /** @param {number} x @param {number} y @param {string} text @param {string} [anchor] */
  const words = (x, y, text, anchor = "end") => svg("text", { x, y, "text-anchor": anchor }, text);
  const columns = across.ticks(width < 400 ? 4 : 7).flatMap((tick) => {
    const x = LEFT + across.at(tick);
    const grid = svg("line", { class: "dsf-grid", x1: x, x2: x, y1: TOP, y2: height - BOTTOM });
    return [grid, words(x, height - BOTTOM + 14, plain(tick), "middle")];
  });
  const rows = up.ticks(4).flatMap((tick) => {
    const y = TOP + up.at(tick);
    const grid = svg("line", { class: "dsf-grid", x1: LEFT, x2: width - RIGHT, y1: y, y2: y });
    return [grid, words(LEFT - 5, y + 4, plain(tick))];
  });
  return [...columns, ...rows, words(LEFT - 40, 11, yLabel, "start"), words(width - RIGHT, height - 4, xLabel)];
}

/**
 * A line chart.
 * @param {any} picture an SVG element, emptied first
 * @param {Options} options
 */
export function lineChart(picture, options) {
  const { width, height, x, y, lines, marks = [], log = false, logX = false } = options;
  const [wide, tall] = [width - LEFT - RIGHT, height - TOP - BOTTOM];
  const [across, up] = [scale(x, wide, logX), scale(y, -tall, log)];
  /** @param {number} value */
  const inside = (value) => Math.max(-50, Math.min(height + 50, up.at(value)));
  /** @param {number | undefined} value */
  const isSeen = (value) => value !== undefined && Number.isFinite(value) && (!log || value > 0);
  // Cuts off what leaves the frame. A style too, because pages set the height of every svg.
  const style = `width:${wide}px;height:${tall}px;overflow:hidden;max-width:none`;
  const clip = svg("svg", { x: LEFT, y: TOP, width: wide, height: tall, style });
  for (const line of lines) {
    const seen = line.points.filter(([, value]) => isSeen(value));
    const points = seen.map(([px, py]) => `${across.at(px).toFixed(1)},${inside(py).toFixed(1)}`).join(" ");
    if (seen.length) clip.append(svg("polyline", { class: `dsf-line ${line.name}`, points }));
  }
  for (const { x: mx, y: my, name = "" } of marks) {
    const at = across.at(mx);
    if (my === undefined) clip.append(svg("line", { class: "dsf-cursor", x1: at, x2: at, y1: 0, y2: tall }));
    else if (isSeen(my)) clip.append(svg("circle", { class: `dsf-dot ${name}`, cx: at, cy: inside(my), r: 4.5 }));
  }
  picture.replaceChildren(...furniture(options, across, up), clip);
  place(picture, { width, height });
}
