"""What came after the paper, with diagonal transitions, as trainable mixers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from dsf import gated
from dsf._checks import check_number
from dsf.mixers.base import Keyed, Mixer, streaming
from dsf.ssm import evaluate
from dsf.system import LTVSystem

__all__ = ["Retention"]


class Retention(Keyed):
    """Retention, the layer of RetNet, with one head and without rotation (chapter 13).

    The decay γ is not trained. RetNet's heads have 1 - 2^{-5-h}, h = 0, 1, ...; this is the first.

    Source: Sun et al., "Retentive Network: A Successor to Transformer for Large Language Models"
    (2023).

    Args:
        d_model: width d of a token.
        n: state expansion.
        decay: γ, a number from 0 to 1.

    Raises:
        ValueError: a size is less than 1, or the decay is not in the range.
    """

    def __init__(self, d_model: int, n: int, decay: float = 1 - 2**-5) -> None:
        super().__init__(d_model, n)
        self.decay = check_number("decay", decay, 0, 1)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        q, k, _ = self._qkv(x)
        return gated.retention_system(q, k, self.decay)

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        # Faster than the parallel form at every length, and linear in L.
        return evaluate(self.system(x), self.u(x), **streaming(state, return_state))


MIXERS: dict[str, Callable[..., Mixer]] = {"retnet": Retention}
TITLES: dict[str, str] = {}
