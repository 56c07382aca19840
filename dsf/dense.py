"""The linear time-varying system with full matrices, as the paper writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import ClassVar, Literal, overload

import torch
from torch import Tensor

from dsf._checks import (
    check_arrays,
    check_choice,
    check_flag,
    check_integer,
    check_leading,
    check_state,
    full_precision,
    shown,
    state_dtype,
)
from dsf.state import NormalizedState, State

Method = Literal["recurrent", "scan", "chunked", "matrix", "auto"]


@dataclass(frozen=True, eq=False)
class DenseSystem:
    """A linear time-varying system with full matrices, as the paper writes it.

    Its state is a vector h of N numbers, in no order that the system knows of; where it comes from
    `dense()` of another system, h[c·n + a] = H[a, c]. Inputs and outputs may differ in width.

    Evaluators: "recurrent", which is the definition, and "matrix", which multiplies by Φ; "auto" is
    "recurrent".

    Attributes:
        transition: Λ, (..., L, N, N).
        input: B, (..., L, N, m).
        output: C, (..., L, p, N).
        feedthrough: D, (..., L, p, m).

    Raises:
        ValueError: an array is not a floating tensor, or dtypes, devices or shapes do not agree.

    Source: arXiv 2405.15731, section 3.1; chapter 1.

    Example:
        >>> ones = torch.ones(2, 1, 1)
        >>> system = dsf.LTVSystem(0.5 * ones, ones, ones)
        >>> dense = dsf.DenseSystem(*system.dense(d=3))
        >>> dense.transition[1]
        tensor([[0.5000, 0.0000, 0.0000],
                [0.0000, 0.5000, 0.0000],
                [0.0000, 0.0000, 0.5000]])
    """

    transition: Tensor
    input: Tensor
    output: Tensor
    feedthrough: Tensor

    methods: ClassVar[tuple[Method, ...]] = ("recurrent", "matrix", "auto")

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
        return iter([getattr(self, field.name) for field in fields(self)])

    @property
    def length(self) -> int:
        """Number of time steps L."""
        return self.input.shape[-3]

    @property
    def d(self) -> int:
        """Number of channels: the width m of the inputs."""
        return self.input.shape[-1]

    @property
    def n(self) -> int:
        """State expansion: N/d, rounded up where N is no multiple of d."""
        return -(-self.state_size // self.d)

    @property
    def state_size(self) -> int:
        """State size N."""
        return self.input.shape[-2]

    @overload
    def run(
        self,
        u: Tensor,
        method: Method = ...,
        initial_state: State | None = ...,
        return_state: Literal[False] = ...,
    ) -> Tensor: ...

    @overload
    def run(
        self,
        u: Tensor,
        method: Method = ...,
        initial_state: State | None = ...,
        *,
        return_state: Literal[True],
    ) -> tuple[Tensor, State]: ...

    def run(
        self,
        u: Tensor,
        method: Method = "auto",
        initial_state: State | None = None,
        return_state: bool = False,
    ) -> Tensor | tuple[Tensor, State]:
        """Outputs y_i = C_i h_i + D_i u_i with h_i = Λ_i h_{i-1} + B_i u_i.

        Args:
            u: inputs, (..., L, m).
            method: "recurrent", "matrix" or "auto".
            initial_state: h_{-1}, (..., N); zero if None.
            return_state: also return the last state h_{L-1}, (..., N).

        Returns:
            y, (..., L, p), complex if the matrices are, or the pair (y, state). In half precision
            the state is float32.

        Raises:
            ValueError: u or initial_state does not fit the system, or method is unknown.
        """
        check_choice("method", method, self.methods)
        check_flag("return_state", return_state)
        h = self._initial_state(u, initial_state)
        dtype = torch.promote_types(u.dtype, self.transition.dtype)
        wide, u = self._wide(h.dtype), u.to(h.dtype)
        with full_precision(u):
            y, h = wide._by_matrix(u, h) if method == "matrix" else wide._step_by_step(u, h)[::2]
        return (y.to(dtype), h) if return_state else y.to(dtype)

    def states(self, u: Tensor, initial_state: State | None = None) -> Tensor:
        """All states.

        Args:
            u: inputs, (..., L, m).
            initial_state: h_{-1}, (..., N); zero if None.

        Returns:
            h, (..., L, N), in float32 where u is in half precision.

        Raises:
            ValueError: u or initial_state does not fit the system.
        """
        h = self._initial_state(u, initial_state)
        with full_precision(u):
            return self._wide(h.dtype)._step_by_step(u.to(h.dtype), h)[1]

    def step(self, state: State | None, u_i: Tensor, i: int) -> tuple[Tensor, Tensor]:
        """One token, for streaming.

        Args:
            state: h_{i-1}, (..., N), or None for zero.
            u_i: the input at time i, (..., m).
            i: the time, 0 ≤ i < L.

        Returns:
            The state h_i, (..., N), and the output y_i, (..., p).

        Raises:
            ValueError: u_i or state does not fit the system, or there is no such time.
        """
        i = check_integer("i", i, 0, self.length - 1)
        check_arrays({"u_i": (u_i, "(..., m)")}, complex_too=["u_i"], m=self.d)
        now, u = DenseSystem(*(x[..., i : i + 1, :, :] for x in self)), u_i.unsqueeze(-2)
        now._initial_state(u, state, "u_i", "state")  # so that an error names these
        y, h = now.run(u, "recurrent", state, return_state=True)
        assert isinstance(h, Tensor)
        return h, y.squeeze(-2)

    def matrix(self) -> Tensor:
        """The block lower triangular Φ that maps the stacked inputs to the stacked outputs.

        Returns:
            Φ, (..., L·p, L·m), with the p × m blocks Φ_ii = C_i B_i + D_i and
            Φ_ij = C_i Λ_i ⋯ Λ_{j+1} B_j for i > j.
        """
        with full_precision(self.input):
            phi, _ = self._wide(state_dtype(self.transition.dtype))._blocks()
        return phi.to(self.transition.dtype)

    def dense(self, d: int | None = None) -> DenseSystem:
        """This system, which is dense already.

        Args:
            d: number of channels, that of the system if it is given.

        Returns:
            The same.

        Raises:
            ValueError: d is another number.
        """
        if d is not None:
            check_integer("d", d, self.d, self.d)
        return self

    def _step_by_step(self, u: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All outputs, all states and the last one."""
        u, h = u.unsqueeze(-1), h.unsqueeze(-1)
        outputs, states = [], []
        for transition, b, c, d, u_i in zip(
            *(x.unbind(-3) for x in (*self, u)),
            strict=True,
        ):
            h = transition @ h + b @ u_i
            states.append(h.squeeze(-1))
            outputs.append((c @ h + d @ u_i).squeeze(-1))
        return torch.stack(outputs, dim=-2), torch.stack(states, dim=-2), states[-1]

    def _by_matrix(self, u: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """Φ u, and what is left of every input and of h_{-1} in the last state."""
        phi, columns = self._blocks()
        y = (phi @ u.flatten(-2).unsqueeze(-1)).unflatten(-2, (self.length, -1)).squeeze(-1)
        last = (columns @ u.unsqueeze(-1)).sum(-3)
        h, free = h.unsqueeze(-1), []
        for transition, c in zip(self.transition.unbind(-3), self.output.unbind(-3), strict=True):
            h = transition @ h
            free.append((c @ h).squeeze(-1))
        return y + torch.stack(free, dim=-2), (last + h).squeeze(-1)

    def _blocks(self) -> tuple[Tensor, Tensor]:
        """Φ, and Λ_{L-1} ⋯ Λ_{j+1} B_j for every j, (..., L, N, m)."""
        transition, b, c, d = self
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
        return phi, columns

    def _wide(self, dtype: torch.dtype) -> DenseSystem:
        if dtype == self.transition.dtype:
            return self
        return DenseSystem(*(x.to(dtype) for x in self))

    def _initial_state(
        self, u: Tensor, state: State | None, name: str = "u", of_state: str = "initial_state"
    ) -> Tensor:
        """Check u against the system and return h_{-1}, (..., N), in the dtype of the states."""
        arrays = {name: (u, "(..., L, m)"), "transition": (self.transition, "(..., L, N, N)")}
        check_arrays(arrays, complex_too=arrays, L=self.length, m=self.d)
        batch = check_leading(name, u.shape[:-2], self.input.shape[:-3])
        dtype = state_dtype(torch.promote_types(u.dtype, self.transition.dtype))
        if state is None:
            return u.new_zeros(*batch, self.state_size, dtype=dtype)
        if isinstance(state, NormalizedState):
            raise ValueError(f"{of_state} is {shown(state)}, expected a tensor (..., N)")
        like = u if u.is_complex() else self.transition
        check_state(of_state, state, "(..., N)", like, N=self.state_size)
        batch = check_leading(of_state, state.shape[:-1], batch)
        return state.to(dtype).expand(*batch, self.state_size)
