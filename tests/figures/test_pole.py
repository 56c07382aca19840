"""The pair of poles: what it says is the mathematics, and what to try holds all the way."""

import math
import re
from typing import Any

import numpy as np
import pytest
from test_stills import stills

from dsf import widgets
from dsf.widgets.base import number

STATES: tuple[dict[str, Any], ...] = (
    {},
    {"decay": -0.1, "frequency": 1.0, "step": 1.5},
    {"decay": 0.0, "frequency": 3.0, "step": 0.2},
    {"decay": 0.1, "frequency": 7.5},
    {"decay": 1.0, "frequency": 5.0, "step": 0.8, "rule": "bilinear"},
    {"decay": 2.0, "frequency": 0.0, "step": 1.0, "rule": "bilinear"},  # ā = 0
)


def frequencies(first: float) -> list[float]:
    """The places of the slider above the first."""
    return [round(k / 20, 2) for k in range(161) if k / 20 > first]


@pytest.mark.parametrize("state", STATES)
def test_the_zero_order_hold_keeps_half_life_and_frequency(state: dict[str, Any]) -> None:
    widget = widgets.PoleAndResponse(**state)
    step = widget.one_step("zoh")
    assert step.modulus == pytest.approx(math.exp(-widget.decay * widget.step))
    assert math.isfinite(step.half_life) == (widget.decay > 0)
    if widget.decay > 0:
        assert step.half_life * widget.step == pytest.approx(math.log(2) / widget.decay)
    turns = widget.frequency * widget.step / (2 * math.pi)
    assert step.turns == pytest.approx(abs(turns - round(turns)))


@pytest.mark.parametrize("state", STATES)
def test_dots_of_the_zero_order_hold_lie_on_the_curve(state: dict[str, Any]) -> None:
    widget = widgets.PoleAndResponse(**state | {"rule": "zoh"})
    time = widget.step * np.arange(7)
    wanted = np.exp(-widget.decay * time) * np.cos(widget.frequency * time)
    assert np.allclose(widget.samples(7).numpy(), wanted)


def test_stable_poles_stay_stable_by_both_rules_and_unstable_ones_unstable() -> None:
    for decay in (-0.2, -0.05, 0.0, 0.05, 2.0):
        for frequency in (0.0, 1.0, 8.0):
            for step in (0.2, 1.5):
                widget = widgets.PoleAndResponse(decay=decay, frequency=frequency, step=step)
                for rule in ("zoh", "bilinear"):
                    modulus = widget.one_step(rule).modulus
                    if decay == 0:
                        assert modulus == pytest.approx(1, abs=1e-12)
                    else:
                        assert (modulus < 1) == (decay > 0)


def test_above_the_line_the_dots_seem_to_swing_more_slowly_again() -> None:
    """As the figure tells to try, at the step that it begins with."""
    widget = widgets.PoleAndResponse()
    turns = []
    for frequency in frequencies(math.pi / widget.step):
        widget.frequency = frequency
        turns.append(widget.one_step("zoh").turns)
    assert len(turns) > 20
    assert (np.diff(turns) < 0).all()


def test_the_bilinear_rule_never_turns_by_half_a_circle() -> None:
    widget = widgets.PoleAndResponse(decay=0.0, step=1.5)
    turns = []
    for frequency in frequencies(0):
        widget.frequency = frequency
        turns.append(widget.one_step("bilinear").turns)
        assert turns[-1] == pytest.approx(math.atan(frequency * 1.5 / 2) / math.pi)
    assert (np.diff(turns) > 0).all()
    assert turns[-1] < 0.5


def test_the_figure_says_the_numbers_of_the_package() -> None:
    shown = [widgets.PoleAndResponse(**state) for state in STATES]
    for widget, page in zip(shown, stills(*shown), strict=True):
        now = widget.one_step(widget.rule)
        said = page.select_one(".dsf-finding").text
        assert f"|ā| = {number(now.modulus)}" in said
        assert f"turns by {number(now.turns)} of a circle" in said
        if math.isfinite(now.half_life) and now.modulus:
            assert f"stable: half is left after {number(now.half_life)} step" in said
        assert ("unstable" in said) == (now.modulus > 1 + 1e-12)
        assert ("nothing is lost" in said) == (abs(now.modulus - 1) < 1e-12)
        aliased = widget.rule == "zoh" and widget.frequency * widget.step > math.pi
        assert ("more than half a circle" in said) == aliased


def test_dots_of_the_bilinear_rule_are_said_to_be_as_far_from_the_curve_as_they_are() -> None:
    """At the two places to which the tour of chapter 5 leads."""
    far = widgets.PoleAndResponse(decay=0.1, frequency=4.7, step=1.0, rule="bilinear")
    near = widgets.PoleAndResponse(decay=0.1, frequency=1.0, step=0.2, rule="bilinear")
    said = [page.select_one(".dsf-finding").text for page in stills(far, near)]
    time = near.step * np.arange(51)  # of the ten units that are drawn
    curve = np.exp(-near.decay * time) * np.cos(near.frequency * time)
    apart = np.abs(near.samples(51).numpy() - curve).max()
    assert "the dots leave it" in said[0]
    assert f"the dots stay within {number(apart)} of it" in said[1]


def test_poles_and_dots_stand_where_they_should() -> None:
    [page] = stills(widgets.PoleAndResponse())
    widget = widgets.PoleAndResponse()
    before, after = (
        picture.select("path.dsf-pole") for picture in page.select("svg[role=img]")[:2]
    )
    factor = widget.one_step("zoh").factor

    def center(cross: Any) -> complex:
        x, y = map(float, re.match(r"M(\S+) (\S+)l", cross["d"]).groups())
        return complex(x + 5, y + 5)

    size = 190
    for cross, sign in zip(before, (1, -1), strict=True):
        wanted = complex((2.3 - 0.3) / 3 * size, (9 - sign * 2.0) / 18 * size)
        assert center(cross) == pytest.approx(wanted, abs=0.2)
    for cross, sign in zip(after, (1, -1), strict=True):
        wanted = complex((1.5 + factor.real) / 3 * size, (1.5 - sign * factor.imag) / 3 * size)
        assert center(cross) == pytest.approx(wanted, abs=0.2)
    dots = page.select("circle.dsf-sample")
    heights = np.array([float(dot["cy"]) for dot in dots])
    samples = widget.samples(len(dots)).numpy()
    scale = (heights[0] - heights[3]) / (samples[0] - samples[3])
    assert scale < 0
    assert np.abs(heights - heights[0] - scale * (samples - samples[0])).max() < 0.3


def test_closed_curves_are_drawn_in_stills() -> None:
    """The circle on which the response dies as fast has its radius."""
    [page] = stills(widgets.PoleAndResponse())
    curve = page.select("svg[role=img]")[1].select_one("polyline.dsf-level")
    points = np.array([pair.split(",") for pair in curve["points"].split(" ")], float)
    assert len(points) > 12
    radii = np.hypot(*(points - 95).T)
    modulus = widgets.PoleAndResponse().one_step("zoh").modulus
    assert np.abs(radii - modulus * 190 / 3).max() < 0.3
