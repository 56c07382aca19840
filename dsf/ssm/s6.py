"""S6, the selective scan of Mamba: native form and DSF form side by side."""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor

from dsf._checks import (
    check_arrays,
    check_flag,
    check_leading,
    check_state,
    full_precision,
    state_dtype,
)
from dsf.scan import scan
from dsf.ssm._shared import Arrays, Skip, as_feedthrough, skip_arrays
from dsf.system import LTVSystem


@overload
def s6(
    u: Tensor,
    step: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    skip: Skip = ...,
    state: Tensor | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def s6(
    u: Tensor,
    step: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    skip: Skip = ...,
    state: Tensor | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def s6(
    u: Tensor,
    step: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    skip: Skip = None,
    state: Tensor | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """S6, the selective scan of Mamba, without ever holding all L·n·d states.

        h[s] ← e^{Δ_i[c] a[c,s]} h[s] + Δ_i[c] b_i[s] u_i[c]
        y_i[c] = Σ_s c_i[s] h[s] + skip[c] u_i[c]

    The input rule is Euler's Δb, as in Mamba.

    Args:
        u: inputs, (..., L, d).
        step: Δ, (..., L, d), positive.
        a: decay rates, (d, n), negative.
        b: input weights, (..., L, n).
        c: output weights, (..., L, n).
        skip: feed-through D, (d,) or one number.
        state: H_{-1}, (..., n, d); zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Gu and Dao (2023); arXiv 2405.15731, section 3.2; chapter 6.

    Example:
        >>> step = torch.tensor([[1.0], [0.0], [1.0]])  # Δ = 0 keeps the state and writes nothing
        >>> a, b, c = torch.tensor([[-0.6931]]), torch.ones(3, 1), torch.ones(3, 1)
        >>> dsf.s6(torch.ones(3, 1), step, a, b, c).flatten()
        tensor([1.0000, 1.0000, 1.5000])
    """
    check_arrays({**_s6_arrays(step, a, b, c), "u": (u, "(..., L, d)"), **skip_arrays(skip)})
    check_flag("return_state", return_state)
    feedthrough = as_feedthrough(skip, u)
    dtype, n, d = u.dtype, a.shape[-1], a.shape[-2]
    u, step, a, b, c = (x.to(state_dtype(dtype)) for x in (u, step, a, b, c))
    batch = torch.broadcast_shapes(*(x.shape[:-2] for x in (u, step, b, c)))
    if state is None:
        h = u.new_zeros(*batch, n, d)
    else:
        check_state("state", state, "(..., n, d)", u, n=n, d=d)
        batch = check_leading("state", state.shape[:-2], batch)
        h = state.to(u.dtype).expand(*batch, n, d)
    x, step, b, c = (x.expand(*batch, *x.shape[-2:]) for x in (step * u, step, b, c))
    with full_precision(u):
        y, h = scan((step, a.mT), b.unsqueeze(-1), c.unsqueeze(-1), x, h)
    y = (y if feedthrough is None else y + feedthrough * u).to(dtype)
    return (y, h) if return_state else y


def s6_system(step: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Skip = None) -> LTVSystem:
    """S6 as a dynamical system: Λ_i = e^{Δ_i ⊙ a}, B_i = Δ_i ⊗ b_i, C_i = c_iᵀ, D = skip.

    Args:
        step: Δ, (..., L, d), positive.
        a: decay rates, (d, n), negative.
        b: input weights, (..., L, n).
        c: output weights, (..., L, n).
        skip: feed-through D, (d,) or one number.

    Returns:
        The system with state expansion n.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2; chapter 6.

    Example:
        >>> step = torch.tensor([[1.0], [0.0], [1.0]])  # Δ = 0 keeps the state and writes nothing
        >>> a, b, c = torch.tensor([[-0.6931]]), torch.ones(3, 1), torch.ones(3, 1)
        >>> dsf.s6_system(step, a, b, c).transition.flatten()
        tensor([0.5000, 1.0000, 0.5000])
    """
    check_arrays(_s6_arrays(step, a, b, c) | skip_arrays(skip))
    transition = torch.exp(step.unsqueeze(-2) * a.mT)  # (..., L, n, d)
    b = step.unsqueeze(-2) * b.unsqueeze(-1)  # (..., L, n, d)
    return LTVSystem(transition, b, c.unsqueeze(-1), as_feedthrough(skip, step))


def _s6_arrays(step: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Arrays:
    arrays: Arrays = {"step": (step, "(..., L, d)"), "a": (a, "(d, n)")}
    return arrays | {"b": (b, "(..., L, n)"), "c": (c, "(..., L, n)")}
