/** The runs as a table: sorted, named, hidden and taken away by hand. */
import { html } from "../dom.js";
import { swatch } from "../draw.js";
import { LONGEST, lastOf, nameOf, plainName, stylesOf } from "./runs.js";
import { carried, titleOf } from "./setup.js";

/** @typedef {import("./runs.js").Run} Run */
/** @typedef {{name: string, of: (run: Run) => number | string, show?: (run: Run) => string}} Column */

/** @type {Column[]} */
const COLUMNS = [
  { name: "run", of: nameOf },
  { name: "n", of: ({ setup }) => setup.n },
  { name: "handed on", of: ({ setup }) => carried(setup) },
  { name: "steps", of: ({ done }) => done },
  { name: "loss", of: (run) => lastOf(run).loss, show: (run) => lastOf(run).loss.toFixed(2) },
  { name: "accuracy", of: (run) => lastOf(run).accuracy, show: (run) => lastOf(run).accuracy.toFixed(3) },
];

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
    const name = html("input", {
      ...{ type: "text", value: nameOf(run), maxlength: LONGEST, "aria-label": `Name of ${title}`, title },
      change: () => change(run, { name: plainName(name.value) }),
    });
    const away = html("button", {
      ...{ type: "button", class: "dsf-button", "aria-label": `Remove ${title}` },
      click: () => keep(runs.filter((other) => other !== run)),
    });
    away.append("×");
    const cells = COLUMNS.slice(1).map(({ of, show: text }) => html("td", {}, text ? text(run) : `${of(run)}`));
    return html(
      "tr",
      {},
      html("th", { scope: "row" }, html("div", {}, show, swatch(style), name)),
      ...cells,
      html("td", {}, away),
    );
  }

  /** @param {Column} column @param {number} place */
  function head({ name }, place) {
    const button = html("button", {
      ...{ type: "button", class: "dsf-sort" },
      click() {
        down = by === place ? !down : place > 1;
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
    box.replaceChildren(html("table", {}, html("thead", {}, names), html("tbody", {}, ...lines)));
  }
  return { box, draw };
}
