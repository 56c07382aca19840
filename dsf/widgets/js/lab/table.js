/** The runs as a table: sorted, named, hidden and taken away by hand. */
import { html, svg } from "../dom.js";
import { swatch } from "../draw.js";
import { LONGEST, lastOf, nameOf, plainName, stylesOf } from "./runs.js";
import { carried, titleOf } from "./setup.js";

/** @typedef {import("./runs.js").Run} Run */
/** @typedef {{name: string, of: (run: Run) => number | string, show?: (run: Run) => string}} Column */

const RISING = ["run", "n"]; // columns of which the least comes first, where one sorts by them first
const LINE = 20; // letters of a line of a name, where a field does not take the size of its text
const PENCIL = "M2 14l1-4 8-8 3 3-8 8zM9.5 3.5l3 3";

/** @type {Column[]} */
const COLUMNS = [
  { name: "run", of: nameOf },
  { name: "accuracy", of: (run) => lastOf(run).accuracy, show: (run) => lastOf(run).accuracy.toFixed(3) },
  { name: "n", of: ({ setup }) => setup.n },
  { name: "handed on", of: ({ setup }) => carried(setup) },
  { name: "steps", of: ({ done }) => done },
  { name: "loss", of: (run) => lastOf(run).loss, show: (run) => lastOf(run).loss.toFixed(2) },
];

/** The sign of what can be written over. */
const pencil = () =>
  svg("svg", { class: "dsf-pencil", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: PENCIL }));

/** How a control is called, by which it is found again when the table is drawn anew. @param {Element | null} control */
const calledAs = (control) => control?.getAttribute("aria-label") ?? control?.textContent;

/** @param {(runs: Run[]) => void} keep what is left of them */
export function table(keep) {
  const box = html("div", { class: "dsf-runs", hidden: true });
  let [by, down, shown] = [-1, false, ""];
  /** @type {Run[]} */
  let runs = [];
  /** @param {Run} run @param {Partial<Run>} what */
  const change = (run, what) => keep(runs.map((other) => (other === run ? { ...other, ...what } : other)));

  /** @param {Run} run @param {string} style */
  function row(run, style) {
    const title = titleOf(run.setup);
    const show = html("input", {
      ...{ type: "checkbox", "aria-label": `Show ${title}` },
      change: () => change(run, { hidden: !show.checked }),
    });
    show.checked = !run.hidden;
    const called = nameOf(run);
    const rename = () => {
      if (name.value !== called) change(run, { name: plainName(name.value) });
    };
    const name = html(
      "textarea",
      {
        ...{ rows: Math.ceil(called.length / LINE), maxlength: LONGEST, "aria-label": `Name of ${title}`, title },
        change: rename,
        /** @param {KeyboardEvent} event */
        keydown(event) {
          if (event.key === "Escape") name.value = called;
          if (event.key !== "Enter") return;
          event.preventDefault(); // a name wraps, and has no lines of its own
          rename();
        },
      },
      called,
    );
    const edit = html("button", {
      ...{ type: "button", class: "dsf-button dsf-edit", "aria-label": `Change the name of ${title}` },
      ...{ title: "Change the name", click: () => [name.focus(), name.select()] },
    });
    edit.append(pencil());
    const away = html("button", {
      ...{ type: "button", class: "dsf-button", "aria-label": `Remove ${title}` },
      click: () => keep(runs.filter((other) => other !== run)),
    });
    away.append("×");
    const cells = COLUMNS.slice(1).map(({ of, show: text }) => html("td", {}, text ? text(run) : `${of(run)}`));
    return html(
      "tr",
      {},
      html("th", { scope: "row" }, html("div", {}, show, swatch(style), name, edit)),
      ...cells,
      html("td", {}, away),
    );
  }

  /** @param {Column} column @param {number} place */
  function head({ name }, place) {
    const button = html("button", {
      ...{ type: "button", class: "dsf-sort" },
      click() {
        down = by === place ? !down : !RISING.includes(name);
        by = place;
        shown = "";
        draw(runs);
      },
    });
    button.append(name);
    const order = by !== place ? null : down ? "descending" : "ascending";
    return html("th", { scope: "col", "aria-sort": order }, button);
  }

  /** @param {Run[]} now */
  function draw(now) {
    const state = JSON.stringify([by, down, now.map(({ points, ...run }) => [run, points.length])]);
    if (state === shown) return;
    [shown, runs] = [state, now];
    box.hidden = !runs.length;
    const styles = new Map(stylesOf(runs).map((style, k) => [runs[k], style]));
    const order = [...runs];
    if (by >= 0) {
      const { of } = COLUMNS[by];
      order.sort((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0));
      if (down) order.reverse();
    }
    const names = html("tr", {}, ...COLUMNS.map(head), html("td", {}));
    const lines = order.map((run) => row(run, styles.get(run) ?? ""));
    const active = document.activeElement;
    const held = active?.closest(".dsf-runs") === box ? calledAs(active) : null;
    box.replaceChildren(html("table", {}, html("thead", {}, names), html("tbody", {}, ...lines)));
    if (held === null) return;
    // Whoever works by keyboard goes on where they were; what was taken away leaves its place to the first.
    const controls = /** @type {HTMLElement[]} */ ([...box.querySelectorAll("input, textarea, button")]);
    (controls.find((control) => calledAs(control) === held) ?? controls[0]).focus();
  }
  return { box, draw };
}
