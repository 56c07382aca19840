"""The diagonal recurrence with its read-out, for long sequences: no state is kept but a few.

Everything of the book that has more than one distinct transition a channel is evaluated here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from dsf._checks import full_precision
from dsf.recurrence import is_traced, linear_recurrence, refuse_nested_forward

# One chunk of states is kept near this many numbers: small enough to stay in the cache while it
# is written, read out and differentiated, large enough that the calls per chunk do not matter.
_CHUNK_NUMEL = 2**19


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
        y (..., L, d) and the last state (..., n, d). Differentiable as `linear_recurrence` is; only
        the first backward pass saves memory, higher and forward derivatives hold all states.

    Source: Gu and Dao (2023), the recomputation of states; chapter 6.
    """
    if isinstance(transition, tuple):
        step, a = transition
        # As many axes as a state has, so that they still fit when torch.vmap adds one to each.
        first = [step, a.reshape(*(1,) * (u.ndim - 2), *a.shape)]
    else:
        first = [transition]
    if is_traced():
        return _with_states(*first, b, c, u, initial_state)
    y, state, *_ = _Scan.apply(*first, b, c, u, initial_state)  # type: ignore[no-untyped-call]
    return y, state


def _with_states(*inputs: Tensor) -> tuple[Tensor, Tensor]:
    """What `scan` gives, by holding all states: for higher and forward derivatives."""
    *first, b, c, u, initial_state = inputs
    if len(first) == 1:
        transition = first[0]
    else:
        step, a = first  # (..., L, d) and (1, ..., n, d)
        transition = torch.exp(step.unsqueeze(-2) * a.unsqueeze(-3))
    x = b * u.unsqueeze(-2)  # (..., L, n, d)
    x = x.expand(torch.broadcast_shapes(x.shape, transition.shape))
    transition = transition.expand(x.shape)
    states = linear_recurrence(
        transition.flatten(-2), x.flatten(-2), initial_state.flatten(-2)
    ).unflatten(-1, x.shape[-2:])
    return (c * states).sum(-2), states[..., -1, :, :]


def _adjoint_with_states(*inputs: Tensor) -> tuple[Tensor, ...]:
    """The gradients of `_with_states`; the last two inputs are those of y and the last state."""
    gradients: tuple[Tensor, ...] = torch.func.vjp(_with_states, *inputs[:-2])[1](inputs[-2:])
    return gradients


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


class _Scan(torch.autograd.Function):
    """One Function for every diagonal transition: inputs Λ, or Δ and a, then b, c, u and H_{-1}."""

    @staticmethod
    def forward(*inputs: Tensor) -> tuple[Tensor, Tensor, Tensor, _Chunks]:
        *_, u, initial_state = inputs
        chunks = _Chunks(*inputs)
        h = initial_state
        y = torch.empty(u.shape, dtype=h.dtype, device=h.device)
        borders = torch.empty((chunks.count, *h.shape), dtype=h.dtype, device=h.device)
        for k in range(chunks.count):
            borders[k] = h
            states = chunks.states(k, borders[k])
            y[..., chunks.span(k), :] = _sum_features(chunks.c[k], states).movedim(0, -2)
            h = states[-1]
        return y, h.clone(), borders, chunks

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Any, ...]) -> None:
        _, _, borders, chunks = output
        ctx.mark_non_differentiable(borders)
        ctx.save_for_backward(*inputs, borders)
        ctx.save_for_forward(*inputs)
        ctx.chunks = chunks  # its buffers hold the last chunk, which the backward pass needs first

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        *inputs, borders = ctx.saved_tensors
        # The buffers serve one backward pass; another one over the same graph makes its own. Nested
        # transforms of torch.func share them, so they know themselves what they still hold.
        chunks, ctx.chunks = ctx.chunks, None
        with full_precision(borders):
            adjoint: tuple[Tensor | None, ...] = _ScanAdjoint.apply(  # type: ignore[no-untyped-call]
                ctx.needs_input_grad, chunks, borders, *inputs, *gradients[:2]
            )
        return adjoint

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor | None, ...]:
        return *_push(_with_states, ctx.saved_tensors, tangents), None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Tensor) -> Any:
        y, state, borders, _ = _Scan.apply(*_stack(info, in_dims, inputs))  # type: ignore[no-untyped-call]
        return (y, state, borders, None), (0, 0, 1, None)


class _ScanAdjoint(torch.autograd.Function):
    """The backward pass of `_Scan`, itself a map that has derivatives.

    Takes which gradients are needed, the chunks with what they hold or None, the borders, the
    inputs of `_Scan`, and the gradients of its outputs.
    """

    @staticmethod
    def forward(
        need: tuple[bool, ...], chunks: _Chunks | None, borders: Tensor, *tensors: Tensor
    ) -> tuple[Tensor | None, ...]:
        *inputs, grad_y, grad_state = tensors
        grad_y = grad_y.contiguous()  # the gradient of a sum comes as one number expanded
        chunks = chunks or _Chunks(*inputs)
        first: list[Tensor | None]
        *first, d_b, d_c, d_u = (
            torch.empty_like(x, memory_format=torch.contiguous_format) if wanted else None
            for x, wanted in zip(inputs[:-1], need, strict=False)
        )
        lazy = len(first) == 2  # Δ and a
        d_transition = None if lazy else first[0]
        d_step, d_a = (first[0], first[1]) if lazy else (None, None)
        if d_a is not None:
            d_a.zero_()
        carry = grad_state
        g_buffer = torch.empty_like(chunks.buffer)
        for k in reversed(range(chunks.count)):
            span = chunks.span(k)
            states = chunks.take(k, borders[k])
            dy = grad_y[..., span, :].movedim(-2, 0)  # (T, ..., d)
            if d_c is not None:
                d_c[..., span, :, :] = _times_channels(states.conj(), dy, inputs[-3]).movedim(0, -3)
            g = torch.mul(chunks.c[k].conj(), dy.unsqueeze(-2), out=g_buffer[: len(dy)])
            carry = _adjoint(chunks.steps.conj().unbind(0), g.unbind(0), carry)
            if d_b is not None:
                uc = chunks.u[k].conj()
                d_b[..., span, :, :] = _times_channels(g, uc, inputs[-4]).movedim(0, -3)
            if d_u is not None:
                d_u[..., span, :] = _sum_features(chunks.b[k].conj(), g).movedim(0, -2)
            if d_transition is not None:
                d_steps = d_transition[..., span, :, :].movedim(-3, 0)
                _copy_sum(d_steps[:1], g[:1] * borders[k].conj())
                _copy_sum(d_steps[1:], g[1:] * states[:-1].conj())
            if d_step is not None or d_a is not None:
                q = chunks.steps  # becomes the gradient with respect to Δ_t a
                q[0] *= borders[k]
                q[1:] *= states[:-1]
                q *= g
                if d_a is not None:
                    torch.mul(q, chunks.step[k].unsqueeze(-2), out=g)
                    d_a += g.sum_to_size(d_a.shape)
                if d_step is not None:
                    d_step[..., span, :] = q.mul_(inputs[1]).sum(-2).movedim(0, -2)
        return *first, d_b, d_c, d_u, carry if need[-1] else None

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Any, ...]) -> None:
        ctx.need = inputs[0]
        ctx.save_for_backward(*inputs[3:])  # not the borders, which the inputs determine
        ctx.save_for_forward(*inputs[3:])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        found, pull = torch.func.vjp(_adjoint_with_states, *ctx.saved_tensors)[:2]
        filled = (
            torch.zeros_like(x) if g is None else g for x, g in zip(found, gradients, strict=True)
        )
        back: tuple[Tensor, ...] = pull(tuple(filled))
        return None, None, None, *back

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> tuple[Tensor | None, ...]:
        found = _push(_adjoint_with_states, ctx.saved_tensors, tangents[3:])
        return tuple(x if wanted else None for x, wanted in zip(found, ctx.need, strict=True))

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], need: Any, chunks: Any, *tensors: Tensor) -> Any:
        borders, *inputs = _stack(info, in_dims[2:], tensors)
        borders = borders.movedim(0, 1)  # the chunks stay in front
        gradients = _ScanAdjoint.apply(need, None, borders, *inputs)  # type: ignore[no-untyped-call]
        return gradients, tuple(None if g is None else 0 for g in gradients)


def _push(
    f: Callable[..., tuple[Tensor, ...]], inputs: Sequence[Tensor], tangents: Sequence[Any]
) -> tuple[Tensor, ...]:
    """The derivative of f in a direction; a tangent that is None is zero.

    Two backward passes: what pulls cotangents v back is linear in v, and its own pull-back moves
    tangents forwards. Forward derivatives cannot be nested in PyTorch, and this is called in one.
    """
    refuse_nested_forward()
    moves = [torch.zeros_like(x) if t is None else t for x, t in zip(inputs, tangents, strict=True)]
    found, pull = torch.func.vjp(f, *inputs)[:2]
    push = torch.func.vjp(lambda *v: pull(v), *(torch.zeros_like(y) for y in found))[1]
    derivative: tuple[Tensor, ...] = push(tuple(moves))
    return derivative


def _stack(info: Any, in_dims: Sequence[int | None], inputs: Sequence[Tensor]) -> list[Tensor]:
    """Put the axis in front that `torch.vmap` maps over."""
    stacked = [
        x.expand(info.batch_size, *x.shape) if dim is None else x.movedim(dim, 0)
        for x, dim in zip(inputs, in_dims, strict=True)
    ]
    return stacked


class _Chunks:
    """The arrays of a scan cut into chunks of time, each with time as its first axis."""

    def __init__(self, *inputs: Tensor) -> None:
        *first, b, c, u, state = inputs
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
        self.a = None
        if len(first) == 2:
            step, self.a = first
            self.step = step.movedim(-2, 0).split(self.size)
            self._lazy = torch.empty(shape, dtype=state.dtype, device=state.device)
        else:
            self._transition = first[0].movedim(-3, 0).split(self.size)
        # Of the chunk whose states were computed last: its number, Λ (T, ..., n|1, d|1) and
        # H (T, ..., n, d).
        self.holds: int | None = None
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
        self.holds, self.held = k, x
        return x

    def take(self, k: int, h: Tensor) -> Tensor:
        """The same for the backward pass, which uses them up: once, whoever else shares these."""
        states = self.held if self.holds == k else self.states(k, h)
        self.holds = None
        return states


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
