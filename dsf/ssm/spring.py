"""A mass on a spring: the first state space model, and its responses in closed form."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_choice, check_number

Response = Literal["impulse", "step"]


def spring(mass: float, damping: float, stiffness: float) -> tuple[Tensor, Tensor, Tensor]:
    """A mass on a spring as a state space model, ẋ = A x + B u, y = C x.

    The force u moves the position p by m p̈ + c ṗ + k p = u. The state is x = (p, ṗ), the output p.

    Args:
        mass: m > 0.
        damping: c ≥ 0.
        stiffness: k > 0.

    Returns:
        A, (2, 2), B, (2, 1), and C, (1, 2), in the default dtype.

    Raises:
        ValueError: an argument is not what it has to be.

    Source: chapter 5.

    Example:
        >>> a, b, c = dsf.spring(mass=1.0, damping=2.0, stiffness=5.0)
        >>> a
        tensor([[ 0.,  1.],
                [-5., -2.]])
    """
    mass, damping, stiffness = _check(mass, damping, stiffness)
    a = torch.tensor([[0.0, 1.0], [-stiffness / mass, -damping / mass]])
    return a, torch.tensor([[0.0], [1 / mass]]), torch.tensor([[1.0, 0.0]])


def spring_poles(mass: float, damping: float, stiffness: float) -> Tensor:
    """The poles of a mass on a spring, s = -γ ± √(γ² - ω²) with γ = c/2m and ω² = k/m.

    Two complex ones where γ < ω (it swings), one twice where γ = ω, two real ones where γ > ω (it
    creeps). They are the eigenvalues of A.

    Args:
        mass: m > 0.
        damping: c ≥ 0.
        stiffness: k > 0.

    Returns:
        The poles, (2,), complex, in the default dtype; first the one above or on the right.

    Raises:
        ValueError: an argument is not what it has to be.

    Source: chapter 5.

    Example:
        >>> dsf.spring_poles(mass=1.0, damping=2.0, stiffness=5.0)
        tensor([-1.+2.j, -1.-2.j])
    """
    rate, square, stiffness_rate = _rates(*_check(mass, damping, stiffness))
    if square < 0:
        pair = [complex(-rate, math.sqrt(-square)), complex(-rate, -math.sqrt(-square))]
    else:
        fast = rate + math.sqrt(square)
        pair = [complex(-stiffness_rate / fast), complex(-fast)]  # no difference of near numbers
    return torch.tensor(pair, dtype=torch.get_default_dtype().to_complex())


def spring_response(
    mass: float,
    damping: float,
    stiffness: float,
    time: Tensor,
    kind: Response = "impulse",
) -> Tensor:
    """Where a mass on a spring is after a kick, or under a constant force, from rest.

    With γ = c/2m and ω² = k/m let S(t) be sin(βt)/β with β² = ω² - γ² where it swings, t at γ = ω,
    and sinh(κt)/κ with κ² = γ² - ω² where it creeps.

    Impulse: p(t) = e^{-γt} S(t) / m, which is C e^{A t} B.

    Step: p(t) = (1 - e^{-γt} (S'(t) + γ S(t))) / k, the integral of the impulse response.

    Args:
        mass: m > 0.
        damping: c ≥ 0.
        stiffness: k > 0.
        time: t, (...), real; before 0 nothing moves.
        kind: "impulse" for a force of one at once, "step" for a force of 1 from time 0 on.

    Returns:
        p, (...).

    Raises:
        ValueError: an argument is not what it has to be.

    Source: chapter 5.

    Example:
        >>> time = torch.tensor([0.0, 1.0, 2.0])
        >>> dsf.spring_response(1.0, 2.0, 1.0, time)  # critically damped: t e^{-t}
        tensor([0.0000, 0.3679, 0.2707])
    """
    mass, damping, stiffness = _check(mass, damping, stiffness)
    check_arrays({"time": (time, "(...)")})
    check_choice("kind", kind, get_args(Response))
    rate, square, stiffness_rate = _rates(mass, damping, stiffness)
    t = time.clamp(min=0)
    if square < 0:
        beta = math.sqrt(-square)
        fade = torch.exp(-rate * t)
        shape, slope = fade * torch.sin(beta * t) / beta, fade * torch.cos(beta * t)
    else:
        kappa = math.sqrt(square)
        # Of the poles -γ ± κ the slow one is -ω²/(γ + κ): no difference of near numbers, and
        # e^{-γt} sinh(κt) as a product that cannot overflow.
        fade = torch.exp(-stiffness_rate / (rate + kappa) * t)
        shape = fade * (-torch.expm1(-2 * kappa * t) / (2 * kappa) if kappa else t)
        slope = fade * (1 + torch.exp(-2 * kappa * t)) / 2
    if kind == "impulse":
        return shape / mass
    return (1 - (slope + rate * shape)) / stiffness


def _check(mass: float, damping: float, stiffness: float) -> tuple[float, float, float]:
    return (
        check_number("mass", mass, low=0, above=True),
        check_number("damping", damping, low=0),
        check_number("stiffness", stiffness, low=0, above=True),
    )


def _rates(mass: float, damping: float, stiffness: float) -> tuple[float, float, float]:
    """γ, γ² - ω² and ω²."""
    rate, frequency = damping / (2 * mass), math.sqrt(stiffness / mass)
    return rate, (rate - frequency) * (rate + frequency), stiffness / mass
