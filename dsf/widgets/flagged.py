"""How well one state remembers the last flagged token: the hook of chapter 6."""

from __future__ import annotations

import math
from typing import ClassVar

import traitlets

from dsf.widgets.base import STATIC, fixed, percent
from dsf.widgets.hook import Hook

FLAGGED = 0.25  # the probability that a token carries a flag


class LastFlagged(Hook):
    """The error with which one state holds the value of the last flagged token.

    Attributes:
        step: Δ, 0.1 to 5; the state keeps e^{-Δ} of itself and takes 1 - e^{-Δ} of the token.
        clock: "all": every token has this Δ; "flagged": the others have Δ = 0.

    Source: chapter 6.
    """

    name: ClassVar[str] = "flagged"
    _esm = STATIC / "flagged.mjs"
    head = ("Δ", "error")
    places = (0.1, 0.3, 0.5, 1.0, 2.0, 5.0)

    step = traitlets.Float(1.0, min=0.1, max=5.0).tag(sync=True, figure=True)
    clock = traitlets.Enum(["all", "flagged"], "all").tag(sync=True, figure=True)

    def row(self, place: float) -> list[str]:
        """The error as a share of the variance of the values."""
        return [percent(error(place, self.clock), 1)]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        [now] = self.row(self.step)
        whose = "every token" if self.clock == "all" else "flagged tokens, 0 for the others"
        return (
            f"Random values, one in {round(1 / FLAGGED)} with a flag, and one state, which keeps "
            "e^(−Δ) of itself and takes the rest from the token. The error is the mean square of "
            "what is missing of the last flagged value, as a share of its variance: a formula, no "
            f"draw. As first shown, with Δ = {fixed(self.step, 1)} for {whose}, it is {now}. To "
            "try: the best Δ for all tokens, then Δ for flagged ones alone."
        )


def error(step: float, clock: str) -> float:
    """The mean square error of the state, for values of variance 1 and a long sequence.

    Args:
        step: Δ.
        clock: "all" or "flagged".

    Returns:
        1 is what an empty memory has, which says 0.
    """
    kept = math.exp(-step)
    # The weight of the last flagged token is (1 - Λ) Λ^l; with one clock l is its lag.
    meets = 1.0 if clock == "flagged" else FLAGGED / (1 - (1 - FLAGGED) * kept)
    wanted, size = (1 - kept) * meets, (1 - kept) / (1 + kept)
    return 1 - 2 * wanted + size
