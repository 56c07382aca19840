/**
 * What brings the figures of a published page to life, without a kernel. The script of each widget calls it.
 *
 * The figure holds its state as JSON and a picture of its first state. A figure that cannot be brought
 * to life keeps the picture and says why.
 */
import { html } from "./dom.js";
import { createModel } from "./traits.js";

/** @typedef {Record<string, import("./traits.js").Trait>} Traits */
/** @typedef {{traits: Traits, render: (context: any) => any}} Widget */

/**
 * The state that the address asks for: `#id:name=value,name=value`.
 * @param {string} id
 * @param {Traits} traits
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

/** @param {HTMLElement} figure @param {Widget} widget */
function start(figure, widget) {
  const notice = html("p", { class: "dsf-problem", role: "alert", hidden: true });
  figure.dataset.live = "";
  figure.prepend(notice);
  /** @param {string} text */
  const complain = (text) => {
    notice.textContent = text;
    notice.hidden = !text;
  };
  try {
    const state = JSON.parse(figure.querySelector("script[type='application/json']")?.textContent ?? "");
    const first = { ...state };
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
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
      widget.render({ model, el });
    } catch (error) {
      el.remove();
      throw error;
    }
    if (still) /** @type {HTMLElement} */ (still).hidden = true;
    const obey = () => {
      const { values, refused, meant } = readAddress(figure.id, widget.traits);
      if (!meant) return;
      for (const [name, value] of Object.entries({ ...first, ...values })) model.set(name, value);
      if (refused.length) complain(`The address asks for what this figure cannot show: ${refused.join("; ")}.`);
      figure.scrollIntoView();
    };
    window.addEventListener("hashchange", obey);
    obey();
  } catch (error) {
    complain(`This figure stays as it is: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * Bring all figures of one kind to life.
 * @param {string} name
 * @param {Widget} widget
 */
export function bringToLife(name, widget) {
  const figures = document.querySelectorAll(`figure.dsf-widget[data-widget="${name}"]:not([data-live])`);
  for (const figure of figures) start(/** @type {HTMLElement} */ (figure), widget);
}
