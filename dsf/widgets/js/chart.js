/** Line charts in SVG. */
import { place, svg } from "./dom.js";
import { nameTags, roomFor } from "./names.js";

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
 * @property {string} [title] its name, drawn beside it
 * @property {boolean} [end] whether that stands where the line ends
 */

/**
 * A dot, or without y a vertical line, which may say what it is.
 * @typedef {{x: number, y?: number, name?: string, title?: string}} Mark
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
 * @property {Mark[]} [marks]
 * @property {Line[]} [beside] lines of another chart, for whose names there is room too
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

/** @param {number} x @param {number} y @param {string} text @param {string} [anchor] */
const words = (x, y, text, anchor = "end") => svg("text", { x, y, "text-anchor": anchor }, text);

/**
 * Grid, numbers and names of the axes.
 * @param {Options} options
 * @param {number} right where the frame ends
 * @param {Scale} across
 * @param {Scale} up
 */
function furniture({ width, height, xLabel, yLabel }, right, across, up) {
  const columns = across.ticks(width < 400 ? 4 : 7).flatMap((tick) => {
    const x = LEFT + across.at(tick);
    const grid = svg("line", { class: "dsf-grid", x1: x, x2: x, y1: TOP, y2: height - BOTTOM });
    return [grid, words(x, height - BOTTOM + 14, plain(tick), "middle")];
  });
  const rows = up.ticks(4).flatMap((tick) => {
    const y = TOP + up.at(tick);
    const grid = svg("line", { class: "dsf-grid", x1: LEFT, x2: right, y1: y, y2: y });
    return [grid, words(LEFT - 5, y + 4, plain(tick))];
  });
  return [...columns, ...rows, words(LEFT - 40, 11, yLabel, "start"), words(right, height - 4, xLabel)];
}

/** The key of a line before its name. @param {string} name class of the line */
const keyOf = (name) => svg("line", { class: `dsf-line ${name}`, x1: -7, x2: 6, y1: 0, y2: 0 });

/**
 * A line chart.
 * @param {any} picture an SVG element, emptied first
 * @param {Options} options
 */
export function lineChart(picture, options) {
  const { width, height, x, y, lines, marks = [], beside = [], log = false, logX = false } = options;
  const all = [...lines, ...beside];
  /** @param {Line[]} some */
  const titlesOf = (some) => some.map(({ title = "" }) => title);
  const titles = titlesOf(lines);
  const room = roomFor(titlesOf(all), width, titlesOf(all.filter(({ end }) => end)));
  // A column may not be laid out yet where the figure around it is: no negative width.
  const wide = Math.max(1, width - LEFT - RIGHT - room);
  const tall = height - TOP - BOTTOM;
  const [across, up] = [scale(x, wide, logX), scale(y, -tall, log)];
  /** @param {number} value */
  const inside = (value) => Math.max(-50, Math.min(height + 50, up.at(value)));
  /** @param {number | undefined} value */
  const isSeen = (value) => value !== undefined && Number.isFinite(value) && (!log || value > 0);
  const drawn = lines.map(({ points }) =>
    points.filter(([, value]) => isSeen(value)).map(([px, py]) => [across.at(px), inside(py)]),
  );
  // Cuts off what leaves the frame. A style too, because pages set the height of every svg.
  const style = `width:${wide}px;height:${tall}px;overflow:hidden;max-width:none`;
  const clip = svg("svg", { x: LEFT, y: TOP, width: wide, height: tall, style });
  drawn.forEach((pixels, k) => {
    const points = pixels.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ");
    if (pixels.length) clip.append(svg("polyline", { class: `dsf-line ${lines[k].name}`, points }));
  });
  for (const { x: mx, y: my, name = "" } of marks) {
    const at = across.at(mx);
    if (my === undefined) clip.append(svg("line", { class: "dsf-cursor", x1: at, x2: at, y1: 0, y2: tall }));
    else if (isSeen(my)) clip.append(svg("circle", { class: `dsf-dot ${name}`, cx: at, cy: inside(my), r: 4.5 }));
  }
  const said = marks.flatMap(({ x: mx, title }) =>
    title ? [words(LEFT + across.at(mx), TOP - 6, title, "middle")] : [],
  );
  const named = lines.map(({ name, end }, k) => ({ title: titles[k], points: drawn[k], key: keyOf(name), end }));
  const tags = nameTags(named, { left: 0, right: wide, top: 0, bottom: tall, room });
  const names = svg("g", { transform: `translate(${LEFT} ${TOP})` }, ...tags);
  picture.replaceChildren(...furniture(options, LEFT + wide, across, up), clip, ...said, names);
  place(picture, { width, height });
}
