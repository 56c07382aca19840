"""The one abstraction of the book: what a system is, and the diagonal one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Protocol, overload, runtime_checkable

import torch
from torch import Tensor

from dsf._checks import shown
from dsf.blocks import (
    CHUNK_LENGTH,
    apply_matrix,
    mixing_matrix,
    read,
    segment_products,
    split_time,
    sum_time,
)
from dsf.dense import DenseSystem, Method
from dsf.matrix_state import MatrixStateSystem
from dsf.recurrence import linear_recurrence
from dsf.scan import scan
from dsf.state import NormalizedState, Normalizer, State

# Up to this length one block is the whole sequence.
_MATRIX_LENGTH = 128


@runtime_checkable
class System(Protocol):
    """A linear time-varying system, h_i = Λ_i h_{i-1} + B_i u_i, y_i = C_i h_i + D_i u_i.

    What `LTVSystem` (Λ_i diagonal), `LowRankSystem` (diagonal minus low rank) and `DenseSystem`
    (any matrix) have in common. The state has n features for each of d channels.

    Attributes:
        methods: the evaluators that `run` knows. All give the same.

    Source: arXiv 2405.15731, section 3.1; chapter 1.
    """

    methods: ClassVar[tuple[Method, ...]]

    @property
    def length(self) -> int:
        """Number of time steps L."""

    @property
    def n(self) -> int:
        """State expansion n."""

    @property
    def d(self) -> int | None:
        """Number of channels d, or None where it is not known without an input."""

    @property
    def state_size(self) -> int | None:
        """State size N, or None where d is not known."""

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
        """Outputs y, (..., L, d), for inputs u, (..., L, d); with the last state if asked for."""

    def states(self, u: Tensor, initial_state: State | None = None) -> Tensor:
        """The states after every input."""

    def step(self, state: State | None, u_i: Tensor, i: int) -> tuple[Tensor, Tensor]:
        """The state after the input at time i, and the output."""

    def matrix(self) -> Tensor:
        """The mixing matrix Φ."""

    def dense(self, d: int | None = None) -> DenseSystem:
        """The full matrices of the paper."""


@dataclass(frozen=True, eq=False)
class LTVSystem(MatrixStateSystem):
    """A diagonal linear time-varying system, h_i = Λ_i h_{i-1} + B_i u_i, y_i = C_i h_i + D_i u_i.

    The state h_i ∈ R^N, N = n·d, is kept as a matrix H_i of n features × d channels, so that the
    matrices of the paper are arrays that broadcast:

        H_i[a, c] = Λ_i[a, c] H_{i-1}[a, c] + B_i[a, c] u_i[c]
        y_i[c]    = Σ_a C_i[a, c] H_i[a, c] + D_i[c] u_i[c]

    Leading axes (batch, heads) are free and broadcast against each other and against the input.
    A complex system acts on real inputs; its output is the real part.

    Evaluators: "recurrent" runs the definition step by step; "scan" does the same work but keeps
    only the states at chunk borders for the backward pass; "chunked" multiplies by blocks of Φ and
    carries the state from block to block, which pays for scalar transitions; "matrix" multiplies by
    Φ; "auto" takes matrix or chunked for scalar transitions and scan for the others.

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

    Example:
        >>> ones = torch.ones(3, 1, 1)
        >>> system = dsf.LTVSystem(0.5 * ones, ones, ones)
        >>> system.run(torch.tensor([[1.0], [0.0], [0.0]])).flatten()
        tensor([1.0000, 0.5000, 0.2500])
        >>> system.matrix()
        tensor([[1.0000, 0.0000, 0.0000],
                [0.5000, 1.0000, 0.0000],
                [0.2500, 0.5000, 1.0000]])
    """

    transition: Tensor
    input: Tensor
    output: Tensor
    feedthrough: Tensor | None = None
    normalizer: Normalizer | None = None

    methods: ClassVar[tuple[Method, ...]] = ("recurrent", "scan", "chunked", "matrix", "auto")
    _shapes: ClassVar[Mapping[str, str]] = {
        "input": "(..., L, n, d|1)",
        "transition": "(..., L, n|1, d|1)",
        "output": "(..., L, n, d|1)",
        "feedthrough": "(..., L|1, d|1)",
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.normalizer is None or isinstance(self.normalizer, Normalizer)):
            raise ValueError(f"normalizer is {shown(self.normalizer)}, expected a Normalizer")

    @property
    def is_scalar(self) -> bool:
        """Whether each Λ_i is one number times the identity."""
        return self.transition.shape[-2:] == (1, 1)

    def states(self, u: Tensor, initial_state: State | None = None) -> Tensor:  # noqa: D102
        h = self._initial_state(u, initial_state)
        wide = self._wide()
        x = wide.input * u.unsqueeze(-2)
        x = x.to(h.dtype).expand(*h.shape[:-2], self.length, *h.shape[-2:])
        transition = wide.transition.expand(x.shape)
        states = linear_recurrence(transition.flatten(-2), x.flatten(-2), h.flatten(-2))
        return states.reshape(x.shape)

    # How each evaluator does it.

    def _evaluate(self, u: Tensor, h: Tensor, method: Method, carry: bool) -> tuple[Tensor, Tensor]:
        if method == "recurrent":
            return self._recurrent(u, h)
        if method == "scan":
            return self._scan(u, h)
        chunk = self.length if method == "matrix" else min(self.length, CHUNK_LENGTH)
        return self._chunked(u, h, chunk, carry)

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

    def _mixing_matrix(self) -> Tensor:
        products = segment_products(self.transition.movedim(-3, -1))
        return mixing_matrix(products, self.input, self.output)

    def _dense_transition(self, d: int) -> Tensor:
        full = self.transition.expand(*self._batch(), self.length, self.n, d)
        return torch.diag_embed(full.mT.flatten(-2))

    def _with(self, arrays: Mapping[str, Any], span: slice = slice(None)) -> LTVSystem:
        normalizer = None if self.normalizer is None else self.normalizer[span]
        return replace(self, **arrays, normalizer=normalizer)

    # Between pieces.

    def _handed_on(self, h: Tensor) -> State:
        return h if self.normalizer is None else self.normalizer.last(h)

    def _taken_on(self, state: State, name: str) -> Tensor:
        if self.normalizer is not None and not self.normalizer.follows:
            raise ValueError(
                f"{name} is given, expected None: this normalised system was made without "
                "`before`, the state whose normaliser its first transition leads on from"
            )
        if isinstance(state, NormalizedState) and self.normalizer is not None:
            return state.h
        return super()._taken_on(state, name)
