/** The hook of chapter 3: how many stored values come back from a memory of n × d numbers. */
import { hook } from "./hook.js";
import { numberOf, whole } from "./traits.js";

const [PAIRS, DRAWS, MOST] = [32, 100, 32];
const WIDTHS = [16, 32, 64, 128];

/** @param {any} value */
const numbers = (value) => Array.isArray(value) && value.length === MOST && value.every(Number.isFinite);

/** The means that Python measured, which no address can change. @type {import("./traits.js").Trait} */
const measured = {
  parse: String,
  accepts: (value) => Array.isArray(value) && value.length === WIDTHS.length && value.every(numbers),
  wanted: `${WIDTHS.length} times ${MOST} numbers`,
};

/** @param {any} model @param {number} n @param {number} d @returns {number} */
const mean = (model, n, d) => model.get("recalled")[WIDTHS.indexOf(d)][n - 1];

export default hook({
  traits: { n: whole(1, MOST), d: numberOf(WIDTHS), recalled: measured },
  slider: (it) => it.slider("n", "Features of a key n", () => ({ min: 1, max: MOST }), String),
  choice: (it) => it.select("d", "Numbers of a value d", WIDTHS),
  head: ["n", ...WIDTHS.map((d) => `d = ${d}`)],
  places: [1, 2, 4, 8, 16, 32],
  row: (n, model) => WIDTHS.map((d) => mean(model, n, d).toFixed(1)),
  see(model) {
    const [n, d] = [model.get("n"), model.get("d")];
    const back = mean(model, n, d);
    const text = back.toFixed(1);
    const lost = (PAIRS - back).toFixed(1);
    const share = ((100 * (PAIRS - back)) / PAIRS).toFixed(1);
    const name = `n × d = ${n} × ${d}`;
    return {
      line: ["", text, ` of ${PAIRS} values come back`],
      bars: [{ name, share: back / PAIRS, label: `${text} of ${PAIRS}`, parts: PAIRS }],
      said: `A memory of ${n} × ${d} = ${n * d} numbers loses ${lost} values, ${share} %, the mean of ${DRAWS} draws.`,
    };
  },
});
