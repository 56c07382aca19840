/** Trained models that come with the book: each is a script that a page loads when the reader asks for it. */
import { fetchScript } from "../train/engine.js";
import { MIXERS } from "./setup.js";

/** As `dsf.models.names` lists them: mixer, start and n. */
export const SHIPPED = ["softmax-4", "linear-4", "linear-16", "linear-64", "normalized-4", "ssd-slow-4"];

/** @param {string} name */
export function titleOfShipped(name) {
  const [mixer, ...rest] = name.split("-");
  return [MIXERS[mixer].name, ...rest.slice(0, -1), `n = ${rest[rest.length - 1]}`].join(", ");
}

/**
 * The file of a model, which a page gets as a script with base64: one from files can load nothing else.
 * @param {string} name @param {string} beside the address of the script of the figure
 * @returns {Promise<ArrayBuffer>}
 */
export async function fetchShipped(name, beside) {
  const held = () => /** @type {any} */ (globalThis).dsfModels?.[name];
  if (!held()) await fetchScript(new URL(`model-${name}.js`, beside).href);
  const text = held();
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}
