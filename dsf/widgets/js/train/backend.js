/** Where to compute: WebAssembly everywhere, WebGPU where there is one and it is faster. */
import { defaultDevice, init } from "@jax-js/jax";
import { trainer } from "./trainer.js";

/** @typedef {"wasm" | "webgpu"} Backend */

const TRIED = 3; // steps that are timed, after one that compiles
const PATIENCE = 5000; // ms for them; a graphics card that takes longer is of no use here

/**
 * @param {import("./config.js").Config} config
 * @param {Backend[]} [among]
 * @returns {Promise<Backend>} the fastest, which is then in use
 * @throws {Error} there is none
 */
export async function choose(config, among = ["wasm", "webgpu"]) {
  const here = await init(...among.filter((name) => name !== "webgpu"));
  if (among.includes("webgpu") && (await hasCard())) here.push(...(await init("webgpu")));
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

/** Whether WebGPU is there, and is more than the processor in disguise. */
async function hasCard() {
  const adapter = await /** @type {any} */ (navigator).gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter && !adapter.info?.isFallbackAdapter);
}

/**
 * Time of a few steps; without end where they cannot be taken.
 * @param {import("./config.js").Config} config @param {Backend} name
 */
async function timed(config, name) {
  defaultDevice(name);
  try {
    const trial = trainer(config);
    trial.step();
    await inTime(trial.settled());
    const start = performance.now();
    for (let k = 0; k < TRIED; k++) trial.step();
    await inTime(trial.settled());
    const taken = performance.now() - start;
    trial.dispose();
    return taken;
  } catch {
    return Number.POSITIVE_INFINITY; // the trial is left as it is: what has not ended cannot be disposed of
  }
}

/** @param {Promise<any>} work */
const inTime = (work) =>
  Promise.race([
    work,
    new Promise((_, reject) => {
      setTimeout(() => reject(new Error("it takes too long")), PATIENCE);
    }),
  ]);
