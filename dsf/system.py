"""The linear time-varying system: the one abstraction of the book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args, overload

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
from dsf.blocks import (
    CHUNK_LENGTH,
    apply_matrix,
    mixing_matrix,
    read,
    segment_products,
    split_time,
    sum_time,
)
from dsf.dense import DenseSystem
from dsf.recurrence import linear_recurrence
from dsf.scan import scan
from dsf.state import NormalizedState, Normalizer, State

Method = Literal["recurrent", "scan", "chunked", "matrix", "auto"]

# Up to this length one block is the whole sequence.
_MATRIX_LENGTH = 128


@dataclass(frozen=True, eq=False)
class LTVSystem:
    """A diagonal linear time-varying system, h_i = Λ_i h_{i-1} + B_i u_i, y_i = C_i h_i + D_i u_i.

    The state h_i ∈ R^N, N = n·d, is kept as a matrix H_i of n features × d channels, so that the
    matrices of the paper are arrays that broadcast:

        H_i[a, c] = Λ_i[a, c] H_{i-1}[a, c] + B_i[a, c] u_i[c]
        y_i[c]    = Σ_a C_i[a, c] H_i[a, c] + D_i[c] u_i[c]

    Leading axes (batch, heads) are free and broadcast against each other and against the input.
    A complex system acts on real inputs; its output is the real part.

    Attributes:
        transition: Λ, (..., L, n|1, d|1).
        input: B, (..., L, n, d|1).
        output: C, (..., L, n, d|1).
        feedthrough: D, (..., L|1, d|1), or None for no feed-through.
        normalizer: for systems whose state is divided by a running normaliser, what that is, so
            that `run` can hand it on; None for all others. Set by the functions that make them.

    Raises:
        ValueError: an array is not a floating tensor, or dtypes, devices or shapes do not agree.

    Source: arXiv 2405.15731, section 3.1; chapter 1.
    """

    transition: Tensor
    input: Tensor
    output: Tensor
    feedthrough: Tensor | None = None
    normalizer: Normalizer | None = None

    def __post_init__(self) -> None:
        arrays = {
            "input": (self.input, "(..., L, n, d|1)"),
            "transition": (self.transition, "(..., L, n|1, d|1)"),
            "output": (self.output, "(..., L, n, d|1)"),
        }
        if self.feedthrough is not None:
            arrays["feedthrough"] = (self.feedthrough, "(..., L|1, d|1)")
        check_arrays(arrays, complex_too=arrays)
        if not (self.normalizer is None or isinstance(self.normalizer, Normalizer)):
            raise ValueError(f"normalizer is {shown(self.normalizer)}, expected a Normalizer")
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
        widths = [self.transition.shape[-1], self.input.shape[-1], self.output.shape[-1]]
        if self.feedthrough is not None:
            widths.append(self.feedthrough.shape[-1])
        return max(widths) if max(widths) > 1 else None

    @property
    def state_size(self) -> int | None:
        """State size N = n·d, or None where d is not known from the arrays."""
        return None if self.d is None else self.n * self.d

    @property
    def is_scalar(self) -> bool:
        """Whether each Λ_i is one number times the identity."""
        return self.transition.shape[-2:] == (1, 1)

    def __getitem__(self, span: slice) -> LTVSystem:
        """The system restricted to a range of consecutive times, for example `system[10:20]`."""
        bounds = (span.start, span.stop) if isinstance(span, slice) else (span,)
        known = all(bound is None or isinstance(bound, int) for bound in bounds)
        if not isinstance(span, slice) or span.step not in (None, 1) or not known:
            raise ValueError(f"index is {shown(span)}, expected a slice of times with step 1")
        if not range(self.length)[span]:
            raise ValueError(
                f"index is {span}, expected at least one time, from 0 to L = {self.length}"
            )
        feedthrough = self.feedthrough
        if feedthrough is not None and feedthrough.shape[-2] > 1:
            feedthrough = feedthrough[..., span, :]
        return LTVSystem(
            self.transition[..., span, :, :],
            self.input[..., span, :, :],
            self.output[..., span, :, :],
            feedthrough,
            None if self.normalizer is None else self.normalizer[span],
        )

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
            method: "recurrent" runs the definition step by step; "scan" does the same work but
                keeps only the states at chunk borders for the backward pass; "chunked" multiplies
                by blocks of Φ and carries the state from block to block, which pays for scalar
                transitions; "matrix" multiplies by Φ; "auto" takes matrix or chunked for scalar
                transitions and scan for the others.
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
        check_choice("method", method, get_args(Method))
        check_flag("return_state", return_state)
        h = self._initial_state(u, initial_state)
        wide = self._wide()
        if method == "auto":
            method = self._fastest()
        with full_precision(u):
            if method == "recurrent":
                y, h = wide._recurrent(u, h)
            elif method == "scan":
                y, h = wide._scan(u, h)
            else:
                chunk = self.length if method == "matrix" else min(self.length, CHUNK_LENGTH)
                carry = initial_state is not None or return_state
                y, h = wide._chunked(u, h, chunk, carry)
            if wide.feedthrough is not None:
                y = y + wide.feedthrough * u
        y = (y if u.is_complex() else torch.real(y)).to(u.dtype)
        if not return_state:
            return y
        return y, h if self.normalizer is None else self.normalizer.last(h)

    def states(self, u: Tensor, initial_state: State | None = None) -> Tensor:
        """All states.

        Args:
            u: inputs, (..., L, d).
            initial_state: H_{-1}, (..., n, d); zero if None.

        Returns:
            H, (..., L, n, d), in float32 where u is in half precision.
        """
        h = self._initial_state(u, initial_state)
        wide = self._wide()
        x = wide.input * u.unsqueeze(-2)
        x = x.to(h.dtype).expand(*h.shape[:-2], self.length, *h.shape[-2:])
        transition = wide.transition.expand(x.shape)
        states = linear_recurrence(transition.flatten(-2), x.flatten(-2), h.flatten(-2))
        return states.reshape(x.shape)

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
            products = segment_products(wide.transition.movedim(-3, -1))
            phi = mixing_matrix(products, wide.input, wide.output)
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
        n, length, batch = self.n, self.length, self._batch()
        eye = torch.eye(d, dtype=self.input.dtype, device=self._device)

        def full(x: Tensor) -> Tensor:  # (..., L, d, n)
            return x.expand(*batch, length, n, d).mT

        transition = torch.diag_embed(full(self.transition).flatten(-2))
        b = (full(self.input).unsqueeze(-1) * eye[:, None, :]).flatten(-3, -2)
        c = (full(self.output).unsqueeze(-3) * eye[:, :, None]).flatten(-2)
        if self.feedthrough is None:
            feedthrough = torch.zeros_like(eye).expand(*batch, length, d, d)
        else:
            feedthrough = torch.diag_embed(self.feedthrough.expand(*batch, length, d))
        return DenseSystem(transition, b, c, feedthrough)

    # How each evaluator does it.

    def _recurrent(self, u: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        y = []
        for transition, b, c, u_i in zip(
            self.transition.unbind(-3),
            self.input.unbind(-3),
            self.output.unbind(-3),
            u.unbind(-2),
            strict=True,
        ):
            h = transition * h + b * u_i.unsqueeze(-2)
            y.append((c * h).sum(-2))
        return torch.stack(y, dim=-2), h

    def _scan(self, u: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        batch = h.shape[:-2]

        def full(x: Tensor) -> Tensor:
            return x.to(h.dtype).expand(*batch, *x.shape[-3:])

        u = u.to(h.dtype).expand(*batch, *u.shape[-2:])
        return scan(full(self.transition), full(self.input), full(self.output), u, h)

    def _chunked(self, u: Tensor, h: Tensor, chunk: int, carry: bool) -> tuple[Tensor, Tensor]:
        """Blocks of Φ inside a chunk, the state between chunks.

        With n, d and c the axes of features, channels and positions in a chunk, and K chunks.
        """
        transition, b, c = (x.to(h.dtype) for x in (self.transition, self.input, self.output))
        transition = split_time(transition, chunk, 1.0)  # (..., K, c, n|1, d|1)
        b, c = split_time(b, chunk, 0.0), split_time(c, chunk, 0.0)
        x = split_time(u.to(h.dtype).unsqueeze(-2), chunk, 0.0).squeeze(-2)  # (..., K, c, d)
        products = segment_products(transition.movedim(-3, -1))  # (..., K, n|1, d|1, c, c)
        phi = mixing_matrix(products, b, c)  # (..., K, d|1, c, c)
        y = apply_matrix(phi, x)
        if carry or transition.shape[-4] > 1:
            to_end = products[..., -1, :].movedim(-1, -3)  # Λ_{c-1} ⋯ Λ_{j+1}, as transition
            from_start = products[..., 0].movedim(-1, -3) * transition[..., :1, :, :]
            local = sum_time(to_end * b, x)  # what the chunk adds to the state, (..., K, n, d)
            local = local.expand(*h.shape[:-2], *local.shape[-3:])
            total = from_start[..., -1, :, :].expand(local.shape)
            states = linear_recurrence(total.flatten(-2), local.flatten(-2), h.flatten(-2))
            states = states.reshape(local.shape)
            before = torch.cat([h.unsqueeze(-3), states[..., :-1, :, :]], dim=-3)
            y = y + read(c * from_start, before)
            h = states[..., -1, :, :]
        return y.flatten(-3, -2)[..., : self.length, :], h

    def _fastest(self) -> Method:
        """The evaluator for these arrays: blocks of Φ pay where one Φ serves all channels."""
        if self.length == 1:
            return "recurrent"
        by_channel = self.input.shape[-1] > 1 or self.output.shape[-1] > 1
        if by_channel or not self.is_scalar:
            return "scan"
        return "matrix" if self.length <= _MATRIX_LENGTH else "chunked"

    def _wide(self) -> LTVSystem:
        """The same system in the precision in which states are kept."""
        dtype = state_dtype(self.input.dtype)
        if dtype == self.input.dtype:
            return self
        a, b, c = (x.to(dtype) for x in (self.transition, self.input, self.output))
        return LTVSystem(a, b, c, None if self.feedthrough is None else self.feedthrough.to(dtype))

    # Checks.

    @property
    def _device(self) -> torch.device:
        return self.transition.device

    def _batch(self) -> tuple[int, ...]:
        shapes = [x.shape[:-3] for x in (self.transition, self.input, self.output)]
        if self.feedthrough is not None:
            shapes.append(self.feedthrough.shape[:-2])
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
        if self.normalizer is not None and not self.normalizer.follows:
            raise ValueError(
                f"{of_state} is given, expected None: this normalised system was made without "
                "`before`, the state whose normaliser its first transition leads on from"
            )
        if isinstance(state, NormalizedState):
            if self.normalizer is None:
                raise ValueError(
                    f"{of_state} is a NormalizedState, expected a tensor: this system has no "
                    "normaliser"
                )
            state = state.h
        like = u if u.is_complex() else self.input
        check_state(of_state, state, "(..., n, d)", like, n=self.n, d=d)
        batch = check_leading(of_state, tuple(state.shape[:-2]), batch)
        return state.to(dtype).expand(*batch, self.n, d)
