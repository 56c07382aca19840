"""MQAR explorer: a sequence of the task, and what the recorded runs reach on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import traitlets

from dsf import results
from dsf.widgets import runs
from dsf.widgets.base import STATIC, Widget
from dsf.widgets.runs import Plain

MOST = 2**20
_NOTHING = "No runs are recorded, so there is nothing to draw."


class MQARExplorer(Widget):
    """Test accuracy against n, a line at a time; on demand a sequence, and all of n and d.

    Attributes:
        cells: what the runs reached at the chosen learning rates, see `dsf.widgets.runs.collect`.
        tasks: L, K, V, a, R of the tasks and what a position gives away, by title.
        mixers: title, colour and marker of the mixers, by name.
        task: the title of the task that is looked at.
        mixer: the name of the mixer that is looked at.
        drawn: names of the mixers whose lines are drawn beside that one, between them " + ".
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
    drawn = traitlets.Unicode().tag(sync=True, figure=True)
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
            **state: first values of task, mixer, drawn, n, d, pair, seed.
        """
        if cells is None:
            cells = results.cells(results.recorded("mqar"))
        plain, tasks, mixers = runs.collect(cells)
        taught = runs.title_of()
        first = {
            "task": taught if taught in tasks else next(iter(tasks), ""),
            "mixer": "linear" if "linear" in mixers else next(iter(mixers), ""),
            "drawn": "softmax" if "softmax" in mixers else "",
        }
        shown = {"cells": plain, "tasks": tasks, "mixers": mixers}
        super().__init__(figure_id, **shown, **{**first, **state})

    @traitlets.validate("task", "mixer", "drawn")
    def _check_choice(self, proposal: Any) -> str:
        name, value = proposal["trait"].name, str(proposal["value"])
        choices = self.tasks if name == "task" else self.mixers
        named = [one for one in value.split(" + ") if one] if name == "drawn" else [value]
        for one in named:
            if choices and one not in choices:
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

    def caption(self) -> str:
        """What the figure shows; the picture of a page adds what the first state says."""
        if not self.cells:
            return _NOTHING
        return (
            "Test accuracy of the recorded runs against the state expansion n, with the spread of "
            "the seeds and what guessing scores. To try: take n from its lowest to its highest "
            "value, then add another architecture: from which n on is it as good as softmax "
            "attention?"
        )

    def table(self) -> tuple[str, list[str], list[list[str]]] | None:
        """Mean, lowest and highest test accuracy of every mixer and n at the present d."""
        if not self.cells:
            return None
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


def _nearest(cells: list[Plain], n: int, d: int) -> Plain:
    """The cell whose d, then n, is the largest that is not above the one wanted."""
    for size, wanted in (("d", d), ("n", n)):
        near = runs.fit((cell[size] for cell in cells), wanted)
        cells = [cell for cell in cells if cell[size] == near]
    return cells[0]
