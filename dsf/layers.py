"""Trainable token mixers: the architectures of the book with their learned projections.

Each mixer maps tokens x (..., L, d) to outputs y (..., L, d) and shows its inside:

* `mixer(x)`: the outputs by the fast native form.
* `mixer.system(x)`: the `LTVSystem` whose Λ, B, C (and D) the projections of x have set.
* `mixer.inputs(x)`: the sequence u that drives this system.

so that `mixer(x)` equals `mixer.system(x).run(mixer.inputs(x))`. The output projection is not part
of a mixer: it is the same for all and belongs to the block around them (`dsf.model.Block`).

Every mixer owns three projections of the token, to n, n and d numbers (query, key and value in the
language of attention; C, B and input in that of state space models), and what it needs beyond
that is at most 2d + 2 numbers, so that comparisons at equal d and n are fair.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf.attention import (
    kv_cache_system,
    linear_attention,
    linear_attention_system,
    normalized_attention,
    normalized_attention_system,
    softmax_attention,
)
from dsf.ssm import ssd_system
from dsf.system import LTVSystem


class Mixer(nn.Module, ABC):
    """A causal token mixer with state expansion n, and the projections that all mixers share.

    Args:
        d_model: Width d of a token.
        n: State expansion: the state has n·d numbers (softmax: n is the width of query and key).

    Raises:
        ValueError: If `d_model` or `n` is less than 1.
    """

    def __init__(self, d_model: int, n: int) -> None:
        super().__init__()
        for name, value in (("d_model", d_model), ("n", n)):
            if value < 1:
                raise ValueError(f"{name} = {value}: expected at least 1")
        self.d_model, self.n = d_model, n
        self.query = nn.Linear(d_model, n, bias=False)
        self.key = nn.Linear(d_model, n, bias=False)
        self.value = nn.Linear(d_model, d_model, bias=False)

    def inputs(self, x: Tensor) -> Tensor:
        """The sequence that drives the system.

        Args:
            x: Tokens (..., L, d).

        Returns:
            u (..., L, d).
        """
        u: Tensor = self.value(x)
        return u

    @abstractmethod
    def system(self, x: Tensor) -> LTVSystem:
        """The linear time-varying system that this mixer is for the tokens x.

        Args:
            x: Tokens (..., L, d).

        Returns:
            The system; run on `inputs(x)` it gives `forward(x)`.
        """

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Mix the tokens.

        Args:
            x: Tokens (..., L, d).

        Returns:
            y (..., L, d); y_i depends on x_0, ..., x_i only.
        """


class SoftmaxAttention(Mixer):
    """Softmax attention with queries and keys of width n (Vaswani et al., 2017; chapter 2).

    `system` is the key-value cache written as a state: exact, but with as many states per channel
    as there are tokens. n does not bound it.
    """

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        return kv_cache_system(self.query(x), self.key(x))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return softmax_attention(self.query(x), self.key(x), self.inputs(x))


class LinearAttention(Mixer):
    """Linear attention with the feature map elu + 1 (Katharopoulos et al., 2020; chapter 3)."""

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        return linear_attention_system(self.query(x), self.key(x))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return linear_attention(self.query(x), self.key(x), self.inputs(x))


class NormalizedAttention(Mixer):
    """Attention with plain scores divided by a learned η_i = exp(wᵀx_i + b) (chapter 4).

    As a map it is unnormalised linear attention whose output is multiplied by the gate 1/η_i.

    Source: Sieber et al. (2024), the normalised attention of section 4.
    """

    def __init__(self, d_model: int, n: int) -> None:
        super().__init__(d_model, n)
        self.log_eta = nn.Linear(d_model, 1)

    def eta(self, x: Tensor) -> Tensor:
        """The normaliser η.

        Args:
            x: Tokens (..., L, d).

        Returns:
            Positive numbers (..., L).
        """
        return torch.exp(self.log_eta(x).squeeze(-1))

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        return normalized_attention_system(self.query(x), self.key(x), self.eta(x))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return normalized_attention(self.query(x), self.key(x), self.inputs(x), self.eta(x))


class SSD(Mixer):
    """The state space model of Mamba-2 with one head: scalar decay exp(a Δ_i) (chapter 7).

    The query is C_i, the key is B_i, and Δ_i = softplus(wᵀx_i + b). Initialised as in Mamba-2: the
    bias b so that softplus(b) is log-uniform in `step_range`, -a uniform in `decay_range`, skip 1.
    Mamba-2 draws -a from 1 to 16 for its many heads, some of which then remember long enough. One
    head has to be one of those, so it starts at the slow end.

    Source: Dao and Gu, "Transformers are SSMs" (ICML 2024).

    Args:
        d_model: Width d of a token.
        n: State expansion.
        step_range: Bounds of the initial step Δ.
        decay_range: Bounds of the initial -a.

    Raises:
        ValueError: If a size is less than 1, or a range is not 0 < low <= high.
    """

    def __init__(
        self,
        d_model: int,
        n: int,
        step_range: tuple[float, float] = (1e-3, 1e-1),
        decay_range: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        super().__init__(d_model, n)
        for name, (low, high) in (("step_range", step_range), ("decay_range", decay_range)):
            if not 0 < low <= high < math.inf:
                raise ValueError(f"{name} = {(low, high)}: expected 0 < low <= high")
        log_low, log_high = (math.log(bound) for bound in step_range)
        step = torch.exp(torch.empty(()).uniform_(log_low, log_high))
        self.step_weight = nn.Linear(d_model, 1, bias=False)
        # Parameters of their own, not the bias of a linear map: no initialiser of a whole model may
        # overwrite them, and weight decay leaves them alone (dsf.train.parameter_groups).
        self.step_bias = nn.Parameter(torch.log(torch.expm1(step)))  # inverse of softplus
        self.log_decay = nn.Parameter(torch.empty(()).uniform_(*decay_range).log())
        self.skip = nn.Parameter(torch.ones(d_model))

    def step(self, x: Tensor) -> Tensor:
        """The step size Δ.

        Args:
            x: Tokens (..., L, d).

        Returns:
            Positive numbers (..., L).
        """
        return F.softplus(self.step_weight(x).squeeze(-1) + self.step_bias)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        a = -torch.exp(self.log_decay)
        return ssd_system(self.step(x), a, self.key(x), self.query(x), self.skip)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        # Faster than the quadratic dual `ssd` at every length, and linear in L.
        return self.system(x).run(self.inputs(x))


MIXERS: dict[str, type[Mixer]] = {
    "softmax": SoftmaxAttention,
    "linear": LinearAttention,
    "normalized": NormalizedAttention,
    "ssd": SSD,
}
"""The mixers by the names that `dsf.train.TrainConfig` takes."""
