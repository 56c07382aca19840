/** The hook of chapter 4: how many features linear attention needs for what normalised attention does with four. */
import { percent } from "./dom.js";
import { hook } from "./hook.js";
import { mean } from "./numbers.js";
import { numberOf } from "./traits.js";

const SIZES = [4, 8, 16, 32, 64];
const PLACES = SIZES.map(Math.log2); // of the slider
const [CHANNELS, SEEDS] = [64, 3];

/** @param {any} value the test accuracies of the seeds */
const seeds = (value) => Array.isArray(value) && value.length === SEEDS && value.every(Number.isFinite);

/** What was recorded, which no address can change. @type {import("./traits.js").Trait} */
const recorded = {
  parse: String,
  accepts: (value) => Array.isArray(value) && value.length === SIZES.length && value.every(seeds),
  wanted: `${SIZES.length} times ${SEEDS} numbers`,
};

/** @param {number[]} all */
const range = (all) => `${percent(Math.min(...all))} to ${percent(Math.max(...all))}`;
/** @param {any} model @param {number} n @returns {number[]} */
const linear = (model, n) => model.get("linear")[SIZES.indexOf(n)];

export default hook({
  traits: { n: numberOf(SIZES), linear: recorded, normalized: { ...recorded, accepts: seeds } },
  slider: (it) => {
    const [min, max] = [PLACES[0], PLACES[PLACES.length - 1]];
    const limits = () => ({ min, max, value: Math.log2(it.state().n), read: (/** @type {number} */ at) => 2 ** at });
    return it.slider("n", "Features n", limits, String);
  },
  head: ["log₂ n", "n", "numbers in the state", "linear attention", "three seeds"],
  places: PLACES,
  row(place, model) {
    const n = 2 ** place;
    const all = linear(model, n);
    return [`${n}`, `${n * CHANNELS}`, percent(mean(all)), range(all)];
  },
  see(model) {
    const n = model.get("n");
    /** @param {string} name @param {number[]} all @param {boolean} own */
    const bar = (name, all, own) => ({ name, share: mean(all), label: range(all), own });
    const [here, other] = [linear(model, n), model.get("normalized")];
    const words = mean(here) > mean(other) ? "ahead of" : "behind";
    const found = percent(mean(other));
    const times = n / SIZES[0];
    const room = times > 2 ? `${times} times its state` : times > 1 ? "twice its state" : "the same state";
    return {
      line: ["linear attention finds ", percent(mean(here)), " of the answers"],
      bars: [bar(`linear, n = ${n}`, here, true), bar(`normalised, n = ${SIZES[0]}`, other, false)],
      said: `With ${room} linear attention is ${words} normalised attention, which finds ${found} in the mean.`,
    };
  },
});
