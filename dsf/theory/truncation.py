"""How far Taylor features are from softmax."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_integer, check_number, check_values
from dsf.attention import softmax_attention, softmax_attention_system
from dsf.feature_maps import taylor_size

_LOG_MAX = math.log(torch.finfo(torch.float64).max)


class TruncationError(NamedTuple):
    """What order-p Taylor features cost, measured and bounded; see `truncation_error`.

    Attributes:
        order: p.
        n: state expansion C(m + p, p).
        radius: R, the largest logit |scale · qᵀk|.
        kernel_error: max |T_p(x) - e^x| / e^x over all logits x.
        kernel_bound: `taylor_kernel_bound` of R and p.
        output_error: max_i ‖ŷ_i - y_i‖.
        output_bound: `attention_output_bound` of the kernel bound and the largest value.
    """

    order: int
    n: int
    radius: float
    kernel_error: float
    kernel_bound: float
    output_error: float
    output_bound: float


def taylor_kernel_bound(radius: float, order: int) -> float:
    """R^{p+1} e^R / (p+1)!, a bound of the relative error of the Taylor polynomial of exp.

    |T_p(x) - e^x| ≤ ε e^x for all |x| ≤ R, from Lagrange's form of the remainder. It tends to 0
    as p → ∞ for every R, but not before p exceeds R.

    Args:
        radius: R ≥ 0, bound of the logits.
        order: degree p ≥ 0.

    Returns:
        ε, infinite where it exceeds the range of a float.

    Raises:
        ValueError: radius or order is negative or not finite.

    Source: chapter 2.

    Example:
        >>> [f"{dsf.theory.taylor_kernel_bound(1.0, order):.0e}" for order in (1, 4, 8)]
        ['1e+00', '2e-02', '7e-06']
    """
    radius = check_number("radius", radius, 0)
    order = check_integer("order", order, low=0)
    if radius == 0:
        return 0.0
    exponent = (order + 1) * math.log(radius) + radius - math.lgamma(order + 2)
    return math.exp(exponent) if exponent < _LOG_MAX else math.inf


def attention_output_bound(epsilon: float, v_max: float) -> float:
    """2ε / (1 - ε) · max‖v_j‖, how far attention moves if its scores have relative error ε.

    If each score e_ij > 0 becomes e_ij (1 + δ_ij) with |δ_ij| ≤ ε, a weight w_ij = e_ij / Σ_l e_il
    becomes w_ij (1 + δ_ij) / (1 + Σ_l w_il δ_il), at most w_ij 2ε / (1 - ε) away from it.

    Args:
        epsilon: ε ≥ 0, infinite too, as `taylor_kernel_bound` may be.
        v_max: the largest norm of a value.

    Returns:
        The bound, infinite for ε ≥ 1, where the sum of the scores may vanish.

    Raises:
        ValueError: epsilon or v_max is negative, or v_max is not finite.

    Source: chapter 2.

    Example:
        >>> round(dsf.theory.attention_output_bound(0.01, 1.0), 4)
        0.0202
    """
    epsilon = check_number("epsilon", epsilon, 0, infinite=True)
    v_max = check_number("v_max", v_max, 0)
    return 2 * epsilon / (1 - epsilon) * v_max if epsilon < 1 else math.inf


def truncation_error(
    q: Tensor, k: Tensor, v: Tensor, order: int, scale: float | None = None
) -> TruncationError:
    """Compare attention with Taylor features of one order with exact softmax attention.

    The bounds hold in exact arithmetic; in float64 the measured errors stop falling at about
    1e-16 · e^{2R}, the cancellation between the terms of a Taylor series at negative logits.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        v: values, (..., L, d).
        order: degree p of the polynomial.
        scale: of the logits, scale · qᵀk; 1/√m if None.

    Returns:
        Measured errors and their bounds, over all logits with j ≤ i and all outputs.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2.1; chapter 2.

    Example:
        >>> q, k, v = torch.randn(3, 8, 2, generator=torch.Generator().manual_seed(0)).double()
        >>> error = dsf.theory.truncation_error(q, k, v, order=4)
        >>> error.n, error.kernel_error <= dsf.theory.taylor_kernel_bound(error.radius, 4)
        (15, True)
    """
    arrays = {"q": (q, "(..., L, m)"), "k": (k, "(..., L, m)"), "v": (v, "(..., L, d)")}
    m = check_arrays(arrays)["m"]
    check_values(q=q)
    order = check_integer("order", order, low=0)
    scale = m**-0.5 if scale is None else check_number("scale", scale, 0, above=True)
    exact = softmax_attention(q, k, v, scale)
    truncated = softmax_attention_system(q, k, order, scale).run(v)
    logits = (q @ k.mT) * scale  # (..., L, L)
    # The causal ones only, j ≤ i: (..., L (L + 1) / 2).
    logits = logits[..., torch.ones(logits.shape[-2:], dtype=torch.bool, device=q.device).tril()]
    term, kernel = torch.ones_like(logits), torch.ones_like(logits)
    for r in range(1, order + 1):
        term = term * logits / r
        kernel = kernel + term
    radius = float(logits.abs().max())
    kernel_bound = taylor_kernel_bound(radius, order)
    v_max = float(torch.linalg.vector_norm(v, dim=-1).max())
    return TruncationError(
        order=order,
        n=taylor_size(m, order),
        radius=radius,
        kernel_error=float((kernel * torch.exp(-logits) - 1).abs().max()),
        kernel_bound=kernel_bound,
        output_error=float(torch.linalg.vector_norm(truncated - exact, dim=-1).max()),
        output_bound=attention_output_bound(kernel_bound, v_max),
    )
