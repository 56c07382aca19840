"""The built pages in a browser, from files and from a server, as different readers meet them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pages
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]


def test_pages_from_files_load_quietly_and_ask_nobody(site: Path, visit: Open) -> None:
    for name in pages.names(site):
        page = visit((site / name).as_uri())
        assert page.problems == [], name
        assert all(url.startswith(("file:", "data:", "blob:")) for url in page.requests), name


def test_pages_from_a_server_load_quietly_and_ask_nobody(
    site: Path, server: str, visit: Open
) -> None:
    for name in pages.names(site):
        page = visit(f"{server}/{name}")
        assert page.problems == [], name
        assert all(url.startswith((server, "data:", "blob:")) for url in page.requests), name


@pytest.mark.parametrize("where", ["file", "server"])
def test_plotly_comes_from_the_site_when_a_chart_comes_near(
    site: Path, server: str, visit: Open, where: str
) -> None:
    charted = [
        name for name in pages.names(site) if "dsf-plotly" in (site / name).read_text("utf-8")
    ]
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
    for name in pages.names(site):
        page = visit((site / name).as_uri(), viewport={"width": 360, "height": 740})
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{name} is {width} pixels wide"


def test_menu_opens_and_closes_on_a_phone(site: Path, visit: Open) -> None:
    page = visit(pages.first_chapter(site).as_uri(), viewport={"width": 360, "height": 740})
    link = page.locator("#menu a", has_text="Start")
    assert not link.is_visible()
    page.get_by_role("button", name="Contents of the book").click()
    assert link.is_visible()
    page.keyboard.press("Escape")
    assert not link.is_visible()


@pytest.mark.parametrize("system", ["light", "dark"])
def test_colors_follow_the_system_and_then_the_reader(site: Path, visit: Open, system: str) -> None:
    page = visit(pages.first_chapter(site).as_uri(), color_scheme=system)

    def brightness() -> float:
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, color[4:-1].split(","))) / 3

    assert (brightness() > 128) == (system == "light")
    button = page.get_by_role("button", name="Colours")
    while brightness() > 128 if system == "light" else brightness() < 128:
        button.click()
    chosen = "dark" if system == "light" else "light"
    pages.reload_until(page, f"document.documentElement.dataset.theme === '{chosen}'")
    assert (brightness() > 128) == (system == "dark")
    while "system" not in button.get_attribute("aria-label"):
        button.click()
    assert (brightness() > 128) == (system == "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(site: Path, visit: Open, axe: str, scheme: str) -> None:
    found = {}
    for name in pages.names(site):
        page = visit((site / name).as_uri(), color_scheme=scheme)
        page.evaluate(axe)
        violations = page.evaluate("axe.run().then(found => found.violations)")
        for violation in violations:
            found[name, violation["id"]] = [node["html"] for node in violation["nodes"]]
        page.close()
    assert found == {}


def test_the_figure_of_the_start_page_forgets_as_its_memory_shrinks(
    site: Path, visit: Open
) -> None:
    page = visit((site / "index.html").as_uri(), reduced_motion="reduce")
    full = page.locator("#dsf-hero .dsf-live .dsf-question[fill-opacity='1']")
    slider = page.get_by_label("Memory n")
    assert full.count() == 5
    slider.press("Home")
    assert full.count() == 0
    slider.press("End")
    assert full.count() == 8


def test_without_script_text_mathematics_and_solutions_are_there(site: Path, visit: Open) -> None:
    page = visit(pages.first_chapter(site).as_uri(), java_script_enabled=False)
    assert page.locator("h1").is_visible()
    assert page.locator(".katex-html:visible").count()
    assert page.locator("#menu a", has_text="Start").is_visible()
    assert not page.locator("#theme-button").is_visible()
    solution = page.locator("details.solution").first
    inside = solution.locator("section, p").first
    assert not inside.is_visible()
    solution.locator("summary").click()
    assert inside.is_visible()


def test_the_skip_link_is_first_and_leads_to_the_text(site: Path, visit: Open) -> None:
    page = visit(pages.first_chapter(site).as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main-content"


def test_the_keyboard_reaches_the_controls_and_shows_where_it_is(site: Path, visit: Open) -> None:
    page = visit(pages.first_chapter(site).as_uri())
    wanted = {"search-opener", "theme-button", "launch"}
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
    page = visit(pages.first_chapter(site).as_uri(), viewport={"width": 360, "height": 740})
    unreachable = page.evaluate(
        """[...document.querySelectorAll('.equation-body, .highlight pre, .table-box')]
             .filter(box => box.scrollWidth > box.clientWidth + 1 && box.tabIndex < 0).length"""
    )
    assert unreachable == 0


def test_a_link_into_a_fold_opens_it(site: Path, visit: Open) -> None:
    chapter = pages.first_chapter(site)
    page = visit(chapter.as_uri())
    anchor = page.evaluate("document.querySelector('details.fold [id]')?.id")
    if anchor is None:
        pytest.skip("no anchor inside a fold in the first chapter")
    page.goto(f"{chapter.as_uri()}#{anchor}")
    page.reload()
    assert page.locator(f"[id='{anchor}']").is_visible()


def test_print_shows_what_is_folded(site: Path, visit: Open) -> None:
    page = visit(pages.first_chapter(site).as_uri())
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.querySelectorAll('article details:not([open])').length") == 0
    page.emulate_media(media="print")
    assert not page.locator("#menu").is_visible()
    assert not page.locator(".topbar").is_visible()
