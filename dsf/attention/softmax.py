"""Softmax attention: native form, attention map and the systems that stand for it."""

from __future__ import annotations

import math
from typing import Literal, overload

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf._checks import check_flag, check_number
from dsf.attention.separable import (
    check_qk,
    check_qkv,
    normalized_by_row_sum,
    separable_attention_system,
)
from dsf.blocks import joined
from dsf.feature_maps import taylor_features
from dsf.state import KeyValueCache, NormalizedState, check_cache, check_normalized
from dsf.system import LTVSystem


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

    PyTorch's fused kernels have first derivatives only and refuse others; inside
    `torch.nn.attention.sdpa_kernel(SDPBackend.MATH)` all can be had.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        v: values, (..., L, d).
        scale: of the logits, scale · qᵀk; 1/√m if None.
        state: keys and values before these; none if None.
        return_state: also return all keys and values.

    Returns:
        y, (..., L, d), or the pair (y, state).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Vaswani et al. (2017); arXiv 2405.15731, eq. (2) of v1; chapter 2.

    Example:
        >>> q = torch.zeros(3, 2)  # all scores are equal, so each output is a mean
        >>> dsf.softmax_attention(q, q, torch.tensor([[3.0], [6.0], [9.0]])).flatten()
        tensor([3.0000, 4.5000, 6.0000])
    """
    check_qkv(q, k, v)
    check_flag("return_state", return_state)
    scale, width, d = _scale(q, scale), max(q.shape[-1], v.shape[-1]), v.shape[-1]
    length = q.shape[-2]
    if state is not None:
        check_cache(state, k, v)
        k, v = joined(state.keys, k), joined(state.values, v)  # (..., T, m) and (..., T, d)
    batch = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    # PyTorch's fused kernel wants four axes and one width; otherwise it forms L × L arrays. Zero
    # columns change no score.
    a, b, c = (
        F.pad(x, (0, width - x.shape[-1])).expand(*batch, -1, -1).reshape(-1, 1, x.shape[-2], width)
        for x in (q, k, v)
    )  # (batch, 1, L, width)
    # Its causal mask begins at the first key: with keys before the first query it needs another,
    # but not for the last token alone, which sees all.
    mask = None
    if state is not None and length > 1:
        total = k.shape[-2]
        mask = torch.ones(length, total, dtype=torch.bool, device=q.device).tril(total - length)
    y = F.scaled_dot_product_attention(a, b, c, mask, is_causal=state is None, scale=scale)
    y = y.reshape(*batch, *y.shape[-2:])[..., :d]  # (..., L, d)
    return (y, KeyValueCache(k, v)) if return_state else y


def softmax_matrix(q: Tensor, k: Tensor, scale: float | None = None) -> Tensor:
    """The attention map of softmax attention, Φ_ij = softmax_j(scale · q_iᵀk_j) over j ≤ i.

    `softmax_attention` is this matrix times v, evaluated without ever forming it.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        scale: of the logits, scale · qᵀk; 1/√m if None.

    Returns:
        Φ, (..., L, L), lower triangular with rows that sum to 1.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, eq. (2) of v1; chapter 2.

    Example:
        >>> q = torch.zeros(3, 2)
        >>> dsf.softmax_matrix(q, q)
        tensor([[1.0000, 0.0000, 0.0000],
                [0.5000, 0.5000, 0.0000],
                [0.3333, 0.3333, 0.3333]])
    """
    check_qk(q, k)
    logits = (q @ k.mT) * _scale(q, scale)  # (..., L, L)
    later = torch.ones(logits.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
    return logits.masked_fill(later, -torch.inf).softmax(-1)


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
        scale: of the logits, scale · qᵀk; 1/√m if None.
        before: what the system of the piece before has returned with its outputs.

    Returns:
        The system, which tends to softmax attention as order → ∞.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2.1; chapter 2.

    Example:
        >>> q, k, v = torch.randn(3, 8, 2, generator=torch.Generator().manual_seed(0)).double()
        >>> exact = dsf.softmax_attention(q, k, v)
        >>> for order in (1, 4, 8):
        ...     system = dsf.softmax_attention_system(q, k, order)
        ...     print(system.n, f"{float((system.run(v) - exact).abs().max()):.0e}")
        3 2e-01
        15 5e-02
        45 1e-03
    """
    check_qk(q, k)
    check_normalized("before", before, q, q.shape[:-2], keys=True)
    root = _scale(q, scale) ** 0.5
    phi, psi = taylor_features(q * root, order), taylor_features(k * root, order)  # (..., L, n)
    return normalized_by_row_sum(phi, psi, before)


def kv_cache_system(q: Tensor, k: Tensor, scale: float | None = None) -> LTVSystem:
    """Softmax attention exactly, with the key-value cache as the state: n = L.

    Row j of the state receives v_j at time j and stays (Λ = 1); C_i is row i of the attention map.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        scale: of the logits, scale · qᵀk; 1/√m if None.

    Returns:
        The system with state expansion n = L.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: chapter 2.

    Example:
        >>> q = torch.zeros(3, 2)
        >>> system = dsf.kv_cache_system(q, q)
        >>> system.n, system.run(torch.tensor([[3.0], [6.0], [9.0]])).flatten()
        (3, tensor([3.0000, 4.5000, 6.0000]))
    """
    phi = softmax_matrix(q, k, scale)
    return separable_attention_system(phi, torch.eye(phi.shape[-1]).to(phi))


def _scale(q: Tensor, scale: float | None) -> float:
    return (
        1 / math.sqrt(q.shape[-1]) if scale is None else check_number("scale", scale, 0, above=True)
    )
