"""When attention is a state space model."""

from __future__ import annotations

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_number, check_values, refuse_where


def is_nondecreasing(eta: Tensor) -> bool:
    """Whether η_{i-1} ≤ η_i for all i, the condition for Λ_i = η_{i-1}/η_i to be a decay.

    Args:
        eta: normaliser, (..., L).

    Returns:
        True if it holds in every sequence of the batch.

    Raises:
        ValueError: eta is not a floating tensor with a time axis.

    Source: chapter 7.

    Example:
        >>> dsf.theory.is_nondecreasing(torch.tensor([1.0, 2.0, 2.0]))
        True
    """
    check_arrays({"eta": (eta, "(..., L)")})
    check_values(eta=eta)
    return bool((eta[..., 1:] >= eta[..., :-1]).all())


def ssd_to_attention(
    step: Tensor, a: Tensor | float, b: Tensor, c: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """An SSD head as separable attention, Φ_ij = φ_iᵀψ_j / η_i.

        η_i = e^{-a (Δ_0 + ... + Δ_i)},   φ_i = c_i,   ψ_i = η_i Δ_i b_i,

    so that the decay e^{a (Δ_{j+1} + ... + Δ_i)} is η_j / η_i: SSD is attention whose normaliser
    is recursive, η_i = e^{-aΔ_i} η_{i-1}, and therefore never decreases.

    Args:
        step: Δ ≥ 0, (..., L).
        a: decay rate, a negative number, or a tensor that broadcasts with step (one per head).
        b: input weights, (..., L, n).
        c: output weights, (..., L, n).

    Returns:
        φ (..., L, n), ψ (..., L, n) and η (..., L), for `separable_attention_system`.

    Raises:
        ValueError: shapes do not agree, a step is negative, a is not negative, or the decay is
            too strong: η grows exponentially and leaves the range of the dtype.

    Source: arXiv 2405.15731, section 4; chapter 7.

    Example:
        >>> step, b, c = torch.ones(3), torch.ones(3, 1), torch.ones(3, 1)
        >>> phi, psi, eta = dsf.theory.ssd_to_attention(step, -0.5, b, c)
        >>> as_attention = dsf.separable_attention_system(phi, psi, eta).matrix()
        >>> torch.allclose(as_attention, dsf.ssd_matrix(step, -0.5, b, c))
        True
    """
    arrays = {"step": (step, "(..., L)"), "b": (b, "(..., L, n)"), "c": (c, "(..., L, n)")}
    if isinstance(a, Tensor):
        arrays["a"] = (a, "(..., L|1)" if a.ndim else "()")
    check_arrays(arrays)
    check_values(step=step)
    _check_negative(a)
    refuse_where("step", step, ~(step >= 0), "a step >= 0")
    exponent = (-a * step).cumsum(-1)
    eta = torch.exp(exponent)
    psi = (eta * step).unsqueeze(-1) * b
    if not (torch.isfinite(eta).all() and torch.isfinite(psi).all()):
        raise ValueError(
            f"step has a total decay of e^-{float(exponent.max()):.0f}, expected one whose inverse "
            f"is in the range of {eta.dtype}: a shorter sequence or a weaker decay"
        )
    return c, psi, eta


def attention_to_ssd(
    query_features: Tensor, key_features: Tensor, eta: Tensor, a: float = -1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Separable attention Φ_ij = φ_iᵀψ_j / η_i as an SSD head, where that is possible.

        Δ_i = log(η_i / η_{i-1}) / (-a),   b_i = ψ_i / (η_i Δ_i),   c_i = φ_i.

    A step Δ_i ≥ 0 exists if η_i ≥ η_{i-1}. Where η stays equal the step is 0 and SSD cannot write,
    B_i = Δ_i b_i = 0, so that ψ_i must be 0 there. The first step is free, because nothing has been
    stored before it; it is set to 1.

    Args:
        query_features: φ, (..., L, n).
        key_features: ψ, (..., L, n).
        eta: normaliser η, (..., L), positive.
        a: decay rate of the SSD head, negative.

    Returns:
        Δ (..., L), b (..., L, n) and c (..., L, n), for `ssd` with this a.

    Raises:
        ValueError: shapes do not agree, η is not positive, a is not negative, or η decreases, or
            stays equal with ψ_i ≠ 0; the message names the first such index.

    Source: arXiv 2405.15731, section 4; chapter 7.

    Example:
        >>> phi, psi = torch.ones(3, 1), torch.ones(3, 1)
        >>> eta = torch.tensor([1.0, 2.0, 4.0])
        >>> step, b, c = dsf.theory.attention_to_ssd(phi, psi, eta)
        >>> step[1:]  # log(η_i / η_{i-1})
        tensor([0.6931, 0.6931])
    """
    arrays = {
        "query_features": (query_features, "(..., L, n)"),
        "key_features": (key_features, "(..., L, n)"),
        "eta": (eta, "(..., L)"),
    }
    check_arrays(arrays)
    check_values(eta=eta)
    a = check_number("a", a, high=0, below=True)
    refuse_where("eta", eta, ~(eta > 0) | torch.isinf(eta), "a positive finite normaliser")

    increase = torch.diff(eta)  # entry i - 1 belongs to time i
    decreasing = torch.nn.functional.pad(increase < 0, (1, 0))
    refuse_where("eta", eta, decreasing, "a normaliser that never decreases")
    # The logarithm of the ratio from the increase keeps its digits where the ratio is near 1.
    step = torch.log1p(increase / eta[..., :-1]) / -a
    step = torch.cat([torch.ones_like(eta[..., :1]), step], dim=-1)
    writes = (key_features != 0).any(-1)
    refuse_where("eta", eta, (step == 0) & writes, "an increase wherever ψ_i is not 0")
    divisor = torch.where(step == 0, 1, step) * eta
    return step, key_features / divisor.unsqueeze(-1), query_features


def _check_negative(a: Tensor | float) -> None:
    if not isinstance(a, Tensor):
        check_number("a", a, high=0, below=True)
    elif not (a < 0).all():
        raise ValueError(f"a is {a.max():.6g} at its largest, expected a number < 0")
