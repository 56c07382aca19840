/** The scan tree: a changing recurrence composed round by round, with a loop beside it. */
import { fold, html, place, svg, tableOf } from "./dom.js";
import { frame } from "./frame.js";
import { numberOf, whole } from "./traits.js";

/** @typedef {{round: number, tokens: number}} State */
/**
 * The pair at `source`, then the pair at `at`, become the pair at `at`, which covers the tokens from `first` on.
 * @typedef {{at: number, source: number, first: number}} Composition
 */

const TOKENS = [4, 8, 16];
const MOST = 7; // rounds of 16 tokens
const [HEAD, ROW, STRIP, WIDEST, NARROW] = [44, 36, 44, 520, 420]; // in pixels
const traits = { round: whole(0, MOST), tokens: numberOf(TOKENS) };

const TRY =
  "Try: go back to round 0 and on from there, and count when the tree has all states, " +
  "and how many the loop has by then.";
const NOTE =
  "A dot is one composition, its label the tokens that it covers. Filled: they begin with token 0, " +
  "so this is a state. The dots of one round can be done at once; some could be done sooner, as 0–2 after round 1.";

/** The compositions of every round: up, and down again. @param {number} tokens a power of two */
export function roundsOf(tokens) {
  const first = Array.from({ length: tokens }, (_, j) => j);
  /** @param {number} start @param {number} stride */
  const join = (start, stride) => {
    /** @type {Composition[]} */
    const found = [];
    for (let at = start; at < tokens; at += 2 * stride) {
      first[at] = first[at - stride];
      found.push({ at, source: at - stride, first: first[at] });
    }
    return found;
  };
  /** @type {Composition[][]} */
  const all = [];
  for (let stride = 1; stride < tokens; stride *= 2) all.push(join(2 * stride - 1, stride));
  for (let stride = tokens / 4; stride >= 1; stride /= 2) all.push(join(3 * stride - 1, stride));
  return all;
}

/** What tree and loop have made after so many rounds. @param {number} done @param {number} tokens */
function count(done, tokens) {
  const made = roundsOf(tokens).slice(0, done).flat();
  const states = 1 + made.filter(({ first }) => first === 0).length; // state 0 is there from the start
  const loop = Math.min(done, tokens - 1);
  return { made: made.length, states, loop };
}

/** @param {State} state the round that is shown, or the last one of the tree */
const shown = ({ round, tokens }) => Math.min(round, roundsOf(tokens).length);
/** @param {number} many */
const compositions = (many) => `${many} composition${many === 1 ? "" : "s"}`;

/** @param {State} state */
function finding(state) {
  const { tokens } = state;
  const done = shown(state);
  const all = roundsOf(tokens);
  const { made, states, loop } = count(done, tokens);
  const kept = `The tree holds ${tokens} pairs all the way, the loop 1.`;
  if (done === 0) {
    return `Before round 1 there are ${tokens} pairs, one for each token, and only state 0 is there. ${kept}`;
  }
  const now = all[done - 1].length;
  const last = now > 1 ? `, the last ${now} at once` : "";
  const tree = `After round ${done} of ${all.length} the tree has made ${compositions(made)}${last}`;
  const other = `The loop has made ${loop} and has ${loop + 1} states.`;
  return `${tree}, and has ${states} of ${tokens} states. ${other} ${kept}`;
}

/** @param {number} x @param {number} y @param {string} text @param {string} [anchor] */
const words = (x, y, text, anchor = "start") => svg("text", { x, y, "text-anchor": anchor }, text);

/**
 * One composition: two lines down to a dot, and what it covers.
 * @param {Composition} one
 * @param {number} k its round, from 0
 * @param {number[]} level the round in which each column was changed last
 * @param {(j: number) => number} x
 * @param {boolean} now whether its round is the one just done
 */
function joined({ at, source, first }, k, level, x, now) {
  /** @param {number} round */
  const y = (round) => HEAD + round * ROW;
  const lines = [source, at].map((j) =>
    svg("line", { class: now ? "dsf-join" : "dsf-cell-line", x1: x(j), y1: y(level[j]), x2: x(at), y2: y(k + 1) }),
  );
  const dot = { cx: x(at), cy: y(k + 1), r: now ? 6.5 : 4.5, class: first === 0 ? "dsf-pos" : "dsf-hollow" };
  const label = svg("g", { class: "dsf-name" }, words(x(at) - 5, y(k + 1) + 15, `${first}–${at}`, "end"));
  return { lines, marks: [label, svg("circle", dot)] };
}

/**
 * Cells of which the filled ones are states that are there.
 * @param {boolean[]} filled
 * @param {(j: number) => number} x
 * @param {number} y
 * @param {number} cell
 */
const strip = (filled, x, y, cell) =>
  filled.flatMap((full, j) => {
    const box = { x: x(j) - cell / 2 + 1, y, width: cell - 2, height: 14 };
    return [...(full ? [svg("rect", { ...box, class: "dsf-pos" })] : []), svg("rect", { ...box, class: "dsf-chosen" })];
  });

/** @param {any} picture @param {State} state @param {number} width */
function draw(picture, state, width) {
  const { tokens } = state;
  const done = shown(state);
  const all = roundsOf(tokens);
  const little = width < NARROW; // room: a round is called by its number alone
  const side = little ? 14 : 48;
  const cell = (width - side) / tokens;
  /** @param {number} j */
  const x = (j) => side + (j + 0.5) * cell;
  const level = Array(tokens).fill(0);
  const there = Array.from({ length: tokens }, (_, j) => j === 0);
  /** @type {any[]} */
  const [lines, marks] = [[], []];
  for (const [k, some] of all.slice(0, done).entries()) {
    const before = [...level];
    for (const one of some) {
      const drawn = joined(one, k, before, x, k === done - 1);
      lines.push(...drawn.lines);
      marks.push(...drawn.marks);
      level[one.at] = k + 1;
      there[one.at] = one.first === 0;
    }
  }
  const start = Array.from({ length: tokens }, (_, j) => [
    words(x(j), HEAD - 16, `${j}`, "middle"),
    svg("rect", { x: x(j) - 5, y: HEAD - 10, width: 10, height: 10, class: j ? "dsf-hollow" : "dsf-pos" }),
  ]).flat();
  const names = all.map((_, k) =>
    svg(
      "g",
      { class: k === done - 1 ? "dsf-strong" : k < done ? "" : "dsf-dim" },
      words(0, HEAD + (k + 1) * ROW + 4, little ? `${k + 1}` : `round ${k + 1}`),
    ),
  );
  const { made, states, loop } = count(done, tokens);
  const foot = HEAD + all.length * ROW + 24;
  const strips = [
    { name: "Tree", many: made, filled: there },
    { name: "Loop", many: loop, filled: there.map((_, j) => j <= loop) },
  ].flatMap(({ name, many, filled }, k) => {
    const y = foot + k * STRIP;
    const said = `${name}: ${compositions(many)}, ${filled.filter(Boolean).length} of ${tokens} states`;
    return [words(side, y + 12, said), ...strip(filled, x, y + 18, cell)];
  });
  const small = little ? "dsf-small" : "";
  const titles = little ? [] : [words(0, HEAD - 16, "token")];
  const tree = svg("g", { class: small }, ...titles, ...names, ...lines, ...start, ...marks);
  picture.replaceChildren(tree, ...strips);
  const by = `tree, ${compositions(made)}, ${states} of ${tokens} states`;
  const label = `After ${done} rounds: ${by}; loop, ${compositions(loop)}, ${loop + 1} states`;
  place(picture, { width, height: foot + 2 * STRIP, "aria-label": label });
}

/** @param {number} tokens */
function table(tokens) {
  const places = [...new Set([...roundsOf(tokens).keys(), roundsOf(tokens).length, tokens - 1])];
  const rows = places.map((done) => {
    const { made, states, loop } = count(done, tokens);
    return [done, made, states, loop, loop + 1].map(String);
  });
  return tableOf("", ["round", "tree: composed", "states", "loop: composed", "states"], rows);
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const picture = svg("svg", { class: "dsf-picture", role: "img" });
  const numbers = html("div");
  /** @returns {State} */
  const state = () => /** @type {State} */ (it.state());
  const last = () => roundsOf(state().tokens).length;
  it.controls.append(
    it.slider(
      "round",
      "Round",
      () => ({ min: 0, max: last(), value: shown(state()) }),
      () => `${shown(state())} of ${last()}`,
    ),
    it.select("tokens", "Tokens", TOKENS),
    it.reset(),
  );
  const hint = html("p", { class: "dsf-note dsf-hint" }, TRY);
  it.root.append(it.problem, it.controls, hint, picture, it.finding, it.spoken);
  it.root.append(html("p", { class: "dsf-note" }, NOTE), fold("dsf-data", "Numbers", numbers));
  return it.start(() => {
    draw(picture, state(), Math.min(it.root.clientWidth, WIDEST));
    numbers.replaceChildren(table(state().tokens));
    it.say(finding(state()));
  });
}

export default { traits, render };
