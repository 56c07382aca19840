"""The MQAR laboratory: models that are trained where the reader is."""

from __future__ import annotations

from typing import Any, ClassVar

import traitlets

from dsf import models
from dsf.architectures import ARCHITECTURES
from dsf.widgets import recorded_lab
from dsf.widgets.base import STATIC, Widget
from dsf.widgets.kernel import attach
from dsf.widgets.training import DEFAULTS, STARTS

MIXERS = tuple(STARTS)
SIZES = (1, 2, 4, 8, 16, 32, 64)
SERIES = (4, 8, 16, 32)
WIDTHS = (16, 32, 64)
LENGTHS = (16, 32, 64)
RATES = (0.001, 0.003, 0.01, 0.03)
STEPS = (100, 200, 400, 800, 1600, 5000)


class MQARLab(Widget):
    """Train models on multi-query associative recall, watch them learn, and compare runs.

    In a page a worker of the browser trains, after the reader has asked for it; in a live notebook
    the kernel does, see `dsf.widgets.kernel`.

    What does not fit together is brought down to what does: n to a size that the mixer has, the
    pairs to those that a sequence has room for.

    Attributes:
        mixer: the name of the architecture, one of `MIXERS`.
        n: state expansion.
        start: another initialisation of the mixer's dynamics, one of its `starts`; empty for that
            of its paper.
        d: width.
        pairs: number of pairs K.
        length: tokens of a sequence, L.
        rate: highest learning rate.
        steps: of training.
        seed: of the initial weights and of all sequences.
        pair: the pair whose first question is looked at in the sequence below, from 0.
        runs: what was trained, as the figure writes it; empty for nothing.
        record: what PyTorch reached at the set-up that the figure begins with, see
            `dsf.widgets.recorded_lab.plain`.

    Source: chapter 10.
    """

    name: ClassVar[str] = "lab"
    _esm = STATIC / "lab.mjs"

    mixer = traitlets.Enum(MIXERS, "linear").tag(sync=True, figure=True)
    n = traitlets.Enum(SIZES, 8).tag(sync=True, figure=True)
    start = traitlets.Unicode().tag(sync=True, figure=True)
    d = traitlets.Enum(WIDTHS, DEFAULTS["d_model"]).tag(sync=True, figure=True)
    pairs = traitlets.Int(DEFAULTS["num_kv_pairs"], min=1, max=16).tag(sync=True, figure=True)
    length = traitlets.Enum(LENGTHS, DEFAULTS["seq_len"]).tag(sync=True, figure=True)
    rate = traitlets.Enum(RATES, DEFAULTS["learning_rate"]).tag(sync=True, figure=True)
    steps = traitlets.Enum(STEPS, DEFAULTS["steps"]).tag(sync=True, figure=True)
    seed = traitlets.Int(0, min=0, max=999).tag(sync=True, figure=True)
    pair = traitlets.Int(0, min=0, max=15).tag(sync=True, figure=True)
    runs = traitlets.Unicode().tag(sync=True, figure=True)
    record = traitlets.Dict().tag(sync=True, figure=True)

    def __init__(self, figure_id: str | None = None, **state: Any) -> None:
        """Let the view train in this kernel.

        Args:
            figure_id: id of the figure in the page.
            **state: first values of the attributes.
        """
        super().__init__(figure_id, **{"record": recorded_lab.plain(), **state})
        attach(self)
        self.on_msg(self._ship)

    def _ship(self, _: Widget, content: Any, buffers: Any) -> None:
        """Send the file of a trained model that the view asks for; a page loads a script of it."""
        name = content.get("shipped") if isinstance(content, dict) else None
        if name in models.names():
            self.send({"shipped": name}, [(models.FOLDER / f"{name}.safetensors").read_bytes()])

    @traitlets.validate("start")
    def _check_start(self, proposal: dict[str, str]) -> str:
        known = [*dict.fromkeys(start for starts in STARTS.values() for start in starts)]
        if proposal["value"] not in known:
            raise traitlets.TraitError(
                f"start is {proposal['value']!r}, expected one of {', '.join(map(repr, known))}"
            )
        return proposal["value"]

    def __repr__(self) -> str:
        state = {name: value for name, value in self.state().items() if name != "record"}
        return f"MQARLab({', '.join(f'{name}={value!r}' for name, value in state.items())})"

    def caption(self) -> str:
        """What the figure shows, and what to try."""
        return (
            "Accuracy and loss of models while they are trained, a curve of 40 points a run, each "
            "the mean over fresh sequences since the one before. Dotted and dash-dotted: what "
            "guessing scores, among the pairs and by the position of a question. To try: another "
            "architecture with the same n, and the same model with another seed."
        )

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """Recorded accuracies, the lowest and the highest of the seeds."""
        found = {(curve.mixer, curve.start, curve.n): curve for curve in recorded_lab.curves()}
        sizes = sorted({n for _, _, n in found})
        rows = [
            [
                ", ".join(filter(None, (ARCHITECTURES[mixer].title, start))),
                *(_cell(found.get((mixer, start, n))) for n in sizes),
            ]
            for mixer, start in dict.fromkeys((mixer, start) for mixer, start, _ in found)
        ]
        title = f"Recorded in PyTorch: accuracy of five seeds after {DEFAULTS['steps']} steps"
        return title, ["", *(f"n = {n}" for n in sizes)], rows


def _cell(curve: recorded_lab.Curve | None) -> str:
    if curve is None:
        return "–"
    last = [seed[-1] for seed in curve.accuracy]  # in hundredths
    reached = f"{min(last)} to {max(last)}" if min(last) < max(last) else f"{last[0]}"
    return f"{reached} %"
