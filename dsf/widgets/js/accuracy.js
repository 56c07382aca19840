/** Accuracy along n, along the numbers that are carried, or during training; and as a table. */

import { agrees, ascending, beside, brief, DIVERGED, finite, grouped, joined, stepOf } from "./cells.js";
import { format, html, place, svg, tableOf, watch } from "./dom.js";
import { away, nameTags, roomFor } from "./names.js";
import { mean } from "./numbers.js";

/** @typedef {import("./cells.js").Cell} Cell */
/** @typedef {import("./cells.js").Line} Line */
/** @typedef {import("./cells.js").View} View */

const AROUND = 9; // px between a chosen cell and the ring around its seeds
const REACH = 40; // how far from a point a click may be, in pixels
/** @type {Record<string, string>} */
export const AXES = { n: "state expansion n", carried: "numbers carried", step: "training step" };

/** @param {string} name @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 */
const rule = (name, x1, y1, x2, y2) => svg("line", { class: name, x1, y1, x2, y2 });
/** @param {number} x @param {number} y @param {string} anchor @param {string} shown */
const words = (x, y, anchor, shown) => svg("text", { x, y, "text-anchor": anchor }, shown);
/** @param {string} name @param {number[][]} points */
const polyline = (name, points) =>
  svg("polyline", { class: name, points: points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ") });

/** @param {Line} line @param {number} x @param {number} y */
const marker = (line, x, y) =>
  svg("path", {
    class: line.hollow ? "dsf-mark dsf-hollow" : "dsf-mark",
    d: line.marker,
    transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
  });

/** What is scored without recall. @param {View["task"]} task */
const guesses = ({ K, hint }) => [
  { title: `chance ${format(1 / K)}`, level: 1 / K },
  { title: `hint of the position ${format(hint)}`, level: hint },
];

/** The course of each seed: steps and accuracies. @param {Cell} cell @param {Line} line */
const courses = (cell, line) =>
  cell.history.map((seed) =>
    seed.flatMap((x, report) => (x === null ? [] : [[stepOf(cell, line.steps, report), x / 1000]])),
  );

/** Powers of two in a range. @param {number} low @param {number} high */
function doublings(low, high) {
  const first = Math.ceil(Math.log2(low));
  const count = Math.floor(Math.log2(high)) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, k) => 2 ** (first + k));
}

/**
 * Where the numbers of the axes lie.
 * @param {View} view
 * @param {Cell[]} shown
 * @param {number} width
 * @param {number} room for names beside the frame
 */
function axesOf({ axis, lines }, shown, width, room) {
  const [left, top, height, right] = [32, 20, 225, width - Math.max(12, room)];
  const values = shown.map((cell) => (axis === "carried" ? (cell.carried ?? NaN) : cell.n)).filter(Number.isFinite);
  const last = Math.max(
    1,
    ...shown.flatMap((cell) => courses(cell, lines[cell.line])).flatMap((seed) => seed.map(([step]) => step)),
  );
  const across = axis === "step";
  const [low, high] = across
    ? [0, last]
    : [Math.log2(Math.min(...values)) - 0.4, Math.log2(Math.max(...values)) + 0.25];
  const round = 10 ** Math.floor(Math.log10(last)) / (last < 2 * 10 ** Math.floor(Math.log10(last)) ? 5 : 1);
  const ticks = across
    ? Array.from({ length: Math.floor(last / round) + 1 }, (_, k) => k * round)
    : axis === "n"
      ? ascending(values)
      : doublings(Math.min(...values), Math.max(...values));
  /** @param {number} value */
  const x = (value) => left + (((across ? value : Math.log2(value)) - low) / (high - low)) * (right - left);
  return {
    ...{ left, right, top, height, room, ticks, x, bottom: top + height },
    /** Where a cell lies. @param {Cell} cell */
    at: (cell) => x(axis === "carried" ? (cell.carried ?? NaN) : cell.n),
    /** @param {number} accuracy */
    y: (accuracy) => top + (1 - accuracy) * height,
  };
}

/** @typedef {ReturnType<typeof axesOf>} Axes */

/** The axes with the lines of those who guess. @param {View} view @param {Axes} axes */
function furniture({ axis, task }, { left, right, bottom, ticks, x, y }) {
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((level) => [
    rule("dsf-grid", left, y(level), right, y(level)),
    words(left - 5, y(level) + 4, "end", `${level}`),
  ]);
  return [
    ...grid,
    ...ticks.map((tick) => words(x(tick), bottom + 16, "middle", grouped(tick))),
    words(0, 8, "start", axis === "step" ? "validation accuracy" : "test accuracy"),
    words(right, bottom + 32, "end", AXES[axis]),
    ...guesses(task).map(({ level }, k) => rule(`dsf-chance dsf-chance-${k}`, left, y(level), right, y(level))),
  ];
}

/**
 * The line of a mixer: every seed; how far apart they are; means, joined where two neighbours have one.
 * @param {Line} line
 * @param {Cell[]} own
 * @param {Axes} axes
 */
function series(line, own, axes) {
  const points = own
    .filter((cell) => finite(cell).length)
    .map((cell) => ({ cell, seen: finite(cell).map(axes.y), x: axes.at(cell), y: axes.y(mean(finite(cell))) }))
    .filter(({ x }) => Number.isFinite(x))
    .sort((a, b) => a.x - b.x);
  const ends = [
    points.map(({ x, seen }) => [x, seen[0]]),
    points.map(({ x, seen }) => [x, seen[seen.length - 1]]).reverse(),
  ];
  const steps = points.slice(1).flatMap((point, k) =>
    agrees(point.cell) && agrees(points[k].cell)
      ? [
          [
            [points[k].x, points[k].y],
            [point.x, point.y],
          ],
        ]
      : [],
  );
  /** @param {boolean} apart */
  const dots = (apart) =>
    points
      .filter(({ cell }) => agrees(cell) !== apart)
      .flatMap(({ seen, x }) => seen.map((y) => `M${(apart ? x : x + 7).toFixed(1)} ${y.toFixed(1)}h0`))
      .join("");
  const nodes = [
    polyline("dsf-band", ends.flat()),
    ...steps.map((step) => polyline(line.hollow ? "dsf-line dsf-level" : "dsf-line", step)),
    svg("path", { class: "dsf-seed", d: dots(false) }),
    svg("path", { class: "dsf-seed dsf-apart", d: dots(true) }),
    ...points.filter(({ cell }) => agrees(cell)).map(({ x, y }) => marker(line, x, y)),
    ...own
      .filter((cell) => finite(cell).length < cell.accuracy.length)
      .map((cell) => words(axes.at(cell), axes.y(0.02), "middle", DIVERGED)),
  ];
  return { nodes, points: points.map(({ x, y }) => [x, y]) };
}

/** What a seed scored while it trained. @param {Line} line @param {Cell} cell @param {Axes} axes */
function training(line, cell, axes) {
  const seeds = courses(cell, line).map((seed) => seed.map(([step, score]) => [axes.x(step), axes.y(score)]));
  const ends = seeds.filter((seed) => seed.length).map((seed) => seed[seed.length - 1]);
  const longest = seeds.reduce((most, seed) => (seed.length > most.length ? seed : most), []);
  const nodes = [
    ...seeds.map((seed) => polyline(line.hollow ? "dsf-line dsf-level" : "dsf-line", seed)),
    ...ends.map(([x, y]) => marker(line, x, y)),
  ];
  return { nodes, points: longest };
}

/**
 * The chart, with the lines of those who guess.
 * @param {(selection: Record<string, any>) => void} choose
 * @param {(name: string) => void} takeAway a line, where its name is clicked
 */
export function chart(choose, takeAway) {
  const picture = svg("svg", { class: "dsf-picture dsf-phi", role: "img" });
  const [body, cursor, ring] = [
    svg("g"),
    svg("line", { class: "dsf-cursor" }),
    svg("rect", { class: "dsf-entry", rx: AROUND }),
  ];
  picture.append(cursor, body, ring);
  const changed = watch();
  /** @type {Axes} */
  let axes;
  /** @type {{x: number, y: number, high: number, low: number, cell: Cell}[]} high, low: its best and worst seed */
  let spots = [];
  picture.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const box = picture.getBoundingClientRect();
    /** @param {{x: number, y: number}} spot */
    const far = ({ x, y }) => Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y);
    if (!spots.length) return;
    const best = spots.reduce((near, spot) => (far(spot) < far(near) ? spot : near));
    if (far(best) <= REACH) choose({ line: best.cell.line, n: best.cell.n });
  });
  /** All but the place of the chosen cell. @param {View} view @param {number} width */
  function draw(view, width) {
    const { task, lines, drawn, of, line, axis, d } = view;
    const cells = axis === "step" ? beside(view) : drawn.flatMap(of);
    const n = view.cell.n;
    /** @param {string} name */
    const titleOf = (name) => {
      const own = cells.find((cell) => cell.line === name)?.n;
      return lines[name].title + (axis === "step" && own !== n ? `, n = ${own}` : "");
    };
    const levels = guesses(task);
    const titles = [...drawn.map((name) => away(titleOf(name), name !== line)), ...levels.map(({ title }) => title)];
    axes = axesOf(view, cells, width, roomFor(titles, width));
    const parts = drawn.map((name) => {
      const own = cells.filter((cell) => cell.line === name);
      return axis === "step" ? training(lines[name], own[0], axes) : series(lines[name], own, axes);
    });
    spots =
      axis === "step"
        ? []
        : cells.map((cell) => {
            const seen = finite(cell).length ? finite(cell) : [0];
            const [low, high] = agrees(cell) ? [mean(seen), mean(seen)] : [seen[0], seen[seen.length - 1]];
            return { cell, x: axes.at(cell), y: axes.y(mean(seen)), low: axes.y(low), high: axes.y(high) };
          });
    const curves = drawn.map((name, k) => {
      const style = `dsf-series${name === line ? "" : " dsf-aside"}`;
      return svg("g", { class: style, style: `color:${lines[name].color}` }, ...parts[k].nodes);
    });
    const named = drawn.map((name, k) => ({
      ...{ title: titleOf(name), points: parts[k].points, strong: name === line },
      key: svg("g", { style: `color:${lines[name].color}` }, marker(lines[name], 0, 0)),
      ...(name === line ? {} : { takeAway: () => takeAway(name) }),
    }));
    const guessed = levels.map(({ title, level }, k) => ({
      title,
      points: [axes.left, axes.right].map((x) => [x, axes.y(level)]),
      key: rule(`dsf-chance dsf-chance-${k}`, -7, 0, 6, 0),
    }));
    const names = nameTags([...named, ...guessed], { ...axes, top: axes.top - 12 }); // one may stand above the frame
    body.replaceChildren(...furniture(view, axes), ...curves.reverse(), ...names); // the chosen one over the others
    const what = axis === "step" ? `Validation accuracy during training at n = ${n}` : "Test accuracy";
    const said = drawn.map((name) => lines[name].title).join(", ");
    const label = `${what}, along: ${AXES[axis]}. d = ${d}, ${view.K} pairs: ${said}. The numbers stand in the table.`;
    place(picture, { width, height: axes.bottom + 38, "aria-label": label });
  }
  return {
    picture,
    /** @param {View} view @param {number} width */
    draw(view, width) {
      const { all, line, drawn, axis, K, d, cell } = view;
      const moving = axis === "step" ? cell.n : 0;
      if (changed(all, line, K, d, axis, moving, joined(drawn), width)) draw(view, width);
      const at = spots.find((spot) => spot.cell === cell && Number.isFinite(spot.x));
      for (const node of [cursor, ring]) node.classList.toggle("dsf-gone", !at);
      if (!at) return;
      place(cursor, { x1: at.x, x2: at.x, y1: axes.top, y2: axes.bottom });
      const height = at.low - at.high + 2 * AROUND;
      place(ring, { x: at.x - AROUND, y: at.high - AROUND, width: 2 * AROUND, height });
    },
  };
}

/** The numbers at one d and so many pairs. */
export function numbers() {
  const [summary, body] = [html("summary"), html("div")];
  const changed = watch();
  return {
    node: html("details", { class: "dsf-data" }, summary, body),
    /** @param {View} view */
    draw({ all, lines, here, names, of, task, K, d }) {
      if (!changed(all, K, d)) return;
      const sizes = ascending(here.map(({ n }) => n));
      const rows = names.map((name) => {
        const cells = sizes.map((n) => of(name).find((cell) => cell.n === n));
        return [lines[name].title, ...cells.map((cell) => (cell ? brief(cell, task) : "–"))];
      });
      summary.textContent = `Test accuracy at d = ${d}, ${K} pairs`;
      body.replaceChildren(tableOf("", ["", ...sizes.map((n) => `n = ${n}`)], rows));
    },
  };
}
