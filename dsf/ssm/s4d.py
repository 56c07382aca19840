"""S4D: native form and DSF form side by side."""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_flag, check_integer, state_dtype
from dsf.ssm._shared import Arrays, evaluate
from dsf.ssm.discretize import Rule, discretize
from dsf.system import LTVSystem


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

    Example:
        >>> a = torch.tensor([[-0.5 + 0.0j]])
        >>> b = c = torch.ones(1, 1, dtype=torch.complex64)
        >>> step = torch.tensor([1.0])
        >>> dsf.s4d_kernel(a, b, c, step, length=4).flatten()
        tensor([0.7869, 0.4773, 0.2895, 0.1756])
    """
    _check_s4d(a, b, c, step)
    check_integer("length", length)
    a_bar, b_bar = discretize(a, b, step.unsqueeze(-1), rule)
    weights = c * b_bar
    # ā^0 … ā^{L-1} by doubling: exact products, no logarithm of ā.
    powers, factor = torch.ones_like(a_bar).unsqueeze(0), a_bar  # (taps, d, n)
    while powers.shape[0] < length:
        powers = torch.cat([powers, powers * factor])
        factor = factor * factor
    kernel = (powers[:length] * weights).sum(-1)  # (L, d)
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

    Example:
        >>> a = torch.tensor([[-0.5 + 0.0j]])
        >>> b = c = torch.ones(1, 1, dtype=torch.complex64)
        >>> step = torch.tensor([1.0])
        >>> impulse = torch.tensor([[1.0], [0.0], [0.0], [0.0]])
        >>> dsf.s4d(impulse, a, b, c, step).flatten()
        tensor([0.7869, 0.4773, 0.2895, 0.1756])
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
    y: Tensor = torch.fft.irfft(spectrum, n=size, dim=-2)  # (..., 2L, d)
    return y[..., :length, :].to(dtype)


def s4d_matrix(
    a: Tensor, b: Tensor, c: Tensor, step: Tensor, length: int, rule: Rule = "zoh"
) -> Tensor:
    """The causal convolution of S4D as the matrix of every channel, Φ_ij = K_{i-j} for j ≤ i.

    `s4d` is this matrix times u, evaluated by FFT.

    Args:
        a: poles, (d, n).
        b: input weights, (d, n).
        c: output weights, (d, n).
        step: Δ, (d,).
        length: number of time steps L.
        rule: discretisation, "zoh" or "bilinear".

    Returns:
        Φ, (d, L, L), real, lower triangular with equal entries along every diagonal.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Gu et al. (2022), S4D; chapter 5.

    Example:
        >>> a = torch.tensor([[-0.5 + 0.0j]])
        >>> b = c = torch.ones(1, 1, dtype=torch.complex64)
        >>> step = torch.tensor([1.0])
        >>> dsf.s4d_matrix(a, b, c, step, length=3)[0]
        tensor([[0.7869, 0.0000, 0.0000],
                [0.4773, 0.7869, 0.0000],
                [0.2895, 0.4773, 0.7869]])
    """
    kernel = s4d_kernel(a, b, c, step, length, rule).mT  # (d, L)
    time = torch.arange(length, device=kernel.device)
    return kernel[:, time.unsqueeze(-1) - time].tril()  # above the diagonal lags are negative


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

    Example:
        >>> a = torch.tensor([[-0.5 + 0.0j]])
        >>> b = c = torch.ones(1, 1, dtype=torch.complex64)
        >>> step = torch.tensor([1.0])
        >>> impulse = torch.tensor([[1.0], [0.0], [0.0], [0.0]])
        >>> dsf.s4d_system(a, b, c, step, length=4).run(impulse).flatten()
        tensor([0.7869, 0.4773, 0.2895, 0.1756])
    """
    _check_s4d(a, b, c, step)
    check_integer("length", length)
    a_bar, b_bar = discretize(a, b, step.unsqueeze(-1), rule)
    transition, b_bar, c = (x.mT.expand(length, -1, -1) for x in (a_bar, b_bar, c))  # (L, n, d)
    return LTVSystem(transition, b_bar, c)


def _check_s4d(a: Tensor, b: Tensor, c: Tensor, step: Tensor, u: Tensor | None = None) -> None:
    arrays: Arrays = {name: (x, "(d, n)") for name, x in (("a", a), ("b", b), ("c", c))}
    arrays["step"] = (step, "(d,)")
    if u is not None:
        arrays["u"] = (u, "(..., L, d)")
    check_arrays(arrays, complex_too=["a", "b", "c"])
