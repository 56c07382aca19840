"""Recurrent networks: qLSTM and RG-LRU in native and DSF form, RNN and LSTM along a trajectory.

Inputs and gates have shape (..., L, d), already projected; gates come before their sigmoid.

A sequence may come in pieces: with `return_state=True` qLSTM and RG-LRU also return the last state
H, (..., 1, d), and `state` takes it for the piece after. It is the state of their DSF form.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, overload

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf._checks import (
    check_arrays,
    check_flag,
    check_leading,
    check_number,
    check_state,
    state_dtype,
)
from dsf.dense import DenseSystem
from dsf.recurrence import linear_recurrence
from dsf.system import LTVSystem

# The exponent of RG-LRU: a_i = a^{8 r_i}.
_RG_LRU_EXPONENT = 8.0
# The largest slope of its root.
_STEEPEST = 1000.0


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
    """
    _check_gates(forget_gate=forget_gate, input_gate=input_gate, output_gate=output_gate, u=u)
    exponent = _exponent(exponent, forget_gate)
    check_flag("return_state", return_state)
    dtype = u.dtype
    gates = (x.to(state_dtype(dtype)) for x in (u, forget_gate, input_gate, output_gate))
    u, forget_gate, input_gate, output_gate = gates
    transition = _forget(forget_gate, reversed_sigmoid, exponent)
    cell = _cells(transition, torch.sigmoid(input_gate) * u, state)
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
    """
    _check_gates(forget_gate=forget_gate, input_gate=input_gate, output_gate=output_gate)
    exponent = _exponent(exponent, forget_gate)
    transition = _forget(forget_gate, reversed_sigmoid, exponent)
    b, c = torch.sigmoid(input_gate), torch.sigmoid(output_gate)
    return LTVSystem(transition.unsqueeze(-2), b.unsqueeze(-2), c.unsqueeze(-2))


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
    """
    _check_gates(recurrence_gate=recurrence_gate, input_gate=input_gate, u=u)
    check_arrays({"u": (u, "(..., L, d)"), "decay": (decay, "(d,)")})
    check_flag("return_state", return_state)
    dtype = u.dtype
    gates = (x.to(state_dtype(x.dtype)) for x in (recurrence_gate, input_gate, decay))
    transition, scale = _rg_lru_gates(*gates)
    h = _cells(transition, scale * u, state)
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
    """
    transition, scale = _rg_lru_gates(recurrence_gate, input_gate, decay)
    c = transition.new_ones(1, 1, 1).expand(transition.shape[-2], 1, 1)
    return LTVSystem(transition.unsqueeze(-2), scale.unsqueeze(-2), c)


class Trajectory(NamedTuple):
    """A nonlinear RNN rewritten as a linear system along one realised trajectory.

    Attributes:
        outputs: y, (..., L, d).
        system: matrices Λ_i, B_i, C_i, D_i that reproduce these outputs for this input only.
    """

    outputs: Tensor
    system: DenseSystem


def elman(x: Tensor, w_in: Tensor, w_rec: Tensor) -> Tensor:
    """Elman's simple recurrent network, h_i = tanh(W_rec h_{i-1} + W_in x_i), y_i = h_i.

    Args:
        x: inputs, (..., L, m). A bias is a weight on an input that is always 1.
        w_in: W_in, (d, m).
        w_rec: W_rec, (d, d).

    Returns:
        h, (..., L, d).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Elman (1990); chapter 8.
    """
    _check_weights(x, w_in, w_rec, gates=1)
    h = x.new_zeros(*x.shape[:-2], w_rec.shape[-1])
    states = []
    for z in (x @ w_in.mT).unbind(-2):
        h = torch.tanh(h @ w_rec.mT + z)
        states.append(h)
    return torch.stack(states, dim=-2)


def elman_trajectory(x: Tensor, w_in: Tensor, w_rec: Tensor) -> Trajectory:
    """Elman's network as a linear system along its trajectory.

    It has no DSF form: the slope of tanh depends on h_{i-1}, while Λ_i and B_i may depend on the
    inputs only. Along a realised trajectory tanh(z) = s(z) z with s(z) = tanh(z)/z gives

        Λ_i = diag(s(z_i)) W_rec,   B_i = diag(s(z_i)) W_in,   C_i = I,

    dense matrices that are known only after the network has been run step by step.

    Args:
        x: inputs, (..., L, m).
        w_in: W_in, (d, m).
        w_rec: W_rec, (d, d).

    Returns:
        The outputs and the matrices of the linear system that reproduces them.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2 (why RNNs need the quasi-LSTM); chapter 8.
    """
    h = elman(x, w_in, w_rec)
    slope = _slope(_before(h) @ w_rec.mT + x @ w_in.mT).unsqueeze(-1)
    eye = torch.eye(h.shape[-1]).to(h)
    c = eye.expand(*h.shape, h.shape[-1])
    d = h.new_zeros(*h.shape, x.shape[-1])
    return Trajectory(h, DenseSystem(slope * w_rec, slope * w_in, c, d))


def lstm(x: Tensor, w_in: Tensor, w_rec: Tensor) -> Tensor:
    """LSTM, with the gates in the order of PyTorch: input, forget, cell, output.

    c_i = σ(z^f) ⊙ c_{i-1} + σ(z^g) ⊙ tanh(z^c), h_i = σ(z^o) ⊙ tanh(c_i),
    z_i = W_rec h_{i-1} + W_in x_i.

    Args:
        x: inputs, (..., L, m). A bias is a weight on an input that is always 1.
        w_in: W_in, (4d, m).
        w_rec: W_rec, (4d, d).

    Returns:
        h, (..., L, d).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Hochreiter and Schmidhuber (1997); chapter 8.
    """
    return _lstm_states(x, w_in, w_rec)[0]


def lstm_trajectory(x: Tensor, w_in: Tensor, w_rec: Tensor) -> Trajectory:
    """LSTM as a linear system in the cell state along its trajectory.

    It has no DSF form: the gates read h_{i-1}, so Λ_i would depend on the state. Along a realised
    trajectory, with s(z) = tanh(z)/z and h_{i-1} = σ(z^o_{i-1}) s(c_{i-1}) c_{i-1},

        Λ_i = diag(σ(z^f)) + diag(σ(z^g) s(z^c)) W^c_rec diag(σ(z^o_{i-1}) s(c_{i-1})),
        B_i = diag(σ(z^g) s(z^c)) W^c_in,   C_i = diag(σ(z^o) s(c_i)).

    Args:
        x: inputs, (..., L, m).
        w_in: W_in, (4d, m).
        w_rec: W_rec, (4d, d).

    Returns:
        The outputs and the matrices of the linear system that reproduces them.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2 (why RNNs need the quasi-LSTM); chapter 8.
    """
    h, cell = _lstm_states(x, w_in, w_rec)
    z = _before(h) @ w_rec.mT + x @ w_in.mT
    z_in, z_forget, z_cell, z_out = z.chunk(4, dim=-1)
    read = torch.sigmoid(z_out) * _slope(cell)  # h_i = read_i ⊙ c_i
    write = (torch.sigmoid(z_in) * _slope(z_cell)).unsqueeze(-1)
    w_cell_in, w_cell_rec = w_in.chunk(4)[2], w_rec.chunk(4)[2]
    transition = torch.diag_embed(torch.sigmoid(z_forget)) + write * w_cell_rec * _before(
        read
    ).unsqueeze(-2)
    d = h.new_zeros(*h.shape, x.shape[-1])
    return Trajectory(h, DenseSystem(transition, write * w_cell_in, torch.diag_embed(read), d))


def _lstm_states(x: Tensor, w_in: Tensor, w_rec: Tensor) -> tuple[Tensor, Tensor]:
    _check_weights(x, w_in, w_rec, gates=4)
    h = cell = x.new_zeros(*x.shape[:-2], w_rec.shape[-1])
    outputs, cells = [], []
    for z in (x @ w_in.mT).unbind(-2):
        z_in, z_forget, z_cell, z_out = (z + h @ w_rec.mT).chunk(4, dim=-1)
        cell = torch.sigmoid(z_forget) * cell + torch.sigmoid(z_in) * torch.tanh(z_cell)
        h = torch.sigmoid(z_out) * torch.tanh(cell)
        outputs.append(h)
        cells.append(cell)
    return torch.stack(outputs, dim=-2), torch.stack(cells, dim=-2)


def _cells(transition: Tensor, x: Tensor, state: Tensor | None) -> Tensor:
    """All states, (..., L, d), from a state (..., 1, d)."""
    if state is not None:
        check_state("state", state, "(..., 1, d)", x, d=x.shape[-1])
        batch = torch.broadcast_shapes(transition.shape[:-2], x.shape[:-2])
        check_leading("state", state.shape[:-2], batch)
        state = state.squeeze(-2)
    return linear_recurrence(transition, x, state)


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


def _slope(z: Tensor) -> Tensor:
    """tanh(z)/z, continued by 1 at z = 0."""
    return torch.where(z == 0, 1.0, torch.tanh(z) / torch.where(z == 0, 1.0, z))


def _before(h: Tensor) -> Tensor:
    """The sequence one step earlier, with zero at time 0."""
    return F.pad(h[..., :-1, :], (0, 0, 1, 0))


def _check_gates(**gates: Tensor) -> None:
    check_arrays({name: (gate, "(..., L, d)") for name, gate in gates.items()})


def _check_weights(x: Tensor, w_in: Tensor, w_rec: Tensor, gates: int) -> None:
    rows = f"{gates}d" if gates > 1 else "d"
    d = check_arrays({"w_rec": (w_rec, f"({rows}, d)")})["d"]
    if w_rec.shape[0] != gates * d:
        raise ValueError(f"w_rec has shape {tuple(w_rec.shape)}, expected ({rows}, d)")
    weights = {"w_rec": (w_rec, f"({rows}, d)"), "w_in": (w_in, f"({rows}, m)")}
    check_arrays({**weights, "x": (x, "(..., L, m)")})
