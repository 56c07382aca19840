/** What the traits of a figure may be, and the model that holds them in a page. */

/**
 * @typedef {object} Trait
 * @property {(text: string) => any} parse from the address of the page
 * @property {(value: any) => boolean} accepts
 * @property {string} wanted
 */

/** @param {string} text */
const toNumber = (text) => (text.trim() ? Number(text) : NaN);

/** @param {string[]} choices @returns {Trait} */
export const oneOf = (choices) => ({
  parse: String,
  accepts: (value) => choices.includes(value),
  wanted: `one of ${choices.join(", ")}`,
});

/** @param {number[]} choices @returns {Trait} */
export const numberOf = (choices) => ({
  parse: toNumber,
  accepts: (value) => choices.includes(value),
  wanted: `one of ${choices.join(", ")}`,
});

/** @param {number} least @param {number} most @returns {Trait} */
export const whole = (least, most) => ({
  parse: toNumber,
  accepts: (value) => Number.isInteger(value) && value >= least && value <= most,
  wanted: `a whole number from ${least} to ${most}`,
});

/** @param {number} least @param {number} most @returns {Trait} */
export const real = (least, most) => ({
  parse: toNumber,
  accepts: (value) => typeof value === "number" && value >= least && value <= most,
  wanted: `a number from ${least} to ${most}`,
});

/** @param {number} most @returns {Trait} */
export const words = (most) => ({
  parse: String,
  accepts: (value) => typeof value === "string" && value.length > 0 && [...value].length <= most,
  wanted: `1 to ${most} characters`,
});

/** @returns {Trait} */
export const yesNo = () => ({
  parse: (text) => (text === "true" ? true : text === "false" ? false : text),
  accepts: (value) => typeof value === "boolean",
  wanted: "true or false",
});

/**
 * What no address can ask for.
 * @param {string} wanted
 * @param {(value: any) => boolean} accepts
 * @returns {Trait}
 */
export const made = (wanted, accepts) => ({ parse: () => null, accepts, wanted });

/**
 * Complain about the first trait whose value cannot be shown.
 * @param {Record<string, Trait>} traits
 * @param {{get(name: string): any}} model
 */
export function check(traits, model) {
  for (const [name, trait] of Object.entries(traits)) {
    const value = model.get(name);
    if (!trait.accepts(value)) throw new Error(`${name} is ${JSON.stringify(value)}, expected ${trait.wanted}`);
  }
}

/**
 * What a widget needs of an anywidget model.
 * @param {Record<string, any>} state
 * @param {() => void} saved called when the reader has changed something
 */
export function createModel(state, saved) {
  /** @type {Map<string, Set<() => void>>} */
  const listeners = new Map();
  return {
    /** @param {string} name */
    get: (name) => state[name],
    /** @param {string} name @param {any} value */
    set(name, value) {
      if (state[name] === value) return;
      state[name] = value;
      for (const listener of listeners.get(`change:${name}`) ?? []) listener();
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
