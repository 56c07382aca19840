/** The hook of chapter 5: how often a mass on a spring swings before half of the swing is lost. */
import { format } from "./dom.js";
import { hook } from "./hook.js";
import { numberOf, real } from "./traits.js";

const [LEAST, MOST, STEP] = [0.1, 4.5, 0.1]; // damping
const STIFFNESS = [1, 4, 16];
const WIDEST = 15; // seconds

/**
 * Half-life, period and their quotient, of a mass of 1.
 * @param {number} damping
 * @param {number} stiffness
 */
function swing(damping, stiffness) {
  const rate = damping / 2;
  const square = stiffness - rate ** 2;
  const turn = Math.sqrt(Math.max(0, square));
  const slow = square < 0 ? stiffness / (rate + Math.sqrt(-square)) : rate; // no difference of near numbers
  const half = Math.log(2) / slow;
  return { half, period: turn ? (2 * Math.PI) / turn : Infinity, swings: (half * turn) / (2 * Math.PI) };
}

/** @param {number} damping @param {number} stiffness @param {ReturnType<typeof swing>} found */
function finding(damping, stiffness, { half, period, swings }) {
  const now = `With c = ${damping} and k = ${stiffness} `;
  if (!swings) return `${now}it creeps back without a swing, and in the long run halves every ${format(half)} s.`;
  const times = `${now}half is left after ${format(half)} s, and a swing takes ${format(period)} s`;
  return `${times}: ${swings < 1 ? "half is lost before it has swung once" : "it swings on"}.`;
}

export default hook({
  traits: { damping: real(LEAST, MOST), stiffness: numberOf(STIFFNESS) },
  slider: (it) => {
    const limits = () => ({ min: LEAST, max: MOST, step: STEP });
    return it.slider("damping", "Damping c", limits, (x) => x.toFixed(1));
  },
  choice: (it) => it.select("stiffness", "Stiffness k", STIFFNESS),
  head: ["damping c", "swings until half is left", "half is left after, s", "a swing takes, s"],
  places: [0.1, 0.2, 1, 2, 3, 4, 4.5],
  row(place, model) {
    const { half, period, swings } = swing(place, model.get("stiffness"));
    return [format(swings), format(half), swings ? format(period) : "never"];
  },
  see(model) {
    const [damping, stiffness] = [model.get("damping"), model.get("stiffness")];
    const found = swing(damping, stiffness);
    const { half, period, swings } = found;
    return {
      line: ["until half is left: ", format(swings), swings === 1 ? " swing" : " swings"],
      bars: [
        { name: "half is left after", share: Math.min(1, half / WIDEST), label: `${format(half)} s` },
        {
          ...{ name: "a swing takes", share: swings ? Math.min(1, period / WIDEST) : 0, own: false },
          label: swings ? `${format(period)} s` : "it does not swing",
        },
      ],
      said: finding(damping, stiffness, found),
    };
  },
});
