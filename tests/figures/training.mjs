// What the engine of the pages computes, by the very script that they load, without a browser: reads a JSON list of
// tasks and writes the list of what they give.
import { readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";

/** What the engine has of memory. */
const memories = [];
WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(...given) {
    super(...given);
    memories.push(this);
  }
};
const bytes = () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);

runInThisContext(readFileSync(new URL("../../dsf/widgets/static/train.js", import.meta.url), "utf8"));
runInThisContext(globalThis.dsfTrain.source);
const engine = globalThis.dsfTrain;
const { array } = engine;

/** Typed arrays as lists. */
const plain = (x) => {
  if (ArrayBuffer.isView(x)) return [...x];
  if (Array.isArray(x)) return x.map(plain);
  return x && typeof x === "object" ? Object.fromEntries(Object.entries(x).map(([key, y]) => [key, plain(y)])) : x;
};

const tasks = {
  /** Logits, loss and gradients of given weights for a given batch. */
  async compare({ config: given, weights, tokens, labels, asked }) {
    const config = engine.checked(given);
    const p = Object.fromEntries(Object.entries(weights).map(([name, x]) => [name, array.floats(x.values, x.shape)]));
    const shape = [tokens.length, config.L];
    const batch = {
      tokens: array.integers(tokens.flat(), shape),
      labels: array.integers(labels.flat(), shape),
      asked: array.floats(asked.flat(), shape),
    };
    const both = array.program((p, batch) => [
      engine.logits(config, p, batch.tokens),
      engine.gradients(config, p, batch),
    ]);
    const [logits, [[loss, share], slopes]] = both.run(p, batch);
    const numbers = async (x) => [...(await x.data())];
    const gradients = {};
    for (const [name, slope] of Object.entries(slopes)) gradients[name] = await numbers(slope);
    return { logits: await numbers(logits), loss: await loss.item(), share: await share.item(), gradients };
  },
  /** Sequences of training. */
  batches({ config: given, count }) {
    const config = engine.checked(given);
    const all = Array.from({ length: count }, (_, step) => engine.batch(config, step));
    return plain({ tokens: all.flatMap((x) => [...x.tokens]), labels: all.flatMap((x) => [...x.labels]) });
  },
  /** What training begins with. */
  untrained: ({ config }) => plain(engine.untrained(engine.checked(config))),
  /** The whole of a run: loss and accuracy over its last steps, and the memory after some steps and at the end. */
  async train({ config: given, last, early = 1 }) {
    const run = engine.trainer(engine.checked(given));
    let before = 0;
    while (run.done < run.config.steps) {
      run.step();
      if (run.done === early) before = bytes();
      if (run.done === run.config.steps - last || run.done % 20 === 0) await run.score();
    }
    const score = await run.score();
    const weights = await run.weights();
    run.dispose();
    return plain({ ...score, weights, bytes: [before, bytes()] });
  },
  /** Loss and accuracy of each so many steps of a run. */
  async course({ config: given }) {
    const run = engine.trainer(engine.checked(given));
    const scores = [];
    while (run.done < run.config.steps) {
      run.step();
      if (run.done % run.config.every === 0) scores.push(await run.score());
    }
    run.dispose();
    return scores;
  },
  /** Learning rates of all steps. */
  rates({ config: given }) {
    const config = engine.checked(given);
    return Array.from({ length: config.steps }, (_, step) => engine.learningRate(config, step));
  },
  /** What a model makes of a sequence. */
  async probe({ config, weights, tokens }) {
    const run = engine.trainer(engine.checked(config));
    run.reset(engine.fitting(run.config, weights));
    return plain(await run.probe(tokens));
  },
  /** Why a configuration is refused. */
  refused({ config }) {
    try {
      engine.checked(config);
      return null;
    } catch (problem) {
      return problem.message;
    }
  },
  /** Names and starts of the mixers, and the fields of a configuration with their defaults. */
  known: () => ({
    starts: Object.fromEntries(
      Object.entries(engine.MIXERS).map(([name, { starts = { "": {} } }]) => [name, Object.keys(starts)]),
    ),
    fields: Object.fromEntries(Object.entries(engine.FIELDS).map(([name, { value }]) => [name, value])),
  }),
};

await engine.init("wasm");
const found = [];
for (const task of JSON.parse(readFileSync(0, "utf8"))) found.push(await tasks[task.do](task));
process.stdout.write(JSON.stringify(found));
