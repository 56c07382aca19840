"""What came after the paper, with diagonal transitions, as trainable mixers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf import gated
from dsf._checks import check_flag, check_number
from dsf.mixers.base import Keyed, Mixer, promoted, streaming
from dsf.ssm import evaluate
from dsf.system import LTVSystem

__all__ = ["MinGRU", "Retention"]


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


class MinGRU(Mixer):
    """The minimal GRU: one gate for what is kept and what is written (chapter 13).

    Its own two projections are half of what recurrent networks have here. Two more, neither of them
    a gate of what is written: C_i = gelu(W_C x_i), the branch through which RG-LRU is read too, and
    a hidden layer of the candidates, W_h(x_i + gelu(W x_i)) where the paper has W_h x_i.

    Source: Feng et al., "Were RNNs All We Needed?" (2024).

    Args:
        d_model: width d of a token.
        n: 1, the only one.
        forget_bias: logit of the transition of a zero token when training begins.

    Raises:
        ValueError: `d_model` is less than 1, n is not 1, or `forget_bias` is not finite.
    """

    expansion = "one"
    options = ("forget_bias",)

    def __init__(self, d_model: int, n: int = 1, forget_bias: float = 0.0) -> None:
        super().__init__(d_model, n)
        forget_bias = check_number("forget_bias", forget_bias)
        self.hidden = nn.Linear(d_model, d_model)
        self.update_gate = nn.Linear(d_model, d_model, bias=False)
        self.update_bias = nn.Parameter(torch.full((d_model,), -float(forget_bias)))
        self.branch = nn.Linear(d_model, d_model)

    def u(self, x: Tensor) -> Tensor:  # noqa: D102
        x = self._tokens(x)
        return super().u(x + F.gelu(self.hidden(x)))

    def _arguments(self, x: Tensor) -> list[Tensor]:
        u = self.u(x)
        gate = self.update_gate(x) + self.update_bias
        return promoted(F.gelu(self.branch(x)), u, gate)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        branch, _, gate = self._arguments(x)
        return replace(gated.min_gru_system(gate), output=branch.unsqueeze(-2))

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        branch, *arguments = self._arguments(x)
        check_flag("return_state", return_state)
        y, state = gated.min_gru(*arguments, **streaming(state, True))
        return (branch * y, state) if return_state else branch * y


MIXERS: dict[str, Callable[..., Mixer]] = {"retnet": Retention, "min_gru": MinGRU}
TITLES: dict[str, str] = {}
