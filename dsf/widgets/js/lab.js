/** The MQAR laboratory: models that are trained where the reader is, and what became of them. */
import { fold, html, percent, tableOf } from "./dom.js";
import { frame } from "./frame.js";
import { betOn, better, isBet } from "./lab/bet.js";
import { curves } from "./lab/curves.js";
import { files } from "./lab/files.js";
import { open as openKernel } from "./lab/kernel.js";
import { probeView, sequenceOf } from "./lab/probe.js";
import { recordedTable } from "./lab/recorded_table.js";
import { freshSeed, isWhole, keptOf, readRuns, runsTrait, withRun, writeRuns } from "./lab/runs.js";
import { session } from "./lab/session.js";
import * as setups from "./lab/setup.js";
import { remember, remembered } from "./lab/store.js";
import { table } from "./lab/table.js";
import { TITLES } from "./looks.js";
import { fetchEngine, open } from "./train/engine.js";
import { whole } from "./traits.js";

/** @typedef {import("./lab/setup.js").Setup} Setup */
/** @typedef {import("./lab/session.js").Live} Live */
/** @typedef {ReturnType<typeof frame>} Frame */

const traits = { ...setups.traits, pair: whole(0, 15), runs: runsTrait };

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
const grouped = (value) => `${value}`.replace(/\B(?=(\d{3})+$)/g, " ");
/** @param {Live} live */
const scored = ({ points }) => {
  const last = points[points.length - 1];
  return last ? `accuracy ${last.accuracy.toFixed(2)}, loss ${last.loss.toFixed(2)}` : "nothing scored yet";
};
/** @type {Record<string, string>} */
const BACKENDS = { wasm: "WebAssembly", webgpu: "WebGPU" };

/** What is seen, in words. @param {Setup} setup @param {Live | null} live */
function finding(setup, live) {
  const { K, L } = setup;
  if (!live) {
    const guesses = `Guessing among the pairs scores ${percent(1 / K)}`;
    const { R } = setups.taskOf(setup);
    return `${named(setup)}, untrained. It reads ${K} pairs in ${L} tokens and is asked ${K * R} times. ${guesses}.`;
  }
  if (live.status === "loading") return `${named(setup)}: the model is being built …`;
  if (live.status === "failed") return `${named(setup)}: stopped after ${live.done} steps.`;
  if (live.given && !live.done) return `${named(setup)}, from a file.`;
  const state = `${named(setup)}: step ${live.done} of ${setup.steps}, ${scored(live)}.`;
  return live.status === "paused" ? `${state} Paused.` : state;
}

/** What it is made of, and how fast it learns. @param {Setup} setup @param {Live | null} live */
function sizes(setup, live) {
  const state = `${grouped(setups.carried(setup))} numbers handed on from token to token`;
  if (!live?.parameters) return `${state}.`;
  const where = BACKENDS[live.backend] ?? live.backend;
  const speed = live.rate ? `; ${Math.round(live.rate)} steps a second` : "";
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

/** @param {string} label @param {() => void} click */
const push = (label, click) => html("button", { type: "button", class: "dsf-button", click }, label);
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

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const first = it.state();
  const reason = hindrance(model);
  const inPage = Boolean(ENGINE) && !model.send;
  if (inPage) restore(model, el.closest("figure"));
  const kept = inPage ? remembered().bet : null;
  let bet = isBet(kept) ? /** @type {number} */ (kept) : null;
  /** @type {Setup[]} */
  let queue = [];
  let [text, runs] = ["", readRuns("")];
  const setup = () => setups.setupOf(model);

  /** @param {typeof runs} now */
  const keep = (now) => it.set({ runs: writeRuns(now) });
  const held = () => {
    if (model.get("runs") !== text) [text, runs] = [model.get("runs"), readRuns(model.get("runs"))];
    return runs;
  };
  const lab = session(
    model.send ? async (hear) => openKernel(model, hear) : openPage,
    (of) => sequenceOf(of).tokens,
    () => it.redraw(),
    (live) => {
      keepRun(live);
      queue = queue.filter((next) => !setups.isSame(next, live.setup));
      next();
    },
  );
  /** @param {Live} live */
  function keepRun({ setup: of, points, given }) {
    const run = given ? null : keptOf(of, points);
    if (run) keep(withRun(held(), run));
  }
  /** What is in training ends here; what it has learnt so far stays on the chart. */
  function leave() {
    const { live } = lab;
    if (live && live.status !== "done") keepRun(live);
    if (live) lab.stop();
  }
  function next() {
    const [of] = queue;
    if (!of) return;
    leave();
    it.set(setups.asTraits(of));
    lab.train(of);
  }
  /** Train all n of the series that have not been. @param {Setup} like */
  function series(like) {
    const all = setups.SERIES.filter((n) => setups.sizesOf(like.mixer).includes(n)).map((n) => ({ ...like, n }));
    const open = (/** @type {number} */ seed) =>
      all
        .map((of) => ({ ...of, seed }))
        .filter((of) => !held().some((run) => isWhole(run) && setups.isSame(run.setup, of)));
    let { seed } = like;
    while (all.length && !open(seed).length) seed += 1;
    queue = open(seed);
    next();
  }
  function main() {
    const { live } = lab;
    if (live?.status === "training") return lab.pause();
    if (live?.status === "paused") return lab.goOn();
    queue = [];
    it.set({ seed: freshSeed(held(), setup()) });
    lab.train(setup());
  }

  const { mixer, n, rare } = controls(it, setup);
  const train = push("Train", main);
  const step = push("One step", () => lab.step(setup()));
  const all = push(`Train n = ${setups.SERIES.join(", ")}`, () => series(setup()));
  const reset = push("Reset", () => {
    queue = [];
    lab.stop();
    it.set({ ...first, runs: model.get("runs") });
  });
  const wager = better(
    (option) => {
      bet = option;
      if (inPage) remember({ bet });
      it.redraw();
    },
    () => series(betOn(setups.SERIES[0])),
  );
  const trouble = html("p", { class: "dsf-problem", role: "alert", hidden: true });
  const box = files({
    runs: held,
    live: () => lab.live,
    weights: lab.weights,
    take(of, weights) {
      queue = [];
      leave();
      it.set(setups.asTraits(of));
      lab.begin(of, weights);
    },
    tell(words) {
      trouble.textContent = words;
      trouble.hidden = !words;
    },
  });
  const [charts, rows, probe] = [curves(), table(keep), probeView((pair) => it.set({ pair }))];
  const made = html("p", { class: "dsf-note" });
  const { title, head, rows: recorded } = recordedTable();
  const data = fold("dsf-data", title, tableOf("", head, recorded));
  it.controls.append(mixer, n, train, it.more(...rare, step, all, reset, box.node));
  it.root.append(
    wager.box,
    it.controls,
    charts.node,
    it.finding,
    it.spoken,
    made,
    trouble,
    it.problem,
    rows.box,
    probe.node,
    data,
  );

  function draw() {
    const width = it.root.clientWidth;
    const now = setup();
    if (lab.live && !setups.isSame(lab.live.setup, now)) {
      queue = [];
      leave();
    }
    const { live } = lab;
    const able = !reason && bet !== null;
    const status = live?.status ?? "";
    const going = status === "training";
    const label = going ? "Pause" : status === "paused" ? "Go on" : status === "loading" ? "Starting …" : "Train";
    turn(train, label, able && status !== "loading");
    turn(step, "One step", able && !going && status !== "loading");
    turn(all, all.textContent, able && setups.sizesOf(now.mixer).length > 1);
    wager.box.hidden = Boolean(reason);
    wager.draw(bet, held(), queue.length > 0);
    const shown = live && status !== "done" ? { setup: live.setup, points: live.points, done: live.done } : null;
    charts.draw({ setup: now, runs: held(), live: shown, bet, told: bet !== null, alone: Boolean(reason) }, width);
    rows.draw(held());
    probe.draw(now, live?.probe ?? null, model.get("pair"), width);
    box.draw();
    it.root.style.setProperty("--dsf-own", `var(--dsf-${now.mixer})`);
    if (status === "loading") box.tell(""); // what went wrong before is over
    if (status === "failed") box.tell(`Training stopped: ${live?.reason}. What is on the chart stays.`);
    else if (reason && inPage) box.tell(`Nothing can be trained here: ${reason}. The curves are recorded runs.`);
    made.textContent = sizes(now, live);
    it.say(finding(now, live));
    if (inPage) save();
  }
  let saved = "";
  function save() {
    const state = it.state();
    const now = JSON.stringify(state);
    if (saved && now !== saved) remember({ state });
    saved = now;
  }

  if (inPage) {
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
      leave();
      save();
      lab.end();
    };
    document.addEventListener("visibilitychange", seen);
    addEventListener("pagehide", gone);
    it.atEnd(() => {
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("pagehide", gone);
    });
  }
  it.atEnd(lab.end);
  return it.start(draw);
}

export default { traits, render };
