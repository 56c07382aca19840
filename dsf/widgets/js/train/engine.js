/** The page's side of training: the script is fetched when somebody asks for it, and runs in a worker. */
import { asking } from "./asking.js";

/** @typedef {import("./asking.js").Engine} Engine */
/** @typedef {import("./asking.js").Message} Message */

/** @type {Promise<string> | undefined} */
let fetched;

/** Run a script, which a page from files can load as well. @param {string} address @returns {Promise<void>} */
export const fetchScript = (address) =>
  new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () => {
      script.remove();
      reject(new Error(`${address} cannot be loaded`));
    });
    document.head.append(script);
  });

/**
 * The script of the worker. It comes as a script that holds it as text, since a page from files can load nothing else.
 * @param {string} address of `train.js`
 * @returns {Promise<string>}
 */
export function fetchEngine(address) {
  fetched ??= fetchScript(address).then(
    () => /** @type {any} */ (globalThis).dsfTrain.source,
    (problem) => {
      fetched = undefined; // another time it may come
      throw problem;
    },
  );
  return fetched;
}

/**
 * A worker that trains.
 * @param {string} source of its script
 * @param {(message: Message) => void} hear what it says unasked: reports, `done`, `failed`; see `serve.js`
 * @returns {Engine}
 */
export function open(source, hear) {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address);
  const talk = asking((asked) => worker.postMessage(asked), hear);
  worker.onmessage = ({ data }) => talk.said(data);
  worker.onerror = (event) => {
    event.preventDefault();
    talk.broken(event.message || "the browser does not start the script that trains");
  };
  return {
    ask: talk.ask,
    close() {
      worker.terminate();
      URL.revokeObjectURL(address);
      talk.close();
    },
  };
}
