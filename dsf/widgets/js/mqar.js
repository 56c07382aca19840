/** MQAR explorer: a sequence of the task, and what the recorded runs reach on it. `dsf/widgets/mqar.py` is its twin. */
import { format, frame, html, svg, whole } from "./dom.js";
import { uniform } from "./random.js";

/** @typedef {{task: string, mixer: string, n: number, d: number, accuracy: (number | null)[], rate: number, tried: number}} Cell */
/** @typedef {{L: number, K: number, V: number, a: number, R: number}} Task */
/** @typedef {{title: string, color: string, marker: string, hollow: boolean}} Mixer */
/** @typedef {{tokens: number[], asked: number[][]}} Recall */

const MOST = 2 ** 20;
const STREAM = { keys: 31, values: 32, slots: 33 };
const NOTHING = "No runs are recorded, so there is nothing to draw.";
const DIVERGED = "✗";
const WORDED = 80; // items of a sequence up to which the tokens are written out
const ROW = 34; // height of a row of the sequence in pixels
const REACH = 40; // how far from a point a click may be, in pixels

const isSize = (value) => Number.isInteger(value) && value >= 1;
/** @param {Cell} cell */
const isCell = (cell) => typeof cell?.task === "string" && typeof cell.mixer === "string" && isSize(cell.n) && isSize(cell.d)
  && Array.isArray(cell.accuracy) && cell.accuracy.every((x) => x === null || Number.isFinite(x));

const text = { parse: String, accepts: (value) => typeof value === "string", wanted: "a text" };
const made = (wanted, accepts) => ({ parse: () => null, accepts, wanted });
const table = (value) => typeof value === "object" && value !== null;

export const traits = {
  cells: made("a list of settings with their accuracies", (value) => Array.isArray(value) && value.every(isCell)),
  tasks: made("the tasks by title", table),
  mixers: made("the mixers by name", table),
  task: text,
  mixer: text,
  n: whole(1, MOST),
  d: whole(1, MOST),
  pair: whole(0, MOST),
  seed: whole(0, 999),
};

/**
 * Distinct numbers below `size`, every ordered choice equally likely: ranks among what is left, then counted on
 * past the earlier numbers.
 * @param {number} seed
 * @param {number} stream
 * @param {number} count
 * @param {number} size
 */
function distinct(seed, stream, count, size) {
  const x = Array.from({ length: count }, (_, j) => Math.floor(uniform(seed, stream, j) * (size - j)));
  for (let j = count - 2; j >= 0; j--) {
    for (let i = j + 1; i < count; i++) if (x[i] >= x[j]) x[i] += 1;
  }
  return x;
}

/**
 * A sequence of the task: the pairs, then every key R times in slots of two, drawn with weights (g + 1)^(a - 1) by
 * the arrival times of exponential clocks.
 * @param {Task} task
 * @param {number} seed
 * @returns {Recall}
 */
export function recall({ L, K, V, a, R }, seed) {
  const half = Math.floor(V / 2);
  const keys = distinct(seed, STREAM.keys, K, half - 1);
  const values = distinct(seed, STREAM.values, K, V - half);
  const tokens = [...keys.flatMap((key, j) => [1 + key, half + values[j]]), ...Array(L - 2 * K).fill(0)];
  const times = Array.from({ length: (L - 2 * K) / 2 }, (_, g) => -Math.log(uniform(seed, STREAM.slots, g)) * (g + 1) ** (1 - a));
  const drawn = times.map((_, g) => g).sort((g, h) => times[g] - times[h]).slice(0, K * R);
  const asked = keys.map((_, j) => drawn.filter((_, m) => m % K === j).map((g) => 2 * K + 2 * g).sort((x, y) => x - y));
  asked.forEach((places, j) => places.forEach((at) => { tokens[at] = tokens[2 * j]; }));
  return { tokens, asked };
}

/**
 * What a reader scores who guesses among the values shown, and among all values.
 * @param {Task} task
 */
export const chance = ({ K, V }) => [1 / K, 1 / (V - Math.floor(V / 2))];

// --- the cells ----------------------------------------------------------------------------------

/** @param {Cell} cell @returns {number[]} */
const finite = ({ accuracy }) => /** @type {number[]} */ (accuracy.filter((x) => x !== null));
/** @param {number[]} seen */
const average = (seen) => seen.reduce((sum, x) => sum + x, 0) / seen.length;
/** @param {Cell} cell */
const lost = (cell) => cell.accuracy.length - finite(cell).length;
/** @param {Cell} cell */
const mean = (cell) => (finite(cell).length ? format(average(finite(cell))) : "diverged");
/** @param {Cell} cell */
const range = (cell) => `${format(Math.min(...finite(cell)))} to ${format(Math.max(...finite(cell)))}`;
/** @param {Cell} cell the mean for little room, with a cross if a run diverged */
const short = (cell) => (finite(cell).length ? average(finite(cell)).toFixed(2) : "") + (lost(cell) ? DIVERGED : "");
/** @param {Cell} cell */
function brief(cell) {
  const seen = finite(cell).length;
  return mean(cell) + (seen > 1 ? ` (${range(cell)})` : "") + (seen && lost(cell) ? ` ${DIVERGED}` : "");
}

/** @param {Cell} cell the mean, the spread over the seeds and how the learning rate was found, in words */
function reached(cell) {
  const seen = finite(cell).length;
  const said = seen > 1 ? [`${range(cell)} over ${seen} seeds`] : seen ? ["1 seed"] : [];
  if (lost(cell)) said.push(`${lost(cell)} of ${cell.accuracy.length} diverged`);
  said.push(`learning rate ${cell.rate}${cell.tried > 1 ? ` chosen of ${cell.tried} on validation` : ""}`);
  return `${mean(cell)} (${said.join(", ")})`;
}

/** @param {Cell} cell */
const pick = ({ mixer, n, d }) => ({ mixer, n, d });

/** @param {number[]} sizes */
const ascending = (sizes) => [...new Set(sizes)].sort((x, y) => x - y);

/** The largest size that is not above the one wanted, else the smallest. @param {number[]} sizes @param {number} wanted */
function fit(sizes, wanted) {
  const below = sizes.filter((size) => size <= wanted);
  return below.length ? Math.max(...below) : Math.min(...sizes);
}

/** The cell of a mixer whose d, then n, is the largest that is not above the one wanted. @param {Cell[]} own @param {{n: number, d: number}} wanted */
function nearest(own, wanted) {
  const d = fit(own.map((cell) => cell.d), wanted.d);
  const wide = own.filter((cell) => cell.d === d);
  const n = fit(wide.map((cell) => cell.n), wanted.n);
  return /** @type {Cell} */ (wide.find((cell) => cell.n === n));
}

/**
 * What is looked at: the cells of the task, those of the mixer, and the one that is chosen.
 * @param {any} model
 */
function look(model) {
  const [title, wanted] = [model.get("task"), model.get("mixer")];
  /** @type {Record<string, Task>} */
  const tasks = model.get("tasks");
  /** @type {Record<string, Mixer>} */
  const mixers = model.get("mixers");
  if (!Object.keys(tasks).length) return null;
  if (!Object.hasOwn(tasks, title)) throw new Error(`task is “${title}”, expected one of ${Object.keys(tasks).join("; ")}`);
  if (!Object.hasOwn(mixers, wanted)) throw new Error(`mixer is “${wanted}”, expected one of ${Object.keys(mixers).join("; ")}`);
  /** @type {Cell[]} */
  const all = model.get("cells");
  const here = all.filter((cell) => cell.task === title);
  const names = Object.keys(mixers).filter((name) => here.some((cell) => cell.mixer === name));
  const of = (name) => here.filter((cell) => cell.mixer === name);
  const own = of(names.includes(wanted) ? wanted : here[0].mixer);
  const cell = nearest(own, { n: model.get("n"), d: model.get("d") });
  const task = tasks[title];
  const pair = Math.min(model.get("pair"), task.K - 1);
  return { title, task, all, mixers, here, names, of, own, cell, pair, seed: model.get("seed") };
}

/** @typedef {NonNullable<ReturnType<typeof look>>} View */

/** @param {View} view @param {Recall} read */
function finding({ task, mixers, of, cell, pair }, { tokens, asked }) {
  const title = ({ mixer, n }) => `${mixers[mixer].title}, n = ${n}`;
  const rivals = of("softmax").filter(({ d }) => d === cell.d);
  const other = cell.mixer !== "softmax" && rivals.length ? nearest(rivals, cell) : null;
  const later = asked[pair].map((at) => at - 2 * pair).join(" and ");
  return `${title(cell)}, d = ${cell.d}: ${reached(cell)}${other ? `; ${title(other)}: ${mean(other)}` : ""}; `
    + `guessing one of the ${task.K} values: ${format(chance(task)[0])}. `
    + `Pair ${pair}: key ${tokens[2 * pair]}, value ${tokens[2 * pair + 1]}, asked ${later} tokens later.`;
}

/** Whether something changed since the last call. */
function watch() {
  /** @type {any[]} */
  let last = [];
  return (...now) => {
    const changed = now.some((value, k) => value !== last[k]);
    last = now;
    return changed;
  };
}

/** @param {Element} node @param {Record<string, number>} place */
function move(node, place) {
  for (const [name, value] of Object.entries(place)) node.setAttribute(name, `${value}`);
}

// --- the three views ----------------------------------------------------------------------------

const line = (name, x1, y1, x2, y2) => svg("line", { class: name, x1, y1, x2, y2 });
const words = (x, y, anchor, shown) => svg("text", { x, y, "text-anchor": anchor }, shown);

/**
 * What is drawn of a sequence; filler in a row is one item.
 * @param {Recall} read
 * @param {number} pairs
 */
function items({ tokens, asked }, pairs) {
  const which = new Map(asked.flatMap((places, j) => places.map((at) => /** @type {[number, number]} */ ([at, j]))));
  /** @type {{kind: string, pair: number, words: string}[]} */
  const out = [];
  let filler = 0;
  tokens.forEach((token, at) => {
    const pair = at < 2 * pairs ? at >> 1 : which.get(at);
    filler = pair === undefined ? filler + 1 : 0;
    if (at < 2 * pairs) out.push({ kind: at % 2 ? "value" : "key", pair: at >> 1, words: `${token}` });
    else if (pair !== undefined) out.push({ kind: "question", pair, words: `${token}?` });
    else if (filler === 1) out.push({ kind: "filler", pair: -1, words: "·" });
    else out[out.length - 1].words = `·×${filler}`;
  });
  return out;
}

/**
 * The sequence in rows; a pair is lit and joined to its question.
 * @param {(pair: number) => void} choose
 * @param {(pair: number | null) => void} peek
 */
function strip(choose, peek) {
  const picture = svg("svg", { class: "dsf-picture dsf-recall", role: "img" });
  const under = (event) => {
    const found = event.target.closest?.("[data-pair]")?.dataset.pair;
    return found === undefined ? null : Number(found);
  };
  picture.addEventListener("pointerover", (event) => peek(under(event)));
  picture.addEventListener("pointerleave", () => peek(null));
  picture.addEventListener("click", (event) => {
    const pair = under(event);
    if (pair !== null) choose(pair);
  });
  const changed = watch();
  /** @type {{pair: number, kind: string, node: SVGGElement, x: number, y: number}[]} */
  let drawn = [];
  /** @type {SVGPathElement[]} */
  let joins = [];
  return {
    picture,
    /** @param {View} view @param {Recall} read @param {number} width */
    draw({ task, title, seed }, read, width) {
      if (!changed(title, seed, width)) return;
      const all = items(read, task.K);
      const worded = all.length <= WORDED;
      const cell = worded ? 7 * Math.max(...all.map(({ words: said }) => said.length)) + 6 : 14;
      const columns = Math.max(2, 2 * Math.floor(width / cell / 2)); // a pair stays in one row
      drawn = all.map(({ kind, pair, words: said }, at) => {
        const [x, y] = [(at % columns) * cell, 22 + Math.floor(at / columns) * ROW];
        const shown = worded ? said : kind === "question" ? "?" : kind === "filler" ? "·" : "";
        const node = svg("g", { class: `dsf-token dsf-${kind}`, "data-pair": pair < 0 ? null : pair },
          svg("rect", { x: x + 1, y, width: cell - 2, height: 22, rx: 2 }), words(x + cell / 2, y + 15, "middle", shown));
        return { pair, kind, node, x: x + cell / 2, y };
      });
      picture.replaceChildren(...drawn.map(({ node }) => node));
      picture.setAttribute("width", `${width}`);
      picture.setAttribute("height", `${22 + Math.ceil(all.length / columns) * ROW}`);
      const places = read.asked.map((found, j) => `${read.tokens[2 * j]} is followed by ${read.tokens[2 * j + 1]} and asked at ${found.join(", ")}`);
      picture.setAttribute("aria-label", `A sequence of ${task.L} tokens. ${places.join("; ")}.`);
    },
    /** @param {number} lit */
    light(lit) {
      for (const { pair, node } of drawn) node.classList.toggle("dsf-lit", pair === lit);
      const [{ x, y }, ...questions] = drawn.filter(({ pair, kind }) => pair === lit && kind !== "value");
      for (const join of joins) join.remove();
      joins = questions.map(({ x: u, y: v }) => {
        const [first, middle] = y === v ? [y, y - 22] : [y + 22, (y + 22 + v) / 2];
        return svg("path", { class: "dsf-join", d: `M${x} ${first}C${x} ${middle} ${u} ${middle} ${u} ${v}` });
      });
      picture.append(...joins);
    },
  };
}

/** @param {Mixer} mixer @param {number} x @param {number} y */
const marker = (mixer, x, y) => svg("path", {
  class: mixer.hollow ? "dsf-mark dsf-hollow" : "dsf-mark", d: mixer.marker, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
});
const swatch = (...children) => svg("svg", { class: "dsf-swatch", width: 26, height: 16, viewBox: "-13 -9 26 18", "aria-hidden": "true" }, ...children);

/**
 * Where n and accuracy lie; mixers with one state a channel stand side by side at n = 1.
 * @param {Cell[]} shown
 * @param {string[]} names
 * @param {number} width
 */
function axesOf(shown, names, width) {
  const [left, top, height, right] = [32, 8, 230, width - 12];
  const flat = names.filter((name) => {
    const own = shown.filter(({ mixer }) => mixer === name);
    return own.length === 1 && own[0].n === 1;
  });
  const sizes = ascending(shown.map(({ n }) => n));
  const low = Math.log2(sizes[0]) - (flat.length ? 1 : 0.4);
  const unit = (right - left) / (Math.log2(sizes[sizes.length - 1]) + 0.4 - low);
  const gap = Math.min(20, (1.4 * unit) / flat.length);
  return {
    left, right, top, height, flat, sizes,
    /** @param {number} n @param {string} [mixer] */
    x: (n, mixer = "") => left + (Math.log2(n) - low) * unit
      + (flat.includes(mixer) ? gap * (flat.indexOf(mixer) - (flat.length - 1) / 2) : 0),
    /** @param {number} accuracy */
    y: (accuracy) => top + (1 - accuracy) * height,
  };
}

/**
 * The line of a mixer: means, bars from the lowest to the highest seed, the seeds, crosses.
 * @param {Mixer} mixer
 * @param {Cell[]} own
 * @param {ReturnType<typeof axesOf>} axes
 */
function series(mixer, own, axes) {
  const points = own.filter((cell) => finite(cell).length)
    .map((cell) => ({ seen: finite(cell).map(axes.y), x: axes.x(cell.n, cell.mixer), y: axes.y(average(finite(cell))) }));
  const path = (name, pieces) => svg("path", { class: name, d: pieces.join("") });
  return [
    svg("polyline", { class: "dsf-line", points: points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ") }),
    path("dsf-bar", points.map(({ seen, x }) => `M${x} ${Math.min(...seen)}V${Math.max(...seen)}`)),
    path("dsf-seed", points.flatMap(({ seen, x }) => seen.map((y) => `M${x + 7} ${y}h0`))),
    ...(axes.flat.includes(own[0].mixer) ? points.map(({ x, y }) => line("dsf-level", x, y, axes.right, y)) : []),
    ...points.map(({ x, y }) => marker(mixer, x, y)),
    ...own.filter((cell) => !finite(cell).length).map((cell) => words(axes.x(cell.n, cell.mixer), axes.y(0.02), "middle", DIVERGED)),
  ];
}

/**
 * Test accuracy against n on a logarithmic axis, with the two lines of chance, and the names of the lines.
 * @param {(selection: {mixer: string, n?: number, d?: number}) => void} choose
 */
function chart(choose) {
  const picture = svg("svg", { class: "dsf-picture dsf-phi", role: "img" });
  const legend = html("ul", { class: "dsf-legend-list" });
  const [lines, cursor, ring] = [svg("g"), svg("line", { class: "dsf-cursor" }), svg("circle", { class: "dsf-entry", r: 9 })];
  picture.append(cursor, lines, ring);
  const changed = watch();
  /** @type {ReturnType<typeof axesOf>} */
  let axes;
  /** @type {{x: number, y: number, cell: Cell}[]} */
  let spots = [];
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    const far = ({ x, y }) => Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y);
    const best = spots.reduce((near, spot) => (far(spot) < far(near) ? spot : near));
    if (far(best) <= REACH) choose(pick(best.cell));
  });
  return {
    picture, legend,
    /** @param {View} view @param {number} width */
    draw(view, width) {
      const { cell } = view;
      if (changed(view.all, view.title, cell.mixer, cell.d, width)) this.lines(view, width);
      move(cursor, { x1: axes.x(cell.n), x2: axes.x(cell.n), y1: axes.top, y2: axes.top + axes.height });
      const at = spots.find((spot) => spot.cell === cell);
      if (at) move(ring, { cx: at.x, cy: at.y });
    },
    /** What stays when n moves. @param {View} view @param {number} width */
    lines({ task, mixers, here, names, cell }, width) {
      const shown = here.filter(({ d }) => d === cell.d);
      const drawn = names.filter((name) => shown.some(({ mixer }) => mixer === name));
      axes = axesOf(shown, drawn, width);
      const { left, right, top, height, sizes, x, y } = axes;
      const levels = chance(task);
      spots = shown.map((one) => ({ cell: one, x: x(one.n, one.mixer), y: y(finite(one).length ? average(finite(one)) : 0) }));
      // The chosen one last, over the others.
      const order = [...drawn.filter((name) => name !== cell.mixer), cell.mixer];
      lines.replaceChildren(
        ...[0, 0.25, 0.5, 0.75, 1].flatMap((level) => [line("dsf-grid", left, y(level), right, y(level)), words(left - 5, y(level) + 4, "end", `${level}`)]),
        ...sizes.map((n) => words(x(n), top + height + 16, "middle", `${n}`)),
        words(right, top + height + 32, "end", "state expansion n"),
        ...levels.map((level, k) => line(`dsf-chance dsf-chance-${k}`, left, y(level), right, y(level))),
        ...order.map((name) => svg("g", { class: name === cell.mixer ? "dsf-series" : "dsf-series dsf-aside", style: `color:${mixers[name].color}` },
          ...series(mixers[name], shown.filter(({ mixer }) => mixer === name), axes))),
      );
      picture.setAttribute("width", `${width}`);
      picture.setAttribute("height", `${top + height + 38}`);
      picture.setAttribute("aria-label", `Test accuracy against n at d = ${cell.d}, one line for each architecture; the numbers stand in the table`);
      const guesses = [`guessing one of the ${task.K} values shown`, "guessing any value"];
      legend.replaceChildren(
        ...drawn.map((name) => html("li", { class: name === cell.mixer && "dsf-strong", click: () => choose({ mixer: name }) },
          swatch(svg("g", { style: `color:${mixers[name].color}` }, marker(mixers[name], 0, 0))), mixers[name].title)),
        ...guesses.map((said, k) => html("li", {}, swatch(line(`dsf-chance dsf-chance-${k}`, -13, 0, 13, 0)), `${said}: ${format(levels[k])}`)),
      );
    },
  };
}

/**
 * Test accuracy over n and d, of one mixer.
 * @param {(selection: {mixer: string, n?: number, d?: number}) => void} choose
 */
function plane(choose) {
  const picture = svg("svg", { class: "dsf-picture", role: "img" });
  const [squares, entry] = [svg("g"), svg("rect", { class: "dsf-entry" })];
  picture.append(squares, entry);
  const changed = watch();
  return {
    picture,
    /** @param {View} view @param {number} width */
    draw({ all, title, mixers, own, cell }, width) {
      const [left, high] = [40, 34];
      const [sizes, widths] = [ascending(own.map(({ n }) => n)), ascending(own.map(({ d }) => d)).reverse()];
      const w = Math.min(64, (width - left) / sizes.length);
      const bottom = high * widths.length;
      move(entry, { x: left + sizes.indexOf(cell.n) * w, y: widths.indexOf(cell.d) * high, width: w - 2, height: high - 2 });
      if (!changed(all, title, cell.mixer, width)) return;
      const parts = own.flatMap((one) => {
        const [x, y] = [left + sizes.indexOf(one.n) * w, widths.indexOf(one.d) * high];
        const opacity = (0.65 * (finite(one).length ? average(finite(one)) : 0)).toFixed(3);
        return [
          svg("rect", { class: "dsf-pos", x, y, width: w - 2, height: high - 2, "fill-opacity": opacity }),
          words(x + w / 2 - 1, y + high / 2 + 3, "middle", short(one)),
          svg("rect", { class: "dsf-touch", x, y, width: w, height: high, click: () => choose(pick(one)) }),
        ];
      });
      parts.push(...widths.map((d, row) => words(left - 6, (row + 0.5) * high + 3, "end", `${d}`)));
      parts.push(...sizes.map((n, column) => words(left + (column + 0.5) * w - 1, bottom + 14, "middle", `${n}`)));
      parts.push(words(0, bottom + 14, "start", "d"), words(left, bottom + 30, "start", "state expansion n"));
      squares.replaceChildren(...parts);
      picture.setAttribute("width", `${width}`);
      picture.setAttribute("height", `${bottom + 36}`);
      picture.setAttribute("aria-label", `${mixers[cell.mixer].title}, test accuracy: ${own.map((one) => `n = ${one.n}, d = ${one.d}: ${mean(one)}`).join("; ")}`);
    },
  };
}

/** The numbers at one d. */
function numbers() {
  const summary = html("summary");
  const body = html("div");
  const changed = watch();
  return {
    node: html("details", { class: "dsf-data" }, summary, body),
    /** @param {View} view */
    draw({ all, title, mixers, here, names, of, cell: { d } }) {
      if (!changed(all, title, d)) return;
      const sizes = ascending(here.filter((cell) => cell.d === d).map(({ n }) => n));
      const told = names.filter((name) => of(name).some((cell) => cell.d === d));
      const find = (name, n) => of(name).find((cell) => cell.d === d && cell.n === n);
      summary.textContent = `Test accuracy at d = ${d}: mean (lowest to highest of the seeds)`;
      body.replaceChildren(html("table", {},
        html("thead", {}, html("tr", {}, html("td"), ...sizes.map((n) => html("th", { scope: "col" }, `n = ${n}`)))),
        html("tbody", {}, ...told.map((name) => html("tr", {}, html("th", { scope: "row" }, mixers[name].title),
          ...sizes.map((n) => {
            const cell = find(name, n);
            return html("td", {}, cell ? brief(cell) : "–");
          }))))));
    },
  };
}

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  /** @type {View | null} */
  let view = null;
  const sequence = strip((pair) => it.set({ pair }), (pair) => sequence.light(pair ?? view?.pair ?? 0));
  const curves = chart(it.set);
  const heat = plane(it.set);
  const data = numbers();
  const size = (name, label) => it.slider(name, label, () => {
    const now = look(model);
    const choices = now ? ascending(now.own.filter(({ d }) => name === "d" || d === now.cell.d).map((cell) => cell[name])) : [0];
    return { min: 0, max: choices.length - 1, value: choices.indexOf(now?.cell[name]), read: (index) => choices[index] };
  }, () => `${look(model)?.cell[name]}`);
  const titles = () => {
    const now = look(model);
    return now ? now.names.map((name) => /** @type {[string, string]} */ ([name, now.mixers[name].title])) : [];
  };
  it.controls.append(
    it.select("task", "Task", () => Object.keys(model.get("tasks")).map((title) => [title, title])),
    it.slider("pair", "Pair j", () => {
      const now = look(model);
      return { min: 0, max: now ? now.task.K - 1 : 0, value: now?.pair };
    }, () => `${look(model)?.pair}`),
    html("div", { class: "dsf-field dsf-buttons" },
      it.button("New draw", () => it.set({ seed: (model.get("seed") + 1) % 1000 })), it.reset()),
  );
  const sizes = html("div", { class: "dsf-controls dsf-many" }, it.select("mixer", "Architecture", titles, () => look(model)?.cell.mixer),
    size("n", "State expansion n"), size("d", "Width d"));
  const heads = [0, 1].map(() => html("p", { class: "dsf-panel-title" }));
  const left = html("div", { class: "dsf-panel dsf-tall" }, heads[0], curves.picture);
  const right = html("div", { class: "dsf-panel" }, heads[1], heat.picture);
  const body = [
    it.controls, html("div", {}, sequence.picture),
    html("p", { class: "dsf-note" }, "Outlined: keys. Shaded: values. With a question mark: keys that are asked again. ·×7 is filler, seven tokens of it. Point at a key to see its question."),
    it.finding, it.spoken, sizes, html("div", { class: "dsf-panels" }, left, html("div", { class: "dsf-panel" }, curves.legend), right),
    html("p", { class: "dsf-note" }, `Lines and bars: mean, lowest and highest of the seeds, which are the dots. ${DIVERGED}: a run diverged. `
      + "What has one state a channel stands at n = 1, side by side, with a dashed line. Click a point, a name or a square to choose it."),
    data.node,
  ];
  const empty = html("p", { class: "dsf-note" }, NOTHING);
  it.root.append(it.problem, empty, ...body);

  return it.start(() => {
    view = look(model);
    empty.hidden = view !== null;
    for (const node of body) node.hidden = view === null;
    if (!view) return;
    const { cell, mixers } = view;
    const [full, ...widths] = [it.root, left, right].map((node) => node.clientWidth); // before anything is changed
    it.root.style.setProperty("--dsf-own", mixers[cell.mixer].color);
    const read = recall(view.task, view.seed);
    sequence.draw(view, read, full);
    sequence.light(view.pair);
    heads[0].textContent = `Test accuracy against n, at d = ${cell.d}`;
    heads[1].textContent = `${mixers[cell.mixer].title}: test accuracy over n and d`;
    curves.draw(view, widths[0]);
    heat.draw(view, widths[1]);
    data.draw(view);
    it.say(finding(view, read));
  });
}

export default { render };
