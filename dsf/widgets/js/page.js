/**
 * The script of a published page: brings every `figure.dsf-widget` to life, without a kernel.
 *
 * The figure holds its state as JSON and a picture of its first state. A figure that cannot be brought
 * to life keeps the picture and says why.
 */
import * as decay from "./decay.js";
import * as explorer from "./explorer.js";
import * as gallery from "./gallery.js";
import * as mqar from "./mqar.js";
import * as softmax from "./softmax.js";
import { html } from "./dom.js";

/** @type {Record<string, {traits: Record<string, import("./dom.js").Trait>, default: {render: (context: any) => any}}>} */
const WIDGETS = { explorer, decay, gallery, mqar, softmax };

/**
 * What a widget needs of an anywidget model.
 * @param {Record<string, any>} state
 * @param {() => void} saved called when the reader has changed something
 */
function createModel(state, saved) {
  /** @type {Map<string, Set<() => void>>} */
  const listeners = new Map();
  return {
    /** @param {string} name */
    get: (name) => state[name],
    /** @param {string} name @param {any} value */
    set(name, value) {
      if (state[name] === value) return;
      state[name] = value;
      listeners.get(`change:${name}`)?.forEach((listener) => listener());
    },
    /** @param {string} event @param {() => void} listener */
    on(event, listener) {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event)?.add(listener);
    },
    /** @param {string} event @param {() => void} listener */
    off(event, listener) {
      listeners.get(event)?.delete(listener);
    },
    save_changes: saved,
  };
}

/**
 * The state that the address asks for: `#id:name=value,name=value`.
 * @param {string} id
 * @param {Record<string, import("./dom.js").Trait>} traits
 * @returns {{values: Record<string, any>, refused: string[], meant: boolean}}
 */
function readAddress(id, traits) {
  const start = `#${id}:`;
  /** @type {Record<string, any>} */
  const values = {};
  /** @type {string[]} */
  const refused = [];
  if (!location.hash.startsWith(start)) return { values, refused, meant: false };
  for (const part of location.hash.slice(start.length).split(",")) {
    const [name, text = ""] = part.split("=", 2);
    const trait = Object.hasOwn(traits, name) ? traits[name] : null;
    try {
      const value = trait?.parse(decodeURIComponent(text));
      if (trait?.accepts(value)) values[name] = value;
      else refused.push(trait ? `${name}=${text} (expected ${trait.wanted})` : part);
    } catch {
      refused.push(part); // a % that stands for nothing
    }
  }
  return { values, refused, meant: true };
}

/** @param {HTMLElement} figure */
function start(figure) {
  const notice = html("p", { class: "dsf-problem", role: "alert", hidden: true });
  figure.dataset.live = "";
  figure.prepend(notice);
  /** @param {string} text */
  const complain = (text) => {
    notice.textContent = text;
    notice.hidden = !text;
  };
  try {
    const widget = WIDGETS[figure.dataset.widget ?? ""];
    if (!widget) throw new Error(`no widget is called ${figure.dataset.widget}`);
    const state = JSON.parse(figure.querySelector("script[type='application/json']")?.textContent ?? "");
    const first = { ...state };
    let timer = 0;
    const write = () => {
      const changed = Object.keys(widget.traits).filter((name) => state[name] !== first[name]);
      const text = changed.map((name) => `${name}=${encodeURIComponent(state[name])}`).join(",");
      try {
        // Replaced, not pushed: the back button leaves the page, as the reader expects.
        history.replaceState(null, "", text ? `#${figure.id}:${text}` : `#${figure.id}`);
      } catch {
        // Some browsers forbid it for pages from files; the figure works without.
      }
    };
    const model = createModel(state, () => {
      complain("");
      clearTimeout(timer);
      timer = setTimeout(write, 300);
    });
    const el = html("div");
    const still = figure.querySelector(".dsf-still");
    still?.before(el);
    try {
      widget.default.render({ model, el });
    } catch (error) {
      el.remove();
      throw error;
    }
    if (still) /** @type {HTMLElement} */ (still).hidden = true;
    Object.assign(figure, { dsfState: () => ({ ...state }) }); // for links and questions about it, see lead.js
    /** @param {ScrollLogicalPosition} block */
    const obey = (block) => {
      const { values, refused, meant } = readAddress(figure.id, widget.traits);
      if (!meant) return;
      for (const [name, value] of Object.entries(values)) model.set(name, value); // the others stay as they are
      if (refused.length) complain(`The address asks for what this figure cannot show: ${refused.join("; ")}.`);
      else write();
      figure.scrollIntoView({ block });
    };
    window.addEventListener("hashchange", () => obey("nearest")); // a link beside the figure stays in view
    obey("start");
  } catch (error) {
    complain(`This figure stays as it is: ${/** @type {Error} */ (error).message}`);
  }
}

document.querySelectorAll("figure.dsf-widget:not([data-live])").forEach((figure) => start(/** @type {HTMLElement} */ (figure)));
