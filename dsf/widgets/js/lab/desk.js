/** What is done with models: trained, one after another where a series is asked for, and kept when they are over. */
import { sequenceOf } from "./probe.js";
import { freshSeed, isWhole, keptOf, readRuns, withRun, writeRuns } from "./runs.js";
import { session } from "./session.js";
import { asTraits, changesOf, isSame, SERIES, setupOf, sizesOf } from "./setup.js";

/** @typedef {import("./setup.js").Setup} Setup */
/** @typedef {import("./runs.js").Run} Run */
/** @typedef {import("./session.js").Live} Live */

/**
 * @param {{set: (values: Record<string, any>) => void, redraw: () => void}} it the frame of the figure
 * @param {any} model
 * @param {import("./session.js").Open} open
 */
export function desk(it, model, open) {
  /** @type {Setup[]} what is still to come of a series */
  let queue = [];
  /** @type {Run[]} */
  let runs = [];
  let text = "";
  let changes = "";

  const held = () => {
    const now = model.get("runs");
    if (now !== text) [text, runs] = [now, readRuns(now)];
    return runs;
  };
  /** @param {Run[]} now */
  const keep = (now) => it.set({ runs: writeRuns(now) });
  /** @param {Live} live */
  function keepRun({ setup, points, given }) {
    const run = given ? null : keptOf(setup, points); // the first steps of a model from a file are not known
    if (run) keep(withRun(held(), run));
  }

  const lab = session(
    open,
    (setup) => sequenceOf(setup).tokens,
    () => it.redraw(),
    (live) => {
      keepRun(live);
      queue = queue.filter((setup) => !isSame(setup, live.setup));
      next();
    },
  );
  /** What is in training ends here; what it has learnt so far stays on the chart. */
  function leave() {
    const { live } = lab;
    if (live && live.status !== "done") keepRun(live);
    if (live) lab.stop();
  }
  function next() {
    const [setup] = queue;
    if (!setup) return;
    leave();
    it.set(asTraits(setup));
    lab.train(setup);
  }

  return {
    held,
    keep,
    leave,
    weights: lab.weights,
    end: lab.end,
    pause: lab.pause,
    goOn: lab.goOn,
    step: () => lab.step(setupOf(model)),
    get live() {
      return lab.live;
    },
    /** What the last model that was taken has changed of the settings, in words. */
    get changes() {
      return changes;
    },
    /** Whether a series goes on. */
    get busy() {
      return queue.length > 0;
    },
    /** The reader has chosen another set-up: what was in training is left. */
    follow() {
      if (!lab.live || isSame(lab.live.setup, setupOf(model))) return;
      queue = [];
      leave();
    },
    /** Train, with another seed if that has been done; or pause, or go on. */
    main() {
      const status = lab.live?.status;
      if (status === "training") return lab.pause();
      if (status === "paused") return lab.goOn();
      queue = [];
      it.set({ seed: freshSeed(held(), setupOf(model)) });
      lab.train(setupOf(model));
    },
    /** Train all n of the series that have not been. @param {Setup} like */
    series(like) {
      const sizes = SERIES.filter((n) => sizesOf(like.mixer).includes(n));
      const isKept = (/** @type {Setup} */ setup) => held().some((run) => isWhole(run) && isSame(run.setup, setup));
      const left = (/** @type {number} */ seed) => sizes.map((n) => ({ ...like, n, seed })).filter((of) => !isKept(of));
      let { seed } = like;
      while (sizes.length && !left(seed).length) seed += 1;
      queue = left(seed);
      next();
    },
    /**
     * A model that was trained before.
     * @param {Setup} setup @param {import("./session.js").Weights} weights @param {string} given from where it comes
     */
    take(setup, weights, given) {
      queue = [];
      leave();
      changes = changesOf(setup, setupOf(model));
      it.set(asTraits(setup));
      lab.begin(setup, weights, given);
    },
    /** The model is given up, and all is as it was but for the runs. @param {Record<string, any>} first */
    reset(first) {
      queue = [];
      lab.stop();
      it.set({ ...first, runs: model.get("runs") });
    },
  };
}
