"""Coming back: where the reader was, in a browser that remembers it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pages
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book, pages.remembers]
Open = Callable[..., Any]
NAMES = ("index.html", "a chapter", "chapters/progress.html")
NOTHING = "localStorage.length === 0"


@pytest.fixture
def chapter(site: Path) -> pages.Chapter:
    return pages.chapters(site)[1]


def named(name: str, chapter: pages.Chapter) -> str:
    return chapter.name if name == "a chapter" else name


def link(page: Any) -> Any:
    return page.locator("article").get_by_role("link", name="Continue")


def from_elsewhere(chapter: pages.Chapter) -> str:
    """What the link to the middle of a chapter says on other pages."""
    return f"Continue: {chapter.title} · {chapter.sections[chapter.middle]}"


def from_its_top(chapter: pages.Chapter) -> str:
    return f"Continue at “{chapter.sections[chapter.middle]}”"


def kept(chapter: pages.Chapter, place: str) -> str:
    """A script that says whether a place in the chapter is what was stored last."""
    stored = "Object.entries(JSON.parse(localStorage.getItem('dsf-place') ?? '{}')).pop() ?? []"
    last = f"(([name, at]) => name === '{chapter.name}' && at.id === '{place}')"
    return f"{last}({stored})"


def read(page: Any, base: str, chapter: pages.Chapter, place: str = "") -> str:
    """Go to a section, the middle one, as a reader who scrolls there. Gives when it is stored."""
    place = place or chapter.middle
    page.goto(f"{base}/{chapter.name}")
    page.evaluate(f"document.getElementById('{place}').scrollIntoView({{ behavior: 'instant' }})")
    page.locator(f"#section-here[href='#{place}']").wait_for()
    return kept(chapter, place)


def go(page: Any, address: str, holds: str) -> None:
    """Open a page, on which a script must find that what was stored has come."""
    page.goto(address)
    assert page.evaluate(holds), "what was stored has not come"
    page.evaluate(pages.READY)


@pytest.mark.parametrize("name", NAMES)
def test_a_new_reader_is_offered_no_place(
    site: Path, visit: Open, chapter: pages.Chapter, name: str
) -> None:
    page = visit(f"{site.as_uri()}/{named(name, chapter)}")
    assert not link(page).count()
    assert page.evaluate(NOTHING)
    assert page.problems == []


def test_who_comes_back_is_led_to_where_they_were(
    base: str, visit: Open, chapter: pages.Chapter
) -> None:
    page = visit(f"{base}/index.html")
    stored = read(page, base, chapter)
    for name in NAMES:
        go(page, f"{base}/{named(name, chapter)}", stored)
        assert page.evaluate("scrollY") == 0, "nobody is moved unasked"
        said = (from_its_top if name == "a chapter" else from_elsewhere)(chapter)
        assert link(page).all_text_contents() == [said]
        link(page).press("Enter")
        page.wait_for_url(f"**/{chapter.name}#{chapter.middle}")
        page.locator(f"#section-here[href='#{chapter.middle}']").wait_for()
    assert page.problems == []


def test_a_chapter_that_is_opened_and_left_keeps_its_place(
    site: Path, visit: Open, chapter: pages.Chapter
) -> None:
    page = visit(f"{site.as_uri()}/index.html")
    stored = read(page, site.as_uri(), chapter)
    for _ in range(2):
        go(page, f"{site.as_uri()}/{chapter.name}", stored)
        assert link(page).all_text_contents() == [from_its_top(chapter)]


def test_the_first_section_needs_no_line(site: Path, visit: Open, chapter: pages.Chapter) -> None:
    page = visit(f"{site.as_uri()}/index.html")
    first, *_ = chapter.sections
    stored = read(page, site.as_uri(), chapter, first)
    go(page, f"{site.as_uri()}/{chapter.name}", stored)
    assert not link(page).count()


def test_the_last_chapter_read_counts_and_each_keeps_its_own(
    site: Path, visit: Open, chapter: pages.Chapter
) -> None:
    page = visit(f"{site.as_uri()}/index.html")
    other = pages.chapters(site)[0]
    start = f"{site.as_uri()}/index.html"
    go(page, start, read(page, site.as_uri(), chapter))
    stored = read(page, site.as_uri(), other)
    go(page, start, stored)
    assert link(page).all_text_contents() == [from_elsewhere(other)]
    go(page, f"{site.as_uri()}/{chapter.name}", stored)
    assert link(page).all_text_contents() == [from_its_top(chapter)]


def test_the_progress_page_forgets_the_place(
    site: Path, visit: Open, chapter: pages.Chapter
) -> None:
    page = visit(f"{site.as_uri()}/index.html")
    stored = read(page, site.as_uri(), chapter)
    go(page, f"{site.as_uri()}/chapters/progress.html", stored)
    page.get_by_role("button", name="Forget").click()
    assert not link(page).count()
    assert page.evaluate(NOTHING)
    go(page, f"{site.as_uri()}/index.html", NOTHING)
    assert not link(page).count()
    assert page.problems == []


@pytest.mark.parametrize(
    "script",
    [
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('closed') } })",
        "localStorage.setItem('dsf-place', '{')",
        "localStorage.setItem('dsf-place', '[null, 7, {\"id\": 1}]')",
        'localStorage.setItem(\'dsf-place\', \'{"chapters/gone.html": {"id":"a","title":"b"}}\')',
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_storage_that_is_closed_or_holds_anything_else_offers_nothing(
    site: Path, visit: Open, chapter: pages.Chapter, script: str, name: str
) -> None:
    page = visit(f"{site.as_uri()}/{named(name, chapter)}", script)
    assert not link(page).count()
    assert page.problems == []
