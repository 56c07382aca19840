/**
 * Draw first states of figures with their own modules: `node draw.mjs` reads a JSON list of {widget, state} and
 * writes a list of {picture, caption}, mark-up for the page and words for the caption.
 */
import { readFileSync } from "node:fs";
import { createModel } from "../../dsf/widgets/js/traits.js";
import { Element, install, pass } from "./dom.mjs";
import { markup } from "./markup.mjs";

install();
const asked = JSON.parse(readFileSync(0, "utf8"));
const drawn = [];
for (const { widget, state } of asked) {
  const module = await import(`../../dsf/widgets/js/${widget}.js`);
  const model = createModel(state, () => {});
  const el = new Element("div");
  const end = module.default.render({ model, el });
  pass(); // what takes long is drawn later
  end();
  const [root] = /** @type {Element[]} */ (el.children);
  root.classList.remove("dsf-live");
  drawn.push({ picture: markup(root), caption: module.caption?.(model) ?? "" });
}
process.stdout.write(JSON.stringify(drawn));
