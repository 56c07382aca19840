"""How many stored values come back from a memory with n features: the hook of chapter 3."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import torch
import traitlets
from torch.nn.functional import normalize

from dsf.widgets.base import STATIC, fixed
from dsf.widgets.hook import Hook

PAIRS, DRAWS, MOST = 16, 200, 32


class PairsRecalled(Hook):
    """How many of 16 values a memory of n × 64 numbers gives back, the mean of 200 random draws.

    Attributes:
        n: features of a key, 1 to 32.
        recalled: the means for n = 1, ..., 32.

    Source: chapter 3.
    """

    name: ClassVar[str] = "pairs"
    _esm = STATIC / "pairs.mjs"
    head = ("n", f"of {PAIRS} come back")
    places = (1, 2, 4, 8, 16, 32)

    n = traitlets.Int(4, min=1, max=MOST).tag(sync=True, figure=True)
    recalled = traitlets.List(traitlets.Float()).tag(sync=True)

    @traitlets.default("recalled")
    def _measured(self) -> list[float]:
        return list(recalled())

    def state(self) -> dict[str, Any]:
        """What the reader can change, and what was measured."""
        return {**super().state(), "recalled": self.recalled}

    def row(self, place: float) -> list[str]:
        """The mean."""
        return [fixed(self.recalled[int(place) - 1], 1)]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        [mean] = self.row(self.n)
        return (
            f"Values that come back of {PAIRS} stored under random keys of n features, the mean of "
            f"{DRAWS} draws. As first shown, with n = {self.n}, it is {mean}. To try: the smallest "
            "n with which fewer than one in ten is lost."
        )


@cache
def recalled() -> tuple[float, ...]:
    """How many of 16 values come back on average, for n = 1, ..., 32.

    A draw has 1024 possible values of width 64 and 16 keys, of which the first n features are used,
    all of random directions. The memory is the sum of the products of keys and values; read with a
    key, it counts if the nearest possible value is the one stored.

    Returns:
        The means of 200 draws.
    """
    right = torch.zeros(MOST, dtype=torch.float64)
    for seed in range(DRAWS):
        generator = torch.Generator().manual_seed(seed)

        def drawn(rows: int, columns: int, generator: torch.Generator = generator) -> torch.Tensor:
            return torch.randn(rows, columns, generator=generator, dtype=torch.float64)

        possible, features = normalize(drawn(1024, 64)), drawn(PAIRS, MOST)
        keys = torch.stack([normalize(features * (torch.arange(MOST) < n)) for n in range(1, 33)])
        read = keys @ (keys.mT @ possible[:PAIRS])
        right += ((read @ possible.T).argmax(-1) == torch.arange(PAIRS)).sum(-1)
    return tuple((right / DRAWS).tolist())
