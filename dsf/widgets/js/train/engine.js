/** The page's side of training: the script is fetched when somebody asks for it, and runs in a worker. */

/** @typedef {{say: string, id?: number, reason?: string, [name: string]: any}} Message */
/** @typedef {ReturnType<typeof open>} Engine */

/** @type {Promise<string> | undefined} */
let fetched;

/**
 * The script of the worker. It comes as a script that holds it as text, since a page from files can load nothing else.
 * @param {string} address of `train.js`
 * @returns {Promise<string>}
 */
export function fetchEngine(address) {
  fetched ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => resolve(/** @type {any} */ (globalThis).dsfTrain.source));
    script.addEventListener("error", () => {
      fetched = undefined; // another time it may come
      script.remove();
      reject(new Error(`${address} cannot be loaded`));
    });
    document.head.append(script);
  });
  return fetched;
}

/**
 * A worker that trains.
 * @param {string} source of its script
 * @param {(message: Message) => void} hear what it says unasked: reports, `done`, `failed`; see `serve.js`
 */
export function open(source, hear) {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address);
  /** @type {Map<number, {resolve: (message: Message) => void, reject: (problem: Error) => void}>} */
  const waiting = new Map();
  let last = 0;
  let closed = false;
  /** @param {string} reason */
  const fail = (reason) => {
    for (const { reject } of waiting.values()) reject(new Error(reason));
    waiting.clear();
  };
  const close = () => {
    closed = true;
    worker.terminate();
    URL.revokeObjectURL(address);
    fail("the engine is closed");
  };
  worker.onmessage = ({ data }) => {
    const one = waiting.get(data.id);
    waiting.delete(data.id);
    if (!one) hear(data);
    else if (data.say === "failed") one.reject(new Error(data.reason));
    else one.resolve(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const reason = event.message || "the browser does not start the script that trains";
    if (waiting.size) fail(reason);
    else hear({ say: "failed", reason });
  };
  return {
    /**
     * @param {string} what a `do` of `serve.js`
     * @param {Record<string, any>} [more]
     * @returns {Promise<Message>} rejected with the reason where it cannot be done
     */
    ask: (what, more = {}) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new Error("the engine is closed"));
        last += 1;
        waiting.set(last, { resolve, reject });
        worker.postMessage({ ...more, do: what, id: last });
      }),
    /** Ends the worker at once, with all that it holds. */
    close,
  };
}
