"""The linear time-varying system with full matrices, as the paper writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_leading, check_state, full_precision, state_dtype


@dataclass(frozen=True, eq=False)
class DenseSystem:
    """A linear time-varying system with full matrices, as the paper writes it.

    Attributes:
        transition: Λ, (..., L, N, N).
        input: B, (..., L, N, m).
        output: C, (..., L, p, N).
        feedthrough: D, (..., L, p, m).

    Raises:
        ValueError: an array is not a floating tensor, or dtypes, devices or shapes do not agree.

    Source: arXiv 2405.15731, section 3.1; chapter 1.
    """

    transition: Tensor
    input: Tensor
    output: Tensor
    feedthrough: Tensor

    def __post_init__(self) -> None:
        shapes = ("(..., L, N, N)", "(..., L, N, m)", "(..., L, p, N)", "(..., L, p, m)")
        arrays = dict(zip(vars(self), zip(self, shapes, strict=True), strict=True))
        check_arrays(arrays, complex_too=arrays)
        # One dtype and one set of leading axes, so that nothing below has to look at them.
        batch = torch.broadcast_shapes(*(x.shape[:-3] for x in self))
        kind = self.transition.dtype
        if any(x.is_complex() for x in self):
            kind = torch.promote_types(kind, torch.complex64)
        for name, x in vars(self).items():
            object.__setattr__(self, name, x.to(kind).expand(*batch, *x.shape[-3:]))

    def __iter__(self) -> Iterator[Tensor]:
        """Λ, B, C and D in this order, for `transition, b, c, d = system`."""
        return iter(vars(self).values())

    def run(self, u: Tensor, initial_state: Tensor | None = None) -> Tensor:
        """Outputs y_i = C_i h_i + D_i u_i with h_i = Λ_i h_{i-1} + B_i u_i.

        Args:
            u: inputs, (..., L, m).
            initial_state: h_{-1}, (..., N); zero if None.

        Returns:
            y, (..., L, p), complex if the matrices are.

        Raises:
            ValueError: u or initial_state does not fit the system.
        """
        length, size, m = self.input.shape[-3:]
        arrays = {"u": (u, "(..., L, m)"), "transition": (self.transition, "(..., L, N, N)")}
        check_arrays(arrays, complex_too=arrays, L=length, m=m)
        batch = check_leading("u", u.shape[:-2], self.input.shape[:-3])
        if initial_state is not None:
            like = u if u.is_complex() else self.transition
            check_state("initial_state", initial_state, "(..., N)", like, N=size)
            check_leading("initial_state", initial_state.shape[:-1], batch)
        dtype = torch.promote_types(u.dtype, self.transition.dtype)
        wide = state_dtype(dtype)
        transition, b, c, d = (x.to(wide) for x in self)
        u = u.to(wide).unsqueeze(-1)
        h = u.new_zeros(size) if initial_state is None else initial_state.to(wide)
        h = h.unsqueeze(-1)
        y = []
        with full_precision(u):
            for i in range(length):
                u_i = u[..., i, :, :]
                h = transition[..., i, :, :] @ h + b[..., i, :, :] @ u_i
                y.append(c[..., i, :, :] @ h + d[..., i, :, :] @ u_i)
        return torch.stack(y, dim=-3).squeeze(-1).to(dtype)

    def matrix(self) -> Tensor:
        """The block lower triangular Φ that maps the stacked inputs to the stacked outputs.

        Returns:
            Φ, (..., L·p, L·m), with the p × m blocks Φ_ii = C_i B_i + D_i and
            Φ_ij = C_i Λ_i ⋯ Λ_{j+1} B_j for i > j.
        """
        with full_precision(self.input):
            return self._matrix()

    def _matrix(self) -> Tensor:
        dtype = self.transition.dtype
        transition, b, c, d = (x.to(state_dtype(dtype)) for x in self)
        length, p, m = c.shape[-3], c.shape[-2], b.shape[-1]
        rows = []
        columns = b[..., :0, :, :]  # Λ_i ⋯ Λ_{j+1} B_j for every j ≤ i, (..., i + 1, N, m)
        for i in range(length):
            propagated = transition[..., i, None, :, :] @ columns
            columns = torch.cat([propagated, b[..., i : i + 1, :, :]], dim=-3)
            row = c[..., i, None, :, :] @ columns
            last = row[..., -1:, :, :] + d[..., i, None, :, :]
            zeros = row.new_zeros((*row.shape[:-3], length - 1 - i, p, m))
            rows.append(torch.cat([row[..., :-1, :, :], last, zeros], dim=-3))
        blocks = torch.stack(rows, dim=-4)  # (..., L, L, p, m)
        phi = blocks.transpose(-3, -2).reshape(*blocks.shape[:-4], length * p, length * m)
        return phi.to(dtype)
