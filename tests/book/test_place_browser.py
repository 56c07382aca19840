"""Coming back: where the reader was, in a browser that remembers it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]
CHAPTER = "chapters/03-linear-attention.html"
PLACE = "how-far-from-softmax"
ON_START = "Continue: 3. Linear attention and state expansion · How far from softmax?"
ON_CHAPTER = "Continue at “How far from softmax?”"


def link(page: Any, text: str = "Continue") -> Any:
    return page.locator("article").get_by_role("link", name=text)


def read(page: Any, base: str, place: str = PLACE) -> None:
    """Go to a section of the chapter, as a reader who scrolls there."""
    page.goto(f"{base}/{CHAPTER}")
    page.evaluate(f"document.getElementById('{place}').scrollIntoView({{ behavior: 'instant' }})")
    page.locator(f"#section-here[href='#{place}']").wait_for()
    page.wait_for_timeout(1000)  # the browser writes what is stored when it finds time


@pytest.mark.parametrize("name", ["index.html", CHAPTER, "chapters/progress.html"])
def test_a_new_reader_is_offered_no_place(site: Path, visit: Open, name: str) -> None:
    page = visit(f"{site.as_uri()}/{name}")
    assert not link(page).count()
    assert page.evaluate("localStorage.length") == 0
    assert page.problems == []


def test_who_comes_back_is_led_to_where_they_were(base: str, visit: Open) -> None:
    page = visit(f"{base}/index.html")
    read(page, base)
    for name, text in [
        ("index.html", ON_START),
        (CHAPTER, ON_CHAPTER),
        ("chapters/progress.html", ON_START),
    ]:
        page.goto(f"{base}/{name}")
        assert page.evaluate("scrollY") == 0, "nobody is moved unasked"
        assert link(page).all_text_contents() == [text]
        link(page).press("Enter")
        page.wait_for_url(f"**/{CHAPTER}#{PLACE}")
        page.locator("#section-here", has_text="How far from softmax?").wait_for()
    assert page.problems == []


def test_a_chapter_that_is_opened_and_left_keeps_its_place(site: Path, visit: Open) -> None:
    page = visit(f"{site.as_uri()}/index.html")
    read(page, site.as_uri())
    for _ in range(2):
        page.goto(f"{site.as_uri()}/{CHAPTER}")
        page.wait_for_timeout(200)  # the section on the first screen has been seen by then
        assert link(page, ON_CHAPTER).is_visible()


def test_the_first_section_needs_no_line(site: Path, visit: Open) -> None:
    page = visit(f"{site.as_uri()}/index.html")
    read(page, site.as_uri(), "break-it-first")
    page.goto(f"{site.as_uri()}/{CHAPTER}")
    assert not link(page).count()


def test_the_last_chapter_read_counts_and_each_keeps_its_own(site: Path, visit: Open) -> None:
    page = visit(f"{site.as_uri()}/index.html")
    other = "chapters/01-linear-recurrences.html"
    read(page, site.as_uri())
    page.goto(f"{site.as_uri()}/{other}#summary")
    page.locator("#section-here[href='#summary']").wait_for()
    page.wait_for_timeout(300)
    page.goto(f"{site.as_uri()}/index.html")
    assert link(page, "Continue: 1. Linear recurrences and the DSF · Summary").is_visible()
    page.goto(f"{site.as_uri()}/{CHAPTER}")
    assert link(page, ON_CHAPTER).is_visible()


def test_the_progress_page_forgets_the_place(site: Path, visit: Open) -> None:
    page = visit(f"{site.as_uri()}/index.html")
    read(page, site.as_uri())
    page.goto(f"{site.as_uri()}/chapters/progress.html")
    page.get_by_role("button", name="Forget").click()
    assert not link(page).count()
    assert page.evaluate("localStorage.length") == 0
    page.goto(f"{site.as_uri()}/index.html")
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
@pytest.mark.parametrize("name", ["index.html", CHAPTER, "chapters/progress.html"])
def test_storage_that_is_closed_or_holds_anything_else_offers_nothing(
    site: Path, visit: Open, script: str, name: str
) -> None:
    page = visit(f"{site.as_uri()}/{name}", script)
    assert not link(page).count()
    assert page.problems == []
