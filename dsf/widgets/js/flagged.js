/** The hook of chapter 6: how well one state remembers the last flagged token. */
import { percent } from "./dom.js";
import { hook } from "./hook.js";
import { oneOf, real } from "./traits.js";

const FLAGGED = 0.25; // the probability that a token carries a flag
const MOST = 1.5; // the error at the end of a bar

/**
 * The mean square error of the state, for values of variance 1 and a long sequence.
 * @param {number} step
 * @param {string} clock
 */
export function error(step, clock) {
  const kept = Math.exp(-step);
  // The weight of the last flagged token is (1 - Λ) Λ^l; with one clock l is its lag.
  const meets = clock === "flagged" ? 1 : FLAGGED / (1 - (1 - FLAGGED) * kept);
  return 1 - 2 * (1 - kept) * meets + (1 - kept) / (1 + kept);
}

/** @type {[string, string][]} */
const CLOCKS = [
  ["all", "every token"],
  ["flagged", "flagged tokens"],
];

/** @param {string} clock @param {number} step @param {number} share the error */
function finding(clock, step, share) {
  if (clock === "flagged") {
    const rest = share < 0.005 ? "almost nothing of the flagged ones before" : "a part of the flagged ones before";
    const last = `${percent(1 - Math.exp(-step))} of the last flagged token`;
    return `Tokens without a flag have Δ = 0 and pass unseen. The state holds ${last} and ${rest}.`;
  }
  if (share > 1) return "Worse than an empty memory: most of the state is the newest token, which seldom has a flag.";
  return "The state is an average over the last few tokens, with and without a flag.";
}

export default hook({
  traits: { step: real(0.1, 5), clock: oneOf(["all", "flagged"]) },
  slider: (it) => {
    const limits = () => ({ min: 0.1, max: 5, step: 0.1 });
    return it.slider("step", "Step Δ", limits, (x) => x.toFixed(1));
  },
  choice: (it) => it.select("clock", "for", CLOCKS),
  head: ["Δ", "error"],
  places: [0.1, 0.3, 0.5, 1, 2, 5],
  row: (place, model) => [percent(error(place, model.get("clock")), 1)],
  see(model) {
    const clock = model.get("clock");
    const share = error(model.get("step"), clock);
    return {
      line: ["error ", percent(share, 1), ""],
      bars: [
        { name: "this memory", share: Math.min(1, share / MOST), label: percent(share, 1) },
        { name: "empty memory", share: 1 / MOST, label: percent(1, 1), own: false },
      ],
      said: finding(clock, model.get("step"), share),
    };
  },
});
