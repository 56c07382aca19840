"""How much state a mixer needs: the ranks of the Hankel blocks of Φ."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_integer, check_number, check_precision, check_values


def hankel_block(phi: Tensor, t: int) -> Tensor:
    """Φ[t:, :t], the part of Φ by which the inputs before time t reach the outputs from t on.

    Args:
        phi: Φ, (..., L, L).
        t: the time of the cut, 1 ≤ t < L.

    Returns:
        The block, (..., L - t, t).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: chapter 2.

    Example:
        >>> phi = torch.tensor([[1.0, 0.0, 0.0], [2.0, 3.0, 0.0], [4.0, 5.0, 6.0]])
        >>> dsf.theory.hankel_block(phi, 1)
        tensor([[2.],
                [4.]])
    """
    length = check_arrays({"phi": (phi, "(..., L, L)")}, ("phi",))["L"]
    t = check_integer("t", t, high=length - 1)
    return phi[..., t:, :t]


def hankel_ranks(phi: Tensor, tol: float | None = None) -> Tensor:
    """The rank of the Hankel block Φ[t:, :t] for every t = 1, ..., L - 1.

    All that the outputs from t on learn of the inputs before t has to pass through h_{t-1}. So a
    realisation with N states factors the block as (L - t, N) times (N, t), and the rank of the
    block is a lower bound of N. That holds for every realisation, diagonal or not.

    A rank in floating point is a number of singular values above a threshold. Here the threshold is
    relative to the largest singular value of the whole Φ, not of the block. Φ is known up to
    rounding of the size of its largest entries, so a block whose entries are all rounding must
    count as zero, which a threshold relative to the block itself would miss. In exchange the result
    is a safe lower bound: each matrix that differs from Φ by less than tol · ‖Φ‖₂ has Hankel ranks
    at least as large.

    Args:
        phi: Φ, (..., L, L).
        tol: threshold as a fraction of ‖Φ‖₂; L times the rounding unit of the dtype if None.

    Returns:
        The ranks, (..., L - 1), integer; entry t - 1 belongs to the cut at t.

    Raises:
        ValueError: phi is not square, has other than finite entries, or tol is not in [0, 1).

    Source: time-varying realisation theory; chapter 1.

    Example:
        >>> dsf.theory.hankel_ranks(torch.ones(4, 4).tril())  # a running sum
        tensor([1, 1, 1])
    """
    length = _check_phi(phi)
    if tol is None:
        tol = length * torch.finfo(phi.dtype).eps
    tol = check_number("tol", tol, 0, 1, below=True)
    phi = phi.detach()
    threshold = tol * torch.linalg.matrix_norm(phi, ord=2)[..., None]  # (..., 1)
    ranks = [
        (torch.linalg.svdvals(hankel_block(phi, t)) > threshold).sum(-1) for t in range(1, length)
    ]
    if not ranks:
        return torch.zeros((*phi.shape[:-2], 0), dtype=torch.long, device=phi.device)
    return torch.stack(ranks, dim=-1)


def minimal_state_size(phi: Tensor, d: int | None = None, tol: float | None = None) -> int:
    """A lower bound of the state size N of every dynamical system with the mixing matrix Φ.

    It is the largest number of states that has to be carried over one cut: the Hankel rank summed
    over the channels, then the maximum over time. A system that reads its state after the update,
    as the DSF does, may need more: the pure delay y_i = u_{i-1} carries one state, but h_i must
    hold u_i and u_{i-1}.

    Args:
        phi: Φ of each channel, (d, L, L), or one Φ for all channels, (L, L).
        d: number of channels that share one Φ; 1 if None. Not for a Φ of each channel.
        tol: see `hankel_ranks`.

    Returns:
        The bound; 0 for L = 1.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: time-varying realisation theory; chapter 1.

    Example:
        >>> dsf.theory.minimal_state_size(torch.ones(4, 4).tril())
        1
    """
    _check_phi(phi)
    if d is not None:
        d = check_integer("d", d)
    if phi.ndim > 3 or (phi.ndim == 3 and d is not None and d != phi.shape[0]):
        raise ValueError(
            f"phi has shape {tuple(phi.shape)} and d is {d}, expected (L, L), or (d, L, L) and the "
            "same d or None"
        )
    ranks = hankel_ranks(phi, tol)
    ranks = ranks.sum(0) if phi.ndim == 3 else ranks * (d or 1)
    return max(ranks.tolist(), default=0)


def _check_phi(phi: Any) -> int:
    """Refuse phi unless it is square matrices of finite numbers; return L."""
    length = check_arrays({"phi": (phi, "(..., L, L)")}, ("phi",))["L"]
    check_values(phi=phi)
    check_precision("phi", phi)
    if not torch.isfinite(phi).all():
        raise ValueError("phi has entries that are NaN or infinite, expected finite numbers")
    return length
