/**
 * A figure as mark-up for a page that may have no script: without its controls, and as small as it looks the same.
 */
import { crc32, deflateSync } from "node:zlib";
import { Element } from "./dom.mjs";

/** What is of use only to a hand, and what is not seen. */
const LEFT_OUT = "controls button field more spoken problem touch hint gone".split(" ").map((name) => `dsf-${name}`);
const NUMBERS = "x y x1 y1 x2 y2 cx cy r rx width height d transform".split(" ");
const SHADES = 32; // steps of opacity in a heat map
const FLAT = 0.15; // px: what a curve may lose when its points are thinned out

/** @param {string} text */
const escaped = (text) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

/** A number as short as it goes, with one digit after the point. @param {number} value */
const short = (value, parts = 10) => `${Math.round(parts * value) / parts + 0}`.replace(/^(-?)0\./, "$1.");

/** All numbers of a text shortened. @param {string} text */
const shortened = (text) => text.replace(/-?\d+\.\d+/g, (number) => short(Number(number)));

/**
 * The points that a curve needs (Douglas and Peucker).
 * @param {number[][]} points
 * @returns {number[][]}
 */
function thinned(points) {
  const [first, last] = [points[0], points[points.length - 1]];
  const [dx, dy] = [last[0] - first[0], last[1] - first[1]];
  const length = Math.hypot(dx, dy);
  let [worst, far] = [0, FLAT];
  points.forEach(([x, y], k) => {
    // A closed curve has no chord: what counts is how far it goes from where it begins.
    const [u, v] = [x - first[0], y - first[1]];
    const away = length ? Math.abs(u * dy - v * dx) / length : Math.hypot(u, v);
    if (away > far) [worst, far] = [k, away];
  });
  if (!worst) return points.length > 1 ? [first, last] : points;
  return [...thinned(points.slice(0, worst + 1)), ...thinned(points.slice(worst)).slice(1)];
}

/**
 * An image in the format PNG.
 * @param {ImageData} image
 */
function png({ width, height, data }) {
  const rows = Buffer.alloc(height * (4 * width + 1)); // each begins with the number of its filter, none
  for (let y = 0; y < height; y++) rows.set(data.subarray(4 * y * width, 4 * (y + 1) * width), y * (4 * width + 1) + 1);
  /** @param {string} kind @param {Uint8Array} content */
  const chunk = (kind, content) => {
    const body = Buffer.concat([Buffer.from(kind), content]);
    const [size, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(content.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([size, body, check]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 6], 8); // bits a channel, RGBA
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [chunk("IHDR", head), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([signature, ...parts]).toString("base64");
}

/**
 * A heat map in units of its cells: those of one colour are one path, each a stroke as wide as its cell is high.
 * @param {Element} group
 */
function heatMap(group) {
  const cells = group.children.filter((cell) => cell instanceof Element);
  /** @param {Element} cell @param {string} name */
  const number = (cell, name) => Number(cell.getAttribute(name));
  const [first] = cells;
  const [left, top, wide, tall] = ["x", "y", "width", "height"].map((name) => number(first, name));
  const next = { x: cells.find((cell) => number(cell, "x") > left), y: cells.find((cell) => number(cell, "y") > top) };
  const across = next.x ? number(next.x, "x") - left : wide;
  const down = next.y ? number(next.y, "y") - top : tall;
  const step = short(wide / across, 100);
  /** @type {Map<string, string>} */
  const paths = new Map();
  for (const cell of cells) {
    const shade = Math.round(SHADES * number(cell, "fill-opacity"));
    const key = `class="${cell.getAttribute("class")}" stroke-opacity="${short(shade / SHADES, 100)}"`;
    const [x, y] = [(number(cell, "x") - left) / across, (number(cell, "y") - top) / down].map(Math.round);
    if (shade) paths.set(key, `${paths.get(key) ?? ""}M${x} ${y}h${step}`);
  }
  const place = `translate(${short(left)} ${short(top + tall / 2)}) scale(${short(across, 1000)} ${short(down, 1000)})`;
  const inside = [...paths].map(([key, path]) => `<path ${key} d="${path}"/>`).join("");
  return `<g class="dsf-heat" transform="${place}" stroke-width="${short(tall / down, 100)}">${inside}</g>`;
}

/** @param {Element} node */
function attributesOf(node) {
  const shown = [...node.attributes].filter(([name]) => !name.startsWith("data-"));
  if (node.tag === "svg" && node.getAttribute("role") === "img" && !node.attributes.has("viewBox")) {
    shown.push(["viewBox", `0 0 ${node.getAttribute("width")} ${node.getAttribute("height")}`]);
  }
  return shown.map(([name, value]) => {
    if (name !== "points") return ` ${name}="${escaped(NUMBERS.includes(name) ? shortened(value) : value)}"`;
    const points = value.split(" ").map((pair) => pair.split(",").map(Number));
    return ` points="${thinned(points)
      .map((pair) => pair.map((value) => short(value)).join())
      .join(" ")}"`; // prettier
  });
}

/**
 * @param {Element | string} node
 * @returns {string}
 */
export function markup(node) {
  if (!(node instanceof Element)) return escaped(node);
  if (node.hidden || node.classes.some((name) => LEFT_OUT.includes(name))) return "";
  if (node.image) {
    const size = `width="${node.image.width}" height="${node.image.height}"`;
    const alt = escaped(node.getAttribute("aria-label") ?? "");
    return `<img class="dsf-matrix" alt="${alt}" ${size} src="data:image/png;base64,${png(node.image)}">`;
  }
  if (node.classes.includes("dsf-heat") && node.children.length) return heatMap(node);
  const inside = node.children.map(markup).join("");
  return `<${node.tag}${attributesOf(node).join("")}>${inside}</${node.tag}>`;
}
