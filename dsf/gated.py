"""What came after the paper and has a diagonal transition: native form and DSF form side by side.

Queries and keys q, k have shape (..., L, n), values v shape (..., L, d); the input of the system is
u = v. Heads are a leading axis.

A sequence may come in pieces: with `return_state=True` a native form also returns the last state
H, (..., n, d), and `state` takes it for the piece after. It is the state of the DSF form.
"""

from __future__ import annotations

from typing import Literal, overload

from torch import Tensor

from dsf._checks import check_arrays, check_flag, check_number, full_precision, state_dtype
from dsf.blocks import segment_products
from dsf.ssm import evaluate
from dsf.system import LTVSystem

__all__ = ["retention", "retention_system"]


@overload
def retention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    decay: Tensor | float,
    state: Tensor | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def retention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    decay: Tensor | float,
    state: Tensor | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def retention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    decay: Tensor | float,
    state: Tensor | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Retention, the layer of RetNet, by its parallel form y = (q kᵀ ∘ D) v, D_ij = γ^{i-j}, j ≤ i.

    The rotation of queries and keys stands outside. For long sequences use
    `retention_system(...).run(v)`, which is linear in L; so is this where a state comes in or goes
    out, because then it is what runs.

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        v: values, (..., L, d).
        decay: γ, a number from 0 to 1, or a tensor with one for each head, (...).
        state: H_{-1}, (..., n, d); zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Sun et al. (2023), eq. (5); chapter 13.

    Example:
        >>> q = torch.ones(3, 1)
        >>> dsf.retention(q, q, torch.ones(3, 1), decay=0.5).flatten()
        tensor([1.0000, 1.5000, 1.7500])
    """
    system = retention_system(q, k, decay)
    check_arrays({"q": (q, "(..., L, n)"), "k": (k, "(..., L, n)"), "v": (v, "(..., L, d)")})
    check_arrays({"transition": (system.transition, "(..., L, 1, 1)"), "v": (v, "(..., L, d)")})
    check_flag("return_state", return_state)
    if state is not None or return_state:
        return evaluate(system, v, state, return_state)
    dtype = v.dtype
    q, k, v, gamma = (x.to(state_dtype(dtype)) for x in (q, k, v, system.transition.flatten(-3)))
    with full_precision(v):
        return ((q @ k.mT * segment_products(gamma)) @ v).to(dtype)


def retention_system(q: Tensor, k: Tensor, decay: Tensor | float) -> LTVSystem:
    """Retention as a dynamical system: Λ_i = γ I, B_i = k_i, C_i = q_iᵀ.

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        decay: γ, a number from 0 to 1, or a tensor with one for each head, (...).

    Returns:
        The system with state expansion n and a constant scalar transition; its input is v.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Sun et al. (2023), eq. (6); chapter 13.

    Example:
        >>> q = torch.ones(3, 1)
        >>> dsf.retention_system(q, q, decay=0.5).matrix()
        tensor([[1.0000, 0.0000, 0.0000],
                [0.5000, 1.0000, 0.0000],
                [0.2500, 0.5000, 1.0000]])
    """
    arrays = {"q": (q, "(..., L, n)"), "k": (k, "(..., L, n)")}
    if isinstance(decay, Tensor):
        check_arrays({**arrays, "decay": (decay, "(...)")})
    else:
        check_arrays(arrays)
        decay = q.new_tensor(check_number("decay", decay, 0, 1))
    gamma = decay[..., None, None, None].expand(*decay.shape, q.shape[-2], 1, 1)
    return LTVSystem(gamma, k.unsqueeze(-1), q.unsqueeze(-1))
