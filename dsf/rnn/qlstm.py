"""qLSTM, the quasi-LSTM: native form and DSF form side by side."""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf._checks import check_arrays, check_flag, check_number, state_dtype
from dsf.rnn._shared import cells, check_gates
from dsf.system import LTVSystem


@overload
def qlstm(
    u: Tensor,
    forget_gate: Tensor,
    input_gate: Tensor,
    output_gate: Tensor,
    reversed_sigmoid: bool = ...,
    exponent: Tensor | float = ...,
    state: Tensor | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def qlstm(
    u: Tensor,
    forget_gate: Tensor,
    input_gate: Tensor,
    output_gate: Tensor,
    reversed_sigmoid: bool = ...,
    exponent: Tensor | float = ...,
    state: Tensor | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def qlstm(
    u: Tensor,
    forget_gate: Tensor,
    input_gate: Tensor,
    output_gate: Tensor,
    reversed_sigmoid: bool = False,
    exponent: Tensor | float = 1.0,
    state: Tensor | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Quasi-LSTM: c_i = σ(f_i)^α ⊙ c_{i-1} + σ(g_i) ⊙ u_i, y_i = σ(o_i) ⊙ c_i.

    An LSTM whose gates do not read the state and whose tanh are dropped. The reversed form
    replaces σ(f_i)^α by σ(-f_i)^α, the transition of SSD; at α = 1 that is only a change of sign
    of f.

    Args:
        u: cell inputs, (..., L, d).
        forget_gate: f, (..., L, d), before the sigmoid.
        input_gate: g, (..., L, d), before the sigmoid.
        output_gate: o, (..., L, d), before the sigmoid.
        reversed_sigmoid: whether the transition is σ(-f)^α.
        exponent: α ≥ 0 on the transition, a number or a tensor that broadcasts with the gates.
        state: H_{-1}, (..., 1, d); zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2 and eq. (22) of v1; chapter 8.

    Example:
        >>> gate = torch.zeros(3, 1)  # σ(0) = 1/2
        >>> dsf.qlstm(torch.ones(3, 1), gate, gate, gate).flatten()
        tensor([0.2500, 0.3750, 0.4375])
    """
    check_gates(forget_gate=forget_gate, input_gate=input_gate, output_gate=output_gate, u=u)
    exponent = _exponent(exponent, forget_gate)
    check_flag("return_state", return_state)
    dtype = u.dtype
    gates = (x.to(state_dtype(dtype)) for x in (u, forget_gate, input_gate, output_gate))
    u, forget_gate, input_gate, output_gate = gates
    transition = _forget(forget_gate, reversed_sigmoid, exponent)
    cell = cells(transition, torch.sigmoid(input_gate) * u, state)
    y = (torch.sigmoid(output_gate) * cell).to(dtype)
    return (y, cell[..., -1:, :]) if return_state else y


def qlstm_system(
    forget_gate: Tensor,
    input_gate: Tensor,
    output_gate: Tensor,
    reversed_sigmoid: bool = False,
    exponent: Tensor | float = 1.0,
) -> LTVSystem:
    """Quasi-LSTM as a dynamical system: Λ_i = σ(±f_i)^α, B_i = σ(g_i), C_i = σ(o_i), n = 1.

    Args:
        forget_gate: f, (..., L, d), before the sigmoid.
        input_gate: g, (..., L, d), before the sigmoid.
        output_gate: o, (..., L, d), before the sigmoid.
        reversed_sigmoid: whether the transition is σ(-f)^α.
        exponent: α ≥ 0 on the transition, a number or a tensor that broadcasts with the gates.

    Returns:
        The system with one state per channel.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2 and eq. (22) of v1; chapter 8.

    Example:
        >>> gate = torch.zeros(3, 1)  # σ(0) = 1/2
        >>> dsf.qlstm_system(gate, gate, gate, exponent=2.0).transition.flatten()
        tensor([0.2500, 0.2500, 0.2500])
    """
    check_gates(forget_gate=forget_gate, input_gate=input_gate, output_gate=output_gate)
    exponent = _exponent(exponent, forget_gate)
    transition = _forget(forget_gate, reversed_sigmoid, exponent)
    b, c = torch.sigmoid(input_gate), torch.sigmoid(output_gate)
    return LTVSystem(transition.unsqueeze(-2), b.unsqueeze(-2), c.unsqueeze(-2))


def _forget(gate: Tensor, reversed_sigmoid: bool, exponent: Tensor | float) -> Tensor:
    """σ(±f)^α through its logarithm, which keeps small values exact where σ alone underflows."""
    check_flag("reversed_sigmoid", reversed_sigmoid)
    logarithm = F.logsigmoid(-gate if reversed_sigmoid else gate)
    if isinstance(exponent, Tensor):
        exponent = exponent.to(gate.dtype)
    return torch.exp(exponent * logarithm)


def _exponent(exponent: Tensor | float, forget_gate: Tensor) -> Tensor | float:
    """The exponent, if it is a number >= 0 or a tensor that fits the gate."""
    if not isinstance(exponent, Tensor):
        return check_number("exponent", exponent, 0)
    shape = {0: "()", 1: "(d|1,)"}.get(exponent.ndim, "(..., L|1, d|1)")
    check_arrays({"forget_gate": (forget_gate, "(..., L, d)"), "exponent": (exponent, shape)})
    return exponent
