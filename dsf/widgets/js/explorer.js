/** The DSF explorer: one architecture, one input, one step at a time. */
import { at, matrix, run, systems, takeApart } from "./architectures.js";
import { format, frame, html, indexed, oneOf, svg, whole, words } from "./dom.js";
import { heatMap, largest, legend } from "./draw.js";
import { TITLES } from "./looks.js";
import { CHANNELS, MAX_N, MAX_TEXT, fit, layerArguments, matches, sequence, sizes, tokensOf } from "./layer.js";

/** @type {[string, string][]} */
const CHOICES = Object.keys(systems).map((name) => [name, TITLES[name] + (name === "softmax" ? " (Taylor)" : "")]);
/** @type {[string, string][]} */
const INPUTS = [["mqar", "recall (MQAR)"], ["text", "your own text"], ["random", "random"], ["impulse", "impulse"]];
const STEP_MS = 600;
const TILE = 132; // height of a tile in pixels
const SAME = 1e-9;
const COMMON = 0.97;

export const traits = {
  architecture: oneOf(Object.keys(systems)),
  input: oneOf(INPUTS.map(([name]) => name)),
  text: words(MAX_TEXT),
  n: whole(1, MAX_N),
  channel: whole(0, CHANNELS - 1),
  time: whole(0, MAX_TEXT - 1),
  source: whole(0, MAX_TEXT - 1),
  seed: whole(0, 999),
};

/** @typedef {import("./architectures.js").Block} Block */

/**
 * A complex number for people.
 * @param {{re: number, im: number}} value
 * @param {boolean} complex
 */
function show({ re, im }, complex) {
  return complex ? `${format(re)}${im < 0 ? "−" : "+"}${format(Math.abs(im))}i` : format(re);
}

/**
 * A complex number where there is little room.
 * @param {{re: number, im: number}} value
 */
const brief = ({ re, im }) => `${re.toFixed(2)}${im < 0 ? "−" : "+"}${Math.abs(im).toFixed(2)}i`.replace("-", "−");

/**
 * The words for the value of a token.
 * @param {string} token
 */
const quoted = (token) => `“${token === " " ? "␣" : token}”`;

/**
 * All that does not depend on the step.
 * @param {any} model
 */
function evaluate(model) {
  const [name, kind, seed] = [model.get("architecture"), model.get("input"), model.get("seed")];
  const read = sequence(kind, seed, model.get("text"));
  const n = /** @type {number} */ (fit(name, model.get("n")));
  const system = systems[name](layerArguments(name, read, n, seed));
  const length = read.tokens.length;
  const channel = model.get("channel");
  const { states, outputs } = run(system, read.values);
  const phi = matrix(system, channel);
  return {
    name, kind, read, n, system, states, outputs, phi, length, channel,
    limits: {
      transition: Math.max(1, largest(system.transition.re)),
      input: largest(system.input.re),
      output: largest(system.output.re),
      states: largest(states.re),
      u: largest(read.values.flat()),
      y: largest(outputs.flat()),
      phi: common(phi),
    },
  };
}

/** @typedef {ReturnType<typeof evaluate> & {time: number, source: number}} View */

/**
 * A size that all but the largest entries of Φ stay below: the first rows of a normalised Φ, which have
 * few entries to share 1, would make all others pale.
 * @param {Float64Array} phi
 */
function common(phi) {
  largest(phi); // complains of what is not finite
  const sizes_ = [...phi].map(Math.abs).filter((size) => size > 0).sort((x, y) => x - y);
  return sizes_[Math.floor(COMMON * (sizes_.length - 1))] || 1;
}

/**
 * One sentence on what row `time` of Φ does.
 * @param {View} view
 */
export function finding({ kind, read, phi, length, time, system }) {
  const row = [...phi.subarray(time * length, time * length + time + 1)];
  const best = row.reduce((most, value, j) => (Math.abs(value) > Math.abs(row[most]) * (1 + SAME) ? j : most), 0);
  const weight = `Φ = ${format(row[best])}`;
  const wanted = matches(read, time, kind);
  const token = (j) => (kind === "random" || kind === "impulse" ? `input ${j}` : `input ${j}, ${quoted(read.tokens[j])}`);
  const open = `Step ${time}${kind === "random" || kind === "impulse" ? "" : `, ${quoted(read.tokens[time])}`}: `;
  if (row.every((value) => value === 0)) return `${open}nothing is read, row ${time} of Φ is zero.`;
  if (wanted.includes(best)) return `${open}most weight lies on ${token(best)}, which followed ${quoted(read.tokens[time])} before (${weight}). Recalled.`;
  const moduli = [...system.transition.re].map((_, k) => Math.hypot(system.transition.re[k], system.transition.im ? system.transition.im[k] : 0));
  const size = system.transition.rows * system.transition.cols;
  const here = moduli.slice(time * size, (time + 1) * size);
  const [low, high] = [Math.min(...here), Math.max(...here)];
  const bars = system.transition.im ? "|Λ|" : "Λ";
  const decay = high - low < 1e-6 ? `${bars} = ${format(low)}` : `${bars} from ${format(low)} to ${format(high)}`;
  if (wanted.length) return `${open}recall would read ${token(wanted.at(-1))}, but most weight lies on ${token(best)} (${weight}). Not recalled.`;
  return `${open}most weight lies on ${token(best)} (${weight}); ${decay}.`;
}

/**
 * The tokens with the input and the output of one channel, as bars over time.
 * @param {(time: number) => void} choose
 */
function signals(choose) {
  const picture = svg("svg", { class: "dsf-picture dsf-signals", role: "img" });
  return {
    picture,
    /** @param {View} view @param {number} width */
    draw({ read, outputs, length, channel, time, limits }, width) {
      const left = 26;
      const cell = (width - left) / length;
      const [rowU, rowY, half] = [48, 106, 24];
      const parts = [svg("rect", { class: "dsf-now", x: left + time * cell, y: 0, width: cell, height: 132 })];
      parts.push(svg("text", { x: 0, y: rowU + 4, class: "dsf-i" }, "u"), svg("text", { x: 0, y: rowY + 4, class: "dsf-i" }, "y"));
      for (const level of [rowU, rowY]) parts.push(svg("line", { class: "dsf-axis", x1: left, x2: width, y1: level, y2: level }));
      const bar = (i, level, value, limit, dim) => {
        const tall = (Math.abs(value) / limit) * half;
        return svg("rect", {
          class: `${value < 0 ? "dsf-neg" : "dsf-pos"}${dim ? " dsf-dim" : ""}`,
          x: left + (i + 0.2) * cell, width: cell * 0.6, y: value < 0 ? level : level - tall, height: tall,
        });
      };
      read.tokens.forEach((token, i) => {
        parts.push(svg("text", { class: i === time ? "dsf-strong" : "", x: left + (i + 0.5) * cell, y: 13, "text-anchor": "middle", "font-size": cell < 15 && token.length > 1 ? 8 : 12 }, token));
        parts.push(bar(i, rowU, read.values[i][channel], limits.u, i > time));
        if (i <= time) parts.push(bar(i, rowY, outputs[i][channel], limits.y, false));
        parts.push(svg("rect", { class: "dsf-touch", x: left + i * cell, y: 0, width: cell, height: 132, click: () => choose(i) }));
      });
      picture.replaceChildren(...parts);
      picture.setAttribute("width", width);
      picture.setAttribute("height", 132);
      picture.setAttribute("aria-label", `Tokens ${read.tokens.join(" ")}; input and output of channel ${channel} up to step ${time}; y = ${format(outputs[time][channel])}.`);
    },
  };
}

/**
 * A small heat map with a name above it: features down, channels across.
 * @param {string} letter
 */
function tile(letter) {
  const picture = svg("svg", { class: "dsf-picture", role: "img", preserveAspectRatio: "none" });
  const map = heatMap(picture);
  const marked = svg("rect", { class: "dsf-chosen" });
  const title = html("div", { class: "dsf-tile-title" });
  picture.append(marked);
  return {
    node: html("div", { class: `dsf-tile dsf-tile-${letter}` }, title, picture),
    /**
     * @param {{index: string, rows: number, cols: number, limit: number, channel: number, height?: number,
     *          value: (a: number, c: number) => number, real?: boolean}} options
     */
    draw({ index, rows, cols, limit, channel, value, height = TILE, real = true }) {
      const width = 64;
      title.replaceChildren(real ? "" : "Re ", indexed(letter, index));
      map.show({ x: 0, y: 0, width, height, rows, cols, limit, value });
      const w = width / cols;
      const own = cols > 1;
      for (const [key, number] of Object.entries({ x: own ? channel * w : 0, y: 0, width: own ? w - 1 : width - 1, height: height - 1 })) {
        marked.setAttribute(key, `${number}`);
      }
      picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
      picture.setAttribute("height", `${height}`);
      const own2 = cols > 1 ? channel : 0;
      const numbers = Array.from({ length: rows }, (_, a) => format(value(a, own2))).join(", ");
      picture.setAttribute("aria-label", `${letter} at ${index}, channel ${channel}: ${numbers}`);
    },
  };
}

/**
 * One step of the recurrence written in pictures.
 */
function equation() {
  const tiles = { H: tile("H"), L: tile("Λ"), P: tile("H"), B: tile("B"), u: tile("u"), y: tile("y"), C: tile("C"), H2: tile("H") };
  const sign = (text) => html("span", { class: "dsf-sign" }, text);
  const sum = html("span", { class: "dsf-sign" }, "Σ", html("sub", {}, "a"));
  const node = html("div", { class: "dsf-equations" },
    html("div", { class: "dsf-equation" }, tiles.H.node, sign("="), tiles.L.node, sign("⊙"), tiles.P.node, sign("+"), tiles.B.node, sign("·"), tiles.u.node),
    html("div", { class: "dsf-equation" }, tiles.y.node, sign("="), sum, tiles.C.node, sign("⊙"), tiles.H2.node));
  return {
    node,
    /** @param {View} view */
    draw({ system, states, read, outputs, n, time, channel, limits }) {
      const real = !system.transition.im;
      /** @param {Block} x @param {number} i */
      const entries = (x, i) => (a, c) => (i < 0 ? 0 : x.re[at(x, i, a, c)]);
      /** @param {Block} x @param {number} i @param {number} limit */
      const block = (x, i, limit) => ({ index: i < 0 ? "−1" : `${i}`, rows: x.rows, cols: x.cols, limit, channel, value: entries(x, i), real });
      tiles.H.draw(block(states, time, limits.states));
      tiles.H2.draw(block(states, time, limits.states));
      tiles.P.draw({ ...block(states, time - 1, limits.states) });
      tiles.L.draw(block(system.transition, time, limits.transition));
      tiles.B.draw(block(system.input, time, limits.input));
      tiles.C.draw(block(system.output, time, limits.output));
      const line = { rows: 1, cols: CHANNELS, channel, index: `${time}`, height: 18 };
      tiles.u.draw({ ...line, limit: limits.u, value: (_, c) => read.values[time][c] });
      tiles.y.draw({ ...line, limit: limits.y, value: (_, c) => outputs[time][c] });
      const numbers = system.transition.rows * system.transition.cols;
      const scalar = numbers === 1 ? `Λ is one number, ${format(system.transition.re[time])}` : `Λ holds ${numbers} numbers`;
      return `${n} × ${CHANNELS} states; ${scalar}. Features a down, channels across; the chosen channel is framed.`;
    },
  };
}

/**
 * Φ with the row of the step lit; the entry under the pointer is taken apart.
 * @param {(i: number, j: number) => void} choose
 * @param {(entry: [number, number] | null) => void} look
 */
function mixing(choose, look) {
  const picture = svg("svg", { class: "dsf-picture dsf-phi", role: "img" });
  const map = heatMap(picture);
  const row = svg("rect", { class: "dsf-row" });
  const entry = svg("rect", { class: "dsf-entry" });
  const labels = svg("g", { class: "dsf-small" });
  picture.append(labels, row, entry);
  const place = { left: 18, cell: 1, length: 1 };
  /** @param {PointerEvent | MouseEvent} event @returns {[number, number] | null} */
  const find = (event) => {
    const box = picture.getBoundingClientRect();
    const j = Math.floor((event.clientX - box.left - place.left) / place.cell);
    const i = Math.floor((event.clientY - box.top - place.left) / place.cell);
    return j >= 0 && j <= i && i < place.length ? [i, j] : null;
  };
  picture.addEventListener("pointermove", (event) => look(find(event)));
  picture.addEventListener("pointerleave", () => look(null));
  picture.addEventListener("click", (event) => {
    const found = find(event);
    if (found) choose(...found);
  });
  return {
    picture,
    /** @param {View} view @param {number} width @param {[number, number]} shown */
    draw({ phi, read, length, time, limits, channel }, width, [i, j]) {
      const cell = (width - place.left) / length;
      Object.assign(place, { cell, length });
      map.show({
        x: place.left, y: place.left, width: width - place.left, height: width - place.left, rows: length, cols: length,
        limit: limits.phi, lower: true, value: (r, c) => phi[r * length + c],
      });
      const sparse = cell < 9 ? 2 : 1;
      labels.replaceChildren(...read.tokens.flatMap((token, k) => (k % sparse ? [] : [
        svg("text", { x: place.left + (k + 0.5) * cell, y: 12, "text-anchor": "middle" }, token),
        svg("text", { x: 13, y: place.left + (k + 0.5) * cell + 3, "text-anchor": "end", class: k === time ? "dsf-strong" : "" }, token),
      ])));
      const outline = (node, col, line, cols) => {
        for (const [key, number] of Object.entries({ x: place.left + col * cell - 1, y: place.left + line * cell - 1, width: cols * cell + 1, height: cell + 1 })) {
          node.setAttribute(key, number);
        }
      };
      outline(row, 0, time, time + 1);
      outline(entry, j, i, 1);
      picture.setAttribute("width", width);
      picture.setAttribute("height", width);
      picture.setAttribute("aria-label", `Φ of channel ${channel}, ${length} by ${length}, lower triangular. Row ${time}: ${[...phi.subarray(time * length, time * length + time + 1)].map(format).join(", ")}`);
    },
  };
}

/** The factors of one entry of Φ, feature by feature. */
function parts() {
  const node = html("div", { class: "dsf-parts" });
  return {
    node,
    /** @param {View} view @param {[number, number]} entry */
    draw({ system, channel, read, kind }, [i, j]) {
      const { complex, features, total } = takeApart(system, i, j, channel);
      const most = largest(features.map(({ term }) => term));
      const letter = (name, index) => html("th", { scope: "col" }, indexed(name, index));
      const product = i === j ? html("th", { scope: "col" }, "no Λ")
        : html("th", { scope: "col" }, ...(i - j > 2 ? [indexed("Λ", i), "⋯", indexed("Λ", j + 1)] : Array.from({ length: i - j }, (_, k) => indexed("Λ", i - k))));
      const rows = features.map(({ c, product: p, b, term }, a) => html("tr", {},
        html("th", { scope: "row" }, `${a}`),
        ...[c, p, b].map((value) => html("td", {}, complex ? brief(value) : format(value.re))),
        html("td", { class: term < 0 ? "dsf-term dsf-under" : "dsf-term", style: `--share:${((100 * Math.abs(term)) / most).toFixed(1)}%` }, format(term))));
      const names = kind === "mqar" || kind === "text" ? ` (${quoted(read.tokens[i])} reads ${quoted(read.tokens[j])})` : "";
      node.replaceChildren(
        html("p", { class: "dsf-panel-title" }, indexed("Φ", `${i},${j}`), ` = ${format(total)}${names}`),
        html("table", { class: complex && "dsf-complex" },
          html("caption", { class: "dsf-hidden" }, `The sum over features a that makes the entry ${i}, ${j} of Φ`),
          html("thead", {}, html("tr", {}, html("th", { scope: "col" }, html("i", {}, "a")), letter("C", i), product, letter("B", j), html("th", { scope: "col" }, "product"))),
          html("tbody", {}, ...rows),
          html("tfoot", {}, html("tr", {}, html("th", { scope: "row", colspan: 4 }, complex ? "sum of the real parts" : "sum"), html("td", {}, format(total))))),
      );
    },
  };
}

/** The numbers of the step, for reading and copying. */
function numbers() {
  const table = html("div");
  return {
    node: html("details", { class: "dsf-data" }, html("summary", {}, "Numbers of this step"), table),
    /** @param {View} view */
    draw({ system, states, read, outputs, n, time, channel }) {
      const complex = system.transition.im !== null;
      /** @param {Block} x @param {number} a */
      const entry = (x, a) => {
        const k = at(x, time, a, channel);
        return html("td", {}, show({ re: x.re[k], im: x.im ? x.im[k] : 0 }, complex));
      };
      const head = ["Λ", "B", "C", "H"].map((letter) => html("th", { scope: "col" }, indexed(letter, time)));
      table.replaceChildren(html("table", {},
        html("caption", {}, `Channel ${channel}: u = ${format(read.values[time][channel])}, y = ${format(outputs[time][channel])}`),
        html("thead", {}, html("tr", {}, html("th", { scope: "col" }, html("i", {}, "a")), ...head)),
        html("tbody", {}, ...Array.from({ length: n }, (_, a) => html("tr", {}, html("th", { scope: "row" }, `${a}`),
          entry(system.transition, a), entry(system.input, a), entry(system.output, a), entry(states, a))))));
    },
  };
}

/**
 * @param {{model: any, el: HTMLElement}} context
 * @returns {() => void} what ends it
 */
function render({ model, el }) {
  const it = frame({ model, el }, traits);
  /** @type {View} */
  let view;
  let known = ""; // what view was computed for
  /** @type {[number, number] | null} */
  let under = null;
  let timer = 0;

  const choose = (i, j = i) => it.set({ time: i, source: j });
  const strip = signals((i) => choose(i, Math.min(model.get("source"), i)));
  const recurrence = equation();
  const apart = parts();
  const table = numbers();
  const note = html("p", { class: "dsf-note" });
  const phi = mixing(choose, (entry) => {
    if (String(entry) === String(under)) return;
    under = entry;
    drawEntry();
  });

  const play = it.button("Play", () => {
    if (it.reduced.matches) step();
    else if (timer) stop();
    else {
      if (view.time === view.length - 1) it.set({ time: 0 });
      timer = setInterval(step, STEP_MS);
      caption();
    }
  });
  function step() {
    if (view.time < view.length - 1) it.set({ time: view.time + 1 });
    else if (timer) stop();
    else it.set({ time: 0 });
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    caption();
  }
  function caption() {
    play.textContent = it.reduced.matches ? "Step" : timer ? "Pause" : "Play";
  }
  it.atEnd(() => clearInterval(timer));
  it.reduced.addEventListener("change", caption);
  it.atEnd(() => it.reduced.removeEventListener("change", caption));
  caption();

  it.controls.append(
    it.select("architecture", "Architecture", CHOICES),
    it.select("input", "Input", INPUTS),
    it.textbox("text", "Text", MAX_TEXT, () => model.get("input") === "text"),
    it.slider("n", "State expansion n", () => {
      const choices = sizes(model.get("architecture"));
      const value = choices.indexOf(/** @type {number} */ (fit(model.get("architecture"), model.get("n"))));
      return {
        min: 0, max: choices.length - 1, value, read: (index) => choices[index],
        fixed: choices.length === 1 ? "1, always" : null,
      };
    }, () => `${fit(model.get("architecture"), model.get("n"))}`),
    it.select("channel", "Channel", Array.from({ length: CHANNELS }, (_, c) => [`${c}`, `${c}`])),
    html("div", { class: "dsf-field dsf-buttons" },
      it.button("New draw", () => it.set({ seed: (model.get("seed") + 1) % 1000 })), it.reset()),
  );
  const timeline = html("div", { class: "dsf-controls" }, play,
    it.slider("time", "Step i", () => ({ min: 0, max: sequenceLength(model) - 1, value: Math.min(model.get("time"), sequenceLength(model) - 1) }),
      () => `${Math.min(model.get("time"), sequenceLength(model) - 1)}`));
  const source = it.slider("source", "Entry from input j", () => {
    const last = Math.min(model.get("time"), sequenceLength(model) - 1);
    return { min: 0, max: last, value: Math.min(model.get("source"), last) };
  }, () => `${Math.min(model.get("source"), model.get("time"), sequenceLength(model) - 1)}`);
  const left = html("div", { class: "dsf-panel" }, html("p", { class: "dsf-panel-title" }, "The mixing matrix Φ"), phi.picture);
  it.root.append(it.problem, it.controls, timeline, strip.picture, it.finding, it.spoken,
    html("p", { class: "dsf-panel-title" }, "One step of the recurrence"), recurrence.node, note,
    html("div", { class: "dsf-panels" }, left, html("div", { class: "dsf-panel" }, source, apart.node)),
    html("p", { class: "dsf-note" }, "− ", legend(), " + · full colour: the largest size over the whole sequence; in Φ, what 97 % of the entries stay below"),
    table.node);

  /** @param {number} [width] */
  function drawEntry(width = left.clientWidth) {
    /** @type {[number, number]} */
    const shown = under ?? [view.time, view.source];
    phi.draw(view, Math.min(width, 420), shown);
    apart.draw(view, shown);
  }

  return it.start(() => {
    const widths = [it.root.clientWidth, left.clientWidth]; // before anything is changed
    const wanted = ["architecture", "input", "text", "n", "channel", "seed"].map((name) => model.get(name)).join("\0");
    const still = wanted === known ? view : evaluate(model);
    known = wanted;
    const time = Math.min(model.get("time"), still.length - 1);
    view = { ...still, time, source: Math.min(model.get("source"), time) };
    if (under && under[0] >= view.length) under = null;
    it.root.style.setProperty("--dsf-own", `var(--dsf-${view.name})`);
    strip.draw(view, widths[0]);
    note.textContent = recurrence.draw(view);
    drawEntry(widths[1]);
    table.draw(view);
    it.say(finding(view));
  });
}

/** @param {any} model */
function sequenceLength(model) {
  return tokensOf(model.get("input"), model.get("seed"), model.get("text")).length;
}

export default { render };
