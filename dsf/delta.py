"""What came after the paper and erases as it writes: native form and DSF form side by side.

The transition is diagonal minus low rank. Queries and keys q, k have shape (..., L, n), values v
shape (..., L, d); the input of the system is u = v. Heads are a leading axis.

A sequence may come in pieces: with `return_state=True` a native form also returns the last state
H, (..., n, d), and `state` takes it for the piece after. It is the state of the DSF form.
"""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor

from dsf._checks import (
    check_arrays,
    check_flag,
    check_leading,
    check_number,
    check_state,
    full_precision,
    state_dtype,
)
from dsf.low_rank import LowRankSystem

__all__ = ["delta_rule", "delta_rule_system"]


@overload
def delta_rule(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor | float,
    state: Tensor | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def delta_rule(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor | float,
    state: Tensor | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def delta_rule(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor | float,
    state: Tensor | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The delta rule of DeltaNet, H_i = H_{i-1} + β_i k_i (v_i - H_{i-1}ᵀk_i)ᵀ, y_i = H_iᵀq_i.

    A part β_i of what the state holds under the key is replaced by the value: one gradient step on
    ½‖Hᵀk_i - v_i‖². Keys are taken as they are. Where they have unit length, as both papers have
    it, nothing grows while 0 ≤ β ≤ 2. This is the loop; `delta_rule_system(...).run(v)` is fast.

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        v: values, (..., L, d).
        beta: β, a number from 0 to 2, or one for each token, (..., L).
        state: H_{-1}, (..., n, d); zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Schlag et al. (2021), arXiv 2102.11174; Yang et al. (2024), arXiv 2406.06484;
    chapter 13.

    Example:
        >>> k = torch.tensor([[1.0, 0.0], [1.0, 0.0]])  # the same key twice
        >>> dsf.delta_rule(k, k, torch.tensor([[3.0], [5.0]]), beta=1.0).flatten()
        tensor([3., 5.])
    """
    beta = _beta(q, k, beta, v)
    check_flag("return_state", return_state)
    batch = torch.broadcast_shapes(*(x.shape[:-2] for x in (q, k, v)), beta.shape[:-1])
    n, d, dtype = q.shape[-1], v.shape[-1], v.dtype
    if state is None:
        h = v.new_zeros(*batch, n, d, dtype=state_dtype(dtype))
    else:
        check_state("state", state, "(..., n, d)", v, n=n, d=d)
        check_leading("state", state.shape[:-2], batch)
        h = state.to(state_dtype(dtype))
    columns = (q.unsqueeze(-1), k.unsqueeze(-1), v.unsqueeze(-1), beta[..., None, None])
    y = []
    with full_precision(v):
        for q_i, k_i, v_i, beta_i in zip(*(x.to(h.dtype).unbind(-3) for x in columns), strict=True):
            h = h + beta_i * k_i * (v_i.mT - k_i.mT @ h)  # (..., n, d)
            y.append((q_i.mT @ h).squeeze(-2))
    outputs = torch.stack(y, dim=-2).to(dtype)
    return (outputs, h) if return_state else outputs


def delta_rule_system(q: Tensor, k: Tensor, beta: Tensor | float) -> LowRankSystem:
    """The delta rule as a dynamical system: Λ_i = I - β_i k_i k_iᵀ, B_i = β_i k_i, C_i = q_iᵀ.

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        beta: β, a number from 0 to 2, or one for each token, (..., L).

    Returns:
        The system with state expansion n and rank 1; its input is v.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Yang et al. (2024), arXiv 2406.06484; chapter 13.

    Example:
        >>> k = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> dsf.delta_rule_system(k, k, beta=1.0).run(torch.tensor([[3.0], [5.0]])).flatten()
        tensor([3., 5.])
    """
    beta = _beta(q, k, beta)
    key = k.unsqueeze(-1)  # (..., L, n, 1)
    write = beta[..., None, None] * key
    return LowRankSystem(torch.ones_like(key[..., :1, 0]), write, key, write, q.unsqueeze(-1))


def _beta(q: Tensor, k: Tensor, beta: Tensor | float, v: Tensor | None = None) -> Tensor:
    """β as a tensor (..., L|1), after all arguments are checked."""
    arrays = {"q": (q, "(..., L, n)"), "k": (k, "(..., L, n)")}
    if v is not None:
        arrays["v"] = (v, "(..., L, d)")
    if isinstance(beta, Tensor):
        check_arrays({**arrays, "beta": (beta, "(..., L)")})
        return beta
    check_arrays(arrays)
    return q.new_full(q.shape[-2:-1], check_number("beta", beta, 0, 2))
