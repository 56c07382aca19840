/** The hook of chapter 8: what one state says of the parity of a string of bits. */
import { percent, svg } from "./dom.js";
import { hook, ROW, THICK, TOP } from "./hook.js";
import { STRENGTH } from "./looks.js";
import { real } from "./traits.js";

const BITS = [0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 1]; // drawn once, at random
const NOISE = 0.1; // the state is read with a number between -0.1 and 0.1 added to it

/** How likely what is read of a state is not negative. @param {number} state @param {number} noise */
const even = (state, noise) => (noise === 0 ? Number(state >= 0) : (1 + Math.max(-1, Math.min(1, state / noise))) / 2);

/**
 * The share of all strings of 16 bits whose parity the sign of the last state tells.
 * @param {number} one the transition that a one brings
 * @param {number} noise
 */
export function right(one, noise) {
  let [total, strings] = [0, 1];
  for (let ones = 0; ones <= BITS.length; ones++) {
    const share = even(one ** ones, noise);
    total += strings * (ones % 2 ? 1 - share : share);
    strings *= (BITS.length - ones) / (ones + 1);
  }
  return total / 2 ** BITS.length;
}

/** The state after every bit. @param {number} one */
function states(one) {
  let state = 1;
  return BITS.map((bit) => (state *= bit ? one : 1));
}

/** @param {number} one @param {number} last the last state of the string that is drawn */
function finding(one, last) {
  const left = Math.abs(last) < 0.0005 ? "less than 0.001" : Math.abs(last).toFixed(3);
  if (one === -1) return "Every one turns the sign, and the size of the state stays 1.";
  if (one < 0) return `Every one turns the sign and shrinks the state. After these bits its size is ${left}.`;
  if (one === 0) return "The first one empties the state, and from then on it says even.";
  if (one < 1) return `Every one shrinks the state; it stays positive and says even. After these bits it is ${left}.`;
  return "A one changes nothing: the state stays 1 and says even.";
}

const MARKS = 18; // what the marks of a row of cells take, in pixels

/**
 * Rows of cells, each cell a number from -1 to 1, perhaps with a mark above it.
 * @param {{name: string, values: number[], marks?: string[]}[]} strips
 * @param {number} width
 */
function rows(strips, width) {
  const nodes = [];
  const said = [];
  let height = 0;
  for (const { name, values, marks = [] } of strips) {
    const size = (width - 1) / values.length;
    const y = height + TOP + (marks.length ? MARKS : 0);
    nodes.push(svg("text", { x: 0, y: height + TOP - 7 }, name));
    for (const [k, value] of values.entries()) {
      const box = { x: 0.5 + k * size, y, width: size, height: THICK };
      const opacity = (Math.min(1, Math.abs(value)) ** STRENGTH).toFixed(3);
      const kind = value < 0 ? "dsf-neg" : "dsf-pos";
      nodes.push(svg("rect", { ...box, class: kind, "fill-opacity": opacity }));
      nodes.push(svg("rect", { ...box, class: "dsf-chosen" }));
    }
    for (const [k, mark] of marks.entries()) {
      nodes.push(svg("text", { x: 0.5 + (k + 0.5) * size, y: y - 6, "text-anchor": "middle" }, mark));
    }
    const signs = values.map((value) => (value < 0 ? "−" : value > 0 ? "+" : "0"));
    said.push(`${name}: ${signs.join(" ")}`);
    height += ROW + (marks.length ? MARKS : 0);
  }
  return { nodes, height, said: said.join("; ") };
}

/** @param {number} one */
const signed = (one) => one.toFixed(1).replace("-", "−");

export default hook({
  traits: { one: real(-1, 1) },
  slider: (it) => it.slider("one", "Λ of a one", () => ({ min: -1, max: 1, step: 0.1 }), signed),
  head: ["Λ of a one", "right", "right through noise"],
  places: [-1, -0.9, -0.8, -0.5, 0, 0.5, 1],
  row: (one) => [percent(right(one, 0)), percent(right(one, NOISE))],
  picture(model, width) {
    let parity = 1;
    const wanted = BITS.map((bit) => (parity *= bit ? -1 : 1));
    const strips = [
      { name: "bits; even so far: blue, odd: orange", values: wanted, marks: BITS.map(String) },
      { name: "state; blue: +, orange: −, paler: smaller", values: states(model.get("one")) },
    ];
    return rows(strips, width);
  },
  see(model) {
    const one = model.get("one");
    const [exact, noisy] = [right(one, 0), right(one, NOISE)];
    return {
      line: ["read exactly, right for ", percent(exact), " of all strings"],
      bars: [{ name: "right when read through noise of size 0.1", share: noisy, label: percent(noisy) }],
      said: finding(one, states(one)[BITS.length - 1]),
    };
  },
});
