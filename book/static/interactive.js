/* Figures drawn by Plotly. The still picture stays until the reader comes near; only then the library is
   fetched, once a page. Without it, or on paper, the picture and the table remain. */
"use strict";

(function interactive() {
  const own = /** @type {HTMLScriptElement} */ (document.currentScript);
  const library = new URL("plotly/plotly-basic-4.1.1.min.js", own.src).href;
  const touch = window.matchMedia("(pointer: coarse)").matches; // there a drag scrolls the page

  /** @typedef {{name: string, mode: string, line: any, marker?: any, meta: string, visible?: any}} Trace */

  /** @type {Promise<Window["Plotly"]> | undefined} */
  let fetched;
  function fetchLibrary() {
    fetched ??= new Promise((resolve, reject) => {
      const script = element("script");
      script.src = library;
      script.addEventListener("load", () => resolve(window.Plotly));
      script.addEventListener("error", reject);
      document.head.append(script);
    });
    return fetched;
  }

  /** The layout in the colours of the page as it is now. @param {any} original @param {Element} chart */
  function dressed(original, chart) {
    const layout = structuredClone(original); // Plotly writes into what it is given
    const style = getComputedStyle(chart);
    const [text, line, panel] = ["--text", "--line", "--panel"].map((name) => style.getPropertyValue(name));
    const axis = { gridcolor: line, linecolor: line, zeroline: false, automargin: true, fixedrange: touch };
    return {
      ...layout,
      height: 400,
      showlegend: false,
      paper_bgcolor: "transparent",
      plot_bgcolor: "transparent",
      dragmode: touch ? false : "zoom",
      margin: { l: 50, r: 12, t: 12, b: 45 },
      font: { color: text, family: style.fontFamily, size: 13 },
      hoverlabel: { align: "left", namelength: -1, bgcolor: panel, font: { color: text, family: style.fontFamily } },
      xaxis: { ...layout.xaxis, ...axis },
      yaxis: { ...layout.yaxis, ...axis },
    };
  }

  /** A trace whose name Plotly shows as it is written: it would take mark-up for mark-up. @param {Trace} trace */
  function plain(trace) {
    return { ...trace, name: trace.name.replaceAll("&", "&amp;").replaceAll("<", "&lt;") };
  }

  /**
   * @template {keyof HTMLElementTagNameMap} T
   * @param {T} tag
   * @returns {HTMLElementTagNameMap[T]}
   */
  function element(tag, text = "") {
    const node = document.createElement(tag);
    node.textContent = text;
    return node;
  }

  /** The mark of a trace: its symbol, or a piece of its line. @param {Trace} trace */
  function key({ mode, line, marker, meta }) {
    const mark = element("span");
    mark.setAttribute("aria-hidden", "true");
    mark.className = "dsf-key";
    mark.style.color = line.color;
    if (mode.includes("markers")) {
      mark.dataset.glyph = `${meta}\uFE0E`; // text, not an emoji
      mark.classList.toggle("dsf-hollow", marker?.symbol?.endsWith("-open") ?? false);
    } else {
      /** @type {Record<string, string>} */
      const dashes = { dot: "dotted", dash: "dashed", dashdot: "dashed" };
      mark.style.borderTop = `2px ${dashes[line.dash] ?? "solid"}`;
    }
    return mark;
  }

  /**
   * A native checkbox for every trace, so that the keyboard reaches what Plotly's legend does.
   * @param {Trace[]} data
   * @param {() => void} redraw
   * @param {() => void} reset
   */
  function legend(data, redraw, reset) {
    const box = element("fieldset");
    const title = element("legend", "Lines to show");
    title.className = "visually-hidden";
    box.append(title);
    const first = data.map((trace) => trace.visible ?? true);
    const starts = data.map((trace, place) => {
      const check = element("input");
      check.type = "checkbox";
      check.addEventListener("change", () => {
        trace.visible = check.checked;
        redraw();
      });
      const label = element("label");
      label.append(check, key(trace), trace.name);
      box.append(label);
      return () => {
        check.checked = trace.visible = first[place] === true;
      };
    });
    const start = () => {
      for (const set of starts) set();
    };
    start();
    const button = element("button", "Reset");
    button.type = "button";
    button.addEventListener("click", () => {
      start();
      reset();
    });
    box.append(button);
    return box;
  }

  /** @param {HTMLElement} figure */
  async function draw(figure) {
    /** @type {{data: Trace[], layout: any}} */
    const { data, layout } = JSON.parse(figure.querySelector("script")?.textContent ?? "");
    const still = /** @type {HTMLImageElement} */ (figure.querySelector(".dsf-still"));
    const chart = element("div");
    chart.className = "dsf-chart";
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", still.alt);
    const Plotly = await fetchLibrary();
    layout.uirevision = 1; // as long as it stays the same, the reader's zoom stays
    const redraw = () =>
      Plotly.react(chart, data.map(plain), dressed(layout, chart), { displayModeBar: false, responsive: true });
    const choice = legend(data, redraw, () => {
      layout.uirevision += 1;
      redraw();
    });
    const hint = touch ? "Touch a mark for details." : "Point at a mark for details, drag to enlarge.";
    figure.prepend(chart, choice, element("p", hint));
    figure.dataset.live = "";
    await redraw();
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  const observer = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        draw(/** @type {HTMLElement} */ (target)).catch((problem) => {
          // The picture is still there. Of a library that cannot be fetched the browser itself has told.
          if (problem instanceof Error) reportError(problem);
        });
      }
    },
    { rootMargin: "600px" },
  );
  for (const figure of document.querySelectorAll("figure.dsf-plotly")) observer.observe(figure);
})();
