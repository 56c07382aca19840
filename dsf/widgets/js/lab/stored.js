/** What the state stores of each key: which of its features the write goes into. */
import { html, percent, place, svg } from "../dom.js";
import { heatMap } from "../draw.js";
import { mean } from "../numbers.js";
import { normal } from "../random.js";

const [SIDE, LEFT, TOP] = [264, 24, 18]; // px: of the map at most, and of the names beside and above it
const [DRAWS, STREAM] = [400, 51]; // of random numbers
const [TALLEST, NAMED] = [34, 12]; // px of a row; rows of that height have their numbers

const [NEAR, FAR] = [1.15, 2]; // times the share of random numbers
const MOST = 0.75; // of all that is written

const NOTE =
  "A column is a key of this sequence, a row a feature of the state: its share of |B| where the value of the key is " +
  "written, in the mean over channels. Framed: the pair chosen above.";

/**
 * Of each key the share of every feature in what is written, (features, K).
 * @param {ArrayLike<number>} stored sizes, (features, K) @param {number} K
 */
export function sharesOf(stored, K) {
  const sums = Array.from({ length: K }, () => 0);
  for (let k = 0; k < stored.length; k++) sums[k % K] += stored[k];
  return Array.from(stored, (size, k) => (sums[k % K] ? size / sums[k % K] : 0));
}

/** The feature with the most of a key, and how much. @param {number[]} shares @param {number} K @param {number} pair */
function strongest(shares, K, pair) {
  const column = shares.filter((_, k) => k % K === pair);
  const share = Math.max(...column);
  return { feature: column.indexOf(share), share };
}

/** @type {Map<number, number>} */
const known = new Map();

/** What the largest of so many random numbers has of their sizes, in the mean. @param {number} features */
function randomShare(features) {
  const found = known.get(features);
  if (found !== undefined) return found;
  const shares = Array.from({ length: DRAWS }, (_, draw) => {
    const sizes = Array.from({ length: features }, (_, k) => Math.abs(normal(draw, STREAM, k)));
    return Math.max(...sizes) / sizes.reduce((sum, size) => sum + size, 0);
  });
  const share = mean(shares);
  known.set(features, share);
  return share;
}

/**
 * What is seen, in words. Also of numbers that mean nothing one is the largest: that is what to compare with.
 * @param {number[]} shares @param {number[]} keys @param {number} pair
 */
export function toldOf(shares, keys, pair) {
  const K = keys.length;
  const { feature, share } = strongest(shares, K, pair);
  const all = keys.map((_, at) => strongest(shares, K, at));
  const typical = mean(all.map((one) => one.share));
  const random = randomShare(shares.length / K);
  const used = new Set(all.map((one) => one.feature)).size;
  const follows =
    typical < NEAR * random
      ? " That is nearly as for random numbers: the keys share features."
      : typical > Math.min(FAR * random, MOST)
        ? ` Each key stands out in one feature: ${K} keys in ${used} feature${used > 1 ? "s" : ""}.`
        : "";
  return (
    `Key ${keys[pair]}: ${percent(share)} in feature ${feature}. Over all keys the strongest feature has ` +
    `${percent(typical)}; of random numbers it would have ${percent(random)}.${follows}`
  );
}

export function storedView() {
  const map = svg("svg", { class: "dsf-picture dsf-lab-stored", role: "img" });
  const heat = heatMap(map);
  const names = svg("g", {});
  map.append(names);
  const told = html("p", { class: "dsf-lab-told" });
  const note = html("p", { class: "dsf-note" }, NOTE);
  return {
    node: html("div", {}, map, told, note),
    /** @param {Float32Array | null} stored @param {number[]} keys @param {number} pair @param {number} width */
    draw(stored, keys, pair, width) {
      const K = keys.length;
      const rows = stored ? stored.length / K : 0;
      for (const part of [map, note]) part.toggleAttribute("hidden", rows < 2);
      if (!stored || rows < 2) {
        told.textContent = stored
          ? "The state has one feature, which all keys share."
          : "Softmax attention keeps every token by itself: it has no features that keys could share.";
        return;
      }
      const shares = sharesOf(stored, K);
      const wide = Math.min(SIDE, width - LEFT - 24);
      const tall = Math.min(wide, rows * TALLEST);
      const [w, h] = [wide / K, tall / rows];
      const limit = Math.max(...shares) || 1;
      const frame = { x: LEFT, y: TOP, width: wide, height: tall, rows, cols: K };
      heat.show({ ...frame, limit, value: (row, col) => shares[row * K + col] });
      const every = h >= NAMED ? 1 : Math.ceil(NAMED / h);
      /** @param {number} x @param {number} y @param {number} text @param {string} anchor */
      const name = (x, y, text, anchor) => svg("text", { x, y, "text-anchor": anchor }, `${text}`);
      names.replaceChildren(
        ...keys.map((key, j) => name(LEFT + (j + 0.5) * w, TOP - 5, key, "middle")),
        ...Array.from({ length: Math.ceil(rows / every) }, (_, k) =>
          name(LEFT - 4, TOP + (k * every + 0.5) * h + 4, k * every, "end"),
        ),
        svg("rect", { class: "dsf-chosen dsf-entry", x: LEFT + pair * w, y: TOP, width: w, height: tall }),
      );
      told.textContent = toldOf(shares, keys, pair);
      place(map, {
        ...{ width: LEFT + wide + 4, height: TOP + tall + 4 },
        "aria-label": `Features down, keys across: shares of what is written. ${told.textContent}`,
      });
    },
  };
}
