/** The five steps from what a token writes to Φ: what each is about, and the list by which readers go through them. */
import { html, indexed } from "./dom.js";
import { follow } from "./follow.js";

/**
 * @typedef {object} Step
 * @property {string} title
 * @property {string} text what happens; `X_i` and `X_{i-1}` are letters with an index
 * @property {string} colors what full colour means in its picture
 * @property {string} hint one thing to try
 */

/** @type {Record<string, Step>} */
export const STEPS = {
  write: {
    title: "Write",
    text: "Token i goes into the state as B_i u_i: n features down, d channels across.",
    colors: "the largest size of the array over the whole sequence",
    hint: "take n down. The same d numbers of u_i go into fewer cells.",
  },
  decay: {
    title: "Decay",
    text: "What was there before is multiplied by Λ_i, cell by cell. What is written comes on top.",
    colors: "the largest size of the array over the whole sequence",
    hint: "choose SSD, RG-LRU and S6. One number, d numbers, n × d numbers decide what stays.",
  },
  read: {
    title: "Read",
    text: "C_i weighs the features of the state; their sum is the output y_i, one number a channel.",
    colors: "the largest size of the array over the whole sequence",
    hint: "choose S4D and move i. Its C_i is always the same, only the state changes.",
  },
  product: {
    title: "Multiply out",
    text: "How much of input j is in output i? B_j wrote it, each Λ in between changed it, C_i reads it.",
    colors: "the largest size of the array",
    hint: "touch other tokens to move j (or use More). The further back, the more transitions lie between.",
  },
  phi: {
    title: "Φ",
    text: "All these numbers at once: row i says how output i weighs the inputs j. A circle is what recall would read.",
    colors: "the largest size in the row, so each row shows where its most weight lies",
    hint: "take n down until, in the mean, fewer than half of the pairs come back.",
  },
};

/** Text with letters that have an index. @param {string} text @returns {(string | Node)[]} */
const spelled = (text) =>
  text
    .split(/(\p{L}_(?:\{.*?\}|.))/u)
    .map((part) => (part[1] === "_" ? indexed(part[0], part.slice(2).replace(/[{}]/g, "")) : part));

/**
 * The list of the steps.
 * @param {ReturnType<typeof import("./frame.js").frame>} it
 * @param {any} model
 */
export function listOf(it, model) {
  const names = Object.keys(STEPS);
  const last = () => model.get("shown") === names[names.length - 1];
  const next = it.button("", () => it.set({ shown: last() ? names[0] : names[names.indexOf(model.get("shown")) + 1] }));
  const items = names.map((name) => {
    const button = it.button(STEPS[name].title, () => it.set({ shown: name }));
    return { name, button, node: html("li", {}, button, html("p", {}, ...spelled(STEPS[name].text))) };
  });
  const all = [...items.map(({ node }) => node), html("li", { class: "dsf-field dsf-next" }, next)];
  // Not saved: who only scrolls past has chosen nothing, and the address stays.
  follow(it, model, items, (shown) => model.set("shown", shown));
  return {
    node: html("ol", { class: "dsf-steps dsf-field-shown" }, ...all),
    draw() {
      const shown = model.get("shown");
      for (const { name, button, node } of items) {
        button.setAttribute("aria-pressed", `${name === shown}`);
        node.setAttribute("class", name === shown ? "dsf-present" : "");
      }
      next.textContent = last() ? "Again" : "Next";
    },
  };
}

/** What full colour means in a step. @param {string} name */
export const colorsOf = (name) => ` + · full colour: ${STEPS[name].colors}.`;

/**
 * One thing to try, in linear attention where n is not free or too few pairs come back from the start.
 * @param {string} name
 * @param {boolean} free
 */
export function hintOf(name, free) {
  const { hint } = STEPS[name];
  const first = free || !hint.startsWith("take n") ? "" : "choose linear attention and ";
  return spelled(`To try: ${first}${hint}`);
}
