"""The hook of chapter 11: its numbers are the record, and what is asked of it has one answer."""

import itertools

import pytest
from test_hooks import question
from test_stills import stills

from book import asking
from dsf import results, widgets
from dsf.mqar import position_level
from dsf.results import alike
from dsf.widgets import care
from dsf.widgets.base import percent

RUNS = [*results.recorded("mqar"), *results.recorded("starts")]
CELLS = results.cells(RUNS)
STATES = [*itertools.product(care.CareTaken.places, care.SIZES)]


def mean(seeds: list[float]) -> float:
    return sum(seeds) / len(seeds)


@pytest.mark.parametrize("n", care.SIZES)
@pytest.mark.parametrize("mixer", care.MIXERS)
def test_its_numbers_are_those_of_the_cells(mixer: str, n: int) -> None:
    own = {"mixer": mixer, "n": n}
    for taken, wanted in ((2, own), (4, {**own, "steps": care.LONG})):
        [cell] = (cell for cell in CELLS if alike(cell.config, **wanted))
        assert care.accuracies(mixer, n, taken) == list(cell.scores)
    starts = [cell for cell in CELLS if alike(cell.config, free=["start", "init_std"], **own)]
    assert care.accuracies(mixer, n, 3) in [list(cell.scores) for cell in starts]
    assert len(starts) == (5 if mixer == "s6" else 4)
    one = [run.test_score for run in RUNS if alike(run.config, learning_rate=care.RATE, **own)]
    assert sorted(care.accuracies(mixer, n, 1)) == sorted(one)
    assert len(one) == 3


def test_validation_chooses_the_start_and_the_best_one_is_ahead() -> None:
    for n in care.SIZES:
        for mixer in care.MIXERS:
            own, tuned = (mean(care.accuracies(mixer, n, taken)) for taken in (2, 3))
            assert tuned > own - (0.001 if mixer == "normalized" else 0)


def ahead_of_s6(n: int, taken: int) -> list[str]:
    """As the figure has it: by more than a point."""
    means = {mixer: mean(care.accuracies(mixer, n, taken)) for mixer in care.MIXERS}
    return [mixer for mixer, one in means.items() if one > means["s6"] + 0.01]


def test_in_one_place_alone_nobody_is_ahead_and_chapter_11_asks_for_it() -> None:
    right = asking.conditions(question("11", "ask:fair-least").right)
    asked = {name: int(value) for name, _, value in right}
    level = [taken for taken in care.CareTaken.places if not ahead_of_s6(asked["n"], taken)]
    assert level == [asked["care"]]
    assert [len(ahead_of_s6(16, taken)) for taken in care.CareTaken.places] == [3, 3, 0, 0]
    assert ahead_of_s6(4, 4) == ["normalized", "ssd"]


def settings_of(mixer: str, taken: int) -> int:
    """Rates times starts."""
    starts = (5 if mixer == "s6" else 4) if taken == 3 else 1
    return (1 if taken == 1 else 4) * starts


def test_the_table_is_that_of_the_chosen_state_expansion() -> None:
    shown = [widgets.CareTaken(n=n) for n in care.SIZES]
    for widget, page in zip(shown, stills(*shown), strict=True):
        rows = [[cell.text for cell in row.select("th, td")] for row in page.select("tbody tr")]
        assert rows == widget.table()[2]
        assert {row[2] for row in rows} == {f"{widget.n}"}


def test_the_figure_says_who_is_ahead_and_shows_every_seed() -> None:
    shown = [widgets.CareTaken(care=taken, n=n) for taken, n in STATES]
    for widget, page in zip(shown, stills(*shown), strict=True):
        said = page.select_one(".dsf-finding").text
        found = [care.MIXERS[mixer] for mixer in ahead_of_s6(widget.n, widget.care)]
        assert all(f" {name}" in said.partition("Ahead of S6:")[2] for name in found)
        assert ("Nobody is more than one point ahead" in said) == (not found)
        assert len(page.select("svg circle")) == 3 * len(care.MIXERS)
        picture = page.select_one("svg[role=img]")
        for mixer in care.MIXERS:
            seeds = care.accuracies(mixer, widget.n, widget.care)
            tried = care.settings(mixer, widget.n, widget.care)
            assert tried == settings_of(mixer, widget.care)
            told = f"{percent(mean(seeds))}, best of {tried}" if tried > 1 else percent(mean(seeds))
            assert told in [text.text for text in picture.select("text")]
            assert ", ".join(map(percent, seeds)) in picture["aria-label"]


def test_the_line_of_guessing_is_that_of_the_task() -> None:
    assert widgets.CareTaken().state()["guessed"] == position_level(64, 8)
