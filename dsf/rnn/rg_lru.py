"""RG-LRU, the recurrence of Griffin: native form and DSF form side by side."""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf._checks import check_arrays, check_flag, state_dtype
from dsf.rnn._shared import cells, check_gates
from dsf.system import LTVSystem

# The exponent of RG-LRU: a_i = a^{8 r_i}.
_RG_LRU_EXPONENT = 8.0
# The largest slope of its root.
_STEEPEST = 1000.0


@overload
def rg_lru(
    u: Tensor,
    recurrence_gate: Tensor,
    input_gate: Tensor,
    decay: Tensor,
    state: Tensor | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def rg_lru(
    u: Tensor,
    recurrence_gate: Tensor,
    input_gate: Tensor,
    decay: Tensor,
    state: Tensor | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def rg_lru(
    u: Tensor,
    recurrence_gate: Tensor,
    input_gate: Tensor,
    decay: Tensor,
    state: Tensor | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """RG-LRU of Griffin: h_i = a_i ⊙ h_{i-1} + √(1 - a_i²) ⊙ σ(g_i) ⊙ u_i, y_i = h_i.

    a_i = a^{8 σ(r_i)} with a = σ(decay).

    Args:
        u: inputs, (..., L, d).
        recurrence_gate: r, (..., L, d), before the sigmoid.
        input_gate: g, (..., L, d), before the sigmoid.
        decay: (d,), before the sigmoid.
        state: H_{-1}, (..., 1, d); zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: De et al. (2024); chapter 8.

    Example:
        >>> gate = torch.zeros(3, 1)  # σ(0) = 1/2
        >>> dsf.rg_lru(torch.ones(3, 1), gate, gate, decay=torch.zeros(1)).flatten()
        tensor([0.4990, 0.5302, 0.5322])
    """
    check_gates(recurrence_gate=recurrence_gate, input_gate=input_gate, u=u)
    check_arrays({"u": (u, "(..., L, d)"), "decay": (decay, "(d,)")})
    check_flag("return_state", return_state)
    dtype = u.dtype
    gates = (x.to(state_dtype(x.dtype)) for x in (recurrence_gate, input_gate, decay))
    transition, scale = _rg_lru_gates(*gates)
    h = cells(transition, scale * u, state)
    return (h.to(dtype), h[..., -1:, :]) if return_state else h.to(dtype)


def rg_lru_system(recurrence_gate: Tensor, input_gate: Tensor, decay: Tensor) -> LTVSystem:
    """RG-LRU as a dynamical system: Λ_i = a_i, B_i = √(1 - a_i²) ⊙ σ(g_i), C_i = 1, n = 1.

    Args:
        recurrence_gate: r, (..., L, d), before the sigmoid.
        input_gate: g, (..., L, d), before the sigmoid.
        decay: (d,), before the sigmoid.

    Returns:
        The system with one state per channel.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: De et al. (2024); arXiv 2405.15731, section 3.2; chapter 8.

    Example:
        >>> gate = torch.zeros(3, 1)  # σ(0) = 1/2
        >>> dsf.rg_lru_system(gate, gate, decay=torch.zeros(1)).transition.flatten()  # 2⁻⁴
        tensor([0.0625, 0.0625, 0.0625])
    """
    transition, scale = _rg_lru_gates(recurrence_gate, input_gate, decay)
    c = transition.new_ones(1, 1, 1).expand(transition.shape[-2], 1, 1)
    return LTVSystem(transition.unsqueeze(-2), scale.unsqueeze(-2), c)


def _rg_lru_gates(
    recurrence_gate: Tensor, input_gate: Tensor, decay: Tensor
) -> tuple[Tensor, Tensor]:
    gates = {"recurrence_gate": recurrence_gate, "input_gate": input_gate}
    arrays = {name: (gate, "(..., L, d)") for name, gate in gates.items()}
    check_arrays({**arrays, "decay": (decay, "(d,)")})
    log_a = _RG_LRU_EXPONENT * torch.sigmoid(recurrence_gate) * F.logsigmoid(decay)
    # expm1 keeps 1 - a² exact where a is near 1.
    return torch.exp(log_a), _bounded_root(-torch.expm1(2 * log_a)) * torch.sigmoid(input_gate)


def _bounded_root(x: Tensor) -> Tensor:
    """√x whose slope 1/(2√x) is cut off at `_STEEPEST`, as in Griffin.

    In float32 1 - a² is exactly 0 where a rounds to 1, and the slope of the root would be infinite.
    """
    least = (0.5 / _STEEPEST) ** 2
    # The same value below, on a tangent of constant slope.
    flat = torch.sqrt(x.detach()) + _STEEPEST * (x - x.detach())
    return torch.where(x > least, torch.sqrt(torch.where(x > least, x, 1.0)), flat)
