/** Test accuracy against n, over n and d, and as a table. */

import { ascending, average, brief, DIVERGED, finite, mean, pick, short } from "./cells.js";
import { format, html, place, svg, tableOf, watch } from "./dom.js";
import { chance } from "./recall.js";

/** @typedef {import("./cells.js").Cell} Cell */
/** @typedef {import("./cells.js").Mixer} Mixer */
/** @typedef {import("./cells.js").View} View */

const REACH = 40; // how far from a point a click may be, in pixels

/** @param {string} name @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 */
const line = (name, x1, y1, x2, y2) => svg("line", { class: name, x1, y1, x2, y2 });
/** @param {number} x @param {number} y @param {string} anchor @param {string} shown */
const words = (x, y, anchor, shown) => svg("text", { x, y, "text-anchor": anchor }, shown);

/** @param {Mixer} mixer @param {number} x @param {number} y */
const marker = (mixer, x, y) =>
  svg("path", {
    class: mixer.hollow ? "dsf-mark dsf-hollow" : "dsf-mark",
    d: mixer.marker,
    transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
  });
/** @param {...Node} children */
const swatch = (...children) =>
  svg(
    "svg",
    { class: "dsf-swatch", width: 26, height: 16, viewBox: "-13 -9 26 18", "aria-hidden": "true" },
    ...children,
  );

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
    left,
    right,
    top,
    height,
    flat,
    sizes,
    /** @param {number} n @param {string} [mixer] */
    x: (n, mixer = "") =>
      left +
      (Math.log2(n) - low) * unit +
      (flat.includes(mixer) ? gap * (flat.indexOf(mixer) - (flat.length - 1) / 2) : 0),
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
  const points = own
    .filter((cell) => finite(cell).length)
    .map((cell) => ({
      seen: finite(cell).map(axes.y),
      x: axes.x(cell.n, cell.mixer),
      y: axes.y(average(finite(cell))),
    }));
  /** @param {string} name @param {string[]} pieces */
  const path = (name, pieces) => svg("path", { class: name, d: pieces.join("") });
  return [
    svg("polyline", {
      class: "dsf-line",
      points: points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "),
    }),
    path(
      "dsf-bar",
      points.map(({ seen, x }) => `M${x} ${Math.min(...seen)}V${Math.max(...seen)}`),
    ),
    path(
      "dsf-seed",
      points.flatMap(({ seen, x }) => seen.map((y) => `M${x + 7} ${y}h0`)),
    ),
    ...(axes.flat.includes(own[0].mixer) ? points.map(({ x, y }) => line("dsf-level", x, y, axes.right, y)) : []),
    ...points.map(({ x, y }) => marker(mixer, x, y)),
    ...own
      .filter((cell) => !finite(cell).length)
      .map((cell) => words(axes.x(cell.n, cell.mixer), axes.y(0.02), "middle", DIVERGED)),
  ];
}

/**
 * The axes with the two lines of chance.
 * @param {ReturnType<typeof axesOf>} axes
 * @param {number[]} levels of chance
 */
function furniture({ left, right, top, height, sizes, x, y }, levels) {
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((level) => [
    line("dsf-grid", left, y(level), right, y(level)),
    words(left - 5, y(level) + 4, "end", `${level}`),
  ]);
  return [
    ...grid,
    ...sizes.map((n) => words(x(n), top + height + 16, "middle", `${n}`)),
    words(right, top + height + 32, "end", "state expansion n"),
    ...levels.map((level, k) => line(`dsf-chance dsf-chance-${k}`, left, y(level), right, y(level))),
  ];
}

/**
 * The names of the lines.
 * @param {View} view
 * @param {string[]} drawn
 * @param {(selection: {mixer: string}) => void} choose
 */
function legendOf({ task, mixers, cell }, drawn, choose) {
  const named = drawn.map((name) => {
    const key = swatch(svg("g", { style: `color:${mixers[name].color}` }, marker(mixers[name], 0, 0)));
    const attributes = { class: name === cell.mixer && "dsf-strong", click: () => choose({ mixer: name }) };
    return html("li", attributes, key, mixers[name].title);
  });
  const guesses = [`guessing one of the ${task.K} values shown`, "guessing any value"];
  const levels = chance(task).map((level, k) => {
    const key = swatch(line(`dsf-chance dsf-chance-${k}`, -13, 0, 13, 0));
    return html("li", {}, key, `${guesses[k]}: ${format(level)}`);
  });
  return [...named, ...levels];
}

/**
 * Test accuracy against n on a logarithmic axis, with the two lines of chance, and the names of the lines.
 * @param {(selection: {mixer: string, n?: number, d?: number}) => void} choose
 */
export function chart(choose) {
  const picture = svg("svg", { class: "dsf-picture dsf-phi", role: "img" });
  const legend = html("ul", { class: "dsf-legend-list" });
  const [lines, cursor, ring] = [
    svg("g"),
    svg("line", { class: "dsf-cursor" }),
    svg("circle", { class: "dsf-entry", r: 9 }),
  ];
  picture.append(cursor, lines, ring);
  const changed = watch();
  /** @type {ReturnType<typeof axesOf>} */
  let axes;
  /** @type {{x: number, y: number, cell: Cell}[]} */
  let spots = [];
  picture.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const box = picture.getBoundingClientRect();
    /** @param {{x: number, y: number}} spot */
    const far = ({ x, y }) => Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y);
    const best = spots.reduce((near, spot) => (far(spot) < far(near) ? spot : near));
    if (far(best) <= REACH) choose(pick(best.cell));
  });
  /** What stays when n moves. @param {View} view @param {number} width */
  function drawLines(view, width) {
    const { task, mixers, here, names, cell } = view;
    const shown = here.filter(({ d }) => d === cell.d);
    const drawn = names.filter((name) => shown.some(({ mixer }) => mixer === name));
    axes = axesOf(shown, drawn, width);
    const { x, y } = axes;
    spots = shown.map((one) => ({
      ...{ cell: one, x: x(one.n, one.mixer) },
      y: y(finite(one).length ? average(finite(one)) : 0),
    }));
    // The chosen one last, over the others.
    const order = [...drawn.filter((name) => name !== cell.mixer), cell.mixer];
    const curves = order.map((name) => {
      const style = name === cell.mixer ? "dsf-series" : "dsf-series dsf-aside";
      const own = shown.filter(({ mixer }) => mixer === name);
      return svg("g", { class: style, style: `color:${mixers[name].color}` }, ...series(mixers[name], own, axes));
    });
    lines.replaceChildren(...furniture(axes, chance(task)), ...curves);
    const said = "one line for each architecture; the numbers stand in the table";
    const label = `Test accuracy against n at d = ${cell.d}, ${said}`;
    place(picture, { width, height: axes.top + axes.height + 38, "aria-label": label });
    legend.replaceChildren(...legendOf(view, drawn, choose));
  }
  return {
    picture,
    legend,
    /** @param {View} view @param {number} width */
    draw(view, width) {
      const { cell } = view;
      if (changed(view.all, view.title, cell.mixer, cell.d, width)) drawLines(view, width);
      place(cursor, { x1: axes.x(cell.n), x2: axes.x(cell.n), y1: axes.top, y2: axes.top + axes.height });
      const at = spots.find((spot) => spot.cell === cell);
      if (at) place(ring, { cx: at.x, cy: at.y });
    },
  };
}

/**
 * Test accuracy over n and d, of one mixer.
 * @param {(selection: {mixer: string, n?: number, d?: number}) => void} choose
 */
export function plane(choose) {
  const picture = svg("svg", { class: "dsf-picture", role: "img" });
  const [squares, entry] = [svg("g"), svg("rect", { class: "dsf-entry" })];
  picture.append(squares, entry);
  const changed = watch();
  const [left, high] = [40, 34];
  return {
    picture,
    /** @param {View} view @param {number} width */
    draw({ all, title, mixers, own, cell }, width) {
      const [sizes, widths] = [ascending(own.map(({ n }) => n)), ascending(own.map(({ d }) => d)).reverse()];
      const w = Math.min(64, (width - left) / sizes.length);
      const bottom = high * widths.length;
      /** @param {Cell} one */
      const corner = ({ n, d }) => ({ x: left + sizes.indexOf(n) * w, y: widths.indexOf(d) * high });
      place(entry, { ...corner(cell), width: w - 2, height: high - 2 });
      if (!changed(all, title, cell.mixer, width)) return;
      const parts = own.flatMap((one) => {
        const at = corner(one);
        const opacity = (0.65 * (finite(one).length ? average(finite(one)) : 0)).toFixed(3);
        return [
          svg("rect", { class: "dsf-pos", ...at, width: w - 2, height: high - 2, "fill-opacity": opacity }),
          words(at.x + w / 2 - 1, at.y + high / 2 + 3, "middle", short(one)),
          svg("rect", { class: "dsf-touch", ...at, width: w, height: high, click: () => choose(pick(one)) }),
        ];
      });
      squares.replaceChildren(
        ...parts,
        ...widths.map((d, row) => words(left - 6, (row + 0.5) * high + 3, "end", `${d}`)),
        ...sizes.map((n, column) => words(left + (column + 0.5) * w - 1, bottom + 14, "middle", `${n}`)),
        words(0, bottom + 14, "start", "d"),
        words(left, bottom + 30, "start", "state expansion n"),
      );
      const said = own.map((one) => `n = ${one.n}, d = ${one.d}: ${mean(one)}`).join("; ");
      const label = `${mixers[cell.mixer].title}, test accuracy: ${said}`;
      place(picture, { width, height: bottom + 36, "aria-label": label });
    },
  };
}

/** The numbers at one d. */
export function numbers() {
  const [summary, body] = [html("summary"), html("div")];
  const changed = watch();
  return {
    node: html("details", { class: "dsf-data" }, summary, body),
    /** @param {View} view */
    draw({ all, title, mixers, here, names, of, cell: { d } }) {
      if (!changed(all, title, d)) return;
      const sizes = ascending(here.filter((cell) => cell.d === d).map(({ n }) => n));
      const told = names.filter((name) => of(name).some((cell) => cell.d === d));
      const rows = told.map((name) => {
        const cells = sizes.map((n) => of(name).find((cell) => cell.d === d && cell.n === n));
        return [mixers[name].title, ...cells.map((cell) => (cell ? brief(cell) : "–"))];
      });
      summary.textContent = `Test accuracy at d = ${d}: mean (lowest to highest of the seeds)`;
      body.replaceChildren(tableOf("", ["", ...sizes.map((n) => `n = ${n}`)], rows));
    },
  };
}
