"""The WY form: all that a chunk of a low-rank recurrence erases, by one triangular system.

Inside a chunk H_i = P_i H_start + Σ_{j≤i} P_ij (B_j u_j - l_j w_j), where P_ij are products of the
diagonals alone and w_i = r_iᵀ H_{i-1} is what step i finds and erases. So w + A w = G u + R H_start
with A, G strictly lower triangular in time, and w follows from one triangular solve.

Source: Bischof and Van Loan (1987) for products of reflections; Yang et al. (2024),
arXiv 2406.06484; chapter 13.
"""

from __future__ import annotations

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
    length, r = u.shape[-2], left.shape[-1]
    a, x = _split(a, chunk, 1.0), _split(u, chunk)  # (..., K, c, n|1) and (..., K, c, d)
    reads, writes = (
        torch.cat([_features(x, chunk) for x in pair], dim=-3) for pair in ((c, right), (b, left))
    )  # (..., K, 1 + r, c, n)
    pairs, from_start, to_end = (_scalar_pairs if a.shape[-1] == 1 else _pairs)(a, reads, writes)

    # From inputs, and from what was erased, to outputs and to what each step finds.
    of_input, of_erased = pairs.split([1, r], dim=-2)
    seen = of_input.squeeze(-2).flatten(-3, -2) @ x  # (..., K, (1 + r)·c, d)
    y, found = seen.unflatten(-2, (-1, chunk)).split([1, r], dim=-3)
    by_erased, found_erased = of_erased.mT.flatten(-2).split([1, r], dim=-3)
    read_start, found_start = (reads * from_start).split([1, r], dim=-3)
    found, found_start = _in_time(found), _in_time(found_start)  # (..., K, c·r, d | n)
    known = torch.cat([found, found_start], dim=-1)
    system = _in_time(found_erased)  # A, (..., K, c·r, c·r); its diagonal counts as 1
    erased = torch.linalg.solve_triangular(system, known, upper=False, unitriangular=True)
    of_inputs, of_start = erased.split([x.shape[-1], h.shape[-2]], dim=-1)
    kept, kept_erased = (writes * to_end.unsqueeze(-3)).split([1, r], dim=-3)
    kept, lost = kept.squeeze(-3).mT @ x, _in_time(kept_erased).mT @ erased
    lost_inputs, lost_start = lost.split([x.shape[-1], h.shape[-2]], dim=-1)
    whole = from_start[..., 0, -1, :].expand(lost_start.shape[:-1])
    moved, added = torch.diag_embed(whole) - lost_start, kept - lost_inputs
    before = []
    for moved_k, added_k in zip(moved.unbind(-3), added.unbind(-3), strict=True):
        before.append(h)
        h = moved_k @ h + added_k
    start = torch.stack(before, dim=-3)  # (..., K, n, d)
    y = y.squeeze(-3) + read_start.squeeze(-3) @ start
    y = y - by_erased.squeeze(-3) @ (of_inputs + of_start @ start)
    return y.flatten(-3, -2)[..., :length, :], h


def _scalar_pairs(a: Tensor, reads: Tensor, writes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same as `_pairs` for a (..., c, 1): one product of all pairs, then the decay."""
    s, c, t = *reads.shape[-3:-1], writes.shape[-3]
    products = segment_products(a.squeeze(-1))
    earlier = F.pad(products[..., :-1, :], (0, 0, 1, 0))
    decay = torch.stack([products, *[earlier] * (s - 1)], dim=-3)  # (..., s, c, c)
    pairs = reads.flatten(-3, -2) @ writes.flatten(-3, -2).mT
    pairs = pairs.reshape(*pairs.shape[:-2], s, c, t, c) * decay.unsqueeze(-2)
    from_start = (products[..., 0] * a[..., 0, :]).unsqueeze(-1)
    return pairs, _until(from_start, s), products[..., -1, :].unsqueeze(-1)


def _pairs(a: Tensor, reads: Tensor, writes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What reads find of writes: Σ_a R_i[a] P_ij[a] W_j[a], by joining blocks of doubling size.

    The first of the reads takes place after its step, j ≤ i, the others before it, j < i, with
    P_{i-1,j}. From block to block P is the product from j to the border times that on to i.

    Args:
        a: the diagonal, (..., c, n).
        reads: R, (..., s, c, n).
        writes: W, (..., t, c, n).

    Returns:
        The pairs (..., s, c, t, c), the products of a from the start to each read (..., s, c, n),
        and from each write to the end (..., c, n).
    """
    s, c, t = *reads.shape[-3:-1], writes.shape[-3]
    if c == 1:
        after, before = reads.squeeze(-2).split([1, s - 1], dim=-2)
        pairs = torch.cat([after, torch.zeros_like(before)], dim=-2) @ writes.squeeze(-2).mT
        return pairs[..., :, None, :, None], _until(a, s), torch.ones_like(a)
    m = c // 2
    reads, writes = (x.unflatten(-2, (2, m)).transpose(-4, -3) for x in (reads, writes))
    pairs, from_start, to_end = _pairs(a.unflatten(-2, (2, m)), reads, writes)
    (early, late), (start_0, start_1) = pairs.unbind(-5), from_start.unbind(-4)
    (early_writes, _), (end_0, end_1) = writes.unbind(-4), to_end.unbind(-3)
    rows = (reads[..., 1, :, :, :] * start_1).flatten(-3, -2)
    corner = rows @ (early_writes * end_0.unsqueeze(-3)).flatten(-3, -2).mT
    corner = corner.reshape(*corner.shape[:-2], s, m, t, m)
    top = torch.cat([early, torch.zeros_like(early)], dim=-1)
    joined = torch.cat([top, torch.cat([corner, late], dim=-1)], dim=-3)
    first, second = (x[..., :1, -1:, :] for x in (start_0, start_1))  # the product of a whole block
    from_start = torch.cat([start_0, start_1 * first], dim=-2)
    return joined, from_start, torch.cat([end_0 * second.squeeze(-3), end_1], dim=-2)


def _until(from_start: Tensor, s: int) -> Tensor:
    """Products (..., c, n|1) from the start to after each step, and s - 1 times to before it."""
    before = F.pad(from_start[..., :-1, :], (0, 0, 1, 0), value=1.0)
    return torch.stack([from_start, *[before] * (s - 1)], dim=-3)


def _in_time(x: Tensor) -> Tensor:
    """(..., r, c, m) to (..., c·r, m), with all of one time together: what makes A triangular."""
    return x.transpose(-3, -2).flatten(-3, -2)


def _features(x: Tensor, chunk: int) -> Tensor:
    """(..., L, n, r) to (..., K, r, chunk, n)."""
    return _split(x.movedim(-1, -3), chunk).transpose(-4, -3)


def _split(x: Tensor, chunk: int, fill: float = 0.0) -> Tensor:
    """(..., L, n) to (..., K, chunk, n), the last chunk filled up."""
    missing = -x.shape[-2] % chunk
    if missing:
        x = F.pad(x, (0, 0, 0, missing), value=fill)
    pieces: Tensor = x.unflatten(-2, (-1, chunk))
    return pieces
