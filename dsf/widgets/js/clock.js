/** Set the clock: a step Δ for each of eight tokens, and what one state holds of them. */
import { fold, format, html, percent, place, svg, tableOf } from "./dom.js";
import { frame } from "./frame.js";
import { oneOf, real } from "./traits.js";

/** @typedef {{clock: string, step: number, rule: string}} State */

const [TOKENS, FLAGGED, TAKE] = [8, [1, 4], 5];
const [LEAST, MOST] = [0.05, 2]; // of the step of a token that is mixed in
const [HEAD, ROW, FOOT, WIDEST] = [52, 21, 26, 480]; // in pixels
/** @type {Record<string, {word: string, next: string}>} */
const LEVELS = {
  s: { word: "skip", next: "m" },
  m: { word: "mix", next: "t" },
  t: { word: "take", next: "s" },
};
/** @type {[string, string][]} */
const RULES = [
  ["zoh", "1 − e^(−Δ)"],
  ["euler", "Δ"],
];

const TRY =
  "Try: press a word to set the clock of its token. “Skip” is Δ = 0; " +
  `“take” is Δ = ${TAKE}, and nearly all of the state is replaced.`;
const NOTE =
  "Λ = e^(−Δ). B = 1 − e^(−Δ) is what holding the token writes, B = Δ what Euler’s rule writes. " +
  "A thick frame: more than all of a token.";

/** A letter for each token. @type {import("./traits.js").Trait} */
const letters = {
  parse: String,
  accepts: (value) => typeof value === "string" && /^[smt]{8}$/.test(value),
  wanted: `${TOKENS} letters s, m or t`,
};
const traits = { clock: letters, step: real(LEAST, MOST), rule: oneOf(["zoh", "euler"]) };

/** Δ, Λ and B of every token, for the rate -1. @param {State} state */
export function arrays({ clock, step, rule }) {
  const steps = [...clock].map((letter) => (letter === "s" ? 0 : letter === "m" ? step : TAKE));
  const decay = steps.map((delta) => Math.exp(-delta));
  const write = steps.map((delta) => (rule === "zoh" ? -Math.expm1(-delta) : delta));
  return { steps, decay, write };
}

/** Φ: how much of token j the state holds after token i. @param {State} state */
export function mixing(state) {
  const { decay, write } = arrays(state);
  /** @type {number[][]} */
  const rows = [];
  for (let i = 0; i < TOKENS; i++) {
    const before = rows[i - 1] ?? [];
    rows.push(write.map((b, j) => (j < i ? decay[i] * before[j] : j === i ? b : 0)));
  }
  return rows;
}

/** @param {number} share for little room */
const short = (share) => (100 * share).toFixed(0);
/** @param {number} j */
const named = (j) => `${j}${FLAGGED.includes(j) ? ", flagged" : ""}`;

/** @param {number[]} held */
function finding(held) {
  const parts = FLAGGED.map((j) => `${percent(held[j])} of token ${j}`).join(" and ");
  const others = held.reduce((sum, share, j) => sum + (FLAGGED.includes(j) ? 0 : share), 0);
  return `At the end the state holds ${parts}, which are flagged, and ${percent(others)} of the six others together.`;
}

/** A flag on its pole. @param {number} x @param {number} y */
const flag = (x, y) =>
  svg("path", { class: "dsf-pos", d: `M${x - 4} ${y}h1.5v-12h-1.5zM${x - 2.5} ${y - 12}l9 3.5l-9 3.5z` });

/** @param {any} picture @param {State} state @param {number} width */
function draw(picture, state, width) {
  const cell = width / TOKENS;
  const { steps } = arrays(state);
  const rows = mixing(state);
  const end = HEAD + TOKENS * ROW;
  const tokens = steps.flatMap((delta, j) => [
    ...(FLAGGED.includes(j) ? [flag((j + 0.5) * cell, 15)] : []),
    svg("text", { x: (j + 0.5) * cell, y: 30, "text-anchor": "middle" }, `${j}`),
    svg("text", { x: (j + 0.5) * cell, y: 46, "text-anchor": "middle" }, delta ? String(+delta.toFixed(2)) : "0"),
  ]);
  const cells = rows.flatMap((row, i) =>
    row.slice(0, i + 1).flatMap((share, j) => {
      const box = { x: j * cell + 1, y: HEAD + i * ROW + 1, width: cell - 2, height: ROW - 2 };
      return [
        svg("rect", { ...box, class: "dsf-pos", "fill-opacity": Math.min(1, share).toFixed(3) }),
        svg("rect", { ...box, class: share > 1 ? "dsf-entry" : "dsf-chosen" }),
      ];
    }),
  );
  const left = rows[TOKENS - 1].map((share, j) =>
    svg("text", { x: (j + 0.5) * cell, y: end + 16, "text-anchor": "middle", class: "dsf-strong" }, short(share)),
  );
  const last = { x: 0, y: end - ROW - 0.5, width, height: ROW + 1 };
  picture.replaceChildren(...tokens, ...cells, svg("rect", { ...last, class: "dsf-row" }), ...left);
  const label = rows[TOKENS - 1].map((share, j) => `${percent(share)} of token ${named(j)}`).join("; ");
  place(picture, { width, height: end + FOOT, "aria-label": `The state at the end holds ${label}` });
}

/** @param {State} state */
function table(state) {
  const { steps, decay, write } = arrays(state);
  const held = mixing(state)[TOKENS - 1];
  const rows = held.map((share, j) => [named(j), ...[steps[j], decay[j], write[j], share].map(format)]);
  return tableOf("", ["token", "Δ", "Λ", "B", "left at the end"], rows);
}

/** One button for each token, which goes on to the next kind of Δ. @param {ReturnType<typeof frame>} it */
function buttons(it) {
  const all = Array.from({ length: TOKENS }, (_, j) =>
    it.button("", () => {
      const { clock } = it.state();
      it.set({ clock: clock.slice(0, j) + LEVELS[clock[j]].next + clock.slice(j + 1) });
    }),
  );
  const node = html("div", { class: "dsf-tokens", role: "group", "aria-label": "Δ of each token" }, ...all);
  return {
    node,
    /** @param {string} clock @param {number} width */
    draw(clock, width) {
      node.style.setProperty("width", `${width}px`);
      for (const [j, button] of all.entries()) {
        const { word } = LEVELS[clock[j]];
        button.textContent = word;
        button.setAttribute("aria-label", `${word}, token ${named(j)}`);
      }
    },
  };
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const picture = svg("svg", { class: "dsf-picture", role: "img" });
  const tokens = buttons(it);
  const numbers = html("div");
  const title = html(
    "p",
    { class: "dsf-panel-title" },
    "Each token and its Δ. Below, a row for each time: how much of the token the state holds, at the end in per cent",
  );
  it.controls.append(
    it.slider(
      "step",
      "Δ of “mix”",
      () => ({ min: LEAST, max: MOST, step: 0.05 }),
      (x) => x.toFixed(2),
    ),
    it.select("rule", "B =", RULES),
    it.reset(),
  );
  const hint = html("p", { class: "dsf-note dsf-hint" }, TRY);
  it.root.append(it.problem, it.controls, hint, tokens.node, title, picture, it.finding, it.spoken);
  it.root.append(html("p", { class: "dsf-note" }, NOTE), fold("dsf-data", "Numbers", numbers));
  return it.start(() => {
    const width = Math.min(it.root.clientWidth, WIDEST);
    const state = /** @type {State} */ (it.state());
    tokens.draw(state.clock, width);
    draw(picture, state, width);
    numbers.replaceChildren(table(state));
    it.say(finding(mixing(state)[TOKENS - 1]));
  });
}

export default { traits, render };
