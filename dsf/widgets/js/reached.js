/** The hook of chapter 4: how many features linear attention needs for what normalised attention does with four. */
import { percent } from "./dom.js";
import { hook } from "./hook.js";
import { whole } from "./traits.js";

const [FEWEST, DOUBLINGS, CHANNELS, SEEDS] = [4, 4, 64, 3];

/** @param {any} value the test accuracies of the seeds */
const seeds = (value) => Array.isArray(value) && value.length === SEEDS && value.every(Number.isFinite);

/** What was recorded, which no address can change. @type {import("./traits.js").Trait} */
const recorded = {
  parse: String,
  accepts: (value) => Array.isArray(value) && value.length === DOUBLINGS + 1 && value.every(seeds),
  wanted: `${DOUBLINGS + 1} times ${SEEDS} numbers`,
};

/** @param {number[]} all */
const mean = (all) => all.reduce((sum, one) => sum + one, 0) / all.length;
/** @param {number[]} all */
const range = (all) => `${percent(Math.min(...all))} to ${percent(Math.max(...all))}`;
/** @param {number} doublings */
const size = (doublings) => FEWEST * 2 ** doublings;
/** @param {any} model @param {number} doublings @returns {number[]} */
const linear = (model, doublings) => model.get("linear")[doublings];

export default hook({
  traits: { doublings: whole(0, DOUBLINGS), linear: recorded, normalized: { ...recorded, accepts: seeds } },
  slider: (it) =>
    it.slider(
      "doublings",
      "Features n",
      () => ({ min: 0, max: DOUBLINGS }),
      (doublings) => `${size(doublings)}`,
    ),
  head: ["doublings of n", "n", "numbers in the state", "linear attention", "three seeds"],
  places: [0, 1, 2, 3, 4],
  row(doublings, model) {
    const [n, all] = [size(doublings), linear(model, doublings)];
    return [`${n}`, `${n * CHANNELS}`, percent(mean(all)), range(all)];
  },
  see(model) {
    const doublings = model.get("doublings");
    /** @param {string} name @param {number[]} all @param {boolean} own */
    const bar = (name, all, own) => ({ name, share: mean(all), label: range(all), own });
    const [here, other] = [linear(model, doublings), model.get("normalized")];
    const words = mean(here) > mean(other) ? "ahead of" : "behind";
    const room = doublings ? `${2 ** doublings} times its state` : "the same state";
    return {
      line: ["linear attention finds ", percent(mean(here)), " of the answers"],
      bars: [bar(`linear, n = ${size(doublings)}`, here, true), bar(`normalised, n = ${FEWEST}`, other, false)],
      said: `With ${room} linear attention is ${words} normalised attention, which finds ${percent(mean(other))}.`,
    };
  },
});
