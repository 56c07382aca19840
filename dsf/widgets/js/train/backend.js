/** Where to compute: WebAssembly everywhere, WebGPU where there is one and it is faster. */
import { defaultDevice, init } from "@jax-js/jax";
import { trainer } from "./trainer.js";

/** @typedef {"wasm" | "webgpu"} Backend */

const TRIED = 3; // steps that are timed, after one that compiles

/**
 * @param {import("./config.js").Config} config
 * @param {Backend[]} [among]
 * @returns {Promise<Backend>} the fastest, which is then in use
 * @throws {Error} there is none
 */
export async function choose(config, among = ["wasm", "webgpu"]) {
  const here = await init(...among);
  const ready = among.filter((name) => here.includes(name));
  if (!ready.length) throw new Error("there is no WebAssembly, which training needs");
  /** @type {Backend} */
  let best = ready[0];
  if (ready.length > 1) {
    const seconds = [];
    for (const name of ready) seconds.push(await timed(config, name));
    best = ready[seconds.indexOf(Math.min(...seconds))];
  }
  defaultDevice(best);
  return best;
}

/**
 * Time of a few steps; without end where they cannot be taken.
 * @param {import("./config.js").Config} config @param {Backend} name
 */
async function timed(config, name) {
  defaultDevice(name);
  /** @type {import("./trainer.js").Trainer | undefined} */
  let trial;
  try {
    trial = trainer(config);
    trial.step();
    await trial.settled();
    const start = performance.now();
    for (let k = 0; k < TRIED; k++) trial.step();
    await trial.settled();
    return performance.now() - start;
  } catch {
    return Number.POSITIVE_INFINITY;
  } finally {
    trial?.dispose();
  }
}
