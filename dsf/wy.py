"""The WY form: all that a chunk of a low-rank recurrence erases, by one triangular system.

Inside a chunk H_i = P_i H_start + Σ_{j≤i} P_ij (B_j u_j - l_j w_j), where P_ij are products of the
diagonals alone and w_i = r_iᵀ H_{i-1} is what step i finds and erases. So w + A w = G u + R H_start
with A, G strictly lower triangular in time, and w follows from one triangular solve.

Source: Bischof and Van Loan (1987) for products of reflections; Yang et al. (2024),
arXiv 2406.06484; chapter 13.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf.blocks import segment_products


def chunked(
    a: Tensor,
    left: Tensor,
    right: Tensor,
    b: Tensor,
    c: Tensor,
    u: Tensor,
    h: Tensor,
    chunk: int,
) -> tuple[Tensor, Tensor]:
    """Run H_i = (diag(a_i) - left_i right_iᵀ) H_{i-1} + B_i u_iᵀ, y_i = C_iᵀ H_i in chunks.

    Args:
        a: the diagonal, (..., L, n|1); all with the same leading axes and dtype.
        left: (..., L, n, r).
        right: (..., L, n, r).
        b: B, (..., L, n, 1).
        c: C, (..., L, n, 1).
        u: (..., L, d).
        h: H_{-1}, (..., n, d).
        chunk: steps in a chunk, a power of two unless a is scalar. The last chunk is filled up by
            steps that leave the state as it is.

    Returns:
        y (..., L, d) and the last state (..., n, d).
    """
    length = u.shape[-2]
    a, x = _split(a, chunk, fill=1.0), _split(u, chunk)  # (..., K, c, n|1) and (..., K, c, d)
    vectors = [_split(z.mT, chunk, axis=-3) for z in (b, c, left, right)]  # (..., K, c, 1|r, n)
    maps = (_by_scalar if a.shape[-1] == 1 else _by_vector)(a, *vectors)

    known = torch.cat([maps.input_found @ x, maps.start_found], dim=-1)
    erased = torch.linalg.solve_triangular(
        maps.erased_found, known, upper=False, unitriangular=True
    )
    of_inputs, of_start = erased.split([x.shape[-1], h.shape[-2]], dim=-1)
    written = maps.input_kept @ x
    before, erased = [], []
    pieces = (maps.whole, written, of_inputs, of_start, maps.erased_kept)
    for whole, written_k, w, of_start_k, kept in zip(*(z.unbind(-3) for z in pieces), strict=True):
        before.append(h)
        erased.append(w + of_start_k @ h)
        h = whole * h + written_k - kept @ erased[-1]
    y = maps.input_read @ x + maps.start_read @ torch.stack(before, dim=-3)
    y = y - maps.erased_read @ torch.stack(erased, dim=-3)
    return y.flatten(-3, -2)[..., :length, :], h


class _Maps(NamedTuple):
    """What reaches what inside a chunk of c steps, by the diagonals alone.

    From inputs (c), what is erased (c·r) and the state at the start (n) to what is read (c), what
    each step finds (c·r) and the state at the end (n).
    """

    input_read: Tensor  # (..., K, c, c)
    erased_read: Tensor  # (..., K, c, c·r)
    start_read: Tensor  # (..., K, c, n)
    input_found: Tensor  # (..., K, c·r, c)
    erased_found: Tensor  # (..., K, c·r, c·r), strictly lower triangular in time
    start_found: Tensor  # (..., K, c·r, n)
    input_kept: Tensor  # (..., K, n, c)
    erased_kept: Tensor  # (..., K, n, c·r)
    whole: Tensor  # (..., K, n|1, 1), the product of all


def _by_scalar(a: Tensor, b: Tensor, c: Tensor, left: Tensor, right: Tensor) -> _Maps:
    """The maps for a (..., c, 1): products of all pairs of vectors, then the decay."""
    r = left.shape[-2]
    b, c = b.squeeze(-2), c.squeeze(-2)
    left, right = left.flatten(-3, -2), right.flatten(-3, -2)
    after = segment_products(a.squeeze(-1))  # (..., c, c)
    before = F.pad(after[..., :-1, :], (0, 0, 1, 0))  # a read before step i has i - 1 behind it
    from_start = after[..., :1] * a[..., :1, :]  # (..., c, 1)
    to_end = after[..., -1, :, None]

    def repeated(x: Tensor, *axes: int) -> Tensor:
        for axis in axes if r > 1 else ():
            x = x.repeat_interleave(r, axis)
        return x

    return _Maps(
        input_read=c @ b.mT * after,
        erased_read=c @ left.mT * repeated(after, -1),
        start_read=c * from_start,
        input_found=right @ b.mT * repeated(before, -2),
        erased_found=right @ left.mT * repeated(before, -2, -1),
        start_found=right * repeated(_shifted(from_start), -2),
        input_kept=(b * to_end).mT,
        erased_kept=(left * repeated(to_end, -2)).mT,
        whole=from_start[..., -1:, :],
    )


def _by_vector(a: Tensor, b: Tensor, c: Tensor, left: Tensor, right: Tensor) -> _Maps:
    """The maps for a (..., c, n)."""
    r = left.shape[-2]
    reads, writes = torch.cat([c, right], dim=-2), torch.cat([b, left], dim=-2)
    pairs, from_start, to_end = _pairs(a, reads, writes)
    pairs = pairs.unflatten(-2, (-1, 1 + r)).unflatten(-1, (-1, 1 + r))
    of_input, of_erased = pairs.split([1, r], dim=-1)
    input_read, input_found = of_input.squeeze(-1).split([1, r], dim=-2)
    erased_read, erased_found = of_erased.flatten(-2).split([1, r], dim=-2)
    start_read, start_found = (reads * from_start).split([1, r], dim=-2)
    input_kept, erased_kept = (writes * to_end.unsqueeze(-2)).split([1, r], dim=-2)
    return _Maps(
        input_read=input_read.squeeze(-2),
        erased_read=erased_read.squeeze(-2),
        start_read=start_read.squeeze(-2),
        input_found=input_found.flatten(-3, -2),
        erased_found=erased_found.flatten(-3, -2),
        start_found=start_found.flatten(-3, -2),
        input_kept=input_kept.squeeze(-2).mT,
        erased_kept=erased_kept.flatten(-3, -2).mT,
        whole=from_start[..., -1, 0, :, None],
    )


def _pairs(a: Tensor, reads: Tensor, writes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What reads find of writes: Σ_a R_i[a] P_ij[a] W_j[a], by joining blocks of doubling size.

    The first of the reads takes place after its step, j ≤ i, the others before it, j < i, with
    P_{i-1,j}. From block to block P is the product from j to the border times that on to i.

    Args:
        a: the diagonal, (..., c, n).
        reads: R, (..., c, s, n).
        writes: W, (..., c, t, n).

    Returns:
        The pairs (..., c·s, c·t), the products of a from the start to each read (..., c, s, n), and
        from each write to the end (..., c, n).
    """
    c, s = reads.shape[-3:-1]
    if c == 1:
        after, before = reads.squeeze(-3).split([1, s - 1], dim=-2)
        pairs = torch.cat([after, torch.zeros_like(before)], dim=-2) @ writes.squeeze(-3).mT
        from_start = torch.cat([a.unsqueeze(-2), torch.ones_like(before).unsqueeze(-3)], dim=-2)
        return pairs, from_start, torch.ones_like(a)
    halves = (2, c // 2)
    reads, writes = reads.unflatten(-3, halves), writes.unflatten(-3, halves)
    pairs, from_start, to_end = _pairs(a.unflatten(-2, halves), reads, writes)
    (early, late), (start_0, start_1) = pairs.unbind(-3), from_start.unbind(-4)
    end_0, end_1 = to_end.unbind(-3)
    found = (reads[..., 1, :, :, :] * start_1).flatten(-3, -2)
    kept = (writes[..., 0, :, :, :] * end_0.unsqueeze(-2)).flatten(-3, -2)
    top = torch.cat([early, torch.zeros_like(early)], dim=-1)
    joined = torch.cat([top, torch.cat([found @ kept.mT, late], dim=-1)], dim=-2)
    first, second = (x[..., -1:, :1, :] for x in (start_0, start_1))  # products of whole blocks
    from_start = torch.cat([start_0, start_1 * first], dim=-3)
    return joined, from_start, torch.cat([end_0 * second.squeeze(-2), end_1], dim=-2)


def _shifted(from_start: Tensor) -> Tensor:
    """Products (..., c, 1) from the start to after each step, moved to before it."""
    return F.pad(from_start[..., :-1, :], (0, 0, 1, 0), value=1.0)


def _split(x: Tensor, chunk: int, axis: int = -2, fill: float = 0.0) -> Tensor:
    """The axis of L steps as axes of K chunks and their steps, the last chunk filled up."""
    missing = -x.shape[axis] % chunk
    if missing:
        x = F.pad(x, (*[0, 0] * (-axis - 1), 0, missing), value=fill)
    pieces: Tensor = x.unflatten(axis, (-1, chunk))
    return pieces
