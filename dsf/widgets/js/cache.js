/** The hook of chapter 2: what a language model keeps of a text. */
import { format } from "./dom.js";
import { hook } from "./hook.js";
import { numberOf, whole } from "./traits.js";

const [LAYERS, WIDTH, HEAD] = [32, 4096, 128]; // of the model: layers, channels, width of a head
const BYTES = 2; // a number of 16 bits
const [LEAST, MOST, STEP] = [4, 200, 4]; // thousand tokens
const HEADS = [32, 8, 1];

/** The key and the value of each token, in gigabytes. @param {number} length @param {number} heads */
const cacheSize = (length, heads) => (1000 * length * LAYERS * heads * 2 * HEAD * BYTES) / 1e9;
/** The weights of all layers. @param {number} heads */
const weightsSize = (heads) => (LAYERS * (10 * WIDTH ** 2 + 2 * WIDTH * heads * HEAD) * BYTES) / 1e9;
/** The state of linear attention with its normaliser. @param {number} heads */
const stateSize = (heads) => (LAYERS * heads * HEAD * (HEAD + 1) * BYTES) / 1e9;

/** @param {number} length @param {number} heads */
const sizes = (length, heads) => [cacheSize(length, heads), weightsSize(heads), stateSize(heads)];

export default hook({
  traits: { length: whole(LEAST, MOST), heads: numberOf(HEADS) },
  slider: (it) => it.slider("length", "Thousand tokens", () => ({ min: LEAST, max: MOST, step: STEP }), String),
  choice: (it) => it.select("heads", "Key-value heads", HEADS),
  head: ["thousand tokens", "cache, GB", "weights, GB", "fixed state, GB"],
  places: [4, 24, 28, 100, 200],
  row: (place, model) => sizes(place, model.get("heads")).map(format),
  see(model) {
    const [length, heads] = [model.get("length"), model.get("heads")];
    const [cache, weights, state] = sizes(length, heads);
    const widest = cacheSize(MOST, HEADS[0]);
    const times = Math.round(cache / state);
    return {
      line: ["cache = ", format(cache), " GB"],
      bars: [
        { name: "cache", share: cache / widest, label: `${format(cache)} GB` },
        { name: "weights of the model", share: weights / widest, label: `${format(weights)} GB`, own: false },
        { name: "fixed state", share: state / widest, label: `${format(state)} GB`, own: false },
      ],
      said: [
        `After ${length} thousand tokens the cache is ${times} times the fixed state, `,
        cache > weights ? "and larger than the model." : "and smaller than the model.",
      ].join(""),
    };
  },
});
