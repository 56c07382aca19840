"""The first screen of a chapter: its figure, alive, without scrolling."""

from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pages
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]
SOURCES = {
    path.stem: path.read_text("utf-8")
    for path in sorted((Path(__file__).parents[2] / "chapters").glob("[0-9][0-9]-*.md"))
}
CHAPTERS = [*SOURCES]
TOURED = [name for name, source in SOURCES.items() if "{tour}" in source]
CONTROL = "input:is([type=range], [type=checkbox])"
EXTENT = itemgetter("y", "height")


def bottom(locator: Any) -> float:
    """How far below the top of the page something ends, in pixels."""
    box = locator.bounding_box()
    return float(box["y"] + box["height"])


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_first_figure_answers_on_the_first_screen(
    site: Path, visit: Open, chapter: str
) -> None:
    size = {"width": 1366, "height": 768}
    page = visit((site / "chapters" / f"{chapter}.html").as_uri(), viewport=size)
    figure = page.locator("figure.dsf-widget .dsf-live").first
    for part in (CONTROL, ".dsf-number", ".dsf-picture"):
        assert bottom(figure.locator(part).first) <= 768, part
    said = figure.locator(".dsf-number").text_content()
    control = figure.locator(CONTROL).first
    ranged = control.get_attribute("type") == "range"
    at_end = ranged and control.evaluate("range => range.value === range.max")
    control.press("Home" if at_end else "End" if ranged else "Space")
    changed = "([number, said]) => number.textContent !== said"
    page.wait_for_function(changed, arg=[figure.locator(".dsf-number").element_handle(), said])
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_on_a_phone_one_short_swipe_brings_it(site: Path, visit: Open, chapter: str) -> None:
    size = {"width": 360, "height": 740}
    page = visit((site / "chapters" / f"{chapter}.html").as_uri(), viewport=size)
    figure = page.locator("figure.dsf-widget .dsf-live").first
    parts = [figure.locator(part).first for part in (CONTROL, ".dsf-number")]
    assert max(map(bottom, parts)) <= 1.5 * 740
    assert max(map(bottom, parts)) - min(map(bottom, parts)) < 370, "both in sight"


@pytest.mark.parametrize("height", [740, 768])
@pytest.mark.parametrize("chapter", TOURED)
def test_a_tour_keeps_its_figure_and_its_step_in_sight(
    site: Path, visit: Open, chapter: str, height: int
) -> None:
    size = {"width": 360 if height == 740 else 1366, "height": height}
    path = site / "chapters" / f"{chapter}.html"
    page = visit(path.as_uri(), viewport=size, reduced_motion="reduce")
    page.evaluate(
        "for (const fold of document.querySelectorAll('article details')) fold.open = true"
    )
    tours = page.get_by_role("group", name="Tour of the figure")
    assert tours.count()
    for tour in tours.all():
        figure = page.locator(tour.locator("a.set").first.get_attribute("href").partition(":")[0])
        tour.get_by_role("button", name="Start the tour").click()
        while True:
            pages.pause(page, 300)  # a step brings what it speaks of into place a little later
            top = figure.bounding_box()["y"]
            box = tour.bounding_box()
            folds = figure.locator("details.dsf-fold[open]:visible").all()
            parts = [fold.bounding_box() for fold in folds]
            unfolded = [0 < y + tall <= box["y"] + 1 for y, tall in map(EXTENT, parts)]
            assert 0 <= top < min(150, box["y"]) or any(unfolded), "the bar is above the figure"
            assert box["y"] + box["height"] <= height
            assert box["height"] < height / 3
            following = tour.get_by_role("button", name="Next")
            if not following.count():
                break
            following.click()
