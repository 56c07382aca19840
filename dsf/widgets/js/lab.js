/** The MQAR laboratory: models that are trained where the reader is, and what became of them. */
import { fold, html, percent, tableOf } from "./dom.js";
import { frame } from "./frame.js";
import { betOn, better, isBet } from "./lab/bet.js";
import { curves } from "./lab/curves.js";
import { desk } from "./lab/desk.js";
import { files, RECORD } from "./lab/files.js";
import { fetchModel, open as openKernel } from "./lab/kernel.js";
import { probeView } from "./lab/probe.js";
import { recordedTable, recordTrait } from "./lab/recorded.js";
import { runsTrait } from "./lab/runs.js";
import * as setups from "./lab/setup.js";
import { fetchShipped } from "./lab/shipped.js";
import { remember, remembered } from "./lab/store.js";
import { table } from "./lab/table.js";
import { TITLES } from "./looks.js";
import { fetchEngine, open } from "./train/engine.js";
import { whole } from "./traits.js";

/** @typedef {import("./lab/setup.js").Setup} Setup */
/** @typedef {import("./lab/session.js").Live} Live */
/** @typedef {ReturnType<typeof frame>} Frame */

const traits = { ...setups.traits, pair: whole(0, 15), runs: runsTrait, record: recordTrait };

/** Where the engine lies: beside the script of this figure. Nothing of it is loaded before it is asked for. */
const script = /** @type {HTMLScriptElement | null} */ (document.currentScript)?.src;
const ENGINE = script ? new URL("train.js", script).href : "";

/** @param {(message: any) => void} hear */
const openPage = async (hear) => open(await fetchEngine(ENGINE), hear);

/** Why nothing can be trained here; empty if it can. @param {any} model */
function hindrance(model) {
  if (model.send) return "";
  if (!ENGINE) return "there is neither a page nor a kernel behind this figure";
  const missing = ["Worker", "WebAssembly"].filter((name) => !(name in globalThis));
  return missing.length ? `this browser has no ${missing.join(" and no ")}` : "";
}

/** @param {Setup} setup */
const named = ({ mixer, n }) => `${TITLES[mixer]}, n = ${n}`;
/** @param {number} value */
const grouped = (value) => (value < 10_000 ? `${value}` : `${value}`.replace(/\B(?=(\d{3})+$)/g, " "));
/** @param {Live} live */
const scored = ({ points }) => {
  const last = points[points.length - 1];
  return last ? `accuracy ${last.accuracy.toFixed(2)}, loss ${last.loss.toFixed(2)}` : "nothing scored yet";
};
/** @type {Record<string, string>} */
const BACKENDS = { wasm: "WebAssembly", webgpu: "WebGPU" };

/** S6 from its paper's start stays at guessing, with most n and seeds; from another it does not. */
const S6 = " S6 from its paper's start mostly guesses here. Choose “slow poles, long steps” under More.";
const GUESSES = 1.3; // times what guessing scores
/** @param {Live} live */
const isStuck = ({ setup, status, points }) =>
  status === "done" && setup.mixer === "s6" && !setup.start && (points.at(-1)?.accuracy ?? 1) * setup.K < GUESSES;

/** What is seen, in words. @param {Setup} setup @param {ReturnType<typeof desk>} lab */
function finding(setup, lab) {
  const { K, L } = setup;
  const { live } = lab;
  if (!live && lab.held().some((run) => setups.isSame(run.setup, setup)))
    return `${named(setup)}: a new model. The run in the table is kept as a curve, its weights are not.`;
  if (!live) {
    const guesses = `Guessing among the pairs scores ${percent(1 / K)}`;
    const { R } = setups.taskOf(setup);
    const { start, steps, rate, seed } = setup;
    const plan = `To come: ${steps} steps at rate ${rate}, seed ${seed}${start && `, start ${start}`}.`;
    const task = `It reads ${K} pairs in ${L} tokens and is asked ${K * R} times`;
    return `${named(setup)}, untrained. ${task}. ${guesses}. ${plan}`;
  }
  if (live.status === "loading") return `${named(setup)}: the model is being built …`;
  if (live.status === "failed") return `${named(setup)}: stopped after ${live.done} steps.`;
  if (live.given && !live.done) {
    const now = lab.changes && ` Now ${lab.changes}${live.given === RECORD ? ", as in the chapter" : ""}.`;
    return `${named(setup)}, ${live.given}: ${K} pairs in ${L} tokens.${now}`;
  }
  const state = `${named(setup)}: step ${live.done} of ${setup.steps}, ${scored(live)}.`;
  return state + (live.status === "paused" ? " Paused." : isStuck(live) ? S6 : "");
}

/** @param {number} s seconds */
const about = (s) => (s < 90 ? `${5 * Math.ceil(s / 5)} s` : `${Math.round(s / 60)} minutes`);

/** What it is made of, and how fast it learns. @param {Setup} setup @param {Live | null} live */
function sizes(setup, live) {
  const state = `${grouped(setups.carried(setup))} numbers handed on from token to token`;
  if (!live?.parameters) return `${state}.`;
  const where = BACKENDS[live.backend] ?? live.backend;
  const left = (setup.steps - live.done) / live.rate;
  const rest = live.status === "training" ? `, about ${about(left)} to go` : "";
  const speed = live.rate ? `; ${Math.round(live.rate)} steps a second${rest}` : "";
  return `${state}; ${grouped(live.parameters)} parameters; trains in ${where}${speed}.`;
}

/** @param {Frame} it @param {() => Setup} setup */
function controls(it, setup) {
  const places = () => setups.sizesOf(setup().mixer);
  const limits = () => ({
    ...{ min: 0, max: places().length - 1, value: places().indexOf(setup().n) },
    read: (/** @type {number} */ place) => places()[place],
    fixed: places().length > 1 ? null : `${places()[0]}, always`,
  });
  const starts = () => setups.MIXERS[setup().mixer].starts ?? [];
  return {
    mixer: it.select(
      "mixer",
      "Architecture",
      Object.keys(setups.MIXERS).map((name) => [name, TITLES[name]]),
    ),
    n: it.slider("n", "State expansion n", limits, () => `${setup().n}`),
    rare: [
      it.select(
        "start",
        "Start",
        () => ["", ...starts()].map((start) => [start, start || "its paper's"]),
        () => setup().start,
      ),
      it.select("d", "Width d", setups.WIDTHS),
      it.slider(
        "pairs",
        "Pairs K",
        () => ({ min: 1, max: setups.mostPairs(setup().L), value: setup().K }),
        () => `${setup().K}`,
      ),
      it.select("length", "Tokens L", setups.LENGTHS),
      it.select("rate", "Learning rate", setups.RATES),
      it.select("steps", "Steps", setups.STEPS),
      it.slider("seed", "Seed", () => ({ min: 0, max: 9 }), String),
    ],
  };
}

const SERIES = "Train all four with these settings";
/** The first button, by what the model does. @type {Record<string, string>} */
const LABELS = { training: "Pause", paused: "Go on", loading: "Starting …" };
/**
 * The label of a button, and whether it can be pushed.
 * @param {any} node @param {string} label @param {boolean} able
 */
function turn(node, label, able) {
  if (node.textContent !== label) node.textContent = label;
  node.disabled = !able;
}

/**
 * The values that the browser remembers, where this figure is in a page and its address asks for no others.
 * @param {any} model @param {Element | null} figure
 */
function restore(model, figure) {
  const { state = {} } = remembered();
  const asked = figure !== null && location.hash.startsWith(`#${figure.id}:`);
  for (const [name, trait] of Object.entries(traits))
    if (name in state && trait.accepts(state[name]) && (!asked || name === "runs")) model.set(name, state[name]);
}

/**
 * Training stops while nobody looks, and all is given back when the page is left.
 * @param {ReturnType<typeof desk>} lab
 */
function away(lab) {
  let waiting = false;
  const seen = () => {
    if (document.hidden && lab.live?.status === "training") {
      waiting = true;
      lab.pause();
    } else if (!document.hidden && waiting) {
      waiting = false;
      lab.goOn();
    }
  };
  const gone = () => {
    lab.leave();
    lab.end();
  };
  document.addEventListener("visibilitychange", seen);
  addEventListener("pagehide", gone);
  return () => {
    document.removeEventListener("visibilitychange", seen);
    removeEventListener("pagehide", gone);
  };
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const first = it.state();
  const reason = hindrance(model);
  const inPage = Boolean(ENGINE) && !model.send;
  if (inPage) restore(model, el.closest("figure"));
  const kept = inPage ? remembered().bet : null;
  let bet = isBet(kept) ? /** @type {number} */ (kept) : null;
  const record = model.get("record");
  const setup = () => setups.setupOf(model);
  const lab = desk(it, model, model.send ? async (hear) => openKernel(model, hear) : openPage);

  const { mixer, n, rare } = controls(it, setup);
  const train = it.button("Train", lab.main);
  const step = it.button("One step", lab.step);
  const all = it.button(SERIES, () => lab.series(setup()));
  const reset = it.button("Reset", () => lab.reset(first));
  const wager = better(
    (option) => {
      bet = option;
      if (inPage) remember({ bet });
      it.redraw();
    },
    () => lab.series(betOn(setups.SERIES[0])),
    record,
  );
  const trouble = html("p", { class: "dsf-problem", role: "alert", hidden: true });
  const ship = (/** @type {string} */ name) => (model.send ? fetchModel(model, name) : fetchShipped(name, ENGINE));
  const box = files(lab, reason ? null : ship, (words) => {
    trouble.textContent = words;
    trouble.hidden = !words;
  });
  const [charts, rows, probe] = [curves(), table(lab.keep), probeView((pair) => it.set({ pair }))];
  const made = html("p", { class: "dsf-note" });
  const recorded = recordedTable(record);
  const data = fold("dsf-data", recorded.title, tableOf("", recorded.head, recorded.rows));
  it.controls.append(mixer, n, train, it.more(...rare, step, all, reset, box.node));
  it.root.append(wager.box, it.controls, charts.node, it.finding, it.spoken, made, trouble, it.problem);
  it.root.append(rows.box, probe.node, data);

  /** @param {Setup} now @param {string} status */
  function turnControls(now, status) {
    const able = !reason && bet !== null && status !== "loading";
    turn(train, LABELS[status] ?? "Train", able);
    turn(step, "One step", able && status !== "training");
    const busy = lab.busy || status === "training";
    turn(all, SERIES, able && !busy && setups.sizesOf(now.mixer).length > 1);
    wager.box.hidden = Boolean(reason);
    wager.draw(bet, lab.held(), busy || status === "loading");
    box.draw();
  }
  /** @param {Live | null} live */
  function complain(live) {
    if (live?.status === "loading") box.tell(""); // what went wrong before is over
    if (live?.status === "failed") box.tell(`Training stopped: ${live.reason}. What is on the chart stays.`);
    else if (reason && inPage) box.tell(`Nothing can be trained here: ${reason}. The curves are recorded runs.`);
  }
  let saved = "";
  function save() {
    const { record: _, ...state } = it.state();
    const now = JSON.stringify(state);
    if (saved && now !== saved) remember({ state });
    saved = now;
  }
  function draw() {
    lab.follow();
    const width = it.root.clientWidth;
    const [{ live }, now, runs] = [lab, setup(), lab.held()];
    turnControls(now, live?.status ?? "");
    const shown = live?.status === "done" ? null : live; // which is among the runs
    charts.draw({ setup: now, runs, live: shown, bet, record, alone: Boolean(reason) }, width);
    rows.draw(runs);
    probe.draw(now, live?.probe ?? null, model.get("pair"), width);
    it.root.style.setProperty("--dsf-own", `var(--dsf-${now.mixer})`);
    complain(live);
    made.textContent = sizes(now, live);
    data.hidden = !reason && (bet === null || !(runs.length || live?.points.length)); // as the curves of the record
    it.say(finding(now, lab));
    if (inPage) save();
  }
  if (inPage) it.atEnd(away(lab));
  it.atEnd(lab.end);
  return it.start(draw);
}

export default { traits, render };
