"""From continuous to discrete time."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_choice

Rule = Literal["zoh", "bilinear"]


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

    Example:
        >>> a_bar, b_bar = dsf.discretize(torch.tensor(-1.0), torch.tensor(1.0), torch.tensor(0.5))
        >>> a_bar, b_bar
        (tensor(0.6065), tensor(0.3935))
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
