"""Recurrent networks as trainable mixers: one state a channel, but for the expanded qLSTM."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf import rnn
from dsf._checks import check_flag, check_number
from dsf.mixers.base import Keyed, Mixer, check_range, promoted, streaming
from dsf.system import LTVSystem

__all__ = ["QLSTM", "RGLRU", "ExpandedQLSTM"]


class QLSTM(Mixer):
    """Quasi-LSTM: Λ_i = σ(±f_i)^α, input gate and output gate, one state a channel (chapter 8).

    Source: Sieber et al. (2024), section 3.2, and the reversed sigmoid, eq. (22) of v1. Their
    exponent is relu(α), which can die; here α = exp(·) stays positive.

    Args:
        d_model: width d of a token.
        n: 1, the only one.
        reversed_sigmoid: whether the transition is σ(-f)^α instead of σ(f)^α.
        learn_exponent: whether α is trained, one number a layer; it starts at 1.
        forget_bias: logit of the transition of a zero token when training begins, so that 3 makes
            it σ(3), a long memory, whatever the sign of f.

    Raises:
        ValueError: `d_model` is less than 1, n is not 1, or `forget_bias` is not finite.
    """

    expansion = "one"
    options = ("forget_bias",)

    def __init__(
        self,
        d_model: int,
        n: int = 1,
        reversed_sigmoid: bool = False,
        learn_exponent: bool = False,
        forget_bias: float = 0.0,
    ) -> None:
        super().__init__(d_model, n)
        forget_bias = check_number("forget_bias", forget_bias)
        check_flag("reversed_sigmoid", reversed_sigmoid)
        check_flag("learn_exponent", learn_exponent)
        self.reversed_sigmoid = reversed_sigmoid
        self.forget = nn.Linear(d_model, d_model, bias=False)
        bias = -forget_bias if reversed_sigmoid else forget_bias
        self.forget_bias = nn.Parameter(torch.full((d_model,), float(bias)))
        self.input_gate = nn.Linear(d_model, d_model)
        self.output_gate = nn.Linear(d_model, d_model)
        self.log_exponent = nn.Parameter(torch.zeros(())) if learn_exponent else None

    def _arguments(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, bool, Tensor]:
        alpha = torch.ones_like(self.forget_bias[0])
        alpha = alpha if self.log_exponent is None else self.log_exponent.exp()
        u = self.u(x)
        forget, gates = self.forget(x) + self.forget_bias, (self.input_gate(x), self.output_gate(x))
        u, forget, g, o, alpha = promoted(u, forget, *gates, alpha)
        return u, forget, g, o, self.reversed_sigmoid, alpha

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        return rnn.qlstm_system(*self._arguments(x)[1:])

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        return rnn.qlstm(*self._arguments(x), **streaming(state, return_state))

    def learned(self) -> dict[str, float]:
        """The exponent.

        Returns:
            α as `alpha`; nothing where it is not trained.

        Example:
            >>> from dsf.mixers import QLSTM
            >>> QLSTM(8, learn_exponent=True).learned()
            {'alpha': 1.0}
        """
        return {} if self.log_exponent is None else {"alpha": self.log_exponent.exp().item()}


class ExpandedQLSTM(Keyed):
    """Quasi-LSTM with n states a channel, which is this book's own and not in the paper.

    It is there to try on a recurrent network what the paper says of all three classes, that a
    larger state expansion helps: compare it with itself at another n. With as many parameters as
    the mixers that have a state expansion, its gates are smaller than those of `QLSTM`: one number
    a token each, wᵀx_i + b, and the forget gate has a bias for every channel.

    Source: this book, from Sieber et al. (2024), section 3.2.

    Args:
        d_model: width d of a token.
        n: state expansion.
        forget_bias: logit of the transition of a zero token when training begins.

    Raises:
        ValueError: a size is less than 1, or `forget_bias` is not finite.
    """

    options = ("forget_bias",)

    def __init__(self, d_model: int, n: int, forget_bias: float = 0.0) -> None:
        super().__init__(d_model, n)
        forget_bias = check_number("forget_bias", forget_bias)
        self.forget = nn.Linear(d_model, 1, bias=False)
        self.forget_bias = nn.Parameter(torch.full((d_model,), float(forget_bias)))
        self.input_gate = nn.Linear(d_model, 1)
        self.output_gate = nn.Linear(d_model, 1)

    def _arguments(self, x: Tensor) -> list[Tensor]:
        q, k, u = self._qkv(x)
        gates = (self.input_gate(x).expand_as(u), self.output_gate(x).expand_as(u))
        return promoted(q, k, u, self.forget(x) + self.forget_bias, *gates)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        q, k, _, *gates = self._arguments(x)
        return rnn.qlstm_expanded_system(q, k, *gates)

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        return rnn.qlstm_expanded(*self._arguments(x), **streaming(state, return_state))


class RGLRU(Mixer):
    """The real-gated linear recurrent unit, read through the GELU branch of its block (chapter 8).

    C_i = gelu(W_C x_i), the multiplicative branch of Griffin's recurrent block. Initialised as
    there: a^8, the transition where the recurrence gate is open, uniform in `decay_range`.

    Source: De et al., "Griffin: Mixing Gated Linear Recurrences with Local Attention for Efficient
    Language Models" (2024).

    Args:
        d_model: width d of a token.
        n: 1, the only one.
        decay_range: bounds of the initial a^8.

    Raises:
        ValueError: `d_model` is less than 1, n is not 1, or the range is not 0 < low <= high < 1.
    """

    expansion = "one"
    starts: ClassVar = {"slow": {"decay_range": (0.99, 0.9999)}}

    def __init__(
        self, d_model: int, n: int = 1, decay_range: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        super().__init__(d_model, n)
        check_range("decay_range", decay_range, below=1)
        self.recurrence_gate = nn.Linear(d_model, d_model)
        self.input_gate = nn.Linear(d_model, d_model)
        self.branch = nn.Linear(d_model, d_model)
        a = torch.empty(d_model).uniform_(*decay_range) ** (1 / 8)
        self.decay = nn.Parameter(torch.logit(a))

    def _arguments(self, x: Tensor) -> list[Tensor]:
        u = self.u(x)
        gates = self.recurrence_gate(x), self.input_gate(x)
        return promoted(F.gelu(self.branch(x)), u, *gates, self.decay)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        branch, _, *gates = self._arguments(x)
        return replace(rnn.rg_lru_system(*gates), output=branch.unsqueeze(-2))

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        branch, *arguments = self._arguments(x)
        check_flag("return_state", return_state)
        y, state = rnn.rg_lru(*arguments, **streaming(state, True))
        return (branch * y, state) if return_state else branch * y


MIXERS: dict[str, Callable[..., Mixer]] = {
    "qlstm": QLSTM,
    "qlstm_reversed": partial(QLSTM, reversed_sigmoid=True, learn_exponent=True),
    "qlstm_exponent": partial(QLSTM, learn_exponent=True),
    "qlstm_expanded": ExpandedQLSTM,
    "rg_lru": RGLRU,
}
TITLES = {
    "qlstm_exponent": "qLSTM, learned exponent",
    "qlstm_expanded": "qLSTM, expanded",
}
