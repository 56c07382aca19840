"""Recorded runs are found by what they differ in, and told as what they are: seeds, not means."""

import dataclasses
import math

import pytest

from dsf import results
from dsf.carried import carried
from dsf.config import TrainConfig, experiment
from dsf.mixers import MIXERS, mixer_class
from dsf.results import Cell, Run, Table, alike, by_mixer

CONFIG = experiment(TrainConfig(mixer="linear", n=8))


def run(seed: int, rate: float, validation: float | None, test: float | None) -> Run:
    found = {"test_accuracy": test, "validation_accuracy": validation, "num_parameters": 1}
    found |= {"history": [[50, 1.0, validation]]}
    return Run({**CONFIG, "learning_rate": rate}, seed, found, {})


def cell(*scores: float) -> Cell:
    return Cell(CONFIG, 1e-3, (1e-3,), tuple(range(len(scores))), scores, 1)


# --- what is alike ----------------------------------------------------------------------------


def test_alike_are_runs_that_differ_in_mixer_n_and_rate_alone() -> None:
    for change in ({"mixer": "s6"}, {"n": 64}, {"learning_rate": 1e-1}):
        assert alike({**CONFIG, **change})
    for name, value in {"d_model": 32, "steps": 4000, "start": "slow", "num_kv_pairs": 4}.items():
        other = {**CONFIG, name: value}
        assert not alike(other)
        assert alike(other, **{name: value})
        assert alike(other, free=[name])
        assert not alike(CONFIG, **{name: value})
    assert not alike(CONFIG, mixer="s6")
    assert not alike({**CONFIG, "from a later version": 1})
    with pytest.raises(ValueError, match="width: expected fields of TrainConfig"):
        alike(CONFIG, width=3)


def test_cells_are_found_by_mixer_and_by_n_in_order() -> None:
    cells = results.cells(results.recorded("mqar"))
    found = by_mixer(cells, d_model=32)
    assert {"softmax", "linear", "normalized", "ssd"} <= found.keys()
    for mixer, curve in found.items():
        assert [*curve] == sorted(curve)
        for n, one in curve.items():
            assert (one.config["mixer"], one.config["n"], one.config["d_model"]) == (mixer, n, 32)
    assert by_mixer(reversed(cells), d_model=32) == found


# --- what is told -----------------------------------------------------------------------------


def test_seeds_that_learn_are_counted_apart_from_those_that_do_not() -> None:
    mixed = cell(0.12, 0.9, math.nan, 0.8)
    assert mixed.beyond(0.15) == [0.9, 0.8]
    assert mixed.shares(0.15) == "2 of 4 · 0.85 (0.80\u2060–\u20600.90)"
    assert cell(0.1, 0.1).shares(0.15) == "0 of 2"
    assert cell(0.5).shares(0.15) == "1 of 1 · 0.50"
    assert cell(0.5).spread == "0.50"
    assert cell(math.nan).spread == "diverged"


def test_a_seed_that_is_held_out_has_no_voice_in_the_choice_of_its_rate() -> None:
    # Seed 2 alone likes the rate 2, so much that the mean over all seeds does too.
    runs = [run(s, 1.0, 0.5, 0.51) for s in (0, 1)] + [run(2, 1.0, 0.0, 0.01)]
    runs += [run(s, 2.0, 0.4, 0.41) for s in (0, 1)] + [run(2, 2.0, 1.0, 0.99)]
    [found] = results.cells(runs)
    assert found.learning_rate == 2.0
    assert found.scores == (0.41, 0.41, 0.99)
    assert found.held_out == (0.41, 0.41, 0.01)
    lost = dataclasses.replace(runs[2], result={**runs[2].result, "test_accuracy": None})
    [found] = results.cells([*runs[:2], lost, *runs[3:]])
    assert math.isnan(found.held_out[2])


def test_of_the_record_the_seeds_held_out_do_no_better_on_the_whole() -> None:
    cells = results.cells(results.recorded("mqar"))
    assert all(len(one.held_out) == len(one.seeds) for one in cells)
    gained = [one.mean - sum(one.held_out) / len(one.seeds) for one in cells if not one.diverged]
    assert sum(gained) / len(gained) > 0


def test_a_table_is_markdown_and_has_no_crooked_rows() -> None:
    table = Table(["a", "b"], [["1", "2"], ["3", "4"]])
    assert str(table) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"
    assert table._repr_markdown_() == str(table)
    with pytest.raises(ValueError, match="row 1 has 1 cells, expected 2 as the head"):
        Table(["a", "b"], [["1", "2"], ["3"]])


# --- what is carried --------------------------------------------------------------------------


@pytest.mark.parametrize("mixer", MIXERS)
def test_what_is_carried_is_the_state_and_the_window_of_the_convolution(mixer: str) -> None:
    one = mixer_class(mixer).expansion == "one"
    n, d, taps, layers = 1 if one else 6, 16, 3, 2
    config = TrainConfig(mixer=mixer, n=n, d_model=d, conv_kernel=taps, num_layers=layers)
    state = {
        "softmax": config.seq_len * (n + d),  # the cache
        "linear": n * d + n,  # and the row sum
    }.get(mixer, n * d)
    assert carried(config) == layers * (state + (taps - 1) * d)
    assert carried(experiment(config)) == carried(config)
    assert carried(dataclasses.replace(config, conv_kernel=0, num_layers=1)) == state


def test_a_config_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="mixer is 'x', expected one of"):
        carried({**CONFIG, "mixer": "x"})
