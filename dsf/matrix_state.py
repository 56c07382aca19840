"""What systems share whose state is a matrix of features and channels: checks, pieces, steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, overload

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
    precision,
    shown,
    state_dtype,
)
from dsf.dense import DenseSystem, Method
from dsf.state import NormalizedState, State


class MatrixStateSystem(ABC):
    """A linear time-varying system whose state is kept as a matrix H_i of n features × d channels.

    Subclasses are frozen dataclasses that say what Λ_i is and how it is evaluated.
    """

    transition: Tensor
    input: Tensor
    output: Tensor
    feedthrough: Tensor | None

    methods: ClassVar[tuple[Method, ...]]
    # The fields that are arrays, in the order in which they are checked.
    _shapes: ClassVar[Mapping[str, str]]

    def __post_init__(self) -> None:
        arrays = {name: (x, self._shapes[name]) for name, x in self._arrays().items()}
        check_arrays(arrays, complex_too=arrays)
        if any(x.is_complex() for x, _ in arrays.values()):
            for name, (x, _) in arrays.items():
                object.__setattr__(self, name, x.to(torch.promote_types(x.dtype, torch.complex64)))

    # What the arrays say about themselves.

    @property
    def length(self) -> int:
        """Number of time steps L."""
        return self.input.shape[-3]

    @property
    def n(self) -> int:
        """State expansion n: features per channel."""
        return self.input.shape[-2]

    @property
    def d(self) -> int | None:
        """Number of channels d, or None where all arrays broadcast over channels."""
        arrays = self._arrays().items()
        widths = [x.shape[-1] for name, x in arrays if "d|1" in self._shapes[name]]
        return max(widths) if max(widths) > 1 else None

    @property
    def state_size(self) -> int | None:
        """State size N = n·d, or None where d is not known from the arrays."""
        return None if self.d is None else self.n * self.d

    def __getitem__(self, span: slice) -> Self:
        """The system restricted to a range of consecutive times, for example `system[10:20]`."""
        bounds = (span.start, span.stop) if isinstance(span, slice) else (span,)
        known = all(bound is None or isinstance(bound, int) for bound in bounds)
        if not isinstance(span, slice) or span.step not in (None, 1) or not known:
            raise ValueError(f"index is {shown(span)}, expected a slice of times with step 1")
        if not range(self.length)[span]:
            raise ValueError(
                f"index is {span}, expected at least one time, from 0 to L = {self.length}"
            )
        pieces = {}
        for name, x in self._arrays().items():
            letters = self._shapes[name].strip("()").split(", ")
            constant = "L|1" in letters and x.shape[-2] == 1
            axis = letters.index("L|1" if "L|1" in letters else "L") - len(letters)
            pieces[name] = x if constant else x.transpose(0, axis)[span].transpose(0, axis)
        return self._with(pieces, span)

    # The evaluators.

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
        """Map a sequence of inputs to outputs.

        Args:
            u: inputs, (..., L, d).
            method: one of `methods`, which the class describes; "auto" takes the fastest.
            initial_state: H_{-1}, (..., n, d), or what an earlier run has returned; zero if None.
            return_state: also return the last state H_{L-1}, (..., n, d); for a normalised system
                a `NormalizedState`, which holds its normaliser too and from which the system of
                the next piece is made.

        Returns:
            y (..., L, d), or the pair (y, state). In half precision the state is float32, and what
            comes out is rounded once, at the end.

        Raises:
            ValueError: u or initial_state does not fit the system, method is unknown, or a state
                is given to a normalised system that was made without what comes before it.
        """
        check_choice("method", method, self.methods)
        check_flag("return_state", return_state)
        h = self._initial_state(u, initial_state)
        wide = self._wide()
        with full_precision(u):
            carry = initial_state is not None or return_state
            y, h = wide._evaluate(u, h, self._fastest() if method == "auto" else method, carry)
            if wide.feedthrough is not None:
                y = y + wide.feedthrough * u
        y = (y if u.is_complex() else torch.real(y)).to(u.dtype)
        return (y, self._handed_on(h)) if return_state else y

    @abstractmethod
    def states(self, u: Tensor, initial_state: State | None = None) -> Tensor:
        """All states.

        Args:
            u: inputs, (..., L, d).
            initial_state: H_{-1}, (..., n, d); zero if None.

        Returns:
            H, (..., L, n, d), in float32 where u is in half precision.
        """

    def step(self, state: State | None, u_i: Tensor, i: int) -> tuple[Tensor, Tensor]:
        """One token, for streaming.

        Args:
            state: H_{i-1}, (..., n, d), or None for zero.
            u_i: the input at time i, (..., d).
            i: the time, 0 ≤ i < L.

        Returns:
            The state H_i, (..., n, d), and the output y_i, (..., d).

        Raises:
            ValueError: u_i or state does not fit the system, or there is no such time.
        """
        i = check_integer("i", i, 0, self.length - 1)
        known = {} if self.d is None else {"d": self.d}
        check_arrays({"u_i": (u_i, "(..., d)")}, complex_too=["u_i"], **known)
        now, u = self[i : i + 1], u_i.unsqueeze(-2)
        now._initial_state(u, state, "u_i", "state")  # so that an error names these
        y, h = now.run(u, "recurrent", state, return_state=True)
        return h.h if isinstance(h, NormalizedState) else h, y.squeeze(-2)

    def matrix(self) -> Tensor:
        """The mixing matrix Φ with y = Φ u, lower triangular in time.

        Returns:
            Φ, (..., L, L) when it does not depend on the channel, else (..., d, L, L);
            Φ_ii = C_i B_i + D_i, Φ_ij = C_i Λ_i ⋯ Λ_{j+1} B_j for i > j. For a complex system
            the real part, which is the map between real inputs and outputs.
        """
        wide = self._wide()
        with full_precision(self.input):
            phi = wide._mixing_matrix()  # (..., d|1, L, L)
        if wide.feedthrough is not None:
            d = wide.feedthrough
            diagonal = d.expand(*d.shape[:-2], self.length, d.shape[-1])
            phi = phi + torch.diag_embed(diagonal.mT)
        phi = torch.real(phi).to(precision(self.input))
        return phi.squeeze(-3) if self.d is None else phi

    def dense(self, d: int | None = None) -> DenseSystem:
        """The matrices Λ_i, B_i, C_i, D_i exactly as the paper writes them.

        The state vector has the value channel outer and the feature inner, h[c·n + a] = H[a, c],
        the order of the Kronecker product I_d ⊗ ψ.

        Args:
            d: number of channels, needed where all arrays broadcast over channels.

        Returns:
            Λ (..., L, N, N), B (..., L, N, d), C (..., L, d, N), D (..., L, d, d).
        """
        if d is None and self.d is None:
            raise ValueError("d is None, expected the number of channels: all arrays broadcast")
        if d is not None:
            check_integer("d", d, self.d or 1, self.d)
        d = d or self.d or 1
        batch = self._batch()
        eye = torch.eye(d, dtype=self.input.dtype, device=self._device)

        def full(x: Tensor) -> Tensor:  # (..., L, d, n)
            return x.expand(*batch, self.length, self.n, d).mT

        b = (full(self.input).unsqueeze(-1) * eye[:, None, :]).flatten(-3, -2)
        c = (full(self.output).unsqueeze(-3) * eye[:, :, None]).flatten(-2)
        if self.feedthrough is None:
            feedthrough = torch.zeros_like(eye).expand(*batch, self.length, d, d)
        else:
            feedthrough = torch.diag_embed(self.feedthrough.expand(*batch, self.length, d))
        return DenseSystem(self._dense_transition(d), b, c, feedthrough)

    # What a subclass says.

    @abstractmethod
    def _evaluate(self, u: Tensor, h: Tensor, method: Method, carry: bool) -> tuple[Tensor, Tensor]:
        """C_i H_i and the last state, which nobody needs unless `carry`."""

    @abstractmethod
    def _fastest(self) -> Method: ...

    @abstractmethod
    def _mixing_matrix(self) -> Tensor:
        """Φ without D, (..., d|1, L, L)."""

    @abstractmethod
    def _dense_transition(self, d: int) -> Tensor:
        """Λ, (..., L, N, N)."""

    @abstractmethod
    def _with(self, arrays: Mapping[str, Any], span: slice = slice(None)) -> Self:
        """The same system with other arrays, for these times."""

    def _handed_on(self, h: Tensor) -> State:
        """What `run` returns for the last state."""
        return h

    def _taken_on(self, state: State, name: str) -> Tensor:
        """H_{-1} out of what an earlier run has returned."""
        if isinstance(state, NormalizedState):
            raise ValueError(
                f"{name} is a NormalizedState, expected a tensor: this system has no normaliser"
            )
        return state

    # Checks.

    def _arrays(self) -> dict[str, Tensor]:
        arrays = {name: getattr(self, name) for name in self._shapes}
        return {name: x for name, x in arrays.items() if name != "feedthrough" or x is not None}

    def _wide(self) -> Self:
        """The same system in the precision in which states are kept."""
        dtype = state_dtype(self.input.dtype)
        if dtype == self.input.dtype:
            return self
        return self._with({name: x.to(dtype) for name, x in self._arrays().items()})

    @property
    def _device(self) -> torch.device:
        return self.transition.device

    def _batch(self) -> tuple[int, ...]:
        shapes = [
            x.shape[: x.ndim - self._shapes[name].count(",")] for name, x in self._arrays().items()
        ]
        return tuple(torch.broadcast_shapes(*shapes))

    def _initial_state(
        self, u: Tensor, state: State | None, name: str = "u", of_state: str = "initial_state"
    ) -> Tensor:
        """Check u against the system and return H_{-1}, (..., n, d), in the dtype of the states."""
        known = {"L": self.length} | ({} if self.d is None else {"d": self.d})
        d = check_arrays({name: (u, "(..., L, d)")}, complex_too=[name], **known)["d"]
        if precision(u) != precision(self.input):
            raise ValueError(
                f"{name} has dtype {u.dtype}, expected the precision of the system, "
                f"{self.input.dtype}"
            )
        if u.device != self._device:
            raise ValueError(
                f"{name} is on {u.device}, expected {self._device}, that of the system"
            )
        batch = check_leading(name, tuple(u.shape[:-2]), self._batch())
        dtype = state_dtype(torch.promote_types(u.dtype, self.input.dtype))
        if state is None:
            return torch.zeros(*batch, self.n, d, dtype=dtype, device=u.device)
        state = self._taken_on(state, of_state)
        like = u if u.is_complex() else self.input
        check_state(of_state, state, "(..., n, d)", like, n=self.n, d=d)
        batch = check_leading(of_state, tuple(state.shape[:-2]), batch)
        return state.to(dtype).expand(*batch, self.n, d)
