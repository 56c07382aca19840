"""One line of a record: a run as JSON, and everything that is checked of it when it is read.

What is checked is type and range of every field, and where one number follows from others, that it
does: an accuracy is a whole number of answers, the last report is that of the last step. A digit
that was changed into another possible one cannot be seen: a line has no checksum, so that it can be
read, compared and mended by hand.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from reprlib import repr as short
from typing import Any, get_type_hints

from dsf.mixers import MIXERS
from dsf.train import ADDED, TrainConfig

NOT_CONFIG = ("seed", "device", "compile")
"""Fields of `dsf.train.TrainConfig` that are no part of a recorded config."""

_PARTS = ("config", "seed", "result", "provenance")
_CONFIG = {k: hint for k, hint in get_type_hints(TrainConfig).items() if k not in NOT_CONFIG}
_RESULT = (
    "test_accuracy", "validation_accuracy", "steps", "diverged", "num_parameters", "history"
)  # fmt: skip
_PROVENANCE = ("commit", "versions", "device", "threads", "seconds")
_COMMIT = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\+?")
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls, halves of characters
_DIGITS = 19  # of a whole number below 2^63
_DEEP = 8  # how deep a value of another version may be nested
_ROUNDED = 0.5001e-4  # how far a number of the history may be from what it was rounded from


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        config: what was trained: see `dsf.results`.
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


def run_key(config: dict[str, Any], seed: int) -> str:
    """Config and seed as text, equal for equal experiments.

    A field that was added later (`dsf.train.ADDED`) is left out where it has the value that all
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
        ValueError: If the line could not be read again.
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
        ValueError: Naming the field, what it is, and what was expected.
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
    _whole("seed", seed, 0)
    config = _checked_config(config)
    _check_result(result)
    _check_provenance(provenance)
    run = Run(config, seed, result, provenance)
    if config.keys() == _CONFIG.keys() and config["mixer"] in MIXERS:
        _check_course(TrainConfig(**config, seed=seed), result)
    return run


def foreign(run: Run) -> str:
    """What shows that a run was recorded by another version of this package.

    Args:
        run: as read.

    Returns:
        Words, none if nothing does.
    """
    missing = [name for name in _CONFIG if name not in run.config]
    known = {"config": _CONFIG, "result": _RESULT, "provenance": _PROVENANCE}
    more = [
        f"{part}.{name}"
        for part, names in known.items()
        for name in getattr(run, part)
        if name not in names
    ]
    mixer = run.config.get("mixer")
    said = [
        "without " + ", ".join(f"config.{name}" for name in missing) if missing else "",
        "with " + ", ".join(more) if more else "",
        f"with the mixer {mixer!r}" if mixer is not None and mixer not in MIXERS else "",
    ]
    return " and ".join(filter(None, said))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names differ; all text can be shown on a terminal."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{short(twice)} stands twice in one object, expected once")
    for name, value in pairs:
        _check_text(name)
        if isinstance(value, str):
            _check_text(value)
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


def _check_text(text: str) -> None:
    if _UNSHOWN.search(text):
        raise ValueError(f"a text is {short(text)}, expected none with control characters")


def _expect(good: bool, name: str, value: Any, expected: str) -> None:
    if not good:
        raise ValueError(f"{name} is {short(value)}, expected {expected}")


def _whole(name: str, value: Any, low: int) -> None:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= low
    _expect(good, name, value, f"a whole number, at least {low}")


def _number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    limits = "" if low == -math.inf else f", at least {low:g}"
    limits = limits if high == math.inf else f" from {low:g} to {high:g}"
    _expect(good, name, value, f"a number{limits}")


def _plain(name: str, value: Any, deep: int = _DEEP) -> None:
    """A value of which nothing is known, but that text, lists and tables can show."""
    _expect(deep > 0, name, value, f"at most {_DEEP} values within each other")
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _plain(name, inner, deep - 1)
    elif isinstance(value, str):
        _check_text(value)


def _fields(name: str, part: Any, required: tuple[str, ...]) -> dict[str, Any]:
    """A part of a run that has what is required; what else it has is at least plain."""
    good = isinstance(part, dict) and all(field in part for field in required)
    found = sorted(part) if isinstance(part, dict) else part
    _expect(good, name, found, f"an object with {', '.join(required)}")
    return {field: value for field, value in part.items() if field not in required}


def _checked_config(config: Any) -> dict[str, Any]:
    """The config, where floats that JSON has as whole numbers are floats, as keys need them."""
    _fields("config", config, ("learning_rate",))  # without which nothing can be chosen
    before = {name: value for name, value in ADDED.items() if name in _CONFIG}
    config = {**before, **config}
    return {name: _checked_value(f"config.{name}", value) for name, value in config.items()}


def _checked_value(name: str, value: Any) -> Any:
    hint = _CONFIG.get(name.removeprefix("config."))
    if hint is int:
        _whole(name, value, 0)
    elif hint is float or (hint == float | None and value is not None):
        _number(name, value)
        return float(value)
    elif isinstance(hint, type):
        _expect(isinstance(value, hint), name, value, f"a {hint.__name__}")
    else:
        _plain(name, value)
    return value


def _check_result(result: Any) -> None:
    for name, value in _fields("result", result, _RESULT).items():
        _plain(f"result.{name}", value)
    lost = result["diverged"]
    good = lost is None or (isinstance(lost, str) and lost != "")
    _expect(good, "result.diverged", lost, "null or the reason")
    for name in ("test_accuracy", "validation_accuracy"):
        if lost is None:
            _number(f"result.{name}", result[name], 0, 1)
        else:
            _expect(result[name] is None, f"result.{name}", result[name], "null, as it diverged")
    _whole("result.steps", result["steps"], 0)
    _whole("result.num_parameters", result["num_parameters"], 1)
    history = result["history"]
    good = isinstance(history, list) and bool(history)
    _expect(good, "result.history", history, "a list of at least one report")
    before = 0
    for place, report in enumerate(history):
        name = f"result.history[{place}]"
        good = isinstance(report, list) and len(report) == 3
        _expect(good, name, report, "[step, loss, accuracy]")
        step, loss, accuracy = report
        _whole(f"{name}[0]", step, before + 1)
        may_be_lost = lost is not None and place == len(history) - 1
        if not (may_be_lost and loss is None):
            _number(f"{name}[1]", loss, 0)
        if not (may_be_lost and accuracy is None):
            _number(f"{name}[2]", accuracy, 0, 1)
        before = step
    done = result["steps"]
    _expect(done == before, "result.steps", done, f"{before}, the step of the last report")
    last, validation = history[-1][2], result["validation_accuracy"]
    good = lost is not None or abs(validation - last) <= _ROUNDED
    _expect(good, "result.validation_accuracy", validation, f"{last}, of the last report")


def _check_provenance(provenance: Any) -> None:
    for name, value in _fields("provenance", provenance, _PROVENANCE).items():
        _plain(f"provenance.{name}", value)
    commit, versions = provenance["commit"], provenance["versions"]
    good = commit is None or (isinstance(commit, str) and _COMMIT.fullmatch(commit) is not None)
    _expect(good, "provenance.commit", commit, "null or a commit of git, maybe with a +")
    good = isinstance(versions, dict) and all(isinstance(text, str) for text in versions.values())
    _expect(good, "provenance.versions", versions, "an object of texts")
    device = provenance["device"]
    _expect(isinstance(device, str), "provenance.device", device, "a text")
    _whole("provenance.threads", provenance["threads"], 1)
    _number("provenance.seconds", provenance["seconds"], 0)


def _check_course(config: TrainConfig, result: dict[str, Any]) -> None:
    """What follows from the config of a run for its result."""
    history, lost = result["history"], result["diverged"]
    asked = config.num_kv_pairs * config.queries_per_key
    for place, (step, _, accuracy) in enumerate(history):
        due = min(config.report_every * (place + 1), config.steps)
        _expect(step == due, f"result.history[{place}][0]", step, f"{due}, of report_every")
        _answers(f"result.history[{place}][2]", accuracy, asked * config.num_validation, 4)
    _answers("result.validation_accuracy", result["validation_accuracy"],
             asked * config.num_validation)  # fmt: skip
    _answers("result.test_accuracy", result["test_accuracy"], asked * config.num_test)

    goal = math.inf if config.stop_accuracy is None else config.stop_accuracy
    for place, (_, _, accuracy) in enumerate(history[:-1]):
        good = accuracy - _ROUNDED < goal
        _expect(good, f"result.history[{place}][2]", accuracy, f"less than {goal} before the last")
    step, *measured = history[-1]
    done = step == config.steps or (lost is not None and None in measured)
    done = done or (measured[1] is not None and measured[1] + _ROUNDED >= goal)
    _expect(
        done, "result.steps", step, f"{config.steps}, as it neither diverged nor reached {goal}"
    )


def _answers(name: str, accuracy: float | None, questions: int, digits: int | None = None) -> None:
    """An accuracy is a whole number of right answers out of so many, maybe rounded."""
    if accuracy is not None:
        exact = round(accuracy * questions) / questions
        good = accuracy == (exact if digits is None else round(exact, digits))
        _expect(good, name, accuracy, f"a whole number of right answers to {questions} questions")
