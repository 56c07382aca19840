/**
 * The play of the figure of the start page, from one n to another: `node film.mjs 16 4` writes a list of
 * {ms, picture, dots, mean, finding}, a frame each; picture and dots are mark-up.
 */
import { drawing, finding, play, score } from "../../dsf/widgets/js/hero.js";
import { CHANNELS, PAIRS } from "../../dsf/widgets/js/memory.js";
import { Element, install } from "./dom.mjs";
import { markup } from "./markup.mjs";

const [WIDTH, REST_MS] = [720, 3000];
const [first, last] = process.argv.slice(2).map(Number);

/**
 * Strips of values that stand one below the other as one map, whose mark-up is shorter.
 * @param {Element[]} parts
 */
function joined(parts) {
  /** @type {Map<string, Element>} */
  const maps = new Map();
  return parts.filter((part) => {
    const [cell] = /** @type {Element[]} */ (part.children);
    if (part.children.length !== CHANNELS || part.classes.join() !== "dsf-heat") return true;
    const map = maps.get(cell.getAttribute("x") ?? "");
    if (map) map.children = [...map.children, ...part.children];
    else maps.set(cell.getAttribute("x") ?? "", part);
    return !map;
  });
}

/** @param {Element} part */
const copy = (part) => Object.assign(new Element(part.tag), { attributes: part.attributes, children: part.children });

install();
const [view, questions] = /** @type {any[]} */ ([drawing(), score()]);
const [, row, , mean] = questions.node.children;
const frames = [...play(last, first), { n: last, written: PAIRS, ms: REST_MS }].map(({ ms, n, written }) => {
  const scene = { name: "linear", n, written };
  view.draw(scene, WIDTH, written < PAIRS);
  questions.draw(scene);
  const picture = joined(view.picture.children.map(copy)).map(markup).join("");
  return { ms, picture, dots: row.children.map(markup).join(""), mean: mean.textContent, finding: finding(scene) };
});
process.stdout.write(JSON.stringify(frames));
