/** What the explorer says: of each of the five steps, what its picture shows. */
import { bestOf, hits } from "./answers.js";
import { format } from "./dom.js";
import { CHANNELS } from "./layer.js";
import { TITLES } from "./looks.js";
import { at, takeApart } from "./system.js";
import { entries, isText, keptAt, moduli, quoted, span, stateAt, writtenAt } from "./view.js";

/** @typedef {import("./view.js").View} View */

/** A number as a lower index. @param {number} index */
const low = (index) => `${index}`.replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]).replace("-", "₋");

/** @param {View} view @param {number} j */
const token = ({ kind, read }, j) => (isText(kind) ? `input ${j}, ${quoted(read.tokens[j])}` : `input ${j}`);

/** @param {View} view */
const opening = ({ kind, read, time }) => `Step ${time}${isText(kind) ? `, ${quoted(read.tokens[time])}` : ""}: `;

/** A share in words. @param {number} share */
const percent = (share) => `${share > 0 && share < 0.01 ? format(100 * share) : Math.round(100 * share)} %`;

/** How large an array is, all its entries together. @param {{value: {re: number, im: number}}[]} all */
const size = (all) => Math.hypot(...all.flatMap(({ value: { re, im } }) => [re, im]));

/** @param {number} count @param {string} what */
const counted = (count, what) => `${count === 1 ? "one" : count} ${what}${count === 1 ? "" : "s"}`;

/** Which numbers are written. @param {View} view */
function write(view) {
  const { system, time, n } = view;
  const all = entries(view, writtenAt(view, time));
  const sizes = all.map(({ value: { re, im } }) => Math.hypot(re, im));
  const most = all[sizes.indexOf(Math.max(...sizes))];
  if (!size(all)) return `${opening(view)}nothing is written, u${low(time)} is zero.`;
  const held = system.input.rows * system.input.cols;
  const made = `${held} in B${low(time)} and ${CHANNELS} in u${low(time)} make ${n * CHANNELS} numbers to write`;
  const value = format(most.value.re) + (system.input.im ? " (real part)" : "");
  return `${opening(view)}${made}. The largest, ${value}, goes to feature ${most.a} of channel ${most.c}.`;
}

/** What share stays. @param {View} view */
function decay(view) {
  const { system, time } = view;
  if (time === 0) return `${opening(view)}the state before it is zero, so there is nothing yet that could decay.`;
  const here = moduli(view, time);
  const name = system.transition.im ? `|Λ${low(time)}|` : `Λ${low(time)}`;
  const one = `${name} is one number, ${format(here[0])}`;
  const held = here.length === 1 ? one : `${name} is ${here.length} numbers ${span(here)}`;
  const before = size(entries(view, stateAt(view, time - 1)));
  if (!before) return `${opening(view)}${held}. The state is still zero.`;
  const share = size(entries(view, keptAt(view, time))) / before;
  const stays = share > 1.005 ? `the state grows to ${percent(share)}` : `${percent(share)} of the state stays`;
  return `${opening(view)}${held}; ${stays}.`;
}

/** What is read. @param {View} view */
function read(view) {
  const { ran, time, channel, n } = view;
  const all = view.terms();
  const terms = Array.from({ length: n }, (_, a) => all.re[at(all, time, a, channel)]);
  const most = terms.reduce((best, term, a) => (Math.abs(term) > Math.abs(terms[best]) ? a : best), 0);
  const y = `y${low(time)} = ${format(ran().outputs[time][channel])} in channel ${channel}`;
  if (n === 1) return `${opening(view)}${y}, read from one state.`;
  return `${opening(view)}${y}, a sum of ${n} terms. The largest, ${format(terms[most])}, comes from feature ${most}.`;
}

/** The product in numbers. @param {View} view */
function product(view) {
  const { system, channel, time, source } = view;
  const { features, total } = takeApart(system, time, source, channel);
  const left = features.map(({ product: { re, im } }) => Math.hypot(re, im));
  const [least, most] = [Math.min(...left), Math.max(...left)];
  const share = most - least < 5e-4 * most ? percent(most) : `${percent(least)} to ${percent(most)}`;
  const between = time - source;
  const way = between ? `after ${counted(between, "transition")} ${share} of it is left` : "no transition lies between";
  const sum = features.length === 1 ? "one product" : `the sum of ${features.length} products`;
  const entry = `Φ${low(time)},${low(source)} = ${format(total)}, ${sum}`;
  return `${entry}: so much of ${token(view, source)} is in y${low(time)}. It is written once; ${way}.`;
}

/** The row of the step in words. @param {View} view */
function row(view) {
  const { time, length, phi: matrix } = view;
  const best = bestOf(matrix(), length, time);
  const weight = matrix()[time * length + best];
  if (!weight) return `Row ${time} of Φ is zero, nothing is read.`;
  return `Row ${time} gives the most weight to ${token(view, best)} (${format(weight)}).`;
}

/** Which pairs are recalled. @param {View} view */
function phi(view) {
  const {
    name,
    kind,
    n,
    read: { tokens },
  } = view;
  const given = view.answers();
  if (!given.length) return row(view);
  const lost = new Set(given.filter(({ hit }) => !hit).map(({ i }) => quoted(tokens[i])));
  const which = kind === "mqar" && lost.size && lost.size < given.length ? `, not ${[...lost].join(", ")}` : "";
  const what = kind === "mqar" ? "pairs" : "tokens that came before";
  const count = `${TITLES[name]} with n = ${n} recalls ${hits(given)} of ${given.length} ${what}${which}.`;
  const exact = view.exact();
  if (!exact) return `${count} ${row(view)}`;
  const gap = Math.max(...exact.map((value, k) => Math.abs(value - view.phi()[k])));
  const off = `the softmax has weights that differ by up to ${format(gap)}`;
  return `${count} Its keys have one length. It is a stand-in: ${off}.`;
}

/** @type {Record<string, (view: View) => string>} */
export const SAYS = { write, decay, read, product, phi };
