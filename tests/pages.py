"""What tests do in pages, whatever the browser: which they open, and scripts that are run there."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, SoupStrainer

# For tests of what pages store. Of a hundred values that a bare page stores just before it loads
# again, Chromium 156 loses about one for good, more on a busy machine; no page can tell.
remembers = pytest.mark.flaky(reruns=5)

Open = Callable[..., Any]

# Waits for a page that is loaded, as `goto` leaves it, and whose figures so live: until it has its
# fonts, has been drawn and knows what is on the screen.
READY = """document.fonts.ready.then(() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => done(true)));
}))"""


def names(site: Path) -> list[str]:
    """The pages to open; of those that are alike, of source and of modules, the longest each."""
    chosen = found = sorted(site.rglob("*.html"))
    for kind in ("_modules", "api"):
        alike = [path for path in found if kind in path.relative_to(site).parent.parts]
        longest = max(alike, key=lambda path: path.stat().st_size)
        chosen = [path for path in chosen if path not in alike or path == longest]
    return [path.relative_to(site).as_posix() for path in chosen]


def first_chapter(site: Path) -> Path:
    """The page of the first chapter."""
    return sorted((site / "chapters").glob("[0-9][0-9]-*.html"))[0]


@dataclass(frozen=True)
class Chapter:
    """What the contents of the book say of a chapter."""

    name: str  # the file, within the site
    title: str  # with its number
    sections: dict[str, str]  # their titles, by their anchors

    @property
    def middle(self) -> str:
        """The anchor of a section that is neither among the first nor among the last."""
        return [*self.sections][len(self.sections) // 2]


@functools.cache
def chapters(site: Path) -> list[Chapter]:
    """The chapters, in order."""
    found = []
    for path in sorted((site / "chapters").glob("[0-9][0-9]-*.html")):
        menu = BeautifulSoup(path.read_text("utf-8"), "html.parser", parse_only=SoupStrainer("nav"))
        (here,) = menu.select("#menu a.current")
        links = menu.select("#menu .page-sections a")
        sections = {str(link["href"])[1:]: link.get_text() for link in links}
        found.append(Chapter(f"chapters/{path.name}", here.get_text(), sections))
    return found


@contextmanager
def opening(browser: Any) -> Iterator[Open]:
    """What opens addresses, each for a reader of its own, and closes them all at last."""
    contexts = []

    def open_page(address: str, script: str = "", **options: Any) -> Any:
        """Open after `script`; the page remembers what went wrong and what it asked for."""
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(script)
        page.problems, page.requests = [], []
        page.on("console", lambda m: m.type == "error" and page.problems.append(m.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on(
            "requestfailed",
            # A picture of the page before, which the next one no longer waits for, is no problem.
            lambda r: r.failure == "net::ERR_ABORTED" or page.problems.append(f"failed: {r.url}"),
        )
        page.on("request", lambda r: page.requests.append(r.url))
        page.goto(address)
        if options.get("java_script_enabled", True):
            page.evaluate(READY)
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()


def pause(page: Any, milliseconds: int) -> None:
    """Wait by the clock of the page: what it has put off for less has then happened, and is drawn.

    However busy the machine is, which a wait of the test cannot promise.
    """
    page.evaluate("time => new Promise((done) => setTimeout(done, time))", milliseconds)
    page.evaluate(READY)


# What keeps readers out of a part of the page, as axe sees it. It takes long to describe the rest.
AXE = """axe.run({}, {{ preload: false, resultTypes: ["violations"] }})
  .then((found) => found.violations)"""
# The same of colours alone, where the rest has been seen.
AXE_COLORS = AXE.replace("preload", 'runOnly: ["color-contrast", "link-in-text-block"], preload')

# Before the page: remember what its policy stops.
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`);
});
"""

# Turn every control of every live figure. Gives how many there are.
TURN_FIGURES = """(() => {
  const sliders = document.querySelectorAll(".dsf-live input[type=range]:enabled");
  for (const slider of sliders) {
    slider.value = slider.value === slider.min ? slider.max : slider.min;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }
  return sliders.length;
})()"""

# Do what a reader may do in a page. Gives how many figures came to life.
USE = f"""(async () => {{
  const until = async (happened) => {{
    while (!happened()) await new Promise((done) => setTimeout(done, 20));
  }};
  for (const details of document.querySelectorAll("details")) details.open = true;
  const charts = document.querySelectorAll("figure.dsf-plotly");
  for (const chart of charts) {{
    chart.scrollIntoView();
    await until(() => chart.querySelector(".main-svg .scatterlayer .trace"));
    const box = chart.querySelector(".nsewdrag").getBoundingClientRect();
    for (let x = box.left; x < box.right; x += 10) {{
      const at = {{ clientX: x, clientY: box.top + box.height / 2, bubbles: true }};
      chart.querySelector(".nsewdrag").dispatchEvent(new MouseEvent("mousemove", at));
    }}
    chart.querySelector("input[type=checkbox]").click();
  }}
  const figures = document.querySelectorAll("figure.dsf-widget");
  await until(() => document.querySelectorAll(".dsf-live").length === figures.length);
  {TURN_FIGURES};
  for (const figure of figures) figure.scrollIntoView();
  document.getElementById("theme-button")?.click();
  window.dispatchEvent(new Event("beforeprint"));
  window.dispatchEvent(new Event("afterprint"));
  await new Promise((done) => setTimeout(done, 100));
  return charts.length + figures.length;
}})()"""

# Which comforts of the script work, by name; the page is a chapter with folds, wide enough for the
# list of its sections.
COMFORTS = """async () => {
  const settled = () => new Promise((done) => setTimeout(done, 60));
  const works = {};
  const button = document.getElementById("theme-button");
  const before = button.getAttribute("aria-label");
  button.click();
  works.colours = !button.hidden && button.getAttribute("aria-label") !== before;
  for (let clicks = 0; clicks < 2; clicks += 1) button.click(); // as it was
  works.copying = document.querySelectorAll(".cell_input .copy-button").length > 0;

  const box = document.querySelector(".equation-body, .highlight pre, .table-box");
  box.style.cssText = "flex: none; width: 20px; overflow: auto";
  window.dispatchEvent(new Event("resize"));
  works.keyboardScrolling = box.tabIndex === 0;
  box.style.cssText = "";
  window.dispatchEvent(new Event("resize"));

  const fold = document.querySelector("details.fold");
  const inside = fold.lastElementChild;
  inside.id ||= "inside-a-fold";
  const folds = document.querySelectorAll("article details");
  const hash = location.hash;
  location.hash = inside.id;
  await settled();
  for (const details of folds) details.open = false; // some browsers have opened it themselves
  window.dispatchEvent(new Event("hashchange"));
  works.folded = fold.open;
  history.replaceState(null, "", hash || "#");

  for (const details of folds) details.open = false;
  window.dispatchEvent(new Event("beforeprint"));
  works.printing = [...folds].every((details) => details.open);
  window.dispatchEvent(new Event("afterprint"));
  works.printing &&= ![...folds].some((details) => details.open);

  document.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
  const dialog = document.getElementById("search-dialog");
  works.searching = dialog.open;
  dialog.close();

  const reference = document.querySelector("article a:not(.eqno)[href^='#equation-']");
  works.previews = reference === null; // a page may name no equation of its own
  for (let tries = 0; tries < 40 && !works.previews; tries += 1) {
    // Again and again, for a page that still glides closes it.
    const pointer = { pointerType: "mouse", bubbles: true };
    reference.dispatchEvent(new PointerEvent("pointerover", pointer));
    await settled();
    works.previews = document.querySelector("#preview:popover-open") !== null;
  }
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));

  const link = document.querySelector(".page-sections a");
  const section = document.getElementById(link.hash.slice(1));
  works.whereAmI = false;
  for (let tries = 0; tries < 20 && !works.whereAmI; tries += 1) {
    // Again and again, for the page may still be gliding to where the address has led it.
    const top = section.getBoundingClientRect().top + scrollY - innerHeight * 0.2;
    window.scrollTo({ top, behavior: "instant" });
    await settled();
    works.whereAmI = link.classList.contains("here");
  }
  return works;
}"""

# Try to run scripts that the page does not know and to ask another host for something. Gives what
# has run; the host knows what it was asked for.
INTRUDE = """async (host) => {
  const happened = [];
  window.ran = (name) => happened.push(name);
  const add = (tag, attributes, content = "") => {
    const node = Object.assign(document.createElement(tag), attributes);
    node.textContent = content;
    document.body.append(node);
    return node;
  };
  const settled = () => new Promise((done) => setTimeout(done, 400));
  const source = (name) => new Blob([`ran("${name}")`], { type: "text/javascript" });

  add("script", {}, "ran('inline script')");
  add("div", {}).innerHTML = "<img src='none:' onerror='ran(`event handler`)'>";
  add("a", { href: "javascript:ran('address')" }).click();
  add("script", { src: "data:text/javascript,ran('data')" });
  add("script", { src: URL.createObjectURL(source("blob")) });

  add("script", { src: `${host}/script.js` });
  add("link", { rel: "stylesheet", href: `${host}/style.css` });
  add("img", { src: `${host}/image.png` });
  add("iframe", { src: `${host}/frame.html` });
  add("object", { data: `${host}/object.html` });
  add("video", { src: `${host}/video.mp4` });
  add("style", {}, `@import "${host}/import.css"; body { background: url(${host}/back.png) }`);
  add("div", { style: "font-family: strange" }, "text");
  document.fonts.add(new FontFace("strange", `url(${host}/font.woff2)`));
  fetch(`${host}/fetch`, { mode: "no-cors" }).catch(() => {});
  navigator.sendBeacon(`${host}/beacon`);
  new EventSource(`${host}/events`);
  try {
    new Worker(URL.createObjectURL(source("worker")));
  } catch {
    // Some browsers say so at once.
  }
  await settled();
  add("base", { href: `${host}/base/` });
  if (document.baseURI.startsWith(host)) happened.push("base");
  return happened;
}"""

# Leave the page with what the reader has written.
SEND = """(host) => {
  const form = document.createElement("form");
  Object.assign(form, { action: `${host}/form`, method: "post" });
  document.body.append(form);
  setTimeout(() => form.submit()); // some browsers throw when it is stopped
}"""
