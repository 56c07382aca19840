"""Recorded runs as the MQAR explorer draws them: plain cells, the lines that they make, titles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, NamedTuple

from dsf import results
from dsf.carried import carried
from dsf.looks import LOOKS, NEUTRAL, SHAPES, VARIANTS, Shape
from dsf.mixers import TITLES
from dsf.results import Cell
from dsf.tasks import mqar
from dsf.tasks.hints import asked_pairs, position_level
from dsf.train import TrainConfig
from dsf.widgets.base import number

RECORDS = ("mqar", "starts", "rates", "sizes", "maps")
"""The records whose runs are drawn, those of them that come with the package."""

DIVERGED = "✗"
AGREE = 0.1
"""How far apart the seeds of a cell may be so that their mean says something."""

BOUND = 0.05
"""How far above the hint of the positions a run has learnt to bind keys and values."""

SEQUENCES = 4
"""How many sequences of each task are drawn: the first of seed 0."""

OWN = "own"
"""The start that the paper of a mixer has."""

Plain = dict[str, Any]
_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(TrainConfig)}
# What a reader turns; in all else the cells of one figure are alike.
_VARIABLES = ("mixer", "n", "d_model", "num_kv_pairs", "start", "steps")
_STARTS = {"": OWN, "slow poles, long steps": "slow"}  # S6 and SSD have one slow start each
_OWN_TITLES = {"s6": "Mamba's poles and steps", "ssd": "Mamba-2's decay and steps"}
_START_TITLES = {
    "slow": "slow start",
    "slow poles": "slow poles alone",
    "long steps": "long steps alone",
    "fixed": "steps from 0.01",
    "ln 2": "steps from ln 2",
    "inv": "S4D-Inv's poles",
    "legs": "HiPPO-LegS poles",
}
_TIMES = {2: "twice the steps", 3: "three times the steps", 4: "four times the steps"}
_UNKNOWN = Shape(".", 16, 0.6, 0, "●")  # a mixer that `dsf.looks` does not know


class Collected(NamedTuple):
    """What is drawn of cells.

    Attributes:
        cells: line, K, n and d, accuracy of every seed (4 digits, None if the run diverged), rate
            and number of rates tried, numbers carried from token to token (None where that is not
            known), and the validation accuracy of every seed, in thousandths, every so many steps.
        lines: by name, what `look` says of it, its mixer, start and steps, words for the two, and
            the mixer of which it is a variant, else its own.
        tasks: L, K, V of the tasks, what their questions' positions give away, and sequences:
            tokens, and where each pair is asked.
    """

    cells: list[Plain]
    lines: dict[str, Plain]
    tasks: list[Plain]


@cache
def recorded() -> tuple[Cell, ...]:
    """The cells of all records that are drawn."""
    names = [name for name in RECORDS if name in results.names()]
    return tuple(results.cells(run for name in names for run in results.recorded(name)))


def collect(cells: Iterable[Cell]) -> Collected:
    """Choose the cells of one experiment and take of them what is drawn.

    They may differ in mixer, n, d, number of pairs, start and steps. In all else they are as the
    teaching task of chapter 10; where none is, as the first cell. The others are left out.

    Args:
        cells: of `dsf.results.cells`.

    Returns:
        What is drawn; lines in the order of `dsf.mixers.TITLES`.
    """
    every = list(cells)
    taught = [cell for cell in every if _same(cell.config, _DEFAULTS)]
    chosen = taught or [cell for cell in every if _same(cell.config, every[0].config)]
    lines = sorted({_line_of(cell.config) for cell in chosen}, key=_place)
    plain = [_numbers(cell) for cell in chosen]
    order = {line_name(*line): k for k, line in enumerate(lines)}
    plain.sort(key=lambda cell: (order[cell["line"]], cell["K"], cell["d"], cell["n"]))
    variants: Counter[str] = Counter()
    looks = {}
    for mixer, start, steps in lines:
        told = [_START_TITLES.get(start, start)] if start != OWN else []
        told += [_times(steps)] if steps != _DEFAULTS["steps"] else []
        variants[mixer] += bool(told)
        looks[line_name(mixer, start, steps)] = {
            **look(mixer, told, variants[mixer] if told else 0),
            **{"mixer": mixer, "name": TITLES.get(mixer, mixer), "start": start, "steps": steps},
            "from": _START_TITLES.get(start, _OWN_TITLES.get(mixer, "its paper's")),
            "for": _times(steps),
            "base": VARIANTS.get(mixer, mixer),
        }
    sizes = {cell.config["num_kv_pairs"]: cell.config for cell in chosen}
    return Collected(plain, looks, [_task(sizes[pairs]) for pairs in sorted(sizes)])


def line_name(mixer: str, start: str, steps: int) -> str:
    """The name of a line.

    Args:
        mixer: its name.
        start: where training began.
        steps: of training.

    Returns:
        The mixer, and what else differs from the default: "ssd from slow for 4000 steps".
    """
    begun = f" from {start}" if start != OWN else ""
    return mixer + begun + (f" for {steps} steps" if steps != _DEFAULTS["steps"] else "")


def start_name(start: str) -> str:
    """A start by the name that it has in a figure, where one without commas is needed.

    Args:
        start: of a configuration.

    Returns:
        The name; "own" for that of the paper.
    """
    return _STARTS.get(start, start)


def look(mixer: str, told: Sequence[str] = (), variant: int = 0) -> Plain:
    """How a mixer looks.

    Args:
        mixer: its name; one that is not known is grey.
        told: what else is told of it.
        variant: 0 for none; the marker of the k-th variant is hollow and grows with k.

    Returns:
        Title, colour, marker (an SVG path around the origin) and whether the marker is hollow.
    """
    known = LOOKS.get(mixer)
    _, corners, dent, turn, _ = SHAPES[known.symbol] if known else _UNKNOWN
    points = []
    for k in range(0, 2 * corners, 2 if dent == 1 else 1):
        angle = math.pi * k / corners - math.pi / 2 + math.radians(turn)
        radius = (5 + max(0, variant - 1)) * (dent if k % 2 else 1)
        points.append(f"{radius * math.cos(angle):.1f} {radius * math.sin(angle):.1f}")
    return {
        "title": ", ".join([TITLES.get(mixer, mixer), *told]),
        "color": known.color if known else NEUTRAL,
        "marker": f"M{'L'.join(points)}z",
        "hollow": variant > 0,
    }


def fit(sizes: Iterable[int], wanted: int) -> int:
    """The largest size that is not above the one wanted, else the smallest.

    Args:
        sizes: one or more.
        wanted: the size asked for.

    Returns:
        One of the sizes.
    """
    known = sorted(sizes)
    return max((size for size in known if size <= wanted), default=known[0])


def brief(cell: Plain, hint: float) -> str:
    """A cell in words: the mean and the range, or the seeds where they do not agree.

    Args:
        cell: of `collect`.
        hint: what the positions give away.

    Returns:
        Text, with a cross if a run diverged.
    """
    seen = sorted(value for value in cell["accuracy"] if value is not None)
    if not seen:
        return "diverged"
    cross = f" {DIVERGED}" if len(seen) < len(cell["accuracy"]) else ""
    if seen[-1] - seen[0] >= AGREE:
        bound = sum(value > hint + BOUND for value in seen)
        listed = ", ".join(map(number, seen))
        return f"{listed}: {bound} of {len(cell['accuracy'])}{cross}"
    spread = f" ({number(seen[0])} to {number(seen[-1])})" if len(seen) > 1 else ""
    return f"{number(sum(seen) / len(seen))}{spread}{cross}"


def _same(config: dict[str, Any], base: dict[str, Any]) -> bool:
    """Whether two configs differ only in what a reader turns."""
    names = config.keys() - {*_VARIABLES, "learning_rate", "seed"}
    return all(config[name] == base.get(name) for name in names)


def _line_of(config: dict[str, Any]) -> tuple[str, str, int]:
    return config["mixer"], start_name(config.get("start", "")), config["steps"]


def _numbers(cell: Cell) -> Plain:
    config = cell.config
    try:
        count: int | None = carried(config)
    except ValueError:  # a mixer that is not known here
        count = None
    history = [
        [round(1000 * score) if math.isfinite(score) else None for _, score in seed]
        for seed in cell.histories
    ]
    return {
        "line": line_name(*_line_of(config)),
        "K": config["num_kv_pairs"],
        "n": config["n"],
        "d": config["d_model"],
        "accuracy": [round(x, 4) if math.isfinite(x) else None for x in cell.scores],
        "rate": float(f"{cell.learning_rate:.3g}"),
        "tried": len(cell.learning_rates),
        "carried": count,
        "every": config["report_every"],
        "history": history,
    }


def _task(config: dict[str, Any]) -> Plain:
    names = ("seq_len", "num_kv_pairs", "vocab_size", "power_a")
    length, pairs, vocabulary, power = (config[name] for name in names)
    asks = config["queries_per_key"]
    inputs, labels = mqar.generate(
        SEQUENCES, length, pairs, vocabulary, power, config["random_non_queries"], asks, seed=0
    )
    positions = mqar.asked_positions(labels)
    which = asked_pairs(inputs, positions, pairs)
    return {
        **{"L": length, "K": pairs, "V": vocabulary},
        "hint": round(position_level(length, pairs, power, asks), 4),
        "sequences": [
            {"tokens": tokens, "asked": [at[pair == j].tolist() for j in range(pairs)]}
            for tokens, at, pair in zip(inputs.tolist(), positions, which, strict=True)
        ],
    }


def _times(steps: int) -> str:
    """Steps in words."""
    times, rest = divmod(steps, _DEFAULTS["steps"])
    return f"{steps} steps" if rest else _TIMES.get(times, f"{steps} steps")


def _place(line: tuple[str, str, int]) -> tuple[int, str, bool, str, int]:
    """Where a line stands in lists; one of a mixer that is not known stands last."""
    mixer, start, steps = line
    known = list(TITLES)
    place = known.index(mixer) if mixer in known else len(known)
    return place, mixer, start != OWN, start, steps
