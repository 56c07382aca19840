/** Test accuracy against n, over n and d, and as a table. */

import { ascending, average, brief, DIVERGED, finite, joined, mean, pick, short, without } from "./cells.js";
import { format, html, place, svg, tableOf, watch } from "./dom.js";
import { nameTags, roomFor } from "./names.js";
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
/** The marker alone, in its colour. @param {Mixer} mixer */
const keyOf = (mixer) => svg("g", { style: `color:${mixer.color}` }, marker(mixer, 0, 0));

/** What is scored without recall, and by whom. @param {View["task"]} task */
function guesses(task) {
  const [shown, any] = chance(task);
  return [
    { title: `value shown ${format(shown)}`, level: shown },
    { title: `any value ${format(any)}`, level: any },
    { title: `by position ${format(task.position)}`, level: task.position },
  ];
}

/**
 * Where n and accuracy lie; mixers with one state a channel stand side by side at n = 1.
 * @param {Cell[]} shown
 * @param {string[]} names
 * @param {number} width
 * @param {number} room for names beside the frame
 */
function axesOf(shown, names, width, room) {
  const [left, top, height, right] = [32, 20, 225, width - Math.max(12, room)];
  const flat = names.filter((name) => {
    const own = shown.filter(({ mixer }) => mixer === name);
    return own.length === 1 && own[0].n === 1;
  });
  const sizes = ascending(shown.map(({ n }) => n));
  const low = Math.log2(sizes[0]) - (flat.length ? 1 : 0.4);
  const unit = (right - left) / (Math.log2(sizes[sizes.length - 1]) + 0.2 - low);
  const gap = Math.min(20, (1.4 * unit) / flat.length);
  return {
    ...{ left, right, top, height, room, flat, sizes, bottom: top + height },
    /** @param {number} n @param {string} [mixer] */
    x: (n, mixer = "") =>
      left +
      (Math.log2(n) - low) * unit +
      (flat.includes(mixer) ? gap * (flat.indexOf(mixer) - (flat.length - 1) / 2) : 0),
    /** @param {number} accuracy */
    y: (accuracy) => top + (1 - accuracy) * height,
  };
}

/** @typedef {ReturnType<typeof axesOf>} Axes */

/** The means of a mixer, by n. @param {Cell[]} own @param {Axes} axes */
const pointsOf = (own, axes) =>
  own
    .filter((cell) => finite(cell).length)
    .map((cell) => ({
      seen: finite(cell).map(axes.y),
      x: axes.x(cell.n, cell.mixer),
      y: axes.y(average(finite(cell))),
    }));

/**
 * The line of a mixer: means, bars from the lowest to the highest seed, the seeds, crosses.
 * @param {Mixer} mixer
 * @param {Cell[]} own
 * @param {Axes} axes
 */
function series(mixer, own, axes) {
  const points = pointsOf(own, axes);
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
 * The axes with the lines of those who guess.
 * @param {Axes} axes
 * @param {number[]} levels
 */
function furniture({ left, right, bottom, sizes, x, y }, levels) {
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((level) => [
    line("dsf-grid", left, y(level), right, y(level)),
    words(left - 5, y(level) + 4, "end", `${level}`),
  ]);
  return [
    ...grid,
    ...sizes.map((n) => words(x(n), bottom + 16, "middle", `${n}`)),
    words(right, bottom + 32, "end", "state expansion n"),
    ...levels.map((level, k) => line(`dsf-chance dsf-chance-${k}`, left, y(level), right, y(level))),
  ];
}

/**
 * The names of the lines, the chosen one first.
 * @param {View} view
 * @param {string[]} order
 * @param {Cell[]} shown
 * @param {Axes} axes
 */
function namesOf({ task, mixers, cell }, order, shown, axes) {
  const named = order.map((name) => {
    const own = pointsOf(
      shown.filter(({ mixer }) => mixer === name),
      axes,
    );
    const points = own.map(({ x, y }) => [x, y]);
    if (axes.flat.includes(name)) points.push(...own.map(({ y }) => [axes.right, y]));
    return { title: mixers[name].title, points, key: keyOf(mixers[name]), strong: name === cell.mixer };
  });
  const levels = guesses(task).map(({ title, level }, k) => ({
    title,
    points: [axes.left, axes.right].map((x) => [x, axes.y(level)]),
    key: line(`dsf-chance dsf-chance-${k}`, -7, 0, 6, 0),
  }));
  return nameTags([...named, ...levels], { ...axes, top: axes.top - 12 }); // a name may stand above the frame
}

/**
 * Test accuracy against n on a logarithmic axis, with the lines of those who guess.
 * @param {(selection: {mixer: string, n?: number, d?: number}) => void} choose
 */
export function chart(choose) {
  const picture = svg("svg", { class: "dsf-picture dsf-phi", role: "img" });
  const [lines, cursor, ring] = [
    svg("g"),
    svg("line", { class: "dsf-cursor" }),
    svg("circle", { class: "dsf-entry", r: 9 }),
  ];
  picture.append(cursor, lines, ring);
  const changed = watch();
  /** @type {Axes} */
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
    const { task, mixers, here, drawn, cell } = view;
    const shown = here.filter(({ d, mixer }) => d === cell.d && drawn.includes(mixer));
    const present = drawn.filter((name) => shown.some(({ mixer }) => mixer === name));
    const titles = [...present.map((name) => mixers[name].title), ...guesses(task).map(({ title }) => title)];
    axes = axesOf(shown, present, width, roomFor(titles, width));
    const { x, y } = axes;
    spots = shown.map((one) => ({
      ...{ cell: one, x: x(one.n, one.mixer) },
      y: y(finite(one).length ? average(finite(one)) : 0),
    }));
    const order = [cell.mixer, ...without(cell.mixer, present)];
    const curves = order.map((name) => {
      const style = name === cell.mixer ? "dsf-series" : "dsf-series dsf-aside";
      const own = shown.filter(({ mixer }) => mixer === name);
      return svg("g", { class: style, style: `color:${mixers[name].color}` }, ...series(mixers[name], own, axes));
    });
    const names = namesOf(view, order, shown, axes);
    const levels = guesses(task).map(({ level }) => level);
    lines.replaceChildren(...furniture(axes, levels), ...curves.reverse(), ...names); // the chosen one over the others
    const said = order.map((name) => mixers[name].title).join(", ");
    const label = `Test accuracy against n at d = ${cell.d}: ${said}. The numbers stand in the table.`;
    place(picture, { width, height: axes.bottom + 38, "aria-label": label });
  }
  return {
    picture,
    /** @param {View} view @param {number} width */
    draw(view, width) {
      const { cell, drawn } = view;
      if (changed(view.all, view.title, cell.mixer, cell.d, joined(drawn), width)) drawLines(view, width);
      place(cursor, { x1: axes.x(cell.n), x2: axes.x(cell.n), y1: axes.top, y2: axes.bottom });
      const at = spots.find((spot) => spot.cell === cell);
      if (at) place(ring, { cx: at.x, cy: at.y });
    },
  };
}

/**
 * A box for each mixer that draws its line and takes it away.
 * @param {(selection: {mixer: string, drawn: string}) => void} choose
 */
export function legend(choose) {
  const list = html("fieldset", { class: "dsf-legend-list" });
  const changed = watch();
  /** @type {View} */
  let view;
  /** @type {Map<string, HTMLInputElement>} */
  let boxes = new Map();
  /** @param {string} name @param {boolean} wanted */
  function turn(name, wanted) {
    const rest = without(name, view.drawn);
    const now = view.cell.mixer;
    choose({ mixer: wanted ? name : name === now ? rest[0] : now, drawn: joined(wanted ? [...rest, name] : rest) });
  }
  return {
    list,
    /** @param {View} now */
    draw(now) {
      view = now;
      if (changed(view.all, view.title)) {
        const inputs = view.names.map((name) =>
          html("input", { type: "checkbox", change: () => turn(name, Boolean(boxes.get(name)?.checked)) }),
        );
        boxes = new Map(view.names.map((name, k) => [name, inputs[k]]));
        const labels = view.names.map((name, k) => {
          const attributes = { width: 18, height: 18, viewBox: "-9 -9 18 18", "aria-hidden": "true" };
          const key = svg("svg", attributes, keyOf(view.mixers[name]));
          return html("label", {}, inputs[k], key, view.mixers[name].title);
        });
        list.replaceChildren(html("legend", {}, "Lines drawn"), ...labels);
      }
      for (const [name, box] of boxes) {
        box.checked = view.drawn.includes(name);
        box.disabled = box.checked && view.drawn.length === 1; // one line is always drawn
      }
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
