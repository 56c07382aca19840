/** What the laboratory remembers in this browser: the bet, the runs, and the last set-up. */

const STORE = "dsf-lab";

/** @typedef {{bet?: number, state?: Record<string, any>}} Kept */

/** Storage may be closed, as in a private window, or hold what nobody here wrote. @returns {Kept} */
export function remembered() {
  try {
    const found = JSON.parse(localStorage.getItem(STORE) ?? "{}");
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}

/** @param {Kept} what the rest stays */
export function remember(what) {
  try {
    localStorage.setItem(STORE, JSON.stringify({ ...remembered(), ...what }));
  } catch {
    // It lasts for this page.
  }
}
