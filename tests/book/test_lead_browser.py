"""What leads the reader, in a browser: by hand, by keyboard, without a script, on paper."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

import pages
import small_book
from small_book import CHOICE, NUMBER, ORDER, PREDICT, SET, TOUR, Build

pytestmark = pytest.mark.browser
Read = Callable[..., Any]
FOLDED = """\
:::{tour}
1. {set}`More tokens <it: length=128, digits=2>`.
2. {set}`Sharper <it: scale=2>`.
:::
"""
ANSWERS = "Object.keys(JSON.parse(localStorage.getItem('dsf-progress') ?? '{}')).length"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with one of everything, and the page of the progress."""
    setter = "Take {set}`three features <it: n=3>`.\n\n"
    text = "\n\n".join([PREDICT, CHOICE, NUMBER, ORDER, small_book.figure(), setter, TOUR, SET])
    widgets = pytest.importorskip("dsf.widgets", reason="notebooks extra is not installed")
    folded = small_book.figure(widgets.SoftmaxApproximation(figure_id="it")) + FOLDED
    chapters = {"01-test": text, "02-folded": folded, "progress": "```{progress}\n```\n"}
    built = Build(tmp_path_factory.mktemp("lead"), chapters)
    assert built.warnings == ""
    return built.pages


@pytest.fixture
def read(visit: Callable[..., Any], small: Path) -> Iterator[Read]:
    """Open the page from its file; at the end nothing must have gone wrong."""
    opened = []

    def open_page(script: str = "", name: str = "01-test", **options: Any) -> Any:
        opened.append(visit((small / f"{name}.html").as_uri(), script, **options))
        return opened[-1]

    yield open_page
    for page in opened:
        assert page.problems == []


def block(page: Any, label: str) -> Any:
    return page.locator(f"#ask-{label}")


def test_the_reader_commits_gets_the_reply_and_then_the_answer(read: Read) -> None:
    page = read()
    asked = block(page, "fall")
    answer = asked.locator(".revealed")
    page.evaluate(
        "addEventListener('dsf-guess', (e) => { window.guess = [e.target.id, e.detail] })"
    )
    assert not answer.is_visible()
    assert asked.get_by_text("without a guess").is_visible()
    asked.get_by_role("button", name="Commit").click()
    assert asked.get_by_role("status").text_content() == "Choose one first."
    assert not answer.is_visible()
    asked.get_by_label("The feather").check()
    asked.get_by_role("button", name="Commit").click()
    assert asked.get_by_role("status").text_content().split() == [
        "✗",
        "No.",
        "It",
        "is",
        "lighter.",
    ]
    assert answer.is_visible()
    assert asked.get_by_text("There is no air.").is_visible()
    assert asked.get_by_label("The feather").is_disabled()
    detail = {"id": "ask-fall", "option": "A", "right": False}
    assert page.evaluate("guess") == ["ask-fall", detail]
    asked.get_by_role("button", name="Start over").click()
    assert not answer.is_visible()
    assert asked.get_by_role("status").text_content() == ""
    asked.get_by_label("Neither").check()
    asked.get_by_role("button", name="Commit").click()
    assert "✓ Right." in asked.get_by_role("status").text_content()


def test_a_prediction_works_by_keyboard_alone(read: Read) -> None:
    page = read()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert "✓ Right." in block(page, "fall").get_by_role("status").text_content()
    assert page.evaluate("document.activeElement.textContent") == "Start over"


def test_a_choice_is_tried_until_it_is_right(read: Read) -> None:
    asked = block(read(), "choice")
    asked.get_by_label("That").check()
    asked.get_by_role("button", name="Check").click()
    assert "✗ Not yet. Not that." in asked.get_by_role("status").text_content().replace("  ", " ")
    assert asked.locator("details").get_attribute("open") is None
    asked.get_by_label("This").check()
    asked.get_by_role("button", name="Check").click()
    assert "✓ Right." in asked.get_by_role("status").text_content()
    assert asked.locator("details").get_attribute("open") is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("0.33", "✓ Right."), ("1/3", "✓ Right."), ("0,34", "✓ Right."), ("0.3", "Divide."),
        ("3", "The other way round."), ("−1", "Divide."), ("a", "Give a number"), ("", "Give a"),
        ("1/0", "Give a number"), ("33 %", "✓ Right."), ("33", "Divide."), ("%", "Give a number"),
    ],
)  # fmt: skip
def test_a_number_is_compared_within_its_tolerance(read: Read, given: str, said: str) -> None:
    asked = block(read(), "number")
    asked.get_by_label("Your answer").fill(given)
    page_answer = asked.get_by_role("status")
    asked.get_by_label("Your answer").press("Enter")
    assert said in page_answer.text_content()


def test_an_order_is_put_right_with_the_buttons(read: Read) -> None:
    asked = block(read(), "order")

    def shown() -> list[str]:
        return [text.strip("↑↓ \n") for text in asked.locator(".options > li").all_text_contents()]

    assert sorted(shown()) == ["decay", "read", "write"]
    assert shown() != ["write", "decay", "read"]
    for name in ("decay", "write"):  # the last that was moved up comes first
        while shown()[0] != name:
            asked.get_by_role("button", name=f"Up: {name}").press("Enter")
            assert name in asked.page.evaluate("document.activeElement.getAttribute('aria-label')")
    asked.get_by_role("button", name="Check").click()
    assert "✓ Right." in asked.get_by_role("status").text_content()
    asked.get_by_role("button", name="Down: decay").click()
    asked.get_by_role("button", name="Check").click()
    said = asked.get_by_role("status").text_content()
    assert "The first one is in place." in said.replace("\n", " ")
    assert "Reading comes last." in said


def state(page: Any) -> dict[str, Any]:
    return dict(page.evaluate("document.getElementById('it').dsfState()"))


def test_a_setter_keeps_what_it_does_not_name_and_lights_what_it_changes(read: Read) -> None:
    page = read()
    page.get_by_label("Architecture").select_option("ssd")
    page.get_by_role("link", name="three features").click()
    page.wait_for_selector(".dsf-field-n.lit")
    assert page.locator(".lit").count() == 1
    assert (state(page)["n"], state(page)["architecture"]) == (3, "ssd")
    page.wait_for_selector(".lit", state="detached")
    page.get_by_label("State expansion n").press("ArrowRight")
    page.get_by_role("link", name="three features").click()  # before the address has followed
    page.wait_for_function("() => document.getElementById('it').dsfState().n === 3")


def test_a_setter_below_a_tall_figure_leads_up_to_its_controls(read: Read) -> None:
    page = read(viewport={"width": 360, "height": 500})
    link = page.get_by_role("link", name="three features")
    for _ in range(2):  # the second time nothing changes
        link.scroll_into_view_if_needed()
        field = page.locator(".dsf-field-n")
        assert field.bounding_box()["y"] < 0
        link.click()
        page.wait_for_function(
            """() => {
                 const of = document.querySelector('.dsf-field-n').getBoundingClientRect();
                 return of.top >= 0 && of.bottom <= innerHeight;
               }"""
        )


@pytest.mark.parametrize("size", [(1280, 800), (360, 740)])
def test_what_a_step_names_is_opened_and_seen_above_the_tour(
    read: Read, size: tuple[int, int]
) -> None:
    width, height = size
    page = read(name="02-folded", viewport={"width": width, "height": height})
    part = page.locator(".dsf-live details.dsf-fold", has_text="states at least")
    assert part.get_attribute("open") is None
    page.get_by_role("button", name="Start the tour").click()
    page.locator(".dsf-note", has_text="exact (theorem): up to 64 ").wait_for()
    page.wait_for_function(
        """() => {
             const part = document.querySelector('.dsf-live details.dsf-fold[open]');
             const card = document.querySelector('.tour.on').getBoundingClientRect();
             return part && part.getBoundingClientRect().bottom <= card.top + 1;
           }"""
    )
    assert page.get_by_label("Tolerance ε").input_value() == "2", "named, though not changed"
    assert part.locator("summary").is_visible()


def test_a_tour_goes_step_by_step(read: Read) -> None:
    page = read()
    tour = page.get_by_role("group", name="Tour of the figure")
    steps = tour.locator("li")
    assert [step.is_visible() for step in steps.all()] == [True, True]
    tour.get_by_role("button", name="Start the tour").click()
    assert [step.is_visible() for step in steps.all()] == [True, False]
    page.wait_for_function("() => document.getElementById('it').dsfState().n === 2")
    tour.get_by_role("button", name="Next").click()
    page.wait_for_function("() => document.getElementById('it').dsfState().time === 5")
    assert tour.get_by_role("status").text_content() == "Step 2 of 2"
    tour.get_by_role("button", name="Back").click()
    page.wait_for_function("() => document.getElementById('it').dsfState().n === 2")
    tour.get_by_role("button", name="Next").click()
    tour.get_by_role("button", name="Show all").click()
    assert [step.is_visible() for step in steps.all()] == [True, True]


def test_a_figure_is_set_so_that(read: Read) -> None:
    page = read()
    asked = block(page, "set")
    check = asked.get_by_role("button", name="Check")
    said = asked.get_by_role("status")
    for n, words in ((1, "Far too small."), (2, "Still too small."), (3, "✓ Right.")):
        page.evaluate("n => { location.hash = `#it:n=${n}` }", n)
        page.wait_for_function("n => document.getElementById('it').dsfState().n === n", arg=n)
        check.click()
        assert words in said.text_content()


@pages.remembers
def test_progress_survives_a_reload_is_shown_and_can_be_cleared(read: Read) -> None:
    page = read()
    asked = block(page, "fall")
    asked.get_by_label("The feather").check()
    asked.get_by_role("button", name="Commit").click()
    block(page, "choice").get_by_label("This").check()
    block(page, "choice").get_by_role("button", name="Check").click()
    page.reload()
    assert page.evaluate(ANSWERS) == 2
    assert "It is" in asked.get_by_role("status").text_content()
    assert asked.locator(".revealed").is_visible()
    assert "Answered before" in block(page, "choice").get_by_role("status").text_content()

    page.goto(page.url.replace("01-test", "progress"))
    page.reload()
    assert page.evaluate(ANSWERS) == 2
    counts = page.locator(".tally .count")
    assert counts.all_text_contents() == ["1 of 1 prediction committed", "1 of 4 questions right"]
    page.get_by_role("button", name="Forget all of it").click()
    assert counts.all_text_contents() == ["0 of 1 prediction committed", "0 of 4 questions right"]
    page.go_back()
    page.reload()
    assert page.evaluate(ANSWERS) == 0
    assert asked.get_by_role("status").text_content() == ""
    assert not asked.locator(".revealed").is_visible()


@pages.remembers
@pytest.mark.parametrize("stored", ["", "null", "[1]", "{", '{"chapters/01-test#ask-fall": 7}',
                                    '{"chapters/01-test#ask-fall": "__proto__"}'])  # fmt: skip
def test_what_nobody_here_stored_is_no_answer(read: Read, stored: str) -> None:
    page = read()
    page.evaluate("stored => localStorage.setItem('dsf-progress', stored)", stored)
    page.reload()
    assert page.evaluate("localStorage.getItem('dsf-progress')") == stored
    assert block(page, "fall").get_by_role("button", name="Commit").is_visible()


# For this script only: Sphinx's own does not expect it.
CLOSED = """
const storage = window.localStorage;
Object.defineProperty(window, "localStorage", { get() {
  if (new Error().stack.includes("lead.js")) throw new Error("closed");
  return storage;
} });
"""


def test_where_storage_is_closed_an_answer_lasts_for_the_page(read: Read) -> None:
    asked = block(read(CLOSED), "fall")
    asked.get_by_label("Neither").check()
    asked.get_by_role("button", name="Commit").click()
    assert "✓ Right." in asked.get_by_role("status").text_content()


def test_without_a_script_all_is_there(read: Read) -> None:
    page = read(java_script_enabled=False)
    asked = block(page, "fall")
    assert asked.get_by_text("The feather").is_visible()
    assert not asked.locator(".replies").is_visible()
    asked.locator("summary").click()
    assert asked.get_by_text("It is lighter.").is_visible()
    assert asked.get_by_text("There is no air.").is_visible()
    assert page.get_by_role("link", name="three features").get_attribute("href") == "#it"
    assert page.locator(".tour li").first.is_visible()


def test_paper_shows_all_and_no_controls(read: Read) -> None:
    page = read()
    asked = block(page, "fall")
    asked.get_by_label("The feather").check()
    asked.get_by_role("button", name="Commit").click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert asked.locator(".options").get_by_text("The feather").is_visible()
    for label in ("fall", "choice", "number", "order", "set"):
        assert (
            block(page, label).locator(".revealed").locator("xpath=..").get_attribute("open")
            is not None
        )
    assert asked.locator(".replies > li:visible").count() == 2
    assert page.locator(".ask :is(button, input):visible, .reply:visible").count() == 0
    assert page.locator(".tour button:visible").count() == 0


def test_axe_finds_nothing(read: Read, axe: str) -> None:
    page = read()
    page.evaluate(axe)
    for when in ("before", "after"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate(pages.AXE.format("'article'"))
            assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], (when, scheme)
        if when == "before":
            block(page, "fall").get_by_label("The feather").check()
            block(page, "fall").get_by_role("button", name="Commit").click()


def test_nothing_is_wider_than_a_phone(read: Read) -> None:
    page = read(viewport={"width": 360, "height": 740})
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
