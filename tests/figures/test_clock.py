"""The clock of eight tokens: what is held is the recurrence, and what to try can be reached."""

import math
from typing import Any

import pytest
import torch
import traitlets
from test_stills import stills
from test_widgets_browser import write_page

from dsf import s6_system, widgets
from dsf.widgets.clock import FLAGGED

STATES: tuple[dict[str, Any], ...] = (
    {},
    {"clock": "stssmsss", "step": 0.7},
    {"clock": "tsmtmmst", "step": 1.3, "rule": "euler"},
)
TOKENS = list(FLAGGED)
OTHERS = [j for j in range(8) if j not in FLAGGED]


def test_without_rule_of_its_own_it_is_one_state_of_s6() -> None:
    widget = widgets.SetTheClock(clock="tsmtmmst", step=1.3, rule="euler")
    ones = torch.ones(8, 1, dtype=torch.float64)
    system = s6_system(widget.steps()[:, None], -ones[:1], ones, ones)
    assert torch.allclose(widget.system().matrix(), system.matrix())


@pytest.mark.parametrize("clock", ["mmmmmmmm", "stssmsss", "smtsmtsm"])
def test_the_zero_order_hold_mixes_what_was_there_with_the_token(clock: str) -> None:
    widget = widgets.SetTheClock(clock=clock, step=0.4)
    sums = widget.system().matrix().sum(-1)
    assert torch.allclose(sums, 1 - torch.exp(-widget.steps().cumsum(0)))


def test_one_clock_for_all_makes_a_kernel_and_prefers_the_newest() -> None:
    widget = widgets.SetTheClock()
    phi = widget.system().matrix()
    assert torch.allclose(phi[1:, 1:], phi[:-1, :-1])
    held = widget.held()
    assert (held.diff() > 0).all()


def test_skipping_and_replacing_keep_the_last_flagged_token_alone() -> None:
    held = widgets.SetTheClock(clock="sssstsss").held()
    assert held[4] > 0.99
    assert held.sum() - held[4] < 1e-12


def test_equal_parts_need_a_half_at_the_second_flag() -> None:
    held = widgets.SetTheClock(clock="stssmsss", step=0.7).held()
    assert held[OTHERS].sum() == 0
    assert abs(held[1] - held[4]) < 0.02
    assert math.isclose(math.log(2), 0.7, abs_tol=0.01)


@pytest.mark.parametrize("clock", ["", "sssssss", "sssssssx", "mmmmmmmmm"])
def test_a_clock_that_is_none_is_refused(clock: str) -> None:
    with pytest.raises(traitlets.TraitError, match="expected 8 letters"):
        widgets.SetTheClock(clock=clock)


def test_the_figure_says_the_numbers_of_the_package() -> None:
    shown = [widgets.SetTheClock(**state) for state in STATES]
    for widget, page in zip(shown, stills(*shown), strict=True):
        held = widget.held()
        said = page.select_one(".dsf-finding").text
        for j in FLAGGED:
            assert f"{100 * held[j]:.0f} % of token {j}" in said
        assert f"{100 * held[OTHERS].sum():.0f} % of the six others" in said
        rows = [[cell.text for cell in row.select("th, td")] for row in page.select("tbody tr")]
        assert rows == widget.table()[2]


@pytest.mark.browser
def test_a_button_goes_on_to_the_next_kind_of_step(browser: Any, tmp_path: Any) -> None:
    page = browser.new_page()
    page.goto(write_page(tmp_path, widgets.SetTheClock(figure_id="it").html()).as_uri())
    button = page.locator(".dsf-tokens button").nth(4)
    words = []
    for _ in range(4):
        words.append(button.text_content())
        button.press("Enter")
    assert words == ["mix", "take", "skip", "mix"]
    page.wait_for_function("location.hash.includes('clock=mmmmtmmm')")
    page.close()
