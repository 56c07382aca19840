/** A figure of chapter 8: the exponent of the reversed qLSTM against its sign. */
import { percent } from "./dom.js";
import { hook } from "./hook.js";
import { sigmoid } from "./numbers.js";
import { normal } from "./random.js";
import { real } from "./traits.js";

const [LENGTH, DRAWS, SEED] = [24, 200, 0];
const STREAM = { u: 51, forget: 52, input: 53, output: 54 };

/** What a token brings: what the gate -f keeps, what is written, how it is read. */
/** @typedef {{keep: number, write: number, read: number}} Token */
/** @type {Token[][] | undefined} */
let sequences;

/** The sequences of all draws, made when they are first asked for. */
function drawn() {
  sequences ??= Array.from({ length: DRAWS }, (_, draw) =>
    Array.from({ length: LENGTH }, (_, i) => {
      const at = (/** @type {number} */ stream) => normal(SEED, stream, i * DRAWS + draw);
      const write = sigmoid(at(STREAM.input)) * at(STREAM.u);
      return { keep: sigmoid(-at(STREAM.forget)), write, read: sigmoid(at(STREAM.output)) };
    }),
  );
  return sequences;
}

/** The outputs of all draws; the plain qLSTM has the exponent 1. @param {number} exponent */
const outputs = (exponent) =>
  drawn().flatMap((tokens) => {
    let h = 0;
    return tokens.map(({ keep, write, read }) => {
      h = keep ** exponent * h + write;
      return read * h;
    });
  });

/** Mean of Λ. @param {number} exponent */
const kept = (exponent) =>
  drawn()
    .flat()
    .reduce((sum, { keep }) => sum + keep ** exponent, 0) /
  (LENGTH * DRAWS);

/** How far the outputs are from those of the plain one, as a share of their size. @param {number} exponent */
function difference(exponent) {
  const [plain, y] = [outputs(1), outputs(exponent)];
  return Math.hypot(...y.map((value, k) => value - plain[k])) / Math.hypot(...plain);
}

/** @param {number} exponent @param {number} apart */
function finding(exponent, apart) {
  const now = `With α = ${exponent} `;
  if (apart === 0) return `${now}all ${LENGTH * DRAWS} outputs are equal: two names, one model, a sign flipped.`;
  const words = exponent < 1 ? "more" : "less";
  return `${now}the reversed form keeps ${words} of its state at each step than the plain one, and the outputs differ.`;
}

export default hook({
  traits: { exponent: real(0, 2) },
  slider: (it) =>
    it.slider(
      "exponent",
      "Exponent α",
      () => ({ min: 0, max: 2, step: 0.05 }),
      (x) => x.toFixed(2),
    ),
  head: ["α", "the outputs differ by", "the reversed one keeps"],
  places: [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2],
  row: (exponent) => [percent(difference(exponent)), percent(kept(exponent))],
  see(model) {
    const exponent = model.get("exponent");
    const apart = difference(exponent);
    const bar = (/** @type {string} */ name, /** @type {number} */ share) => ({
      name,
      share,
      label: `keeps ${percent(share)} (mean Λ)`,
    });
    return {
      line: ["the outputs differ by ", percent(apart), " of the plain ones’ size"],
      bars: [{ ...bar("plain", kept(1)), own: false }, bar("reversed", kept(exponent))],
      said: finding(exponent, apart),
    };
  },
});
