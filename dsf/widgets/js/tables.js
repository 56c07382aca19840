/** The numbers of the step that is shown, for reading and copying. */
import { format, html, indexed, tableOf } from "./dom.js";
import { at, takeApart } from "./system.js";
import { isText, keptAt, quoted, stateAt, writtenAt } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {{re: number, im: number}} Complex */
/** @typedef {{said: string, head: (string | Node)[], rows: string[][]}} Table */

/**
 * A complex number for people.
 * @param {Complex} value
 * @param {boolean} complex
 */
const show = ({ re, im }, complex) =>
  complex ? `${format(re)}${im < 0 ? "−" : "+"}${format(Math.abs(im))}i` : format(re);

/** An array of the system in the chosen channel. @param {View} view @param {"transition" | "input" | "output"} key */
function held({ system, time, channel }, key) {
  const x = system[key];
  return (/** @type {number} */ a) => {
    const k = at(x, time, a, channel);
    return { re: x.re[k], im: x.im ? x.im[k] : 0 };
  };
}

/**
 * One row a feature, one column an array.
 * @param {View} view
 * @param {string} said
 * @param {[string | Node, (a: number) => Complex][]} columns
 * @returns {Table}
 */
function features({ n, system }, said, columns) {
  const complex = system.transition.im !== null;
  const rows = Array.from({ length: n }, (_, a) => [`${a}`, ...columns.map(([, value]) => show(value(a), complex))]);
  return { said, head: [html("i", {}, "a"), ...columns.map(([name]) => name)], rows };
}

/** @param {View} view */
function product(view) {
  const { system, time, source, channel } = view;
  const { complex, features: parts, total } = takeApart(system, time, source, channel);
  const rows = parts.map(({ c, product: between, b, term }, a) => [
    ...[`${a}`, ...[c, between, b].map((value) => show(value, complex)), format(term)],
  ]);
  const transitions = source === time ? "no Λ" : html("span", {}, "Π ", html("i", {}, "Λ"));
  const head = [html("i", {}, "a"), indexed("C", time), transitions, indexed("B", source), "product"];
  const said = `Φ at ${time}, ${source}, channel ${channel}`;
  return { said, head, rows: [...rows, [complex ? "sum of the real parts" : "sum", "", "", "", format(total)]] };
}

/** Pairs, or the row of the step where nothing is asked. @param {View} view */
function phi(view) {
  const {
    read: { tokens },
    kind,
    length,
    time,
    phi: matrix,
  } = view;
  /** @param {number} i @param {number} j */
  const weight = (i, j) => format(matrix()[i * length + j]);
  const named = (/** @type {number} */ j) => (isText(kind) ? `${j}, ${quoted(tokens[j])}` : `${j}`);
  const given = view.answers();
  if (!given.length) {
    const rows = Array.from({ length: time + 1 }, (_, j) => [named(j), weight(time, j)]);
    return { said: `Row ${time} of Φ`, head: ["input", "Φ"], rows };
  }
  const rows = given.map(({ i, wanted, best, hit }) => [
    ...[named(i), wanted.map(named).join("; "), named(best), weight(i, best), hit ? "yes" : "no"],
  ]);
  return { said: "What is asked for", head: ["asks", "wants", "most weight", "Φ", "recalled"], rows };
}

/** @type {Record<string, (view: View) => Table>} */
const TABLES = {
  write(view) {
    const { time, channel, read } = view;
    const written = writtenAt(view, time);
    return features(view, `Channel ${channel}: u = ${format(read.values[time][channel])}`, [
      [indexed("B", time), held(view, "input")],
      [html("span", {}, indexed("B", time), indexed("u", time)), (a) => written(a, channel)],
    ]);
  },
  decay(view) {
    const { time, channel } = view;
    const [before, kept, now] = [stateAt(view, time - 1), keptAt(view, time), stateAt(view, time)];
    return features(view, `Channel ${channel}`, [
      [indexed("Λ", time), held(view, "transition")],
      [indexed("H", `${time - 1}`.replace("-", "−")), (a) => before(a, channel)],
      ["kept", (a) => kept(a, channel)],
      [indexed("H", time), (a) => now(a, channel)],
    ]);
  },
  read(view) {
    const { time, channel, terms, ran } = view;
    const now = stateAt(view, time);
    return features(view, `Channel ${channel}: y = ${format(ran().outputs[time][channel])}`, [
      [indexed("C", time), held(view, "output")],
      [indexed("H", time), (a) => now(a, channel)],
      ["product", (a) => ({ re: terms().re[at(terms(), time, a, channel)], im: 0 })],
    ]);
  },
  product,
  phi,
};

/** The table, folded away. */
export function table() {
  const body = html("div");
  return {
    node: html("details", { class: "dsf-data" }, html("summary", {}, "Numbers of this step"), body),
    /** @param {View} view @param {string} step */
    draw(view, step) {
      const { said, head, rows } = TABLES[step](view);
      body.replaceChildren(tableOf(said, head, rows));
    },
  };
}
