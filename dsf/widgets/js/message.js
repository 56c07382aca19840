/** The hook of chapter 1: a constant decay between forgetting and drowning. */
import { format } from "./dom.js";
import { hook } from "./hook.js";
import { real } from "./traits.js";

const LENGTH = 5000; // tokens

/** Message and noise at the end. @param {number} decay */
function recall(decay) {
  let [message, noise] = [1, 0];
  for (let i = 1; i < LENGTH; i++) [message, noise] = [decay * message, Math.hypot(decay * noise, 1)];
  return { message, noise, ratio: message / noise };
}

/** @param {number} value */
const size = (value) => (Number.isFinite(value) ? format(value) : "too large");
/** @param {{noise: number, ratio: number}} held */
const quotient = ({ noise, ratio }) => (Number.isFinite(noise) ? format(ratio) : "–");

/** @param {number} decay @param {ReturnType<typeof recall>} held */
function finding(decay, { message, noise, ratio }) {
  const now = `With λ = ${decay} `;
  if (!Number.isFinite(noise)) return `${now}the memory leaves the range of 64-bit numbers: nothing can be read.`;
  if (decay < 1) return `${now}the message has faded to ${format(message)}, under noise of ${format(noise)}.`;
  if (decay === 1) return `${now}nothing fades: the message drowns in noise of ${format(noise)}.`;
  return `${now}the message has grown, and the noise with it: the message is only ${format(ratio)} of the noise.`;
}

export default hook({
  traits: { decay: real(0.9, 1.2) },
  slider: (it) =>
    it.slider(
      "decay",
      "Decay λ",
      () => ({ min: 0.9, max: 1.2, step: 0.01 }),
      (x) => x.toFixed(2),
    ),
  head: ["λ", "message", "noise", "message ÷ noise"],
  places: [0.9, 0.99, 1, 1.01, 1.05, 1.1, 1.15, 1.2],
  row(place) {
    const held = recall(place);
    return [size(held.message), size(held.noise), quotient(held)];
  },
  see(model) {
    const decay = model.get("decay");
    const held = recall(decay);
    const { message, noise, ratio } = held;
    const inRange = Number.isFinite(noise); // else there is nothing to compare
    const bars = [
      { name: "message", share: inRange ? Math.min(1, ratio) : 0, label: size(message) },
      { name: "noise (root mean square)", share: inRange ? Math.min(1, 1 / ratio) : 0, label: size(noise), own: false },
    ];
    return { line: ["message ÷ noise = ", quotient(held), ""], bars, said: finding(decay, held) };
  },
});
