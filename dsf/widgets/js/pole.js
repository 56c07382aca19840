/** A pair of poles: the plane of continuous time, that of steps, and the impulse response in both. */
import { lineChart } from "./chart.js";
import { fold, format, html, panel, place, svg, tableOf } from "./dom.js";
import { frame } from "./frame.js";
import { oneOf, real } from "./traits.js";

/** @typedef {{re: number, im: number}} Complex */
/** @typedef {{decay: number, frequency: number, step: number, rule: string}} State */

const [LEAST_DECAY, MOST_DECAY, MOST_FREQUENCY] = [-0.2, 2, 8];
const [LEAST_STEP, MOST_STEP] = [0.2, 1.5];
const traits = {
  decay: real(LEAST_DECAY, MOST_DECAY),
  frequency: real(0, MOST_FREQUENCY),
  step: real(LEAST_STEP, MOST_STEP),
  rule: oneOf(["zoh", "bilinear"]),
};
/** @type {[string, string][]} */
const RULES = [
  ["zoh", "zero-order hold"],
  ["bilinear", "bilinear"],
];
const NOTHING = 1e-12; // what rounding leaves of zero

/** @param {number} value */
const snapped = (value) => (Math.abs(value) < NOTHING ? 0 : value);

/**
 * The factor ā of one step Δ for the pole a.
 * @param {Complex} a
 * @param {number} step
 * @param {string} rule
 * @returns {Complex}
 */
export function discretized({ re, im }, step, rule) {
  const [x, y] = [step * re, step * im];
  if (rule === "zoh") return { re: snapped(Math.exp(x) * Math.cos(y)), im: snapped(Math.exp(x) * Math.sin(y)) };
  const below = (1 - x / 2) ** 2 + (y / 2) ** 2; // (1 + z/2)/(1 - z/2) with a real denominator
  return { re: snapped((1 - (x / 2) ** 2 - (y / 2) ** 2) / below), im: snapped(y / below) };
}

/**
 * What a step does: the factor, its modulus, the turns it makes, and the steps after which half is left.
 * @param {State} state
 * @param {string} rule
 */
export function stepOf({ decay, frequency, step }, rule) {
  const factor = discretized({ re: -decay, im: frequency }, step, rule);
  const modulus = Math.hypot(factor.re, factor.im);
  const turns = Math.abs(Math.atan2(factor.im, factor.re)) / (2 * Math.PI);
  const half = modulus < 1 - NOTHING ? Math.log(0.5) / Math.log(modulus) : Infinity;
  return { factor, modulus, turns: modulus ? turns : 0, half };
}

/** @typedef {ReturnType<typeof stepOf>} Step */

/**
 * Re ā^l for l = 0, 1, …
 * @param {Step} now
 * @param {number} count
 */
export const samples = ({ modulus, turns }, count) =>
  Array.from({ length: count }, (_, l) => modulus ** l * Math.cos(2 * Math.PI * turns * l));

const TIME = 10;
const CLOSE = 0.1; // dots so far from the curve can be seen to leave it
const POINTS = 400;
/** How many dots are drawn. @param {number} step */
const dotsOf = (step) => Math.floor(TIME / step + NOTHING) + 1;
const MOST_SIZE = 190; // px of a plane
const TRY =
  "Try: drag the pole, or move it with the arrow keys. To the right of the axis the response grows. " +
  "Above the line π/Δ the dots seem to swing more slowly again.";
const NOTE =
  "Shaded is what is stable: the left half-plane, the unit disc. Dashed is where the response dies as fast, dotted " +
  "where it swings as fast. After a push of 1 the curve is Re x = Re eᵃᵗ, the dots are Re āˡ, the dashed line |ā|ˡ.";

/**
 * A plane of complex numbers.
 * @param {number} size
 * @param {[number, number]} across
 * @param {[number, number]} up
 */
function planeOf(size, across, up) {
  return {
    size,
    /** @param {number} re */
    x: (re) => ((re - across[0]) / (across[1] - across[0])) * size,
    /** @param {number} im */
    y: (im) => ((up[1] - im) / (up[1] - up[0])) * size,
    /** @param {number} x @param {number} y */
    back: (x, y) => ({
      re: across[0] + (x / size) * (across[1] - across[0]),
      im: up[1] - (y / size) * (up[1] - up[0]),
    }),
  };
}

/** @typedef {ReturnType<typeof planeOf>} Plane */
/** @param {number} size */
const continuous = (size) => planeOf(size, [-2.3, 0.7], [-9, 9]);
/** @param {number} size */
const discrete = (size) => planeOf(size, [-1.5, 1.5], [-1.5, 1.5]);

/** @param {number} x @param {number} y @param {string} text @param {string} [anchor] */
const words = (x, y, text, anchor = "start") => svg("text", { x, y, "text-anchor": anchor }, text);

/** @param {Plane} plane @param {Complex[]} points @param {string} name */
const curve = ({ x, y }, points, name) =>
  svg("polyline", {
    class: `dsf-line dsf-bound ${name}`,
    points: points.map(({ re, im }) => `${x(re).toFixed(1)},${y(im).toFixed(1)}`).join(" "),
  });

/** Both of a pair. @param {Complex} one @returns {Complex[]} */
const pair = ({ re, im }) => [
  { re, im },
  { re, im: -im },
];

/** The poles, as crosses. @param {Plane} plane @param {Complex} one */
const crosses = ({ x, y }, one) =>
  pair(one).map(({ re, im }) => {
    const [u, v] = [x(re), y(im)];
    return svg("path", { class: "dsf-line dsf-s4d dsf-pole", d: `M${u - 5} ${v - 5}l10 10m-10 0l10 -10` });
  });

/** The axes, and their names: the one across below it, where no other name is. @param {Plane} plane */
function axes({ x, y, size }) {
  /** @param {number} x1 @param {number} x2 @param {number} y1 @param {number} y2 */
  const line = (x1, x2, y1, y2) => svg("line", { class: "dsf-cell-line", x1, x2, y1, y2 });
  const names = [words(2, y(0) + 14, "Re"), words(x(0) + 4, 11, "Im")];
  return [line(0, size, y(0), y(0)), line(x(0), x(0), 0, size), ...names];
}

/**
 * Points of the line on which the pole would die as fast, and of that on which it would swing as fast.
 * @param {State} state
 */
function linesOf({ decay, frequency, step, rule }) {
  const most = rule === "zoh" ? Math.PI / step : 400;
  const part = (/** @type {number} */ k) => k / 100;
  // Closer together near the axis: the bilinear rule sends what is far away to a small place near -1.
  const dying = Array.from({ length: 201 }, (_, k) => ({ re: -decay, im: most * part(k - 100) ** 3 }));
  const swinging = Array.from({ length: 101 }, (_, k) => ({ re: 0.7 - 400 * part(k) ** 4, im: frequency }));
  return { dying, swinging };
}

/** @param {any} picture @param {State} state @param {number} size */
function drawContinuous(picture, state, size) {
  const plane = continuous(size);
  const { x, y } = plane;
  const { decay, frequency, step, rule } = state;
  const edge = Math.PI / step;
  /** @param {number} im */
  const across = (im) => [-3, 1].map((re) => ({ re, im }));
  const band = rule === "zoh" && edge < 9 ? [edge, -edge].map((im) => curve(plane, across(im), "dsf-edge")) : [];
  const name = band.length ? [words(2, y(edge) + (edge > 7.5 || frequency > edge ? 13 : -4), "π/Δ")] : [];
  const fast = [-9, 9].map((im) => ({ re: -decay, im }));
  clipped(picture, size, [
    svg("rect", { class: "dsf-area", x: 0, y: 0, width: x(0), height: size }),
    ...[...axes(plane), ...band, curve(plane, fast, "dsf-level"), curve(plane, across(frequency), "dsf-dotted")],
    ...[...name, ...crosses(plane, { re: -decay, im: frequency })],
  ]);
  picture.setAttribute("aria-label", `The plane of continuous time with the poles ${poleWords(state)}`);
}

/** @param {any} picture @param {State} state @param {Step} now @param {number} size */
function drawDiscrete(picture, state, { factor, modulus }, size) {
  const plane = discrete(size);
  const { x, y } = plane;
  const { dying, swinging } = linesOf(state);
  /** @param {Complex[]} points */
  const image = (points) => points.map((a) => discretized(a, state.step, state.rule));
  clipped(picture, size, [
    svg("circle", { class: "dsf-area", cx: x(0), cy: y(0), r: x(1) - x(0) }),
    svg("circle", { class: "dsf-row", cx: x(0), cy: y(0), r: x(1) - x(0) }),
    ...[...axes(plane), curve(plane, image(dying), "dsf-level"), curve(plane, image(swinging), "dsf-dotted")],
    ...crosses(plane, factor),
  ]);
  const said = modulus < 1 - NOTHING ? "inside" : modulus > 1 + NOTHING ? "outside" : "on";
  picture.setAttribute(
    "aria-label",
    `The plane of steps with the poles ${complexWords(factor)}, ${said} the unit disc`,
  );
}

/** Nothing leaves the picture. @param {any} picture @param {number} size @param {Node[]} parts */
function clipped(picture, size, parts) {
  const style = `width:${size}px;height:${size}px;overflow:hidden;max-width:none`;
  picture.replaceChildren(svg("svg", { width: size, height: size, style }, ...parts));
  place(picture, { width: size, height: size });
}

/** Curve, dots, and the slowest curve through the dots. @param {any} chart @param {State} state @param {Step} now */
function drawResponse(chart, { decay, frequency, step }, now, /** @type {number} */ width) {
  const { modulus, turns, half } = now;
  const times = Array.from({ length: POINTS + 1 }, (_, k) => (TIME * k) / POINTS);
  /** @param {number} rate @param {number} swing @param {number} t */
  const swung = (rate, swing, t) => Math.exp(rate * t) * Math.cos(swing * t);
  const own = times.map((t) => [t, swung(-decay, frequency, t)]);
  const [rate, swing] = [Math.log(modulus) / step, (2 * Math.PI * turns) / step];
  const seen = Math.abs(swing - frequency) + Math.abs(rate + decay) > 1e-6 && modulus > 0;
  lineChart(chart, {
    ...{ width, height: width < 360 ? 170 : 220, x: [0, TIME], y: [-1.2, 1.2], xLabel: "time t", yLabel: "response" },
    lines: [
      { name: "", points: own },
      { name: "dsf-bound dsf-level", points: modulus ? times.map((t) => [t, modulus ** (t / step)]) : [] },
      {
        ...{ name: "dsf-bound dsf-s4d", points: seen ? times.map((t) => [t, swung(rate, swing, t)]) : [] },
        title: seen ? "through the dots" : "",
      },
    ],
    marks: [
      ...(half * step <= TIME ? [{ x: half * step, title: "half" }] : []),
      ...samples(now, dotsOf(step)).map((y, l) => ({ x: l * step, y, name: "dsf-s4d dsf-sample" })),
    ],
  });
}

/** @param {number} value */
const tenths = (value) => value.toFixed(2).replace("-", "−");
/** @param {Complex} one */
const complexWords = ({ re, im }) => (im === 0 ? format(re) : `${format(re)} ± ${format(Math.abs(im))}i`);
/** @param {State} state */
const poleWords = ({ decay, frequency }) => `${tenths(-decay + 0)} ± ${tenths(frequency)}i`.replace("−0.00", "0.00");

/** @param {number} half */
const after = (half) => `${format(half)} ${format(half) === "1.00" ? "step" : "steps"}`;

/** @param {Step} now */
function fate({ modulus, half }) {
  if (modulus > 1 + NOTHING) return `unstable: it doubles every ${after(Math.log(2) / Math.log(modulus))}`;
  if (modulus > 1 - NOTHING) return "on the edge: nothing is lost";
  return modulus === 0 ? "stable: one step takes all" : `stable: half is left after ${after(half)}`;
}

/** How far a dot that is drawn is from the curve, at most. @param {State} state @param {Step} now */
function distance({ decay, frequency, step }, now) {
  const dots = samples(now, dotsOf(step));
  const away = dots.map((dot, l) => Math.abs(dot - Math.exp(-decay * l * step) * Math.cos(frequency * l * step)));
  return Math.max(...away);
}

/** @param {State} state @param {Step} now */
function finding(state, now) {
  const { frequency, step, rule } = state;
  const { factor, modulus, turns, half } = now;
  const one = `A step of Δ = ${tenths(step)} multiplies by ā = ${complexWords(factor)}; |ā| = ${format(modulus)}, `;
  const two = `${fate(now)}. It turns by ${format(turns)} of a circle.`;
  if (rule === "zoh") {
    if (frequency * step <= Math.PI + 1e-9) return one + two;
    const slow = (2 * Math.PI * turns) / step;
    return (
      `${one}${two} The curve turns by ${format((frequency * step) / (2 * Math.PI))}, more than half a circle: the ` +
      `dots are also those of the frequency ${format(slow)}.`
    );
  }
  const exact = stepOf(state, "zoh");
  const told = exact.half < Infinity && half < Infinity ? ` and keeps half for ${after(exact.half)}` : "";
  const apart = distance(state, now);
  const seen = apart < CLOSE ? `stay within ${format(apart)} of it` : "leave it";
  return `${one}${two} The curve turns by ${format((frequency * step) / (2 * Math.PI))}${told}: the dots ${seen}.`;
}

/** @param {State} state */
function table(state) {
  const rows = RULES.map(([rule, title]) => {
    const { factor, modulus, turns, half } = stepOf(state, rule);
    const steps = half < Infinity ? format(half) : "never";
    return [title, format(factor.re), format(factor.im), format(modulus), format(turns), steps];
  });
  return tableOf("", ["", "Re ā", "Im ā", "|ā|", "turns a step", "half-life in steps"], rows);
}

/**
 * The plane in which the pole is moved, by a hand or by keys.
 * @param {ReturnType<typeof frame>} it
 * @param {any} picture
 */
function movable(it, picture) {
  const handle = html("div", {
    ...{ class: "dsf-touch dsf-handle", tabindex: 0, role: "slider", "aria-label": "Pole, moved by the arrow keys" },
    ...{ "aria-valuemin": 0, "aria-valuemax": MOST_FREQUENCY },
  });
  const node = html("div", { class: "dsf-plane" }, picture, handle);
  let size = MOST_SIZE;
  /** @param {number} decay @param {number} frequency */
  function move(decay, frequency) {
    /** @param {number} value @param {number} least @param {number} most */
    const within = (value, least, most) => Math.max(least, Math.min(most, Math.round(20 * value) / 20));
    it.set({ decay: within(decay, LEAST_DECAY, MOST_DECAY), frequency: within(frequency, 0, MOST_FREQUENCY) });
  }
  /** @param {any} event */
  function follow({ clientX, clientY }) {
    const box = picture.getBoundingClientRect();
    const { re, im } = continuous(size).back(clientX - box.left, clientY - box.top);
    move(-re, Math.abs(im));
  }
  let held = false;
  handle.addEventListener("pointerdown", (/** @type {any} */ event) => {
    held = true;
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (/** @type {any} */ event) => held && follow(event));
  for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, () => (held = false));
  picture.addEventListener("click", follow);
  handle.addEventListener("keydown", (/** @type {any} */ event) => {
    const { decay, frequency } = it.state();
    const way = /** @type {Record<string, number[]>} */ ({
      ...{ ArrowLeft: [0.05, 0], ArrowRight: [-0.05, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] },
    })[event.key];
    if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    move(decay + way[0], frequency + way[1]);
  });
  return {
    node,
    /** @param {State} state @param {number} wanted */
    draw(state, wanted) {
      size = wanted;
      drawContinuous(picture, state, size);
      const { x, y } = continuous(size);
      handle.style.setProperty("left", `${x(-state.decay).toFixed(1)}px`);
      handle.style.setProperty("top", `${y(state.frequency).toFixed(1)}px`);
      place(handle, { "aria-valuenow": state.frequency, "aria-valuetext": poleWords(state) });
    },
  };
}

/** @param {ReturnType<typeof frame>} it */
const controls = (it) => [
  it.slider("decay", "Decay σ", () => ({ min: LEAST_DECAY, max: MOST_DECAY, step: 0.05 }), tenths),
  it.slider("frequency", "Frequency ω", () => ({ min: 0, max: MOST_FREQUENCY, step: 0.05 }), tenths),
  it.slider("step", "Step Δ", () => ({ min: LEAST_STEP, max: MOST_STEP, step: 0.05 }), tenths),
  it.more(it.select("rule", "Rule", RULES), it.reset()),
];

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  const [before, now, chart] = [0, 1, 2].map(() => svg("svg", { class: "dsf-picture", role: "img" }));
  const plane = movable(it, before);
  const left = panel("Poles a = −σ ± iω", plane.node);
  const planes = html("div", { class: "dsf-pair" }, left, panel("After a step: ā", now));
  const right = panel("Impulse response: curve, and dots at each step", chart);
  const [summary, numbers] = [html("span"), html("div")];
  const notes = [html("p", { class: "dsf-note dsf-hint" }, TRY), html("p", { class: "dsf-note" }, NOTE)];
  it.controls.append(...controls(it));
  it.root.append(
    ...[it.problem, it.controls],
    html("div", { class: "dsf-panels" }, html("div", { class: "dsf-panel" }, planes), right),
    ...[it.finding, it.spoken, ...notes, fold("dsf-data", summary, numbers)],
  );

  return it.start(() => {
    const [size, width] = [Math.min(MOST_SIZE, left.clientWidth), right.clientWidth]; // before anything is changed
    const state = /** @type {State} */ (it.state());
    const step = stepOf(state, state.rule);
    plane.draw(state, size);
    drawDiscrete(now, state, step, size);
    drawResponse(chart, state, step, width);
    const said = `Impulse response of the poles ${poleWords(state)} and its values at steps of ${tenths(state.step)}`;
    chart.setAttribute("aria-label", `${said}; ${fate(step)}`);
    summary.textContent = `Numbers at a = ${poleWords(state)}, Δ = ${tenths(state.step)}`;
    numbers.replaceChildren(table(state));
    it.say(finding(state, step));
  });
}

export default { traits, render };
