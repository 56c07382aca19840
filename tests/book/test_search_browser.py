"""The search in a browser."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pages
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]


def ask(page: Any, words: str) -> list[Any]:
    """Ask for words as a reader does from a page, and wait for what is found."""
    page.keyboard.press("/")
    field = page.get_by_role("searchbox")
    field.fill(words)
    page.locator("#search-status:not(:empty)").wait_for()
    return list(page.locator(".search-results a").all())


def marks(result: Any) -> set[str]:
    return {mark.lower() for mark in result.locator("mark").all_text_contents()}


@pytest.fixture
def page(site: Path, visit: Open) -> Any:
    return visit(pages.first_chapter(site).as_uri())


@pytest.mark.parametrize(
    ("words", "marked"),
    [("Mamba", {"mamba"}), ("state expansion", {"state", "expansion"}), ("η", {"η"})],
)
def test_exact_words_come_first_and_are_marked(page: Any, words: str, marked: set[str]) -> None:
    results = ask(page, words)
    assert len(results) > 3
    for result in results[:3]:
        assert marked <= marks(result)
    assert page.problems == []


@pytest.mark.parametrize(("letter", "name"), [("η", "eta"), ("Λ", "lambda"), ("λ", "\\Lambda")])
def test_a_greek_letter_and_its_name_are_one_word(page: Any, letter: str, name: str) -> None:
    addresses = [result.get_attribute("href") for result in ask(page, letter)]
    assert addresses
    page.keyboard.press("Escape")
    page.locator("#search-dialog").wait_for(state="hidden")
    assert [result.get_attribute("href") for result in ask(page, name)] == addresses


@pytest.mark.parametrize("asked", ["{} equation", "equation of {}", "what is the formula of {}"])
@pytest.mark.parametrize(("name", "where"), [("SSD", "07-"), ("S6", "06-"), ("qLSTM", "08-")])
def test_the_equation_of_a_model_is_found_where_it_stands(
    page: Any, name: str, where: str, asked: str
) -> None:
    results = ask(page, asked.format(name))
    addresses = [result.get_attribute("href") for result in results[:3]]
    assert any(f"chapters/{where}" in address for address in addresses)


def test_a_displayed_formula_is_found_and_is_no_sentence(page: Any) -> None:
    results = ask(page, "Λ B equation")
    displayed = page.evaluate(
        "dsfSearchIndex.places.flatMap(place => place[6].split('\\n')).filter(Boolean)"
    )
    assert len(displayed) > 50
    said = [result.locator(".result-sentence").text_content() for result in results]
    assert all(said)
    for text in said:
        assert text not in displayed
        assert "_{N columns}" not in text


def test_forms_of_a_word_are_found_after_the_word(page: Any) -> None:
    found = [marks(result) for result in ask(page, "recurrences")]
    exact = ["recurrences" in words for words in found]
    assert exact == sorted(exact, reverse=True)
    assert exact[0]
    assert {"recurrence"} in found


def test_a_slip_of_the_keys_is_read_as_the_nearest_word_and_said(page: Any) -> None:
    results = ask(page, "teh softmax")
    said = page.locator("#search-status").text_content()
    assert "“teh”" in said
    assert "“the softmax”" in said
    assert all("softmax" in marks(result) for result in results[:5])


@pytest.fixture
def section(site: Path) -> tuple[str, str, str]:
    """A section whose title is plain words that no other has: its page, its anchor, its title."""
    found = [
        (chapter.name, anchor, title)
        for chapter in pages.chapters(site)
        for anchor, title in chapter.sections.items()
    ]
    counts = Counter(title for *_, title in found)
    plain = [one for one in found if re.fullmatch("[A-Za-z ]+", one[2]) and counts[one[2]] == 1]
    return max(plain, key=lambda one: len(one[2]))


def test_a_result_says_where_it_stands_and_leads_there(
    page: Any, section: tuple[str, str, str]
) -> None:
    name, anchor, title = section
    (result, *_) = ask(page, title)
    number = int(name.removeprefix("chapters/")[:2])
    assert result.locator(".result-path").text_content().startswith(f"Chapter {number}")
    assert result.locator(".result-title").text_content() == title
    result.click()
    page.wait_for_url(f"**/{name}#{anchor}")
    assert page.locator(f"#{anchor} > :is(h2, h3)").is_visible()
    assert page.problems == []


@pytest.mark.parametrize("key", ["/", "Control+k"])
def test_the_keyboard_opens_walks_and_leaves(page: Any, key: str) -> None:
    page.keyboard.press(key)
    field = page.get_by_role("searchbox")
    assert field.evaluate("field => field === document.activeElement")
    field.fill("softmax attention")
    first = page.locator(".search-results a").first
    first.wait_for()
    page.keyboard.press("ArrowDown")
    assert first.evaluate("link => link === document.activeElement")
    page.keyboard.press("ArrowUp")
    assert field.evaluate("field => field === document.activeElement")
    page.keyboard.press("Escape")
    assert not field.is_visible()
    page.keyboard.press(key)
    assert field.input_value() == "softmax attention"
    address = first.evaluate("link => link.href")
    page.keyboard.press("Enter")
    page.wait_for_url(address)


def test_a_result_on_the_same_page_closes_the_search(
    site: Path, visit: Open, section: tuple[str, str, str]
) -> None:
    name, anchor, title = section
    page = visit((site / name).as_uri())
    (result, *_) = ask(page, title)
    result.click()
    assert page.url.endswith(f"#{anchor}")
    assert not page.get_by_role("searchbox").is_visible()


def test_nothing_of_the_search_is_fetched_before_somebody_searches(page: Any) -> None:
    assert not any("search" in url.rsplit("/", 1)[-1] for url in page.requests)
    ask(page, "softmax")
    names = [url.rsplit("/", 1)[-1].split("?")[0] for url in page.requests]
    late = ["search.js", "search-index.js", "minisearch-7.2.0.js"]
    assert [names.count(name) for name in late] == [1, 1, 1]
    assert all(url.startswith(("file:", "data:")) for url in page.requests)


def test_the_search_page_takes_its_question_from_the_address_and_keeps_it(
    base: str, visit: Open
) -> None:
    page = visit(f"{base}/search.html?q=recurrence")
    page.locator(".search-results a").first.wait_for()
    assert page.get_by_role("searchbox").input_value() == "recurrence"
    page.get_by_role("searchbox").fill("softmax")
    page.wait_for_url("**/search.html?q=softmax")
    assert page.problems == []


def test_without_script_the_search_page_says_what_to_do(site: Path, visit: Open) -> None:
    page = visit((site / "search.html").as_uri(), java_script_enabled=False)
    assert page.locator("article noscript p", has_text="needs JavaScript").is_visible()
    assert page.locator("article a", has_text="start page").is_visible()
    assert not page.get_by_role("searchbox").is_visible()
