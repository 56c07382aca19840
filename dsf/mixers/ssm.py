"""State space models as trainable mixers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf import ssm
from dsf._checks import check_choice, check_number, precision, state_dtype
from dsf.mixers.base import Keyed, Mixer, check_range, promoted, streaming
from dsf.ssm.poles import Start
from dsf.system import LTVSystem

__all__ = ["S4D", "S6", "SSD"]

LN_2 = (math.log(2), math.log(2))  # softplus(0): the first step where no bias of Δ is set


class S4D(Mixer):
    """Diagonal state space model with constant poles, discretised by zero-order hold (chapter 5).

    n/2 conjugate pairs of poles a channel, one of each pair kept, so n real states. Initialised as
    S4D-Lin: pole s at -1/2 + iπs, B = 1, C complex standard normal, Δ log-uniform in `step_range`
    for every channel, skip standard normal. The states of `system` are complex, n/2 a channel.
    It may also start with the poles of S4D-Inv or HiPPO-LegS, or with longer steps.

    Source: Gu et al., "On the Parameterization and Initialization of Diagonal State Space Models"
    (NeurIPS 2022).

    Args:
        d_model: width d of a token.
        n: state expansion, even.
        step_range: bounds of the initial step Δ.
        poles: where the poles begin, as `dsf.s4d_poles` has them.

    Raises:
        ValueError: a size is less than 1, n is odd, the range is not 0 < low <= high, or there are
            no such poles.
    """

    expansion = "even"
    starts: ClassVar = {
        "inv": {"poles": "inv"},
        "legs": {"poles": "legs"},
        "long steps": {"step_range": (0.1, 1.0)},
    }

    def __init__(
        self,
        d_model: int,
        n: int,
        step_range: tuple[float, float] = (1e-3, 1e-1),
        poles: Start = "lin",
    ) -> None:
        super().__init__(d_model, n)
        check_choice("poles", poles, get_args(Start))
        a = ssm.s4d_poles(poles, n // 2)
        self.log_step = nn.Parameter(_log_uniform(step_range, d_model))
        self.log_decay = nn.Parameter((-a.real).log().repeat(d_model, 1))
        self.frequency = nn.Parameter(a.imag.repeat(d_model, 1))
        self.read = nn.Parameter(torch.randn(d_model, n // 2, 2) * 0.5**0.5)
        self.skip = nn.Parameter(torch.randn(d_model))

    def _parameters_of_system(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        wide = state_dtype(self.log_step.dtype)  # there are no complex numbers of half precision
        parameters = (self.log_decay, self.frequency, self.read, self.log_step)
        log_decay, frequency, read, log_step = (x.to(wide) for x in parameters)
        a = torch.complex(-log_decay.exp(), frequency)
        c = 2 * torch.view_as_complex(read)  # a pole and its conjugate: twice the real part
        return a, torch.ones_like(a), c, log_step.exp()

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        length = self._tokens(x).shape[-2]
        plain = ssm.s4d_system(*self._parameters_of_system(), length=length)
        return replace(plain, feedthrough=self.skip.unsqueeze(-2).to(precision(plain.input)))

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        driving = self.u(x)
        u, a, b, c, step = promoted(driving, *self._parameters_of_system())
        y: Any = ssm.s4d(u, a, b, c, step, **streaming(state, return_state))
        y, state = y if return_state else (y, None)
        y = (y + self.skip * u).to(driving.dtype)
        return (y, state) if return_state else y


class S6(Keyed):
    """The selective state space model of Mamba (chapter 6).

    The query is C_i, the key is B_i, and Δ_i = softplus(W_up W_down x_i + b), one for each channel,
    through ⌈d/16⌉ numbers. Initialised as in Mamba: softplus(b) log-uniform in `step_range`, W_up
    uniform, pole s at -(s + 1), skip 1. The poles are the same for every channel, as they are in
    Mamba when training begins, and stay so: n numbers instead of nd keep the parameters equal to
    those of the other mixers, and each channel has its own time scale through its Δ.

    The more states, the faster the last of them fade: with Mamba's poles state 64 keeps e^-6.4 of
    what it holds at a step of 0.1. `starts` has poles a hundred times slower, and longer steps.

    Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023).

    Args:
        d_model: width d of a token.
        n: state expansion.
        step_range: bounds of the initial step Δ.
        slowest: the initial -a of the slowest state; state s begins at (s + 1) times that.

    Raises:
        ValueError: a size is less than 1, the range is not 0 < low <= high, or `slowest` is not a
            number above 0.
    """

    starts: ClassVar = {
        "ln 2": {"step_range": LN_2},
        "long steps": {"step_range": (0.1, 1.0)},
        "slow poles": {"slowest": 0.01},
        "slow poles, long steps": {"slowest": 0.01, "step_range": (0.1, 1.0)},
    }

    def __init__(
        self,
        d_model: int,
        n: int,
        step_range: tuple[float, float] = (1e-3, 1e-1),
        slowest: float = 1.0,
    ) -> None:
        super().__init__(d_model, n)
        slowest = check_number("slowest", slowest, 0, above=True)
        rank = math.ceil(d_model / 16)
        self.step_down = nn.Linear(d_model, rank, bias=False)
        self.step_up = nn.Parameter(torch.empty(d_model, rank).uniform_(-1, 1) * rank**-0.5)
        self.step_bias = nn.Parameter(_inverse_softplus(_log_uniform(step_range, d_model).exp()))
        self.log_decay = nn.Parameter((slowest * torch.arange(1, n + 1)).log())
        self.skip = nn.Parameter(torch.ones(d_model))

    def step(self, x: Tensor) -> Tensor:
        """The step size Δ.

        Args:
            x: tokens, (..., L, d).

        Returns:
            Positive numbers, (..., L, d).
        """
        return F.softplus(F.linear(self.step_down(self._tokens(x)), self.step_up, self.step_bias))

    def _decay(self) -> Tensor:
        return -self.log_decay.exp().expand(self.d_model, -1)

    def _arguments(self, x: Tensor) -> list[Tensor]:
        c, b, u = self._qkv(x)
        return promoted(u, self.step(x), self._decay(), b, c, self.skip)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        return ssm.s6_system(*self._arguments(x)[1:])

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        return ssm.s6(*self._arguments(x), **streaming(state, return_state))


class SSD(Keyed):
    """The state space model of Mamba-2 with one head: scalar decay exp(a Δ_i) (chapter 7).

    The query is C_i, the key is B_i, and Δ_i = softplus(wᵀx_i + b). Initialised as in Mamba-2: the
    bias b so that softplus(b) is log-uniform in `step_range`, -a uniform in `decay_range`, skip 1.
    Mamba-2 draws -a from 1 to 16 for its many heads, some of which then remember long enough. One
    head has to be one of those, so it starts at the slow end. Its memory is one random number, the
    initial Δ; `starts` has some that are fixed.

    Source: Dao and Gu, "Transformers are SSMs" (ICML 2024).

    Args:
        d_model: width d of a token.
        n: state expansion.
        step_range: bounds of the initial step Δ.
        decay_range: bounds of the initial -a.

    Raises:
        ValueError: a size is less than 1, or a range is not 0 < low <= high.
    """

    starts: ClassVar = {
        "fixed": {"step_range": (0.01, 0.01)},
        "ln 2": {"step_range": LN_2},
        "slow": {"step_range": (0.1, 0.1), "decay_range": (0.1, 0.1)},
    }

    def __init__(
        self,
        d_model: int,
        n: int,
        step_range: tuple[float, float] = (1e-3, 1e-1),
        decay_range: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        super().__init__(d_model, n)
        check_range("decay_range", decay_range)
        self.step_weight = nn.Linear(d_model, 1, bias=False)
        self.step_bias = nn.Parameter(_inverse_softplus(_log_uniform(step_range).exp()))
        self.log_decay = nn.Parameter(torch.empty(()).uniform_(*decay_range).log())
        self.skip = nn.Parameter(torch.ones(d_model))

    def step(self, x: Tensor) -> Tensor:
        """The step size Δ.

        Args:
            x: tokens, (..., L, d).

        Returns:
            Positive numbers, (..., L).
        """
        return F.softplus(self.step_weight(self._tokens(x)).squeeze(-1) + self.step_bias)

    def _arguments(self, x: Tensor) -> list[Tensor]:
        c, b, u = self._qkv(x)
        return promoted(u, self.step(x), -torch.exp(self.log_decay), b, c, self.skip)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        return ssm.ssd_system(*self._arguments(x)[1:])

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        # Faster than the quadratic dual `ssd` at every length, and linear in L.
        u, *rest = self._arguments(x)
        return ssm.evaluate(ssm.ssd_system(*rest), u, state, return_state)


MIXERS: dict[str, Callable[..., Mixer]] = {"s4d": S4D, "s6": S6, "ssd": SSD}
TITLES: dict[str, str] = {}


def _log_uniform(step_range: tuple[float, float], *shape: int) -> Tensor:
    """Logarithms of numbers drawn log-uniformly."""
    check_range("step_range", step_range)
    low, high = (math.log(bound) for bound in step_range)
    return torch.empty(shape).uniform_(low, high)


def _inverse_softplus(step: Tensor) -> Tensor:
    return torch.log(torch.expm1(step))
