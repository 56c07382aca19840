"""Trainable token mixers: the architectures of the book with their learned projections.

Each mixer maps tokens x (..., L, d) to outputs y (..., L, d) and shows its inside:

* `mixer(x)`: the outputs by the fast native form.
* `mixer.system(x)`: the `LTVSystem` whose Λ, B, C (and D) the projections of x have set.
* `mixer.inputs(x)`: the sequence u that drives this system.

so that `mixer(x)` equals `mixer.system(x).run(mixer.inputs(x))`. A sequence may come in pieces:
`mixer(x, state, return_state=True)` takes and gives the state between them. A last layer that is
read at few positions only uses `mixer.at(x, positions)`. The output projection is not part of a
mixer: it is the same for all and belongs to the block around them (`dsf.model.Block`).

There are two groups, each with equal parameters to within 5 % in a model of `dsf.model` with at
most two layers and d = 16, 32, 48 or 64. In wider or deeper ones S6 exceeds that (by 6 % of the
smallest at d = 512 with two layers), since the d²/8 numbers of its Δ stand beside 2d²:

* State expansion n, N = nd states: a projection to d numbers (value), and 2nd numbers more (query
  and key in the language of attention, C and B in that of state space models; S4D has its poles
  and output weights instead). Attention and state space models.
* One state a channel, N = d: four projections to d numbers (value and gates). Recurrent networks.

What a mixer trains beside its projections are parameters of its own, not `nn.Linear`: the
initialiser of a whole model leaves them as their papers have them, and weight decay leaves them
alone (`dsf.train.parameter_groups`).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf import attention, rnn, ssm
from dsf._checks import (
    check_arrays,
    check_choice,
    check_flag,
    check_integer,
    check_number,
    precision,
    shown,
    state_dtype,
)
from dsf.architectures import ARCHITECTURES
from dsf.feature_maps import FeatureMap, elu_plus_one, identity
from dsf.state import KeyValueCache
from dsf.system import LTVSystem


class Mixer(nn.Module, ABC):
    """A causal token mixer with state expansion n, and the projection that all mixers share.

    Args:
        d_model: Width d of a token.
        n: State expansion: the state has n·d numbers (softmax: n is the width of query and key).

    Raises:
        ValueError: If `d_model` or `n` is less than 1.
    """

    def __init__(self, d_model: int, n: int) -> None:
        super().__init__()
        self.d_model, self.n = check_integer("d_model", d_model), check_integer("n", n)
        self.value = nn.Linear(d_model, d_model, bias=False)

    def inputs(self, x: Tensor) -> Tensor:
        """The sequence that drives the system.

        Args:
            x: Tokens (..., L, d).

        Returns:
            u (..., L, d).
        """
        u: Tensor = self.value(self._tokens(x))
        return u

    def _tokens(self, x: Tensor) -> Tensor:
        """The argument, if it is a sequence of tokens as wide as this mixer."""
        if torch.is_autocast_enabled(self.value.weight.device.type):  # any precision goes in
            check_arrays({"x": (x, "(..., L, d)")}, d=self.d_model)
        else:
            weight = (self.value.weight, "(d, d)")
            check_arrays({"the weights": weight, "x": (x, "(..., L, d)")})
        return x

    @abstractmethod
    def system(self, x: Tensor) -> LTVSystem:
        """The linear time-varying system that this mixer is for the tokens x.

        Args:
            x: Tokens (..., L, d).

        Returns:
            The system; run on `inputs(x)` it gives `forward(x)`.
        """

    @abstractmethod
    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:
        """Mix the tokens.

        Args:
            x: Tokens (..., L, d).
            state: What this mixer has returned for the tokens before x; None if there are none.
            return_state: Whether to return the state after x too.

        Returns:
            y (..., L, d), or (y, state); y_i depends on x_0, ..., x_i and what was before only.
        """

    def at(self, x: Tensor, positions: Tensor) -> Tensor:
        """The outputs at some positions; attention computes no others.

        Args:
            x: Tokens (..., L, d).
            positions: int64 (..., Q), from 0 to L - 1.

        Returns:
            (..., Q, d).
        """
        return take(self(x), positions)


def _promoted(*arrays: Tensor) -> list[Tensor]:
    """The arrays in the widest of their precisions.

    Under autocast linear maps give half precision, and parameters stay as they are.
    """
    wide = reduce(torch.promote_types, map(precision, arrays))
    kinds = {False: wide, True: torch.promote_types(wide, torch.complex64)}
    return [x.to(kinds[x.is_complex()]) for x in arrays]


def take(x: Tensor, positions: Tensor) -> Tensor:
    """Rows of a sequence.

    Args:
        x: (..., L, d).
        positions: int64 (..., Q).

    Returns:
        x at the positions, (..., Q, d).
    """
    check_arrays({"x": (x, "(..., L, d)"), "positions": (positions, "int64 (..., Q)")})
    batch = torch.broadcast_shapes(x.shape[:-2], positions.shape[:-1])
    index = positions.unsqueeze(-1).expand(*batch, -1, x.shape[-1])
    return x.expand(*batch, *x.shape[-2:]).gather(-2, index)


class _Keyed(Mixer):
    """A mixer with queries and keys of width n, which are C and B where there are steps Δ."""

    def __init__(self, d_model: int, n: int) -> None:
        super().__init__(d_model, n)
        self.query = nn.Linear(d_model, n, bias=False)
        self.key = nn.Linear(d_model, n, bias=False)

    def _qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u = self.inputs(x)
        return self.query(x), self.key(x), u

    def _scores_at(self, x: Tensor, positions: Tensor, feature_map: FeatureMap) -> Tensor:
        """φ(q_i)ᵀφ(k_j) for the asked i and j ≤ i, else 0: (..., Q, L)."""
        x = self._tokens(x)
        phi, psi = feature_map(self.query(take(x, positions))), feature_map(self.key(x))
        scores: Tensor = (phi @ psi.mT).masked_fill(~_past(x, positions), 0)
        return scores


def _streaming(state: Any, return_state: bool) -> dict[str, Any]:
    """The two last arguments of a native form."""
    check_flag("return_state", return_state)
    return {"state": state, "return_state": return_state}


def _past(x: Tensor, positions: Tensor) -> Tensor:
    """Which tokens stand at or before each position: (..., Q, L)."""
    return torch.arange(x.shape[-2], device=x.device) <= positions.unsqueeze(-1)


class SoftmaxAttention(_Keyed):
    """Softmax attention with queries and keys of width n (Vaswani et al., 2017; chapter 2).

    `system` is the key-value cache written as a state: exact, but with as many states per channel
    as there are tokens. n does not bound it.
    """

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        q, k, _ = self._qkv(x)
        return attention.kv_cache_system(q, k)

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        q, k, v = self._qkv(x)
        if isinstance(state, KeyValueCache):  # autocast may have been switched since
            state = KeyValueCache(*(x.to(k.dtype) for x in state))
        return attention.softmax_attention(q, k, v, **_streaming(state, return_state))

    def at(self, x: Tensor, positions: Tensor) -> Tensor:  # noqa: D102
        q, k, v = self.query(take(self._tokens(x), positions)), self.key(x), self.inputs(x)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=_past(x, positions))


class LinearAttention(_Keyed):
    """Linear attention with the feature map elu + 1 (Katharopoulos et al., 2020; chapter 3).

    Args:
        d_model: Width d of a token.
        n: State expansion.
        normalize: Whether scores are divided by their row sum; without is a control.
    """

    def __init__(self, d_model: int, n: int, normalize: bool = True) -> None:
        super().__init__(d_model, n)
        check_flag("normalize", normalize)
        self.normalize = normalize

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        q, k, _ = self._qkv(x)
        return attention.linear_attention_system(q, k, normalize=self.normalize)

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        streaming = _streaming(state, return_state)
        return attention.linear_attention(*self._qkv(x), normalize=self.normalize, **streaming)

    def at(self, x: Tensor, positions: Tensor) -> Tensor:  # noqa: D102
        scores = self._scores_at(x, positions, elu_plus_one)
        y = scores @ self.inputs(x)
        return y / scores.sum(-1, keepdim=True) if self.normalize else y


class UnnormalizedAttention(_Keyed):
    """Attention with plain scores, divided by nothing: y_i = Σ_{j≤i} (q_iᵀk_j) v_j.

    The control for normalised attention: what is left of it without η.
    """

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        q, k, _ = self._qkv(x)
        return attention.linear_attention_system(q, k, identity, False)

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        streaming = _streaming(state, return_state)
        return attention.linear_attention(*self._qkv(x), identity, False, **streaming)

    def at(self, x: Tensor, positions: Tensor) -> Tensor:  # noqa: D102
        return self._scores_at(x, positions, identity) @ self.inputs(x)


_ETA: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "softplus": F.softplus,
    "sigmoid": torch.sigmoid,
}


class NormalizedAttention(_Keyed):
    """Attention with plain scores divided by a learned η_i = g(wᵀx_i + b) (chapter 4).

    As a map it is unnormalised attention whose output is multiplied by the gate 1/η_i.

    Source: Sieber et al. (2024), the normalised attention of section 4.

    Args:
        d_model: Width d of a token.
        n: State expansion.
        eta: Name of g: "exp", "softplus" or "sigmoid".

    Raises:
        ValueError: If a size is less than 1, or there is no such g.
    """

    def __init__(self, d_model: int, n: int, eta: str = "exp") -> None:
        super().__init__(d_model, n)
        check_choice("eta", eta, _ETA)
        self.eta_name = eta
        self.eta_weight = nn.Linear(d_model, 1)

    def eta(self, x: Tensor) -> Tensor:
        """The normaliser η.

        Args:
            x: Tokens (..., L, d).

        Returns:
            Positive numbers (..., L).
        """
        return _ETA[self.eta_name](self.eta_weight(self._tokens(x)).squeeze(-1))

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        q, k, _, eta = _promoted(*self._qkv(x), self.eta(x))
        return attention.normalized_attention_system(q, k, eta)

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        q, k, v, eta = _promoted(*self._qkv(x), self.eta(x))
        return attention.normalized_attention(q, k, v, eta, **_streaming(state, return_state))

    def at(self, x: Tensor, positions: Tensor) -> Tensor:  # noqa: D102
        y = self._scores_at(x, positions, identity) @ self.inputs(x)
        return y / self.eta(take(x, positions)).unsqueeze(-1)


class GatedLinearAttention(UnnormalizedAttention):
    """Unnormalised attention with an output gate: y_i = σ(wᵀx_i + b) Σ_{j≤i} (q_iᵀk_j) v_j.

    The other control for normalised attention, which is the same with the gate 1/η_i: nothing in
    it is ever divided.
    """

    def __init__(self, d_model: int, n: int) -> None:
        super().__init__(d_model, n)
        self.gate = nn.Linear(d_model, 1)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        plain = super().system(x)
        gate = torch.sigmoid(self.gate(x)).unsqueeze(-1)
        return replace(plain, output=plain.output * gate)

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        y, gate = super().forward(x, state, return_state), torch.sigmoid(self.gate(x))
        return (gate * y[0], y[1]) if return_state else gate * y

    def at(self, x: Tensor, positions: Tensor) -> Tensor:  # noqa: D102
        y = super().at(x, positions)
        return torch.sigmoid(self.gate(take(x, positions))) * y


class S4D(Mixer):
    """Diagonal state space model with constant poles, discretised by zero-order hold (chapter 5).

    n/2 conjugate pairs of poles a channel, one of each pair kept, so n real states. Initialised as
    S4D-Lin: pole s at -1/2 + iπs, B = 1, C complex standard normal, Δ log-uniform in `step_range`
    for every channel, skip standard normal. The states of `system` are complex, n/2 a channel.

    Source: Gu et al., "On the Parameterization and Initialization of Diagonal State Space Models"
    (NeurIPS 2022).

    Args:
        d_model: Width d of a token.
        n: State expansion, even.
        step_range: Bounds of the initial step Δ.

    Raises:
        ValueError: If a size is less than 1, n is odd, or the range is not 0 < low <= high.
    """

    def __init__(
        self, d_model: int, n: int, step_range: tuple[float, float] = (1e-3, 1e-1)
    ) -> None:
        super().__init__(d_model, n)
        if n % 2:
            raise ValueError(f"n is {n}, expected an even number, n/2 conjugate pairs of poles")
        pairs = n // 2
        self.log_step = nn.Parameter(_log_uniform(step_range, d_model))
        self.log_decay = nn.Parameter(torch.full((d_model, pairs), 0.5).log())
        frequency = math.pi * torch.arange(pairs, dtype=self.log_step.dtype)
        self.frequency = nn.Parameter(frequency.repeat(d_model, 1))
        self.read = nn.Parameter(torch.randn(d_model, pairs, 2) * 0.5**0.5)
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
        inputs = self.inputs(x)
        u, a, b, c, step = _promoted(inputs, *self._parameters_of_system())
        y: Any = ssm.s4d(u, a, b, c, step, **_streaming(state, return_state))
        y, state = y if return_state else (y, None)
        y = (y + self.skip * u).to(inputs.dtype)
        return (y, state) if return_state else y


class S6(_Keyed):
    """The selective state space model of Mamba (chapter 6).

    The query is C_i, the key is B_i, and Δ_i = softplus(W_up W_down x_i + b), one for each channel,
    through ⌈d/16⌉ numbers. Initialised as in Mamba: softplus(b) log-uniform in `step_range`, W_up
    uniform, pole s at -(s + 1), skip 1. The poles are the same for every channel, as they are in
    Mamba when training begins, and stay so: n numbers instead of nd keep the parameters equal to
    those of the other mixers, and each channel has its own time scale through its Δ.

    Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023).

    Args:
        d_model: Width d of a token.
        n: State expansion.
        step_range: Bounds of the initial step Δ.

    Raises:
        ValueError: If a size is less than 1, or the range is not 0 < low <= high.
    """

    def __init__(
        self, d_model: int, n: int, step_range: tuple[float, float] = (1e-3, 1e-1)
    ) -> None:
        super().__init__(d_model, n)
        rank = math.ceil(d_model / 16)
        self.step_down = nn.Linear(d_model, rank, bias=False)
        self.step_up = nn.Parameter(torch.empty(d_model, rank).uniform_(-1, 1) * rank**-0.5)
        self.step_bias = nn.Parameter(_inverse_softplus(_log_uniform(step_range, d_model).exp()))
        self.log_decay = nn.Parameter(torch.arange(1, n + 1).log())
        self.skip = nn.Parameter(torch.ones(d_model))

    def step(self, x: Tensor) -> Tensor:
        """The step size Δ.

        Args:
            x: Tokens (..., L, d).

        Returns:
            Positive numbers (..., L, d).
        """
        return F.softplus(F.linear(self.step_down(self._tokens(x)), self.step_up, self.step_bias))

    def _decay(self) -> Tensor:
        return -self.log_decay.exp().expand(self.d_model, -1)

    def _arguments(self, x: Tensor) -> list[Tensor]:
        c, b, u = self._qkv(x)
        return _promoted(u, self.step(x), self._decay(), b, c, self.skip)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        return ssm.s6_system(*self._arguments(x)[1:])

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        return ssm.s6(*self._arguments(x), **_streaming(state, return_state))


class SSD(_Keyed):
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
        _check_range("decay_range", decay_range)
        self.step_weight = nn.Linear(d_model, 1, bias=False)
        self.step_bias = nn.Parameter(_inverse_softplus(_log_uniform(step_range).exp()))
        self.log_decay = nn.Parameter(torch.empty(()).uniform_(*decay_range).log())
        self.skip = nn.Parameter(torch.ones(d_model))

    def step(self, x: Tensor) -> Tensor:
        """The step size Δ.

        Args:
            x: Tokens (..., L, d).

        Returns:
            Positive numbers (..., L).
        """
        return F.softplus(self.step_weight(self._tokens(x)).squeeze(-1) + self.step_bias)

    def _arguments(self, x: Tensor) -> list[Tensor]:
        c, b, u = self._qkv(x)
        return _promoted(u, self.step(x), -torch.exp(self.log_decay), b, c, self.skip)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        return ssm.ssd_system(*self._arguments(x)[1:])

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        # Faster than the quadratic dual `ssd` at every length, and linear in L.
        u, *rest = self._arguments(x)
        return ssm.evaluate(ssm.ssd_system(*rest), u, state, return_state)


class QLSTM(Mixer):
    """Quasi-LSTM: Λ_i = σ(±f_i)^α, input gate and output gate, one state a channel (chapter 8).

    Source: Sieber et al. (2024), section 3.2, and the reversed sigmoid, eq. (22) of v1. Their
    exponent is relu(α), which can die; here α = exp(·) stays positive.

    Args:
        d_model: Width d of a token.
        n: 1, the only one.
        reversed_sigmoid: Whether the transition is σ(-f)^α instead of σ(f)^α.
        learn_exponent: Whether α is trained, one number a layer; it starts at 1.
        forget_bias: Logit of the transition of a zero token when training begins, so that 3 makes
            it σ(3), a long memory, whatever the sign of f.

    Raises:
        ValueError: If `d_model` is less than 1, n is not 1, or `forget_bias` is not finite.
    """

    def __init__(
        self,
        d_model: int,
        n: int = 1,
        reversed_sigmoid: bool = False,
        learn_exponent: bool = False,
        forget_bias: float = 0.0,
    ) -> None:
        super().__init__(d_model, n)
        _one_state(n)
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
        u = self.inputs(x)
        forget, gates = self.forget(x) + self.forget_bias, (self.input_gate(x), self.output_gate(x))
        u, forget, g, o, alpha = _promoted(u, forget, *gates, alpha)
        return u, forget, g, o, self.reversed_sigmoid, alpha

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        return rnn.qlstm_system(*self._arguments(x)[1:])

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        return rnn.qlstm(*self._arguments(x), **_streaming(state, return_state))


class RGLRU(Mixer):
    """The real-gated linear recurrent unit, read through the GELU branch of its block (chapter 8).

    C_i = gelu(W_C x_i), the multiplicative branch of Griffin's recurrent block. Initialised as
    there: a^8, the transition where the recurrence gate is open, uniform in [0.9, 0.999].

    Source: De et al., "Griffin: Mixing Gated Linear Recurrences with Local Attention for Efficient
    Language Models" (2024).

    Args:
        d_model: Width d of a token.
        n: 1, the only one.

    Raises:
        ValueError: If `d_model` is less than 1, or n is not 1.
    """

    def __init__(self, d_model: int, n: int = 1) -> None:
        super().__init__(d_model, n)
        _one_state(n)
        self.recurrence_gate = nn.Linear(d_model, d_model)
        self.input_gate = nn.Linear(d_model, d_model)
        self.branch = nn.Linear(d_model, d_model)
        a = torch.empty(d_model).uniform_(0.9, 0.999) ** (1 / 8)
        self.decay = nn.Parameter(torch.logit(a))

    def _arguments(self, x: Tensor) -> list[Tensor]:
        u = self.inputs(x)
        gates = self.recurrence_gate(x), self.input_gate(x)
        return _promoted(F.gelu(self.branch(x)), u, *gates, self.decay)

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        branch, _, *gates = self._arguments(x)
        return replace(rnn.rg_lru_system(*gates), output=branch.unsqueeze(-2))

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        branch, *arguments = self._arguments(x)
        check_flag("return_state", return_state)
        y, state = rnn.rg_lru(*arguments, **_streaming(state, True))
        return (branch * y, state) if return_state else branch * y


MIXERS: dict[str, Callable[..., Mixer]] = {
    "softmax": SoftmaxAttention,
    "linear": LinearAttention,
    "linear_unnormalized": partial(LinearAttention, normalize=False),
    "normalized": NormalizedAttention,
    "normalized_softplus": partial(NormalizedAttention, eta="softplus"),
    "normalized_sigmoid": partial(NormalizedAttention, eta="sigmoid"),
    "unnormalized": UnnormalizedAttention,
    "gated_linear": GatedLinearAttention,
    "s4d": S4D,
    "s6": S6,
    "ssd": SSD,
    "qlstm": QLSTM,
    "qlstm_reversed": partial(QLSTM, reversed_sigmoid=True, learn_exponent=True),
    "qlstm_exponent": partial(QLSTM, learn_exponent=True),
    "rg_lru": RGLRU,
}
"""What makes a mixer from d_model and n, by the names that `dsf.train.TrainConfig` takes."""

RECURRENT = ("qlstm", "qlstm_reversed", "qlstm_exponent", "rg_lru")
"""Names of the mixers with one state a channel: n = 1."""

TITLES = {
    **{name: ARCHITECTURES[name].title for name in MIXERS if name in ARCHITECTURES},
    "linear_unnormalized": "Linear attention, no row sum",
    "normalized_softplus": "Normalised attention, softplus",
    "normalized_sigmoid": "Normalised attention, sigmoid",
    "unnormalized": "Unnormalised attention",
    "gated_linear": "Unnormalised attention, output gate",
    "qlstm_exponent": "qLSTM, learned exponent",
}
"""Names of the mixers for people."""


def _one_state(n: int) -> None:
    if n != 1:
        raise ValueError(f"n is {n}, expected 1, there is one state a channel")


def _check_range(name: str, bounds: tuple[float, float]) -> None:
    expected = "expected a pair 0 < low <= high of finite numbers"
    try:
        low, high = (check_number(name, bound, 0, above=True) for bound in bounds)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is {shown(bounds)}, {expected}") from error
    if low > high:
        raise ValueError(f"{name} is {bounds}, {expected}")


def _log_uniform(step_range: tuple[float, float], *shape: int) -> Tensor:
    """Logarithms of numbers drawn log-uniformly."""
    _check_range("step_range", step_range)
    low, high = (math.log(bound) for bound in step_range)
    return torch.empty(shape).uniform_(low, high)


def _inverse_softplus(step: Tensor) -> Tensor:
    return torch.log(torch.expm1(step))
