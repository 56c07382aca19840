/* Figures drawn by Plotly. The still picture stays until the reader comes near; only then the library is
   fetched, once a page. Without it, or on paper, the picture and the table remain. */
"use strict";

(function interactive() {
  const own = /** @type {HTMLScriptElement} */ (document.currentScript);
  const library = new URL("plotly/plotly-basic-4.1.1.min.js", own.src).href;
  const FEW = 6; // lines that have their names beside them
  const NARROW = 480; // px of a chart that has no room for that
  const [TALL, TOP, BOTTOM] = [400, 12, 45]; // px of a chart and of its margins
  const GAP = 16; // px between names
  const touch = window.matchMedia("(pointer: coarse)").matches; // there a drag scrolls the page

  /**
   * @typedef {{name: string, mode: string, line: any, marker?: any, meta: string, visible?: any,
   *            x: number[], y: (number | null)[]}} Trace
   */

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

  /** Text that Plotly shows as it is written: it would take mark-up for mark-up. @param {string} text */
  const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

  /** Heights of names in pixels, moved until none covers another. @param {number[]} heights @param {number} most */
  function apart(heights, most) {
    const order = heights.map((_, k) => k).sort((a, b) => heights[a] - heights[b]);
    const moved = [...heights];
    for (let k = 1; k < order.length; k++) moved[order[k]] = Math.max(moved[order[k]], moved[order[k - 1]] + GAP);
    let above = most + GAP;
    for (const k of order.reverse()) above = moved[k] = Math.min(moved[k], above - GAP);
    return moved;
  }

  /**
   * Names at the ends of the lines, where they are few and there is room.
   * @param {Trace[]} data
   * @param {any} layout
   * @param {number} width
   */
  function names(data, layout, width) {
    const seen = data.filter(({ visible = true, y }) => visible === true && y.some((value) => value !== null));
    if (seen.length > FEW || width < NARROW) return [];
    /** @param {any} axis @param {number | null} value */
    const level = (axis, value) => (axis?.type === "log" ? Math.log10(Number(value)) : Number(value));
    const ends = seen.map(({ x, y }) => {
      const last = y.length - 1 - [...y].reverse().findIndex((value) => value !== null);
      return { x: level(layout.xaxis, x[last]), y: level(layout.yaxis, y[last]) };
    });
    const all = seen.flatMap(({ y }) => y.filter((value) => value !== null).map((value) => level(layout.yaxis, value)));
    const [low, high] = layout.yaxis?.range ?? [Math.min(...all), Math.max(...all)];
    const tall = TALL - TOP - BOTTOM;
    const heights = ends.map(({ y }) => ((y - low) / (high - low || 1)) * tall);
    const moved = apart(heights, tall);
    return seen.map(({ name, mode, line, meta }, k) => ({
      ...{ ...ends[k], xref: "x", yref: "y" },
      text: `<span style="color:${line.color}">${mode.includes("markers") ? meta : "–"}</span> ${escaped(name)}`,
      showarrow: false,
      xanchor: "left",
      xshift: 10,
      yshift: moved[k] - heights[k],
    }));
  }

  /**
   * The layout in the colours of the page as it is now.
   * @param {any} original
   * @param {Trace[]} data
   * @param {Element} chart
   */
  function dressed(original, data, chart) {
    const layout = structuredClone(original); // Plotly writes into what it is given
    const style = getComputedStyle(chart);
    const [text, line, panel] = ["--text", "--line", "--panel"].map((name) => style.getPropertyValue(name));
    const axis = { gridcolor: line, linecolor: line, zeroline: false, automargin: true, fixedrange: touch };
    const annotations = names(data, layout, chart.clientWidth);
    const letters = Math.max(0, ...annotations.map((one) => one.text.replace(/<.*?>/g, "").length));
    return {
      ...layout,
      annotations,
      height: TALL,
      showlegend: false,
      paper_bgcolor: "transparent",
      plot_bgcolor: "transparent",
      dragmode: touch ? false : "zoom",
      margin: { l: 50, r: 12 + 7 * letters, t: TOP, b: BOTTOM },
      font: { color: text, family: style.fontFamily, size: 13 },
      hoverlabel: { align: "left", namelength: -1, bgcolor: panel, font: { color: text, family: style.fontFamily } },
      xaxis: { ...layout.xaxis, ...axis },
      yaxis: { ...layout.yaxis, ...axis },
    };
  }

  /** @param {Trace} trace */
  const plain = (trace) => ({ ...trace, name: escaped(trace.name) });

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
    const [box, more, folded] = [element("fieldset"), element("details"), element("div")];
    const title = element("legend", "Lines to show");
    title.className = "visually-hidden";
    more.append(element("summary", "More lines"), folded);
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
      (first[place] === true ? box : folded).append(label);
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
    box.prepend(title);
    box.append(button);
    if (folded.children.length) box.append(more);
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
      Plotly.react(chart, data.map(plain), dressed(layout, data, chart), { displayModeBar: false, responsive: true });
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
