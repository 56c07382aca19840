/** Decay and memory: from the pre-activation of a gate to Λ, to a half-life, to the gain of the input. */
import { ARCHITECTURES } from "./architectures.js";
import { lineChart } from "./chart.js";
import { format, html, panel, svg, tableOf } from "./dom.js";
import { lineStyles, swatch } from "./draw.js";
import { frame } from "./frame.js";
import { TITLES } from "./looks.js";
import { softplus } from "./numbers.js";
import { real, whole, yesNo } from "./traits.js";

const NAMES = ["s6", "ssd", "qlstm", "qlstm_reversed", "rg_lru", "normalized"];
const STYLES = lineStyles(NAMES);
/** The title without what stands in brackets. @param {string} name */
const title = (name) => TITLES[name].replace(/ \(.*/, "") + (name === "s6" ? ", feature s" : "");
const REACH = 6; // pre-activations from -6 to 6
const POINTS = 121;
const STEPS = 40;

const traits = {
  pre_activation: real(-REACH, REACH),
  exponent: real(0.1, 4),
  rate: real(0.1, 4),
  feature: whole(1, 16),
  decay: real(-2, 8),
  input_gate: real(-REACH, REACH),
  mirror: yesNo(),
};

/**
 * Λ and the gain of the input, B, for every architecture at every pre-activation: each pre-activation is
 * one step of a system with n = d = 1.
 * @param {number[]} xs
 * @param {Record<string, any>} state
 * @returns {Record<string, {transition: number[], gain: number[]}>}
 */
export function gates(xs, { exponent, rate, feature, decay, input_gate: g }) {
  const column = xs.map((x) => [x]);
  const ones = xs.map(() => [1]);
  const input = xs.map(() => [g]);
  const steps = xs.map(softplus);
  const lstm = { forget_gate: column, input_gate: input, output_gate: input };
  const all = {
    s6: ARCHITECTURES.s6.system({ step: steps.map((step) => [step]), a: [[-feature]], b: ones, c: ones }),
    ssd: ARCHITECTURES.ssd.system({ step: steps, a: -rate, b: ones, c: ones }),
    qlstm: ARCHITECTURES.qlstm.system(lstm),
    qlstm_reversed: ARCHITECTURES.qlstm_reversed.system({ ...lstm, reversed_sigmoid: true, exponent }),
    rg_lru: ARCHITECTURES.rg_lru.system({ recurrence_gate: column, input_gate: input, decay: [decay] }),
  };
  const out = Object.fromEntries(
    Object.entries(all).map(([name, { transition, input: b }]) => [
      name,
      { transition: [...transition.re], gain: [...b.re] },
    ]),
  );
  // Attention compares two steps: η = 1 before, η = e^x now.
  const pairs = xs.flatMap((x) => [1, Math.exp(x)]);
  const rows = pairs.map(() => [1]);
  const { transition, input: b } = ARCHITECTURES.normalized.system({ q: rows, k: rows, eta: pairs });
  out.normalized = { transition: xs.map((_, k) => transition.re[2 * k + 1]), gain: xs.map((_, k) => b.re[2 * k + 1]) };
  return out;
}

/**
 * After how many steps Λ^l has fallen to one half.
 * @param {number} transition
 */
export const halfLife = (transition) => (transition < 1 ? Math.log(0.5) / Math.log(transition) : Infinity);

const CHARTS = [
  "Λ against the pre-activation x",
  "What is left of an input after l steps, Λˡ",
  "How strongly an input enters, B, against Λ",
];
const NOTE =
  "In normalised attention x is how much log η rises from one step to the next: Λ = e⁻ˣ, which may exceed 1.";
const XS = Array.from({ length: POINTS }, (_, k) => -REACH + (2 * REACH * k) / (POINTS - 1));

/** One digit after the point. @param {number} value */
const tenth = (value) => value.toFixed(1).replace("-", "−");

/** @param {ReturnType<typeof frame>} it */
function controls(it) {
  /** @param {string} name @param {string} label @param {number} min @param {number} max */
  const tenths = (name, label, min, max) => it.slider(name, label, () => ({ min, max, step: 0.1 }), tenth);
  return [
    tenths("pre_activation", "Pre-activation x", -REACH, REACH),
    tenths("exponent", "Exponent α (reversed qLSTM)", 0.1, 4),
    tenths("rate", "Rate a (SSD)", 0.1, 4),
    it.slider("feature", "Feature s (S6)", () => ({ min: 1, max: 16 }), String),
    tenths("decay", "Decay before σ (RG-LRU)", -2, 8),
    tenths("input_gate", "Input gate g (qLSTM, RG-LRU)", -REACH, REACH),
    it.checkbox("mirror", "Draw the reversed qLSTM against −x"),
    it.reset(),
  ];
}

/**
 * The curves of all gates, and where they are now.
 * @param {Record<string, any>} state
 */
function evaluate(state) {
  const x = state.pre_activation;
  const curves = gates(XS, state);
  const now = Object.entries(gates([x], state)).map(([name, { transition, gain }]) => ({
    ...{ name, transition: transition[0], gain: gain[0], half: halfLife(transition[0]) },
    flip: name === "qlstm_reversed" && state.mirror ? -1 : 1,
  }));
  return { x, curves, now, exponent: state.exponent };
}

/** @typedef {ReturnType<typeof evaluate>} View */

/**
 * @param {any[]} charts
 * @param {View} view
 * @param {number} width
 */
function drawCharts(charts, { x, curves, now }, width) {
  const size = { width, height: 240 };
  /** @param {(one: View["now"][0]) => number[][]} points */
  const lines = (points) => now.map((one) => ({ name: STYLES[one.name], points: points(one) }));
  const times = Array.from({ length: STEPS + 1 }, (_, l) => l);
  const dots = now.map(({ name, transition, gain, half, flip }) => ({
    left: { x: flip * x, y: transition, name: STYLES[name] },
    middle: { x: half, y: 0.5, name: STYLES[name] },
    right: { x: transition, y: gain, name: STYLES[name] },
  }));
  lineChart(charts[0], {
    ...{ ...size, x: [-REACH, REACH], y: [0, 1.5], xLabel: "x", yLabel: "Λ" },
    lines: lines(({ name, flip }) => XS.map((value, k) => [flip * value, curves[name].transition[k]])),
    marks: [{ x }, ...dots.map(({ left }) => left)],
  });
  lineChart(charts[1], {
    ...{ ...size, x: [0, STEPS], y: [0, 1.5], xLabel: "l", yLabel: "" },
    lines: lines(({ transition }) => times.map((l) => [l, transition ** l])),
    marks: dots.map(({ middle }) => middle).filter((mark) => mark.x <= STEPS),
  });
  lineChart(charts[2], {
    ...{ ...size, x: [0, 1.5], y: [0, 2.5], xLabel: "Λ", yLabel: "B" },
    lines: lines(({ name }) => curves[name].transition.map((value, k) => [value, curves[name].gain[k]])),
    marks: dots.map(({ right }) => right),
  });
}

/** @param {View} view */
function finding({ curves, exponent }) {
  const reversed = curves.qlstm_reversed.transition;
  const gap = Math.max(...curves.qlstm.transition.map((value, k) => Math.abs(reversed[POINTS - 1 - k] - value)));
  const drawn = "the reversed qLSTM, drawn against −x,";
  return gap < 1e-9
    ? `At exponent 1 ${drawn} lies on the qLSTM: reversing the sigmoid is a change of sign, no more.`
    : `At exponent ${exponent.toFixed(1)} ${drawn} leaves the qLSTM by up to ${format(gap)}: ` +
        "the exponent makes the difference, not the sign.";
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const charts = CHARTS.map((title) => {
    const label = `${title}, one line for each architecture; the numbers stand in the table`;
    return svg("svg", { class: "dsf-picture", role: "img", "aria-label": label });
  });
  const table = html("div", { class: "dsf-data" });
  const panels = charts.map((chart, k) => panel(CHARTS[k], chart));
  const last = html("div", { class: "dsf-panel" }, table, html("p", { class: "dsf-note" }, NOTE));
  it.controls.classList.add("dsf-many");
  it.controls.append(...controls(it));
  const body = html("div", { class: "dsf-panels" }, ...panels, last);
  it.root.append(it.problem, it.controls, it.finding, it.spoken, body);

  return it.start(() => {
    const view = evaluate(it.state());
    drawCharts(charts, view, panels[0].clientWidth);
    const rows = view.now.map(({ name, transition, half, gain }) => [
      [swatch(STYLES[name]), title(name)],
      ...[format(transition), half === Infinity ? "never" : format(half), format(gain)],
    ]);
    table.replaceChildren(tableOf(`At x = ${tenth(view.x)}`, ["", "Λ", "half-life", "B"], rows));
    it.say(finding(view));
  });
}

export default { traits, render };
