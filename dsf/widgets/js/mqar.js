/** MQAR explorer: what recorded runs reach, and what a trained model does on a sequence. */
import { AXES, chart, numbers } from "./accuracy.js";
import { ascending, DIVERGED, finding, joined, look, rated, read, told } from "./cells.js";
import { fold, html, watch } from "./dom.js";
import { frame } from "./frame.js";
import { strip } from "./strip.js";
import { made, oneOf, whole } from "./traits.js";

/** @typedef {import("./cells.js").Cell} Cell */
/** @typedef {import("./cells.js").View} View */

const MOST = 2 ** 20;
const SEQUENCES = 4; // as in runs.py
const NOTHING = "No runs are recorded, so there is nothing to draw.";

/** @param {any} value */
const isSize = (value) => Number.isInteger(value) && value >= 1;
/** @param {Cell} cell */
const isCell = (cell) =>
  typeof cell?.line === "string" &&
  [cell.K, cell.n, cell.d, cell.every].every(isSize) &&
  [cell.accuracy, cell.history].every(Array.isArray) &&
  cell.accuracy.every((x) => x === null || Number.isFinite(x));

/** @type {import("./traits.js").Trait} */
const text = { parse: String, accepts: (value) => typeof value === "string", wanted: "a text" };
const traits = {
  cells: made("a list of settings with their accuracies", (value) => Array.isArray(value) && value.every(isCell)),
  lines: made("the lines by name", (value) => typeof value === "object" && value !== null),
  tasks: made("a list of tasks", Array.isArray),
  models: made("a list of models", Array.isArray),
  ...{ mixer: text, start: text, drawn: text },
  steps: whole(1, MOST),
  n: whole(1, MOST),
  d: whole(1, MOST),
  pairs: whole(1, MOST),
  axis: oneOf(Object.keys(AXES)),
  pair: whole(0, MOST),
  seed: whole(0, SEQUENCES - 1),
};

const CHART_NOTE =
  "Dots are seeds, between the lowest and the highest it is shaded; a marker is their mean, where they lie less " +
  "than 0.1 apart. A run has learnt to bind if it is 0.05 above the hint: what the position of a question alone " +
  "gives away. " +
  `${DIVERGED}: a run diverged.`;
const SEQUENCE_NOTE =
  "Outlined: keys and values. With a question mark: keys that are asked again, and below them the model's answer. " +
  "·×7 is filler, seven tokens of it.";
const WEIGHTS = "Blue: positive weight of the question in Φ, orange: negative.";

/**
 * What the first state shows, for the caption in a page.
 * @param {any} model
 */
export function caption(model) {
  const view = look(model);
  return view ? `As first shown, at d = ${view.d} with ${view.K} pairs: ${finding(view)}` : "";
}

/** What is looked at, found once for all controls and views of a state. @param {any} model */
function lookOnce(model) {
  const changed = watch();
  /** @type {View | null} */
  let view = null;
  let stale = true;
  return () => {
    stale = changed(...Object.keys(traits).map((name) => model.get(name))) || stale;
    if (stale) view = look(model);
    stale = false;
    return view;
  };
}

/** @typedef {[string, string][]} Choices */

/** @param {ReturnType<typeof frame>} it @param {() => View | null} found */
function controls(it, found) {
  /** @template T @param {(view: View) => T} of @param {T} none */
  const seen = (of, none) => () => {
    const view = found();
    return view ? of(view) : none;
  };
  const sizes = (/** @type {View} */ { of, line }) => ascending(of(line).map(({ n }) => n));
  const limits = seen(
    (view) => {
      const choices = sizes(view);
      return {
        ...{ min: 0, max: choices.length - 1, value: choices.indexOf(view.cell.n) },
        read: (/** @type {number} */ index) => choices[index],
      };
    },
    { min: 0, max: 0, value: 0, read: (/** @type {number} */ index) => index },
  );
  /** @param {View} view the lines of the chosen mixer, one of each kind */
  const kin = ({ lines, names, line }) =>
    names.map((name) => lines[name]).filter(({ mixer }) => mixer === lines[line].mixer);
  /** @param {[any, string][]} pairs @returns {Choices} */
  const once = (pairs) => [...new Map(pairs.map(([key, title]) => [`${key}`, title]))];
  /** @param {View} view @param {"K" | "d"} size */
  const offered = ({ all, ofTask }, size) =>
    once(ascending((size === "K" ? all : ofTask).map((cell) => cell[size])).map((value) => [value, `${value}`]));
  // Variants have a list of their own, each beside the architecture that it is one of.
  /** @param {View} view @param {string} name the mixer in whose place it stands */
  const headOf = ({ lines, names }, name) => {
    const { mixer, base } = lines[name];
    return names.some((other) => lines[other].mixer === base) ? base : mixer;
  };
  /** @param {View} view @param {(name: string) => boolean} accepts */
  const mixersOf = ({ lines, names }, accepts) =>
    once(names.filter(accepts).map((name) => [lines[name].mixer, lines[name].name]));
  const heads = seen((view) => mixersOf(view, (name) => headOf(view, name) === view.lines[name].mixer), []);
  const variants = seen((view) => mixersOf(view, (name) => headOf(view, name) === headOf(view, view.line)), []);
  const axes = /** @type {Choices} */ (Object.entries(AXES));
  return {
    mixer: it.select(
      "mixer",
      "Architecture",
      heads,
      seen((view) => headOf(view, view.line), ""),
    ),
    variant: it.select(
      "mixer",
      "Variant",
      variants,
      seen(({ lines, line }) => lines[line].mixer, ""),
      "variant",
    ),
    n: it.slider(
      "n",
      "State expansion n",
      limits,
      seen(({ cell }) => `${cell.n}`, ""),
    ),
    axis: it.select("axis", "Along", axes),
    start: it.select(
      "start",
      "Start",
      seen((view) => once(kin(view).map((line) => [line.start, line.from])), []),
      seen(({ lines, line }) => lines[line].start, ""),
    ),
    steps: it.select(
      "steps",
      "Steps",
      seen((view) => {
        const { start } = view.lines[view.line];
        return once(
          kin(view)
            .filter((line) => line.start === start)
            .map((line) => [line.steps, line.for]),
        );
      }, []),
      seen(({ lines, line }) => lines[line].steps, 0),
    ),
    rare: [
      it.select(
        "pairs",
        "Pairs K",
        seen((view) => offered(view, "K"), []),
        seen(({ K }) => K, 0),
      ),
      it.select(
        "d",
        "Width d",
        seen((view) => offered(view, "d"), []),
        seen(({ d }) => d, 0),
      ),
      it.slider(
        "pair",
        "Question about pair",
        seen(({ K, pair }) => ({ min: 0, max: K - 1, value: pair }), { min: 0, max: 0, value: 0 }),
        seen(({ pair }) => `${pair}`, ""),
      ),
      it.slider("seed", "Sequence", () => ({ min: 0, max: SEQUENCES - 1 }), String),
    ],
  };
}

/** A button for each line beside the chosen one, for the keyboard. @param {(name: string) => void} takeAway */
function others(takeAway) {
  const list = html("div", { class: "dsf-field dsf-others" });
  const changed = watch();
  return {
    list,
    /** @param {View} view */
    draw({ lines, line, drawn }) {
      const rest = drawn.filter((name) => name !== line);
      if (!changed(joined(drawn))) return;
      list.hidden = rest.length === 0;
      const buttons = rest.map((name) => {
        const { title } = lines[name];
        const click = () => takeAway(name);
        return html("button", { type: "button", class: "dsf-button", click }, `Take away: ${title}`);
      });
      list.replaceChildren(...buttons);
    },
  };
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const found = lookOnce(model);
  /** @type {View | null} */
  let view = null;
  const sequence = strip(
    (pair) => it.set({ pair }),
    (pair) => sequence.light(pair ?? view?.pair ?? 0),
  );
  /** What is drawn stays when another line is chosen. */
  const keep = () => view && it.set({ drawn: joined([...view.drawn].reverse()) });
  const usual = { start: "own", steps: 1000 };
  /** @param {{line: string, n: number}} selection */
  const choose = ({ line, n }) => {
    if (!view) return;
    const { mixer, start, steps } = view.lines[line];
    keep();
    it.set({ mixer, start, steps, n });
  };
  /** @param {string} gone */
  const takeAway = (gone) => {
    const stay = view?.drawn.filter((name) => name !== gone && name !== view?.line) ?? [];
    it.set({ drawn: joined(stay.reverse()) });
  };
  const [curves, data] = [chart(/** @type {any} */ (choose), takeAway), numbers()];
  const rest = others(takeAway);
  const { mixer, variant, n, axis, start, steps, rare } = controls(it, found);
  const choices = [mixer, variant, start, steps];
  for (const control of choices) control.addEventListener("change", keep, true); // before it is chosen
  for (const control of [mixer, variant]) control.addEventListener("change", () => it.set(usual));
  it.controls.append(mixer, n, axis, it.reset(), it.more(variant, start, steps, ...rare, rest.list));
  const [about, rate] = [html("p", { class: "dsf-told" }), html("span")];
  const body = [
    ...[it.controls, html("div", {}, curves.picture), it.finding, it.spoken, html("div", {}, sequence.picture), about],
    html("p", { class: "dsf-note" }, WEIGHTS, html("span", { class: "dsf-hint" }, " Point at a question.")),
    fold(
      "dsf-fold",
      "How to read it",
      html("p", { class: "dsf-note" }, `${CHART_NOTE} `, rate),
      html("p", { class: "dsf-note" }, SEQUENCE_NOTE),
    ),
    data.node,
  ];
  const empty = html("p", { class: "dsf-note" }, NOTHING);
  it.root.append(it.problem, empty, ...body);

  return it.start(() => {
    view = found();
    empty.hidden = view !== null;
    for (const node of body) node.hidden = view === null;
    if (!view) return;
    const width = it.root.clientWidth; // before anything is changed
    const answers = read(view);
    it.root.style.setProperty("--dsf-own", view.lines[view.line].color);
    curves.draw(view, width);
    sequence.draw(view, answers, width);
    sequence.light(view.pair);
    about.textContent = told(view, answers, view.pair);
    rate.textContent = rated(view.cell);
    rest.draw(view);
    data.draw(view);
    it.say(finding(view));
  });
}

export default { traits, render };
