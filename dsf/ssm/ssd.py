"""SSD, the layer of Mamba-2: native form and DSF form side by side."""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_flag, check_number, full_precision, state_dtype
from dsf.blocks import segment_products
from dsf.ssm._shared import Arrays, Skip, as_feedthrough, evaluate, skip_arrays
from dsf.system import LTVSystem


@overload
def ssd(
    u: Tensor,
    step: Tensor,
    a: Tensor | float,
    b: Tensor,
    c: Tensor,
    skip: Skip = ...,
    state: Tensor | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def ssd(
    u: Tensor,
    step: Tensor,
    a: Tensor | float,
    b: Tensor,
    c: Tensor,
    skip: Skip = ...,
    state: Tensor | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def ssd(
    u: Tensor,
    step: Tensor,
    a: Tensor | float,
    b: Tensor,
    c: Tensor,
    skip: Skip = None,
    state: Tensor | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """SSD, the layer of Mamba-2, by its quadratic dual y = (M ∘ C Bᵀ)(Δ u).

    M_ij = exp(a Σ_{l=j+1}^{i} Δ_l). The exponents are summed, not subtracted, so that strong
    decay costs no digits. For long sequences use `ssd_system(...).run(u)`, which is linear in L;
    so is this where a state comes in or goes out, because then it is what runs.

    Args:
        u: inputs, (..., L, d).
        step: Δ, (..., L), positive.
        a: decay rate, a negative number, or a tensor that broadcasts with step (one per head).
        b: input weights, (..., L, n).
        c: output weights, (..., L, n).
        skip: feed-through D, (d,) or one number.
        state: H_{-1}, (..., n, d); zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Dao and Gu (2024); arXiv 2405.15731, section 3.2; chapter 7.

    Example:
        >>> step = torch.tensor([1.0, 0.0, 1.0])  # Δ = 0 keeps the state and writes nothing
        >>> a, b, c = -0.6931, torch.ones(3, 1), torch.ones(3, 1)
        >>> dsf.ssd(torch.ones(3, 1), step, a, b, c).flatten()
        tensor([1.0000, 1.0000, 1.5000])
    """
    check_arrays({**_ssd_arrays(step, a, b, c), "u": (u, "(..., L, d)"), **skip_arrays(skip)})
    check_flag("return_state", return_state)
    a = _rate(a, step)
    if state is not None or return_state:
        return evaluate(ssd_system(step, a, b, c, skip), u, state, return_state)
    feedthrough, dtype = as_feedthrough(skip, u), u.dtype
    u, step, a, b, c = (x.to(state_dtype(dtype)) for x in (u, step, a, b, c))
    rates = a * step
    length = rates.shape[-1]
    ones = torch.ones(length, length, dtype=torch.bool, device=u.device)
    # Column j of the table holds the rates after time j; their running sum down the column is
    # the exponent of M_ij.
    table = rates.unsqueeze(-1).expand(*rates.shape, length).masked_fill(~ones.tril(-1), 0)
    mask = table.cumsum(-2).masked_fill(~ones.tril(), -torch.inf).exp()  # M, (..., L, L)
    with full_precision(u):
        y = (mask * (c @ b.mT)) @ (step.unsqueeze(-1) * u)
    return (y if feedthrough is None else y + feedthrough * u).to(dtype)


def ssd_matrix(step: Tensor, a: Tensor | float, b: Tensor, c: Tensor) -> Tensor:
    """The quadratic dual of SSD as a matrix, Φ_ij = e^{a(Δ_{j+1} + ... + Δ_i)} c_iᵀb_j Δ_j.

    It is attention with queries c, keys b and a 1-semiseparable mask. `ssd` is this matrix times u,
    and D u.

    Args:
        step: Δ, (..., L), positive.
        a: decay rate, a negative number, or a tensor that broadcasts with step (one per head).
        b: input weights, (..., L, n).
        c: output weights, (..., L, n).

    Returns:
        Φ, (..., L, L), lower triangular.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Dao and Gu (2024); chapter 7.

    Example:
        >>> step = torch.tensor([1.0, 0.0, 1.0])  # Δ = 0 keeps the state and writes nothing
        >>> a, b, c = -0.6931, torch.ones(3, 1), torch.ones(3, 1)
        >>> dsf.ssd_matrix(step, a, b, c)
        tensor([[1.0000, 0.0000, 0.0000],
                [1.0000, 0.0000, 0.0000],
                [0.5000, 0.0000, 1.0000]])
    """
    check_arrays(_ssd_arrays(step, a, b, c))
    mask = segment_products(torch.exp(_rate(a, step) * step))  # (..., L, L)
    return mask * (c @ (step.unsqueeze(-1) * b).mT)


def ssd_system(
    step: Tensor, a: Tensor | float, b: Tensor, c: Tensor, skip: Skip = None
) -> LTVSystem:
    """SSD as a dynamical system: Λ_i = e^{aΔ_i} I, B_i = Δ_i b_i, C_i = c_iᵀ, D = skip.

    Args:
        step: Δ, (..., L), positive.
        a: decay rate, a negative number, or a tensor that broadcasts with step (one per head).
        b: input weights, (..., L, n).
        c: output weights, (..., L, n).
        skip: feed-through D, (d,) or one number.

    Returns:
        The system with state expansion n and a scalar transition.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2; chapter 7.

    Example:
        >>> step = torch.tensor([1.0, 0.0, 1.0])  # Δ = 0 keeps the state and writes nothing
        >>> a, b, c = -0.6931, torch.ones(3, 1), torch.ones(3, 1)
        >>> dsf.ssd_system(step, a, b, c).transition.flatten()
        tensor([0.5000, 1.0000, 0.5000])
    """
    check_arrays(_ssd_arrays(step, a, b, c) | skip_arrays(skip))
    a = _rate(a, step)
    transition = torch.exp(a * step)[..., None, None]  # (..., L, 1, 1)
    b = (step.unsqueeze(-1) * b).unsqueeze(-1)  # (..., L, n, 1)
    return LTVSystem(transition, b, c.unsqueeze(-1), as_feedthrough(skip, step))


def _rate(a: Tensor | float, step: Tensor) -> Tensor:
    return a if isinstance(a, Tensor) else step.new_tensor(float(a))


def _ssd_arrays(step: Tensor, a: Tensor | float, b: Tensor, c: Tensor) -> Arrays:
    arrays: Arrays = {"step": (step, "(..., L)"), "b": (b, "(..., L, n)"), "c": (c, "(..., L, n)")}
    if isinstance(a, Tensor):
        arrays["a"] = (a, "()" if a.ndim == 0 else "(..., L|1)")
    else:
        check_number("a", a, high=0, below=True)
    return arrays
