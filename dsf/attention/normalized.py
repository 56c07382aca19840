"""Normalised attention: native form and DSF form side by side."""

from __future__ import annotations

from typing import Literal, overload

from torch import Tensor

from dsf._checks import check_arrays, check_flag, state_dtype
from dsf.attention.separable import check_qk, check_qkv, separable_attention_system
from dsf.blocks import causal_sum
from dsf.state import NormalizedState, check_normalized, check_sums, divided
from dsf.system import LTVSystem


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

    Example:
        >>> q = torch.ones(3, 1)
        >>> v = torch.tensor([[2.0], [4.0], [6.0]])
        >>> dsf.normalized_attention(q, q, v, eta=torch.tensor([1.0, 2.0, 4.0])).flatten()
        tensor([2., 3., 3.])
    """
    check_qkv(q, k, v)
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


def normalized_attention_matrix(q: Tensor, k: Tensor, eta: Tensor) -> Tensor:
    """The attention map of normalised attention, Φ_ij = q_iᵀk_j / η_i for j ≤ i.

    `normalized_attention` is this matrix times v, evaluated without ever forming it.

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        eta: normaliser η_i ≠ 0, (..., L).

    Returns:
        Φ, (..., L, L), lower triangular.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, eq. (21) of v1; chapter 4.

    Example:
        >>> q = torch.ones(3, 1)
        >>> dsf.normalized_attention_matrix(q, q, eta=torch.tensor([1.0, 2.0, 4.0]))
        tensor([[1.0000, 0.0000, 0.0000],
                [0.5000, 0.5000, 0.0000],
                [0.2500, 0.2500, 0.2500]])
    """
    check_qk(q, k)
    check_arrays({"q": (q, "(..., L, m)"), "eta": (eta, "(..., L)")})
    return (q @ k.mT).tril() / eta.unsqueeze(-1)


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

    Example:
        >>> q = torch.ones(3, 1)
        >>> system = dsf.normalized_attention_system(q, q, eta=torch.tensor([1.0, 2.0, 4.0]))
        >>> system.transition[1:].flatten()  # η_{i-1} / η_i
        tensor([0.5000, 0.5000])
    """
    check_qk(q, k)
    check_arrays({"q": (q, "(..., L, m)"), "eta": (eta, "(..., L)")})
    return separable_attention_system(q, k, eta, before)
