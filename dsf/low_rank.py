"""The linear time-varying system whose transition is diagonal minus low rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from dsf.dense import Method
from dsf.matrix_state import MatrixStateSystem
from dsf.state import State
from dsf.wy import chunked

# The triangular system of a chunk has c·r unknowns; at 32 the work inside chunks and between them
# balances on a CPU.
_CHUNK_UNKNOWNS = 32


@dataclass(frozen=True, eq=False)
class LowRankSystem(MatrixStateSystem):
    """A linear time-varying system whose transition is diagonal minus a matrix of rank r.

    The transition mixes the features, in every channel alike, Λ_i = I_d ⊗ (diag(a_i) - l_i r_iᵀ):

        H_i    = (diag(a_i) - left_i right_iᵀ) H_{i-1} + B_i u_iᵀ
        y_i[c] = Σ_a C_i[a, c] H_i[a, c] + D_i[c] u_i[c]

    With a = 1, left = βk and right = k it erases a part β of what the state holds under the key k;
    a product of r reflections has rank r, and from r = 2 on complex eigenvalues. No transpose is
    conjugated. Leading axes broadcast, and complex systems are treated, as in `LTVSystem`.

    Evaluators: "recurrent" runs the definition step by step; "chunked" finds all that a chunk
    erases by one triangular system (the WY form) and carries the state from chunk to chunk;
    "matrix" is one chunk; "auto" takes chunked, or recurrent where B or C differ between channels.
    The decay inside a chunk is made of products and never of quotients, so a = 0 and strong decay
    are ordinary.

    Attributes:
        transition: a, the diagonal, (..., L, n|1).
        left: what is subtracted is left rightᵀ, (..., L, n, r).
        right: what is read to be erased, (..., L, n, r).
        input: B, (..., L, n, d|1).
        output: C, (..., L, n, d|1).
        feedthrough: D, (..., L|1, d|1), or None for no feed-through.

    Raises:
        ValueError: an array is not a floating tensor, or dtypes, devices or shapes do not agree.

    Source: Yang et al. (2024), arXiv 2406.06484, for a = 1 and r = 1; arXiv 2405.15731,
    section 3.1; chapter 13.

    Example:
        >>> key = torch.tensor([[[1.0], [0.0]]]).expand(2, 2, 1)  # (L, n, r): the same key twice
        >>> ones = torch.ones(2, 2)
        >>> system = dsf.LowRankSystem(ones, key, key, key, key)  # the new replaces the old
        >>> system.run(torch.tensor([[3.0], [5.0]])).flatten()
        tensor([3., 5.])
    """

    transition: Tensor
    left: Tensor
    right: Tensor
    input: Tensor
    output: Tensor
    feedthrough: Tensor | None = None

    methods: ClassVar[tuple[Method, ...]] = ("recurrent", "chunked", "matrix", "auto")
    _shapes: ClassVar[Mapping[str, str]] = {
        "input": "(..., L, n, d|1)",
        "transition": "(..., L, n|1)",
        "left": "(..., L, n, r)",
        "right": "(..., L, n, r)",
        "output": "(..., L, n, d|1)",
        "feedthrough": "(..., L|1, d|1)",
    }

    @property
    def rank(self) -> int:
        """Rank r of what is subtracted from the diagonal."""
        return self.left.shape[-1]

    def states(self, u: Tensor, initial_state: State | None = None) -> Tensor:  # noqa: D102
        h = self._initial_state(u, initial_state)
        return torch.stack(self._wide()._states(u, h), dim=-3)

    # How each evaluator does it.

    def _evaluate(self, u: Tensor, h: Tensor, method: Method, carry: bool) -> tuple[Tensor, Tensor]:
        if method == "recurrent":
            states = self._states(u, h)
            reads = zip(self.output.unbind(-3), states, strict=True)
            return torch.stack([(c * h_i).sum(-2) for c, h_i in reads], dim=-2), states[-1]
        chunk = self.length if method == "matrix" else self._chunk_length
        if not self._differs_by_channel:
            return self._chunked(u, h, chunk)
        # Each channel is a system of its own.
        y, h = self._channels()._chunked(u.mT.unsqueeze(-1), h.mT.unsqueeze(-1), chunk)
        return y.squeeze(-1).mT, h.squeeze(-1).mT

    def _states(self, u: Tensor, h: Tensor) -> list[Tensor]:
        """Every H_i, by the definition."""
        system = (self.transition.unsqueeze(-1), self.left, self.right.mT, self.input)
        arrays = [x.to(h.dtype).unbind(-3) for x in (*system, u.unsqueeze(-2))]
        states = []
        for a, left, right, b, u_i in zip(*arrays, strict=True):
            h = a * h - left @ (right @ h) + b * u_i
            states.append(h)
        return states

    def _chunked(self, u: Tensor, h: Tensor, chunk: int) -> tuple[Tensor, Tensor]:
        if self.transition.shape[-1] > 1:  # blocks are joined two by two
            chunk = 1 << (chunk - 1).bit_length()

        def full(x: Tensor, axes: int) -> Tensor:
            return x.to(h.dtype).expand(*h.shape[:-2], *x.shape[-axes:])

        low_rank = full(self.left, 3), full(self.right, 3)
        arrays = (full(self.transition, 2), *low_rank, full(self.input, 3), full(self.output, 3))
        return chunked(*arrays, full(u, 2), h, chunk)

    def _fastest(self) -> Method:
        return "recurrent" if self.length == 1 or self._differs_by_channel else "chunked"

    @property
    def _chunk_length(self) -> int:
        return min(self.length, max(1, _CHUNK_UNKNOWNS // self.rank))

    @property
    def _differs_by_channel(self) -> bool:
        return self.input.shape[-1] > 1 or self.output.shape[-1] > 1

    def _channels(self) -> LowRankSystem:
        """A system for every channel, (..., d|1), each with one."""
        b, c = (x.unsqueeze(-4).transpose(-4, -1) for x in (self.input, self.output))
        left, right = self.left.unsqueeze(-4), self.right.unsqueeze(-4)
        return LowRankSystem(self.transition.unsqueeze(-3), left, right, b, c)

    def _mixing_matrix(self) -> Tensor:
        # Φ is what comes out for inputs at one time each.
        system, length = self._channels(), self.length
        u = torch.eye(length, dtype=self.input.dtype, device=self._device)
        h = u.new_zeros(*system._batch(), self.n, length)
        return system._chunked(u, h, length)[0]

    def _dense_transition(self, d: int) -> Tensor:
        diagonal = self.transition.expand(*self.transition.shape[:-1], self.n)
        transition = torch.diag_embed(diagonal) - self.left @ self.right.mT  # (..., L, n, n)
        eye = torch.eye(d, dtype=transition.dtype, device=transition.device)
        full = eye[:, None, :, None] * transition[..., None, :, None, :]
        full = full.flatten(-4, -3).flatten(-2)
        return full.expand(*self._batch(), *full.shape[-3:])

    def _with(self, arrays: Mapping[str, Any], span: slice = slice(None)) -> LowRankSystem:
        return replace(self, **arrays)
