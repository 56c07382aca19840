"""Decay, feature maps and the diverging map: what they say is the mathematics, and can be read."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from contrast import contrast
from test_stills import stills

from book.palette import palette
from dsf import looks, plots, widgets
from dsf.widgets.base import number

SLIDER = [round(-6 + k / 10, 1) for k in range(121)]  # the places of the pre-activation
OTHERS = ({}, {"exponent": 0.4, "rate": 3.1, "feature": 9, "decay": -1.5, "input_gate": 2.0})


def papers(theme: str) -> dict[str, str]:
    """What pictures stand on in the pages."""
    colors = palette(theme)
    return {name: colors[name] for name in ("page", "panel", "theorem", "exercise")}


# --- decay and memory


def said(page: Any) -> list[str]:
    """What is written on the right of the rows."""
    ends = page.select(".dsf-panel svg text[text-anchor=end]")
    return [text.text for text in ends if not text.find_parent(class_="dsf-small")]


def test_every_place_of_the_slider_says_the_half_lives_of_the_package() -> None:
    shown = [widgets.DecayAndMemory(pre_activation=x) for x in SLIDER]
    shown += [widgets.DecayAndMemory(pre_activation=x, **OTHERS[1]) for x in SLIDER[::12]]
    for widget, page in zip(shown, stills(*shown), strict=True):
        lives = widget.half_lives()
        written = [text for text in said(page) if re.match("half|grows|stays", text)]
        assert len(written) == len(lives)
        for text, (name, steps) in zip(written, lives.items(), strict=True):
            if np.isfinite(steps):
                unit = "step" if number(steps) == "1.00" else "steps"
                assert text == f"half after {number(steps)} {unit}", name
            else:
                assert text in ("grows", "stays"), name
        found = page.select_one(".dsf-finding").text
        finite = sorted(steps for steps in lives.values() if np.isfinite(steps))
        assert re.search(rf"half of a token is left after {re.escape(number(finite[0]))} st", found)
        assert re.search(rf"and after {re.escape(number(finite[-1]))} st", found)
        assert ("grows" in found or "stays" in found) == (len(finite) < len(lives))


@pytest.mark.parametrize("state", OTHERS)
def test_what_the_reader_is_told_to_try_holds_all_the_way(state: dict[str, Any]) -> None:
    widget = widgets.DecayAndMemory(**state)
    gates = widget.gates(torch.tensor(SLIDER, dtype=torch.float64))
    lives: dict[str, list[float]] = {}
    for x in SLIDER:
        widget.pre_activation = x
        for name, steps in widget.half_lives().items():
            lives.setdefault(name, []).append(steps)
    for name in ("s6", "ssd"):
        assert (np.diff(lives[name]) < 0).all(), "kept longer further down"
        assert (gates[name].gain.diff() > 0).all(), "and written more weakly"
    assert (np.diff(lives["qlstm"]) > 0).all()
    assert gates["qlstm"].gain.unique().numel() == 1


def test_the_upright_line_stands_at_the_half_life() -> None:
    widget = widgets.DecayAndMemory()
    [page] = stills(widget)
    places = [steps for steps in widget.half_lives().values() if steps <= 40]
    marks = page.select(".dsf-half")
    for steps, mark in zip(places, marks, strict=True):
        curve = mark.find_previous_sibling(class_="dsf-line")
        pairs = curve["points"].split()
        ends = (pairs[0], pairs[-1], mark["points"])
        start, end, x = (float(pair.split(",")[0]) for pair in ends)
        assert 40 * (x - start) / (end - start) == pytest.approx(steps, abs=0.05)


# --- feature maps


def test_every_row_of_the_gallery_has_the_same_axis_and_says_its_largest_error() -> None:
    settings = ({}, {"norm": 2.5, "direction": 200, "order": 5, "features": 3, "seed": 9})
    shown = [widgets.FeatureMapGallery(**state) for state in settings]
    for widget, page in zip(shown, stills(*shown), strict=True):
        curves = [
            [tuple(map(float, pair.split(","))) for pair in line["points"].split()]
            for line in page.select("polyline.dsf-line")
        ]
        assert len(curves) == len(widget.maps())
        assert len({(curve[0][0], curve[-1][0]) for curve in curves}) == 1
        axes = [text.text for text in page.select("svg text") if text.text.endswith("°")]
        assert axes == ["0°", "45°", "90°", "135°", "180°"]
        written = [text for text in said(page) if text.startswith("off")]
        wanted = [
            f"off by up to {number(100 * share)} %" if share <= 10 else "off by over 1000 %"
            for share in widget.worst().values()
        ]
        assert written == wanted


@pytest.mark.parametrize("order", range(9))
def test_with_smaller_norms_taylor_features_come_near_and_the_others_do_not(order: int) -> None:
    widget = widgets.FeatureMapGallery(order=order)
    errors, others = [], []
    for norm in range(1, 26):
        widget.norm = norm / 10
        errors.append(widget.worst()["taylor"])
    assert errors == sorted(errors)
    assert errors[0] < 0.02
    if order == 0:
        for direction in range(0, 360, 45):
            widget.direction = direction
            for norm in range(1, 26):
                widget.norm = norm / 10
                own = ("elu_plus_one", "exponential", "relu", "identity")
                others.append(min(widget.worst()[name] for name in own))
        assert min(others) > 0.5


# --- colours


def test_the_diverging_map_is_that_of_the_widgets() -> None:
    for share in np.linspace(0, 1, 9):
        for sign, color in ((1, looks.PLUS), (-1, looks.MINUS)):
            *rgb, alpha = plots.DIVERGING((1 + sign * share) / 2)
            assert alpha == pytest.approx(share**looks.STRENGTH, abs=0.05)
            if share:
                assert "#" + "".join(f"{round(255 * part):02x}" for part in rgb) == color
    assert plots.DIVERGING(0.5)[3] == 0
    assert np.allclose(plots.SEQUENTIAL([0.0, 1.0])[:, 3], [0, 1])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_of_pictures_has_contrast_4_5_and_lines_3(theme: str) -> None:
    grounds = papers(theme)
    for name, paper in grounds.items():
        assert contrast(looks.INK[theme], paper) >= 4.5, name
    lines = {**looks.COLORS, **looks.FEATURE_MAP_COLORS, "plus": looks.PLUS, "minus": looks.MINUS}
    for name, color in lines.items():
        assert contrast(color, grounds["page"]) >= 3, name
