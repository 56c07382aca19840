"""Attention whose scores split into a part of the query and one of the key, as a system."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from dsf._checks import check_arrays, shown, state_dtype
from dsf.blocks import after
from dsf.recurrence import linear_recurrence
from dsf.state import NormalizedState, Normalizer, check_normalized
from dsf.system import LTVSystem


def separable_attention_system(
    phi: Tensor,
    psi: Tensor,
    eta: Tensor | None = None,
    before: NormalizedState | None = None,
) -> LTVSystem:
    """Attention with a score that splits, φ(q_i)ᵀψ(k_j) / η_i, as a dynamical system.

        Λ_i = (η_{i-1} / η_i) I,   B_i = ψ(k_i) / η_i,   C_i = φ(q_i)ᵀ,   D_i = 0.

    The products of Λ telescope to η_j / η_i. Without a piece before it Λ_0 never matters; it is
    set to 1, and the system cannot be started from a state.

    Args:
        phi: query features φ(q_i), (..., L, n).
        psi: key features ψ(k_j), (..., L, n).
        eta: normaliser η_i ≠ 0, (..., L); 1 if None.
        before: what the system of the piece before has returned with its outputs; then
            Λ_0 = η_{-1} / η_0. Not for η = 1.

    Returns:
        The system with state expansion n.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2.1; chapter 3.

    Example:
        >>> phi = torch.ones(3, 1)
        >>> system = dsf.separable_attention_system(phi, phi, eta=torch.tensor([1.0, 2.0, 4.0]))
        >>> system.matrix()
        tensor([[1.0000, 0.0000, 0.0000],
                [0.5000, 0.5000, 0.0000],
                [0.2500, 0.2500, 0.2500]])
    """
    arrays = {"phi": (phi, "(..., L, n)"), "psi": (psi, "(..., L, n)")}
    check_arrays(arrays if eta is None else {**arrays, "eta": (eta, "(..., L)")})
    if eta is None:
        if before is not None:
            raise ValueError(f"before is {shown(before)}, expected None where there is no η")
        transition = phi.new_ones(1, 1, 1).expand(phi.shape[-2], 1, 1)
        return LTVSystem(transition, psi.unsqueeze(-1), phi.unsqueeze(-1))
    check_normalized("before", before, eta, eta.shape[:-1], n=phi.shape[-1])
    return _normalized(phi, psi, Normalizer(eta), before)


def _normalized(
    phi: Tensor,
    psi: Tensor,
    normalizer: Normalizer,
    before: NormalizedState | None,
    decay: Tensor | None = None,
) -> LTVSystem:
    """The system with Λ_i = decay_i η_{i-1} / η_i, B_i = ψ_i / η_i, C_i = φ_i."""
    eta = normalizer.eta
    first = eta[..., 0] if before is None else before.eta.to(eta.dtype)
    ratio = after(first, eta) / eta  # η_{i-1} / η_i, (..., L)
    if decay is not None:
        ratio = ratio * decay
    normalizer = replace(normalizer, follows=before is not None)
    b = psi / eta.unsqueeze(-1)
    return LTVSystem(
        ratio[..., None, None], b.unsqueeze(-1), phi.unsqueeze(-1), normalizer=normalizer
    )


def normalized_by_row_sum(
    phi: Tensor,
    psi: Tensor,
    before: NormalizedState | None,
    decay: Tensor | None = None,
    shift: Tensor | None = None,
) -> LTVSystem:
    """The system whose η_i is the row sum φ_iᵀ Σ_{j≤i} ψ_j, which decays where ψ is shifted."""
    start = None if before is None else before.keys
    rate = psi.new_ones(1, 1) if decay is None else decay.unsqueeze(-1)
    # Σ_{j≤i} ψ_j, (..., L, n)
    if decay is None and start is None:
        keys = psi.cumsum(-2, dtype=state_dtype(psi.dtype)).to(psi.dtype)
    else:
        keys = linear_recurrence(rate, psi, start)
    eta = (phi * keys).sum(-1)  # (..., L)
    return _normalized(phi, psi, Normalizer(eta, keys, shift), before, decay)


def check_qk(q: Tensor, k: Tensor) -> None:
    """Refuse queries (..., L, m) and keys (..., L, m) that do not fit each other."""
    check_arrays({"q": (q, "(..., L, m)"), "k": (k, "(..., L, m)")})


def check_qkv(q: Tensor, k: Tensor, v: Tensor) -> None:
    """The same with values (..., L, d)."""
    arrays = {"q": (q, "(..., L, m)"), "k": (k, "(..., L, m)"), "v": (v, "(..., L, d)")}
    check_arrays(arrays)
