"""Recorded runs: what was trained, with which seed, what came out, where and when.

A file of runs is text, one JSON object a line:

    {"config": {"mixer": "linear", "n": 16, ...}, "seed": 0,
     "result": {"test_accuracy": 0.73, ...}, "provenance": {"commit": "...", ...}}

`config` holds every field of `dsf.train.TrainConfig` but the seed, the device and compile, so that
equal experiments have equal configs. A number that is not finite stands as null. `dsf.sweep` writes
such files, chapter 10 and the MQAR explorer read them.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

_PARTS = ("config", "seed", "result", "provenance")
_BEGINNING = b'{"config": '  # of every line


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        config: what was trained: see above.
        seed: of initialisation and data.
        result: test_accuracy, validation_accuracy (None if the run diverged), steps (done),
            diverged (None or the reason), num_parameters, and history, a list of
            [step, training loss in nats, validation accuracy].
        provenance: commit, versions, device, threads, and seconds of wall time.
    """

    config: dict[str, Any]
    seed: int
    result: dict[str, Any]
    provenance: dict[str, Any]

    @property
    def key(self) -> str:
        """What makes two runs the same experiment: config and seed, as text."""
        return run_key(self.config, self.seed)


@dataclass(frozen=True)
class Cell:
    """The runs of one setting at the learning rate that validation chose for it.

    Attributes:
        config: what was trained, without the learning rate.
        learning_rate: the chosen one: highest validation accuracy, mean over the seeds.
        learning_rates: all that were tried, ascending.
        seeds: ascending.
        accuracy: on the test sets, in the order of the seeds; NaN for a run that diverged.
        num_parameters: trained numbers in the model.
    """

    config: dict[str, Any]
    learning_rate: float
    learning_rates: tuple[float, ...]
    seeds: tuple[int, ...]
    accuracy: tuple[float, ...]
    num_parameters: int

    @property
    def mean(self) -> float:
        """Mean test accuracy over the seeds that did not diverge; NaN if all did."""
        finite = self._finite()
        return sum(finite) / len(finite) if finite else math.nan

    @property
    def low(self) -> float:
        """Lowest test accuracy over the seeds that did not diverge."""
        return min(self._finite(), default=math.nan)

    @property
    def high(self) -> float:
        """Highest test accuracy over the seeds that did not diverge."""
        return max(self._finite(), default=math.nan)

    @property
    def diverged(self) -> int:
        """Number of seeds whose run diverged."""
        return len(self.accuracy) - len(self._finite())

    def _finite(self) -> list[float]:
        return [value for value in self.accuracy if math.isfinite(value)]


def recorded(name: str) -> list[Run]:
    """The runs that come with the package.

    Args:
        name: of the record, for example "mqar"; `names` lists them.

    Returns:
        The runs, in the order in which they ended.

    Raises:
        ValueError: If there is no such record.
    """
    if name not in names():
        raise ValueError(f"name = {name!r}: expected one of {', '.join(names())}")
    return list(_runs(_folder().joinpath(f"{name}.jsonl").read_bytes(), name))


def names() -> list[str]:
    """Names of the records that come with the package.

    Returns:
        What `recorded` takes.
    """
    files = [Path(entry.name) for entry in _folder().iterdir()]
    return sorted(file.stem for file in files if file.suffix == ".jsonl")


def read(path: str | Path) -> list[Run]:
    """The runs in a file.

    A last line without an end, of a sweep that is writing it or was killed, is skipped; a note on
    stderr says so.

    Args:
        path: of a file that `dsf sweep` has written.

    Returns:
        The runs, in the order in which they ended.

    Raises:
        ValueError: Naming file and line, if a line is not a run.
    """
    runs, rest = split(path)
    if rest:
        print(f"{path}: skipped the last line, which has no end", file=sys.stderr)
    return runs


def split(path: str | Path) -> tuple[list[Run], bytes]:
    """The runs in a file, and what an interrupted write has left behind them.

    Args:
        path: of a file that `dsf sweep` has written.

    Returns:
        The runs, in the order in which they ended, and what follows the last end of a line.

    Raises:
        ValueError: Naming file and line, if a line is not a run, or the last one, if it has no end,
            is not the beginning of a run.
    """
    data = Path(path).read_bytes()
    whole = data.rfind(b"\n") + 1
    runs, rest = list(_runs(data[:whole], str(path))), data[whole:]
    if not (rest.startswith(_BEGINNING) or _BEGINNING.startswith(rest)):
        raise ValueError(f"{path}: the last line, {rest[:40]!r}, is not the beginning of a run")
    return runs, rest


def cells(runs: Iterable[Run]) -> list[Cell]:
    """Choose a learning rate for every setting by validation, and collect the test accuracies.

    A setting is a config without its learning rate. A run that diverged counts as validation
    accuracy 0. Of the rates, only those compete that were run with as many seeds as any.

    Args:
        runs: runs of any number of settings.

    Returns:
        One cell a setting, in the order in which the settings first appear.
    """
    settings: dict[str, dict[float, list[Run]]] = {}
    for run in runs:
        config = {**run.config, "learning_rate": None}
        rates = settings.setdefault(run_key(config, 0), {})
        rates.setdefault(run.config["learning_rate"], []).append(run)
    return [_cell(rates) for rates in settings.values()]


def run_key(config: dict[str, Any], seed: int) -> str:
    """Config and seed as text, equal for equal experiments.

    Args:
        config: fields by name.
        seed: of the run.

    Returns:
        JSON with sorted names.
    """
    return json.dumps([config, seed], sort_keys=True)


def _cell(rates: dict[float, list[Run]]) -> Cell:
    most = max(len(runs) for runs in rates.values())
    complete = {rate: runs for rate, runs in rates.items() if len(runs) == most}
    # Between equals the smaller rate.
    rate = max(sorted(complete), key=lambda rate: sum(map(_validation, complete[rate])))
    runs = sorted(complete[rate], key=lambda run: run.seed)
    tested = [run.result["test_accuracy"] for run in runs]
    return Cell(
        config={name: value for name, value in runs[0].config.items() if name != "learning_rate"},
        learning_rate=rate,
        learning_rates=tuple(sorted(rates)),
        seeds=tuple(run.seed for run in runs),
        accuracy=tuple(math.nan if value is None else value for value in tested),
        num_parameters=runs[0].result["num_parameters"],
    )


def _validation(run: Run) -> float:
    return float(run.result["validation_accuracy"] or 0)


def _runs(data: bytes, source: str) -> Iterator[Run]:
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            yield _run(line)
        except ValueError as error:
            raise ValueError(f"{source}, line {number}: {error}") from error


def _run(line: bytes) -> Run:
    try:
        entry = json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not JSON ({error})") from error
    if not isinstance(entry, dict) or set(entry) != set(_PARTS):
        found = sorted(entry) if isinstance(entry, dict) else type(entry).__name__
        raise ValueError(f"found {found}, expected an object with {', '.join(_PARTS)}")
    return Run(**entry)


def _folder() -> Any:
    return resources.files(__name__)
