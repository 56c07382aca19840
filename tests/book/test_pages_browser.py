"""The built pages in a browser, from files and from a server, as different readers meet them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pages
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]


def plotly(page: Any) -> list[str]:
    """The requests for the library of the charts."""
    return [url for url in page.requests if "/_static/plotly/" in url]


def test_a_page_in_use_is_quiet_asks_nobody_and_breaks_no_rule_of_its_policy(
    site: Path, base: str, visit: Open
) -> None:
    for name in pages.names(site):
        page = visit(f"{base}/{name}", pages.LISTEN)
        charts = page.locator("figure.dsf-plotly").count()
        assert plotly(page) == [], "it comes when a chart comes near"
        drawn = page.evaluate(pages.USE)
        assert drawn == page.locator("figure:is(.dsf-widget, .dsf-plotly)").count()
        page.emulate_media(media="print")
        pages.pause(page, 500)
        assert len(plotly(page)) == (charts > 0), f"{name}: once a page"
        assert all(url.startswith((base, "data:", "blob:")) for url in page.requests), name
        assert page.evaluate("violations") == [], name
        assert page.problems == [], name
        page.context.close()


def test_no_page_scrolls_sideways_on_a_phone(site: Path, visit: Open) -> None:
    for name in pages.names(site):
        page = visit((site / name).as_uri(), viewport={"width": 360, "height": 740})
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{name} is {width} pixels wide"
        page.context.close()


def test_menu_opens_and_closes_on_a_phone(site: Path, visit: Open) -> None:
    page = visit(pages.first_chapter(site).as_uri(), viewport={"width": 360, "height": 740})
    link = page.locator("#menu a", has_text="Start")
    assert not link.is_visible()
    page.get_by_role("button", name="Contents of the book").click()
    assert link.is_visible()
    page.keyboard.press("Escape")
    assert not link.is_visible()


@pages.remembers
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
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == chosen
    assert (brightness() > 128) == (system == "dark")
    while "system" not in button.get_attribute("aria-label"):
        button.click()
    assert (brightness() > 128) == (system == "light")


def test_axe_finds_nothing_on_any_page(site: Path, visit: Open, axe: str) -> None:
    found = {}
    for name in pages.names(site):
        page = visit((site / name).as_uri(), color_scheme="light")
        page.evaluate(axe)
        for scheme, run in (("light", pages.AXE), ("dark", pages.AXE_COLORS)):
            page.emulate_media(color_scheme=scheme)
            for violation in page.evaluate(run.format("document")):
                nodes = [node["html"] for node in violation["nodes"]]
                found[name, scheme, violation["id"]] = nodes
        page.context.close()
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
