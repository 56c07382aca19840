"""The five steps of the explorer under a reader's hands."""

import re
from typing import Any

import pytest
import test_widgets_browser
from test_widgets_browser import Visit, move

from dsf import widgets

pytestmark = pytest.mark.browser
visit = test_widgets_browser.visit
STEPS = {
    "write": "Write",
    "decay": "Decay",
    "read": "Read",
    "product": "Multiply out",
    "phi": "Φ",
}
BAR = 60  # px that the bar of a page takes at the top
DRAWN = """() => [...document.querySelectorAll('.dsf-live .dsf-stage > :not(.dsf-controls)')]
             .map(node => node.outerHTML).join('')"""


def chosen(page: Any) -> list[str]:
    return [
        str(text) for text in page.locator(".dsf-steps [aria-pressed=true]").all_text_contents()
    ]


def state(page: Any) -> dict[str, Any]:
    return dict(page.evaluate("document.querySelector('figure').dsfState()"))


def test_steps_are_chosen_by_click_by_key_and_by_next(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer(shown="write").html())
    for name in ("Read", "Φ"):
        page.get_by_role("button", name=name, exact=True).click()
        assert chosen(page) == [name]
    page.get_by_role("button", name="Decay", exact=True).press("Enter")
    assert chosen(page) == ["Decay"]
    assert page.locator(".dsf-tile-title").first.text_content() == "Λ8"
    for name in ("Read", "Multiply out", "Φ"):
        page.get_by_role("button", name="Next").click()
        assert chosen(page) == [name]
    page.get_by_role("button", name="Again").click()
    assert chosen(page) == ["Write"]


@pytest.mark.parametrize("step", STEPS)
def test_the_address_chooses_the_step(visit: Visit, step: str) -> None:
    page = visit(widgets.DSFExplorer(figure_id="it").html(), address=f"#it:shown={step},n=7")
    assert chosen(page) == [STEPS[step]]
    assert (state(page)["shown"], state(page)["n"]) == (step, 7)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("size", [(1366, 768), (360, 740)])
def test_controls_and_what_they_change_are_seen_together(
    visit: Visit, step: str, size: tuple[int, int]
) -> None:
    width, height = size
    # A page leaves a figure 46 rem at most, see book.css.
    page = visit(
        widgets.DSFExplorer(shown=step).html(), viewport={"width": width, "height": height}
    )
    controls = page.locator(".dsf-stage > .dsf-controls").first
    fields = controls.locator("input, select")
    assert fields.count() == 3
    assert all(fields.nth(i).is_visible() for i in range(3))
    hidden = page.locator(".dsf-more :is(input, select)")
    assert not any(hidden.nth(i).is_visible() for i in range(hidden.count()))
    ends = [controls.bounding_box(), page.locator(".dsf-finding").bounding_box()]
    assert ends[1]["y"] + ends[1]["height"] - ends[0]["y"] <= height - BAR


@pytest.mark.parametrize("step", STEPS)
def test_every_control_changes_what_the_step_shows(visit: Visit, step: str) -> None:
    page = visit(widgets.DSFExplorer(shown=step, architecture="s6", input="text").html())
    page.locator(".dsf-more summary").click()
    fields = page.locator(".dsf-stage :is(input, select)")
    for index in reversed(range(fields.count())):  # the text before the choice that hides it
        field = fields.nth(index)
        if "source" in field.evaluate("node => node.closest('.dsf-field').className"):
            continue  # of one entry of Φ, see below
        before = page.evaluate(DRAWN)
        move(field)
        page.wait_for_function(f"before => ({DRAWN})() !== before", arg=before)


@pytest.mark.parametrize("step", ["product", "phi"])
def test_the_input_is_moved_where_an_entry_is_shown(visit: Visit, step: str) -> None:
    page = visit(widgets.DSFExplorer(shown=step).html())
    page.locator(".dsf-more summary").click()
    before = page.evaluate(DRAWN)
    page.get_by_label("Input j").press("ArrowRight")
    page.wait_for_function(f"before => ({DRAWN})() !== before", arg=before)


def test_an_entry_of_phi_that_is_clicked_is_multiplied_out_next(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer(time=20, source=3).html(), reduced_motion="reduce")
    picture = page.locator(".dsf-phi")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    cell = (box["width"] - 18 - 16) / 24
    page.mouse.click(box["x"] + 18 + 4.5 * cell, box["y"] + 18 + 9.5 * cell)
    page.get_by_role("button", name="Multiply out", exact=True).click()
    assert page.locator(".dsf-tile-title").last.text_content() == "Φ9,4"
    token = page.locator(".dsf-signals .dsf-touch").nth(2)
    token.click()
    assert page.locator(".dsf-tile-title").last.text_content() == "Φ9,2"
    assert page.get_by_label("Step i").input_value() == "9"


def test_a_token_that_is_clicked_is_the_step(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer(shown="write").html())
    page.locator(".dsf-signals .dsf-touch").nth(5).click()
    assert page.get_by_label("Step i").input_value() == "5"
    assert page.locator(".dsf-tile-title").first.text_content() == "B5"


def test_recalled_follows_n(visit: Visit) -> None:
    page = visit(widgets.DSFExplorer().html())
    hint = "take n down until, in the mean, fewer than half of the pairs come back"
    assert hint in page.locator(".dsf-hint").text_content()  # that it is so: test_explorer.py
    slider, count = page.get_by_label("State expansion n"), page.locator(".dsf-number strong")
    assert count.text_content() == "3 of 4"
    slider.press("Home")
    page.wait_for_function("document.querySelector('.dsf-number strong').textContent !== '3 of 4'")
    mean = page.locator(".dsf-recalled .dsf-note")
    page.wait_for_function(
        "!document.querySelector('.dsf-recalled .dsf-note').textContent.includes('…')"
    )
    assert "of 100 draws" in mean.text_content()


@pytest.mark.parametrize("name", ["linear", "ssd", "s4d", "s6"])
def test_who_loses_more_than_half_from_the_start_is_sent_elsewhere(visit: Visit, name: str) -> None:
    page = visit(widgets.DSFExplorer(architecture=name).html())
    mean = page.locator(".dsf-recalled .dsf-note")
    page.wait_for_function(
        "!document.querySelector('.dsf-recalled .dsf-note').textContent.includes('…')"
    )
    half = float(re.search(r"([\d.]+) of 4", mean.text_content())[1]) >= 2
    elsewhere = "choose linear attention" in page.locator(".dsf-hint").text_content()
    assert elsewhere is not half


@pytest.mark.parametrize("width", [360, 640, 1000])
def test_what_is_recalled_stays_inside_the_figure(visit: Visit, width: int) -> None:
    page = visit(widgets.DSFExplorer().html(), viewport={"width": width, "height": 800})
    figure, said = (
        page.locator(part).bounding_box() for part in (".dsf-stage", ".dsf-recalled .dsf-note")
    )
    assert said["x"] + said["width"] <= figure["x"] + figure["width"]
    assert said["width"] > 120, "in few lines"


@pytest.mark.parametrize("width", [360, 1000])
def test_the_list_stands_beside_the_figure_where_there_is_room(visit: Visit, width: int) -> None:
    page = visit(widgets.DSFExplorer().html(), viewport={"width": width, "height": 800})
    steps, stage = (page.locator(part).bounding_box() for part in (".dsf-steps", ".dsf-stage"))
    if width == 1000:
        assert steps["x"] + steps["width"] <= stage["x"]
    else:
        assert steps["y"] + steps["height"] <= stage["y"]


ROOM = "<div style='height: 1500px'></div>"


def test_the_steps_follow_the_reader_who_scrolls(visit: Visit) -> None:
    figure = widgets.DSFExplorer(figure_id="it", shown="write").html()
    page = visit(ROOM, figure, ROOM, viewport={"width": 1100, "height": 768})
    page.wait_for_timeout(1100)  # what an address asks for would stay so long
    seen = []
    page.mouse.move(600, 400)
    for _ in range(40):
        page.mouse.wheel(0, 70)
        page.wait_for_timeout(60)
        seen += chosen(page)
    assert list(dict.fromkeys(seen)) == [*STEPS.values()]
    assert "shown" not in page.evaluate("location.hash"), "who scrolls has chosen nothing"


def test_the_figure_stays_in_view_while_its_steps_go_by(visit: Visit) -> None:
    page = visit(ROOM, widgets.DSFExplorer().html(), ROOM, viewport={"width": 1100, "height": 768})
    there = "scrollY + node.getBoundingClientRect().top - 250"
    for place in (0, 2, 4):
        text = page.locator(".dsf-steps > li").nth(place)
        text.evaluate(f"node => scrollTo({{ top: {there}, behavior: 'instant' }})")
        page.wait_for_timeout(50)
        controls = page.locator(".dsf-stage > .dsf-controls").first.bounding_box()
        assert 0 <= controls["y"] <= 260
        finding = page.locator(".dsf-finding").bounding_box()
        assert place == 0 or finding["y"] + finding["height"] <= 768


@pytest.mark.parametrize(
    "options", [{"reduced_motion": "reduce"}, {"viewport": {"width": 360, "height": 740}}]
)
def test_a_step_stays_where_the_figure_does_not_stand_beside(
    visit: Visit, options: dict[str, Any]
) -> None:
    page = visit(ROOM, widgets.DSFExplorer(shown="read").html(), ROOM, **options)
    page.wait_for_timeout(1100)
    page.mouse.move(200, 400)
    for _ in range(12):
        page.mouse.wheel(0, 250)
        page.wait_for_timeout(40)
    assert chosen(page) == ["Read"]


def test_what_an_address_asks_for_stays_while_the_page_goes_there(visit: Visit) -> None:
    figure = widgets.DSFExplorer(figure_id="it", shown="write").html()
    page = visit(ROOM, figure, ROOM, viewport={"width": 1100, "height": 768})
    page.wait_for_timeout(1100)
    page.evaluate("location.hash = '#it:shown=product'")
    page.wait_for_timeout(900)
    assert chosen(page) == ["Multiply out"]
