"""One line of a record: a run as JSON, and the key by which it is found."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from reprlib import repr as short
from typing import Any

from dsf.config import ADDED, config_class
from dsf.mixers import MIXERS
from dsf.results.checks import (
    LATER,
    OPTIONAL,
    PROVENANCE,
    check_course,
    check_provenance,
    check_result,
    check_text,
    checked_config,
    config_hints,
    metric_of,
    result_fields,
    whole,
)
from dsf.tasks import TASKS, Metric

_PARTS = ("config", "seed", "result", "provenance")
_DIGITS = 19  # of a whole number below 2^63


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        config: what was trained: see `dsf.results`.
        seed: of initialisation and data.
        result: test_accuracy, validation_accuracy (None if the run diverged; another metric than
            accuracy has its own name there), steps (done), diverged (None or the reason),
            num_parameters, and history, a list of [step, training loss in nats, validation score];
            where mixers tell what they learnt, learned, one object of numbers a layer.
        provenance: commit, versions, device, threads, seconds of wall time, and, but for early
            runs, seconds of the processor.
    """

    config: dict[str, Any]
    seed: int
    result: dict[str, Any]
    provenance: dict[str, Any]

    @property
    def key(self) -> str:
        """What makes two runs the same experiment: config and seed, as text."""
        return run_key(self.config, self.seed)

    @property
    def metric(self) -> Metric:
        """How the task is scored."""
        return metric_of(self.config, self.result)

    @property
    def test_score(self) -> float | None:
        """The score on the test set; None if the run diverged."""
        score: float | None = self.result[f"test_{self.metric.name}"]
        return score

    @property
    def validation_score(self) -> float | None:
        """The score on the validation set; None if the run diverged."""
        score: float | None = self.result[f"validation_{self.metric.name}"]
        return score


def run_key(config: dict[str, Any], seed: int) -> str:
    """Config and seed as text, equal for equal experiments.

    A field that was added later (`dsf.config.ADDED`) is left out where it has the value that all
    runs before it had, so that those are found again.

    Args:
        config: fields by name.
        seed: of the run.

    Returns:
        JSON with sorted names.
    """
    told = {k: value for k, value in config.items() if k not in ADDED or value != ADDED[k]}
    return json.dumps([told, seed], sort_keys=True)


def to_line(run: Run) -> bytes:
    """A run as a line of a record.

    Args:
        run: finished.

    Returns:
        The line with its end.

    Raises:
        ValueError: the line could not be read again.
    """
    line = json.dumps(asdict(run), allow_nan=False).encode()
    from_line(line)
    return line + b"\n"


def from_line(line: bytes) -> Run:
    """The run in a line of a record.

    Args:
        line: with or without its end.

    Returns:
        The run. A field that was added after it was recorded has the value of then. Its config may
        have fields that this version does not know, or lack some: see `foreign`.

    Raises:
        ValueError: naming the field, what it is, and what was expected.
    """
    try:
        entry = json.loads(
            line.decode(),
            object_pairs_hook=_object,
            parse_int=_parse_int,
            parse_float=_parse_float,
            parse_constant=_parse_float,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg}, column {error.colno})") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"not JSON ({error})") from error
    except RecursionError as error:
        raise ValueError("not a run, but nested without end") from error
    if not isinstance(entry, dict) or set(entry) != set(_PARTS):
        found = short(sorted(entry)) if isinstance(entry, dict) else type(entry).__name__
        raise ValueError(f"found {found}, expected an object with {', '.join(_PARTS)}")
    config, seed, result, provenance = (entry[part] for part in _PARTS)
    whole("seed", seed, 0)
    config = checked_config(config)
    check_result(result, config)
    check_provenance(provenance)
    known = config["task"] in TASKS and config.keys() == config_hints(config["task"]).keys()
    if known and config["mixer"] in MIXERS:
        check_course(result, config_class(config["task"])(**config, seed=seed))
    return Run(config, seed, result, provenance)


def foreign(run: Run) -> str:
    """What shows that a run was recorded by another version of this package.

    Args:
        run: as read.

    Returns:
        Words, none if nothing does.
    """
    known = {
        "config": config_hints(run.config["task"]),
        "result": (*result_fields(run.metric), *OPTIONAL),
        "provenance": (*PROVENANCE, *LATER),
    }
    missing = [name for name in known["config"] if name not in run.config]
    more = [
        f"{part}.{name}"
        for part, names in known.items()
        for name in getattr(run, part)
        if name not in names and (part != "config" or run.config["task"] in TASKS)
    ]
    said = [
        "without " + ", ".join(f"config.{name}" for name in missing) if missing else "",
        "with " + ", ".join(more) if more else "",
    ]
    for name, names in (("task", TASKS), ("mixer", MIXERS)):
        if (value := run.config.get(name)) is not None and value not in names:
            said.append(f"with the {name} {value!r}")
    return " and ".join(filter(None, said))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names differ; all text can be shown on a terminal."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{short(twice)} stands twice in one object, expected once")
    for name, value in pairs:
        check_text(name)
        if isinstance(value, str):
            check_text(value)
    return found


def _parse_int(text: str) -> int:
    if len(text.lstrip("-")) > _DIGITS:
        raise ValueError(f"a number is {short(text)}, expected at most {_DIGITS} digits")
    return int(text)


def _parse_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"a number is {short(text)}, expected finite ones; null stands for others")
    return value
