/** What leaves the laboratory as a file, and what comes back. */
import { html } from "../dom.js";
import { csv } from "./runs.js";
import { readModel, writeModel } from "./safetensors.js";
import { titleOf } from "./setup.js";
import { SHIPPED, titleOfShipped } from "./shipped.js";

export const RECORD = "a trained model of the record"; // from where a model comes

/** @param {string} name @param {string | Uint8Array<ArrayBuffer>} content @param {string} type */
function download(name, content, type) {
  const href = URL.createObjectURL(new Blob([content], { type }));
  html("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000); // once it has been taken
}

/** A title as the name of a file. @param {string} title */
const fileName = (title) => title.toLowerCase().replace(/[^a-z0-9.]+/g, "-");

/**
 * @param {ReturnType<typeof import("./desk.js").desk>} lab
 * @param {((name: string) => Promise<ArrayBuffer>) | null} ship brings a trained model that comes with the book
 * @param {(words: string) => void} tell what went wrong, or nothing
 */
export function files(lab, ship, tell) {
  /** @param {string} label @param {() => void | Promise<void>} act */
  const button = (label, act) => {
    const click = async () => {
      tell("");
      try {
        await act();
      } catch (problem) {
        tell(`${/** @type {Error} */ (problem).message}.`);
      }
    };
    return html("button", { type: "button", class: "dsf-button", click }, label);
  };
  const curves = button("Curves (CSV)", () => download("mqar-runs.csv", csv(lab.held()), "text/csv"));
  const model = button("Weights (safetensors)", async () => {
    const now = lab.live;
    if (now) download(`${fileName(titleOf(now.setup))}.safetensors`, writeModel(now.setup, await lab.weights()), "");
  });
  /** @param {string} name @param {Promise<ArrayBuffer> | undefined} file @param {string} given */
  async function open(name, file, given) {
    try {
      const { setup, weights: held } = readModel(/** @type {ArrayBuffer} */ (await file));
      lab.take(setup, held, given);
      return true;
    } catch (problem) {
      tell(`${name} cannot be opened: ${/** @type {Error} */ (problem).message}.`);
      return false;
    }
  }
  const input = html("input", { type: "file", accept: ".safetensors", hidden: true, "aria-label": "A model" });
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file) open(file.name, file.arrayBuffer(), "from a file");
    input.value = ""; // the same file can be chosen again
  });
  /** @type {any} the run that the list speaks of */
  let listed = null;
  const list = html(
    "select",
    {
      disabled: !ship,
      async change() {
        const name = list.value;
        if (!name) return;
        tell("");
        const taken = await open(titleOfShipped(name), ship?.(name), RECORD);
        [listed, list.value] = taken ? [lab.live, name] : [null, ""];
      },
    },
    ...["", ...SHIPPED].map((name) => html("option", { value: name }, name ? titleOfShipped(name) : "choose one …")),
  );
  const choose = button("Open weights …", () => input.click());
  function draw() {
    curves.disabled = !lab.held().length;
    model.disabled = !["training", "paused", "done"].includes(lab.live?.status ?? "");
    if (lab.live !== listed) [listed, list.value] = [null, ""];
  }
  const shipped = html("label", {}, "Trained models of the record ", list);
  return {
    node: html("div", { class: "dsf-field dsf-lab-files" }, shipped, curves, model, choose, input),
    tell,
    draw,
  };
}
