"""What came after the paper, that erase as they write, as trainable mixers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf import delta
from dsf.low_rank import LowRankSystem
from dsf.mixers.base import Keyed, Mixer, promoted, streaming
from dsf.ssm import evaluate

__all__ = ["DeltaNet"]


class DeltaNet(Keyed):
    """The delta rule, with β_i = σ(wᵀx_i + b) (chapter 13).

    Queries and keys go through SiLU and are scaled to unit length, so that a step with β = 1
    replaces what was stored under a key and nothing else.

    Source: Yang et al., "Parallelizing Linear Transformers with the Delta Rule over Sequence
    Length" (NeurIPS 2024).
    """

    def __init__(self, d_model: int, n: int) -> None:
        super().__init__(d_model, n)
        self.beta_weight = nn.Linear(d_model, 1)

    def beta(self, x: Tensor) -> Tensor:
        """How much of what is stored under the key is replaced.

        Args:
            x: tokens, (..., L, d).

        Returns:
            β, numbers between 0 and 1, (..., L).
        """
        return torch.sigmoid(self.beta_weight(self._tokens(x)).squeeze(-1))

    def system(self, x: Tensor) -> LowRankSystem:  # noqa: D102
        q, k, _ = self._qkv(x)
        q, k = (F.normalize(F.silu(z), dim=-1) for z in (q, k))
        return delta.delta_rule_system(*promoted(q, k, self.beta(x)))

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        # In chunks, where `delta_rule` goes step by step.
        system = self.system(x)
        u = self.u(x).to(system.input.dtype)
        return evaluate(system, u, **streaming(state, return_state))


MIXERS: dict[str, Callable[..., Mixer]] = {"deltanet": DeltaNet}
TITLES: dict[str, str] = {}
