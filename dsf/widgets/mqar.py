"""MQAR explorer: what recorded runs reach, and what a trained model does on a sequence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import traitlets

from dsf import results
from dsf.widgets import runs
from dsf.widgets.attended import attended
from dsf.widgets.base import STATIC, Widget
from dsf.widgets.runs import OWN, Plain

MOST = 2**20
AXES = ("n", "carried", "step")
_NOTHING = "No runs are recorded, so there is nothing to draw."


class MQARExplorer(Widget):
    """Test accuracy of recorded runs, a line at a time, over a sequence that a model answers.

    A line is an architecture with its start and its steps. The figure begins with softmax attention
    and what guessing scores; what the reader chooses is added, four lines at most.

    Attributes:
        cells: what the runs reached at the chosen learning rates, see `dsf.widgets.runs.collect`.
        lines: title, colour, marker, mixer, start and steps of the lines, by name.
        tasks: one for each number of pairs, with sequences.
        models: what trained models attend to and answer, see `dsf.widgets.attended`.
        mixer: the name of the architecture that is looked at.
        start: where its training began: "own" for the start of its paper, "slow", ...; that of the
            paper where the architecture has no such start.
        steps: how long it trained: the largest recorded number that is not above it is shown.
        drawn: names of the lines beside that one, between them " + ": mixer, then "from" a start,
            then "for" so many "steps", as far as these are not the usual ones.
        n: state expansion asked for; the largest recorded one that is not above it is shown.
        d: width asked for, likewise.
        pairs: number of pairs asked for, likewise.
        axis: along what the accuracy is drawn: "n", "carried", the numbers that a model hands from
            token to token, or "step", the validation accuracy during training.
        pair: the pair of the sequence that is looked at, from 0.
        seed: which of the sequences.

    Source: chapters 10 and 11.
    """

    name: ClassVar[str] = "mqar"
    _esm = STATIC / "mqar.mjs"

    cells = traitlets.List(traitlets.Dict()).tag(sync=True, figure=True)
    lines = traitlets.Dict().tag(sync=True, figure=True)
    tasks = traitlets.List(traitlets.Dict()).tag(sync=True, figure=True)
    models = traitlets.List(traitlets.Dict()).tag(sync=True, figure=True)
    mixer = traitlets.Unicode("softmax").tag(sync=True, figure=True)
    start = traitlets.Unicode(OWN).tag(sync=True, figure=True)
    steps = traitlets.Int(1000, min=1, max=MOST).tag(sync=True, figure=True)
    drawn = traitlets.Unicode().tag(sync=True, figure=True)
    n = traitlets.Int(4, min=1, max=MOST).tag(sync=True, figure=True)
    d = traitlets.Int(64, min=1, max=MOST).tag(sync=True, figure=True)
    pairs = traitlets.Int(8, min=1, max=MOST).tag(sync=True, figure=True)
    axis = traitlets.Enum(AXES, "n").tag(sync=True, figure=True)
    pair = traitlets.Int(0, min=0, max=MOST).tag(sync=True, figure=True)
    seed = traitlets.Int(0, min=0, max=runs.SEQUENCES - 1).tag(sync=True, figure=True)

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
            **state: first values of mixer, start, steps, drawn, n, d, pairs, axis, pair, seed.
        """
        found = runs.collect(runs.recorded() if cells is None else cells)
        models = [model for model in attended() if model["line"] in found.lines]
        shown = {**found._asdict(), "models": models}
        mixers = [line["mixer"] for line in found.lines.values()]
        first = {} if "softmax" in mixers or not mixers else {"mixer": mixers[0]}
        super().__init__(figure_id, **shown, **{**first, **state})

    @traitlets.validate("mixer", "start", "drawn")
    def _check_choice(self, proposal: Any) -> str:
        name, value = proposal["trait"].name, str(proposal["value"])
        known = {"mixer": "mixer", "start": "start"}.get(name)
        choices = [line[known] for line in self.lines.values()] if known else [*self.lines]
        choices = list(dict.fromkeys([OWN, *choices] if name == "start" else choices))
        named = [one for one in value.split(" + ") if one] if name == "drawn" else [value]
        for one in named:
            if self.lines and one not in choices:
                raise traitlets.TraitError(
                    f"{name} is {value!r}, expected one of {', '.join(map(repr, choices))}"
                )
        return value

    def chosen(self) -> Plain:
        """The cell that is looked at: of the line, with n, d and pairs as near as recorded.

        Returns:
            An entry of `cells`. Where the architecture was not run with this start and so many
            steps it is of the nearest of its lines; where it was not run at this d and so many
            pairs, of the first that was.

        Raises:
            ValueError: there are no cells.
        """
        here = self._here()
        if not here:
            raise ValueError(_NOTHING)
        names = list(dict.fromkeys(cell["line"] for cell in here))
        own = [name for name in names if self.lines[name]["mixer"] == self.mixer]
        for trait, wanted in (("start", self.start), ("steps", self.steps)):
            values = {name: self.lines[name][trait] for name in own}
            if trait == "steps" and own:
                wanted = runs.fit(values.values(), self.steps)
            near = [name for name in own if values[name] == wanted]
            own = near or [name for name in own if values[name] == OWN] or own
        cells = [cell for cell in here if cell["line"] == (own or names)[0]]
        n = runs.fit((cell["n"] for cell in cells), self.n)
        return next(cell for cell in cells if cell["n"] == n)

    def caption(self) -> str:
        """What the figure shows; the picture of a page adds what the first state says."""
        if not self.cells:
            return _NOTHING
        return (
            "Test accuracy of recorded runs, a dot for each seed. Broken lines: what guessing "
            "scores. Below, a sequence: how much weight one question gives each token in Φ of a "
            "trained model, and what the model answers. To try: choose linear attention and take n "
            "from its lowest to its highest value. From which n on is it as good as softmax "
            "attention, and what does the question look at before?"
        )

    def table(self) -> tuple[str, list[str], list[list[str]]] | None:
        """Test accuracy of every line and n at the present d and number of pairs."""
        if not self.cells:
            return None
        here = self._here()
        hint = next(task["hint"] for task in self.tasks if task["K"] == here[0]["K"])
        found = {(cell["line"], cell["n"]): runs.brief(cell, hint) for cell in here}
        sizes = sorted({n for _, n in found})
        rows = [
            [look["title"], *(found.get((name, n), "–") for n in sizes)]
            for name, look in self.lines.items()
            if any(line == name for line, _ in found)
        ]
        title = f"Test accuracy at d = {here[0]['d']}, {here[0]['K']} pairs"
        return title, ["", *(f"n = {n}" for n in sizes)], rows

    def _here(self) -> list[Plain]:
        """The cells at the present number of pairs and the present d."""
        cells = self.cells
        for size, wanted in (("K", self.pairs), ("d", self.d)):
            near = runs.fit((cell[size] for cell in cells), wanted) if cells else 0
            cells = [cell for cell in cells if cell[size] == near]
        return cells
