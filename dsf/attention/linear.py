"""Linear attention: native form and DSF form side by side."""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf._checks import check_arrays, check_flag, shown, state_dtype
from dsf.attention.separable import (
    check_qk,
    check_qkv,
    normalized_by_row_sum,
    separable_attention_system,
)
from dsf.blocks import after, causal_sum
from dsf.feature_maps import FeatureMap, elu_plus_one
from dsf.state import NormalizedState, State, check_normalized, check_sums, divided, plain_state
from dsf.system import LTVSystem


@overload
def linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    feature_map: FeatureMap = ...,
    normalize: bool = ...,
    state: State | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    feature_map: FeatureMap = ...,
    normalize: bool = ...,
    state: State | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, State]: ...
def linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    feature_map: FeatureMap = elu_plus_one,
    normalize: bool = True,
    state: State | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, State]:
    """Causal linear attention, y_i = φ(q_i)ᵀS_i / φ(q_i)ᵀz_i, in time linear in L.

    S_i = Σ_{j≤i} φ(k_j) v_jᵀ and z_i = Σ_{j≤i} φ(k_j).

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        v: values, (..., L, d).
        feature_map: φ, from (..., L, m) to (..., L, n). One with a `scaled` form, such as
            `positive_random`, is shifted by the running maximum of its keys, as softmax is, so
            that nothing overflows; that needs normalize.
        normalize: whether to divide by φ(q_i)ᵀz_i.
        state: what an earlier piece has returned; nothing before if None.
        return_state: also return the last state: S (..., n, d), or S/η with its normaliser.

    Returns:
        y, (..., L, d), or the pair (y, state).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Katharopoulos et al. (2020); arXiv 2405.15731, eq. (16) of v1; chapter 3.

    Example:
        >>> q = torch.eye(3)  # each key is its own direction
        >>> v = torch.tensor([[3.0], [6.0], [9.0]])
        >>> dsf.linear_attention(q, q, v, dsf.feature_maps.identity).flatten()
        tensor([3., 6., 9.])
    """
    check_qkv(q, k, v)
    check_flag("normalize", normalize)
    check_flag("return_state", return_state)
    dtype = v.dtype
    q, k, v = (x.to(state_dtype(dtype)) for x in (q, k, v))
    if not normalize:
        phi, psi = _map("q", feature_map, q), _map("k", feature_map, k)
        y, sums = causal_sum(phi, psi, v, plain_state(state, phi, v), return_state)
        return (y.to(dtype), sums) if return_state else y.to(dtype)
    before = check_normalized("state", state, v, v.shape[:-2], keys=True)
    phi, psi, decay, shift = _features(feature_map, q, k, before)  # (..., L, n) and (..., L)
    start = None
    if before is not None and before.keys is not None:
        check_sums(before.h, phi, v)
        held = before.h * before.eta[..., None, None]  # S, (..., n, d)
        start = torch.cat([held, before.keys.unsqueeze(-1).expand(*held.shape[:-1], 1)], dim=-1)
    # The normaliser is the same sum with values 1: one more channel.
    values = F.pad(v, (0, 1), value=1.0)  # (..., L, d + 1)
    if decay is None:
        y, sums = causal_sum(phi, psi, values, start, return_state)
    else:
        plain = LTVSystem(decay[..., None, None], psi.unsqueeze(-1), phi.unsqueeze(-1))
        y, sums = plain.run(values, "auto", start, return_state=True)
    y, eta = (y[..., :-1] / y[..., -1:]).to(dtype), y[..., -1, -1]
    if not return_state:
        return y
    last = None if shift is None else shift[..., -1]
    return y, divided(sums[..., :-1], eta, sums[..., -1], last)


def linear_attention_matrix(
    q: Tensor, k: Tensor, feature_map: FeatureMap = elu_plus_one, normalize: bool = True
) -> Tensor:
    """The attention map of linear attention, Φ_ij = φ(q_i)ᵀφ(k_j) / Σ_{l≤i} φ(q_i)ᵀφ(k_l).

    `linear_attention` is this matrix times v, evaluated without ever forming it.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        feature_map: φ, from (..., L, m) to (..., L, n).
        normalize: whether the scores are divided by their sum.

    Returns:
        Φ, (..., L, L), lower triangular, with rows that sum to 1 where they are normalised.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Katharopoulos et al. (2020); arXiv 2405.15731, eq. (16) of v1; chapter 3.

    Example:
        >>> q = torch.zeros(3, 2)
        >>> dsf.linear_attention_matrix(q, q)
        tensor([[1.0000, 0.0000, 0.0000],
                [0.5000, 0.5000, 0.0000],
                [0.3333, 0.3333, 0.3333]])
    """
    check_qk(q, k)
    check_flag("normalize", normalize)
    scores = (_map("q", feature_map, q) @ _map("k", feature_map, k).mT).tril()  # (..., L, L)
    return scores / scores.sum(-1, keepdim=True) if normalize else scores


def linear_attention_system(
    q: Tensor,
    k: Tensor,
    feature_map: FeatureMap = elu_plus_one,
    normalize: bool = True,
    before: NormalizedState | None = None,
) -> LTVSystem:
    """Linear attention as a dynamical system with η_i = φ(q_i)ᵀ Σ_{j≤i} φ(k_j).

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        feature_map: φ, from (..., L, m) to (..., L, n); see `linear_attention`.
        normalize: whether the scores are divided by η_i.
        before: what the system of the piece before has returned with its outputs; only where
            normalize is true.

    Returns:
        The system with state expansion n; its input is v.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2.1; chapter 3.

    Example:
        >>> q, k, v = torch.randn(3, 8, 2, generator=torch.Generator().manual_seed(0)).double()
        >>> system = dsf.linear_attention_system(q, k)
        >>> torch.allclose(system.run(v), dsf.linear_attention(q, k, v))
        True
    """
    check_qk(q, k)
    check_flag("normalize", normalize)
    if not normalize:
        return separable_attention_system(
            _map("q", feature_map, q), _map("k", feature_map, k), None, before
        )
    check_normalized("before", before, q, q.shape[:-2], keys=True)
    phi, psi, decay, shift = _features(feature_map, q, k, before)
    return normalized_by_row_sum(phi, psi, before, decay, shift)


def _features(
    feature_map: FeatureMap, q: Tensor, k: Tensor, before: NormalizedState | None
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """φ(q), ψ(k), and for a scaled map how they are shifted: the decay of what is summed, and M.

    A factor of φ(q_i) cancels in a weight, so it is left out. ψ(k_i) is divided by e^{M_i}, the
    largest scale so far; what was summed before is then multiplied by e^{M_{i-1} - M_i} ≤ 1.
    """
    if not hasattr(feature_map, "scaled"):
        if before is not None and before.shift is not None:
            raise ValueError(
                f"feature_map is {shown(feature_map)}, expected one with a `scaled` form, as the "
                "map of the piece before"
            )
        return _map("q", feature_map, q), _map("k", feature_map, k), None, None
    dtype = q.dtype
    phi, _ = feature_map.scaled(q.to(state_dtype(dtype)))
    psi, log_scale = feature_map.scaled(k.to(state_dtype(dtype)))
    shift = log_scale.cummax(-1).values  # M, (..., L)
    first = shift[..., 0]
    if before is not None:
        first = torch.zeros_like(before.eta) if before.shift is None else before.shift
        first = first.to(shift.dtype)
        shift = torch.maximum(shift, first.unsqueeze(-1))
    psi = psi * torch.exp(log_scale - shift).unsqueeze(-1)
    decay = torch.exp(after(first, shift) - shift)
    return phi.to(dtype), psi.to(dtype), decay.to(dtype), shift


def _map(name: str, feature_map: FeatureMap, x: Tensor) -> Tensor:
    """φ(x), refused where it is not a sequence of features."""
    if not callable(feature_map):
        raise ValueError(f"feature_map is {shown(feature_map)}, expected a function of {name}")
    features = feature_map(x)
    check_arrays({f"feature_map({name})": (features, "(..., L, n)")}, L=x.shape[-2])
    return features
