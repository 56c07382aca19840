/** Elements, and numbers in words. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Element} node
 * @param {Record<string, any>} attributes functions are listeners, null and false are left out
 * @param {(Node | string)[]} children
 */
function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export const html = (tag, attributes = {}, ...children) => furnish(document.createElement(tag), attributes, children);

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string)} children
 * @returns {any}
 */
export const svg = (tag, attributes = {}, ...children) =>
  furnish(document.createElementNS(SVG, tag), attributes, children);

/**
 * Set attributes of what is there already.
 * @param {Element} node
 * @param {Record<string, string | number>} attributes
 */
export function place(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, `${value}`);
}

/**
 * A part of a figure that stands beside others where there is room.
 * @param {string} title
 * @param {...Node} children
 */
export const panel = (title, ...children) =>
  html("div", { class: "dsf-panel" }, html("p", { class: "dsf-panel-title" }, title), ...children);

/**
 * What opens on demand.
 * @param {string} name class
 * @param {string | Node} title the visible line
 * @param {...Node} children
 */
export const fold = (name, title, ...children) =>
  html("details", { class: name }, html("summary", {}, title), ...children);

/**
 * A number for people: three digits that count, a true minus sign.
 * @param {number} value
 * @returns {string}
 */
export function format(value) {
  const size = Math.abs(value);
  const text =
    size === 0
      ? "0"
      : size < 1e-3 || size >= 1e5
        ? value.toExponential(1)
        : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  return text.replace(/-/g, "−");
}

/**
 * A share in per cent.
 * @param {number} share
 * @param {number} [digits] after the point
 */
export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;

/**
 * A letter with its indices, for a line of text.
 * @param {string} letter
 * @param {string | number} index
 */
export const indexed = (letter, index) =>
  html("span", { class: "dsf-letter" }, html("i", {}, letter), html("sub", {}, `${index}`));

/**
 * A table of which the first cell of each row names the row.
 * @param {string} caption above the table, none if empty
 * @param {(string | Node)[]} head names of the columns; an empty one is no name
 * @param {any[][]} rows each cell a text or a node, the first maybe a list of them
 */
export function tableOf(caption, head, rows) {
  const names = head.map((name) => html(name === "" ? "td" : "th", name === "" ? {} : { scope: "col" }, name));
  const lines = rows.map(([name, ...cells]) =>
    html("tr", {}, html("th", { scope: "row" }, ...[name].flat()), ...cells.map((cell) => html("td", {}, cell))),
  );
  const above = caption ? [html("caption", {}, caption)] : [];
  return html("table", {}, ...above, html("thead", {}, html("tr", {}, ...names)), html("tbody", {}, ...lines));
}

/** Whether something changed since the last call. */
export function watch() {
  /** @type {any[]} */
  let last = [];
  return (/** @type {any[]} */ ...now) => {
    const changed = now.some((value, k) => value !== last[k]);
    last = now;
    return changed;
  };
}
