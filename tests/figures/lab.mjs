// What the laboratory computes beside the engine, without a browser: reads a JSON list of tasks and writes the list
// of what they give.
import { readFileSync } from "node:fs";
import { lacking, recordedVerdict, verdict } from "../../dsf/widgets/js/lab/bet.js";
import { meanPhi } from "../../dsf/widgets/js/lab/probe.js";
import * as runs from "../../dsf/widgets/js/lab/runs.js";
import { readModel, writeModel } from "../../dsf/widgets/js/lab/safetensors.js";
import * as setups from "../../dsf/widgets/js/lab/setup.js";

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
for (const task of JSON.parse(readFileSync(0, "utf8"))) found.push(tasks[task.do](task));
process.stdout.write(JSON.stringify(found));
