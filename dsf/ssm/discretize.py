"""From continuous to discrete time."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_choice, check_number, check_precision, precision

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


def discretize_dense(
    a: Tensor, b: Tensor, step: Tensor | float, rule: Rule = "zoh"
) -> tuple[Tensor, Tensor]:
    """Turn ẋ = A x + B u with full matrices into x_i = Ā x_{i-1} + B̄ u_i for one step length Δ.

    Zero-order hold: Ā = e^{ΔA}, B̄ = A^{-1}(e^{ΔA} - I) B, which needs no inverse of A: both are
    blocks of e^{ΔM}, where M is A beside B above rows of zeros.

    Bilinear: Ā = (I - ΔA/2)^{-1} (I + ΔA/2), B̄ = (I - ΔA/2)^{-1} Δ B.

    With a diagonal A it is what `discretize` does with the diagonal.

    Args:
        a: A, (..., N, N), real or complex.
        b: B, (..., N, m), real or complex.
        step: Δ > 0, a number, or a tensor (...) of the leading axes.
        rule: "zoh" or "bilinear".

    Returns:
        Ā, (..., N, N), and B̄, (..., N, m).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Gu et al. (2022), S4; chapter 5.

    Example:
        >>> a, b = torch.tensor([[0.0, 1.0], [0.0, 0.0]]), torch.tensor([[0.0], [1.0]])
        >>> a_bar, b_bar = dsf.discretize_dense(a, b, step=2.0)  # a mass without a spring
        >>> a_bar
        tensor([[1., 2.],
                [0., 1.]])
        >>> b_bar.flatten()
        tensor([2., 2.])
    """
    arrays: dict[str, tuple[Any, str]] = {"a": (a, "(..., N, N)"), "b": (b, "(..., N, m)")}
    if isinstance(step, Tensor):
        arrays["step"] = (step, "(...)")
    else:
        check_number("step", step, low=0, above=True)
    check_arrays(arrays, complex_too=["a", "b"])
    check_choice("rule", rule, get_args(Rule))
    check_precision("a", a)
    if not isinstance(step, Tensor):
        step = torch.tensor(float(step), dtype=precision(a), device=a.device)
    kind = torch.promote_types(a.dtype, b.dtype)
    n, m = b.shape[-2:]
    batch = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2], step.shape)
    a, b = a.to(kind).expand(*batch, n, n), b.to(kind).expand(*batch, n, m)
    x, step = step[..., None, None] * a, step[..., None, None]
    if rule == "zoh":
        block = torch.cat([x, step * b], -1)  # (..., N, N + m)
        whole = torch.matrix_exp(torch.nn.functional.pad(block, (0, 0, 0, m)))
        return whole[..., :n, :n], whole[..., :n, n:]
    one = torch.eye(n, dtype=a.dtype, device=a.device)
    both = torch.linalg.solve(one - x / 2, torch.cat([one + x / 2, step * b], -1))
    return both[..., :n], both[..., n:]
