/**
 * As much of a document as the modules of the figures ask for, without a browser: elements that can be built,
 * measured and read. Nothing happens by itself: there are no events, and time passes when `pass` is called.
 */

/** Widths in pixels: of a panel as on a wide screen; of all else so that a phone can show it too. */
const [PANEL, FULL] = [398, 560];

export class Element {
  /** @param {string} tag */
  constructor(tag) {
    this.tag = tag;
    /** @type {Map<string, string>} */
    this.attributes = new Map();
    /** @type {(Element | string)[]} */
    this.children = [];
    /** @type {Element | null} */
    this.parentElement = null;
    /** What was painted on a canvas. @type {ImageData | null} */
    this.image = null;
  }

  /** @param {string} name @param {any} value */
  setAttribute(name, value) {
    this.attributes.set(name, String(value));
  }

  /** @param {string} name */
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }

  addEventListener() {}

  /** @param {(Element | string)[]} children */
  append(...children) {
    for (const child of children) {
      if (child instanceof Element) {
        child.remove();
        child.parentElement = this;
      }
      this.children.push(child);
    }
  }

  /** @param {(Element | string)[]} children */
  replaceChildren(...children) {
    for (const child of this.children) if (child instanceof Element) child.parentElement = null;
    this.children = [];
    this.append(...children);
  }

  remove() {
    const siblings = this.parentElement?.children;
    siblings?.splice(siblings.indexOf(this), 1);
    this.parentElement = null;
  }

  get firstChild() {
    return this.children[0] ?? null;
  }

  get textContent() {
    return this.children.map((child) => (child instanceof Element ? child.textContent : child)).join("");
  }

  /** @param {string} text */
  set textContent(text) {
    this.replaceChildren(...(text ? [text] : []));
  }

  get hidden() {
    return this.attributes.has("hidden");
  }

  /** @param {boolean} hidden */
  set hidden(hidden) {
    if (hidden) this.setAttribute("hidden", "");
    else this.attributes.delete("hidden");
  }

  get classes() {
    return (this.getAttribute("class") ?? "").split(" ").filter(Boolean);
  }

  get classList() {
    /** @param {string[]} names */
    const write = (names) => this.setAttribute("class", [...new Set(names)].join(" "));
    const add = (/** @type {string} */ name) => write([...this.classes, name]);
    const remove = (/** @type {string} */ name) => write(this.classes.filter((other) => other !== name));
    const toggle = (/** @type {string} */ name, /** @type {boolean} */ on) => (on ? add(name) : remove(name));
    return { add, remove, toggle };
  }

  get style() {
    /** @param {string} name @param {string} value */
    const setProperty = (name, value) => {
      const others = (this.getAttribute("style") ?? "")
        .split(";")
        .filter((rule) => rule && !rule.startsWith(`${name}:`));
      this.setAttribute("style", [...others, `${name}:${value}`].join(";"));
    };
    return { setProperty };
  }

  get clientWidth() {
    return this.classes.includes("dsf-panel") ? PANEL : FULL;
  }

  getContext() {
    return {
      createImageData: (/** @type {number} */ width, /** @type {number} */ height) => ({
        ...{ width, height, data: new Uint8ClampedArray(4 * width * height) },
      }),
      putImageData: (/** @type {ImageData} */ image) => {
        this.image = image;
      },
    };
  }
}

/** @type {Map<number, () => void>} */
const waiting = new Map();
let timers = 0;

/** Let all that waits for its time happen. */
export function pass() {
  for (const [id, call] of waiting) {
    waiting.delete(id);
    call();
  }
}

/** Sees nothing, for nothing changes by itself. */
class Observer {
  observe() {}
  disconnect() {}
}

/** Put the document where the modules look for it. */
export function install() {
  Object.assign(globalThis, {
    document: {
      createElement: (/** @type {string} */ tag) => new Element(tag),
      createElementNS: (/** @type {string} */ _, /** @type {string} */ tag) => new Element(tag),
      activeElement: null,
    },
    matchMedia: () => ({ matches: false, addEventListener() {}, removeEventListener() {} }),
    ResizeObserver: Observer,
    IntersectionObserver: Observer,
    setTimeout(/** @type {() => void} */ call) {
      timers += 1;
      waiting.set(timers, call);
      return timers;
    },
    clearTimeout: (/** @type {number} */ id) => waiting.delete(id),
  });
}
