"""Softmax, linear and normalised attention: native form and DSF form side by side.

Queries and keys q, k have shape (..., L, m), values v shape (..., L, d). Attention is causal.
Heads are a leading axis. In the DSF forms the input of the system is u = v.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf._checks import check_sequence, check_width
from dsf.feature_maps import FeatureMap, elu_plus_one, taylor_features
from dsf.system import CHUNK_LENGTH, LTVSystem


def separable_attention_system(phi: Tensor, psi: Tensor, eta: Tensor | None = None) -> LTVSystem:
    """Attention with a score that splits, φ(q_i)ᵀψ(k_j) / η_i, as a dynamical system.

        Λ_i = (η_{i-1} / η_i) I,   B_i = ψ(k_i) / η_i,   C_i = φ(q_i)ᵀ,   D_i = 0.

    The products of Λ telescope to η_j / η_i. Λ_0 never matters; it is set to 1.

    Args:
        phi: query features φ(q_i), (..., L, n).
        psi: key features ψ(k_j), (..., L, n).
        eta: normaliser η_i ≠ 0, (..., L); None stands for η = 1.

    Returns:
        The system with state expansion n.

    Source: arXiv 2405.15731, section 3.2.1; chapter 3.
    """
    check_sequence("phi", phi, "(..., L, n)")
    check_sequence("psi", psi, "(..., L, n)", phi.shape[-2])
    check_width("psi", psi, phi.shape[-1], "n")
    if eta is None:
        transition = phi.new_ones(1, 1, 1).expand(phi.shape[-2], 1, 1)
        return LTVSystem(transition, psi.unsqueeze(-1), phi.unsqueeze(-1))
    check_sequence("eta", eta, "(..., L)", phi.shape[-2])
    ratio = torch.cat([torch.ones_like(eta[..., :1]), eta[..., :-1] / eta[..., 1:]], dim=-1)
    b = psi / eta.unsqueeze(-1)
    return LTVSystem(ratio[..., None, None], b.unsqueeze(-1), phi.unsqueeze(-1))


def softmax_attention(q: Tensor, k: Tensor, v: Tensor, scale: float | None = None) -> Tensor:
    """Causal softmax attention, y_i = Σ_{j≤i} softmax_j(scale · q_iᵀk_j) v_j.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        v: values, (..., L, d).
        scale: factor on the scores; 1/√m if None.

    Returns:
        y, (..., L, d).

    Source: Vaswani et al. (2017); arXiv 2405.15731, eq. (2) of v1; chapter 2.
    """
    _check_qkv(q, k, v)
    batch = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    scale, width, d = _scale(q, scale), max(q.shape[-1], v.shape[-1]), v.shape[-1]
    # PyTorch's fused kernel wants four axes and one width; otherwise it forms L × L arrays. Zero
    # columns change no score.
    q, k, v = (
        F.pad(x, (0, width - x.shape[-1])).expand(*batch, -1, -1).reshape(-1, 1, x.shape[-2], width)
        for x in (q, k, v)
    )
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
    return y.reshape(*batch, *y.shape[-2:])[..., :d]


def softmax_matrix(q: Tensor, k: Tensor, scale: float | None = None) -> Tensor:
    """The attention map of softmax attention, for display and for theory.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        scale: factor on the scores; 1/√m if None.

    Returns:
        Φ, (..., L, L), lower triangular with rows that sum to 1.

    Source: arXiv 2405.15731, eq. (2) of v1; chapter 2.
    """
    _check_qkv(q, k, k)
    scores = (q @ k.mT) * _scale(q, scale)
    later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
    return scores.masked_fill(later, -torch.inf).softmax(-1)


def softmax_attention_system(
    q: Tensor, k: Tensor, order: int, scale: float | None = None
) -> LTVSystem:
    """Softmax attention with exp replaced by its Taylor polynomial, a finite-state system.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        order: degree p of the polynomial; the state expansion is n = C(m + p, p). Odd orders may
            give scores, and even normalisers, that are not positive.
        scale: factor on the scores; 1/√m if None.

    Returns:
        The system, which tends to softmax attention as order → ∞.

    Source: arXiv 2405.15731, section 3.2.1; chapter 2.
    """
    _check_qkv(q, k, k)
    root = _scale(q, scale) ** 0.5
    return _normalized_by_row_sum(
        taylor_features(q * root, order), taylor_features(k * root, order)
    )


def kv_cache_system(q: Tensor, k: Tensor, scale: float | None = None) -> LTVSystem:
    """Softmax attention exactly, with the key-value cache as the state: n = L.

    Row j of the state receives v_j at time j and stays (Λ = 1); C_i is row i of the attention map.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        scale: factor on the scores; 1/√m if None.

    Returns:
        The system with state expansion n = L.

    Source: chapter 2.
    """
    phi = softmax_matrix(q, k, scale)
    return separable_attention_system(phi, torch.eye(phi.shape[-1]).to(phi))


def linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    feature_map: FeatureMap = elu_plus_one,
    normalize: bool = True,
) -> Tensor:
    """Causal linear attention, y_i = φ(q_i)ᵀS_i / φ(q_i)ᵀz_i, in time linear in L.

    S_i = Σ_{j≤i} φ(k_j) v_jᵀ and z_i = Σ_{j≤i} φ(k_j).

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        v: values, (..., L, d).
        feature_map: φ, from (..., L, m) to (..., L, n).
        normalize: whether to divide by φ(q_i)ᵀz_i.

    Returns:
        y, (..., L, d).

    Source: Katharopoulos et al. (2020); arXiv 2405.15731, eq. (16) of v1; chapter 3.
    """
    _check_qkv(q, k, v)
    phi, psi = feature_map(q), feature_map(k)
    if not normalize:
        return _causal_sum(phi, psi, v)
    # The normaliser is the same sum with values 1: one more channel.
    sums = _causal_sum(phi, psi, F.pad(v, (0, 1), value=1.0))
    return sums[..., :-1] / sums[..., -1:]


def linear_attention_system(
    q: Tensor, k: Tensor, feature_map: FeatureMap = elu_plus_one, normalize: bool = True
) -> LTVSystem:
    """Linear attention as a dynamical system with η_i = φ(q_i)ᵀ Σ_{j≤i} φ(k_j).

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        feature_map: φ, from (..., L, m) to (..., L, n).
        normalize: whether the scores are divided by η_i.

    Returns:
        The system with state expansion n; its input is v.

    Source: arXiv 2405.15731, section 3.2.1; chapter 3.
    """
    _check_qkv(q, k, k)
    phi, psi = feature_map(q), feature_map(k)
    return _normalized_by_row_sum(phi, psi) if normalize else separable_attention_system(phi, psi)


def normalized_attention(q: Tensor, k: Tensor, v: Tensor, eta: Tensor) -> Tensor:
    """Normalised attention, y_i = (1/η_i) Σ_{j≤i} (q_iᵀk_j) v_j with a normaliser that is learned.

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        v: values, (..., L, d).
        eta: normaliser η_i, in the paper exp, softplus or sigmoid of a projection of the input,
            (..., L).

    Returns:
        y, (..., L, d).

    Source: arXiv 2405.15731, eq. (21) of v1; chapter 4.
    """
    _check_qkv(q, k, v)
    check_sequence("eta", eta, "(..., L)", q.shape[-2])
    return _causal_sum(q, k, v) / eta.unsqueeze(-1)


def normalized_attention_system(q: Tensor, k: Tensor, eta: Tensor) -> LTVSystem:
    """Normalised attention as a dynamical system: Λ_i = η_{i-1}/η_i, B_i = k_i/η_i, C_i = q_iᵀ.

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        eta: normaliser η_i ≠ 0, (..., L).

    Returns:
        The system with state expansion n; its input is v.

    Source: arXiv 2405.15731, section 3.2.1 and eq. (21) of v1; chapter 4.
    """
    _check_qkv(q, k, k)
    return separable_attention_system(q, k, eta)


def _normalized_by_row_sum(phi: Tensor, psi: Tensor) -> LTVSystem:
    eta = (phi * psi.cumsum(-2)).sum(-1)
    return separable_attention_system(phi, psi, eta)


def _causal_sum(phi: Tensor, psi: Tensor, v: Tensor) -> Tensor:
    """Σ_{j≤i} (φ_iᵀψ_j) v_j: scores inside chunks, running sums of ψ_j v_jᵀ between them."""
    length = v.shape[-2]
    chunk = min(length, CHUNK_LENGTH)
    missing = -length % chunk
    phi, psi, v = (
        F.pad(x, (0, 0, 0, missing)).unflatten(-2, (-1, chunk)) for x in (phi, psi, v)
    )  # (..., K, chunk, ·)
    y = (phi @ psi.mT).tril() @ v
    if length > chunk:
        local = psi.mT @ v  # (..., K, n, d)
        before = F.pad(local[..., :-1, :, :], (0, 0, 0, 0, 1, 0)).cumsum(-3)
        y = y + phi @ before
    return y.flatten(-3, -2)[..., :length, :]


def _scale(q: Tensor, scale: float | None) -> float:
    if scale is None:
        return 1 / math.sqrt(q.shape[-1])
    if not scale > 0:
        raise ValueError(f"scale is {scale}, expected a positive number or None for 1/√m")
    return scale


def _check_qkv(q: Tensor, k: Tensor, v: Tensor) -> None:
    check_sequence("q", q, "(..., L, m)")
    check_sequence("k", k, "(..., L, m)", q.shape[-2])
    check_sequence("v", v, "(..., L, d)", q.shape[-2])
    check_width("k", k, q.shape[-1], "m")
