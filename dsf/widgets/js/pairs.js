/** The hook of chapter 3: how many stored values come back from a memory with n features. */
import { hook } from "./hook.js";
import { whole } from "./traits.js";

const [PAIRS, DRAWS, MOST] = [16, 200, 32];

/** The means that Python measured, which no address can change. @type {import("./traits.js").Trait} */
const measured = {
  parse: String,
  accepts: (value) => Array.isArray(value) && value.length === MOST && value.every(Number.isFinite),
  wanted: `${MOST} numbers`,
};

/** @param {any} model @param {number} n @returns {number} */
const mean = (model, n) => model.get("recalled")[n - 1];

export default hook({
  traits: { n: whole(1, MOST), recalled: measured },
  slider: (it) => it.slider("n", "Features n", () => ({ min: 1, max: MOST }), String),
  head: ["n", `of ${PAIRS} come back`],
  places: [1, 2, 4, 8, 16, 32],
  row: (n, model) => [mean(model, n).toFixed(1)],
  see(model) {
    const n = model.get("n");
    const back = mean(model, n);
    const text = back.toFixed(1);
    const lost = (PAIRS - back).toFixed(1);
    return {
      line: ["", text, ` of ${PAIRS} values come back`],
      bars: [{ name: `n = ${n}`, share: back / PAIRS, label: `${text} of ${PAIRS}`, parts: PAIRS }],
      said: `With n = ${n} the memory is ${n} × 64 numbers and loses ${lost} values, the mean of ${DRAWS} draws.`,
    };
  },
});
