"""The diagonal linear recurrence h_i = Λ_i h_{i-1} + x_i, with all its derivatives."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_leading, check_state, state_dtype

__all__ = ["linear_recurrence"]


def linear_recurrence(transition: Tensor, x: Tensor, initial_state: Tensor | None = None) -> Tensor:
    """All states of h_i = Λ_i ⊙ h_{i-1} + x_i along the second to last axis.

    Args:
        transition: Λ, (..., L|1, d|1), real or complex.
        x: additive input, (..., L, d), real or complex.
        initial_state: h_{-1}, (..., d); zero if None.

    Returns:
        h, (..., L, d), complex if anything is. Half precision is computed in float32 and rounded
        at the end. Differentiable to any order, also under `torch.func`: each derivative is this
        recurrence again. Not possible are forward derivatives of forward derivatives, which are
        refused, and `is_grads_batched`; `torch.func` has its own ways to both.

    Raises:
        ValueError: an argument is not a floating tensor, or does not fit x.

    Source: arXiv 2405.15731, section 3.1; chapter 1.

    Example:
        >>> dsf.linear_recurrence(torch.tensor([[0.5]]), torch.ones(4, 1)).flatten()
        tensor([1.0000, 1.5000, 1.7500, 1.8750])
    """
    arrays = {"x": (x, "(..., L, d)"), "transition": (transition, "(..., L|1, d|1)")}
    sizes = check_arrays(arrays, complex_too=arrays)
    batch = torch.broadcast_shapes(transition.shape[:-2], x.shape[:-2])
    dtype = torch.promote_types(transition.dtype, x.dtype)
    if initial_state is not None:
        like = x if x.is_complex() else transition
        check_state("initial_state", initial_state, "(..., d)", like, d=sizes["d"])
        batch = check_leading("initial_state", initial_state.shape[:-1], batch)
    wide, shape = state_dtype(dtype), (*batch, *x.shape[-2:])
    a, x = (array.to(wide).expand(shape).movedim(-2, 0) for array in (transition, x))  # (L, ..., d)
    a = a.contiguous()
    if initial_state is not None:
        x = torch.cat([x[:1] + a[:1] * initial_state, x[1:]])
    states: Tensor = _Recurrence.apply(a, x, False)  # type: ignore[no-untyped-call]
    return states.movedim(0, -2).to(dtype)


class _Recurrence(torch.autograd.Function):
    """h_t = a_t h_{t-1} + x_t, or backwards h_t = a_{t+1} h_{t+1} + x_t, time being the first axis.

    The two are transposes of each other, so each is the backward pass of the other, with a
    conjugated. Neither reads a_0. Forward and setup_context apart, and a rule for vmap: what
    torch.func asks for.
    """

    @staticmethod
    def forward(a: Tensor, x: Tensor, backwards: bool) -> Tensor:
        # Both (L, ...). A contiguous copy, so that each step reads and writes one piece.
        if is_traced():
            return _out_of_place(a, x, backwards)
        states = x.clone(memory_format=torch.contiguous_format)
        a_t, h_t = a.unbind(0), states.unbind(0)
        if backwards:
            for t in range(len(h_t) - 1, 0, -1):
                torch.addcmul(h_t[t - 1], a_t[t], h_t[t], out=h_t[t - 1])
        else:
            for t in range(1, len(h_t)):
                torch.addcmul(h_t[t], a_t[t], h_t[t - 1], out=h_t[t])
        return states

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], states: Tensor) -> None:
        ctx.backwards = inputs[2]
        ctx.save_for_backward(inputs[0], states)
        ctx.save_for_forward(inputs[0], states)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, None]:
        a, states = ctx.saved_tensors
        g: Tensor = _Recurrence.apply(a.conj(), grad, not ctx.backwards)  # type: ignore[no-untyped-call]
        into, out_of = (g[:-1], states[1:]) if ctx.backwards else (g[1:], states[:-1])
        if not ctx.needs_input_grad[0]:
            return None, g, None
        if torch.is_grad_enabled():
            return torch.cat([torch.zeros_like(g[:1]), into * out_of.conj()]), g, None
        d_a = torch.empty_like(g)
        d_a[0] = 0
        torch.mul(into, out_of.conj(), out=d_a[1:])
        return d_a, g, None

    @staticmethod
    def jvp(ctx: Any, d_a: Tensor | None, d_x: Tensor | None, _: None) -> Tensor:
        refuse_nested_forward()
        a, states = ctx.saved_tensors
        x = torch.zeros_like(states) if d_x is None else d_x
        if d_a is not None:
            zero = torch.zeros_like(states[:1])
            if ctx.backwards:
                x = x + torch.cat([d_a[1:] * states[1:], zero])
            else:
                x = x + torch.cat([zero, d_a[1:] * states[:-1]])
        return _Recurrence.apply(a, x, ctx.backwards)  # type: ignore[no-any-return, no-untyped-call]

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> Any:
        a, x = (
            array.unsqueeze(1).expand(-1, info.batch_size, *array.shape[1:])
            if dim is None
            else array.movedim(dim, 1)
            for array, dim in zip(inputs[:2], in_dims[:2], strict=True)
        )
        return _Recurrence.apply(a, x, inputs[2]), 1  # type: ignore[no-untyped-call]


def _out_of_place(a: Tensor, x: Tensor, backwards: bool) -> Tensor:
    order = list(range(len(x)))[:: -1 if backwards else 1]
    states = [x[order[0]]]
    for before, t in pairwise(order):
        states.append(torch.addcmul(x[t], a[max(before, t)], states[-1]))
    return torch.stack(states[:: -1 if backwards else 1])


def is_traced() -> bool:
    """Whether operations are written down, as `torch.func.linearize` does.

    It takes for constant what does not depend on a tangent, and does not see what is written into
    such a tensor afterwards.
    """
    tracing = sys.modules.get("torch.fx.experimental.proxy_tensor")
    return tracing is not None and tracing.get_proxy_mode() is not None


def refuse_nested_forward() -> None:
    """Raise inside a forward derivative of a forward derivative, which PyTorch gets wrong.

    While the jvp of a `torch.autograd.Function` runs, forward derivatives are off at all levels,
    so an outer one would silently miss what the inner one depends on.

    Raises:
        NotImplementedError: naming what to use.
    """
    levels = torch._C._functorch.get_interpreter_stack() or []
    if sum(level.key() == torch._C._functorch.TransformType.Jvp for level in levels) > 1:
        raise NotImplementedError(
            "a forward derivative of a forward derivative: take torch.func.hessian or "
            "torch.func.jacrev for one of the two"
        )
