/** The DSF explorer: one architecture and one input, in five steps from what a token writes to Φ. */
import { DRAWS, meanHits } from "./answers.js";
import { ARCHITECTURES } from "./architectures.js";
import { html } from "./dom.js";
import { legend } from "./draw.js";
import { frame } from "./frame.js";
import { CHANNELS, fit, MAX_N, MAX_TEXT, sizes } from "./layer.js";
import { TITLES } from "./looks.js";
import { mixing } from "./mixing.js";
import { EQUATIONS, equations } from "./recurrence.js";
import { SAYS } from "./says.js";
import { signals } from "./signals.js";
import { colorsOf, hintOf, listOf, STEPS } from "./steps.js";
import { table } from "./tables.js";
import { oneOf, whole, words } from "./traits.js";
import { evaluate, places } from "./view.js";

export { caption } from "./view.js";

/** @typedef {import("./view.js").View} View */

const NAMES = Object.keys(ARCHITECTURES);
/** @type {[string, string][]} */
const CHOICES = NAMES.map((name) => [name, TITLES[name] + (ARCHITECTURES[name].exact ? " (Taylor stand-in)" : "")]);
/** @type {[string, string][]} */
const INPUTS = [
  ["mqar", "recall (MQAR)"],
  ["text", "your own text"],
  ["random", "random"],
  ["impulse", "impulse"],
];
const ENOUGH = ["linear", "ssd"]; // with the largest n half of the pairs come back in the mean
const STEP_MS = 600;
const REST_MS = 200; // after which the mean over draws is computed,
const SLICE = 10; // so many draws at a time
/** What the system, Φ and all else but the places depend on. */
const LAYER = ["architecture", "input", "text", "n", "channel", "seed"];

const traits = {
  shown: oneOf(Object.keys(STEPS)),
  architecture: oneOf(NAMES),
  input: oneOf(INPUTS.map(([name]) => name)),
  text: words(MAX_TEXT),
  n: whole(1, MAX_N),
  channel: whole(0, CHANNELS - 1),
  time: whole(0, MAX_TEXT - 1),
  source: whole(0, MAX_TEXT - 1),
  seed: whole(0, 999),
};

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

/** The three controls in sight. @param {ReturnType<typeof frame>} it @param {any} model */
function controls(it, model) {
  const now = () => fit(model.get("architecture"), model.get("n"));
  const expansion = () => {
    const choices = sizes(model.get("architecture"));
    return {
      ...{ min: 0, max: choices.length - 1, value: choices.indexOf(now()) },
      read: (/** @type {number} */ index) => choices[index],
      fixed: choices.length === 1 ? "1, always" : null,
    };
  };
  const time = () => ({ min: 0, max: places(model).last, value: places(model).time });
  return [
    it.select("architecture", "Architecture", CHOICES),
    it.slider("n", "State expansion n", expansion, () => `${now()}`),
    it.slider("time", "Step i", time, () => `${places(model).time}`),
  ];
}

/** The others. @param {ReturnType<typeof frame>} it @param {any} model */
function more(it, model) {
  const channels = Array.from({ length: CHANNELS }, (_, c) => c);
  const source = () => ({ min: 0, max: places(model).time, value: places(model).source });
  return it.more(
    it.select("input", "Input", INPUTS),
    it.textbox("text", "Text", MAX_TEXT, () => model.get("input") === "text"),
    it.select("channel", "Channel", channels),
    it.slider("source", "Input j", source, () => `${places(model).source}`),
    it.button("New draw", () => it.set({ seed: (model.get("seed") + 1) % 1000 })),
    player(it, model),
  );
}

/**
 * What is said of the mean over draws: at once of the first picture, later when the hand rests.
 * @param {ReturnType<typeof frame>} it
 */
function meanOf(it) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let atOnce = DRAWS;
  it.atEnd(() => clearTimeout(timer));
  return (/** @type {View} */ { name, kind, n, channel }) => {
    clearTimeout(timer);
    if (kind !== "mqar") return "";
    const mean = meanHits(name, n, channel, atOnce);
    atOnce = 0;
    const more = () => {
      if (meanHits(name, n, channel, SLICE) === null) timer = setTimeout(more);
      else it.redraw();
    };
    if (mean === null) timer = setTimeout(more, REST_MS);
    return `in the mean of ${DRAWS} draws: ${mean === null ? "…" : `${mean.toFixed(1)} of 4`}`;
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

  const list = listOf(it, model);
  const strip = signals((i) => {
    const apart = model.get("shown") === "product" && i <= view.time;
    it.set(apart ? { source: i } : { time: i, source: Math.min(model.get("source"), i) });
  });
  const phi = mixing((time, source) => it.set({ time, source }));
  const arrays = Object.fromEntries(Object.keys(EQUATIONS).map((name) => [name, equations(name)]));
  const [picture, colors, hint] = [html("div"), html("span"), html("p", { class: "dsf-note dsf-hint" })];
  const numbers = table();
  const mean = meanOf(it);
  it.controls.append(...controls(it, model));
  const stage = html("div", { class: "dsf-stage" }, it.controls, picture, it.finding, hint);
  stage.append(
    html("div", { class: "dsf-controls" }, more(it, model), it.reset()),
    html("p", { class: "dsf-note" }, "− ", legend(), colors),
    numbers.node,
  );
  it.root.classList.add("dsf-leads");
  it.root.append(it.problem, html("div", { class: "dsf-lead" }, list.node, stage), it.spoken);

  return it.start(() => {
    const room = stage.clientWidth; // before anything is changed
    const wanted = LAYER.map((name) => model.get(name)).join("\0");
    view = { ...(wanted === known ? view : evaluate(model)), ...places(model) };
    known = wanted;
    const shown = model.get("shown");
    it.root.style.setProperty("--dsf-own", `var(--dsf-${view.name})`);
    list.draw();
    if (shown === "phi") phi.draw(view, room, mean(view));
    else {
      strip.draw(view, shown, room);
      arrays[shown].draw(view);
    }
    picture.replaceChildren(...(shown === "phi" ? [] : [strip.picture]), (arrays[shown] ?? phi).node);
    colors.textContent = colorsOf(shown);
    const free = shown === "phi" ? ENOUGH.includes(view.name) : sizes(view.name).length > 1;
    hint.replaceChildren(...hintOf(shown, free));
    numbers.draw(view, shown);
    it.say(SAYS[shown](view));
  });
}

export default { traits, render };
