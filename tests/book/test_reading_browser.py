"""Finding one's way in a page: the bar, the contents, previews of links, the margin, paper."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pages
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]
NOTE = """document.querySelector("article section section > p").insertAdjacentHTML(
  "beforebegin", "<aside class='margin-note'><p>Shapes: H (n, d)</p></aside>")"""


# --- contents ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [360, 768, 1280, 1440])
def test_the_contents_are_one_touch_away_everywhere(site: Path, visit: Open, width: int) -> None:
    page = visit(pages.first_chapter(site).as_uri(), viewport={"width": width, "height": 740})
    *_, place = pages.chapters(site)[0].sections
    page.evaluate("scrollTo({ top: 5000, behavior: 'instant' })")
    link = page.locator(f".page-sections a[href='#{place}']")
    if not link.is_visible():
        page.get_by_role("button", name="Contents of the book").click()
    link.click()
    page.wait_for_url(f"**#{place}")
    assert page.locator(f"#{place} > h2").is_visible()
    assert page.locator("#menu").is_visible() == (width > 992), "a menu over the text closes"


@pytest.mark.parametrize("width", [360, 1280])
def test_the_bar_names_the_section_and_shows_how_far_one_is(
    site: Path, visit: Open, width: int
) -> None:
    page = visit(pages.first_chapter(site).as_uri(), viewport={"width": width, "height": 740})
    scale = "Number(getComputedStyle(document.getElementById('progress')).scale.split(' ')[0])"
    here = page.locator("#section-here")
    assert not here.is_visible()
    assert page.evaluate(scale) == 0
    chapter = pages.chapters(site)[0]
    place = chapter.middle
    page.evaluate(f"document.getElementById('{place}').scrollIntoView({{ behavior: 'instant' }})")
    page.locator("#section-here", has_text=chapter.sections[place]).wait_for()
    assert 0 < page.evaluate(scale) < 1
    page.evaluate("scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })")
    page.wait_for_function(f"{scale} === 1")


# --- the margin ----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [360, 1280, 1440])
def test_notes_stand_in_the_margin_where_there_is_one(site: Path, visit: Open, width: int) -> None:
    page = visit(pages.first_chapter(site).as_uri(), viewport={"width": width, "height": 740})
    page.evaluate(NOTE)
    note = page.locator(".margin-note").first.bounding_box()
    text = page.locator("article section section > p").first.bounding_box()
    beside = note["x"] > text["x"] + text["width"]
    assert beside == (width >= 1400)
    assert note["x"] + note["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# --- previews ------------------------------------------------------------------------------------

KINDS = {
    "equation": "a[href^='#equation-']:not(.eqno)",
    "theorem": "a[href*='.html#thm']",
    "citation": "a[href^='references.html#']",
}


def with_link(visit: Open, site: Path, base: str, kind: str, **options: Any) -> tuple[Any, Any]:
    """The page of a chapter that has a link of a kind in sight, and the link."""
    options.setdefault("reduced_motion", "reduce")  # a page that glides closes its previews
    for chapter in pages.chapters(site):
        page = visit(f"{base}/{chapter.name}", **options)
        links = page.locator(f"article {KINDS[kind]}:visible")
        if links.count():
            links.first.scroll_into_view_if_needed()
            page.evaluate(pages.READY)
            return page, links.first
    pytest.fail(f"no chapter shows a link to {kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_shows_what_it_leads_to(site: Path, base: str, visit: Open, kind: str) -> None:
    page, link = with_link(visit, site, base, kind)
    preview = page.get_by_role("tooltip")
    link.hover()
    preview.wait_for()
    assert preview.text_content().strip()
    assert preview.locator("[id], [href]").count() == 0
    assert link.get_attribute("aria-describedby") == "preview"
    preview.hover()
    page.wait_for_timeout(400)  # longer than it takes to close
    assert preview.is_visible(), "one can reach it to read on"
    page.mouse.move(5, 5)
    preview.wait_for(state="hidden")
    assert page.problems == []


def test_the_keyboard_shows_a_preview_and_escape_closes_it(site: Path, visit: Open) -> None:
    page, link = with_link(visit, site, site.as_uri(), "equation")
    page.keyboard.press("Tab")
    link.focus()
    preview = page.get_by_role("tooltip")
    preview.wait_for()
    page.keyboard.press("Escape")
    preview.wait_for(state="hidden")
    assert link.evaluate("link => link === document.activeElement")
    assert link.get_attribute("aria-describedby") is None


def test_a_tap_follows_the_link(site: Path, visit: Open) -> None:
    size = {"width": 360, "height": 740}
    page, link = with_link(visit, site, site.as_uri(), "equation", has_touch=True, viewport=size)
    link.tap()
    page.wait_for_url(f"**{link.get_attribute('href')}")
    page.wait_for_timeout(500)  # longer than it takes to open
    assert not page.locator("#preview").is_visible()


def test_a_term_of_a_glossary_has_a_preview(site: Path, visit: Open) -> None:
    page = visit((site / "chapters" / "notation.html").as_uri())
    page.evaluate("""document.querySelector("article p").innerHTML =
      `<a href="#${document.querySelector("dl.glossary dt").id}">a term</a>`""")
    page.locator("article p a").first.hover()
    preview = page.get_by_role("tooltip")
    preview.wait_for()
    assert preview.locator("dd").count() == 1


# --- paper ---------------------------------------------------------------------------------------


def printed(page: Any, selector: str) -> int:
    """How many of the elements are to be seen on paper."""
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    return sum(element.is_visible() for element in page.locator(selector).all())


def test_paper_is_light_whatever_the_screen_is(site: Path, visit: Open) -> None:
    colors = """[...["--page", "--text", "--write", "--decay", "--tip-edge"].map((name) =>
        getComputedStyle(document.documentElement).getPropertyValue(name)),
      getComputedStyle(document.querySelector(".highlight .kn")).color]"""

    def inks(scheme: str, media: str) -> list[str]:
        page = visit(pages.first_chapter(site).as_uri())
        page.emulate_media(media=media, color_scheme=scheme)
        return list(page.evaluate(colors))

    assert inks("dark", "print") == inks("light", "print")
    assert not {*inks("dark", "screen")} & {*inks("light", "screen")}


def test_paper_shows_the_text_and_no_controls(site: Path, visit: Open) -> None:
    page = visit(pages.first_chapter(site).as_uri())
    assert printed(page, "button, input, select, .topbar, .menu, .colophon button") == 0
    assert printed(page, "details.solution > :not(summary)") > 0
    cut = page.evaluate("""[...document.querySelectorAll("article :is(pre, .equation-body, svg)")]
      .filter(box => getComputedStyle(box).overflowX !== "visible"
        && box.scrollWidth > box.clientWidth + 1 && box.clientWidth).length""")
    assert cut == 0


@pytest.mark.parametrize("way", ["address", "button"])
def test_a_hand_out_has_the_exercises_and_no_answers(site: Path, visit: Open, way: str) -> None:
    address = pages.first_chapter(site).as_uri()
    page = visit(address + ("?handout" if way == "address" else ""), "window.print = () => {};")
    if way == "button":
        page.get_by_role("button", name="Print a hand-out").click()
    assert printed(page, "details.solution") == 0
    assert printed(page, "div.exercise") > 0
    assert page.evaluate("document.querySelectorAll('details.solution[open]').length") == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    solutions = page.locator("details.solution").count()
    assert printed(page, "details.solution") == (0 if way == "address" else solutions)


def test_pages_of_a_print_have_numbers(site: Path, browser: Any, visit: Open) -> None:
    css = (site / "_static" / "style.css").read_text(encoding="utf-8")
    assert "@bottom-center { content: counter(page)" in css
