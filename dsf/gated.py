"""What came after the paper and has a diagonal transition: native form and DSF form side by side.

Queries and keys q, k have shape (..., L, n), values v shape (..., L, d); the input of the system is
u = v. Heads are a leading axis. The gate of minGRU comes before its sigmoid, as those of `dsf.rnn`.

A sequence may come in pieces: with `return_state=True` a native form also returns the last state
H, (..., n, d), and `state` takes it for the piece after. It is the state of the DSF form.
"""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_flag, check_number, full_precision, state_dtype
from dsf.blocks import segment_products
from dsf.rnn._shared import cells, check_gates
from dsf.ssm import evaluate
from dsf.system import LTVSystem

__all__ = ["min_gru", "min_gru_system", "retention", "retention_system"]


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


@overload
def min_gru(
    u: Tensor,
    update_gate: Tensor,
    state: Tensor | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def min_gru(
    u: Tensor,
    update_gate: Tensor,
    state: Tensor | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def min_gru(
    u: Tensor,
    update_gate: Tensor,
    state: Tensor | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The minimal GRU: h_i = (1 - z_i) ⊙ h_{i-1} + z_i ⊙ u_i with z_i = σ(g_i), y_i = h_i.

    A GRU whose gate and candidates do not read the state, without reset gate and tanh. One gate
    says what is kept and what is written: the state is a mean of the candidates so far and of
    H_{-1}, with weights from 0 to 1 that sum to 1.

    Args:
        u: candidates (h with a tilde in the paper), (..., L, d).
        update_gate: g, (..., L, d), before the sigmoid.
        state: H_{-1}, (..., 1, d); zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Feng et al. (2024), arXiv 2410.01201, section 3.1; chapter 13.

    Example:
        >>> gate = torch.zeros(3, 1)  # σ(0) = 1/2
        >>> dsf.min_gru(torch.ones(3, 1), gate).flatten()
        tensor([0.5000, 0.7500, 0.8750])
    """
    check_gates(update_gate=update_gate, u=u)
    check_flag("return_state", return_state)
    dtype = u.dtype
    gate, x = (x.to(state_dtype(dtype)) for x in (update_gate, u))
    h = cells(torch.sigmoid(-gate), torch.sigmoid(gate) * x, state)
    return (h.to(dtype), h[..., -1:, :]) if return_state else h.to(dtype)


def min_gru_system(update_gate: Tensor) -> LTVSystem:
    """The minimal GRU as a dynamical system: Λ_i = 1 - z_i, B_i = z_i, C_i = 1, n = 1.

    Args:
        update_gate: g with z_i = σ(g_i), (..., L, d), before the sigmoid.

    Returns:
        The system with one state per channel; its input are the candidates.

    Raises:
        ValueError: the gate is not what it has to be.

    Source: Feng et al. (2024), arXiv 2410.01201, section 3.1; chapter 13.

    Example:
        >>> dsf.min_gru_system(torch.zeros(3, 1)).matrix()  # σ(0) = 1/2
        tensor([[0.5000, 0.0000, 0.0000],
                [0.2500, 0.5000, 0.0000],
                [0.1250, 0.2500, 0.5000]])
    """
    check_gates(update_gate=update_gate)
    # 1 - σ(g) = σ(-g) without cancellation where the gate is open.
    transition, b = torch.sigmoid(-update_gate), torch.sigmoid(update_gate)
    c = b.new_ones(1, 1, 1).expand(b.shape[-2], 1, 1)
    return LTVSystem(transition.unsqueeze(-2), b.unsqueeze(-2), c)
