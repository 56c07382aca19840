"""The recorded curves behind those of the figure that trains."""

import gzip
import json
from collections import defaultdict
from statistics import fmean
from typing import Any

import pytest

from book import bundle
from dsf import results
from dsf.mixers import mixer_class
from dsf.results import Run
from dsf.widgets import MQARLab, recorded_lab
from dsf.widgets.recorded_lab import ACCURACY, LOSS, curves
from dsf.widgets.training import DEFAULTS, STARTS

SIZES = (4, 8, 16, 32)
SLOW = {"s6": "slow poles, long steps", "ssd": "slow"}
RUNS = results.recorded("lab")
CURVES = """
import { curve } from "./dsf/widgets/js/lab/recorded.js";
import { readFileSync } from "node:fs";
const { record, asked } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(asked.map((setting) => curve(record, setting))));
"""
Setting = tuple[str, str, int]


def of_setting() -> dict[Setting, list[Run]]:
    """The runs by mixer, start and n."""
    found: dict[Setting, list[Run]] = defaultdict(list)
    for run in RUNS:
        found[run.config["mixer"], run.config["start"], run.config["n"]].append(run)
    return found


def read(settings: list[Setting]) -> list[Any]:
    """What the figure reads."""
    asked = [dict(zip(("mixer", "start", "n"), one, strict=True)) for one in settings]
    given = json.dumps({"record": recorded_lab.plain(), "asked": asked})
    text = bundle.run_node("--input-type=module", "--eval", CURVES, text=given)
    found: list[Any] = json.loads(text)
    return found


def test_every_architecture_of_the_page_is_recorded_at_the_set_up_of_the_page() -> None:
    wanted = {
        (mixer, start, n)
        for mixer in STARTS
        for start in ("", SLOW.get(mixer, ""))
        for n in ((1,) if mixer_class(mixer).expansion == "one" else SIZES)
    }
    assert {*of_setting()} == wanted
    turned = {"mixer", "start", "n", "seed", "report_every"}
    for run in RUNS:
        assert {name: run.config[name] for name in DEFAULTS.keys() - turned} == {
            name: value for name, value in DEFAULTS.items() if name not in turned
        }
    for runs in of_setting().values():
        assert sorted(run.seed for run in runs) == [0, 1, 2, 3, 4]


def test_the_figure_reads_what_was_recorded() -> None:
    settings = of_setting()
    assert len(curves()) == len(settings)
    for found, runs in zip(read([*settings]), settings.values(), strict=True):
        histories = [run.result["history"][1::2] for run in runs]
        assert found["steps"] == [step for step, _, _ in histories[0]]
        assert found["steps"] == [*range(20, 401, 20)]
        for seed, history in zip(found["accuracy"], histories, strict=True):
            assert seed == pytest.approx([x for _, _, x in history], abs=0.51 * ACCURACY)
        losses = zip(*([x for _, x, _ in history] for history in histories), strict=True)
        assert found["loss"] == pytest.approx([fmean(x) for x in losses], abs=0.51 * LOSS)


def test_what_was_not_recorded_has_no_curve() -> None:
    assert read([("softmax", "", 5), ("softmax", "slow", 4), ("toString", "", 4)]) == [None] * 3


def test_the_record_takes_few_bytes_of_a_page() -> None:
    text = json.dumps(recorded_lab.plain(), separators=(",", ":"))
    assert len(gzip.compress(text.encode(), mtime=0)) < 4_000


def test_the_record_is_no_part_of_what_a_notebook_prints() -> None:
    figure = MQARLab(mixer="s6")
    assert figure.state()["record"] == recorded_lab.plain()
    assert "mixer='s6'" in repr(figure)
    assert "record" not in repr(figure)


def test_a_run_that_diverged_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = [Run(run.config, run.seed, {**run.result, "diverged": "why"}, {}) for run in RUNS[:1]]
    monkeypatch.setattr(results, "recorded", lambda name: lost)
    with pytest.raises(ValueError, match=r"lab has a run of .* that ends: why"):
        curves.__wrapped__()
