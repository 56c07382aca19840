"""The pole is moved by a mouse, a finger and the keys."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_widgets_browser import write_page

from dsf import widgets

pytestmark = pytest.mark.browser
Visit = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Visit]:
    """Open a page with the figure."""
    contexts = []

    def visit(**options: Any) -> Any:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.goto(write_page(tmp_path, widgets.PoleAndResponse(figure_id="it").html()).as_uri())
        page.wait_for_selector(".dsf-handle")
        return page

    yield visit
    for context in contexts:
        context.close()


def state(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("document.getElementById('it').dsfState()")
    return found


def middle(locator: Any) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("width", [1000, 360])
def test_the_pole_follows_the_mouse_and_stays_below_it(open_page: Visit, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    handle, plane = page.locator(".dsf-handle"), page.locator(".dsf-plane .dsf-picture")
    handle.scroll_into_view_if_needed()
    box = plane.bounding_box()
    x, y = middle(handle)
    page.mouse.move(x, y)
    page.mouse.down()
    goal = (box["x"] + 0.4 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.move(*goal, steps=4)
    page.mouse.up()
    now = state(page)
    assert now["decay"] == pytest.approx(2.3 - 0.4 * 3, abs=0.03)
    assert now["frequency"] == pytest.approx(9 - 0.2 * 18, abs=0.1)
    assert middle(handle) == pytest.approx(goal, abs=2)
    page.mouse.move(x, y)  # let go
    assert state(page) == now
    page.mouse.move(*middle(handle))
    page.mouse.down()
    page.mouse.move(box["x"] + 2 * box["width"], box["y"] - 300, steps=3)
    page.mouse.up()
    assert (state(page)["decay"], state(page)["frequency"]) == (-0.2, 8)


def test_a_click_in_the_plane_takes_the_pole_there_also_below_the_axis(open_page: Visit) -> None:
    page = open_page()
    box = page.locator(".dsf-plane .dsf-picture").bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.75 * box["height"])
    assert state(page)["frequency"] == pytest.approx(0.25 * 18, abs=0.1)
    assert state(page)["decay"] == pytest.approx(2.3 - 0.9, abs=0.05)


def test_a_finger_moves_it_and_the_page_stays(open_page: Visit) -> None:
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True)
    handle = page.locator(".dsf-handle")
    assert handle.evaluate("node => getComputedStyle(node).touchAction") == "none"
    box = handle.bounding_box()
    assert min(box["width"], box["height"]) >= 44


def test_arrow_keys_move_it_and_say_where_it_is(open_page: Visit) -> None:
    page = open_page()
    handle = page.get_by_role("slider", name="Pole")
    handle.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    assert state(page)["decay"] == pytest.approx(0.35)
    assert state(page)["frequency"] == pytest.approx(2.1)
    assert handle.get_attribute("aria-valuetext") == "−0.35 ± 2.10i"
    for _ in range(30):
        page.keyboard.press("ArrowDown")
    assert state(page)["frequency"] == 0
    assert page.evaluate("scrollY") == 0
