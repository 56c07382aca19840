/** Decay and memory: from the pre-activation of a gate to Λ, to a half-life, to the gain of the input. */
import { softplus, systems } from "./architectures.js";
import { format, frame, html, real, svg, whole, yesNo } from "./dom.js";
import { lineChart, lineStyles, swatch } from "./draw.js";
import { TITLES } from "./looks.js";

const NAMES = ["s6", "ssd", "qlstm", "qlstm_reversed", "rg_lru", "normalized"];
const STYLES = lineStyles(NAMES);
/** Titles without what stands in brackets. */
const title = (name) => TITLES[name].replace(/ \(.*/, "") + (name === "s6" ? ", feature s" : "");
const REACH = 6; // pre-activations from -6 to 6
const POINTS = 121;
const STEPS = 40;

export const traits = {
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
    s6: systems.s6({ step: steps.map((step) => [step]), a: [[-feature]], b: ones, c: ones }),
    ssd: systems.ssd({ step: steps, a: -rate, b: ones, c: ones }),
    qlstm: systems.qlstm(lstm),
    qlstm_reversed: systems.qlstm_reversed({ ...lstm, reversed_sigmoid: true, exponent }),
    rg_lru: systems.rg_lru({ recurrence_gate: column, input_gate: input, decay: [decay] }),
  };
  const out = Object.fromEntries(Object.entries(all).map(([name, { transition, input: b }]) =>
    [name, { transition: [...transition.re], gain: [...b.re] }]));
  // Attention compares two steps: η = 1 before, η = e^x now.
  const pairs = xs.flatMap((x) => [1, Math.exp(x)]);
  const rows = pairs.map(() => [1]);
  const { transition, input: b } = systems.normalized({ q: rows, k: rows, eta: pairs });
  out.normalized = { transition: xs.map((_, k) => transition.re[2 * k + 1]), gain: xs.map((_, k) => b.re[2 * k + 1]) };
  return out;
}

/**
 * After how many steps Λ^l has fallen to one half.
 * @param {number} transition
 */
export const halfLife = (transition) => (transition < 1 ? Math.log(0.5) / Math.log(transition) : Infinity);

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const charts = [0, 1, 2].map(() => svg("svg", { class: "dsf-picture", role: "img" }));
  const table = html("div", { class: "dsf-data" });
  const tenths = (name, label, least, most) =>
    it.slider(name, label, () => ({ min: least, max: most, step: 0.1 }), (value) => value.toFixed(1).replace("-", "−"));
  it.controls.classList.add("dsf-many");
  it.controls.append(
    tenths("pre_activation", "Pre-activation x", -REACH, REACH),
    tenths("exponent", "Exponent α (reversed qLSTM)", 0.1, 4),
    tenths("rate", "Rate a (SSD)", 0.1, 4),
    it.slider("feature", "Feature s (S6)", () => ({ min: 1, max: 16 }), String),
    tenths("decay", "Decay before σ (RG-LRU)", -2, 8),
    tenths("input_gate", "Input gate g (qLSTM, RG-LRU)", -REACH, REACH),
    it.checkbox("mirror", "Draw the reversed qLSTM against −x"),
    it.reset(),
  );
  const titles = ["Λ against the pre-activation x", "What is left of an input after l steps, Λˡ", "How strongly an input enters, B, against Λ"];
  const note = "In normalised attention x is how much log η rises from one step to the next: Λ = e⁻ˣ, which may exceed 1.";
  it.root.append(it.problem, it.controls, it.finding, it.spoken, html("div", { class: "dsf-panels" },
    ...charts.map((chart, k) => html("div", { class: "dsf-panel" }, html("p", { class: "dsf-panel-title" }, titles[k]), chart)),
    html("div", { class: "dsf-panel" }, table, html("p", { class: "dsf-note" }, note))));

  return it.start(() => {
    const state = Object.fromEntries(Object.keys(traits).map((name) => [name, model.get(name)]));
    const x = state.pre_activation;
    const xs = Array.from({ length: POINTS }, (_, k) => -REACH + (2 * REACH * k) / (POINTS - 1));
    const curves = gates(xs, state);
    const here = gates([x], state);
    const at = (name) => ({ transition: here[name].transition[0], gain: here[name].gain[0] });
    const flip = (name) => (name === "qlstm_reversed" && state.mirror ? -1 : 1);
    const size = { width: charts[0].parentElement.clientWidth, height: 240 };
    lineChart(charts[0], {
      ...size, x: [-REACH, REACH], y: [0, 1.5], xLabel: "x", yLabel: "Λ",
      lines: NAMES.map((name) => ({ name: STYLES[name], points: xs.map((value, k) => [flip(name) * value, curves[name].transition[k]]) })),
      marks: [{ x }, ...NAMES.map((name) => ({ x: flip(name) * x, y: at(name).transition, name: STYLES[name] }))],
    });
    const times = Array.from({ length: STEPS + 1 }, (_, l) => l);
    lineChart(charts[1], {
      ...size, x: [0, STEPS], y: [0, 1.5], xLabel: "l", yLabel: "",
      lines: NAMES.map((name) => ({ name: STYLES[name], points: times.map((l) => [l, at(name).transition ** l]) })),
      marks: NAMES.map((name) => ({ x: halfLife(at(name).transition), y: 0.5, name: STYLES[name] })).filter((mark) => mark.x <= STEPS),
    });
    lineChart(charts[2], {
      ...size, x: [0, 1.5], y: [0, 2.5], xLabel: "Λ", yLabel: "B",
      lines: NAMES.map((name) => ({ name: STYLES[name], points: curves[name].transition.map((value, k) => [value, curves[name].gain[k]]) })),
      marks: NAMES.map((name) => ({ x: at(name).transition, y: at(name).gain, name: STYLES[name] })),
    });
    charts.forEach((chart, k) => chart.setAttribute("aria-label", `${titles[k]}, one line for each architecture; the numbers stand in the table`));
    table.replaceChildren(html("table", {},
      html("caption", {}, `At x = ${x.toFixed(1).replace("-", "−")}`),
      html("thead", {}, html("tr", {}, ...["", "Λ", "half-life", "B"].map((head) => html(head ? "th" : "td", head ? { scope: "col" } : {}, head)))),
      html("tbody", {}, ...NAMES.map((name) => {
        const { transition, gain } = at(name);
        const half = halfLife(transition);
        return html("tr", {}, html("th", { scope: "row" }, swatch(STYLES[name]), title(name)), ...[format(transition), half === Infinity ? "never" : format(half), format(gain)].map((cell) => html("td", {}, cell)));
      }))));
    const gap = Math.max(...xs.map((_, k) => Math.abs(curves.qlstm_reversed.transition[POINTS - 1 - k] - curves.qlstm.transition[k])));
    it.say(gap < 1e-9
      ? "At exponent 1 the reversed qLSTM, drawn against −x, lies on the qLSTM: reversing the sigmoid is a change of sign, no more."
      : `At exponent ${state.exponent.toFixed(1)} the reversed qLSTM, drawn against −x, leaves the qLSTM by up to ${format(gap)}: the exponent makes the difference, not the sign.`);
  });
}

export default { render };
