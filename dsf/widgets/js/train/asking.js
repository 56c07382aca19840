/** Questions to an engine, and its answers: the side of the figure, whatever carries the messages. */

/** @typedef {{say: string, id?: number, reason?: string, [name: string]: any}} Message */
/** @typedef {{resolve: (message: Message) => void, reject: (problem: Error) => void}} Waiting */
/**
 * @typedef {object} Engine
 * @property {(what: string, more?: Record<string, any>) => Promise<Message>} ask a `do` of `serve.js`; it is rejected
 *   with the reason where it cannot be done
 * @property {() => void} close ends it at once, with all that it holds
 */

/**
 * @param {(asked: Record<string, any>) => void} post sends a question
 * @param {(message: Message) => void} hear what is said unasked
 */
export function asking(post, hear) {
  /** @type {Map<number | undefined, Waiting>} */
  const waiting = new Map();
  let last = 0;
  let closed = false;
  /** @param {string} reason */
  const fail = (reason) => {
    for (const { reject } of waiting.values()) reject(new Error(reason));
    waiting.clear();
  };
  return {
    /** @type {Engine["ask"]} */
    ask: (what, more = {}) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new Error("the engine is closed"));
        last += 1;
        waiting.set(last, { resolve, reject });
        post({ ...more, do: what, id: last });
      }),
    /** Something that the engine says. @param {Message} message */
    said(message) {
      const one = waiting.get(message.id);
      waiting.delete(message.id);
      if (!one) hear(message);
      else if (message.say === "failed") one.reject(new Error(message.reason));
      else one.resolve(message);
    },
    /** Nothing can be done any more, and nobody has heard of it. @param {string} reason */
    broken(reason) {
      if (waiting.size) fail(reason);
      else hear({ say: "failed", reason });
    },
    close() {
      closed = true;
      fail("the engine is closed");
    },
  };
}
