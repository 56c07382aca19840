"""MQAR explorer: a sequence of the task, and what the recorded runs reach on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np
import traitlets

from dsf import mqar, results
from dsf.widgets import draw, layer, runs
from dsf.widgets.base import STATIC, Widget
from dsf.widgets.draw import number
from dsf.widgets.runs import Plain, finite

MOST = 2**20
_KEYS, _VALUES, _SLOTS = 31, 32, 33  # streams of random numbers
_NOTHING = "No runs are recorded, so there is nothing to draw."
_WORDED = 80  # items of a sequence up to which the tokens are written out


class Recall(NamedTuple):
    """A sequence of the task.

    Attributes:
        tokens: L tokens, the pairs first, 0 for filler.
        asked: for each of the K pairs, the positions at which its key is asked.
    """

    tokens: list[int]
    asked: list[list[int]]


class MQARExplorer(Widget):
    """A sequence of the task, test accuracy against n, and test accuracy over n and d.

    Attributes:
        cells: what the runs reached at the chosen learning rates, see `dsf.widgets.runs.collect`.
        tasks: L, K, V, a, R of the tasks, by title.
        mixers: title, colour and marker of the mixers, by name.
        task: the title of the task that is looked at.
        mixer: the name of the mixer that is looked at.
        n: state expansion asked for; the largest recorded one that is not above it is shown.
        d: width asked for, likewise.
        pair: the pair of the sequence that is looked at, from 0.
        seed: of the sequence, 0 to 999.

    Source: chapter 10.
    """

    name: ClassVar[str] = "mqar"
    _esm = STATIC / "mqar.mjs"

    cells = traitlets.List(traitlets.Dict()).tag(sync=True, figure=True)
    tasks = traitlets.Dict().tag(sync=True, figure=True)
    mixers = traitlets.Dict().tag(sync=True, figure=True)
    task = traitlets.Unicode().tag(sync=True, figure=True)
    mixer = traitlets.Unicode().tag(sync=True, figure=True)
    n = traitlets.Int(8, min=1, max=MOST).tag(sync=True, figure=True)
    d = traitlets.Int(64, min=1, max=MOST).tag(sync=True, figure=True)
    pair = traitlets.Int(2, min=0, max=MOST).tag(sync=True, figure=True)
    seed = traitlets.Int(1, min=0, max=999).tag(sync=True, figure=True)

    def __init__(
        self,
        cells: Iterable[results.Cell] | None = None,
        figure_id: str | None = None,
        **state: Any,
    ) -> None:
        """Collect what is drawn.

        Args:
            cells: of `dsf.results.cells`; None for the runs that come with the package.
            figure_id: id of the figure in the page.
            **state: first values of task, mixer, n, d, pair, seed.
        """
        if cells is None:
            cells = results.cells(results.recorded("mqar"))
        plain, tasks, mixers = runs.collect(cells)
        taught = runs.title_of()
        first = {
            "task": taught if taught in tasks else next(iter(tasks), ""),
            "mixer": "linear" if "linear" in mixers else next(iter(mixers), ""),
        }
        shown = {"cells": plain, "tasks": tasks, "mixers": mixers}
        super().__init__(figure_id, **shown, **{**first, **state})

    @traitlets.validate("task", "mixer")
    def _check_choice(self, proposal: Any) -> str:
        name, value = proposal["trait"].name, str(proposal["value"])
        choices = self.tasks if name == "task" else self.mixers
        if choices and value not in choices:
            raise traitlets.TraitError(
                f"{name} is {value!r}, expected one of {', '.join(map(repr, choices))}"
            )
        return value

    def chosen(self) -> Plain:
        """The cell that is looked at: of the task and mixer, with d and n as near as recorded.

        Returns:
            An entry of `cells`; of the first mixer of the task if the chosen one was not run on it.

        Raises:
            ValueError: there are no cells.
        """
        here = self._of()
        if not here:
            raise ValueError(_NOTHING)
        names = [cell["mixer"] for cell in here]
        own = self._of(self.mixer if self.mixer in names else names[0])
        return _nearest(own, self.n, self.d)

    def sequence(self) -> Recall:
        """The sequence that is shown, see `recall`."""
        return recall(self.tasks[self.task], self.seed)

    def finding(self) -> str:
        """What the chosen cell says, and the chosen pair of the sequence, in words."""
        cell, task = self.chosen(), self.tasks[self.task]
        said = f"{self._title(cell)}, d = {cell['d']}: {runs.reached(cell)}"
        rivals = [other for other in self._of("softmax") if other["d"] == cell["d"]]
        if cell["mixer"] != "softmax" and rivals:
            other = _nearest(rivals, cell["n"], cell["d"])
            said += f"; {self._title(other)}: {runs.mean(other)}"
        chance = mqar.chance_levels(task["K"], task["V"])["any value shown"]
        read, j = self.sequence(), self._pair()
        later = " and ".join(str(at - 2 * j) for at in read.asked[j])
        return (
            f"{said}; guessing one of the {task['K']} values: {number(chance)}. "
            f"Pair {j}: key {read.tokens[2 * j]}, value {read.tokens[2 * j + 1]}, "
            f"asked {later} tokens later."
        )

    def caption(self) -> str:
        """What the figure shows, with its numbers."""
        if not self.cells:
            return _NOTHING
        return (
            "A sequence of the task, test accuracy of the recorded runs against the state "
            "expansion n with the spread of the seeds, and over n and d. As first shown, for "
            f"{self.task}: {self.finding()}"
        )

    def picture(self) -> str:
        """The sequence, accuracy against n, and accuracy over n and d."""
        if not self.cells:
            return draw.picture(540, 40, _NOTHING, [draw.text(4, 24, _NOTHING)])
        strip, top = self._strip()
        names = {cell["mixer"] for cell in self._at(self.chosen()["d"])}
        below = top + 34 + max(262, 18 * len(names) + 38)
        plane, bottom = self._plane(below + 20)
        longest = max(len(self.mixers[name]["title"]) for name in names)
        width = max(560.0, 340 + 6.2 * longest)  # the names stand beside the chart
        return draw.picture(width, bottom, self.caption(), [*strip, *self._chart(top + 34), *plane])

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """Mean, lowest and highest test accuracy of every mixer and n at the present d."""
        if not self.cells:
            return _NOTHING, [""], []
        d = self.chosen()["d"]
        found = {(cell["mixer"], cell["n"]): runs.brief(cell) for cell in self._at(d)}
        sizes = sorted({n for _, n in found})
        rows = [
            [look["title"], *(found.get((name, n), "–") for n in sizes)]
            for name, look in self.mixers.items()
            if any(mixer == name for mixer, _ in found)
        ]
        title = f"Test accuracy at d = {d}: mean (lowest to highest of the seeds)"
        return title, ["", *(f"n = {n}" for n in sizes)], rows

    def _of(self, mixer: str | None = None) -> list[Plain]:
        here = [cell for cell in self.cells if cell["task"] == self.task]
        return here if mixer is None else [cell for cell in here if cell["mixer"] == mixer]

    def _at(self, d: int) -> list[Plain]:
        return [cell for cell in self._of() if cell["d"] == d]

    def _pair(self) -> int:
        pairs: int = self.tasks[self.task]["K"]
        return min(self.pair, pairs - 1)

    def _title(self, cell: Plain) -> str:
        return f"{self.mixers[cell['mixer']]['title']}, n = {cell['n']}"

    def _strip(self) -> tuple[list[str], float]:
        """The sequence in rows, and where it ends."""
        chosen = self._pair()
        items = _items(self.sequence(), self.tasks[self.task]["K"])
        worded = len(items) <= _WORDED
        width = 7.0 * max(len(words) for _, _, words in items) + 6 if worded else 14.0
        across = 2 * int(552 / width // 2)  # a pair stays in one row
        parts = [draw.text(4, 14, f"A sequence with {self.task}; pair {chosen} framed", bold=True)]
        ends = []
        for at, (kind, j, words) in enumerate(items):
            x, y = 4 + at % across * width, 44 + at // across * 34
            if kind in ("key", "value") or j == chosen:
                fill = 'fill="currentColor" fill-opacity="0.15"' if kind == "value" else _EMPTY
                frame = f'stroke="currentColor" stroke-width="{2.5 if j == chosen else 0.6}"'
                size = f'width="{width - 2:.1f}" height="22"'
                parts.append(f'<rect x="{x + 1:.1f}" y="{y}" {size} {fill} {frame}/>')
            if worded or kind in ("question", "filler"):
                shown = words if worded else "?" if kind == "question" else "·"
                parts.append(draw.text(x + width / 2, y + 15, shown, "middle", j == chosen))
            if j == chosen and kind != "value":
                ends.append((x + width / 2, float(y)))
        parts += [_join(ends[0], end) for end in ends[1:]]
        return parts, 78.0 + (len(items) - 1) // across * 34

    def _chart(self, top: float) -> list[str]:
        """Accuracy against n, and the names of the lines."""
        chosen, task = self.chosen(), self.tasks[self.task]
        here = self._at(chosen["d"])
        axes = _Axes.around(here, top + 14)
        parts = [draw.text(4, top, f"Test accuracy against n, at d = {chosen['d']}", bold=True)]
        parts.append(draw.frame(axes.left, axes.top, axes.width, axes.height))
        for n in sorted({cell["n"] for cell in here}):
            parts.append(draw.text(axes.x(n), axes.y(0) + 16, str(n), "middle"))
        for level in (0, 0.5, 1):
            parts.append(draw.text(axes.left - 5, axes.y(level) + 4, f"{level:g}", "end"))
        chance = mqar.chance_levels(task["K"], task["V"])
        for level in chance.values():
            parts.append(_line([(axes.left, axes.y(level)), (axes.right, axes.y(level))], "2 3"))
        names = [name for name in self.mixers if any(c["mixer"] == name for c in here)]
        for place, name in enumerate(names):
            look, y = self.mixers[name], top + 18 + 18 * place
            own = [cell for cell in here if cell["mixer"] == name]
            bold = name == chosen["mixer"]
            lines = "".join(_series(own, axes, look))
            parts.append(f'<g color="{look["color"]}"><g opacity="{1 if bold else 0.6}">{lines}')
            parts.append(f"</g>{_mark(look, axes.right + 16, y - 4)}</g>")
            parts.append(draw.text(axes.right + 28, y, look["title"], bold=bold))
        shown, anything = number(chance["any value shown"]), number(chance["any value"])
        said = f"dotted: guessing, {shown} and {anything}"
        parts.append(draw.text(axes.right + 28, top + 18 + 18 * len(names), said))
        return parts

    def _plane(self, top: float) -> tuple[list[str], float]:
        """Accuracy of the chosen mixer over n and d, and where the picture ends."""
        chosen = self.chosen()
        own = self._of(chosen["mixer"])
        sizes, widths = (sorted({cell[size] for cell in own}) for size in "nd")
        w, h = min(64.0, 500 / len(sizes)), 28
        title = f"{self.mixers[chosen['mixer']]['title']}: test accuracy over n (across) and d (up)"
        parts = [draw.text(4, top, title, bold=True)]
        for cell in own:
            x, y = 40 + sizes.index(cell["n"]) * w, top + 14 + h * widths[::-1].index(cell["d"])
            frame = 'stroke="currentColor" stroke-width="2.5"' if cell == chosen else ""
            parts.append(
                f'<rect x="{x:.1f}" y="{y:g}" width="{w - 2:.1f}" height="{h - 2}" {frame} '
                f'fill="{draw.PLUS}" fill-opacity="{0.65 * runs.average(cell):.3f}"/>'
            )
            parts.append(draw.text(x + w / 2 - 1, y + 17, runs.short(cell), "middle"))
        bottom = top + 14 + h * len(widths)
        for row, d in enumerate(widths[::-1]):
            parts.append(draw.text(34, top + 31 + h * row, str(d), "end"))
        for column, n in enumerate(sizes):
            parts.append(draw.text(39 + (column + 0.5) * w, bottom + 14, str(n), "middle"))
        return parts, bottom + 22


def _nearest(cells: list[Plain], n: int, d: int) -> Plain:
    """The cell whose d, then n, is the largest that is not above the one wanted."""
    for size, wanted in (("d", d), ("n", n)):
        near = runs.fit((cell[size] for cell in cells), wanted)
        cells = [cell for cell in cells if cell[size] == near]
    return cells[0]


def recall(task: Mapping[str, Any], seed: int) -> Recall:
    """Draw a sequence by the rules of `dsf.mqar.generate`.

    Args:
        task: L, K, V, a and R.
        seed: 0 to 999.

    Returns:
        The sequence, with 0 at every position of filler.
    """
    length, pairs, vocabulary, a, asks = (task[letter] for letter in "LKVaR")
    half = vocabulary // 2
    keys, values, slots = (_Draws(seed, stream) for stream in (_KEYS, _VALUES, _SLOTS))
    tokens = np.full(length, mqar.FILLER)
    tokens[0 : 2 * pairs : 2] = 1 + mqar.distinct(keys.generator, 1, pairs, half - 1)[0]
    shown = half + mqar.distinct(values.generator, 1, pairs, vocabulary - half)[0]
    tokens[1 : 2 * pairs : 2] = shown
    places = (length - 2 * pairs) // 2
    drawn = 2 * pairs + 2 * mqar.plackett_luce(slots.generator, 1, pairs * asks, places, a)[0]
    tokens[drawn] = np.tile(tokens[0 : 2 * pairs : 2], asks)
    return Recall(tokens.tolist(), [sorted(drawn[j::pairs].tolist()) for j in range(pairs)])


class _Draws:
    """Random numbers of the widgets, as much of a generator of NumPy as `dsf.mqar` asks for."""

    def __init__(self, seed: int, stream: int) -> None:
        self.seed, self.stream = seed, stream
        self.generator = cast("np.random.Generator", self)

    def random(self, size: tuple[int, int]) -> Any:
        places = range(math.prod(size))
        return np.reshape([layer.uniform(self.seed, self.stream, i) for i in places], size)

    def integers(self, low: int, high: Any, size: tuple[int, int]) -> Any:
        return low + np.floor(self.random(size) * (high - low)).astype(np.int64)

    def standard_exponential(self, size: tuple[int, int]) -> Any:
        return -np.log(self.random(size))


class _Axes(NamedTuple):
    """Where n and accuracy lie in the picture; n on a logarithmic axis."""

    top: float
    low: float  # log₂ n at the left edge
    unit: float  # width of a factor of 2
    flat: list[str]  # mixers with one state a channel, which stand side by side at n = 1
    left: float = 34.0
    width: float = 270.0
    height: float = 210.0

    @classmethod
    def around(cls, cells: list[Plain], top: float) -> _Axes:
        sizes: dict[str, set[int]] = {}
        for cell in cells:
            sizes.setdefault(cell["mixer"], set()).add(cell["n"])
        flat = [name for name, own in sizes.items() if own == {1}]
        every = [math.log2(n) for own in sizes.values() for n in own]
        low, high = min(every) - (1 if flat else 0.4), max(every) + 0.4
        return cls(top, low, cls._field_defaults["width"] / (high - low), flat)

    @property
    def right(self) -> float:
        return self.left + self.width

    def x(self, n: int, mixer: str = "") -> float:
        aside = 0.0
        if mixer in self.flat:
            gap = min(20.0, 1.4 * self.unit / len(self.flat))
            aside = gap * (self.flat.index(mixer) - (len(self.flat) - 1) / 2)
        return self.left + (math.log2(n) - self.low) * self.unit + aside

    def y(self, accuracy: float) -> float:
        return self.top + (1 - accuracy) * self.height


_EMPTY = 'fill="none"'


def _series(own: list[Plain], axes: _Axes, look: Plain) -> list[str]:
    """The line of a mixer: means, bars from the lowest to the highest seed, crosses."""
    means = [
        (axes.x(c["n"], c["mixer"]), axes.y(runs.average(c)), finite(c)) for c in own if finite(c)
    ]
    parts = [_line([(x, y) for x, y, _ in means])]
    if own[0]["mixer"] in axes.flat:
        parts += [_line([(x, y), (axes.right, y)], "6 4") for x, y, _ in means]
    for x, y, seen in means:
        parts += [_line([(x, axes.y(min(seen))), (x, axes.y(max(seen)))]), _mark(look, x, y)]
    for cell in own:
        if not finite(cell):
            x = axes.x(cell["n"], cell["mixer"])
            parts.append(draw.text(x, axes.y(0.02), runs.DIVERGED, "middle"))
    return parts


def _mark(look: Plain, x: float, y: float) -> str:
    fill = f'{_EMPTY} stroke="currentColor"' if look["hollow"] else 'fill="currentColor"'
    return f'<path d="{look["marker"]}" transform="translate({x:.1f} {y:.1f})" {fill}/>'


def _line(points: list[tuple[float, float]], dashes: str = "none") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    stroke = f'stroke="currentColor" stroke-width="1.5" stroke-dasharray="{dashes}"'
    return f'<polyline points="{path}" {_EMPTY} {stroke}/>'


def _join(start: tuple[float, float], end: tuple[float, float]) -> str:
    """A line from a key to a question: an arch within a row, else down to the question."""
    (x, y), (u, v) = start, end
    first, middle = (y, y - 22) if y == v else (y + 22, (y + 22 + v) / 2)
    path = f"M{x:.1f} {first:.1f}C{x:.1f} {middle:.1f} {u:.1f} {middle:.1f} {u:.1f} {v:.1f}"
    return f'<path d="{path}" {_EMPTY} stroke="{draw.PLUS}" stroke-width="2"/>'


def _items(read: Recall, pairs: int) -> list[tuple[str, int, str]]:
    """Kind, pair and words of what is drawn of a sequence; filler in a row is one item."""
    asked = {at: j for j, places in enumerate(read.asked) for at in places}
    items: list[tuple[str, int, str]] = []
    filler = 0
    for at, token in enumerate(read.tokens):
        filler = filler + 1 if at >= 2 * pairs and at not in asked else 0
        if at < 2 * pairs:
            items.append(("value" if at % 2 else "key", at // 2, str(token)))
        elif at in asked:
            items.append(("question", asked[at], f"{token}?"))
        elif filler == 1:
            items.append(("filler", -1, "·"))
        else:
            items[-1] = ("filler", -1, f"·×{filler}")
    return items
