"""Figures with few controls in sight: the rest folded, and what they change on the same screen."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pages
import pytest
from test_widgets_browser import write_page

from book import bundle
from dsf import widgets

pytestmark = pytest.mark.browser
KINDS = (widgets.DecayAndMemory, widgets.FeatureMapGallery, widgets.PoleAndResponse)
SHOWN = ".dsf-live :is(input, select, button)"
Visit = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Visit]:
    """Open a page with these figures."""
    contexts = []

    def visit(*figures: str, **options: Any) -> Any:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.goto(write_page(tmp_path, *figures).as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_at_most_three_controls_are_in_sight_and_the_keyboard_opens_the_rest(
    open_page: Visit, kind: Any
) -> None:
    page = open_page(kind().html())
    controls = page.locator(SHOWN)
    visible = page.locator(f"{SHOWN}:visible")
    assert 1 <= visible.count() <= 3
    page.locator(".dsf-more summary").press("Enter")
    assert visible.count() == controls.count() > 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "height"), [(1366, 768), (360, 740)])
def test_controls_and_picture_stand_on_one_screen(
    open_page: Visit, kind: Any, width: int, height: int
) -> None:
    page = open_page(kind().html(), viewport={"width": width, "height": height})
    top = page.locator(f"{SHOWN}:visible").first.bounding_box()["y"]
    picture = page.locator(".dsf-live .dsf-picture").last.bounding_box()
    assert picture["y"] + picture["height"] - top <= height


def test_what_was_opened_stays_open_where_a_figure_is_drawn_anew(open_page: Visit) -> None:
    widget = widgets.DecayAndMemory()
    page = open_page(widget.html(), "<div id='cell'></div>")
    draw = """async ([source, state]) => {
        const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
        const { default: widget } = await import(url);
        const model = { get: (name) => state[name], on() {}, off() {} };
        const cell = document.getElementById("cell");
        cell.replaceChildren();
        widget.render({ model, el: cell });
        return cell.querySelector(".dsf-more").open;
    }"""
    source = (bundle.STATIC / "decay.mjs").read_text(encoding="utf-8")
    more = page.locator("figure .dsf-more")
    for opened in (False, True, False):
        if more.evaluate("node => node.open") != opened:
            page.locator("figure .dsf-more summary").click()
            page.evaluate(pages.READY)  # the event comes later
        assert page.evaluate(draw, [source, widget.state()]) == opened


def test_a_link_opens_the_fold_of_what_it_sets(open_page: Visit) -> None:
    lead = bundle.ROOT / "book" / "static" / "lead.js"
    link = "<p><a class='set' href='#it' data-set='exponent=2'>two</a></p>"
    script = f"<script src='{lead.as_uri()}'></script>"
    page = open_page(widgets.DecayAndMemory(figure_id="it").html(), link, script)
    assert not page.get_by_label("Exponent α (reversed qLSTM)").is_visible()
    page.get_by_role("link", name="two").click()
    page.get_by_label("Exponent α (reversed qLSTM)").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_zero_has_the_color_of_the_page(open_page: Visit, scheme: str) -> None:
    page = open_page(widgets.DSFExplorer(architecture="linear").html(), color_scheme=scheme)
    opacities = page.evaluate(
        """[...document.querySelectorAll('.dsf-live .dsf-heat rect')]
             .map(cell => Number(cell.getAttribute('fill-opacity')))"""
    )
    assert min(opacities) == 0
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    behind = page.evaluate(
        """() => {
             let node = document.querySelector('.dsf-live .dsf-heat');
             for (; node; node = node.parentElement) {
               const { backgroundColor } = getComputedStyle(node);
               if (backgroundColor !== 'rgba(0, 0, 0, 0)') return backgroundColor;
             }
           }"""
    )
    assert behind == paper
