/** Loss and accuracy against the step: of the runs, of the one in training, and of what was recorded. */
import { lineChart } from "../chart.js";
import { html, place, svg } from "../dom.js";
import { WIDE } from "../names.js";
import { GOAL, label } from "./bet.js";
import { curve } from "./recorded.js";
import { lastOf, nameOf, shadeOf, stylesOf } from "./runs.js";
import { isSame, isUsual, labelOf, MIXERS, positionLevel, SERIES, sizesOf, titleOf } from "./setup.js";

/** @typedef {import("./runs.js").Run} Run */
/** @typedef {import("./runs.js").Point} Point */
/** @typedef {import("./setup.js").Setup} Setup */
/** @typedef {import("../chart.js").Line} Line */

const TOP = 1.1; // of the axis of accuracy: names stand above curves that are at 1
const [HIGH, LOW] = [230, 130]; // px
const NAMED = 8; // curves that carry their names, the last ones
const SHORT = 14; // letters of a name on a phone
const WIDEST = 720; // px

/**
 * @typedef {object} Seen
 * @property {Setup} setup
 * @property {Run[]} runs all that are kept
 * @property {{setup: Setup, points: Point[], done: number, given: string} | null} live
 * @property {number | null} bet
 * @property {import("./recorded.js").Held} record
 * @property {boolean} alone whether recorded curves are all that there can be
 */

/** A label that has its place on a phone. @param {string} label */
function shortened(label) {
  const short = label.replace(/(.), n = /, "$1 ");
  return short.length > SHORT ? `${short.slice(0, SHORT - 1)}…` : short;
}

/** @param {Point[]} points @param {"accuracy" | "loss"} what */
const along = (points, what) => points.map((point) => [point.step, point[what]]);

/**
 * The name of each run by what differs. A seed says nothing of a model whose weights come from elsewhere.
 * @param {(Run & {given?: string})[]} all
 */
export const labelsOf = (all) =>
  all.map(({ name, setup, given }) => {
    const { seed } = setup;
    const others = all.map((other) => (given || other.given ? { ...other.setup, seed } : other.setup));
    return name || labelOf(setup, others) + (given ? `, ${/\w+$/.exec(given)?.[0]}` : "");
  });

/**
 * The recorded curves: behind a run of the reader of that setting, as far as it has come, so that nothing is answered
 * before it is asked; or, where nothing can be trained, of each n.
 * @param {Seen} seen @param {Run[]} every
 */
function behind({ setup, alone, bet, record }, every) {
  if (!isUsual(setup)) return [];
  const { mixer, start } = setup;
  const own = every.filter((run) => isSame({ ...run.setup, seed: setup.seed }, setup));
  const until = alone ? setup.steps : Math.max(0, ...own.map(({ done }) => done));
  if (!alone && bet === null) return [];
  const sizes = alone ? SERIES.filter((n) => sizesOf(mixer).includes(n)) : [setup.n];
  return (sizes.length ? sizes : [1]).flatMap((n) => {
    const found = curve(record, { mixer, start, n });
    const steps = found?.steps.filter((step) => step <= until) ?? [];
    return found && steps.length > 1 ? [{ n, ...found, steps }] : [];
  });
}

export function curves() {
  const [upper, lower] = ["accuracy", "loss"].map((name) =>
    svg("svg", { class: `dsf-picture dsf-lab-${name}`, role: "img" }),
  );
  /** @param {Seen} seen @param {number} room */
  function draw(seen, room) {
    const { setup, runs, live, bet, alone } = seen;
    /** @type {(Run & {given?: string})[]} */
    const every = [...runs, ...(live ? [{ ...live, hidden: false, name: "" }] : [])];
    const styles = stylesOf(every);
    const all = every.filter((run) => !run.hidden);
    const width = Math.min(room, WIDEST);
    const brief = width < WIDE; // on a phone
    const labels = labelsOf(all).map((label, k) =>
      brief ? shortened(all[k].given ? `${all[k].given.split(" ").at(-1)}, n = ${all[k].setup.n}` : label) : label,
    );
    const last = Math.max(setup.steps, ...all.map((run) => run.setup.steps));
    const recorded = behind(seen, every);
    const { name: mixer } = MIXERS[setup.mixer];
    /** @param {number} n */
    const titleOfRecord = (n) =>
      alone ? `n = ${n}` : brief ? shortened(`PyTorch ${mixer}`) : `PyTorch: ${mixer}, n = ${n}, five seeds`;
    /** Guessing scores other numbers there. @param {Setup} own */
    const isOther = (own) => own.K !== setup.K || own.L !== setup.L;
    /** The recorded seeds, thin; of their losses the mean. @param {"accuracy" | "loss"} what @returns {Line[]} */
    const before = (what) =>
      recorded.flatMap(({ n, steps, accuracy, loss }) => {
        const name = `dsf-${setup.mixer} ${shadeOf(n)} dsf-recorded`;
        const courses = what === "loss" ? [loss] : accuracy;
        return courses.map((course, seed) => ({
          name,
          points: steps.map((step, at) => [step, course[at]]),
          title: what === "loss" || seed ? "" : titleOfRecord(n),
          end: true,
        }));
      });
    /** @param {"accuracy" | "loss"} what @returns {Line[]} */
    const own = (what) =>
      all.map((run, k) => ({
        name: styles[every.indexOf(run)] + (isOther(run.setup) ? " dsf-other" : ""),
        points: along(run.points, what),
        title: what === "accuracy" && k >= all.length - NAMED ? labels[k] : "",
        end: true,
      }));
    /** @param {number} height @param {string} name @param {string} title @returns {Line} */
    const level = (height, name, title) => ({
      ...{ name, title, end: brief },
      points: [
        [0, height],
        [last, height],
      ],
    });
    const [guess, hint] = [1 / setup.K, positionLevel(setup)];
    /** @param {string} long @param {string} short @param {number} height */
    const titled = (long, short, height) => (brief ? `${short} ${height.toFixed(2)}` : `${long}: ${height.toFixed(2)}`);
    const levels = [
      level(guess, "dsf-chance dsf-chance-0", titled(`guess among ${setup.K}`, "guess", guess)),
      level(hint, "dsf-chance dsf-chance-1", titled("by position", "hint", hint)),
      ...(bet === null || !isUsual(setup) ? [] : [level(GOAL, "dsf-level", label(bet, brief))]),
    ];
    const shared = { width, x: /** @type {[number, number]} */ ([0, last]), xLabel: "step" };
    const above = [...before("accuracy"), ...own("accuracy"), ...levels];
    const y = /** @type {[number, number]} */ ([0, TOP]);
    lineChart(upper, { ...shared, height: HIGH, y, yLabel: "accuracy", lines: above });
    const most = Math.max(Math.log(2 * setup.L), ...all.flatMap(({ points }) => points.map(({ loss }) => loss)));
    lineChart(lower, {
      ...{ ...shared, height: LOW, y: [0, Math.min(8, most)], yLabel: "loss" },
      beside: above, // so that the steps of both stand below each other
      lines: [...before("loss"), ...own("loss"), level(Math.log(setup.K), "dsf-chance dsf-chance-0", "guess")],
    });
    const said = all
      .filter(({ points }) => points.length)
      .map((run) => `${run.given ? labels[all.indexOf(run)] : nameOf(run)}: ${lastOf(run).accuracy.toFixed(2)}`);
    place(upper, {
      "aria-label": `Accuracy against the step. ${said.join("; ") || `${titleOf(setup)} is not trained yet`}.`,
    });
    place(lower, { "aria-label": "Loss against the step, of the same runs." });
  }
  return { node: html("div", { class: "dsf-lab-curves" }, upper, lower), draw };
}
