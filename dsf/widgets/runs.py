"""Recorded runs as the MQAR explorer draws them: plain cells, names, markers, numbers in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from dsf.looks import LOOKS, NEUTRAL, SHAPES, Shape
from dsf.mixers import TITLES
from dsf.results import Cell
from dsf.tasks.hints import position_level
from dsf.train import TrainConfig
from dsf.widgets.base import number

DIVERGED = "✗"
Plain = dict[str, Any]
_DEFAULTS = {field.name: field.default for field in fields(TrainConfig)}
_TASK = {  # the fields of a config that say what is asked, and their letters
    "seq_len": "L",
    "num_kv_pairs": "K",
    "vocab_size": "V",
    "power_a": "a",
    "queries_per_key": "R",
    "random_non_queries": "random",
}
# What all mixers of a chart share, in words: another block or budget is another chart. The first
# three are told in every title, the others where they are not the default.
_TITLE = {
    "num_kv_pairs": "{} pairs",
    "seq_len": "{} tokens",
    "vocab_size": "vocabulary {}",
    "power_a": "a = {}",
    "queries_per_key": "{} questions a key",
    "random_non_queries": "random filler",
    "num_layers": "{} layers",
    "conv_kernel": "convolution over {}",
    "mlp_ratio": "MLP of width {} d",
    "position_embedding": "learned positions",
    "steps": "{} steps",
}
_ALWAYS = tuple(_TITLE)[:3]
_UNKNOWN = Shape(".", 16, 0.6, 0, "●")  # a mixer that `dsf.looks` does not know


def collect(cells: Iterable[Cell]) -> tuple[list[Plain], dict[str, Plain], dict[str, Plain]]:
    """What is drawn of cells.

    A task is what is asked, of which block, within how many steps. Its cells differ in mixer, n and
    d, and maybe in more: that becomes part of the name of the mixer where it is not the default of
    `dsf.train.TrainConfig`.

    Args:
        cells: of `dsf.results.cells`.

    Returns:
        Cells with task, mixer, n, d, accuracy of every seed (4 digits, None if the run diverged),
        rate and number of rates tried; L, K, V, a, R of the tasks by title, and what the position
        of a question alone gives away (`position_level`); and what `look` says of the mixers by
        name, in the order of `dsf.mixers.TITLES`.
    """
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(title_of(**cell.config), []).append(cell)

    def asked(title: str) -> dict[str, Any]:
        return {letter: groups[title][0].config[field] for field, letter in _TASK.items()}

    def place(title: str) -> tuple[Any, ...]:  # of one question, the plain model first
        return *asked(title).values(), title.count(","), title

    plain, tasks = [], {}
    mixers: dict[str, list[str]] = {}
    for title in sorted(groups, key=place):
        group = groups[title]
        tasks[title] = {**asked(title), "position": round(position_level(**_fields(group[0])), 4)}
        configs = [cell.config for cell in group]
        telling = [
            name
            for name in configs[0]
            if name not in ("mixer", "n", "d_model")
            and any(config[name] != configs[0][name] for config in configs)
        ]
        for cell in group:
            told = _told(cell.config, telling)
            mixer = ", ".join([cell.config["mixer"], *told])
            mixers[mixer] = [cell.config["mixer"], *told]
            plain.append({"task": title, "mixer": mixer, **_numbers(cell)})
    order = sorted(mixers, key=_place)
    plain.sort(key=lambda cell: (order.index(cell["mixer"]), cell["d"], cell["n"]))
    variants: Counter[str] = Counter()
    looks = {}
    for name in order:
        mixer, *told = mixers[name]
        variants[mixer] += bool(told)
        looks[name] = look(mixer, told, variants[mixer])
    return plain, tasks, looks


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
        radius = (5 + 2 * max(0, variant - 1)) * (dent if k % 2 else 1)
        points.append(f"{radius * math.cos(angle):.1f} {radius * math.sin(angle):.1f}")
    return {
        "title": ", ".join([TITLES.get(mixer, mixer), *told]),
        "color": known.color if known else NEUTRAL,
        "marker": f"M{'L'.join(points)}z",
        "hollow": variant > 0,
    }


def title_of(**asked: Any) -> str:
    """The title of a task.

    Args:
        **asked: fields of a config; the others are the default of `dsf.train.TrainConfig`.

    Returns:
        The title.
    """
    config = {**_DEFAULTS, **asked}
    told = [name for name in _TITLE if name in _ALWAYS or config[name] != _DEFAULTS[name]]
    words = {"conv_kernel": "no convolution"}
    return ", ".join(
        words[name] if name in words and not config[name] else _TITLE[name].format(config[name])
        for name in told
    )


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


def brief(cell: Plain) -> str:
    """The mean and the range of a cell in words.

    Args:
        cell: of `collect`.

    Returns:
        Text, with a cross if a run diverged.
    """
    seen = [value for value in cell["accuracy"] if value is not None]
    if not seen:
        return "diverged"
    spread = f" ({number(min(seen))} to {number(max(seen))})" if len(seen) > 1 else ""
    cross = f" {DIVERGED}" if len(seen) < len(cell["accuracy"]) else ""
    return f"{number(sum(seen) / len(seen))}{spread}{cross}"


def _told(config: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Fields in words, where they are not the default."""
    told = []
    for name in names:
        value, words = config[name], name.removeprefix("num_").replace("_", " ")
        if value != _DEFAULTS.get(name):
            shown = f"{value:g}" if isinstance(value, float) else value
            told.append(words if value is True else f"{words} = {shown}")
    return told


def _fields(cell: Cell) -> dict[str, Any]:
    """What `position_level` takes of a config."""
    names = ("seq_len", "num_kv_pairs", "power_a", "queries_per_key")
    return {name: cell.config[name] for name in names}


def _numbers(cell: Cell) -> Plain:
    return {
        "n": cell.config["n"],
        "d": cell.config["d_model"],
        "accuracy": [round(x, 4) if math.isfinite(x) else None for x in cell.accuracy],
        "rate": float(f"{cell.learning_rate:.3g}"),
        "tried": len(cell.learning_rates),
    }


def _place(name: str) -> tuple[int, str]:
    """Where a mixer stands in lists; one that is not known stands last."""
    known, mixer = list(TITLES), name.split(",")[0]
    return known.index(mixer) if mixer in known else len(known), name
