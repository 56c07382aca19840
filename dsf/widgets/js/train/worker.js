/** The script of the worker that trains. Outside a worker it only names what tests and benchmarks compare. */
import { init } from "@jax-js/jax";
import { learningRate, pace } from "./adam.js";
import * as array from "./array.js";
import { choose } from "./backend.js";
import { checked, FIELDS } from "./config.js";
import { gradients } from "./learn.js";
import { MIXERS } from "./mixers.js";
import { logits, parameters, untrained } from "./model.js";
import { serve } from "./serve.js";
import { batch } from "./task.js";
import { fitting, trainer } from "./trainer.js";

const inside = /** @type {any} */ (globalThis);
if (typeof inside.WorkerGlobalScope === "function" && inside instanceof inside.WorkerGlobalScope) serve(inside);

export {
  array,
  batch,
  checked,
  choose,
  FIELDS,
  fitting,
  gradients,
  init,
  learningRate,
  logits,
  MIXERS,
  pace,
  parameters,
  serve,
  trainer,
  untrained,
};
