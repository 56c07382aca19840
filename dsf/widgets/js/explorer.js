/** The DSF explorer: one architecture, one input, one step at a time. */
import { ARCHITECTURES } from "./architectures.js";
import { html, panel } from "./dom.js";
import { legend } from "./draw.js";
import { frame } from "./frame.js";
import { CHANNELS, fit, MAX_N, MAX_TEXT, sizes, tokensOf } from "./layer.js";
import { TITLES } from "./looks.js";
import { mixing, numbers, parts } from "./mixing.js";
import { equation, signals } from "./recurrence.js";
import { oneOf, whole, words } from "./traits.js";
import { evaluate, finding } from "./view.js";

export { caption } from "./view.js";

/** @typedef {import("./view.js").View} View */

const NAMES = Object.keys(ARCHITECTURES);
/** @type {[string, string][]} */
const CHOICES = NAMES.map((name) => [name, TITLES[name] + (name === "softmax" ? " (Taylor)" : "")]);
/** @type {[string, string][]} */
const INPUTS = [
  ["mqar", "recall (MQAR)"],
  ["text", "your own text"],
  ["random", "random"],
  ["impulse", "impulse"],
];
const STEP_MS = 600;
const WIDEST = 420; // of Φ in pixels
const LEGEND = " + · full colour: the largest size over the whole sequence; in Φ, what 97 % of the entries stay below";

const traits = {
  architecture: oneOf(NAMES),
  input: oneOf(INPUTS.map(([name]) => name)),
  text: words(MAX_TEXT),
  n: whole(1, MAX_N),
  channel: whole(0, CHANNELS - 1),
  time: whole(0, MAX_TEXT - 1),
  source: whole(0, MAX_TEXT - 1),
  seed: whole(0, 999),
};

/** The last step, the present one, and the input whose entry is taken apart. @param {any} model */
function places(model) {
  const last = tokensOf(model.get("input"), model.get("seed"), model.get("text")).length - 1;
  const time = Math.min(model.get("time"), last);
  return { last, time, source: Math.min(model.get("source"), time) };
}

/**
 * The button that moves the step on by itself, or once where motion is unwanted.
 * @param {ReturnType<typeof frame>} it
 * @param {any} model
 */
function player(it, model) {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  const button = it.button("Play", () => {
    if (it.reduced.matches) step();
    else if (timer) stop();
    else {
      const { last, time } = places(model);
      if (time === last) it.set({ time: 0 });
      timer = setInterval(step, STEP_MS);
      name();
    }
  });
  function step() {
    const { last, time } = places(model);
    if (time < last) it.set({ time: time + 1 });
    else if (timer) stop();
    else it.set({ time: 0 });
  }
  function stop() {
    clearInterval(timer);
    timer = undefined;
    name();
  }
  function name() {
    button.textContent = it.reduced.matches ? "Step" : timer ? "Pause" : "Play";
  }
  it.reduced.addEventListener("change", name);
  it.atEnd(() => clearInterval(timer));
  it.atEnd(() => it.reduced.removeEventListener("change", name));
  name();
  return button;
}

/** The controls of the layer. @param {ReturnType<typeof frame>} it @param {any} model */
function layerControls(it, model) {
  const now = () => fit(model.get("architecture"), model.get("n"));
  const expansion = () => {
    const choices = sizes(model.get("architecture"));
    return {
      ...{ min: 0, max: choices.length - 1, value: choices.indexOf(now()) },
      read: (/** @type {number} */ index) => choices[index],
      fixed: choices.length === 1 ? "1, always" : null,
    };
  };
  const channels = Array.from({ length: CHANNELS }, (_, c) => /** @type {[string, string]} */ ([`${c}`, `${c}`]));
  return [
    it.select("architecture", "Architecture", CHOICES),
    it.select("input", "Input", INPUTS),
    it.textbox("text", "Text", MAX_TEXT, () => model.get("input") === "text"),
    it.slider("n", "State expansion n", expansion, () => `${now()}`),
    it.select("channel", "Channel", channels),
    it.seedAndReset(),
  ];
}

/** The controls of what is looked at. @param {ReturnType<typeof frame>} it @param {any} model */
function placeControls(it, model) {
  const time = () => ({ min: 0, max: places(model).last, value: places(model).time });
  const source = () => ({ min: 0, max: places(model).time, value: places(model).source });
  return {
    time: it.slider("time", "Step i", time, () => `${places(model).time}`),
    source: it.slider("source", "Entry from input j", source, () => `${places(model).source}`),
  };
}

/**
 * @param {{model: any, el: HTMLElement}} context
 * @returns {() => void} what ends it
 */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  /** @type {View} */
  let view;
  let known = ""; // what view was computed for
  /** @type {[number, number] | null} */
  let under = null;

  const choose = (/** @type {number} */ i, j = i) => it.set({ time: i, source: j });
  const strip = signals((i) => choose(i, Math.min(model.get("source"), i)));
  const [recurrence, apart, table] = [equation(), parts(), numbers()];
  const note = html("p", { class: "dsf-note" });
  const phi = mixing(choose, (entry) => {
    if (String(entry) === String(under)) return;
    under = entry;
    drawEntry(left.clientWidth);
  });
  const { time, source } = placeControls(it, model);
  it.controls.append(...layerControls(it, model));
  const left = panel("The mixing matrix Φ", phi.picture);
  it.root.append(
    ...[it.problem, it.controls, html("div", { class: "dsf-controls" }, player(it, model), time), strip.picture],
    ...[it.finding, it.spoken, html("p", { class: "dsf-panel-title" }, "One step of the recurrence")],
    ...[recurrence.node, note],
    html("div", { class: "dsf-panels" }, left, html("div", { class: "dsf-panel" }, source, apart.node)),
    html("p", { class: "dsf-note" }, "− ", legend(), LEGEND),
    table.node,
  );

  /** @param {number} width */
  function drawEntry(width) {
    /** @type {[number, number]} */
    const shown = under ?? [view.time, view.source];
    phi.draw(view, Math.min(width, WIDEST), shown);
    apart.draw(view, shown);
  }

  return it.start(() => {
    const widths = [it.root.clientWidth, left.clientWidth]; // before anything is changed
    const wanted = ["architecture", "input", "text", "n", "channel", "seed"].map((name) => model.get(name)).join("\0");
    view = { ...(wanted === known ? view : evaluate(model)), ...places(model) };
    known = wanted;
    if (under && under[0] >= view.length) under = null;
    it.root.style.setProperty("--dsf-own", `var(--dsf-${view.name})`);
    strip.draw(view, widths[0]);
    note.textContent = recurrence.draw(view);
    drawEntry(widths[1]);
    table.draw(view);
    it.say(finding(view));
  });
}

export default { traits, render };
