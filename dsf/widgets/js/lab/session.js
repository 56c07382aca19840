/** A model in training, from the first step to the last: what is asked of an engine, and what is known of it. */
import { configOf } from "./setup.js";

/** @typedef {import("./setup.js").Setup} Setup */
/** @typedef {import("./runs.js").Point} Point */
/** @typedef {{ask: (what: string, more?: Record<string, any>) => Promise<any>, close: () => void}} Engine */
/** @typedef {(hear: (message: any) => void) => Promise<Engine>} Open */
/** @typedef {"loading" | "training" | "paused" | "done" | "failed"} Status */
/** @typedef {Record<string, {shape: number[], values: Float32Array}>} Weights */
/**
 * @typedef {object} Live
 * @property {Setup} setup
 * @property {Status} status
 * @property {Point[]} points
 * @property {number} done steps so far
 * @property {number} rate steps a second
 * @property {string} backend
 * @property {number} parameters
 * @property {string} reason of a failure
 * @property {any} probe what the model made of the sequence last
 * @property {string} given from where the weights come that it began with; empty for those of the seed
 */

const REST = 4; // a probe is followed by as many times its own time of training
const LEAST = 400; // ms between two probes

/**
 * @param {Open} open
 * @param {(setup: Setup) => number[]} sequenceOf what is probed
 * @param {() => void} changed called when there is something new to see
 * @param {(live: Live) => void} over called when a run has taken its last step
 */
export function session(open, sequenceOf, changed, over) {
  /** @type {Engine | null} */
  let engine = null;
  /** @type {Live | null} */
  let live = null;
  let [probing, probedAt] = [false, 0];

  /** @param {Partial<Live>} what */
  const note = (what) => {
    if (live) Object.assign(live, what);
    changed();
  };
  const close = () => {
    engine?.close();
    engine = null;
  };
  /** @param {string} reason */
  const fail = (reason) => {
    close(); // whatever is wrong with it, the next one begins anew
    note({ status: "failed", reason });
  };

  /** Look at what the model makes of the sequence, if there is time for it. @param {boolean} [surely] */
  async function probe(surely = false) {
    const now = live;
    if (!engine || !now || probing || (!surely && performance.now() < probedAt)) return;
    probing = true;
    const start = performance.now();
    try {
      const found = await engine.ask("probe", { tokens: sequenceOf(now.setup) });
      if (now === live) note({ probe: found });
    } catch {
      // The engine has been closed, or is busy with what comes next; training goes on without it.
    } finally {
      probing = false;
      probedAt = performance.now() + Math.max(LEAST, REST * (performance.now() - start));
    }
  }

  /** @param {any} message */
  function hear(message) {
    if (!live || live.status === "loading") return; // a last word of the run before
    if (message.say === "failed") return fail(message.reason);
    if (message.say === "report") {
      const { step, loss, accuracy, rate, backend } = message;
      if (step > live.done) live.points.push({ step, loss, accuracy });
      note({ done: step, backend, ...(rate ? { rate } : {}) });
      probe();
    }
    if (message.say === "paused" && live.status === "training") note({ status: "paused", done: message.step });
    if (message.say === "paused") probe(true);
    if (message.say === "done") {
      note({ status: "done", done: message.step });
      over(live);
      probe(true);
    }
  }

  /**
   * @param {Setup} setup
   * @param {Weights} [weights] to begin with
   * @param {string} [given] from where they come
   */
  async function begin(setup, weights, given = "") {
    /** @type {Live} */
    const own = {
      ...{ setup, status: "loading", points: [], done: 0, rate: 0, backend: "", parameters: 0 },
      ...{ reason: "", probe: null, given },
    };
    live = own;
    changed();
    try {
      if (!engine) {
        const opened = await open(hear);
        if (own !== live) return opened.close();
        engine = opened;
      }
      const { backend } = await engine.ask("start", { config: configOf(setup), paused: true });
      if (weights) await engine.ask("load", { weights });
      const held = (await engine.ask("weights")).weights;
      if (own !== live) return;
      const sizes = Object.values(/** @type {Weights} */ (held)).map(({ values }) => values.length);
      note({ backend, parameters: sizes.reduce((sum, size) => sum + size, 0), status: "paused" });
      await probe(true);
    } catch (problem) {
      if (own === live) fail(/** @type {Error} */ (problem).message);
    }
  }

  /** @param {string} what @param {Status} then @param {Record<string, any>} [more] */
  const ask = (what, then, more) => {
    note({ status: then }); // at once: a step that runs comes to its end meanwhile
    const now = live;
    engine
      ?.ask(what, more)
      .then(({ say, step }) => say === "paused" && now === live && now?.status === "paused" && note({ done: step }))
      .catch((problem) => fail(problem.message));
  };
  const goOn = () => live?.status === "paused" && ask("resume", "training");

  return {
    /** @returns {Live | null} */
    get live() {
      return live;
    },
    begin,
    /** @param {Setup} setup */
    async train(setup) {
      await begin(setup);
      if (live?.setup === setup) goOn();
    },
    pause: () => live?.status === "training" && ask("pause", "paused"),
    goOn,
    /** One step, of a new model if there is none. @param {Setup} setup */
    async step(setup) {
      if (!live || live.status === "done" || live.status === "failed") await begin(setup);
      if (live?.status === "paused") ask("step", "training", { count: 1 });
    },
    /** The model is given up; the engine waits for the next. */
    stop() {
      if (live?.status === "training") engine?.ask("pause").catch(() => {});
      live = null;
      changed();
    },
    /** @returns {Promise<Weights>} */
    weights: async () => (await engine?.ask("weights"))?.weights,
    /** Gives back all that it holds. */
    end() {
      close();
      if (live && live.status !== "done") live = null;
    },
  };
}
