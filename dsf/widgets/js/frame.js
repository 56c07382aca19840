/** The frame of a figure: its controls, the line that says what is seen, and one redraw for many changes. */
import { controlsOf } from "./controls.js";
import { html } from "./dom.js";
import { check } from "./traits.js";

/** @typedef {import("./traits.js").Trait} Trait */

const LEAST_WIDTH = 160; // px: narrower than any screen
const REST_MS = 700; // after which the hand rests

/** Counts the figures of a document: in a notebook each figure loads a module of its own. */
const COUNT = Symbol.for("dsf.figures");

function nextPrefix() {
  const counter = /** @type {Record<symbol, number>} */ (/** @type {unknown} */ (globalThis));
  counter[COUNT] = (counter[COUNT] ?? 0) + 1;
  return `dsf-${counter[COUNT]}`;
}

/**
 * A key without Ctrl, Alt, Shift or Meta is meant for the control that has the focus. JupyterLab would
 * take the arrow keys to move between cells, and Enter to edit one.
 * @param {KeyboardEvent} event
 */
function keepPlainKeys(event) {
  if (!event.ctrlKey && !event.altKey && !event.shiftKey && !event.metaKey) event.stopPropagation();
}

/** The elements that every figure has. */
const parts = () => ({
  root: html("div", { class: "dsf-figure dsf-live", keydown: keepPlainKeys }),
  controls: html("div", { class: "dsf-controls" }),
  finding: html("p", { class: "dsf-finding" }),
  spoken: html("p", { class: "dsf-spoken", role: "status", "aria-live": "polite" }),
  problem: html("p", { class: "dsf-problem", role: "alert", hidden: true }),
});

/**
 * One redraw for many changes of the model; what goes wrong then is told in the figure.
 * @param {any} model
 * @param {Record<string, Trait>} traits
 * @param {any} problem the element that tells it
 */
function redrawing(model, traits, problem) {
  /** @type {(() => void)[]} */
  const calls = [];
  let waiting = false;
  const update = () => {
    for (const call of calls) call();
  };
  function redraw() {
    waiting = false;
    try {
      check(traits, model);
      update();
      problem.hidden = true;
    } catch (error) {
      problem.textContent = `This cannot be drawn: ${/** @type {Error} */ (error).message}`;
      problem.hidden = false;
    }
  }
  function schedule() {
    if (!waiting) queueMicrotask(redraw);
    waiting = true;
  }
  const events = Object.keys(traits).map((name) => `change:${name}`);
  for (const event of events) model.on(event, schedule);
  const end = () => {
    for (const event of events) model.off(event, schedule);
  };
  /** @param {() => void} call */
  const onChange = (call) => calls.push(call);
  return { onChange, update, schedule, end };
}

/**
 * Call back when the width of an element has changed.
 * @param {any} element
 * @param {() => void} call
 * @returns {() => void} what ends it
 */
function watchWidth(element, call) {
  let width = element.clientWidth;
  const observer = new ResizeObserver(() => {
    if (element.clientWidth !== width) call();
    width = element.clientWidth;
  });
  observer.observe(element);
  return () => observer.disconnect();
}

/**
 * @param {{model: any, el: HTMLElement}} anywidget
 * @param {Record<string, Trait>} traits
 */
export function frame({ model, el }, traits) {
  check(traits, model);
  const state = () => Object.fromEntries(Object.keys(traits).map((name) => [name, model.get(name)]));
  const { root, controls, finding, spoken, problem } = parts();
  const { onChange, update, schedule, end } = redrawing(model, traits, problem);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let speech;
  const endings = [end, () => clearTimeout(speech)];
  el.append(root);

  /** @param {Record<string, any>} values */
  function set(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  }

  return {
    ...{ root, controls, finding, spoken, problem, set, state, redraw: schedule },
    ...controlsOf({ model, traits, first: state(), prefix: nextPrefix(), set, onChange }),
    reduced: matchMedia("(prefers-reduced-motion: reduce)"),

    /** Say what is seen: at once for the eye, when the hand rests for the ear. @param {string} text */
    say(text) {
      finding.textContent = text;
      clearTimeout(speech);
      speech = setTimeout(() => {
        spoken.textContent = text;
      }, REST_MS);
    },

    /** @param {() => void} ending */
    atEnd: (ending) => endings.push(ending),

    /**
     * Call `picture` now, after every change, and whenever the width of the figure changes.
     * @param {() => void} picture
     */
    start(picture) {
      // Folded away or not laid out yet there is no room to draw in; the observer calls again.
      onChange(() => {
        if (root.clientWidth >= LEAST_WIDTH) picture();
      });
      endings.push(watchWidth(root, schedule));
      update(); // what goes wrong here is the caller's to show
      return () => {
        for (const ending of endings) ending();
      };
    },
  };
}
