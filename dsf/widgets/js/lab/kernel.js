/** Training in the kernel of a notebook: `dsf/widgets/kernel.py` over the messages of anywidget. */
import { asking } from "../train/asking.js";

/** @typedef {import("../train/asking.js").Message} Message */

/**
 * @param {any} model of anywidget, whose widget `attach`es a kernel
 * @param {(message: Message) => void} hear what it says unasked: reports, `paused`, `done`, `failed`
 * @returns {import("../train/asking.js").Engine}
 */
export function open(model, hear) {
  const train = Math.random().toString(36).slice(2); // each view of one widget has its own engine
  const talk = asking((asked) => {
    /** @type {ArrayBuffer[]} */
    const buffers = [];
    const message = packed({ ...asked, train }, buffers);
    model.send(message, undefined, buffers);
  }, hear);
  /** @param {any} content @param {DataView[]} buffers */
  const heard = (content, buffers) => {
    if (content?.train === train) talk.said(unpacked(content, buffers));
  };
  model.on("msg:custom", heard);
  return {
    ask: talk.ask,
    close() {
      model.send({ do: "close", train });
      model.off("msg:custom", heard);
      talk.close();
    },
  };
}

/**
 * The file of a trained model, as `dsf/widgets/lab.py` sends it.
 * @param {any} model of anywidget @param {string} name
 * @returns {Promise<ArrayBuffer>}
 */
export const fetchModel = (model, name) =>
  new Promise((resolve) => {
    /** @param {any} content @param {DataView[]} buffers */
    const heard = (content, [file]) => {
      if (content?.shipped !== name) return;
      model.off("msg:custom", heard);
      resolve(/** @type {ArrayBuffer} */ (file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength)));
    };
    model.on("msg:custom", heard);
    model.send({ shipped: name });
  });

/**
 * A message without its arrays, which go beside it; see `dsf/widgets/buffers.py`.
 * @param {any} x @param {ArrayBuffer[]} buffers @returns {any}
 */
function packed(x, buffers) {
  if (x instanceof Float32Array) return { floats: buffers.push(Float32Array.from(x).buffer) - 1 };
  if (ArrayBuffer.isView(x)) return Array.from(/** @type {any} */ (x));
  if (Array.isArray(x)) return x.map((one) => packed(one, buffers));
  return x && typeof x === "object" ? mapped(x, (one) => packed(one, buffers)) : x;
}

/** @param {any} x @param {DataView[]} buffers @returns {any} */
function unpacked(x, buffers) {
  if (Array.isArray(x)) return x.map((one) => unpacked(one, buffers));
  if (!x || typeof x !== "object") return x;
  if (!("floats" in x)) return mapped(x, (one) => unpacked(one, buffers));
  const { buffer, byteOffset, byteLength } = buffers[x.floats];
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** @param {Record<string, any>} x @param {(one: any) => any} f */
const mapped = (x, f) => Object.fromEntries(Object.entries(x).map(([name, one]) => [name, f(one)]));
