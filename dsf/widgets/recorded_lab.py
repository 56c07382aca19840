"""The record `lab` as the figure that trains draws it: the course of every seed of each setting.

The figure draws it behind the runs of its reader, so it is part of its state, in as few bytes as
the picture needs; `js/lab/recorded.js` reads it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from dsf import results
from dsf.results import Run

RECORD = "lab"
ACCURACY, LOSS = 0.01, 0.05
"""What the numbers are rounded to: about a pixel of the figure."""

THINNED = 2
"""Reports for each point of a curve."""


class Curve(NamedTuple):
    """What the seeds of a setting did, at every second report (`THINNED`).

    Attributes:
        mixer: its name.
        start: where its training began; empty for that of its paper.
        n: state expansion.
        steps: of the reports.
        accuracy: of every seed on its validation set, in units of `ACCURACY`.
        loss: mean of the seeds, each of the training since the report before: nats a question, in
            units of `LOSS`.
    """

    mixer: str
    start: str
    n: int
    steps: tuple[int, ...]
    accuracy: tuple[tuple[int, ...], ...]
    loss: tuple[int, ...]


@cache
def curves() -> tuple[Curve, ...]:
    """The settings of the record.

    Returns:
        One curve for each, in the order in which they were run.

    Raises:
        ValueError: a run of the record diverged.
    """
    settings: dict[tuple[str, str, int], list[Run]] = {}
    for run in results.recorded(RECORD):
        if reason := run.result["diverged"]:
            raise ValueError(f"{RECORD} has a run of {run.config['mixer']} that ends: {reason}")
        key = (run.config["mixer"], run.config["start"], run.config["n"])
        settings.setdefault(key, []).append(run)
    return tuple(_curve(*key, runs) for key, runs in settings.items())


def plain() -> dict[str, Any]:
    """The record as the figure holds it.

    Returns:
        `every`, the steps between two points; the `units` of the numbers; and the `curves`: for
        each setting, named by mixer, start and n, the accuracy of every seed and the mean loss.

    Raises:
        ValueError: the runs of the record do not report at the same steps.
    """
    (first, *others) = {curve.steps for curve in curves()}
    if others or [*first] != [first[0] * (k + 1) for k in range(len(first))]:
        raise ValueError(f"{RECORD} has reports at {first}, expected equal distances everywhere")
    return {
        "every": first[0],
        "units": {"accuracy": ACCURACY, "loss": LOSS},
        "curves": {
            f"{curve.mixer}|{curve.start}|{curve.n}": {
                "accuracy": [[*seed] for seed in curve.accuracy],
                "loss": [*curve.loss],
            }
            for curve in curves()
        },
    }


def _curve(mixer: str, start: str, n: int, runs: list[Run]) -> Curve:
    histories = [run.result["history"][THINNED - 1 :: THINNED] for run in runs]
    steps = tuple(step for step, _, _ in histories[0])
    points = list(zip(*([loss for _, loss, _ in history] for history in histories), strict=True))
    means = [math.fsum(point) / len(point) for point in points]
    return Curve(
        *(mixer, start, n, steps),
        accuracy=tuple(_in(ACCURACY, (x for _, _, x in history)) for history in histories),
        loss=_in(LOSS, means),
    )


def _in(unit: float, numbers: Iterable[float]) -> tuple[int, ...]:
    return tuple(round(x / unit) for x in numbers)
