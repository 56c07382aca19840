"""The theorems, executable: how much state a mixer needs, how far Taylor features are from softmax,
when attention is a state space model, and what a change of state coordinates leaves unchanged.

Everything here is meant for float64.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, overload

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_integer, check_number, check_values, precision, shown
from dsf.attention import softmax_attention, softmax_attention_system
from dsf.dense import DenseSystem
from dsf.feature_maps import taylor_size
from dsf.system import LTVSystem

# --- how much state a mixer needs -----------------------------------------------------------------


def hankel_block(phi: Tensor, t: int) -> Tensor:
    """Φ[t:, :t], the part of Φ by which the inputs before time t reach the outputs from t on.

    Args:
        phi: Φ, (..., L, L).
        t: the time of the cut, 1 ≤ t < L.

    Returns:
        The block, (..., L - t, t).

    Source: chapter 3.
    """
    length = check_arrays({"phi": (phi, "(..., L, L)")}, ("phi",))["L"]
    t = check_integer("t", t, high=length - 1)
    return phi[..., t:, :t]


def hankel_ranks(phi: Tensor, tol: float | None = None) -> Tensor:
    """The rank of the Hankel block Φ[t:, :t] for every t = 1, ..., L - 1.

    All that the outputs from t on learn of the inputs before t has to pass through h_{t-1}. So a
    realisation with N states factors the block as (L - t, N) times (N, t), and the rank of the
    block is a lower bound of N. That holds for every realisation, diagonal or not.

    A rank in floating point is a number of singular values above a threshold. Here the threshold is
    relative to the largest singular value of the whole Φ, not of the block. Φ is known up to
    rounding of the size of its largest entries, so a block whose entries are all rounding must
    count as zero, which a threshold relative to the block itself would miss. In exchange the result
    is a safe lower bound: each matrix that differs from Φ by less than tol · ‖Φ‖₂ has Hankel ranks
    at least as large.

    Args:
        phi: Φ, (..., L, L).
        tol: threshold as a fraction of ‖Φ‖₂; L times the rounding unit of the dtype if None.

    Returns:
        The ranks, (..., L - 1), integer; entry t - 1 belongs to the cut at t.

    Source: time-varying realisation theory; chapter 1.
    """
    length = _check_phi(phi)
    if tol is None:
        tol = length * torch.finfo(phi.dtype).eps
    tol = check_number("tol", tol, 0, 1, below=True)
    phi = phi.detach()
    threshold = tol * torch.linalg.matrix_norm(phi, ord=2)[..., None]
    ranks = [
        (torch.linalg.svdvals(hankel_block(phi, t)) > threshold).sum(-1) for t in range(1, length)
    ]
    if not ranks:
        return torch.zeros((*phi.shape[:-2], 0), dtype=torch.long, device=phi.device)
    return torch.stack(ranks, dim=-1)


def minimal_state_size(phi: Tensor, d: int | None = None, tol: float | None = None) -> int:
    """A lower bound of the state size N of every dynamical system with the mixing matrix Φ.

    It is the largest number of states that has to be carried over one cut: the Hankel rank summed
    over the channels, then the maximum over time. A system that reads its state after the update,
    as the DSF does, may need more: the pure delay y_i = u_{i-1} carries one state, but h_i must
    hold u_i and u_{i-1}.

    Args:
        phi: Φ of each channel, (d, L, L), or one Φ for all channels, (L, L).
        d: number of channels that share one Φ; 1 if None. Not for a Φ of each channel.
        tol: see `hankel_ranks`.

    Returns:
        The bound; 0 for L = 1.

    Source: time-varying realisation theory; chapter 1.
    """
    _check_phi(phi)
    if d is not None:
        d = check_integer("d", d)
    if phi.ndim > 3 or (phi.ndim == 3 and d is not None and d != phi.shape[0]):
        raise ValueError(
            f"phi has shape {tuple(phi.shape)} and d is {d}, expected (L, L), or (d, L, L) and the "
            "same d or None"
        )
    ranks = hankel_ranks(phi, tol)
    ranks = ranks.sum(0) if phi.ndim == 3 else ranks * (d or 1)
    return max(ranks.tolist(), default=0)


# --- how far Taylor features are from softmax -----------------------------------------------------


class TruncationError(NamedTuple):
    """What order-p Taylor features cost, measured and bounded; see `truncation_error`."""

    order: int
    n: int  # state expansion C(m + p, p)
    radius: float  # R, the largest |score|
    kernel_error: float  # max |T_p(x) - e^x| / e^x over all scores x
    kernel_bound: float
    output_error: float  # max_i ‖ŷ_i - y_i‖
    output_bound: float


def taylor_kernel_bound(radius: float, order: int) -> float:
    """R^{p+1} e^R / (p+1)!, a bound of the relative error of the Taylor polynomial of exp.

    |T_p(x) - e^x| ≤ ε e^x for all |x| ≤ R, from Lagrange's form of the remainder. It tends to 0
    as p → ∞ for every R, but not before p exceeds R.

    Args:
        radius: R ≥ 0, bound of the scores.
        order: degree p ≥ 0.

    Returns:
        ε, infinite where it exceeds the range of a float.

    Source: chapter 3.
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

    Source: chapter 3.
    """
    epsilon = check_number("epsilon", epsilon, 0, infinite=True)
    v_max = check_number("v_max", v_max, 0)
    return 2 * epsilon / (1 - epsilon) * v_max if epsilon < 1 else math.inf


def truncation_error(
    q: Tensor, k: Tensor, v: Tensor, order: int, scale: float | None = None
) -> TruncationError:
    """Compare attention with Taylor features of one order with exact softmax attention.

    The bounds hold in exact arithmetic; in float64 the measured errors stop falling at about
    1e-16 · e^{2R}, the cancellation between the terms of a Taylor series at negative scores.

    Args:
        q: queries, (..., L, m).
        k: keys, (..., L, m).
        v: values, (..., L, d).
        order: degree p of the polynomial.
        scale: factor on the scores; 1/√m if None.

    Returns:
        Measured errors and their bounds, over all scores with j ≤ i and all outputs.

    Source: arXiv 2405.15731, section 3.2.1; chapter 3.
    """
    arrays = {"q": (q, "(..., L, m)"), "k": (k, "(..., L, m)"), "v": (v, "(..., L, d)")}
    m = check_arrays(arrays)["m"]
    check_values(q=q)
    order = check_integer("order", order, low=0)
    scale = m**-0.5 if scale is None else check_number("scale", scale, 0, above=True)
    exact = softmax_attention(q, k, v, scale)
    truncated = softmax_attention_system(q, k, order, scale).run(v)
    scores = (q @ k.mT) * scale
    # The causal ones only, j ≤ i.
    scores = scores[..., torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()]
    term, kernel = torch.ones_like(scores), torch.ones_like(scores)
    for r in range(1, order + 1):
        term = term * scores / r
        kernel = kernel + term
    radius = float(scores.abs().max())
    kernel_bound = taylor_kernel_bound(radius, order)
    v_max = float(torch.linalg.vector_norm(v, dim=-1).max())
    return TruncationError(
        order=order,
        n=taylor_size(m, order),
        radius=radius,
        kernel_error=float((kernel * torch.exp(-scores) - 1).abs().max()),
        kernel_bound=kernel_bound,
        output_error=float(torch.linalg.vector_norm(truncated - exact, dim=-1).max()),
        output_bound=attention_output_bound(kernel_bound, v_max),
    )


# --- when attention is a state space model --------------------------------------------------------


def is_nondecreasing(eta: Tensor) -> bool:
    """Whether η_{i-1} ≤ η_i for all i, the condition for Λ_i = η_{i-1}/η_i to be a decay.

    Args:
        eta: normaliser, (..., L).

    Returns:
        True if it holds in every sequence of the batch.

    Source: chapter 7.
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
    """
    arrays = {"step": (step, "(..., L)"), "b": (b, "(..., L, n)"), "c": (c, "(..., L, n)")}
    if isinstance(a, Tensor):
        arrays["a"] = (a, "(..., L|1)" if a.ndim else "()")
    check_arrays(arrays)
    check_values(step=step)
    _check_negative(a)
    _refuse_where("step", step, ~(step >= 0), "a step >= 0")
    exponent = (-a * step).cumsum(-1)
    eta = torch.exp(exponent)
    psi = (eta * step).unsqueeze(-1) * b
    if not (torch.isfinite(eta).all() and torch.isfinite(psi).all()):
        raise ValueError(
            f"step and a let the normaliser grow to e^{float(exponent.max()):.0f}, beyond the "
            f"range of {eta.dtype}; expected a shorter sequence or a weaker decay"
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
    """
    arrays = {
        "query_features": (query_features, "(..., L, n)"),
        "key_features": (key_features, "(..., L, n)"),
        "eta": (eta, "(..., L)"),
    }
    check_arrays(arrays)
    check_values(eta=eta)
    a = check_number("a", a, high=0, below=True)
    _refuse_where("eta", eta, ~(eta > 0) | torch.isinf(eta), "a positive finite normaliser")

    increase = torch.diff(eta)  # entry i - 1 belongs to time i
    decreasing = torch.nn.functional.pad(increase < 0, (1, 0))
    _refuse_where("eta", eta, decreasing, "a normaliser that never decreases")
    # The logarithm of the ratio from the increase keeps its digits where the ratio is near 1.
    step = torch.log1p(increase / eta[..., :-1]) / -a
    step = torch.cat([torch.ones_like(eta[..., :1]), step], dim=-1)
    writes = (key_features != 0).any(-1)
    _refuse_where("eta", eta, (step == 0) & writes, "an increase wherever ψ_i is not 0")
    divisor = torch.where(step == 0, 1, step) * eta
    return step, key_features / divisor.unsqueeze(-1), query_features


# --- what a change of coordinates leaves unchanged ------------------------------------------------


@overload
def change_realization(system: LTVSystem, t: Tensor) -> LTVSystem: ...
@overload
def change_realization(system: DenseSystem, t: Tensor) -> DenseSystem: ...
def change_realization(system: LTVSystem | DenseSystem, t: Tensor) -> LTVSystem | DenseSystem:
    """The same map in other state coordinates, h'_i = T_i h_i, with T_{-1} = I:

        Λ'_i = T_i Λ_i T_{i-1}^{-1},   B'_i = T_i B_i,   C'_i = C_i T_i^{-1},   D'_i = D_i.

    Φ does not change, but the eigenvalues of Λ_i do: they belong to a realisation, not to the map.

    Args:
        system: a diagonal system, or a dense one as `LTVSystem.dense` returns it.
        t: T_i. For a diagonal system the diagonals, (..., L, n|1, d|1), without zeros; for a dense
            one the matrices, (..., L, N, N), invertible.

    Returns:
        The system in the new coordinates, of the same kind.

    Raises:
        ValueError: t has another shape, a zero, a singular matrix or a precision in which PyTorch
            inverts none; or system is no system.

    Source: chapter 1.
    """
    if isinstance(system, DenseSystem):
        return _change_dense(system, t)
    if not isinstance(system, LTVSystem):
        raise ValueError(f"system is {shown(system)}, expected an LTVSystem or a DenseSystem")
    transition, b, c = system.transition, system.input, system.output
    arrays = {
        "transition": (transition, "(..., L, n|1, d|1)"),
        "input": (b, "(..., L, n, d|1)"),
        "output": (c, "(..., L, n, d|1)"),
        "t": (t, "(..., L, n|1, d|1)"),
    }
    check_arrays(arrays, arrays)
    check_values(t=t)
    _refuse_where("t", t, (t == 0).flatten(-2).any(-1), "no zeros on the diagonal")
    previous = torch.cat([torch.ones_like(t[..., :1, :, :]), t[..., :-1, :, :]], dim=-3)
    d, normalizer = system.feedthrough, system.normalizer
    return LTVSystem(transition * (t / previous), b * t, c / t, d, normalizer)


def _change_dense(system: DenseSystem, t: Tensor) -> DenseSystem:
    arrays: dict[str, tuple[Tensor, str]] = {
        "transition": (system.transition, "(..., L, N, N)"),
        "input": (system.input, "(..., L, N, m)"),
        "output": (system.output, "(..., L, p, N)"),
        "t": (t, "(..., L, N, N)"),
    }
    check_arrays(arrays, arrays)
    check_values(t=t)
    _check_precision("t", t)
    singular = ~(torch.linalg.cond(t) * torch.finfo(t.dtype).eps < 1)
    _refuse_where("t", t, singular, "a matrix with an inverse in this precision")
    # Products of matrices want one dtype, also where only some are complex.
    dtype = t.dtype
    for x, _ in arrays.values():
        dtype = torch.promote_types(dtype, x.dtype)
    transition, b, c, t = (x.to(dtype) for x, _ in arrays.values())
    inverse = torch.linalg.inv(t)
    identity = torch.eye(t.shape[-1], dtype=dtype, device=t.device).expand_as(t[..., :1, :, :])
    previous = torch.cat([identity, inverse[..., :-1, :, :]], dim=-3)
    return DenseSystem(t @ transition @ previous, t @ b, c @ inverse, system.feedthrough)


# --- checks ---------------------------------------------------------------------------------------

_LOG_MAX = math.log(torch.finfo(torch.float64).max)


def _check_phi(phi: Any) -> int:
    """Refuse phi unless it is square matrices of finite numbers; return L."""
    length = check_arrays({"phi": (phi, "(..., L, L)")}, ("phi",))["L"]
    check_values(phi=phi)
    _check_precision("phi", phi)
    if not torch.isfinite(phi).all():
        raise ValueError("phi has entries that are NaN or infinite, expected finite numbers")
    return length


def _check_precision(name: str, x: Tensor) -> None:
    """Refuse half precision, in which PyTorch decomposes and inverts no matrix."""
    if precision(x).itemsize < 4:
        raise ValueError(f"{name} has dtype {x.dtype}, expected single or double precision")


def _check_negative(a: Tensor | float) -> None:
    if not isinstance(a, Tensor):
        check_number("a", a, high=0, below=True)
    elif not (a < 0).all():
        raise ValueError(f"a has a largest entry {a.max():.6g}, expected negative decay rates")


def _refuse_where(name: str, x: Tensor, bad: Tensor, expected: str) -> None:
    """Raise with the first time at which x is bad; bad is (..., L)."""
    if not bad.any():
        return
    first = int(bad.reshape(-1, bad.shape[-1]).any(0).nonzero()[0])
    found = f"fails at index {first}"
    if x.shape == bad.shape:
        found = f"is {x[..., first][bad[..., first]][0].item():.6g} at index {first}"
    raise ValueError(f"{name} {found}, expected {expected}")
