"""Softmax, linear and normalised attention: native form and DSF form side by side.

Queries and keys q, k have shape (..., L, m), values v shape (..., L, d). Attention is causal.
Heads are a leading axis. In the DSF forms the input of the system is u = v.

A sequence may come in pieces: with `return_state=True` a native form also returns what it has to
know of the tokens so far, and `state` takes it for the piece after them. The DSF form takes the
same as `before`, because a normalised state has to be rescaled to the normaliser of its piece.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal, overload

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf._checks import check_arrays, check_flag, check_number, shown, state_dtype
from dsf.blocks import after, causal_sum, joined
from dsf.feature_maps import FeatureMap, elu_plus_one, taylor_features
from dsf.recurrence import linear_recurrence
from dsf.state import (
    KeyValueCache,
    NormalizedState,
    Normalizer,
    State,
    check_cache,
    check_normalized,
    check_sums,
    divided,
    plain_state,
)
from dsf.system import LTVSystem


def separable_attention_system(
    phi: Tensor,
    psi: Tensor,
    eta: Tensor | None = None,
    before: NormalizedState | None = None,
) -> LTVSystem:
    """Attention with a score that splits, φ(q_i)ᵀψ(k_j) / η_i, as a dynamical system.

        Λ_i = (η_{i-1} / η_i) I,   B_i = ψ(k_i) / η_i,   C_i = φ(q_i)ᵀ,   D_i = 0.

    The products of Λ telescope to η_j / η_i. Without a piece before it Λ_0 never matters; it is
    set to 1, and the system cannot be started from a state.

    Args:
        phi: query features φ(q_i), (..., L, n).
        psi: key features ψ(k_j), (..., L, n).
        eta: normaliser η_i ≠ 0, (..., L); None stands for η = 1.
        before: what the system of the piece before has returned with its outputs; then
            Λ_0 = η_{-1} / η_0. Not for η = 1.

    Returns:
        The system with state expansion n.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2.1; chapter 3.
    """
    arrays = {"phi": (phi, "(..., L, n)"), "psi": (psi, "(..., L, n)")}
    check_arrays(arrays if eta is None else {**arrays, "eta": (eta, "(..., L)")})
    if eta is None:
        if before is not None:
            raise ValueError(f"before is {shown(before)}, expected None where there is no η")
        transition = phi.new_ones(1, 1, 1).expand(phi.shape[-2], 1, 1)
        return LTVSystem(transition, psi.unsqueeze(-1), phi.unsqueeze(-1))
    check_normalized("before", before, eta, eta.shape[:-1], n=phi.shape[-1])
    return _normalized(phi, psi, Normalizer(eta), before)


@overload
def softmax_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    scale: float | None = ...,
    state: KeyValueCache | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def softmax_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    scale: float | None = ...,
    state: KeyValueCache | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, KeyValueCache]: ...
def softmax_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    scale: float | None = None,
    state: KeyValueCache | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, KeyValueCache]:
    """Causal softmax attention, y_i = Σ_{j≤i} softmax_j(scale · q_iᵀk_j) v_j.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        v: values, (..., L, d).
        scale: factor on the scores; 1/√m if None.
        state: keys and values before these; none if None.
        return_state: also return all keys and values.

    Returns:
        y, (..., L, d), or the pair (y, state).

    PyTorch's fused kernels have first derivatives only and refuse others; inside
    `torch.nn.attention.sdpa_kernel(SDPBackend.MATH)` all can be had.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Vaswani et al. (2017); arXiv 2405.15731, eq. (2) of v1; chapter 2.
    """
    _check_qkv(q, k, v)
    check_flag("return_state", return_state)
    scale, width, d = _scale(q, scale), max(q.shape[-1], v.shape[-1]), v.shape[-1]
    length = q.shape[-2]
    if state is not None:
        check_cache(state, k, v)
        k, v = joined(state.keys, k), joined(state.values, v)
    batch = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    # PyTorch's fused kernel wants four axes and one width; otherwise it forms L × L arrays. Zero
    # columns change no score.
    a, b, c = (
        F.pad(x, (0, width - x.shape[-1])).expand(*batch, -1, -1).reshape(-1, 1, x.shape[-2], width)
        for x in (q, k, v)
    )
    # Its causal mask begins at the first key: with keys before the first query it needs another,
    # but not for the last token alone, which sees all.
    mask = None
    if state is not None and length > 1:
        total = k.shape[-2]
        mask = torch.ones(length, total, dtype=torch.bool, device=q.device).tril(total - length)
    y = F.scaled_dot_product_attention(a, b, c, mask, is_causal=state is None, scale=scale)
    y = y.reshape(*batch, *y.shape[-2:])[..., :d]
    return (y, KeyValueCache(k, v)) if return_state else y


def softmax_matrix(q: Tensor, k: Tensor, scale: float | None = None) -> Tensor:
    """The attention map of softmax attention, for display and for theory.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        scale: factor on the scores; 1/√m if None.

    Returns:
        Φ, (..., L, L), lower triangular with rows that sum to 1.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, eq. (2) of v1; chapter 2.
    """
    _check_qk(q, k)
    scores = (q @ k.mT) * _scale(q, scale)
    later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
    return scores.masked_fill(later, -torch.inf).softmax(-1)


def softmax_attention_system(
    q: Tensor,
    k: Tensor,
    order: int,
    scale: float | None = None,
    before: NormalizedState | None = None,
) -> LTVSystem:
    """Softmax attention with exp replaced by its Taylor polynomial, a finite-state system.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        order: degree p of the polynomial; the state expansion is n = C(m + p, p). Odd orders may
            give scores, and even normalisers, that are not positive.
        scale: factor on the scores; 1/√m if None.
        before: what the system of the piece before has returned with its outputs.

    Returns:
        The system, which tends to softmax attention as order → ∞.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2.1; chapter 2.
    """
    _check_qk(q, k)
    check_normalized("before", before, q, q.shape[:-2], keys=True)
    root = _scale(q, scale) ** 0.5
    phi, psi = taylor_features(q * root, order), taylor_features(k * root, order)
    return _normalized_by_row_sum(phi, psi, before)


def kv_cache_system(q: Tensor, k: Tensor, scale: float | None = None) -> LTVSystem:
    """Softmax attention exactly, with the key-value cache as the state: n = L.

    Row j of the state receives v_j at time j and stays (Λ = 1); C_i is row i of the attention map.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        scale: factor on the scores; 1/√m if None.

    Returns:
        The system with state expansion n = L.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: chapter 2.
    """
    phi = softmax_matrix(q, k, scale)
    return separable_attention_system(phi, torch.eye(phi.shape[-1]).to(phi))


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
    """
    _check_qkv(q, k, v)
    check_flag("normalize", normalize)
    check_flag("return_state", return_state)
    dtype = v.dtype
    q, k, v = (x.to(state_dtype(dtype)) for x in (q, k, v))
    if not normalize:
        phi, psi = _map("q", feature_map, q), _map("k", feature_map, k)
        y, sums = causal_sum(phi, psi, v, plain_state(state, phi, v), return_state)
        return (y.to(dtype), sums) if return_state else y.to(dtype)
    before = check_normalized("state", state, v, v.shape[:-2], keys=True)
    phi, psi, decay, shift = _features(feature_map, q, k, before)
    start = None
    if before is not None and before.keys is not None:
        check_sums(before.h, phi, v)
        held = before.h * before.eta[..., None, None]
        start = torch.cat([held, before.keys.unsqueeze(-1).expand(*held.shape[:-1], 1)], dim=-1)
    # The normaliser is the same sum with values 1: one more channel.
    values = F.pad(v, (0, 1), value=1.0)
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
    """
    _check_qk(q, k)
    check_flag("normalize", normalize)
    if not normalize:
        return separable_attention_system(
            _map("q", feature_map, q), _map("k", feature_map, k), None, before
        )
    check_normalized("before", before, q, q.shape[:-2], keys=True)
    phi, psi, decay, shift = _features(feature_map, q, k, before)
    return _normalized_by_row_sum(phi, psi, before, decay, shift)


@overload
def normalized_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    eta: Tensor,
    state: NormalizedState | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def normalized_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    eta: Tensor,
    state: NormalizedState | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, NormalizedState]: ...
def normalized_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    eta: Tensor,
    state: NormalizedState | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, NormalizedState]:
    """Normalised attention, y_i = (1/η_i) Σ_{j≤i} (q_iᵀk_j) v_j with a normaliser that is learned.

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        v: values, (..., L, d).
        eta: normaliser η_i, in the paper exp, softplus or sigmoid of a projection of the input,
            (..., L).
        state: what an earlier piece has returned; nothing before if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, state).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, eq. (21) of v1; chapter 4.
    """
    _check_qkv(q, k, v)
    check_arrays({"q": (q, "(..., L, m)"), "eta": (eta, "(..., L)")})
    check_normalized("state", state, v, v.shape[:-2])
    check_flag("return_state", return_state)
    dtype = v.dtype
    q, k, v, eta = (x.to(state_dtype(dtype)) for x in (q, k, v, eta))
    start = None
    if state is not None:
        check_sums(state.h, q, v)
        start = state.h * state.eta[..., None, None]
    y, sums = causal_sum(q, k, v, start, return_state)
    y = (y / eta.unsqueeze(-1)).to(dtype)
    if not return_state:
        return y
    return y, divided(sums, eta[..., -1])


def normalized_attention_system(
    q: Tensor, k: Tensor, eta: Tensor, before: NormalizedState | None = None
) -> LTVSystem:
    """Normalised attention as a dynamical system: Λ_i = η_{i-1}/η_i, B_i = k_i/η_i, C_i = q_iᵀ.

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        eta: normaliser η_i ≠ 0, (..., L).
        before: what the system of the piece before has returned with its outputs.

    Returns:
        The system with state expansion n; its input is v.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2.1 and eq. (21) of v1; chapter 4.
    """
    _check_qk(q, k)
    check_arrays({"q": (q, "(..., L, m)"), "eta": (eta, "(..., L)")})
    return separable_attention_system(q, k, eta, before)


def _normalized(
    phi: Tensor,
    psi: Tensor,
    normalizer: Normalizer,
    before: NormalizedState | None,
    decay: Tensor | None = None,
) -> LTVSystem:
    """The system with Λ_i = decay_i η_{i-1} / η_i, B_i = ψ_i / η_i, C_i = φ_i."""
    eta = normalizer.eta
    first = eta[..., 0] if before is None else before.eta.to(eta.dtype)
    ratio = after(first, eta) / eta
    if decay is not None:
        ratio = ratio * decay
    normalizer = replace(normalizer, follows=before is not None)
    b = psi / eta.unsqueeze(-1)
    return LTVSystem(
        ratio[..., None, None], b.unsqueeze(-1), phi.unsqueeze(-1), normalizer=normalizer
    )


def _normalized_by_row_sum(
    phi: Tensor,
    psi: Tensor,
    before: NormalizedState | None,
    decay: Tensor | None = None,
    shift: Tensor | None = None,
) -> LTVSystem:
    start = None if before is None else before.keys
    rate = psi.new_ones(1, 1) if decay is None else decay.unsqueeze(-1)
    if decay is None and start is None:
        keys = psi.cumsum(-2, dtype=state_dtype(psi.dtype)).to(psi.dtype)
    else:
        keys = linear_recurrence(rate, psi, start)
    eta = (phi * keys).sum(-1)
    return _normalized(phi, psi, Normalizer(eta, keys, shift), before, decay)


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
    shift = log_scale.cummax(-1).values
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


def _scale(q: Tensor, scale: float | None) -> float:
    return (
        1 / math.sqrt(q.shape[-1]) if scale is None else check_number("scale", scale, 0, above=True)
    )


def _check_qk(q: Tensor, k: Tensor) -> None:
    check_arrays({"q": (q, "(..., L, m)"), "k": (k, "(..., L, m)")})


def _check_qkv(q: Tensor, k: Tensor, v: Tensor) -> None:
    arrays = {"q": (q, "(..., L, m)"), "k": (k, "(..., L, m)"), "v": (v, "(..., L, d)")}
    check_arrays(arrays)
