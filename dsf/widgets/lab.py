"""The MQAR laboratory: models that are trained where the reader is."""

from __future__ import annotations

from typing import Any, ClassVar

import traitlets

from dsf.architectures import ARCHITECTURES
from dsf.carried import carried
from dsf.config import TrainConfig
from dsf.mixers import mixer_class
from dsf.widgets.base import STATIC, Widget

MIXERS = ("softmax", "linear", "normalized", "s4d", "s6", "ssd", "qlstm", "retnet")
SIZES = (1, 2, 4, 8, 16, 32, 64)
SERIES = (4, 8, 16, 32)
WIDTHS = (16, 32, 64)
LENGTHS = (16, 32, 64)
RATES = (0.001, 0.003, 0.01, 0.03)
STEPS = (100, 200, 400, 800, 1600, 5000)
USUAL: dict[str, Any] = {
    "d_model": 32,
    "seq_len": 32,
    "num_kv_pairs": 4,
    "vocab_size": 64,
    "queries_per_key": 3,
}
"""The task and the width with which the figure begins."""


class MQARLab(Widget):
    """Train models on multi-query associative recall, watch them learn, and compare runs.

    In a page a worker of the browser trains, after the reader has asked for it.

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

    Source: chapter 10.
    """

    name: ClassVar[str] = "lab"
    _esm = STATIC / "lab.mjs"

    mixer = traitlets.Enum(MIXERS, "linear").tag(sync=True, figure=True)
    n = traitlets.Enum(SIZES, 8).tag(sync=True, figure=True)
    start = traitlets.Unicode().tag(sync=True, figure=True)
    d = traitlets.Enum(WIDTHS, USUAL["d_model"]).tag(sync=True, figure=True)
    pairs = traitlets.Int(USUAL["num_kv_pairs"], min=1, max=16).tag(sync=True, figure=True)
    length = traitlets.Enum(LENGTHS, USUAL["seq_len"]).tag(sync=True, figure=True)
    rate = traitlets.Enum(RATES, 0.01).tag(sync=True, figure=True)
    steps = traitlets.Enum(STEPS, 400).tag(sync=True, figure=True)
    seed = traitlets.Int(0, min=0, max=999).tag(sync=True, figure=True)
    pair = traitlets.Int(0, min=0, max=15).tag(sync=True, figure=True)
    runs = traitlets.Unicode().tag(sync=True, figure=True)

    @traitlets.validate("start")
    def _check_start(self, proposal: dict[str, str]) -> str:
        known = ["", *dict.fromkeys(s for mixer in MIXERS for s in mixer_class(mixer).starts)]
        if proposal["value"] not in known:
            raise traitlets.TraitError(
                f"start is {proposal['value']!r}, expected one of {', '.join(map(repr, known))}"
            )
        return proposal["value"]

    def caption(self) -> str:
        """What the figure shows, and what to try."""
        return (
            "Accuracy and loss of models while they are trained, a curve a run, each point the "
            "mean over fresh sequences since the one before. Dotted: what guessing scores, among "
            "the pairs, and by the position of a question. To try: softmax attention, then linear "
            "attention with n = 4, 8, 16 and 32; and what more steps bring."
        )

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """Numbers that each model hands on at the end of a sequence."""
        titles = {mixer: ARCHITECTURES[mixer].title for mixer in MIXERS}
        rows = [[title, *(_carried(mixer, n) for n in SERIES)] for mixer, title in titles.items()]
        title = f"State at the end of {USUAL['seq_len']} tokens, d = {USUAL['d_model']}"
        return title, ["numbers handed on", *(f"n = {n}" for n in SERIES)], rows


def _carried(mixer: str, n: int) -> str:
    if mixer_class(mixer).expansion == "one" and n > 1:
        return "–"
    return f"{carried(TrainConfig(mixer=mixer, n=n, **USUAL))}"
