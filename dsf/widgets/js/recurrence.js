/** One step of the recurrence in pictures: the tokens with u and y, and the blocks of the equation. */
import { format, html, indexed, place, svg } from "./dom.js";
import { heatMap } from "./draw.js";
import { CHANNELS } from "./layer.js";
import { at } from "./system.js";

/** @typedef {import("./system.js").Block} Block */
/** @typedef {import("./view.js").View} View */

const TILE = { width: 64, height: 132 }; // of a tile in pixels
const STRIP = { left: 26, u: 48, y: 106, half: 24, height: 132 };

/**
 * The tokens with the input and the output of one channel, as bars over time.
 * @param {(time: number) => void} choose
 */
export function signals(choose) {
  const picture = svg("svg", { class: "dsf-picture dsf-signals", role: "img" });
  const { left, height } = STRIP;
  return {
    picture,
    /** @param {View} view @param {number} width */
    draw({ read, outputs, length, channel, time, limits }, width) {
      const cell = (width - left) / length;
      /** @param {number} i @param {number} level @param {number} value @param {number} limit */
      const bar = (i, level, value, limit) => {
        const tall = (Math.abs(value) / limit) * STRIP.half;
        const kind = `${value < 0 ? "dsf-neg" : "dsf-pos"}${i > time ? " dsf-dim" : ""}`;
        const y = value < 0 ? level : level - tall;
        return svg("rect", { class: kind, x: left + (i + 0.2) * cell, width: cell * 0.6, y, height: tall });
      };
      const rows = Object.entries({ u: STRIP.u, y: STRIP.y }).flatMap(([letter, y]) => [
        svg("text", { x: 0, y: y + 4, class: "dsf-i" }, letter),
        svg("line", { class: "dsf-axis", x1: left, x2: width, y1: y, y2: y }),
      ]);
      const tokens = read.tokens.flatMap((token, i) => {
        const small = cell < 15 && token.length > 1 ? 8 : 12;
        const middle = { x: left + (i + 0.5) * cell, y: 13, "text-anchor": "middle", "font-size": small };
        const touch = { class: "dsf-touch", x: left + i * cell, y: 0, width: cell, height, click: () => choose(i) };
        return [
          svg("text", { class: i === time ? "dsf-strong" : null, ...middle }, token),
          bar(i, STRIP.u, read.values[i][channel], limits.u),
          ...(i <= time ? [bar(i, STRIP.y, outputs[i][channel], limits.y)] : []),
          svg("rect", touch),
        ];
      });
      const now = svg("rect", { class: "dsf-now", x: left + time * cell, y: 0, width: cell, height });
      picture.replaceChildren(now, ...rows, ...tokens);
      const said = `input and output of channel ${channel} up to step ${time}; y = ${format(outputs[time][channel])}.`;
      place(picture, { width, height, "aria-label": `Tokens ${read.tokens.join(" ")}; ${said}` });
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
    draw({ index, rows, cols, limit, channel, value, height = TILE.height, real = true }) {
      const { width } = TILE;
      title.replaceChildren(real ? "" : "Re ", indexed(letter, index));
      map.show({ x: 0, y: 0, width, height, rows, cols, limit, value });
      const own = cols > 1 ? channel : 0;
      place(marked, { x: (own * width) / cols, y: 0, width: width / cols - 1, height: height - 1 });
      const numbers = Array.from({ length: rows }, (_, a) => format(value(a, own))).join(", ");
      const label = `${letter} at ${index}, channel ${channel}: ${numbers}`;
      place(picture, { viewBox: `0 0 ${width} ${height}`, height, "aria-label": label });
    },
  };
}

/** One step of the recurrence written in pictures. */
export function equation() {
  const tiles = {
    ...{ H: tile("H"), L: tile("Λ"), P: tile("H"), B: tile("B"), u: tile("u") },
    ...{ y: tile("y"), C: tile("C"), H2: tile("H") },
  };
  /** @param {...(string | Node)} text */
  const sign = (...text) => html("span", { class: "dsf-sign" }, ...text);
  const { H, L, P, B, u, y, C, H2 } = tiles;
  const state = [H.node, sign("="), L.node, sign("⊙"), P.node, sign("+"), B.node, sign("·"), u.node];
  const output = [y.node, sign("="), sign("Σ", html("sub", {}, "a")), C.node, sign("⊙"), H2.node];
  const lines = [state, output].map((line) => html("div", { class: "dsf-equation" }, ...line));
  return {
    node: html("div", { class: "dsf-equations" }, ...lines),
    /** Draw, and say what is seen. @param {View} view */
    draw({ system, states, read, outputs, n, time, channel, limits }) {
      const real = !system.transition.im;
      /** @param {Block} x @param {number} i @param {number} limit */
      const block = (x, i, limit) => ({
        ...{ index: i < 0 ? "−1" : `${i}`, rows: x.rows, cols: x.cols, limit, channel, real },
        /** @param {number} a @param {number} c */
        value: (a, c) => (i < 0 ? 0 : x.re[at(x, i, a, c)]),
      });
      H.draw(block(states, time, limits.states));
      H2.draw(block(states, time, limits.states));
      P.draw(block(states, time - 1, limits.states));
      L.draw(block(system.transition, time, limits.transition));
      B.draw(block(system.input, time, limits.input));
      C.draw(block(system.output, time, limits.output));
      const line = { rows: 1, cols: CHANNELS, channel, index: `${time}`, height: 18 };
      u.draw({ ...line, limit: limits.u, value: (_, c) => read.values[time][c] });
      y.draw({ ...line, limit: limits.y, value: (_, c) => outputs[time][c] });
      const numbers = system.transition.rows * system.transition.cols;
      const scalar = `Λ is one number, ${format(system.transition.re[time])}`;
      const said = numbers === 1 ? scalar : `Λ holds ${numbers} numbers`;
      return `${n} × ${CHANNELS} states; ${said}. Features a down, channels across; the chosen channel is framed.`;
    },
  };
}
