"""The first screen of a chapter: its figure, alive, without scrolling."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]
CHAPTERS = sorted(
    path.stem for path in (Path(__file__).parents[2] / "chapters").glob("[0-9][0-9]-*.md")
)


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
    figure = page.locator("figure.dsf-widget").first
    for part in ("input[type=range]", ".dsf-number", ".dsf-picture"):
        assert bottom(figure.locator(f".dsf-live {part}")) <= 768, part
    said = figure.locator(".dsf-number").text_content()
    figure.locator("input[type=range]").press("End")
    page.wait_for_timeout(50)
    assert figure.locator(".dsf-number").text_content() != said
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_on_a_phone_one_short_swipe_brings_it(site: Path, visit: Open, chapter: str) -> None:
    size = {"width": 360, "height": 740}
    page = visit((site / "chapters" / f"{chapter}.html").as_uri(), viewport=size)
    figure = page.locator("figure.dsf-widget").first
    parts = [figure.locator(f".dsf-live {part}") for part in ("input[type=range]", ".dsf-number")]
    assert max(map(bottom, parts)) <= 1.5 * 740
    assert max(map(bottom, parts)) - min(map(bottom, parts)) < 370, "both in sight"
