/** The hook of chapter 7: one head with one decay, worked off in chunks, from the loop to attention. */
import { svg } from "./dom.js";
import { hook, THICK, TOP } from "./hook.js";
import { numberOf } from "./traits.js";

const [LENGTH, FEATURES, CHANNELS] = [64, 16, 16];
const MOST = Math.log2(LENGTH);
const CHUNKS = Array.from({ length: MOST + 1 }, (_, power) => 2 ** power);
const [SIDE, GAP] = [96, 12]; // in pixels: of the triangle, and from it to the bars

/** What one head multiplies in chunks, the factors of the mask left out. @param {number} chunk */
export function multiplications(chunk) {
  const chunks = LENGTH / chunk;
  const state = FEATURES * CHANNELS;
  const inside = chunks * chunk ** 2 * (FEATURES + CHANNELS);
  return inside + (chunks - 1) * 2 * chunk * state + Math.max(0, chunks - 2) * state;
}

/** @param {string} noun @param {number} many */
const counted = (noun, many) => `${noun}${many === 1 ? "" : "s"}`;

/** @param {number} chunk */
function finding(chunk) {
  const many = LENGTH / chunk;
  if (many === 1) return "All weights are computed at once, as in attention. No state is needed.";
  if (chunk === 1) return "The loop: all tokens but the first read the state, all but the last change it.";
  const inside = `Inside a chunk ${chunk} tokens attend to each other.`;
  const often = many === 2 ? "once" : `${many - 1} times`;
  return `${inside} The ${many} chunks hand on a state of ${FEATURES} × ${CHANNELS} numbers, ${often}.`;
}

/**
 * The lower triangle, its blocks filled, pale what they compute above it for nothing; and the loop's mark at its bar.
 * @param {number} chunk
 * @param {number} width
 */
function triangle(chunk, width) {
  const cell = SIDE / LENGTH;
  const blocks = Array.from({ length: LENGTH / chunk }, (_, k) => {
    const [from, to] = [k * chunk, (k + 1) * chunk].map((at) => 0.5 + at * cell);
    const way = stairs(from, chunk, cell);
    return [
      svg("path", { class: "dsf-pos", "fill-opacity": 0.3, d: `M${to} ${to}${way}H${to}Z` }),
      svg("path", { class: "dsf-pos", d: `M${from} ${from}V${to}H${to}${way}Z` }),
    ];
  });
  const borders = Array.from({ length: LENGTH / chunk - 1 }, (_, k) => {
    const at = 0.5 + (k + 1) * chunk * cell;
    const ends = { x1: 0.5, x2: at, y1: at, y2: at };
    return svg("line", { class: "dsf-cell-line", ...ends, "stroke-width": LENGTH / chunk > 16 ? 0.5 : 1 });
  });
  const meanings = ["filled: attention", "pale: in vain", "empty: by the state", "mark: the loop"];
  const legend = meanings.map((text, k) => svg("text", { x: width, y: 18 + 22 * k, "text-anchor": "end" }, text));
  // Shows on both sides of the bar, whatever of that is full.
  const at = 0.5 + (multiplications(1) / multiplications(LENGTH)) * (width - 1);
  const top = SIDE + GAP + TOP;
  const ends = { x1: at, x2: at, y1: top - 5, y2: top + THICK + 5 };
  const mark = svg("line", { ...ends, stroke: "currentColor", "stroke-width": 2 });
  const edge = svg("path", { class: "dsf-chosen", d: `M0.5 0.5V${SIDE + 0.5}H${SIDE + 0.5}Z` });
  return {
    nodes: [...blocks.flat(), ...borders, edge, ...legend, mark],
    height: SIDE + GAP,
    said: `${LENGTH / chunk} ${counted("block", LENGTH / chunk)} on the diagonal`,
  };
}

/**
 * The way back up along the diagonal, a token a stair.
 * @param {number} from
 * @param {number} chunk
 * @param {number} cell
 */
const stairs = (from, chunk, cell) =>
  Array.from({ length: chunk }, (_, k) => {
    const at = from + (chunk - 1 - k) * cell;
    return `V${at}H${at}`;
  }).join("");

export default hook({
  traits: { chunk: numberOf(CHUNKS) },
  slider: (it) => {
    const read = (/** @type {number} */ power) => 2 ** power;
    const limits = () => ({ min: 0, max: MOST, value: Math.log2(it.state().chunk), read });
    return it.slider("chunk", "Chunk length Q", limits, String);
  },
  head: ["log₂ Q", "Q", "steps in a row", "multiplications"],
  places: CHUNKS.map((_, power) => power),
  row(power) {
    const chunk = 2 ** power;
    return [chunk, LENGTH / chunk, multiplications(chunk)].map(String);
  },
  picture: (model, width) => triangle(model.get("chunk"), width),
  see(model) {
    const chunk = model.get("chunk");
    const [many, work] = [LENGTH / chunk, multiplications(chunk)];
    const share = work / multiplications(LENGTH);
    return {
      line: ["", `${many}`, ` ${counted("step", many)} in a row`],
      bars: [{ name: "multiplications", share, label: `${work}`, own: false }],
      said: finding(chunk),
    };
  },
});
