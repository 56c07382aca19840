"""One row of weights three times: divided by its sum, divided by a learned η, and under a decay."""

from __future__ import annotations

from typing import ClassVar

import torch
import traitlets
from torch import Tensor

from dsf.attention import normalized_attention_matrix
from dsf.system import LTVSystem
from dsf.widgets.base import STATIC, Widget, fixed, number

SCORES = {
    "positive": (0.4, 0.05, 0.1, 0.2, 0.05, 0.1, 0.15, 0.2),
    "signed": (0.4, -0.15, 0.1, 0.3, -0.25, 0.1, -0.2, 0.2),
}
"""The scores of one query with eight keys, the oldest first."""


class RowOfWeights(Widget):
    """The last row of Φ: its scores over their sum, over η, and under a decay with the same Λ.

    η_0 = 1 and Λ = η_{i-1}/η_i at every step, so that η and the decay have the same transitions.

    Attributes:
        transition: Λ of every step, 0.5 to 1.1.
        scores: "positive", or "signed" for scores of both signs.

    Source: chapter 4.
    """

    name: ClassVar[str] = "weights"
    _esm = STATIC / "weights.mjs"

    transition = traitlets.Float(0.8, min=0.5, max=1.1).tag(sync=True, figure=True)
    scores = traitlets.Enum(list(SCORES), "positive").tag(sync=True, figure=True)

    def weights(self) -> dict[str, Tensor]:
        """The three rows, (8,) each, in the order in which they are drawn."""
        row = torch.tensor(SCORES[self.scores], dtype=torch.float64)
        keys, ones = row[:, None], torch.ones(len(row), 1, dtype=torch.float64)
        eta = self.transition ** -torch.arange(len(row), dtype=torch.float64)
        decay = LTVSystem(self.transition * ones[..., None], keys[..., None], ones[..., None])
        return {
            "divided by the row sum": row / row.sum(),
            "divided by η": normalized_attention_matrix(ones, keys, eta)[-1],
            "decay": decay.matrix()[-1],
        }

    def caption(self) -> str:
        """What the figure shows, with its numbers."""
        rows = self.weights().values()
        shown = [number((row[0] / row[-1]).item()) for row in rows]
        return (
            "One query and its scores with eight keys, made into weights in three ways. The second "
            "and the third have the same Λ at every step. As first shown, with Λ = "
            f"{fixed(self.transition, 2)}, the oldest weight is {shown[0]}, {shown[1]} and "
            f"{shown[2]} times the newest."
        )

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """Scores and weights of the eight tokens."""
        weights = self.weights()
        rows = [
            [str(j), number(score), *(number(row[j].item()) for row in weights.values())]
            for j, score in enumerate(SCORES[self.scores])
        ]
        return "Numbers", ["token", "score", *weights], rows
