/**
 * The messages of the worker that trains. What is asked has a `do` and may have an `id`, which the answer repeats:
 *
 * | do | with | what comes back |
 * |---|---|---|
 * | start | config; paused | ready: backend, steps, config with its defaults; then reports until all steps are done |
 * | pause, resume | | paused or resumed: step |
 * | step | count | a report after so many steps, then paused |
 * | reset | | reset: the model as it was before training, paused |
 * | weights | | weights: {name: {shape, values}} as the package's `state_dict` names them |
 * | load | weights | loaded: training begins again from them, paused |
 * | probe | tokens | probe: probabilities of the answers, Φ, what is stored, see `probe.js` |
 * | close | | closed, and the worker ends |
 *
 * A report holds step, loss and accuracy over the steps since the last one, rate (steps a second) and backend. `done`
 * follows the last; `failed` with a reason comes where something cannot be done, and in place of what was asked.
 */
import { choose } from "./backend.js";
import { checked, named } from "./config.js";
import { fitting, trainer } from "./trainer.js";

/**
 * What a worker is for this: it is told and it hears.
 * @typedef {{postMessage: (message: any, transfer?: any[]) => void, close: () => void, onmessage: any}} Scope
 */

/** A turn of the event loop, in which messages are heard. setTimeout would take 4 ms. */
function turns() {
  const { port1, port2 } = new MessageChannel();
  return () =>
    new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(null);
    });
}

/** @param {Scope} scope */
export function serve(scope) {
  const turn = turns();
  /** @type {import("./trainer.js").Trainer | null} */
  let run = null;
  let backend = "";
  let [going, looping, goal, spent, timed] = [false, false, 0, 0, 0];

  /** @param {string} say @param {Record<string, any>} what @param {any[]} [transfer] */
  const tell = (say, what = {}, transfer = []) => scope.postMessage({ say, ...what }, transfer);

  /** @param {import("./trainer.js").Trainer} of */
  async function report(of) {
    const score = await of.score();
    const rate = spent ? (1000 * timed) / spent : 0;
    [spent, timed] = [0, 0];
    if (of === run) tell("report", { step: of.done, ...score, rate, backend });
    return score;
  }

  /** Train until told otherwise; between two steps everybody is heard. */
  async function loop() {
    if (looping) return;
    looping = true;
    try {
      while (going && run) {
        const now = run;
        const start = performance.now();
        now.step();
        await now.settled(); // else steps are only noted, and a pause waits for all of them
        spent += performance.now() - start;
        timed += 1;
        const { every, steps } = now.config;
        const last = now.done >= goal;
        const score = last || now.done % every === 0 ? await report(now) : null;
        if (now === run && (last || (score && !Number.isFinite(score.loss)))) {
          going = false;
          if (score && !Number.isFinite(score.loss)) tell("failed", { reason: "the loss is not a number any more" });
          else tell(now.done >= steps ? "done" : "paused", { step: now.done });
        }
        await turn();
      }
    } catch (problem) {
      going = false;
      tell("failed", { reason: reason(problem) });
    } finally {
      looping = false;
    }
  }

  const end = () => {
    going = false;
    run?.dispose();
    run = null;
  };
  /** Stand still at the beginning. */
  const rest = () => {
    going = false;
    [goal, spent, timed] = [model().config.steps, 0, 0];
  };
  const model = () => {
    if (!run) throw new Error("nothing is in training: start comes first");
    return run;
  };
  /** @param {number} steps */
  const go = (steps) => {
    goal = Math.min(steps, model().config.steps);
    going = model().done < goal;
    loop();
  };

  /** @type {Record<string, (asked: any) => any>} what answers a message: a name, what is told, what is handed over */
  const answers = {
    async start({ config: given, paused = false }) {
      end();
      const config = checked(given);
      backend = await choose(config);
      run = trainer(config);
      rest();
      if (!paused) setTimeout(() => run?.config === config && go(config.steps));
      return ["ready", { backend, step: 0, steps: config.steps, config: named(config) }];
    },
    pause() {
      going = false;
      return ["paused", { step: model().done }];
    },
    resume() {
      go(model().config.steps);
      return ["resumed", { step: model().done }];
    },
    step({ count = 1 }) {
      if (!(Number.isInteger(count) && count > 0)) throw new TypeError(`count is ${count}, expected an integer from 1`);
      go(model().done + count);
      return ["resumed", { step: model().done }];
    },
    reset() {
      model().reset();
      rest();
      return ["reset", { step: 0 }];
    },
    load({ weights }) {
      model().reset(fitting(model().config, weights));
      rest();
      return ["loaded", { step: 0 }];
    },
    async weights() {
      const weights = await model().weights();
      return ["weights", { weights }, Object.values(weights).map(({ values }) => values.buffer)];
    },
    async probe({ tokens }) {
      const step = model().done;
      return ["probe", { step, ...(await model().probe(tokens)) }];
    },
    close() {
      end();
      setTimeout(() => scope.close());
      return ["closed", {}];
    },
  };

  let before = Promise.resolve();
  scope.onmessage = (/** @type {{data: any}} */ { data }) => {
    const id = data?.id;
    // One after the other, also where an answer has to wait for the device.
    before = before.then(async () => {
      try {
        if (!Object.hasOwn(answers, data?.do))
          throw new TypeError(`do is ${data?.do}, expected one of ${Object.keys(answers).join(", ")}`);
        const [say, what, transfer] = await answers[data.do](data);
        tell(say, { ...what, id }, transfer);
      } catch (problem) {
        tell("failed", { reason: reason(problem), id });
      }
    });
  };
}

/** @param {any} problem */
const reason = (problem) => problem?.message ?? String(problem);
