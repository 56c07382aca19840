"""The row of weights and the hook of chapter 4: what they say is the mathematics and the record."""

import re
from typing import Any

import pytest
import torch
from test_hooks import question
from test_stills import stills

from book import asking
from dsf import results, separable_attention_system, widgets
from dsf.widgets import reached
from dsf.widgets.base import number
from dsf.widgets.weights import SCORES

PLACES = [round(0.5 + k / 20, 2) for k in range(13)]
KINDS = list(SCORES)


def row(**state: Any) -> widgets.RowOfWeights:
    return widgets.RowOfWeights(**state)


@pytest.mark.parametrize("scores", KINDS)
@pytest.mark.parametrize("transition", PLACES)
def test_a_normaliser_scales_a_row_and_a_decay_bends_it(scores: str, transition: float) -> None:
    own = torch.tensor(SCORES[scores], dtype=torch.float64)
    by_sum, by_eta, decayed = row(transition=transition, scores=scores).weights().values()
    assert by_sum.sum() == pytest.approx(1)
    for weights in (by_sum, by_eta):
        quotient = weights / own
        assert quotient.max() - quotient.min() < 1e-12 * quotient.abs().max()
    assert (decayed[1:] / decayed[:-1]).tolist() == pytest.approx(
        (own[1:] / own[:-1] / transition).tolist()
    )
    assert by_eta[0] == pytest.approx(decayed[0].item()), "the oldest is the same in both"
    assert decayed[-1] == own[-1]


@pytest.mark.parametrize("transition", PLACES)
def test_eta_has_the_transition_that_the_slider_says(transition: float) -> None:
    own = torch.tensor(SCORES["positive"], dtype=torch.float64)
    ones = torch.ones(len(own), 1, dtype=torch.float64)
    eta = transition ** -torch.arange(len(own), dtype=torch.float64)
    system = separable_attention_system(ones, own[:, None], eta)
    assert system.transition[1:].flatten().tolist() == pytest.approx([transition] * 7)
    wanted = row(transition=transition).weights()["divided by η"]
    assert torch.allclose(system.matrix()[-1], wanted)


def test_the_figure_says_the_numbers_of_the_package() -> None:
    shown = [row(transition=t, scores=s) for t in (0.5, 0.8, 1.0, 1.1) for s in KINDS]
    for widget, page in zip(shown, stills(*shown), strict=True):
        said = page.select_one(".dsf-finding").text
        assert f"are {number(widget.transition**7)} of their scores" in said
        total = sum(SCORES[widget.scores])
        assert f"Divided by their sum, {number(total)}, they" in said
        picture = page.select_one("svg[role=img]").text
        for weights in widget.weights().values():
            assert f"oldest ÷ newest = {number((weights[0] / weights[-1]).item())}" in picture


def test_bars_stay_inside_the_picture() -> None:
    """No place of the slider lets a bar or its number run into the next row."""
    shown = [row(transition=t, scores=s) for t in (0.5, 1.1) for s in KINDS]
    for page in stills(*shown):
        picture = page.select_one("svg[role=img]")
        height = float(picture["height"])
        groups = [g for g in picture.select("g[transform]") if g.select("g[transform]")]
        tops = [float(re.search(r" (\S+)\)", g["transform"])[1]) for g in groups]
        assert len(tops) == 3
        tall = tops[1] - tops[0]
        for group in groups:
            inside = group.select_one("g[transform]")
            base = float(re.search(r" (\S+)\)", inside["transform"])[1])
            tags = [float(text["y"]) + base for text in inside.select("text")]
            assert min(tags) > 20, "below the name"
            assert max(tags) <= tall
        assert tops[-1] + tall <= height


def test_the_transition_that_chapter_4_asks_for_is_the_largest_that_turns_the_order() -> None:
    right = {
        name: value for name, _, value in asking.conditions(question("04", "ask:na-tilt").right)
    }
    turned = []
    for transition in PLACES:
        weights = row(transition=transition, scores=str(right["scores"])).weights()["decay"]
        turned += [transition] if weights[0] < weights[-1] else []
    assert max(turned) == right["transition"]


def test_the_size_that_chapter_4_asks_for_is_the_first_that_puts_linear_ahead() -> None:
    [(name, sign, least)] = asking.conditions(question("04", "ask:na-reached").right)
    assert (name, sign) == ("n", "=")
    normalized = sum(reached.accuracies("normalized", 4))
    ahead = [sum(reached.accuracies("linear", n)) > normalized for n in reached.SIZES]
    wanted = [n >= int(least) for n in reached.SIZES]
    assert ahead == wanted, "what fails on the way stays failed"


def test_the_hook_shows_the_recorded_runs_of_the_chapters_task() -> None:
    runs = results.recorded("mqar")
    for mixer, n in (("linear", 16), ("normalized", 4)):
        found = reached.accuracies(mixer, n)
        assert len(found) == 3
        own = [
            run.result["test_accuracy"]
            for run in runs
            if (run.config["mixer"], run.config["n"]) == (mixer, n) and run.config["d_model"] == 64
        ]
        assert set(found) <= set(own)


def test_numbers_that_chapter_4_asks_for() -> None:
    asked = question("04", "ask:na-hand")
    assert asking.number(asked.right) == (0 * 4 + 2 * 2 + 2 * 6) / 4
