"""How many stored values come back from a memory of n × d numbers: the hook of chapter 3."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import torch
import traitlets
from torch.nn.functional import normalize

from dsf.widgets.base import STATIC, fixed
from dsf.widgets.hook import Hook

PAIRS, DRAWS, MOST = 32, 100, 32
WIDTHS = (16, 32, 64, 128)
"""The widths d of the values that are measured."""


class PairsRecalled(Hook):
    """How many of 32 values a memory of n × d numbers gives back, the mean of 100 random draws.

    The memory is the state, and its size is n·d: with twice the d about half the n does.

    Attributes:
        n: features of a key, 1 to 32.
        d: numbers of a value, 16, 32, 64 or 128.
        recalled: for each d the means for n = 1, ..., 32.

    Source: chapter 3.
    """

    name: ClassVar[str] = "pairs"
    _esm = STATIC / "pairs.mjs"
    head = ("n", *(f"d = {d}" for d in WIDTHS))
    places = (1, 2, 4, 8, 16, 32)

    n = traitlets.Int(4, min=1, max=MOST).tag(sync=True, figure=True)
    d = traitlets.Enum(WIDTHS, 32).tag(sync=True, figure=True)
    recalled = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)

    @traitlets.default("recalled")
    def _measured(self) -> list[list[float]]:
        return [list(recalled(d)) for d in WIDTHS]

    def state(self) -> dict[str, Any]:
        """What the reader can change, and what was measured."""
        return {**super().state(), "recalled": self.recalled}

    def row(self, place: float) -> list[str]:
        """The mean for each width of the values."""
        return [fixed(means[int(place) - 1], 1) for means in self.recalled]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        mean = self.row(self.n)[WIDTHS.index(self.d)]
        return (
            f"Values that come back of {PAIRS} stored in a matrix of n × d numbers under random "
            f"keys of n features, the mean of {DRAWS} draws. As first shown, with n = {self.n} and "
            f"d = {self.d}, it is {mean}. To try: the smallest n with which fewer than one in ten "
            "is lost, then the same for d = 64."
        )


@cache
def recalled(d: int) -> tuple[float, ...]:
    """How many of 32 values of width d come back on average, for n = 1, ..., 32.

    A draw has 1024 possible values and 32 keys, of which the first n features are used, all of
    random directions. The memory is the sum of the products of keys and values; read with a key, it
    counts if the nearest possible value is the one stored.

    Args:
        d: numbers of a value.

    Returns:
        The means of 100 draws.
    """
    right = torch.zeros(MOST, dtype=torch.float64)
    for seed in range(DRAWS):
        generator = torch.Generator().manual_seed(seed)

        def drawn(rows: int, columns: int, generator: torch.Generator = generator) -> torch.Tensor:
            return torch.randn(rows, columns, generator=generator, dtype=torch.float64)

        features, possible = drawn(PAIRS, MOST), normalize(drawn(1024, d))
        keys = torch.stack([normalize(features * (torch.arange(MOST) < n)) for n in range(1, 33)])
        read = keys @ (keys.mT @ possible[:PAIRS])
        right += ((read @ possible.T).argmax(-1) == torch.arange(PAIRS)).sum(-1)
    return tuple((right / DRAWS).tolist())
