/** Key-value memory: eight pairs flow into a box of n × d cells and are asked for again. */
import { html, place, svg, tableOf } from "./dom.js";
import { heatMap, largest } from "./draw.js";
import { frame } from "./frame.js";
import { CHANNELS, DRAWS, PAIRS, remember, SIZES } from "./memory.js";
import { RECALLED } from "./recalled.js";
import { oneOf, whole } from "./traits.js";

/** @type {Record<string, string>} */
const TITLES = {
  linear: "Linear attention",
  softmax: "Softmax attention",
  decay: "Linear attention with decay",
};
const CHIPS = { linear: "linear attention", softmax: "softmax", decay: "with decay 0.8" };
const MOST = SIZES[SIZES.length - 1];
const [TOP, ROW, STRIP] = [24, 24, 15]; // px: above the rows, of a row, of the values in it
const HEIGHT = TOP + PAIRS * ROW;
const [WRITE_MS, SHRINK_MS] = [280, 420]; // together under five seconds
const NOTE =
  "Keys are random directions, nothing is trained. Linear attention is here the plain sum of key times value. " +
  "A value comes back if it is the nearest of 1024 to what is read. The picture is one draw. " +
  "Try: from which n down does softmax fail too?";

const traits = { memory: oneOf(Object.keys(TITLES)), n: whole(1, MOST) };

/** The largest n that is measured and not above this one. @param {number} n */
const fit = (n) => Math.max(...SIZES.filter((size) => size <= n));

/** How many values come back in the mean. @param {string} name @param {number} n */
const mean = (name, n) => RECALLED[name][n].reduce((x, y) => x + y) / DRAWS;

/** How many numbers a memory holds. @param {string} name @param {number} n */
const held = (name, n) => (name === "softmax" ? PAIRS * (n + CHANNELS) : n * CHANNELS);

/** @param {string} name @param {number} n @param {number} place */
const share = (name, n, place) => `${Math.round((100 * (RECALLED[name][n].at(place) ?? 0)) / DRAWS)} %`;

/** @typedef {{name: string, n: number, written: number}} Scene */
/** @typedef {ReturnType<typeof frame>} Frame */

/** @param {Scene} scene */
export function finding({ name, n, written }) {
  const grows = name === "softmax";
  if (written < PAIRS) {
    const size = grows ? `grows to ${written * (n + CHANNELS)}` : `holds ${held(name, n)} numbers, as before`;
    return `Pair ${written} of ${PAIRS} is written; the memory ${size}.`;
  }
  const open = `${TITLES[name]}, n = ${n}: ${mean(name, n).toFixed(1)} of ${PAIRS} values come back. `;
  if (grows) {
    const size = `K(n + d) = ${held(name, n)} numbers`;
    return `${open}It keeps every key and value, ${size}, and ${n + CHANNELS} more with each pair.`;
  }
  const size = `It holds n × d = ${held(name, n)} numbers, however many pairs it reads.`;
  if (name === "linear") return open + size;
  return `${open}The newest in ${share(name, n, -1)} of the draws, the oldest in ${share(name, n, 0)}. ${size}`;
}

/** Eight strips of values, one below the other. @param {any} parent */
function strips(parent) {
  const maps = Array.from({ length: PAIRS }, () => heatMap(parent));
  /** @param {number[][]} rows @param {number} x @param {number} width @param {number} limit */
  return (rows, x, width, limit) =>
    maps.forEach(({ group, show }, j) => {
      group.classList[rows[j] ? "remove" : "add"]("dsf-gone");
      const y = TOP + j * ROW + (ROW - STRIP) / 2;
      const row = rows[j] ?? new Array(CHANNELS).fill(0);
      show({ ...{ x, y, width, height: STRIP, rows: 1, cols: CHANNELS, limit }, value: (_, col) => row[col] });
    });
}

/** The pairs on the left, the memory, and on the right what its keys bring back. */
export function drawing() {
  const picture = svg("svg", { class: "dsf-picture", role: "img" });
  const [lines, words, flying] = [svg("g"), svg("g"), svg("g", { class: "dsf-flying" })];
  picture.append(lines);
  const [given, brought, cells, flight] = [strips(picture), strips(picture), heatMap(picture), heatMap(flying)];
  const box = svg("rect", { class: "dsf-chosen" });
  picture.append(box, words, flying);
  /** @param {number} x @param {number} y @param {string} anchor @param {string} text */
  const word = (x, y, anchor, text, kind = "") => svg("text", { class: kind, x, y, "text-anchor": anchor }, text);
  return {
    picture,
    /** @param {Scene} scene @param {number} width @param {boolean} moving */
    draw({ name, n, written }, width, moving) {
      const full = remember(name, n);
      const asked = written === PAIRS;
      const empty = { ...full, state: full.state.map((row) => row.map(() => 0)) };
      const now = asked ? full : written ? remember(name, n, written) : empty;
      const strip = width < 440 ? 72 : 118;
      const gap = width < 440 ? 18 : 44;
      const [left, right] = [24, width - 20 - strip];
      const [from, to] = [left + strip + gap, right - gap];
      const [rows, high] = name === "softmax" ? [now.state.length, ROW] : [n, (PAIRS * ROW) / MOST];
      const top = name === "softmax" ? TOP : TOP + ((MOST - n) * high) / 2;
      const where = { x: from, y: top, width: to - from, height: rows * high };
      const limit = largest(full.values.flat());
      given(full.values, left, strip, limit);
      brought(asked ? full.reads : [], right, strip, limit);
      const cols = now.state[0].length;
      const value = (/** @type {number} */ row, /** @type {number} */ col) => now.state[row][col];
      cells.show({ ...where, rows, cols, limit: largest(full.state.flat()), value });
      place(box, where);
      const middle = (/** @type {number} */ j) => TOP + (j + 0.5) * ROW;
      const door = (/** @type {number} */ j) => top + (rows * high * (j + 0.5)) / PAIRS;
      lines.replaceChildren(
        ...full.keys.flatMap((_, j) => [
          svg("line", { class: "dsf-write", x1: left + strip + 3, y1: middle(j), x2: from - 2, y2: door(j) }),
          svg("line", { class: "dsf-read", x1: to + 2, y1: door(j), x2: right - 3, y2: middle(j) }),
        ]),
      );
      const size = name === "softmax" ? `cache, ${rows} × (${n} + ${CHANNELS})` : `state, ${n} × ${CHANNELS}`;
      words.replaceChildren(
        ...full.keys.map((_, j) => word(0, middle(j) + 4, "start", `k${"₁₂₃₄₅₆₇₈"[j]}`)),
        word(left, 12, "start", "key → value", "dsf-write"),
        word((from + to) / 2, 12, "middle", size),
        word(right, 12, "start", "read again", "dsf-read"),
        ...full.back.map((back, j) => word(width, middle(j) + 4, "end", asked ? (back ? "✓" : "✗") : "?")),
      );
      flying.setAttribute("class", moving && written ? `dsf-flying dsf-flying-${written % 2}` : "dsf-gone");
      flying.style.setProperty("--far", `${strip + gap}px`);
      const j = Math.max(0, written - 1);
      const y = middle(j) - STRIP / 2;
      flight.show({
        ...{ x: left, y, width: strip, height: STRIP, rows: 1, cols: CHANNELS, limit },
        value: (_, col) => full.values[j][col],
      });
      const back = full.back.filter(Boolean).length;
      const told = asked ? `In this draw ${back} of ${PAIRS} values come back.` : `${written} pairs are written.`;
      const label = `Pairs of a key and a value, the memory as a map of colours, and what the keys bring. ${told}`;
      place(picture, { width, height: HEIGHT, "aria-label": label });
    },
  };
}

/** The line with a dot for each question. */
export function score() {
  const dots = Array.from({ length: PAIRS }, (_, k) =>
    svg("circle", { cx: 9 + 18 * k, cy: 9, r: 7, class: "dsf-question" }),
  );
  const row = svg("svg", { class: "dsf-legend", width: 18 * PAIRS, height: 18, "aria-hidden": "true" }, ...dots);
  const words = html("b");
  return {
    node: html("p", { class: "dsf-score" }, `${PAIRS} questions, mean of ${DRAWS} draws: `, row, " ", words),
    /** @param {Scene} scene */
    draw({ name, n, written }) {
      const value = written === PAIRS ? mean(name, n) : 0;
      dots.forEach((dot, k) => {
        dot.setAttribute("fill-opacity", `${Math.round(value) > k ? 1 : 0}`);
      });
      words.textContent = written === PAIRS ? value.toFixed(1) : "…";
    },
  };
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  /** @type {{n: number, written: number} | null} what is played */
  let played = null;
  const scene = () => ({ name: model.get("memory"), ...(played ?? { n: fit(model.get("n")), written: PAIRS }) });
  const limits = () => ({
    ...{ min: 0, max: SIZES.length - 1, value: SIZES.indexOf(scene().n) },
    read: (/** @type {number} */ index) => SIZES[index],
  });
  const chips = Object.entries(CHIPS).map(([name, title]) => ({
    name,
    button: it.button(title, () => it.set({ memory: name })),
  }));
  const group = html("div", { class: "dsf-field dsf-chips", role: "group", "aria-label": "Memory" });
  group.append(...chips.map(({ button }) => button));
  it.controls.append(
    it.slider("n", "Memory n", limits, () => `${scene().n}`),
    group,
    it.reset(),
  );
  const [view, dots] = [drawing(), score()];
  const [summary, body] = [html("summary"), html("div")];
  it.root.append(it.problem, it.controls, view.picture, dots.node, it.finding, it.spoken);
  it.root.append(html("p", { class: "dsf-note" }, NOTE), html("details", { class: "dsf-data" }, summary, body));
  playOnce(it, model, view.picture, (step) => {
    played = step;
    it.redraw();
  });

  return it.start(() => {
    const shown = scene();
    view.draw(shown, Math.min(it.root.clientWidth, 760), played !== null && shown.written < PAIRS);
    dots.draw(shown);
    for (const { name, button } of chips) button.setAttribute("aria-pressed", `${name === shown.name}`);
    summary.textContent = `What comes back with n = ${shown.n}`;
    const rows = Object.entries(TITLES).map(([name, title]) => [
      ...[title, mean(name, shown.n).toFixed(1), share(name, shown.n, 0), share(name, shown.n, -1)],
      `${held(name, shown.n)}`,
    ]);
    body.replaceChildren(tableOf("", ["", `of ${PAIRS}`, "the oldest", "the newest", "numbers held"], rows));
    it.say(finding(shown));
  });
}

/**
 * The play: the pairs are written one by one into a large memory, which is then made smaller.
 * @param {number} last the n at which it ends, not part of the play
 * @param {number} [first] the n with which it begins
 */
export const play = (last, first = MOST) => [
  ...Array.from({ length: PAIRS }, (_, written) => ({ n: first, written, ms: WRITE_MS })),
  ...SIZES.filter((size) => size > last && size <= first)
    .reverse()
    .map((n) => ({ n, written: PAIRS, ms: SHRINK_MS })),
];

/**
 * Play once, when it comes in sight. It ends where the reader would be without it, and at once when the reader
 * does anything with the figure.
 * @param {Frame} it
 * @param {any} model
 * @param {Element} picture
 * @param {(step: {n: number, written: number} | null) => void} show
 */
function playOnce(it, model, picture, show) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let at = 0;
  /** @type {ReturnType<typeof play>} */
  let steps = [];
  function next() {
    if (at === steps.length) return end();
    show(steps[at]);
    timer = setTimeout(next, steps[at].ms);
    at += 1;
  }
  function end() {
    observer.disconnect();
    clearTimeout(timer);
    if (steps.length) show(null);
    steps = [];
    it.root.classList.remove("dsf-playing");
  }
  const observer = new IntersectionObserver(
    ([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      observer.disconnect();
      steps = play(fit(model.get("n")));
      it.root.classList.add("dsf-playing");
      next();
    },
    { threshold: 0.6 },
  );
  const events = ["change:n", "change:memory"];
  for (const event of events) model.on(event, end);
  for (const event of ["pointerdown", "keydown", "focusin"]) it.root.addEventListener(event, end, true);
  it.atEnd(() => {
    end();
    for (const event of events) model.off(event, end);
  });
  if (!it.reduced.matches) observer.observe(picture);
}

export default { traits, render };
