"""The built pages in a browser: what addresses, stored values and a broken script may do."""

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pages
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]


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
    "keyboardScrolling": """
        const own = Object.getOwnPropertyDescriptor(Document.prototype, "fonts");
        Object.defineProperty(document, "fonts", { get() {
          if (starting()) stop();
          return own.get.call(this);
        } });""",
    "folded": LISTEN_EXCEPT.format("hashchange"),
    "printing": LISTEN_EXCEPT.format("beforeprint"),
    "whereAmI": """const own = window.IntersectionObserver;
        window.IntersectionObserver = function (...rest) {
          if (starting()) stop();
          return new own(...rest);
        };""",
    "searching": """const own = document.getElementById;
        document.getElementById = function (id) {
          if (starting() && id === "search-opener") stop();
          return own.call(this, id);
        };""",
    "previews": "Object.defineProperty(HTMLElement.prototype, 'popover', { set: stop });",
}

SABOTAGE = """(() => {
  const starting = () => /\\/(book|reading)\\.js/.test(document.currentScript?.src);
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
    page = visit(pages.first_chapter(site).as_uri(), SABOTAGE % BREAK[broken] if broken else "")
    assert page.locator(".dsf-live").count() == page.locator("figure.dsf-widget").count() > 0
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
    words = ["constructor", "__proto__", "toString", "hasOwnProperty", "", "n", "text"]
    odd = ["%", "%%", "%E0%A4%A", "%zz", "%00", "%ED%A0%80", "<b>", "'\"", "#", "=", ",", ":"]
    odd += ["é", "\U0001f600", "\u202e", " ", "1e999", "NaN", "-1", "true", "null", "x" * 3000]

    def part() -> str:
        return chance.choice([*odd, *words, quote(chance.choice(odd)), str(chance.random())])

    def state() -> str:
        figure, first = chance.choice(figures)
        pairs = []
        for _ in range(chance.randint(0, 4)):
            name = chance.choice([*first, *first, *words, part()])
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


# Go to a place in the page, and wait until it has been heard of.
GO = "hash => { location.hash = hash; return new Promise(done => setTimeout(done)); }"


def test_no_hash_breaks_a_page(site: Path, visit: Open) -> None:
    for name in pages.names(site):
        if "data-widget=" not in (site / name).read_text("utf-8"):
            continue
        page = visit((site / name).as_uri(), reduced_motion="reduce")  # no gliding
        figures = page.locator("figure.dsf-widget").count()
        for number, hash_ in enumerate(odd_hashes(page, 36)):
            page.evaluate(GO, hash_)
            if number % 25 < 2:
                page.reload()
                assert page.locator(".dsf-live").count() == figures, (name, hash_)
            if number % 30 == 1 and name.startswith("chapters"):
                assert comforts(page) == dict.fromkeys(BREAK, True), (name, hash_)
            assert page.problems == [], (name, hash_)
        assert page.evaluate(pages.TURN_FIGURES) >= figures
        page.context.close()


@pages.remembers
@pytest.mark.parametrize("stored", ["constructor", "__proto__", "<script>", "", "Dark", "dark "])
def test_a_stored_theme_that_is_none_leaves_the_colors_of_the_system(
    site: Path, visit: Open, stored: str
) -> None:
    page = visit(pages.first_chapter(site).as_uri(), color_scheme="dark")
    page.evaluate("stored => localStorage.setItem('dsf-theme', stored)", stored)
    page.reload()
    assert page.evaluate("localStorage.getItem('dsf-theme')") == stored
    assert page.evaluate("document.documentElement.dataset.theme") is None
    button = page.locator("#theme-button")
    assert button.get_attribute("aria-label") == "Colours: as the system. Change"
    button.click()
    assert button.get_attribute("aria-label") == "Colours: light. Change"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.problems == []


@pytest.mark.parametrize("hash_", ["#%", "#%E0%A4%A"])
def test_an_address_that_no_one_can_decode_takes_nothing_from_a_page(
    site: Path, visit: Open, hash_: str
) -> None:
    page = visit(pages.first_chapter(site).as_uri() + hash_)
    assert comforts(page) == dict.fromkeys(BREAK, True)
    assert page.problems == []


@pytest.mark.parametrize("asked", ["<xyzzyx>", "qqqqqqq", "%"])
def test_a_search_for_what_no_page_has_finds_nothing(site: Path, visit: Open, asked: str) -> None:
    page = visit(f"{(site / 'search.html').as_uri()}?q={quote(asked)}")
    page.get_by_text("Nothing found").wait_for()
    assert page.get_by_role("searchbox").input_value() == asked
    assert page.locator(".search-results li").count() == 0
    assert page.problems == []


@pytest.mark.parametrize("asked", ["constructor", "__proto__", "toString", "hasOwnProperty"])
def test_a_search_for_what_every_object_has_is_one_for_a_word(
    site: Path, visit: Open, asked: str
) -> None:
    page = visit(f"{(site / 'search.html').as_uri()}?q={quote(asked)}")
    page.locator("#search-status", has_text=re.compile("Nothing found|places?")).wait_for()
    assert page.problems == []
