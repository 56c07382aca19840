/** The hook of chapter 10: how many questions a dictionary with room for some pairs answers. */
import { hook } from "./hook.js";
import { recall } from "./recall.js";
import { whole } from "./traits.js";

const TASK = { L: 64, K: 8, V: 128, a: 0.01, R: 1 };

/**
 * How many questions of a sequence are answered, as many in one as in another; when the memory is full the oldest pair
 * goes.
 * @param {number} capacity
 */
function answered(capacity) {
  const { tokens, asked } = recall(TASK, 0);
  /** @type {Map<number, number>} */
  const memory = new Map();
  for (let j = 0; j < TASK.K; j++) {
    memory.set(tokens[2 * j], tokens[2 * j + 1]);
    if (memory.size > capacity) memory.delete([...memory.keys()][0]);
  }
  return asked.flat().filter((at) => memory.has(tokens[at])).length;
}

/** @param {number} capacity @param {number} right */
function finding(capacity, right) {
  const lost = TASK.K - right;
  if (!lost) return `With room for ${capacity} pairs nothing is lost, and every question is answered.`;
  if (!capacity) return `Without a memory nothing is answered; a guess among the values shown hits 1 in ${TASK.K}.`;
  const oldest =
    lost > 1 ? `${lost} oldest are forgotten, and so are their answers` : "oldest is forgotten, and so is its answer";
  const guess = [
    ` A guess among the values shown scores as much: 1 of ${TASK.K}.`,
    " It is the least room that beats a guess among the values shown.",
  ];
  return `With room for ${capacity} of ${TASK.K} pairs the ${oldest}.${guess[capacity - 1] ?? ""}`;
}

export default hook({
  traits: { capacity: whole(0, TASK.K) },
  slider: (it) => it.slider("capacity", "Room for pairs", () => ({ min: 0, max: TASK.K }), String),
  head: ["pairs held", `of ${TASK.K} questions answered`],
  places: Array.from({ length: TASK.K + 1 }, (_, capacity) => capacity),
  row: (capacity) => [`${answered(capacity)}`],
  see(model) {
    const capacity = model.get("capacity");
    const right = answered(capacity);
    const label = `${right} of ${TASK.K}`;
    return {
      line: ["", `${right}`, ` of ${TASK.K} questions answered`],
      bars: [{ name: "questions answered", share: right / TASK.K, label, parts: TASK.K }],
      said: finding(capacity, right),
    };
  },
});
