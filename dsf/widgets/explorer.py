"""The DSF explorer: one architecture and one input, in five steps from writing to Φ."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import traitlets

from dsf.architectures import ARCHITECTURES
from dsf.widgets.base import STATIC, Widget

IN_PAGE: tuple[str, ...] = tuple(json.loads((STATIC / "architectures.json").read_text("utf-8")))
"""The architectures that are written in JavaScript too, and so live in the page."""

_CHANNELS, _MAX_N, _MAX_TEXT = 4, 16, 32
_SHOWN = {
    "write": "What one step writes into the state",
    "decay": "What one step keeps of the state",
    "read": "What one step reads from the state",
    "product": "One entry of the matrix Φ, multiplied out",
    "phi": "The matrix Φ that all steps of the recurrence make, each row in its own scale",
}
_INPUTS = {
    "random": "random inputs",
    "impulse": "an impulse",
    "mqar": "a recall task",
    "text": "a text",
}


class DSFExplorer(Widget):
    """An untrained layer in DSF form, in five steps: write, decay, read, multiply out, and Φ.

    Its weights are random. Keys are made from the token before, queries from the token itself, so
    that row i of Φ looks for what followed earlier occurrences of token i; how well that works is a
    matter of the architecture and of the state expansion n.

    Attributes:
        shown: the step that is shown: "write" (B_i u_i), "decay" (Λ_i ⊙ H_{i-1}), "read"
            (Σ C_i ⊙ H_i), "product" (one entry of Φ, multiplied out) or "phi" (all of them).
        architecture: one of `IN_PAGE`. Softmax attention is its Taylor stand-in, of queries and
            keys of one length: every even order from 2 on weighs an equal key most, as the softmax.
        input: what is read: "mqar", "text", "random" or "impulse".
        text: what is read if input is "text", 1 to 32 characters.
        n: state expansion asked for, 1 to 16; softmax takes the largest of 1, 6, 15 that is not
            above it, and recurrent networks always have 1.
        channel: the channel whose u, y and Φ are shown, 0 to 3.
        time: the step i.
        source: the input j of the entry Φ_ij that is taken apart.
        seed: seed of weights and inputs, 0 to 999. The first, 3, was chosen: with it the
            architectures recall about as many pairs as in the mean over 100 seeds.

    Source: chapters 1 and 9.
    """

    name: ClassVar[str] = "explorer"
    _esm = STATIC / "explorer.mjs"

    shown = traitlets.Enum(list(_SHOWN), "phi").tag(sync=True, figure=True)
    architecture = traitlets.Unicode("linear").tag(sync=True, figure=True)
    input = traitlets.Enum(list(_INPUTS), "mqar").tag(sync=True, figure=True)
    text = traitlets.Unicode("the cat sat on the mat, the cat").tag(sync=True, figure=True)
    n = traitlets.Int(16, min=1, max=_MAX_N).tag(sync=True, figure=True)
    channel = traitlets.Int(0, min=0, max=_CHANNELS - 1).tag(sync=True, figure=True)
    time = traitlets.Int(8, min=0, max=_MAX_TEXT - 1).tag(sync=True, figure=True)
    source = traitlets.Int(3, min=0, max=_MAX_TEXT - 1).tag(sync=True, figure=True)
    seed = traitlets.Int(3, min=0, max=999).tag(sync=True, figure=True)

    @traitlets.validate("architecture")
    def _check_architecture(self, proposal: Any) -> str:
        name = str(proposal["value"])
        if name not in IN_PAGE:
            raise traitlets.TraitError(
                f"architecture is {name!r}, expected one of {', '.join(IN_PAGE)}: the others are "
                "not written in JavaScript"
            )
        return name

    @traitlets.validate("text")
    def _check_text(self, proposal: Any) -> str:
        text = str(proposal["value"])
        if not 1 <= len(text) <= _MAX_TEXT:
            raise traitlets.TraitError(
                f"text has {len(text)} characters, expected 1 to {_MAX_TEXT}"
            )
        return text

    def caption(self) -> str:
        """What the figure shows; the picture of a page adds how well the state recalls."""
        title = ARCHITECTURES[self.architecture].title
        if self.architecture == "softmax":
            title += ", by its Taylor stand-in,"
        reads = f"{title} with random weights reads {_INPUTS[self.input]}"
        return f"{_SHOWN[self.shown]}. As first shown: {reads}."
