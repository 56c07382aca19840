"""The record `lab` as the figure that trains draws it: the course of every seed of each setting.

The figure draws it behind the runs of its reader, so it comes with the script, in as few bytes as
the picture needs: `python -m book.bundle` writes what `script` gives into `js/lab/record.js`, and
`js/lab/recorded.js` reads it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from dsf import results
from dsf.results import Run

RECORD = "lab"
ACCURACY, LOSS = 0.01, 0.05
"""What the numbers are rounded to: about a pixel of the figure."""

THINNED = 2
"""Reports for each point of a curve."""

_FIRST = 35  # the character that stands for 0; those after it can be read


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


def packed(numbers: Iterable[int]) -> str:
    """Numbers as text: a character for each difference from the one before, the first from 0.

    Args:
        numbers: whole, of any sign.

    Returns:
        As many characters; from `_FIRST` on they stand for 0, -1, 1, -2, 2, ...
    """
    text, before = [], 0
    for number in numbers:
        step, before = number - before, number
        text.append(chr(_FIRST + (2 * step if step >= 0 else -2 * step - 1)))
    return "".join(text)


def script() -> str:
    """The record as a module of JavaScript.

    Returns:
        Its source: `EVERY`, `UNITS` and `RECORD`.

    Raises:
        ValueError: the runs of the record do not report at the same steps.
    """
    (first, *others) = {curve.steps for curve in curves()}
    if others or [*first] != [first[0] * (k + 1) for k in range(len(first))]:
        raise ValueError(f"{RECORD} has reports at {first}, expected equal distances everywhere")
    lines = [
        f"/** Steps between two points. */\nexport const EVERY = {first[0]};",
        f"export const UNITS = {{ accuracy: {ACCURACY}, loss: {LOSS} }};",
        "/**",
        " * By mixer, start and n: the accuracy of each seed, then the mean of their losses.",
        " * A character for each step, see `packed` in `dsf/widgets/recorded_lab.py`.",
        " * @type {Record<string, {accuracy: string[], loss: string}>}",
        " */",
        "export const RECORD = {",
    ]
    for curve in curves():
        lines += [f'  "{curve.mixer}|{curve.start}|{curve.n}": {{', "    accuracy: ["]
        lines += [f"      {json.dumps(packed(row))}," for row in curve.accuracy]
        lines += ["    ],", f"    loss: {json.dumps(packed(curve.loss))},"]
        lines.append("  },")
    return "\n".join([*lines, "};", ""])


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
