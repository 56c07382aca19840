// What the laboratory computes beside the engine, without a browser: reads a JSON list of tasks and writes the list
// of what they give.
import { readFileSync } from "node:fs";
import { lacking, recordedVerdict, verdict } from "../../dsf/widgets/js/lab/bet.js";
import { fetchModel } from "../../dsf/widgets/js/lab/kernel.js";
import { meanPhi, sequenceOf } from "../../dsf/widgets/js/lab/probe.js";
import * as runs from "../../dsf/widgets/js/lab/runs.js";
import { readModel, writeModel } from "../../dsf/widgets/js/lab/safetensors.js";
import * as setups from "../../dsf/widgets/js/lab/setup.js";
import { SHIPPED, titleOfShipped } from "../../dsf/widgets/js/lab/shipped.js";
import { sharesOf, toldOf } from "../../dsf/widgets/js/lab/stored.js";

const arrays = (weights) =>
  Object.fromEntries(
    Object.entries(weights).map(([name, x]) => [name, { shape: x.shape, values: Float32Array.from(x.values) }]),
  );
const model = (state) => ({ get: (name) => state[name] });

const tasks = {
  setup: ({ state }) => setups.setupOf(model(state)),
  config: ({ setup }) => setups.configOf(setup),
  carried: ({ setup }) => setups.carried(setup),
  level: ({ setup }) => setups.positionLevel(setup),
  title: ({ setup }) => setups.titleOf(setup),
  label: ({ setup, others }) => setups.labelOf(setup, others),
  known: () => ({ mixers: setups.MIXERS, sizes: setups.SIZES, rates: setups.RATES, steps: setups.STEPS }),
  kept: ({ setup, points }) => runs.keptOf(setup, points),
  text: ({ runs: some }) => runs.writeRuns(some),
  read: ({ text }) => (runs.runsTrait.accepts(text) ? runs.readRuns(text) : null),
  styles: ({ runs: some }) => runs.stylesOf(some),
  csv: ({ runs: some }) => runs.csv(some),
  seed: ({ runs: some, setup }) => runs.freshSeed(some, setup),
  verdict: ({ bet, runs: some }) => verdict(bet, some),
  lacking: ({ runs: some }) => lacking(some),
  recordedVerdict: ({ record }) => recordedVerdict(record),
  phi: ({ phi, L, d }) => [...meanPhi({ phi: [Float32Array.from(phi)], L, d })],
  sequence: ({ setup }) => sequenceOf(setup),
  shipped: () => SHIPPED.map((name) => [name, titleOfShipped(name)]),
  shares: ({ stored, K }) => sharesOf(stored, K),
  stored: ({ shares, keys, pair }) => toldOf(shares, keys, pair),
  /** What comes of a file that a kernel sends among other messages. */
  async fetched({ name, file }) {
    const listeners = new Set();
    const tell = (content, buffers) => [...listeners].map((listener) => listener(content, buffers));
    const kernel = {
      on: (_, listener) => listeners.add(listener),
      off: (_, listener) => listeners.delete(listener),
      send({ shipped }) {
        tell({ train: "other" }, []);
        tell({ shipped: "other" }, [new DataView(new ArrayBuffer(1))]);
        tell({ shipped }, [new DataView(Uint8Array.from([0, ...file]).buffer, 1)]);
      },
    };
    const found = [...new Uint8Array(await fetchModel(kernel, name))];
    return [found, listeners.size];
  },
  /** A file, in base64. */
  write: ({ setup, weights }) => Buffer.from(writeModel(setup, arrays(weights))).toString("base64"),
  /** What is in a file, or why it cannot be opened. */
  open({ file }) {
    const bytes = Uint8Array.from(Buffer.from(file, "base64"));
    try {
      const { setup, weights } = readModel(bytes.buffer);
      const plain = Object.entries(weights).map(([name, x]) => [name, { shape: x.shape, values: [...x.values] }]);
      return { setup, weights: Object.fromEntries(plain) };
    } catch (problem) {
      return problem.message;
    }
  },
};

const found = [];
for (const task of JSON.parse(readFileSync(0, "utf8"))) found.push(await tasks[task.do](task));
process.stdout.write(JSON.stringify(found));
