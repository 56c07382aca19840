"""Products of transitions and the diagonal linear recurrence h_i = Λ_i h_{i-1} + x_i.

Everything here multiplies transitions directly. No logarithm of Λ is taken and nothing is
divided by a product of Λ, so Λ = 0, negative or complex Λ, and products that underflow are all
ordinary cases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

# One chunk of states is kept near this many numbers: small enough to stay in the cache while it
# is written, read out and differentiated, large enough that the calls per chunk do not matter.
_CHUNK_NUMEL = 2**19


def segment_products(transition: Tensor) -> Tensor:
    """Products of consecutive transitions, P_ij = Λ_i Λ_{i-1} ⋯ Λ_{j+1}.

    Built by joining blocks of doubling size: the product from block to block is the outer product
    of a column and a row that are already known. Every entry is a product of at most L factors,
    so its relative error is about L rounding errors even where the entry is tiny.

    Args:
        transition: Λ, (..., L).

    Returns:
        P, (..., L, L), lower triangular with P_ii = 1. Differentiable to any order.

    Source: Φ_ij = C_i P_ij B_j of arXiv 2405.15731, section 3.1; chapter 1.
    """
    length = transition.shape[-1]
    size = 1 << (length - 1).bit_length()
    a = F.pad(transition, (0, size - length), value=1.0)
    p = torch.ones_like(a)[..., None, None]  # (..., blocks, m, m), at first m = 1
    m = 1
    while m < size:
        early, late = p[..., 0::2, :, :], p[..., 1::2, :, :]
        into_late = (
            late[..., :, :1] * a[..., m :: 2 * m, None, None]
        )  # from the block's border to i
        corner = into_late * early[..., -1:, :]
        top = torch.cat([early, torch.zeros_like(early)], dim=-1)
        p = torch.cat([top, torch.cat([corner, late], dim=-1)], dim=-2)
        m *= 2
    return p[..., 0, :length, :length]


def linear_recurrence(transition: Tensor, x: Tensor, initial_state: Tensor | None = None) -> Tensor:
    """All states of h_i = Λ_i ⊙ h_{i-1} + x_i along the second to last axis.

    Args:
        transition: Λ, (..., L, d), broadcast against x.
        x: additive input, (..., L, d).
        initial_state: h_{-1}, (..., d); zero if None.

    Returns:
        h, (..., L, d). First derivatives only; the backward pass is the same recurrence run
        backwards in time.

    Source: arXiv 2405.15731, section 3.1; chapter 1.
    """
    shape = torch.broadcast_shapes(transition.shape, x.shape)
    dtype = torch.promote_types(transition.dtype, x.dtype)
    if initial_state is None:
        initial_state = x.new_zeros(shape[:-2] + shape[-1:])
    states: Tensor
    states, *_ = _Recurrence.apply(  # type: ignore[no-untyped-call]
        transition.expand(shape).to(dtype),
        x.expand(shape).to(dtype),
        initial_state.expand(shape[:-2] + shape[-1:]).to(dtype),
    )
    return states


def scan(
    transition: Tensor | tuple[Tensor, Tensor],
    b: Tensor,
    c: Tensor,
    u: Tensor,
    initial_state: Tensor,
) -> tuple[Tensor, Tensor]:
    """Run H_i = Λ_i H_{i-1} + B_i u_i, y_i = Σ_a C_i[a] H_i[a] without keeping the states.

    The forward pass keeps one state per chunk border; the backward pass recomputes the states of
    a chunk from its border, runs the adjoint recurrence and moves on to the chunk before. Work is
    O(L n d), memory beyond inputs and outputs one chunk plus the borders, O(√L n d) for large
    states. Buffers belong to the call, so calls from several threads do not meet.

    Args:
        transition: Λ, (..., L, n|1, d|1), or a pair (Δ, a) standing for exp(Δ_i[c] · a[a, c])
            with Δ (..., L, d) and a (n, d), which is then never stored for all times.
        b: B, (..., L, n, d|1).
        c: C, (..., L, n, d|1).
        u: (..., L, d).
        initial_state: H_{-1}, (..., n, d); all with the same leading axes and dtype.

    Returns:
        y (..., L, d) and the last state (..., n, d). First derivatives only.
    """
    lazy = transition if isinstance(transition, tuple) else (None, None)
    full = None if isinstance(transition, tuple) else transition
    y, state, *_ = _Scan.apply(full, *lazy, b, c, u, initial_state)  # type: ignore[no-untyped-call]
    return y, state


def _forward(a: Sequence[Tensor], h: Tensor, x: Sequence[Tensor]) -> Tensor:
    """Turn x_t into h_t in place; returns the last state."""
    for a_t, x_t in zip(a, x, strict=True):
        h = torch.addcmul(x_t, a_t, h, out=x_t)
    return h


def _adjoint(a: Sequence[Tensor], g: Sequence[Tensor], carry: Tensor) -> Tensor:
    """Turn g_t = ∂loss/∂h_t (direct part) into the total in place; returns ∂loss/∂h_{-1}.

    `a` holds the conjugated transitions; `carry` is what flows into the last step from the steps
    after it, already multiplied by their first transition.
    """
    g[-1].add_(carry)
    for t in range(len(g) - 1, 0, -1):
        torch.addcmul(g[t - 1], a[t], g[t], out=g[t - 1])
    return a[0] * g[0]


def _time_first(x: Tensor) -> Tensor:
    """A contiguous copy of x with the second to last axis in front."""
    return x.movedim(-2, 0).clone(memory_format=torch.contiguous_format)


def _stack(info: Any, x: Tensor | None, dim: int | None) -> Tensor | None:
    """Put the axis in front that `torch.vmap` maps over."""
    if x is None:
        return None
    return x.expand(info.batch_size, *x.shape) if dim is None else x.movedim(dim, 0)


class _Recurrence(torch.autograd.Function):
    # Forward and setup_context apart, and a rule for vmap: what torch.func asks for.

    @staticmethod
    def forward(
        transition: Tensor, x: Tensor, initial_state: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        # Time first, so that each step reads and writes contiguous pieces.
        a, states = _time_first(transition), _time_first(x)
        _forward(a.unbind(0), initial_state, states.unbind(0))
        return states.movedim(0, -2), a, states

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
        _, a, states = output
        ctx.mark_non_differentiable(a, states)
        ctx.save_for_backward(a, states, inputs[2])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *unused: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, states, initial_state = ctx.saved_tensors
        g = _time_first(grad)
        carry = _adjoint(a.conj().unbind(0), g.unbind(0), torch.zeros_like(initial_state))
        d_a = torch.empty_like(g)
        torch.mul(g[1:], states[:-1].conj(), out=d_a[1:])
        torch.mul(g[0], initial_state.conj(), out=d_a[0])
        return d_a.movedim(0, -2), g.movedim(0, -2), carry

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> Any:
        stacked = [_stack(info, x, dim) for x, dim in zip(inputs, in_dims, strict=True)]
        return _Recurrence.apply(*stacked), (0, 1, 1)  # type: ignore[no-untyped-call]


class _Scan(torch.autograd.Function):
    """One Function for every diagonal transition; see `scan` for the shapes."""

    @staticmethod
    def forward(
        transition: Tensor | None,
        step: Tensor | None,
        a: Tensor | None,
        b: Tensor,
        c: Tensor,
        u: Tensor,
        initial_state: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, _Chunks]:
        chunks = _Chunks(transition, step, a, b, c, u, initial_state)
        y = torch.empty(u.shape, dtype=initial_state.dtype, device=u.device)
        borders = torch.empty(
            (chunks.count, *initial_state.shape), dtype=initial_state.dtype, device=u.device
        )
        h = initial_state
        for k in range(chunks.count):
            borders[k] = h
            states = chunks.states(k, borders[k])
            y[..., chunks.span(k), :] = _sum_features(chunks.c[k], states).movedim(0, -2)
            h = states[-1]
        return y, h.clone(), borders, chunks

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Any, ...]) -> None:
        _, _, borders, chunks = output
        ctx.mark_non_differentiable(borders)
        ctx.save_for_backward(*inputs[:6], borders)
        ctx.chunks = chunks  # its buffers hold the last chunk, which the backward pass needs first

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor | None) -> Any:
        stacked = [_stack(info, x, dim) for x, dim in zip(inputs, in_dims, strict=True)]
        if (a := stacked[2]) is not None and (u := stacked[5]) is not None:
            # a has no leading axes of its own; it must broadcast against the states.
            stacked[2] = a.reshape(len(a), *(1,) * (u.ndim - 3), *a.shape[-2:])
        y, state, borders, _ = _Scan.apply(*stacked)  # type: ignore[no-untyped-call]
        return (y, state, borders, None), (0, 0, 1, None)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_y: Tensor, grad_state: Tensor, *unused: Any
    ) -> tuple[Tensor | None, ...]:
        grad_y = grad_y.contiguous()  # the gradient of a sum comes as one number expanded
        transition, step, a, b, c, u, borders = ctx.saved_tensors
        # The buffers serve one backward pass; another one over the same graph makes its own.
        chunks = ctx.__dict__.pop("chunks", None)
        held = chunks is not None
        chunks = chunks or _Chunks(transition, step, a, b, c, u, borders[0])
        need = ctx.needs_input_grad
        d_transition, d_step, d_a, d_b, d_c, d_u = (
            torch.empty_like(x, memory_format=torch.contiguous_format) if wanted else None
            for x, wanted in zip((transition, step, a, b, c, u), need[:6], strict=True)
        )
        if d_a is not None:
            d_a.zero_()
        carry = grad_state
        g_buffer = torch.empty_like(chunks.buffer)
        for k in reversed(range(chunks.count)):
            span = chunks.span(k)
            last = held and k == chunks.count - 1
            states = chunks.held if last else chunks.states(k, borders[k])
            dy = grad_y[..., span, :].movedim(-2, 0)  # (T, ..., d)
            if d_c is not None:
                d_c[..., span, :, :] = _times_channels(states.conj(), dy, c).movedim(0, -3)
            g = torch.mul(chunks.c[k].conj(), dy.unsqueeze(-2), out=g_buffer[: len(dy)])
            carry = _adjoint(chunks.steps.conj().unbind(0), g.unbind(0), carry)
            if d_b is not None:
                d_b[..., span, :, :] = _times_channels(g, chunks.u[k].conj(), b).movedim(0, -3)
            if d_u is not None:
                d_u[..., span, :] = _sum_features(chunks.b[k].conj(), g).movedim(0, -2)
            if d_transition is not None:
                d_steps = d_transition[..., span, :, :].movedim(-3, 0)
                _copy_sum(d_steps[:1], g[:1] * borders[k].conj())
                _copy_sum(d_steps[1:], g[1:] * states[:-1].conj())
            if step is not None and a is not None and (d_step is not None or d_a is not None):
                q = chunks.steps  # becomes the gradient with respect to Δ_t a
                q[0] *= borders[k]
                q[1:] *= states[:-1]
                q *= g
                if d_a is not None:
                    torch.mul(q, chunks.step[k].unsqueeze(-2), out=g)
                    d_a += g.sum_to_size(a.shape)
                if d_step is not None:
                    d_step[..., span, :] = q.mul_(a).sum(-2).movedim(0, -2)
        return (d_transition, d_step, d_a, d_b, d_c, d_u, carry if need[6] else None)


class _Chunks:
    """The arrays of a scan cut into chunks of time, each with time as its first axis."""

    def __init__(
        self,
        transition: Tensor | None,
        step: Tensor | None,
        a: Tensor | None,
        b: Tensor,
        c: Tensor,
        u: Tensor,
        state: Tensor,
    ) -> None:
        length = u.shape[-2]
        # However large a state is: three buffers of T states and L / T borders are fewest numbers
        # at T = √(L/3), so that memory grows with √L, not with L.
        least = max(1, math.isqrt(length // 3))
        self.size = min(length, max(least, _CHUNK_NUMEL // max(1, state.numel())))
        self.count = -(-length // self.size)
        self.length = length
        self.b = b.movedim(-3, 0).split(self.size)
        self.c = c.movedim(-3, 0).split(self.size)
        self.u = u.movedim(-2, 0).split(self.size)
        shape = (self.size, *state.shape)
        self.buffer = torch.empty(shape, dtype=state.dtype, device=state.device)
        self.a = a
        if step is not None:
            self.step = step.movedim(-2, 0).split(self.size)
            self._lazy = torch.empty(shape, dtype=state.dtype, device=state.device)
        elif transition is not None:
            self._transition = transition.movedim(-3, 0).split(self.size)
        # Of the chunk whose states were computed last: Λ (T, ..., n|1, d|1), H (T, ..., n, d).
        self.steps: Tensor
        self.held: Tensor

    def span(self, k: int) -> slice:
        return slice(k * self.size, min((k + 1) * self.size, self.length))

    def states(self, k: int, h: Tensor) -> Tensor:
        """States of chunk k from the state h before it, (T, ..., n, d), in the reused buffer."""
        u = self.u[k]
        if self.a is None:
            self.steps = self._transition[k]
        else:
            self.steps = self._lazy[: len(u)]
            torch.mul(self.step[k].unsqueeze(-2), self.a, out=self.steps).exp_()
        x = torch.mul(self.b[k], u.unsqueeze(-2), out=self.buffer[: len(u)])
        _forward(self.steps.unbind(0), h, x.unbind(0))
        self.held = x
        return x


def _sum_features(weights: Tensor, states: Tensor) -> Tensor:
    """Σ_a weights[a, c] states[a, c] with weights (..., n, d|1) and states (..., n, d)."""
    if states.shape[-2] == 1:
        return (weights * states).squeeze(-2)
    if weights.shape[-1] == 1:
        return (weights.mT @ states).squeeze(-2)
    return (weights * states).sum(-2)


def _copy_sum(target: Tensor, x: Tensor) -> None:
    """Write x into target, summed over the axes along which target has length 1."""
    target.copy_(x.sum_to_size(target.shape))


def _times_channels(states: Tensor, v: Tensor, like: Tensor) -> Tensor:
    """states[a, c] v[c], summed over c where `like` does not depend on the channel."""
    if like.shape[-1] == 1 and states.shape[-1] > 1:
        # A row times a matrix: the product with a column would be cut into one call per matrix.
        return (v.unsqueeze(-2) @ states.mT).mT
    return states * v.unsqueeze(-2)
