"""The built pages in a browser, from files and from a server, as different readers meet them."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pages
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]


@pytest.fixture
def visit(browser: Any) -> Iterator[Open]:
    """Open an address, after `script`; the page remembers what went wrong and what it asked for."""
    contexts = []

    def open_page(address: str, script: str = "", **options: Any) -> Any:
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
        page.wait_for_load_state("networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()


def names(site: Path) -> list[str]:
    return sorted(str(path.relative_to(site)) for path in site.rglob("*.html"))


def first_chapter(site: Path) -> Path:
    return sorted((site / "chapters").glob("[0-9][0-9]-*.html"))[0]


def test_pages_from_files_load_quietly_and_ask_nobody(site: Path, visit: Open) -> None:
    for name in names(site):
        page = visit((site / name).as_uri())
        assert page.problems == [], name
        assert all(url.startswith(("file:", "data:", "blob:")) for url in page.requests), name


def test_pages_from_a_server_load_quietly_and_ask_nobody(
    site: Path, server: str, visit: Open
) -> None:
    for name in names(site):
        page = visit(f"{server}/{name}")
        assert page.problems == [], name
        assert all(url.startswith((server, "data:", "blob:")) for url in page.requests), name


@pytest.mark.parametrize("where", ["file", "server"])
def test_plotly_comes_from_the_site_when_a_chart_comes_near(
    site: Path, server: str, visit: Open, where: str
) -> None:
    charted = [name for name in names(site) if "dsf-plotly" in (site / name).read_text("utf-8")]
    for name in charted:
        page = visit((site / name).as_uri() if where == "file" else f"{server}/{name}")
        assert not any("plotly" in url.removeprefix(site.as_uri()) for url in page.requests)
        for chart in page.locator("figure.dsf-plotly").all():
            chart.scroll_into_view_if_needed()
            chart.locator(".main-svg").first.wait_for()
        fetched = [url for url in page.requests if "/_static/plotly/" in url]
        assert len(fetched) == 1, "once a page"
        assert fetched[0].startswith(site.as_uri() if where == "file" else server)
        assert all(url.startswith(("file:", server, "data:", "blob:")) for url in page.requests)
        assert page.problems == []


def test_no_page_scrolls_sideways_on_a_phone(site: Path, visit: Open) -> None:
    for name in names(site):
        page = visit((site / name).as_uri(), viewport={"width": 360, "height": 740})
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{name} is {width} pixels wide"


def test_menu_opens_and_closes_on_a_phone(site: Path, visit: Open) -> None:
    page = visit(first_chapter(site).as_uri(), viewport={"width": 360, "height": 740})
    link = page.locator("#menu a", has_text="Start")
    assert not link.is_visible()
    page.get_by_role("button", name="Contents of the book").click()
    assert link.is_visible()
    page.keyboard.press("Escape")
    assert not link.is_visible()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_colors_follow_the_system_and_then_the_reader(site: Path, visit: Open, system: str) -> None:
    page = visit(first_chapter(site).as_uri(), color_scheme=system)

    def brightness() -> float:
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, color[4:-1].split(","))) / 3

    assert (brightness() > 128) == (system == "light")
    button = page.get_by_role("button", name="Colours")
    while brightness() > 128 if system == "light" else brightness() < 128:
        button.click()
    page.reload()
    assert (brightness() > 128) == (system == "dark")
    while "system" not in button.get_attribute("aria-label"):
        button.click()
    assert (brightness() > 128) == (system == "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(site: Path, visit: Open, axe: str, scheme: str) -> None:
    found = {}
    for name in names(site):
        page = visit((site / name).as_uri(), color_scheme=scheme)
        page.evaluate(axe)
        violations = page.evaluate("axe.run().then(found => found.violations)")
        for violation in violations:
            if violation["id"] == "empty-table-header":  # axe does not read MathML
                cells = [page.locator(node["target"][0]) for node in violation["nodes"]]
                if all(cell.locator("math").count() for cell in cells):
                    continue
            found[name, violation["id"]] = [node["html"] for node in violation["nodes"]]
        page.close()
    assert found == {}


def test_the_figure_of_the_start_page_does_what_the_text_promises(site: Path, visit: Open) -> None:
    page = visit((site / "index.html").as_uri())
    finding = page.locator("#dsf-explorer .dsf-finding")
    assert finding.text_content().endswith(" Recalled.")
    slider = page.get_by_label("State expansion n").first
    while slider.input_value() != "0" and not finding.text_content().endswith("Not recalled."):
        slider.press("ArrowLeft")
    assert finding.text_content().endswith("Not recalled.")


@pytest.mark.parametrize("where", ["file", "server"])
def test_search_finds_a_chapter(site: Path, server: str, visit: Open, where: str) -> None:
    chapter = first_chapter(site)
    page = visit(chapter.as_uri() if where == "file" else f"{server}/chapters/{chapter.name}")
    page.get_by_role("searchbox").fill("recurrence")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    assert page.get_by_role("searchbox").input_value() == "recurrence"
    results = page.locator("#search-results a")
    assert any(chapter.name in results.nth(i).get_attribute("href") for i in range(results.count()))
    assert page.problems == []


def test_without_script_text_mathematics_and_solutions_are_there(site: Path, visit: Open) -> None:
    page = visit(first_chapter(site).as_uri(), java_script_enabled=False)
    assert page.locator("h1").is_visible()
    assert page.locator(".katex-html").first.is_visible()
    assert page.locator("#menu a", has_text="Start").is_visible()
    assert not page.locator("#theme-button").is_visible()
    solution = page.locator("details.solution").first
    inside = solution.locator("section, p").first
    assert not inside.is_visible()
    solution.locator("summary").click()
    assert inside.is_visible()


def test_the_skip_link_is_first_and_leads_to_the_text(site: Path, visit: Open) -> None:
    page = visit(first_chapter(site).as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main-content"


def test_the_keyboard_reaches_the_controls_and_shows_where_it_is(site: Path, visit: Open) -> None:
    page = visit(first_chapter(site).as_uri())
    wanted = {"search-input", "theme-button", "launch"}
    found = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        where = page.evaluate(
            "[document.activeElement.id, document.activeElement.parentElement?.className,"
            " getComputedStyle(document.activeElement).outlineStyle]"
        )
        found |= wanted & {*where[:2]}
        assert where[2] != "none", where
        if found == wanted:
            break
    assert found == wanted


def test_what_scrolls_sideways_can_be_reached_by_keyboard(site: Path, visit: Open) -> None:
    page = visit(first_chapter(site).as_uri(), viewport={"width": 360, "height": 740})
    unreachable = page.evaluate(
        """[...document.querySelectorAll('.equation-body, .highlight pre, .table-box')]
             .filter(box => box.scrollWidth > box.clientWidth + 1 && box.tabIndex < 0).length"""
    )
    assert unreachable == 0


def test_a_link_into_a_fold_opens_it(site: Path, visit: Open) -> None:
    chapter = first_chapter(site)
    page = visit(chapter.as_uri())
    anchor = page.evaluate("document.querySelector('details.fold [id]')?.id")
    if anchor is None:
        pytest.skip("no anchor inside a fold in the first chapter")
    page.goto(f"{chapter.as_uri()}#{anchor}")
    page.reload()
    assert page.locator(f"[id='{anchor}']").is_visible()


def test_print_shows_what_is_folded(site: Path, visit: Open) -> None:
    page = visit(first_chapter(site).as_uri())
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.querySelectorAll('article details:not([open])').length") == 0
    page.emulate_media(media="print")
    assert not page.locator("#menu").is_visible()
    assert not page.locator(".topbar").is_visible()


# --- what addresses and stored values may hold ---------------------------------------------------

LISTEN_EXCEPT = """const own = addEventListener;
window.addEventListener = function (event, ...rest) {{
  if (starting() && event === "{}") stop();
  own.call(this, event, ...rest);
}};"""
# What takes from each comfort something that it cannot start without.
BREAK = {
    "colours": """const own = document.getElementById;
        document.getElementById = function (id) {
          if (starting() && id === "theme-button") stop();
          return own.call(this, id);
        };""",
    "copying": "Object.defineProperty(navigator, 'clipboard', { get: stop });",
    "keyboardScrolling": "Object.defineProperty(document, 'fonts', { get: stop });",
    "folded": LISTEN_EXCEPT.format("hashchange"),
    "printing": LISTEN_EXCEPT.format("beforeprint"),
    "whereAmI": "window.IntersectionObserver = stop;",
}
SABOTAGE = """(() => {
  const starting = () => document.currentScript?.src.includes("/book.js");
  function stop() { throw new Error("sabotage"); }
  %s
})();"""


def comforts(page: Any) -> dict[str, bool]:
    """Which of the comforts of the script work; the page is a chapter with folds and a figure."""
    return dict(page.evaluate(pages.COMFORTS))


@pytest.mark.parametrize("broken", [None, *BREAK])
def test_a_comfort_that_fails_is_reported_and_takes_no_other_along(
    site: Path, visit: Open, broken: str | None
) -> None:
    page = visit(first_chapter(site).as_uri(), SABOTAGE % BREAK[broken] if broken else "")
    assert page.locator(".dsf-live").count() == 1
    assert comforts(page) == {name: name != broken for name in BREAK}
    assert page.problems == (["sabotage"] if broken else [])


def odd_hashes(page: Any, count: int) -> list[str]:
    """Addresses within a page: its own, odd ones, and its own with something odd in them."""
    chance = random.Random(9)
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(node => node.id)")
    figures = page.evaluate(
        """[...document.querySelectorAll('figure.dsf-widget')].map(figure => {
             const text = figure.querySelector("script[type='application/json']").textContent;
             return [figure.id, JSON.parse(text)];
           })"""
    )
    names = ["constructor", "__proto__", "toString", "hasOwnProperty", "", "n", "text"]
    odd = ["%", "%%", "%E0%A4%A", "%zz", "%00", "%ED%A0%80", "<b>", "'\"", "#", "=", ",", ":"]
    odd += ["é", "\U0001f600", "\u202e", " ", "1e999", "NaN", "-1", "true", "null", "x" * 3000]

    def part() -> str:
        return chance.choice([*odd, *names, quote(chance.choice(odd)), str(chance.random())])

    def state() -> str:
        figure, first = chance.choice(figures)
        pairs = []
        for _ in range(chance.randint(0, 4)):
            name = chance.choice([*first, *first, *names, part()])
            own = quote(str(first.get(name, part())))
            pairs.append(f"{name}={chance.choice([own, part(), own + part()])}")
        return f"{figure}:" + chance.choice([",", ";", ",,"]).join(pairs)

    def hash_() -> str:
        kind = chance.randrange(4)
        if kind == 0:
            return "".join(part() for _ in range(chance.randint(1, 5)))
        if kind == 1:
            return str(chance.choice(ids)) + part()
        return state()

    return ["%", f"{figures[0][0]}:text=%", *(hash_() for _ in range(count - 2))]


def test_no_hash_breaks_a_page(site: Path, visit: Open) -> None:
    for name in names(site):
        page = visit((site / name).as_uri())
        figures = page.locator("figure.dsf-widget").count()
        for number, hash_ in enumerate(odd_hashes(page, 60) if figures else []):
            page.evaluate("hash => { location.hash = hash; }", hash_)
            page.evaluate("new Promise(done => setTimeout(done))")  # hashchange has been heard
            if number % 25 < 2:
                page.reload()
                assert page.locator(".dsf-live").count() == figures, (name, hash_)
            if number % 30 == 1 and name.startswith("chapters"):
                assert comforts(page) == dict.fromkeys(BREAK, True), (name, hash_)
            assert page.problems == [], (name, hash_)
        assert page.evaluate(pages.TURN_FIGURES) >= figures
        page.close()


@pytest.mark.parametrize("stored", ["constructor", "__proto__", "<script>", "", "Dark", "dark "])
def test_a_stored_theme_that_is_none_leaves_the_colors_of_the_system(
    site: Path, visit: Open, stored: str
) -> None:
    page = visit(first_chapter(site).as_uri(), color_scheme="dark")
    page.evaluate("stored => localStorage.setItem('dsf-theme', stored)", stored)
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") is None
    button = page.locator("#theme-button")
    assert button.get_attribute("aria-label") == "Colours: as the system. Change"
    button.click()
    assert button.get_attribute("aria-label") == "Colours: light. Change"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.problems == []


@pytest.mark.parametrize(
    "asked",
    ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "%", "<xyzzy>", '"'],
)
def test_a_search_for_what_no_page_has_finds_nothing(site: Path, visit: Open, asked: str) -> None:
    page = visit(f"{(site / 'search.html').as_uri()}?q={quote(asked)}")
    page.wait_for_selector("text=did not match any documents", timeout=5000)
    assert page.get_by_role("searchbox").input_value() == asked
    assert page.locator("#search-results li").count() == 0
    assert page.problems == []


# --- the content security policy -----------------------------------------------------------------


def test_no_page_is_stopped_by_its_own_policy(site: Path, base: str, visit: Open) -> None:
    for name in names(site):
        page = visit(f"{base}/{name}", pages.LISTEN)
        drawn = page.evaluate(pages.USE)
        assert drawn == page.locator("figure:is(.dsf-widget, .dsf-plotly)").count()
        page.emulate_media(media="print")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("violations") == [], name
        assert page.problems == [], name
        page.close()


def test_scripts_and_hosts_that_a_page_does_not_know_are_stopped(
    base: str, visit: Open, stranger: tuple[str, list[str]]
) -> None:
    address, asked = stranger
    page = visit(f"{base}/index.html")
    ran = page.evaluate(pages.INTRUDE, address)
    page.evaluate(pages.SEND, address)
    page.wait_for_timeout(300)
    assert page.url == f"{base}/index.html"
    assert (ran, asked) == ([], [])
