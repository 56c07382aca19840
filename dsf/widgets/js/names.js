/** Names on the lines of a chart, placed by their number of letters: stills are drawn where nothing can be measured. */
import { svg } from "./dom.js";

/**
 * @typedef {object} Named
 * @property {string} title none if empty
 * @property {number[][]} points of the line, in pixels
 * @property {Node} [key] what stands before the name, around the origin and at most 14 pixels wide
 * @property {boolean} [strong]
 * @property {boolean} [end] whether the name belongs where the line ends, also while that is amid the chart
 * @property {() => void} [takeAway] takes the line away, on a click on the name
 */
/** @typedef {{left: number, right: number, top: number, bottom: number, room: number}} Frame room: free on its right */
/** @typedef {{x: number, y: number}} Spot where a name begins, and the height of its middle */

const [LETTER, TALL, KEY] = [7.5, 14, 18]; // px of a bold letter, of a line of text, of the key and what follows it
const GAP = 8; // px between a name and what it names
const STEP = 6; // px between the places at which a line is looked at
const TRIED = 3; // every so many of them a name is tried
const NEAR = 60; // px from the edge within which a line has come to it
export const WIDE = 480; // px of a chart that has room for all names beside its frame
const SHARE = 0.42; // of a narrower chart, for those names alone that stand at ends

/** A title with room for the sign that takes its line away. @param {string} title @param {boolean} can */
export const away = (title, can) => (can ? `${title} ×` : title);

/** @param {string} title */
const widthOf = (title) => KEY + LETTER * [...title].length;

/**
 * What names take of the width of a chart on the right of its frame.
 * @param {string[]} titles
 * @param {number} width
 * @param {string[]} [ends] those of lines with their names at the ends
 */
export function roomFor(titles, width, ends = []) {
  const fitting = width < WIDE ? ends.filter((title) => GAP + widthOf(title) <= SHARE * width) : titles;
  return fitting.join("") ? GAP + Math.max(...fitting.map(widthOf)) : 0;
}

/** A line as points close enough to see what it crosses. @param {number[][]} points @param {Frame} frame */
function dotted(points, { left, right, top, bottom }) {
  const dots = points.flatMap(([x, y], k) => {
    const [u, v] = points[k + 1] ?? [x, y];
    const parts = Math.max(1, Math.ceil(Math.hypot(u - x, v - y) / STEP));
    return Array.from({ length: parts }, (_, part) => [x + ((u - x) * part) / parts, y + ((v - y) * part) / parts]);
  });
  return dots.filter(([x, y]) => x >= left - 1 && x <= right + 1 && y >= top - 1 && y <= bottom + 1);
}

/**
 * Heights of names in a column: those asked for, moved until none covers another.
 * @param {number[]} heights
 * @param {number} most
 */
function apart(heights, most) {
  const order = heights.map((_, k) => k).sort((a, b) => heights[a] - heights[b]);
  const moved = [...heights];
  for (let k = 1; k < order.length; k++) moved[order[k]] = Math.max(moved[order[k]], moved[order[k - 1]] + TALL);
  let below = most + TALL;
  for (const k of order.reverse()) below = moved[k] = Math.min(moved[k], below - TALL);
  return moved;
}

/**
 * Where a name may stand along its line, rather towards the end.
 * @param {number[][]} dots
 * @param {number} wide
 * @param {Frame} frame
 * @returns {(Spot & {cost: number})[]}
 */
const candidates = (dots, wide, { left, right }) =>
  dots.flatMap(([x, y], k) =>
    k % TRIED
      ? []
      : [0, 0.5, 1].flatMap((part) =>
          [-1, 1].map((side) => ({
            x: Math.max(left, Math.min(right - wide, x - part * wide)),
            y: y + side * (TALL / 2 + GAP / 2),
            cost: (dots.length - k) / dots.length,
          })),
        ),
  );

/**
 * Where a name may stand at the end of its line, or above or below that.
 * @param {number[][]} dots
 * @param {number} wide
 * @param {Frame} frame
 * @returns {(Spot & {cost: number})[]}
 */
function atEnd(dots, wide, { left, right, top, bottom }) {
  const [x, y] = dots[dots.length - 1];
  const steps = Math.ceil((2 * (bottom - top)) / TALL);
  return Array.from({ length: 2 * steps + 1 }, (_, k) => ({
    x: Math.max(left, Math.min(right - wide, x + GAP)),
    y: y + ((k - steps) * TALL) / 2,
    cost: 2 * Math.abs(k - steps),
  }));
}

/**
 * Where names stand inside the frame: at the ends of their lines or along them, where the fewest points of lines are.
 * A name that would cover another stands nowhere.
 * @param {{dots: number[][], title: string, end?: boolean}[]} lines the more important first
 * @param {Frame} frame
 * @returns {(Spot | null)[]}
 */
function inFrame(lines, frame) {
  /** @type {(Spot & {wide: number})[]} */
  const taken = [];
  /** @param {typeof lines[0]} line */
  const spotOf = ({ title, dots, end }) => {
    if (!title || !dots.length) return null;
    const wide = widthOf(title);
    /** @param {Spot} spot */
    const isFree = ({ x, y }) =>
      y >= frame.top - TALL / 2 &&
      y <= frame.bottom - TALL / 2 &&
      taken.every((other) => Math.abs(y - other.y) >= TALL || x >= other.x + other.wide || other.x >= x + wide);
    const others = lines.flatMap((line) => (line.dots === dots ? [] : line.dots));
    /** @param {number[][]} seen @param {Spot} spot @param {number} reach */
    const count = (seen, { x, y }, reach) =>
      seen.filter(([u, v]) => u > x - 2 && u < x + wide + 2 && Math.abs(v - y) < reach).length;
    // Close to another line a name would be read as that one's.
    /** @param {Spot} spot */
    const crossed = (spot) => count(dots, spot, TALL / 2) + count(others, spot, 0.8 * TALL);
    let best = null;
    let least = Infinity;
    for (const spot of (end ? atEnd : candidates)(dots, wide, frame).filter(isFree)) {
      const cost = spot.cost + crossed(spot);
      if (cost < least) [best, least] = [spot, cost];
    }
    if (best) taken.push({ ...best, wide });
    return best;
  };
  const ends = lines.map((line) => (line.end ? spotOf(line) : null));
  return lines.map((line, k) => (line.end ? ends[k] : spotOf(line)));
}

/**
 * Where the names of lines stand: beside the frame at the height where the line ends if there is room and the line
 * comes so far, else at the end or along the line.
 * @param {Named[]} lines the more important first
 * @param {Frame} frame
 * @returns {(Spot | null)[]}
 */
export function namePlaces(lines, frame) {
  const all = lines.map(({ title, points, end }) => ({ title, end, dots: dotted(points, frame) }));
  /** @param {{title: string, dots: number[][]}} line */
  const fits = ({ title, dots }) =>
    title && dots.length && widthOf(title) + GAP <= frame.room && dots[dots.length - 1][0] > frame.right - NEAR;
  const ends = all.filter(fits);
  const heights = apart(
    ends.map(({ dots }) => dots[dots.length - 1][1]),
    frame.bottom + TALL,
  );
  const inside = inFrame(
    all.map((line) => (fits(line) ? { ...line, title: "" } : line)),
    frame,
  );
  return all.map((line, k) => {
    const at = ends.indexOf(line);
    return at < 0 ? inside[k] : { x: frame.right + GAP, y: heights[at] };
  });
}

/** The names in their places. @param {Named[]} lines @param {Frame} frame */
export function nameTags(lines, frame) {
  const spots = namePlaces(
    lines.map((line) => ({ ...line, title: away(line.title, Boolean(line.takeAway)) })),
    frame,
  );
  return lines.flatMap(({ title, key, takeAway, strong = false }, own) => {
    const spot = spots[own];
    if (!spot) return [];
    const at = (/** @type {number} */ x) => `translate(${(spot.x + x).toFixed(1)} ${spot.y.toFixed(1)})`;
    const name = svg("text", { class: strong && "dsf-strong", x: KEY, y: 4 }, title);
    const tag = svg("g", { class: "dsf-name", transform: at(0) }, name);
    if (takeAway) {
      name.append(svg("tspan", { class: "dsf-away", dx: 4 }, "×"));
      tag.append(svg("title", {}, `Take away: ${title}`));
      tag.addEventListener("click", (/** @type {Event} */ event) => {
        event.stopPropagation(); // a click beside it chooses a point
        takeAway();
      });
    }
    return key ? [tag, svg("g", { transform: at(7) }, key)] : [tag];
  });
}
