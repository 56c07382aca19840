/** MQAR explorer: a sequence of the task, and what the recorded runs reach on it. */
import { chart, legend, numbers, plane } from "./accuracy.js";
import { ascending, DIVERGED, finding, joined, look, rated, told } from "./cells.js";
import { fold, html, watch } from "./dom.js";
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
  drawn: text,
  n: whole(1, MOST),
  d: whole(1, MOST),
  pair: whole(0, MOST),
  seed: whole(0, 999),
};

const SEQUENCE_NOTE =
  "Outlined: keys. Shaded: values. With a question mark: keys that are asked again. ·×7 is filler, seven tokens of it.";
const CHART_NOTE =
  `Lines and bars: mean, lowest and highest of the seeds, which are the dots. ${DIVERGED}: a run diverged. ` +
  "Broken lines: what guessing scores, among the values shown, among all, and from the position of the question. ";

/** A note with a part that is of use only to who can point. @param {string} text @param {string} hint */
const note = (text, hint) => html("p", { class: "dsf-note" }, text, html("span", { class: "dsf-hint" }, ` ${hint}`));

/**
 * What the first state shows, for the caption in a page.
 * @param {any} model
 */
export function caption(model) {
  const view = look(model);
  return view ? `As first shown, for ${view.title}: ${finding(view)}` : "";
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
    mixer: it.select("mixer", "Architecture", titles, () => look(model)?.cell.mixer),
    n: size("n", "State expansion n"),
    rare: [it.select("task", "Task", tasks), size("d", "Width d")],
    ofSequence: [
      it.slider("pair", "Pair j", pairs, () => `${look(model)?.pair}`),
      it.button("New draw", () => it.set({ seed: (model.get("seed") + 1) % 1000 })),
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
  const keep = () => it.set({ drawn: joined(view?.drawn ?? []) });
  /** @param {Record<string, any>} selection */
  const choose = (selection) => {
    keep();
    it.set(selection);
  };
  const [curves, heat, data, lines] = [chart(choose), plane(choose), numbers(), legend(it.set)];
  const { mixer, n, rare, ofSequence } = controls(it, model);
  mixer.addEventListener("change", keep, true); // before another one is chosen
  it.controls.append(mixer, n, it.reset(), it.more(...rare, lines.list));
  const [asked, over, rate] = [html("p", { class: "dsf-note" }), html("p", { class: "dsf-panel-title" }), html("span")];
  const body = [
    ...[it.controls, html("div", {}, curves.picture), it.finding, it.spoken],
    html("p", { class: "dsf-note" }, CHART_NOTE, rate),
    fold(
      "dsf-fold",
      "A sequence of this task",
      ...[html("div", { class: "dsf-controls" }, ...ofSequence), sequence.picture, asked],
      note(SEQUENCE_NOTE, "Point at a key to see its question."),
    ),
    fold("dsf-fold", "Test accuracy over n and d", over, heat.picture),
    data.node,
  ];
  const another = watch();
  /** @type {import("./recall.js").Recall} */
  let read;
  const empty = html("p", { class: "dsf-note" }, NOTHING);
  it.root.append(it.problem, empty, ...body);

  return it.start(() => {
    view = look(model);
    empty.hidden = view !== null;
    for (const node of body) node.hidden = view === null;
    if (!view) return;
    const { cell, mixers } = view;
    const width = it.root.clientWidth; // before anything is changed
    it.root.style.setProperty("--dsf-own", mixers[cell.mixer].color);
    if (another(view.title, view.seed)) read = recall(view.task, view.seed);
    sequence.draw(view, read, width);
    sequence.light(view.pair);
    asked.textContent = told(view, read);
    rate.textContent = rated(cell);
    over.textContent = mixers[cell.mixer].title;
    curves.draw(view, width);
    heat.draw(view, width);
    lines.draw(view);
    data.draw(view);
    it.say(finding(view));
  });
}

export default { traits, render };
