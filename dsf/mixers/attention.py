"""Attention as trainable mixers, with the controls that take it apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dsf import attention
from dsf._checks import check_choice, check_flag
from dsf.feature_maps import elu_plus_one, identity
from dsf.mixers.base import Keyed, Mixer, past, promoted, streaming, take
from dsf.state import KeyValueCache
from dsf.system import LTVSystem

__all__ = [
    "GatedLinearAttention",
    "LinearAttention",
    "NormalizedAttention",
    "SoftmaxAttention",
    "UnnormalizedAttention",
]


class SoftmaxAttention(Keyed):
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
        return attention.softmax_attention(q, k, v, **streaming(state, return_state))

    def at(self, x: Tensor, positions: Tensor) -> Tensor:  # noqa: D102
        q, k, v = self.query(take(self._tokens(x), positions)), self.key(x), self.u(x)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=past(x, positions))


class LinearAttention(Keyed):
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
        pieces = streaming(state, return_state)
        return attention.linear_attention(*self._qkv(x), normalize=self.normalize, **pieces)

    def at(self, x: Tensor, positions: Tensor) -> Tensor:  # noqa: D102
        scores = self._scores_at(x, positions, elu_plus_one)
        y = scores @ self.u(x)
        return y / scores.sum(-1, keepdim=True) if self.normalize else y


class UnnormalizedAttention(Keyed):
    """Attention with plain scores, divided by nothing: y_i = Σ_{j≤i} (q_iᵀk_j) v_j.

    The control for normalised attention: what is left of it without η.
    """

    def system(self, x: Tensor) -> LTVSystem:  # noqa: D102
        q, k, _ = self._qkv(x)
        return attention.linear_attention_system(q, k, identity, False)

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        pieces = streaming(state, return_state)
        return attention.linear_attention(*self._qkv(x), identity, False, **pieces)

    def at(self, x: Tensor, positions: Tensor) -> Tensor:  # noqa: D102
        return self._scores_at(x, positions, identity) @ self.u(x)


_ETA: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "softplus": F.softplus,
    "sigmoid": torch.sigmoid,
}


class NormalizedAttention(Keyed):
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
        q, k, _, eta = promoted(*self._qkv(x), self.eta(x))
        return attention.normalized_attention_system(q, k, eta)

    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:  # noqa: D102
        q, k, v, eta = promoted(*self._qkv(x), self.eta(x))
        return attention.normalized_attention(q, k, v, eta, **streaming(state, return_state))

    def at(self, x: Tensor, positions: Tensor) -> Tensor:  # noqa: D102
        y = self._scores_at(x, positions, identity) @ self.u(x)
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


MIXERS: dict[str, Callable[..., Mixer]] = {
    "softmax": SoftmaxAttention,
    "linear": LinearAttention,
    "linear_unnormalized": partial(LinearAttention, normalize=False),
    "normalized": NormalizedAttention,
    "normalized_softplus": partial(NormalizedAttention, eta="softplus"),
    "normalized_sigmoid": partial(NormalizedAttention, eta="sigmoid"),
    "unnormalized": UnnormalizedAttention,
    "gated_linear": GatedLinearAttention,
}
TITLES = {
    "linear_unnormalized": "Linear attention, no row sum",
    "normalized_softplus": "Normalised attention, softplus",
    "normalized_sigmoid": "Normalised attention, sigmoid",
    "unnormalized": "Unnormalised attention",
    "gated_linear": "Unnormalised attention, output gate",
}
