"""Everything that is checked of a recorded run when it is read, part by part.

What is checked is type and range of every field, and where one number follows from others, that it
does: an accuracy is a whole number of answers, the last report is that of the last step. A digit
that was changed into another possible one cannot be seen: a line has no checksum, so that it can be
read, compared and mended by hand.
"""

from __future__ import annotations

import dataclasses
import math
import re
from functools import cache
from reprlib import repr as short
from typing import Any, get_type_hints

from dsf.config import ADDED, NOT_RECORDED, Config, config_class
from dsf.tasks import ACCURACY, TASKS, Metric

_RESULT = ("test_{}", "validation_{}", "steps", "diverged", "num_parameters", "history")
OPTIONAL = ("learned",)
"""What a result has only where the mixers tell what they learnt, and early runs not even there."""

PROVENANCE = ("commit", "versions", "device", "threads", "seconds")
"""What is required of the provenance."""

LATER = ("processor_seconds",)
"""What the provenance has, but for early runs."""

_COMMIT = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\+?")
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls, halves of characters
_DEEP = 8  # how deep a value of another version may be nested
_ROUNDED = 0.5001e-4  # how far a number of the history may be from what it was rounded from


def config_hints(task: str) -> dict[str, Any]:
    """The types of the fields of a recorded config; of an unknown task those that all have."""
    return _hints(config_class(task) if task in TASKS else Config)


@cache
def _hints(kind: type[Config]) -> dict[str, Any]:
    hints, fields = get_type_hints(kind), dataclasses.fields(kind)
    return {field.name: hints[field.name] for field in fields if field.name not in NOT_RECORDED}


def metric_of(config: dict[str, Any], result: dict[str, Any]) -> Metric:
    """The metric of the task; for a task that is not known the one whose name the result has."""
    task = config.get("task", ADDED["task"])
    if task in TASKS:
        return TASKS[task].metric
    known = [kind.metric for kind in TASKS.values()]
    return next((metric for metric in known if f"test_{metric.name}" in result), ACCURACY)


def result_fields(metric: Metric) -> tuple[str, ...]:
    """What is required of a result."""
    return tuple(name.format(metric.name) for name in _RESULT)


def check_text(text: str) -> None:
    """Refuse a text that a terminal could not show."""
    if _UNSHOWN.search(text):
        raise ValueError(f"a text is {short(text)}, expected none with control characters")


def _expect(good: bool, name: str, value: Any, expected: str) -> None:
    if not good:
        raise ValueError(f"{name} is {short(value)}, expected {expected}")


def whole(name: str, value: Any, low: int) -> None:
    """Refuse what is no whole number of at least `low`."""
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
        check_text(value)


def _fields(name: str, part: Any, required: tuple[str, ...]) -> dict[str, Any]:
    """A part of a run that has what is required; what else it has is at least plain."""
    good = isinstance(part, dict) and all(field in part for field in required)
    found = sorted(part) if isinstance(part, dict) else part
    _expect(good, name, found, f"an object with {', '.join(required)}")
    return {field: value for field, value in part.items() if field not in required}


def checked_config(config: Any) -> dict[str, Any]:
    """The config, where floats that JSON has as whole numbers are floats, as keys need them."""
    _fields("config", config, ("learning_rate",))  # without which nothing can be chosen
    task = config.get("task", ADDED["task"])
    _expect(isinstance(task, str), "config.task", task, "a str")
    hints = config_hints(task)
    before = {name: value for name, value in ADDED.items() if name in hints}
    return {
        name: _checked_value(f"config.{name}", value, hints.get(name))
        for name, value in {**before, **config}.items()
    }


def _checked_value(name: str, value: Any, hint: Any) -> Any:
    if hint is int:
        whole(name, value, 0)
    elif hint is float or (hint == float | None and value is not None):
        _number(name, value)
        return float(value)
    elif isinstance(hint, type):
        _expect(isinstance(value, hint), name, value, f"a {hint.__name__}")
    else:
        _plain(name, value)
    return value


def check_result(result: Any, config: dict[str, Any]) -> None:
    """Refuse a result whose fields are not of their types, in their ranges and of one another."""
    metric = metric_of(config, result if isinstance(result, dict) else {})
    for name, value in _fields("result", result, result_fields(metric)).items():
        _plain(f"result.{name}", value)
    lost = result["diverged"]
    good = lost is None or (isinstance(lost, str) and lost != "")
    _expect(good, "result.diverged", lost, "null or the reason")
    for name in (f"test_{metric.name}", f"validation_{metric.name}"):
        if lost is None:
            _number(f"result.{name}", result[name], metric.low, metric.high)
        else:
            _expect(result[name] is None, f"result.{name}", result[name], "null, as it diverged")
    whole("result.steps", result["steps"], 0)
    whole("result.num_parameters", result["num_parameters"], 1)
    history = result["history"]
    good = isinstance(history, list) and bool(history)
    _expect(good, "result.history", history, "a list of at least one report")
    before = 0
    for place, report in enumerate(history):
        name = f"result.history[{place}]"
        good = isinstance(report, list) and len(report) == 3
        _expect(good, name, report, f"[step, loss, {metric.name}]")
        step, loss, score = report
        whole(f"{name}[0]", step, before + 1)
        may_be_lost = lost is not None and place == len(history) - 1
        if not (may_be_lost and loss is None):
            _number(f"{name}[1]", loss, 0)
        if not (may_be_lost and score is None):
            _number(f"{name}[2]", score, metric.low, metric.high)
        before = step
    done = result["steps"]
    _expect(done == before, "result.steps", done, f"{before}, the step of the last report")
    last, validation = history[-1][2], result[f"validation_{metric.name}"]
    good = lost is not None or abs(validation - last) <= _ROUNDED
    _expect(good, f"result.validation_{metric.name}", validation, f"{last}, of the last report")
    if "learned" in result:
        _check_learned(result["learned"], lost is not None)


def _check_learned(learned: Any, lost: bool) -> None:
    """Refuse what are not numbers by name, layer by layer; null is one that a lost run lost."""
    good = isinstance(learned, list) and any(layer != {} for layer in learned)
    _expect(good, "result.learned", learned, "a list of what each layer learnt, not all empty")
    for place, layer in enumerate(learned):
        _expect(isinstance(layer, dict), f"result.learned[{place}]", layer, "an object of numbers")
        for name, value in layer.items():
            if not (lost and value is None):
                _number(f"result.learned[{place}].{name}", value)


def check_provenance(provenance: Any) -> None:
    """Refuse a provenance whose fields are not of their types and in their ranges."""
    for name, value in _fields("provenance", provenance, PROVENANCE).items():
        _plain(f"provenance.{name}", value)
    commit, versions = provenance["commit"], provenance["versions"]
    good = commit is None or (isinstance(commit, str) and _COMMIT.fullmatch(commit) is not None)
    _expect(good, "provenance.commit", commit, "null or a commit of git, maybe with a +")
    good = isinstance(versions, dict) and all(isinstance(text, str) for text in versions.values())
    _expect(good, "provenance.versions", versions, "an object of texts")
    device = provenance["device"]
    _expect(isinstance(device, str), "provenance.device", device, "a text")
    whole("provenance.threads", provenance["threads"], 1)
    _number("provenance.seconds", provenance["seconds"], 0)
    # Runs recorded before there was this clock lack it.
    _number("provenance.processor_seconds", provenance.get("processor_seconds", 0), 0)


def check_course(result: dict[str, Any], config: Config) -> None:
    """Refuse a result that cannot be that of a configuration."""
    history, lost = result["history"], result["diverged"]
    goal, metric, asked = config.goal, config.metric, config.sizes.questions
    layers = len(result.get("learned", range(config.num_layers)))
    _expect(
        layers == config.num_layers,
        "result.learned",
        result.get("learned"),
        f"one object for each of num_layers = {config.num_layers}",
    )
    for place, (step, _, score) in enumerate(history):
        due = min(config.report_every * (place + 1), config.steps)
        _expect(step == due, f"result.history[{place}][0]", step, f"{due}, of report_every")
        if metric is ACCURACY:
            _answers(f"result.history[{place}][2]", score, asked * config.num_validation, 4)
    if metric is ACCURACY:
        for name, number in (("validation", config.num_validation), ("test", config.num_test)):
            _answers(f"result.{name}_accuracy", result[f"{name}_accuracy"], asked * number)

    def reached(score: float, leeway: float) -> bool:
        return goal is not None and metric.reached(score + metric.sign * leeway, goal)

    for place, (_, _, score) in enumerate(history[:-1]):
        expected = f"{'less' if metric.sign > 0 else 'more'} than {goal} before the last"
        _expect(not reached(score, -_ROUNDED), f"result.history[{place}][2]", score, expected)
    step, *measured = history[-1]
    done = step == config.steps or (lost is not None and None in measured)
    done = done or (measured[1] is not None and reached(measured[1], _ROUNDED))
    _expect(
        done, "result.steps", step, f"{config.steps}, as it neither diverged nor reached {goal}"
    )


def _answers(name: str, accuracy: float | None, questions: int, digits: int | None = None) -> None:
    """An accuracy is a whole number of right answers out of so many, maybe rounded."""
    if accuracy is not None:
        exact = round(accuracy * questions) / questions
        good = accuracy == (exact if digits is None else round(exact, digits))
        _expect(good, name, accuracy, f"a whole number of right answers to {questions} questions")
