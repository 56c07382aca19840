"""The linear time-varying system: the one abstraction of the book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args, overload

import torch
from torch import Tensor

from dsf.recurrence import linear_recurrence, segment_products
from dsf.scan import scan

Method = Literal["recurrent", "scan", "chunked", "matrix", "auto"]

# Blocks of 64 steps: the work inside a block grows with its length, the number of steps between
# blocks falls with it, and 64 is where the two balance on a CPU.
CHUNK_LENGTH = 64
# Up to this length one block is the whole sequence.
_MATRIX_LENGTH = 128


class DenseSystem(NamedTuple):
    """A linear time-varying system with full matrices, as the paper writes it.

    Attributes:
        transition: Λ, (..., L, N, N).
        input: B, (..., L, N, m).
        output: C, (..., L, p, N).
        feedthrough: D, (..., L, p, m).

    Source: arXiv 2405.15731, section 3.1; chapter 1.
    """

    transition: Tensor
    input: Tensor
    output: Tensor
    feedthrough: Tensor

    def run(self, u: Tensor, initial_state: Tensor | None = None) -> Tensor:
        """Outputs y_i = C_i h_i + D_i u_i with h_i = Λ_i h_{i-1} + B_i u_i.

        Args:
            u: inputs, (..., L, m).
            initial_state: h_{-1}, (..., N); zero if None.

        Returns:
            y, (..., L, p), complex if the matrices are.
        """
        u = u.to(torch.promote_types(u.dtype, self.transition.dtype)).unsqueeze(-1)
        h = u.new_zeros(self.transition.shape[-1]) if initial_state is None else initial_state
        h = h.to(u.dtype).unsqueeze(-1)
        y = []
        for i in range(self.transition.shape[-3]):
            u_i = u[..., i, :, :]
            h = self.transition[..., i, :, :] @ h + self.input[..., i, :, :] @ u_i
            y.append(self.output[..., i, :, :] @ h + self.feedthrough[..., i, :, :] @ u_i)
        return torch.stack(y, dim=-3).squeeze(-1)

    def matrix(self) -> Tensor:
        """The block lower triangular Φ that maps the stacked inputs to the stacked outputs.

        Returns:
            Φ, (..., L·p, L·m), with the p × m blocks Φ_ii = C_i B_i + D_i and
            Φ_ij = C_i Λ_i ⋯ Λ_{j+1} B_j for i > j.
        """
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
        return blocks.transpose(-3, -2).reshape(*blocks.shape[:-4], length * p, length * m)


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

    Raises:
        ValueError: an array is not a floating tensor, or dtypes, devices or shapes do not agree.

    Source: arXiv 2405.15731, section 3.1; chapter 1.
    """

    transition: Tensor
    input: Tensor
    output: Tensor
    feedthrough: Tensor | None = None

    def __post_init__(self) -> None:
        arrays = {"transition": self.transition, "input": self.input, "output": self.output}
        if self.feedthrough is not None:
            arrays["feedthrough"] = self.feedthrough
        for name, array in arrays.items():
            _check_tensor(name, array)
            expected = "(..., L|1, d|1)" if name == "feedthrough" else "(..., L, n, d|1)"
            if array.ndim < (2 if name == "feedthrough" else 3) or 0 in array.shape:
                raise ValueError(
                    f"{name} has shape {tuple(array.shape)}, expected {expected} with no empty axis"
                )
            if array.device != self.transition.device:
                raise ValueError(f"{name} is on {array.device}, transition on {self._device}")
            if _precision(array) != _precision(self.transition):
                raise ValueError(
                    f"{name} has dtype {array.dtype}, expected the precision of transition, "
                    f"{self.transition.dtype}"
                )
        length, n = self.input.shape[-3:-1]
        widths = {name: array.shape[-1] for name, array in arrays.items() if array.shape[-1] > 1}
        if len(set(widths.values())) > 1:
            raise ValueError(f"the channel axes disagree: {widths}; expected one d, or 1")
        for name, array in arrays.items():
            features = () if name == "feedthrough" else array.shape[-2:-1]
            times = array.shape[-2] if name == "feedthrough" else array.shape[-3]
            if times != length and not (name == "feedthrough" and times == 1):
                raise ValueError(f"{name} has length {times}, expected {length}, that of input")
            if features and features[0] != n and not (name == "transition" and features[0] == 1):
                raise ValueError(f"{name} has n = {features[0]}, expected {n}, that of input")
        try:
            self._batch()
        except RuntimeError:
            shapes = {name: tuple(array.shape) for name, array in arrays.items()}
            raise ValueError(f"the leading axes do not broadcast: {shapes}") from None

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
        if not isinstance(span, slice) or span.step not in (None, 1):
            raise ValueError(f"index is {span!r}, expected a slice of times with step 1")
        feedthrough = self.feedthrough
        if feedthrough is not None and feedthrough.shape[-2] > 1:
            feedthrough = feedthrough[..., span, :]
        return LTVSystem(
            self.transition[..., span, :, :],
            self.input[..., span, :, :],
            self.output[..., span, :, :],
            feedthrough,
        )

    # The evaluators.

    @overload
    def run(
        self,
        u: Tensor,
        method: Method = ...,
        initial_state: Tensor | None = ...,
        return_state: Literal[False] = ...,
    ) -> Tensor: ...

    @overload
    def run(
        self,
        u: Tensor,
        method: Method = ...,
        initial_state: Tensor | None = ...,
        *,
        return_state: Literal[True],
    ) -> tuple[Tensor, Tensor]: ...

    def run(
        self,
        u: Tensor,
        method: Method = "auto",
        initial_state: Tensor | None = None,
        return_state: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Map a sequence of inputs to outputs.

        Args:
            u: inputs, (..., L, d).
            method: "recurrent" runs the definition step by step; "scan" does the same work but
                keeps only the states at chunk borders for the backward pass (first derivatives
                only); "chunked" multiplies by blocks of Φ and carries the state from block to
                block, which pays for scalar transitions; "matrix" multiplies by Φ; "auto" takes
                matrix or chunked for scalar transitions and scan for the others.
            initial_state: H_{-1}, (..., n, d); zero if None.
            return_state: also return the last state H_{L-1}, (..., n, d).

        Returns:
            y (..., L, d), or the pair (y, H_{L-1}).

        Raises:
            ValueError: u or initial_state does not fit the system, or method is unknown.
        """
        if method not in get_args(Method):
            raise ValueError(f"method is {method!r}, expected one of {', '.join(get_args(Method))}")
        h = self._initial_state(u, initial_state)
        if method == "auto":
            by_channel = self.input.shape[-1] > 1 or self.output.shape[-1] > 1
            if by_channel or not self.is_scalar:
                method = "scan"
            else:
                method = "matrix" if self.length <= _MATRIX_LENGTH else "chunked"
        if method == "recurrent":
            y, h = self._recurrent(u, h)
        elif method == "scan":
            y, h = self._scan(u, h)
        else:
            chunk = self.length if method == "matrix" else min(self.length, CHUNK_LENGTH)
            carry = initial_state is not None or return_state
            y, h = self._chunked(u, h, chunk, carry)
        if not u.is_complex():
            y = torch.real(y) if y.is_complex() else y
        if self.feedthrough is not None:
            y = y + self.feedthrough * u
        return (y, h) if return_state else y

    def states(self, u: Tensor, initial_state: Tensor | None = None) -> Tensor:
        """All states.

        Args:
            u: inputs, (..., L, d).
            initial_state: H_{-1}, (..., n, d); zero if None.

        Returns:
            H, (..., L, n, d).
        """
        h = self._initial_state(u, initial_state)
        x = (
            (self.input * u.unsqueeze(-2))
            .to(h.dtype)
            .expand(*h.shape[:-2], self.length, *h.shape[-2:])
        )
        transition = self.transition.expand(x.shape)
        states = linear_recurrence(transition.flatten(-2), x.flatten(-2), h.flatten(-2))
        return states.reshape(x.shape)

    def step(self, state: Tensor | None, u_i: Tensor, i: int) -> tuple[Tensor, Tensor]:
        """One token, for streaming.

        Args:
            state: H_{i-1}, (..., n, d), or None for zero.
            u_i: the input at time i, (..., d).
            i: the time, 0 ≤ i < L.

        Returns:
            The state H_i, (..., n, d), and the output y_i, (..., d).
        """
        if not 0 <= i < self.length:
            raise ValueError(f"i is {i}, expected 0 <= i < L = {self.length}")
        h = self[i : i + 1]._initial_state(u_i.unsqueeze(-2), state)
        h = self.transition[..., i, :, :] * h + self.input[..., i, :, :] * u_i.unsqueeze(-2)
        y = (self.output[..., i, :, :] * h).sum(-2)
        if y.is_complex() and not u_i.is_complex():
            y = torch.real(y)
        if self.feedthrough is not None:
            y = y + self.feedthrough[..., min(i, self.feedthrough.shape[-2] - 1), :] * u_i
        return h, y

    def matrix(self) -> Tensor:
        """The mixing matrix Φ with y = Φ u, lower triangular in time.

        Returns:
            Φ, (..., L, L) when it does not depend on the channel, else (..., d, L, L);
            Φ_ii = C_i B_i + D_i, Φ_ij = C_i Λ_i ⋯ Λ_{j+1} B_j for i > j. For a complex system
            the real part, which is the map between real inputs and outputs.
        """
        phi = _mixing_matrix(
            segment_products(self.transition.movedim(-3, -1)), self.input, self.output
        )
        phi = torch.real(phi) if phi.is_complex() else phi
        if self.feedthrough is not None:
            diagonal = self.feedthrough.expand(
                *self.feedthrough.shape[:-2], self.length, self.feedthrough.shape[-1]
            )
            phi = phi + torch.diag_embed(diagonal.mT)
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
        if d is not None and (d < 1 or d != (self.d or d)):
            raise ValueError(f"d is {d}, expected {self.d or 'a positive integer'}")
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
        transition = _split_time(self.transition, chunk, 1.0)  # (..., K, c, n|1, d|1)
        b, c = _split_time(self.input, chunk, 0.0), _split_time(self.output, chunk, 0.0)
        x = _split_time(u.to(h.dtype).unsqueeze(-2), chunk, 0.0).squeeze(-2)  # (..., K, c, d)
        products = segment_products(transition.movedim(-3, -1))  # (..., K, n|1, d|1, c, c)
        phi = _mixing_matrix(products, b, c)  # (..., K, d|1, c, c)
        y = _apply(phi, x)
        if carry or transition.shape[-4] > 1:
            to_end = products[..., -1, :].movedim(-1, -3)  # Λ_{c-1} ⋯ Λ_{j+1}, as transition
            from_start = products[..., 0].movedim(-1, -3) * transition[..., :1, :, :]
            local = _sum_time(to_end * b, x)  # what the chunk adds to the state, (..., K, n, d)
            total = from_start[..., -1, :, :].expand(local.shape)
            states = linear_recurrence(total.flatten(-2), local.flatten(-2), h.flatten(-2))
            states = states.reshape(local.shape)
            before = torch.cat([h.unsqueeze(-3), states[..., :-1, :, :]], dim=-3)
            y = y + _read(c * from_start, before)
            h = states[..., -1, :, :]
        return y.flatten(-3, -2)[..., : self.length, :], h

    # Checks.

    @property
    def _device(self) -> torch.device:
        return self.transition.device

    def _batch(self) -> torch.Size:
        shapes = [x.shape[:-3] for x in (self.transition, self.input, self.output)]
        if self.feedthrough is not None:
            shapes.append(self.feedthrough.shape[:-2])
        return torch.Size(torch.broadcast_shapes(*shapes))

    def _initial_state(self, u: Tensor, initial_state: Tensor | None) -> Tensor:
        """Check u against the system and return H_{-1}, (..., n, d), in the dtype of the states."""
        _check_tensor("u", u)
        if u.ndim < 2 or u.shape[-2] != self.length:
            raise ValueError(
                f"u has shape {tuple(u.shape)}, expected (..., L, d) with L = {self.length}"
            )
        d = u.shape[-1]
        if d == 0 or d != (self.d or d):
            raise ValueError(f"u has {d} channels, expected {self.d or 'at least 1'}")
        if _precision(u) != _precision(self.transition):
            raise ValueError(
                f"u has dtype {u.dtype}, expected the precision of the system, "
                f"{self.transition.dtype}"
            )
        if u.device != self._device:
            raise ValueError(f"u is on {u.device}, the system on {self._device}")
        dtype = u.dtype
        for array in (self.transition, self.input, self.output):
            dtype = torch.promote_types(dtype, array.dtype)
        try:
            batch = torch.broadcast_shapes(self._batch(), u.shape[:-2])
        except RuntimeError:
            raise ValueError(
                f"u has leading axes {tuple(u.shape[:-2])}, expected axes that broadcast with "
                f"{tuple(self._batch())}, those of the system"
            ) from None
        shape = (*batch, self.n, d)
        if initial_state is None:
            return torch.zeros(shape, dtype=dtype, device=u.device)
        _check_tensor("initial_state", initial_state)
        try:
            return initial_state.to(dtype).expand(shape)
        except RuntimeError:
            raise ValueError(
                f"initial_state has shape {tuple(initial_state.shape)}, expected {shape}"
            ) from None


def _check_tensor(name: str, x: object) -> None:
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} is a {type(x).__name__}, expected a torch tensor")
    if not (x.is_floating_point() or x.is_complex()):
        raise ValueError(f"{name} has dtype {x.dtype}, expected a floating or complex dtype")


def _precision(x: Tensor) -> torch.dtype:
    """The real dtype behind a dtype, so that float64 and complex128 agree."""
    return x.real.dtype if x.is_complex() else x.dtype


def _mixing_matrix(products: Tensor, b: Tensor, c: Tensor) -> Tensor:
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
        return products.squeeze(-4) * inner
    return (rows * products * columns).sum(-4)


def _split_time(x: Tensor, chunk: int, fill: float) -> Tensor:
    """(..., L, n, d) to (..., K, chunk, n, d), the last chunk filled up."""
    missing = -x.shape[-3] % chunk
    if missing:
        x = torch.nn.functional.pad(x, (0, 0, 0, 0, 0, missing), value=fill)
    return x.reshape(*x.shape[:-3], -1, chunk, *x.shape[-2:])


def _apply(phi: Tensor, x: Tensor) -> Tensor:
    """Φ x with Φ (..., d|1, c, c) and x (..., c, d)."""
    if phi.shape[-3] == 1:
        return phi.squeeze(-3) @ x
    return (phi @ x.mT.unsqueeze(-1)).squeeze(-1).mT


def _sum_time(b: Tensor, x: Tensor) -> Tensor:
    """Σ_j B_j[a, c] x_j[c] with B (..., c, n, d|1) and x (..., c, d), to (..., n, d)."""
    if b.shape[-1] == 1:
        return b.squeeze(-1).mT @ x
    return (b * x.unsqueeze(-2)).sum(-3)


def _read(c: Tensor, state: Tensor) -> Tensor:
    """Σ_a C_i[a, c] H[a, c] with C (..., c, n, d|1) and one state H (..., n, d), to (..., c, d)."""
    if c.shape[-1] == 1:
        return c.squeeze(-1) @ state
    return (c * state.unsqueeze(-3)).sum(-2)
