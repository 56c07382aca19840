/** MQAR explorer: a sequence of the task, and what the recorded runs reach on it. */
import { chart, numbers, plane } from "./accuracy.js";
import { ascending, DIVERGED, finding, look } from "./cells.js";
import { html, panel } from "./dom.js";
import { frame } from "./frame.js";
import { recall } from "./recall.js";
import { strip } from "./strip.js";
import { whole } from "./traits.js";

/** @typedef {import("./cells.js").Cell} Cell */
/** @typedef {import("./cells.js").View} View */

const MOST = 2 ** 20;
const NOTHING = "No runs are recorded, so there is nothing to draw.";

/** @param {any} value */
const isSize = (value) => Number.isInteger(value) && value >= 1;
/** @param {Cell} cell */
const isCell = (cell) =>
  typeof cell?.task === "string" &&
  typeof cell.mixer === "string" &&
  isSize(cell.n) &&
  isSize(cell.d) &&
  Array.isArray(cell.accuracy) &&
  cell.accuracy.every((x) => x === null || Number.isFinite(x));

/** @type {import("./traits.js").Trait} */
const text = { parse: String, accepts: (value) => typeof value === "string", wanted: "a text" };
/**
 * What no address can ask for.
 * @param {string} wanted
 * @param {(value: any) => boolean} accepts
 */
const made = (wanted, accepts) => ({ parse: () => null, accepts, wanted });
/** @param {any} value */
const table = (value) => typeof value === "object" && value !== null;

const traits = {
  cells: made("a list of settings with their accuracies", (value) => Array.isArray(value) && value.every(isCell)),
  tasks: made("the tasks by title", table),
  mixers: made("the mixers by name", table),
  task: text,
  mixer: text,
  n: whole(1, MOST),
  d: whole(1, MOST),
  pair: whole(0, MOST),
  seed: whole(0, 999),
};

const SEQUENCE_NOTE =
  "Outlined: keys. Shaded: values. With a question mark: keys that are asked again. ·×7 is filler, seven tokens of it.";
const CHART_NOTE =
  `Lines and bars: mean, lowest and highest of the seeds, which are the dots. ${DIVERGED}: a run diverged. ` +
  "What has one state a channel stands at n = 1, side by side, with a dashed line.";

/** A note with a part that is of use only to who can point. @param {string} text @param {string} hint */
const note = (text, hint) => html("p", { class: "dsf-note" }, text, html("span", { class: "dsf-hint" }, ` ${hint}`));

/**
 * What the first state shows, for the caption in a page.
 * @param {any} model
 */
export function caption(model) {
  const view = look(model);
  return view ? `As first shown, for ${view.title}: ${finding(view, recall(view.task, view.seed))}` : "";
}

/** @param {ReturnType<typeof frame>} it @param {any} model */
function controls(it, model) {
  /** @param {"n" | "d"} name @param {string} label */
  const size = (name, label) => {
    const limits = () => {
      const now = look(model);
      const own = now?.own.filter(({ d }) => name === "d" || d === now.cell.d) ?? [];
      const choices = ascending(own.map((cell) => cell[name]));
      return {
        ...{ min: 0, max: Math.max(0, choices.length - 1), value: now ? choices.indexOf(now.cell[name]) : 0 },
        read: (/** @type {number} */ index) => choices[index],
      };
    };
    return it.slider(name, label, limits, () => `${look(model)?.cell[name]}`);
  };
  const tasks = () => Object.keys(model.get("tasks")).map((title) => /** @type {[string, string]} */ ([title, title]));
  const pairs = () => {
    const now = look(model);
    return { min: 0, max: now ? now.task.K - 1 : 0, value: now?.pair };
  };
  const titles = () => {
    const now = look(model);
    return now ? now.names.map((name) => /** @type {[string, string]} */ ([name, now.mixers[name].title])) : [];
  };
  return {
    ofSequence: [
      it.select("task", "Task", tasks),
      it.slider("pair", "Pair j", pairs, () => `${look(model)?.pair}`),
      it.seedAndReset(),
    ],
    ofCells: [
      it.select("mixer", "Architecture", titles, () => look(model)?.cell.mixer),
      size("n", "State expansion n"),
      size("d", "Width d"),
    ],
  };
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  /** @type {View | null} */
  let view = null;
  const sequence = strip(
    (pair) => it.set({ pair }),
    (pair) => sequence.light(pair ?? view?.pair ?? 0),
  );
  const [curves, heat, data] = [chart(it.set), plane(it.set), numbers()];
  const { ofSequence, ofCells } = controls(it, model);
  it.controls.append(...ofSequence);
  const [left, right] = [panel("", curves.picture), panel("", heat.picture)];
  left.classList.add("dsf-tall");
  const body = [
    ...[it.controls, html("div", {}, sequence.picture)],
    note(SEQUENCE_NOTE, "Point at a key to see its question."),
    ...[it.finding, it.spoken, html("div", { class: "dsf-controls dsf-many" }, ...ofCells)],
    html("div", { class: "dsf-panels" }, left, html("div", { class: "dsf-panel" }, curves.legend), right),
    note(CHART_NOTE, "Click a point, a name or a square to choose it."),
    data.node,
  ];
  const empty = html("p", { class: "dsf-note" }, NOTHING);
  it.root.append(it.problem, empty, ...body);

  return it.start(() => {
    view = look(model);
    empty.hidden = view !== null;
    for (const node of body) node.hidden = view === null;
    if (!view) return;
    const { cell, mixers } = view;
    const [full, ...widths] = [it.root, left, right].map((node) => node.clientWidth); // before anything is changed
    it.root.style.setProperty("--dsf-own", mixers[cell.mixer].color);
    const read = recall(view.task, view.seed);
    sequence.draw(view, read, full);
    sequence.light(view.pair);
    left.firstChild.textContent = `Test accuracy against n, at d = ${cell.d}`;
    right.firstChild.textContent = `${mixers[cell.mixer].title}: test accuracy over n and d`;
    curves.draw(view, widths[0]);
    heat.draw(view, widths[1]);
    data.draw(view);
    it.say(finding(view, read));
  });
}

export default { traits, render };
