"""State space models, S4D, S6 (Mamba) and SSD (Mamba-2): native form and DSF form side by side.

Inputs u have shape (..., L, d). Decay rates a are negative (negative real part for S4D), steps Δ
positive, so that every transition lies inside the unit circle. Their signs are checked where they
are numbers; where they are tensors nobody looks, because looking would wait for the device.

A sequence may come in pieces: with `return_state=True` a native form also returns the last state
H, (..., n, d), and `state` takes it for the piece after. It is the state of the DSF form.
"""

from __future__ import annotations

from typing import Any, Literal, get_args, overload

import torch
from torch import Tensor

from dsf._checks import (
    check_arrays,
    check_choice,
    check_flag,
    check_integer,
    check_leading,
    check_number,
    check_state,
    full_precision,
    state_dtype,
)
from dsf.scan import scan
from dsf.system import LTVSystem

Rule = Literal["zoh", "bilinear"]
Skip = Tensor | float | None


def discretize(a: Tensor, b: Tensor, step: Tensor, rule: Rule = "zoh") -> tuple[Tensor, Tensor]:
    """Turn ẋ = a x + b u into x_i = ā x_{i-1} + b̄ u_i for one step length Δ.

    Zero-order hold: ā = e^{Δa}, b̄ = (e^{Δa} - 1) b / a, which is Δb at a = 0.
    Bilinear: ā = (1 + Δa/2) / (1 - Δa/2), b̄ = Δ b / (1 - Δa/2).

    Args:
        a: poles, any shape, real or complex.
        b: input weights, shape that broadcasts with a, real or complex.
        step: Δ > 0, shape that broadcasts with a.
        rule: "zoh" or "bilinear".

    Returns:
        ā and b̄.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Gu et al. (2022), S4D; chapter 5.
    """
    arrays = {"a": (a, "(...)"), "b": (b, "(...)"), "step": (step, "(...)")}
    check_arrays(arrays, complex_too=["a", "b"])
    check_choice("rule", rule, get_args(Rule))
    x = step * a
    if rule == "zoh":
        return torch.exp(x), step * _mean_exponential(x) * b
    denominator = 1 - x / 2
    return (1 + x / 2) / denominator, step * b / denominator


def _mean_exponential(x: Tensor) -> Tensor:
    """(e^x - 1) / x, the mean of e^s over s from 0 to x, with its derivatives also at 0."""
    small = x.abs() < 1e-2  # where seven terms of the series are exact to rounding
    near, far = torch.where(small, x, 0), torch.where(small, 1, x)
    series = torch.ones_like(near)
    for k in range(7, 1, -1):
        series = 1 + near / k * series
    return torch.where(small, series, torch.expm1(far) / far)


def s4d_kernel(
    a: Tensor, b: Tensor, c: Tensor, step: Tensor, length: int, rule: Rule = "zoh"
) -> Tensor:
    """The convolution kernel K_l = Re Σ_s c_s ā_s^l b̄_s of every channel.

    Args:
        a: poles, (d, n), usually complex.
        b: input weights, (d, n).
        c: output weights, (d, n).
        step: Δ, (d,).
        length: number of taps L.
        rule: "zoh" or "bilinear".

    Returns:
        K, (L, d), real.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Gu et al. (2022), S4D; chapter 5.
    """
    _check_s4d(a, b, c, step)
    check_integer("length", length)
    a_bar, b_bar = discretize(a, b, step.unsqueeze(-1), rule)
    weights = c * b_bar
    # ā^0 … ā^{L-1} by doubling: exact products, no logarithm of ā.
    powers, factor = torch.ones_like(a_bar).unsqueeze(0), a_bar
    while powers.shape[0] < length:
        powers = torch.cat([powers, powers * factor])
        factor = factor * factor
    kernel = (powers[:length] * weights).sum(-1)
    return torch.real(kernel) if kernel.is_complex() else kernel


@overload
def s4d(
    u: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    step: Tensor,
    rule: Rule = ...,
    state: Tensor | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def s4d(
    u: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    step: Tensor,
    rule: Rule = ...,
    state: Tensor | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def s4d(
    u: Tensor,
    a: Tensor,
    b: Tensor,
    c: Tensor,
    step: Tensor,
    rule: Rule = "zoh",
    state: Tensor | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """S4D: one time-invariant diagonal SSM per channel, evaluated as a convolution by FFT.

    Where a state comes in or goes out it is evaluated by its recurrence.

    Args:
        u: inputs, (..., L, d), real.
        a: poles, (d, n), negative real part. One pole of each conjugate pair is enough; the
            output is the real part, so double c for the pair.
        b: input weights, (d, n).
        c: output weights, (d, n).
        step: Δ, (d,).
        rule: discretisation, "zoh" or "bilinear".
        state: H_{-1}, (..., n, d), complex if a is; zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Gu et al. (2022), S4D; chapter 5.
    """
    _check_s4d(a, b, c, step, u)
    check_flag("return_state", return_state)
    length, dtype = u.shape[-2], u.dtype
    if state is not None or return_state:
        return evaluate(s4d_system(a, b, c, step, length, rule), u, state, return_state)
    u, a, b, c, step = (x.to(state_dtype(x.dtype)) for x in (u, a, b, c, step))
    kernel = s4d_kernel(a, b, c, step, length, rule)
    size = 2 * length  # room for the whole linear convolution, so that nothing wraps around
    spectrum = torch.fft.rfft(u, n=size, dim=-2) * torch.fft.rfft(kernel, n=size, dim=-2)
    y: Tensor = torch.fft.irfft(spectrum, n=size, dim=-2)
    return y[..., :length, :].to(dtype)


def s4d_system(
    a: Tensor, b: Tensor, c: Tensor, step: Tensor, length: int, rule: Rule = "zoh"
) -> LTVSystem:
    """S4D as a dynamical system with constant Λ = diag(ā), B = b̄, C = c.

    Args:
        a: poles, (d, n).
        b: input weights, (d, n).
        c: output weights, (d, n).
        step: Δ, (d,).
        length: number of time steps L.
        rule: discretisation, "zoh" or "bilinear".

    Returns:
        The time-invariant system with state expansion n.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2; chapter 5.
    """
    _check_s4d(a, b, c, step)
    check_integer("length", length)
    a_bar, b_bar = discretize(a, b, step.unsqueeze(-1), rule)
    transition, b_bar, c = (x.mT.expand(length, -1, -1) for x in (a_bar, b_bar, c))
    return LTVSystem(transition, b_bar, c)


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
    """
    check_arrays({**_s6_arrays(step, a, b, c), "u": (u, "(..., L, d)"), **_skip(skip)})
    check_flag("return_state", return_state)
    feedthrough = _feedthrough(skip, u)
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
    """
    check_arrays(_s6_arrays(step, a, b, c) | _skip(skip))
    transition = torch.exp(step.unsqueeze(-2) * a.mT)
    b = step.unsqueeze(-2) * b.unsqueeze(-1)
    return LTVSystem(transition, b, c.unsqueeze(-1), _feedthrough(skip, step))


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
    """
    check_arrays({**_ssd_arrays(step, a, b, c), "u": (u, "(..., L, d)"), **_skip(skip)})
    check_flag("return_state", return_state)
    a = _rate(a, step)
    if state is not None or return_state:
        return evaluate(ssd_system(step, a, b, c, skip), u, state, return_state)
    feedthrough, dtype = _feedthrough(skip, u), u.dtype
    u, step, a, b, c = (x.to(state_dtype(dtype)) for x in (u, step, a, b, c))
    rates = a * step
    length = rates.shape[-1]
    ones = torch.ones(length, length, dtype=torch.bool, device=u.device)
    # Column j of the table holds the rates after time j; their running sum down the column is
    # the exponent of M_ij.
    table = rates.unsqueeze(-1).expand(*rates.shape, length).masked_fill(~ones.tril(-1), 0)
    mask = table.cumsum(-2).masked_fill(~ones.tril(), -torch.inf).exp()
    with full_precision(u):
        y = (mask * (c @ b.mT)) @ (step.unsqueeze(-1) * u)
    return (y if feedthrough is None else y + feedthrough * u).to(dtype)


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
    """
    check_arrays(_ssd_arrays(step, a, b, c) | _skip(skip))
    a = _rate(a, step)
    transition = torch.exp(a * step)[..., None, None]
    b = (step.unsqueeze(-1) * b).unsqueeze(-1)
    return LTVSystem(transition, b, c.unsqueeze(-1), _feedthrough(skip, step))


def evaluate(
    system: LTVSystem, u: Tensor, state: Tensor | None = None, return_state: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """Run the system of a state space model from a state, as its native form does.

    Args:
        system: of `s4d_system`, `s6_system` or `ssd_system`.
        u: inputs, (..., L, d).
        state: H_{-1}, (..., n, d); zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).
    """
    check_flag("return_state", return_state)
    if state is not None:
        check_state("state", state, "(..., n, d)", system.input, n=system.n, d=u.shape[-1])
        batch = torch.broadcast_shapes(system.input.shape[:-3], u.shape[:-2])
        check_leading("state", state.shape[:-2], batch)
    if not return_state:
        return system.run(u, "auto", state)
    h: Any
    y, h = system.run(u, "auto", state, return_state=True)
    return y, h


def _feedthrough(skip: Skip, like: Tensor) -> Tensor | None:
    """D as a system has it, (1, d|1)."""
    if skip is None:
        return None
    return skip.reshape(1, -1) if isinstance(skip, Tensor) else like.new_full((1, 1), float(skip))


def _rate(a: Tensor | float, step: Tensor) -> Tensor:
    return a if isinstance(a, Tensor) else step.new_tensor(float(a))


Arrays = dict[str, tuple[Any, str]]


def _check_s4d(a: Tensor, b: Tensor, c: Tensor, step: Tensor, u: Tensor | None = None) -> None:
    arrays: Arrays = {name: (x, "(d, n)") for name, x in (("a", a), ("b", b), ("c", c))}
    arrays["step"] = (step, "(d,)")
    if u is not None:
        arrays["u"] = (u, "(..., L, d)")
    check_arrays(arrays, complex_too=["a", "b", "c"])


def _s6_arrays(step: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Arrays:
    arrays: Arrays = {"step": (step, "(..., L, d)"), "a": (a, "(d, n)")}
    return arrays | {"b": (b, "(..., L, n)"), "c": (c, "(..., L, n)")}


def _ssd_arrays(step: Tensor, a: Tensor | float, b: Tensor, c: Tensor) -> Arrays:
    arrays: Arrays = {"step": (step, "(..., L)"), "b": (b, "(..., L, n)"), "c": (c, "(..., L, n)")}
    if isinstance(a, Tensor):
        arrays["a"] = (a, "()" if a.ndim == 0 else "(..., L|1)")
    else:
        check_number("a", a, high=0, below=True)
    return arrays


def _skip(skip: Skip) -> Arrays:
    """What is to be checked of a feed-through; a number is checked here."""
    if isinstance(skip, Tensor):
        return {"skip": (skip, "()" if skip.ndim == 0 else "(d|1,)")}
    if skip is not None:
        check_number("skip", skip)
    return {}
