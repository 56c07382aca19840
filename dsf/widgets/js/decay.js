/** Decay and memory: from the pre-activation of a gate to Λ, and to the steps after which half of a token is left. */
import { ARCHITECTURES } from "./architectures.js";
import { fold, format, html, panel, tableOf, watch } from "./dom.js";
import { frame } from "./frame.js";
import { TITLES } from "./looks.js";
import { softplus } from "./numbers.js";
import { smallMultiples } from "./rows.js";
import { real, whole } from "./traits.js";

/** The title without what stands in brackets. @param {string} name */
const title = (name) => TITLES[name].replace(/ \(.*/, "");
const REACH = 6; // pre-activations from -6 to 6
const POINTS = 121;
const STEPS = 40;
const TOP = 1.25; // of a row

const traits = {
  pre_activation: real(-REACH, REACH),
  exponent: real(0.1, 4),
  rate: real(0.1, 4),
  feature: whole(1, 16),
  decay: real(-2, 8),
  input_gate: real(-REACH, REACH),
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

const QUESTION = "After how many steps is half of a token left?";
const TRY =
  "Try: take x down. S6 and SSD keep a token longer and write it more weakly; " +
  "the qLSTM forgets it sooner and writes it as strongly as before.";
const NOTE =
  "In normalised attention x is how much log η rises from one step to the next: Λ = e⁻ˣ, which may exceed 1.";
const XS = Array.from({ length: POINTS }, (_, k) => -REACH + (2 * REACH * k) / (POINTS - 1));
const TIMES = Array.from({ length: STEPS + 1 }, (_, l) => l);
/** @type {[number, string][]} */
const LEVELS = [
  [0, "0"],
  [1, "1"],
];
/** One digit after the point. @param {number} value */
const tenth = (value) => value.toFixed(1).replace("-", "−");
/** @param {number[]} numbers @returns {[number, string][]} */
const marks = (numbers) => numbers.map((number) => [number, `${number}`.replace("-", "−")]);
/** @type {import("./rows.js").Column[]} */
const COLUMNS = [
  { x: [-REACH, REACH], y: [0, TOP], across: marks([-6, -3, 0, 3, 6]), up: LEVELS, title: "Λ against x" },
  { x: [0, STEPS], y: [0, TOP], across: marks([0, 10, 20, 30, 40]), up: LEVELS, title: "B Λˡ after l steps" },
];

/** What does not leave its row. @param {number[][]} points */
const below = (points) => points.filter(([, y]) => y <= TOP);

/** @param {ReturnType<typeof frame>} it */
function controls(it) {
  /** @param {string} name @param {string} label @param {number} min @param {number} max */
  const tenths = (name, label, min, max) => it.slider(name, label, () => ({ min, max, step: 0.1 }), tenth);
  return [
    tenths("pre_activation", "Pre-activation x", -REACH, REACH),
    it.more(
      it.slider("feature", "Feature s (S6)", () => ({ min: 1, max: 16 }), String),
      tenths("rate", "Rate a (SSD)", 0.1, 4),
      tenths("exponent", "Exponent α (reversed qLSTM)", 0.1, 4),
      tenths("decay", "Decay before σ (RG-LRU)", -2, 8),
      tenths("input_gate", "Input gate g (qLSTM, RG-LRU)", -REACH, REACH),
      it.reset(),
    ),
  ];
}

/** @typedef {ReturnType<typeof gates>} Curves */
/** @typedef {{name: string, transition: number, gain: number, half: number}} Gate */

/**
 * The gates at the present pre-activation.
 * @param {Record<string, any>} state
 * @returns {Gate[]}
 */
const gatesNow = (state) =>
  Object.entries(gates([state.pre_activation], state)).map(([name, { transition, gain }]) => ({
    ...{ name, transition: transition[0], gain: gain[0], half: halfLife(transition[0]) },
  }));

/** @param {number} half */
const after = (half) => `${format(half)} ${format(half) === "1.00" ? "step" : "steps"}`;
/** @param {Omit<Gate, "name" | "gain">} gate */
const fate = ({ half, transition }) =>
  half < Infinity ? `half after ${after(half)}` : transition > 1 ? "grows" : "stays";

/**
 * A gate: Λ against x with the place where it is now, and what is left of a token with the step of its half.
 * @param {Gate} gate
 * @param {Curves} curves
 * @param {Record<string, any>} state
 * @returns {import("./rows.js").Row}
 */
function rowOf(gate, curves, state) {
  const { name, transition, gain, half } = gate;
  const { pre_activation: x, feature, rate, exponent } = state;
  const short = title(name).replace(", reversed sigmoid", " reversed");
  const own = { s6: `, s = ${feature}`, ssd: `, a = ${tenth(rate)}`, qlstm_reversed: `, α = ${tenth(exponent)}` };
  const curve = XS.map((value, k) => [value, curves[name].transition[k]]);
  const left = TIMES.map((l) => [l, gain * transition ** l]);
  const [line, spot] = [`dsf-line dsf-${name}`, [x, transition]];
  return {
    name: `${short}${own[/** @type {keyof typeof own} */ (name)] ?? ""}`,
    said: fate(gate),
    lines: [
      [
        { name: line, points: below(curve) },
        { name: `${line} dsf-spot`, points: below([spot, spot]) },
      ],
      [
        { name: "dsf-area", points: [[0, 0], ...left, [STEPS, 0]] },
        { name: line, points: below(left) },
        { name: "dsf-half", points: half <= STEPS ? [0, 1].map((end) => [half, end]) : [] },
      ],
    ],
  };
}

/** @param {Gate[]} now @param {number} x */
function finding(now, x) {
  const fading = now.filter(({ half }) => half < Infinity).sort((one, other) => one.half - other.half);
  const kept = now.filter(({ half }) => half === Infinity);
  const [first, last] = [fading[0], fading[fading.length - 1]];
  const others = kept.map((gate) => `; in ${title(gate.name).replace("N", "n")} it ${fate(gate)}`);
  return (
    `At x = ${tenth(x)} half of a token is left after ${after(first.half)} in ${title(first.name)}, the shortest ` +
    `memory, and after ${after(last.half)} in ${title(last.name)}, the longest${kept.length ? " that fades" : ""}` +
    `${others.join("")}.`
  );
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const rows = smallMultiples(COLUMNS);
  const [summary, numbers] = [html("span"), html("div")];
  const data = fold("dsf-data", summary, numbers);
  const picture = panel(QUESTION, rows.picture);
  it.controls.append(...controls(it));
  const notes = [html("p", { class: "dsf-note dsf-hint" }, TRY), html("p", { class: "dsf-note" }, NOTE)];
  it.root.append(it.problem, it.controls, picture, it.finding, it.spoken, ...notes, data);
  const changed = watch();
  /** @type {Curves} */
  let curves;

  return it.start(() => {
    const state = it.state();
    const { pre_activation: x, exponent, rate, feature, decay } = state;
    const width = picture.clientWidth; // before anything is changed
    if (changed(exponent, rate, feature, decay)) curves = gates(XS, state);
    const now = gatesNow(state);
    const said = now.map((gate) => `${title(gate.name)} ${fate(gate)}`);
    rows.draw(
      now.map((gate) => rowOf(gate, curves, state)),
      width,
      `${QUESTION} At x = ${tenth(x)}: ${said.join("; ")}`,
    );
    summary.textContent = `Numbers at x = ${tenth(x)}`;
    const cells = now.map(({ name, transition, half, gain }) => [
      ...[title(name), format(transition), half === Infinity ? "never" : format(half), format(gain)],
    ]);
    numbers.replaceChildren(tableOf("", ["", "Λ", "half-life", "B"], cells));
    it.say(finding(now, x));
  });
}

export default { traits, render };
