// What the layers of the explorer read and draw, and the Φ and y that JavaScript makes of it: reads a JSON list of
// {name, kind, n, seed, text} and writes a list.
import { readFileSync } from "node:fs";
import { ARCHITECTURES } from "../../dsf/widgets/js/architectures.js";
import { CHANNELS, fit, layerArguments, matches, sequence } from "../../dsf/widgets/js/layer.js";
import { matrix, run } from "../../dsf/widgets/js/system.js";

const layers = JSON.parse(readFileSync(0, "utf8")).map(({ name, kind, n, seed, text }) => {
  const read = sequence(kind, seed, text);
  const given = layerArguments(name, read, fit(name, n), seed);
  const system = ARCHITECTURES[name].system(given);
  const phi = Array.from({ length: CHANNELS }, (_, channel) => [...matrix(system, channel)]);
  const { outputs } = run(system, read.values);
  return { ...read, given, phi, outputs, n: system.n, matches: read.tokens.map((_, i) => matches(read, i, kind)) };
});
process.stdout.write(JSON.stringify(layers));
