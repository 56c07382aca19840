"""Products of transitions, and the blocks of Φ that are made of them.

Everything here multiplies transitions directly. No logarithm of Λ is taken and nothing is
divided by a product of Λ, so Λ = 0, negative or complex Λ, and products that underflow are all
ordinary cases.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf._checks import check_arrays, full_precision, state_dtype

__all__ = ["segment_products"]

# Blocks of 64 steps: the work inside a block grows with its length, the number of steps between
# blocks falls with it, and 64 is where the two balance on a CPU.
CHUNK_LENGTH = 64


def segment_products(transition: Tensor) -> Tensor:
    """Products of consecutive transitions, P_ij = Λ_i Λ_{i-1} ⋯ Λ_{j+1}.

    Built by joining blocks of doubling size: the product from block to block is the outer product
    of a column and a row that are already known. Every entry is a product of at most L factors,
    so its relative error is about L rounding errors even where the entry is tiny.

    Args:
        transition: Λ, (..., L).

    Returns:
        P, (..., L, L), lower triangular with P_ii = 1. Differentiable to any order.

    Raises:
        ValueError: transition is not a floating tensor with a time axis.

    Source: Φ_ij = C_i P_ij B_j of arXiv 2405.15731, section 3.1; chapter 1.

    Example:
        >>> dsf.segment_products(torch.tensor([2.0, 3.0, 5.0]))
        tensor([[ 1.,  0.,  0.],
                [ 3.,  1.,  0.],
                [15.,  5.,  1.]])
    """
    length = check_arrays({"transition": (transition, "(..., L)")}, ["transition"])["L"]
    dtype = transition.dtype
    transition = transition.to(state_dtype(dtype))
    size = 1 << (length - 1).bit_length()
    a = F.pad(transition, (0, size - length), value=1.0)
    p = torch.ones_like(a)[..., None, None]  # (..., blocks, m, m), at first m = 1
    m = 1
    while m < size:
        early, late = p[..., 0::2, :, :], p[..., 1::2, :, :]
        # From the border between the two to i, (..., blocks / 2, m, 1).
        into_late = late[..., :, :1] * a[..., m :: 2 * m, None, None]
        corner = into_late * early[..., -1:, :]
        top = torch.cat([early, torch.zeros_like(early)], dim=-1)
        p = torch.cat([top, torch.cat([corner, late], dim=-1)], dim=-2)
        m *= 2
    return p[..., 0, :length, :length].to(dtype)


def mixing_matrix(products: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Φ_ij = Σ_a C_i[a] P_ij[a] B_j[a] per channel.

    Args:
        products: P, (..., n|1, d|1, L, L).
        b: B, (..., L, n, d|1).
        c: C, (..., L, n, d|1).

    Returns:
        Φ, (..., d|1, L, L).
    """
    rows = c.movedim(-3, -1).unsqueeze(-1)  # (..., n, d|1, L, 1)
    columns = b.movedim(-3, -1).unsqueeze(-2)  # (..., n, d|1, 1, L)
    if products.shape[-4] == 1:
        inner = rows.squeeze(-1).movedim(-3, -1) @ columns.squeeze(-2).movedim(-3, -2)
        return products.squeeze(-4) * inner  # (..., d|1, L, L)
    return (rows * products * columns).sum(-4)


def split_time(x: Tensor, chunk: int, fill: float) -> Tensor:
    """(..., L, n, d) to (..., K, chunk, n, d), the last chunk filled up."""
    missing = -x.shape[-3] % chunk
    if missing:
        x = F.pad(x, (0, 0, 0, 0, 0, missing), value=fill)
    return x.reshape(*x.shape[:-3], -1, chunk, *x.shape[-2:])


def apply_matrix(phi: Tensor, x: Tensor) -> Tensor:
    """Φ x with Φ (..., d|1, c, c) and x (..., c, d)."""
    if phi.shape[-3] == 1:
        return phi.squeeze(-3) @ x
    return (phi @ x.mT.unsqueeze(-1)).squeeze(-1).mT


def sum_time(b: Tensor, x: Tensor) -> Tensor:
    """Σ_j B_j[a, c] x_j[c] with B (..., c, n, d|1) and x (..., c, d), to (..., n, d)."""
    if b.shape[-1] == 1:
        return b.squeeze(-1).mT @ x
    return (b * x.unsqueeze(-2)).sum(-3)


def read(c: Tensor, state: Tensor) -> Tensor:
    """Σ_a C_i[a, c] H[a, c] with C (..., c, n, d|1) and one state H (..., n, d), to (..., c, d)."""
    if c.shape[-1] == 1:
        return c.squeeze(-1) @ state
    return (c * state.unsqueeze(-3)).sum(-2)


def causal_sum(
    phi: Tensor,
    psi: Tensor,
    v: Tensor,
    start: Tensor | None = None,
    last: bool = False,
) -> tuple[Tensor, Any]:
    """Σ_{j≤i} (φ_iᵀψ_j) v_j, and the last Σ_j ψ_j v_jᵀ where it is asked for.

    Scores inside chunks, running sums of ψ_j v_jᵀ between them, on top of `start`.
    """
    length = v.shape[-2]
    chunk = min(length, CHUNK_LENGTH)
    missing = -length % chunk
    phi, psi, v = (
        F.pad(x, (0, 0, 0, missing)).unflatten(-2, (-1, chunk)) for x in (phi, psi, v)
    )  # (..., K, chunk, ·)
    with full_precision(v):
        y = (phi @ psi.mT).tril() @ v  # (..., K, chunk, d)
        if length == chunk and start is None and not last:
            return y.flatten(-3, -2)[..., :length, :], None
        local = psi.mT @ v  # (..., K, n, d)
        first = torch.zeros_like(local[..., 0, :, :]) if start is None else start
        batch = torch.broadcast_shapes(first.shape[:-2], local.shape[:-3])
        first, local = (x.expand(*batch, *x.shape[-3:]) for x in (first.unsqueeze(-3), local))
        # Before each chunk, and at the end, (..., K + 1, n, d).
        sums = torch.cat([first, local], dim=-3).cumsum(-3)
        y = y + phi @ sums[..., :-1, :, :]
    return y.flatten(-3, -2)[..., :length, :], sums[..., -1, :, :]


def after(first: Tensor, x: Tensor) -> Tensor:
    """The sequence x (..., L) one step later, with `first` (...) in front."""
    batch = torch.broadcast_shapes(first.shape, x.shape[:-1])
    before = x[..., :-1].expand(*batch, -1)
    return torch.cat([first.expand(batch).unsqueeze(-1), before], dim=-1)


def joined(early: Tensor, late: Tensor) -> Tensor:
    """Two pieces of a sequence in a row, (..., L, ·)."""
    batch = torch.broadcast_shapes(early.shape[:-2], late.shape[:-2])
    return torch.cat([x.expand(*batch, *x.shape[-2:]) for x in (early, late)], dim=-2)
