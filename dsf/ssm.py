"""State space models, S4D, S6 (Mamba) and SSD (Mamba-2): native form and DSF form side by side.

Inputs u have shape (..., L, d). Decay rates a are negative (negative real part for S4D), steps Δ
positive, so that every transition lies inside the unit circle.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from dsf._checks import check_sequence, check_width
from dsf.scan import scan
from dsf.system import LTVSystem

Rule = Literal["zoh", "bilinear"]


def discretize(a: Tensor, b: Tensor, step: Tensor, rule: Rule = "zoh") -> tuple[Tensor, Tensor]:
    """Turn ẋ = a x + b u into x_i = ā x_{i-1} + b̄ u_i for one step length Δ.

    Zero-order hold: ā = e^{Δa}, b̄ = (e^{Δa} - 1) b / a.
    Bilinear: ā = (1 + Δa/2) / (1 - Δa/2), b̄ = Δ b / (1 - Δa/2).

    Args:
        a: poles a ≠ 0, any shape.
        b: input weights, shape that broadcasts with a.
        step: Δ > 0, shape that broadcasts with a.
        rule: "zoh" or "bilinear".

    Returns:
        ā and b̄.

    Source: Gu et al. (2022), S4D; chapter 5.
    """
    if rule == "zoh":
        return torch.exp(step * a), torch.expm1(step * a) / a * b
    if rule == "bilinear":
        denominator = 1 - step * a / 2
        return (1 + step * a / 2) / denominator, step * b / denominator
    raise ValueError(f"rule is {rule!r}, expected 'zoh' or 'bilinear'")


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

    Source: Gu et al. (2022), S4D; chapter 5.
    """
    _check_s4d(a, b, c, step, length)
    a_bar, b_bar = discretize(a, b, step.unsqueeze(-1), rule)
    weights = c * b_bar
    # ā^0 … ā^{L-1} by doubling: exact products, no logarithm of ā.
    powers, factor = torch.ones_like(a_bar).unsqueeze(0), a_bar
    while powers.shape[0] < length:
        powers = torch.cat([powers, powers * factor])
        factor = factor * factor
    kernel = (powers[:length] * weights).sum(-1)
    return torch.real(kernel) if kernel.is_complex() else kernel


def s4d(u: Tensor, a: Tensor, b: Tensor, c: Tensor, step: Tensor, rule: Rule = "zoh") -> Tensor:
    """S4D: one time-invariant diagonal SSM per channel, evaluated as a convolution by FFT.

    Args:
        u: inputs, (..., L, d), real.
        a: poles, (d, n), negative real part. One pole of each conjugate pair is enough; the
            output is the real part, so double c for the pair.
        b: input weights, (d, n).
        c: output weights, (d, n).
        step: Δ, (d,).
        rule: discretisation, "zoh" or "bilinear".

    Returns:
        y, (..., L, d).

    Source: Gu et al. (2022), S4D; chapter 5.
    """
    check_sequence("u", u, "(..., L, d)")
    length = u.shape[-2]
    kernel = s4d_kernel(a, b, c, step, length, rule)
    check_width("u", u, kernel.shape[-1], "d")
    size = 2 * length  # room for the whole linear convolution, so that nothing wraps around
    spectrum = torch.fft.rfft(u, n=size, dim=-2) * torch.fft.rfft(kernel, n=size, dim=-2)
    y: Tensor = torch.fft.irfft(spectrum, n=size, dim=-2)
    return y[..., :length, :]


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

    Source: arXiv 2405.15731, section 3.2; chapter 5.
    """
    _check_s4d(a, b, c, step, length)
    a_bar, b_bar = discretize(a, b, step.unsqueeze(-1), rule)
    transition, b_bar, c = (x.mT.expand(length, -1, -1) for x in (a_bar, b_bar.expand_as(a), c))
    return LTVSystem(transition, b_bar, c)


def s6(
    u: Tensor, step: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor | None = None
) -> Tensor:
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
        skip: feed-through D, (d,).

    Returns:
        y, (..., L, d). First derivatives only.

    Source: Gu and Dao (2023); arXiv 2405.15731, section 3.2; chapter 6.
    """
    _check_s6(step, a, b, c)
    check_sequence("u", u, "(..., L, d)", step.shape[-2])
    check_width("u", u, step.shape[-1], "d")
    batch = torch.broadcast_shapes(*(x.shape[:-2] for x in (u, step, b, c)))
    u_full, step, b, c = (x.expand(*batch, *x.shape[-2:]) for x in (u, step, b, c))
    state = u.new_zeros(*batch, a.shape[-1], a.shape[-2])
    y, _ = scan((step, a.mT), b.unsqueeze(-1), c.unsqueeze(-1), step * u_full, state)
    return y if skip is None else y + skip * u


def s6_system(
    step: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor | None = None
) -> LTVSystem:
    """S6 as a dynamical system: Λ_i = e^{Δ_i ⊙ a}, B_i = Δ_i ⊗ b_i, C_i = c_iᵀ, D = skip.

    Args:
        step: Δ, (..., L, d), positive.
        a: decay rates, (d, n), negative.
        b: input weights, (..., L, n).
        c: output weights, (..., L, n).
        skip: feed-through D, (d,).

    Returns:
        The system with state expansion n.

    Source: arXiv 2405.15731, section 3.2; chapter 6.
    """
    _check_s6(step, a, b, c)
    transition = torch.exp(step.unsqueeze(-2) * a.mT)
    feedthrough = None if skip is None else skip.unsqueeze(-2)
    return LTVSystem(transition, step.unsqueeze(-2) * b.unsqueeze(-1), c.unsqueeze(-1), feedthrough)


def ssd(
    u: Tensor,
    step: Tensor,
    a: Tensor | float,
    b: Tensor,
    c: Tensor,
    skip: Tensor | None = None,
) -> Tensor:
    """SSD, the layer of Mamba-2, by its quadratic dual y = (M ∘ C Bᵀ)(Δ u).

    M_ij = exp(a Σ_{l=j+1}^{i} Δ_l). The exponents are summed, not subtracted, so that strong
    decay costs no digits. For long sequences use `ssd_system(...).run(u)`, which is linear in L.

    Args:
        u: inputs, (..., L, d).
        step: Δ, (..., L), positive.
        a: decay rate, a negative number, or a tensor that broadcasts with step (one per head).
        b: input weights, (..., L, n).
        c: output weights, (..., L, n).
        skip: feed-through D, (d,).

    Returns:
        y, (..., L, d).

    Source: Dao and Gu (2024); arXiv 2405.15731, section 3.2; chapter 7.
    """
    _check_ssd(step, b, c)
    check_sequence("u", u, "(..., L, d)", step.shape[-1])
    rates = a * step
    length = rates.shape[-1]
    ones = torch.ones(length, length, dtype=torch.bool, device=u.device)
    # Column j of the table holds the rates after time j; their running sum down the column is
    # the exponent of M_ij.
    table = rates.unsqueeze(-1).expand(*rates.shape, length).masked_fill(~ones.tril(-1), 0)
    mask = table.cumsum(-2).masked_fill(~ones.tril(), -torch.inf).exp()
    y = (mask * (c @ b.mT)) @ (step.unsqueeze(-1) * u)
    return y if skip is None else y + skip * u


def ssd_system(
    step: Tensor, a: Tensor | float, b: Tensor, c: Tensor, skip: Tensor | None = None
) -> LTVSystem:
    """SSD as a dynamical system: Λ_i = e^{aΔ_i} I, B_i = Δ_i b_i, C_i = c_iᵀ, D = skip.

    Args:
        step: Δ, (..., L), positive.
        a: decay rate, a negative number, or a tensor that broadcasts with step (one per head).
        b: input weights, (..., L, n).
        c: output weights, (..., L, n).
        skip: feed-through D, (d,).

    Returns:
        The system with state expansion n and a scalar transition.

    Source: arXiv 2405.15731, section 3.2; chapter 7.
    """
    _check_ssd(step, b, c)
    transition = torch.exp(a * step)[..., None, None]
    feedthrough = None if skip is None else skip.unsqueeze(-2)
    return LTVSystem(
        transition, (step.unsqueeze(-1) * b).unsqueeze(-1), c.unsqueeze(-1), feedthrough
    )


def _check_s4d(a: Tensor, b: Tensor, c: Tensor, step: Tensor, length: int) -> None:
    if not isinstance(length, int) or length < 1:
        raise ValueError(f"length is {length!r}, expected a positive integer")
    if not isinstance(a, Tensor) or a.ndim != 2 or 0 in a.shape:
        raise ValueError(f"a has shape {tuple(getattr(a, 'shape', ()))}, expected (d, n)")
    for name, x in (("b", b), ("c", c)):
        if x.shape != a.shape:
            raise ValueError(f"{name} has shape {tuple(x.shape)}, expected {tuple(a.shape)} as a")
    if step.shape != a.shape[:1]:
        raise ValueError(f"step has shape {tuple(step.shape)}, expected {tuple(a.shape[:1])}")


def _check_s6(step: Tensor, a: Tensor, b: Tensor, c: Tensor) -> None:
    check_sequence("step", step, "(..., L, d)")
    if not isinstance(a, Tensor) or a.ndim != 2 or a.shape[0] != step.shape[-1]:
        shape = tuple(getattr(a, "shape", ()))
        raise ValueError(f"a has shape {shape}, expected (d, n) with d = {step.shape[-1]}")
    check_sequence("b", b, "(..., L, n)", step.shape[-2])
    check_sequence("c", c, "(..., L, n)", step.shape[-2])
    check_width("b", b, a.shape[-1], "n")
    check_width("c", c, a.shape[-1], "n")


def _check_ssd(step: Tensor, b: Tensor, c: Tensor) -> None:
    check_sequence("step", step, "(..., L)")
    check_sequence("b", b, "(..., L, n)", step.shape[-1])
    check_sequence("c", c, "(..., L, n)", step.shape[-1])
    check_width("c", c, b.shape[-1], "n")
