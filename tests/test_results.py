"""The reader of recorded runs."""

import dataclasses
import json
import math
from pathlib import Path

import pytest

from dsf import results
from dsf.results import Run
from dsf.sweep import read_grid

GRIDS = Path(results.__file__).parent


def run(rate, seed, test, validation=None, mixer="linear", diverged=None):
    return Run(
        config={"mixer": mixer, "n": 4, "learning_rate": rate},
        seed=seed,
        result={
            "test_accuracy": test,
            "validation_accuracy": test if validation is None else validation,
            "diverged": diverged,
            "num_parameters": 10,
        },
        provenance={},
    )


def test_the_learning_rate_is_chosen_on_validation_not_on_the_test():
    runs = [run(0.1, 0, test=0.9, validation=0.3), run(0.2, 0, test=0.5, validation=0.4)]
    (cell,) = results.cells(runs)
    assert cell.learning_rate == 0.2
    assert cell.accuracy == (0.5,)
    assert cell.learning_rates == (0.1, 0.2)


def test_the_mean_over_the_seeds_decides_and_the_spread_is_kept():
    runs = [run(0.1, 1, 0.9), run(0.1, 0, 0.1), run(0.2, 0, 0.6), run(0.2, 1, 0.7)]
    (cell,) = results.cells(runs)
    assert cell.learning_rate == 0.2
    assert cell.seeds == (0, 1)
    assert cell.accuracy == (0.6, 0.7)
    assert (cell.low, cell.high) == (0.6, 0.7)
    assert cell.mean == pytest.approx(0.65)


def test_a_rate_with_fewer_seeds_does_not_compete():
    (cell,) = results.cells([run(0.1, 0, 0.99), run(0.2, 0, 0.5), run(0.2, 1, 0.5)])
    assert cell.learning_rate == 0.2


def test_between_equal_rates_the_smaller_is_taken_whatever_the_order():
    for rates in ((0.1, 0.2), (0.2, 0.1)):
        (cell,) = results.cells([run(rate, 0, 1.0) for rate in rates])
        assert cell.learning_rate == 0.1


def test_a_diverged_run_counts_as_nothing_and_is_counted():
    lost = Run(**{**run(0.1, 1, None).__dict__, "result": {
        "test_accuracy": None, "validation_accuracy": None, "diverged": "why", "num_parameters": 1,
    }})  # fmt: skip
    (cell,) = results.cells([run(0.1, 0, 0.8), lost, run(0.2, 0, 0.45), run(0.2, 1, 0.45)])
    assert cell.learning_rate == 0.2  # 0.9 beats 0.8 + 0
    (cell,) = results.cells([run(0.1, 0, 0.8), lost])
    assert cell.diverged == 1
    assert math.isnan(cell.accuracy[1])
    assert (cell.mean, cell.low, cell.high) == (0.8, 0.8, 0.8)
    (cell,) = results.cells([lost])
    assert math.isnan(cell.mean)


def test_settings_stay_apart_and_in_order():
    runs = [run(0.1, 0, 0.5, mixer="ssd"), run(0.1, 0, 0.7), run(0.1, 1, 0.6, mixer="ssd")]
    cells = results.cells(runs)
    assert [cell.config["mixer"] for cell in cells] == ["ssd", "linear"]
    assert [len(cell.seeds) for cell in cells] == [2, 1]
    assert "learning_rate" not in cells[0].config
    assert results.cells([]) == []


def test_a_line_that_is_no_run_is_named(tmp_path):
    path = tmp_path / "runs.jsonl"
    line = json.dumps(run(0.1, 0, 0.5).__dict__)
    path.write_text(f"{line}\n{line}\n", encoding="utf-8")
    assert results.read(path) == [run(0.1, 0, 0.5)] * 2
    for wrong, message in (("{", "not JSON"), ("[1]", "found list"), ('{"seed": 1}', "'seed'")):
        path.write_text(f"{line}\n{wrong}\n", encoding="utf-8")
        with pytest.raises(ValueError, match=rf"runs\.jsonl, line 2: .*{message}"):
            results.read(path)


def test_an_unknown_record_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"name = 'mqr': expected one of .*mqar"):
        results.recorded("mqr")


# The record that comes with the package.


@pytest.mark.parametrize("path", sorted(GRIDS.glob("*.toml")), ids=lambda path: path.name)
def test_the_grids_of_the_records_can_be_run(path):
    configs = read_grid(path)
    assert len(configs) > 100
    settings: dict = {}
    for config in configs:
        setting = dataclasses.replace(config, seed=0, learning_rate=1.0)
        settings.setdefault(setting, []).append(config)
    for runs in settings.values():
        assert len({config.learning_rate for config in runs}) >= 4
        assert len({config.seed for config in runs}) >= 3


def test_the_recorded_runs_say_where_they_come_from():
    runs = results.recorded("mqar")
    assert len({run.key for run in runs}) == len(runs)
    for run in runs:
        assert run.provenance["commit"]
        assert run.provenance["device"]
        assert run.provenance["versions"]["torch"]
        assert run.provenance["seconds"] > 0
        if run.result["diverged"] is None:
            assert 0 <= run.result["test_accuracy"] <= 1
            assert run.result["history"][-1][0] == run.result["steps"] <= run.config["steps"]


def test_every_recorded_setting_was_tried_with_four_rates_and_three_seeds():
    for cell in results.cells(results.recorded("mqar")):
        assert len(cell.learning_rates) >= 4
        assert len(cell.seeds) >= 3
