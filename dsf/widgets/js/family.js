/** The hook of chapter 9: the architectures by what Λ depends on and how many numbers it holds, and who can do what. */
import { html, tableOf } from "./dom.js";
import { frame } from "./frame.js";
import { yesNo } from "./traits.js";

/** @typedef {{title: string, depends: string, distinct: string, can: string[]}} Entry */

/** What can be asked for, as the control says it. @type {Record<string, string>} */
const DEMANDS = {
  forget: "forget",
  look: "look up",
  finite: "fixed state",
  flip: "turn a sign",
  average: "average",
  shared: "one Φ for all channels",
  alike: "treat all times alike",
};
const IN_SIGHT = 3;
const ROOMY = 560; // px, from which on what Λ depends on stands beside the models and not above them

/** What was found, which no address can change. @type {import("./traits.js").Trait} */
const found = {
  parse: String,
  accepts: (value) => Array.isArray(value) && value.every((entry) => Array.isArray(entry.can)),
  wanted: "a list of architectures",
};

/** @param {any[]} all */
const different = (all) => [...new Set(all)];

/** @param {string[]} names */
function listed(names) {
  const [last, ...rest] = [...names].reverse();
  return rest.length === 0 ? last : `${rest.reverse().join("; ")} and ${last}`;
}

/**
 * What is said of those that can.
 * @param {string[]} asked
 * @param {Entry[]} able
 */
function finding(asked, able) {
  if (asked.length === 0) return "Nothing is asked yet: all are marked. Tick what a model must do.";
  if (able.length === 0) return `None of them can do ${asked.length === 2 ? "both" : `all ${asked.length}`}.`;
  const titles = listed(able.map(({ title }) => title));
  return asked.length === 1 ? `One demand leaves ${titles}.` : `${asked.length} demands leave ${titles}.`;
}

/**
 * A line for each dependence, with its models in the column of their number.
 * @param {Entry[]} entries
 * @param {(entry: Entry) => boolean} marked
 * @param {boolean} roomy
 */
function family(entries, marked, roomy) {
  const columns = different(entries.map(({ distinct }) => distinct));
  const heads = columns.map((column, k) =>
    html("th", { scope: "col" }, k === 0 ? `Λ holds ${column} number` : `${column}`),
  );
  const corner = roomy ? [html("th", { scope: "col" }, "it depends on")] : [];
  const lines = different(entries.map(({ depends }) => depends)).flatMap((depends) => {
    const cells = columns.map((column) => {
      const here = entries.filter((entry) => entry.depends === depends && entry.distinct === column);
      const models = here.map((entry) => {
        const can = marked(entry);
        return html("span", { class: can ? "dsf-model dsf-can" : "dsf-model" }, can ? "✓ " : "", entry.title);
      });
      return html("td", {}, ...models);
    });
    if (roomy) return [html("tr", { class: "dsf-line" }, html("th", { scope: "row" }, depends), ...cells)];
    const name = html("th", { scope: "rowgroup", colspan: columns.length }, `depends on ${depends}`);
    return [html("tr", { class: "dsf-line" }, name), html("tr", {}, ...cells)];
  });
  return [html("thead", {}, html("tr", {}, ...corner, ...heads)), html("tbody", {}, ...lines)];
}

/** @type {Record<string, import("./traits.js").Trait>} */
const traits = { ...Object.fromEntries(Object.keys(DEMANDS).map((name) => [name, yesNo()])), entries: found };

export default {
  traits,
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    const names = Object.keys(DEMANDS);
    const it = frame({ model, el }, traits);
    const number = html("p", { class: "dsf-number" });
    const picture = html("table", { class: "dsf-family" });
    const boxes = names.map((name) => it.checkbox(name, DEMANDS[name]));
    /** @type {Entry[]} */
    const entries = model.get("entries");
    const rows = entries.map(({ title, can }) => [title, can.map((name) => DEMANDS[name]).join(", ")]);
    const data = tableOf("", ["", "can"], rows);
    const table = html("details", { class: "dsf-data" }, html("summary", {}, "Who can do what"), data);
    it.controls.append(...boxes.slice(0, IN_SIGHT), it.more(...boxes.slice(IN_SIGHT)), it.reset());
    it.root.append(
      it.problem,
      it.controls,
      number,
      html("div", { class: "dsf-picture" }, picture),
      it.finding,
      it.spoken,
      table,
    );
    return it.start(() => {
      const asked = names.filter((name) => model.get(name));
      /** @param {Entry} entry */
      const marked = (entry) => asked.every((name) => entry.can.includes(name));
      const able = entries.filter(marked);
      number.replaceChildren(html("strong", {}, `${able.length}`), ` of ${entries.length} can`);
      picture.replaceChildren(...family(entries, marked, it.root.clientWidth >= ROOMY));
      it.say(finding(asked, able));
    });
  },
};
