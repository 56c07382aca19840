"""Recurrent networks: qLSTM and RG-LRU in native and DSF form, RNN and LSTM along a trajectory.

Inputs and gates have shape (..., L, d), already projected; gates come before their sigmoid.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf._checks import check_sequence, check_width
from dsf.dense import DenseSystem
from dsf.recurrence import linear_recurrence
from dsf.system import LTVSystem

# The exponent of RG-LRU: a_i = a^{8 r_i}.
_RG_LRU_EXPONENT = 8.0


def qlstm(
    u: Tensor,
    forget_gate: Tensor,
    input_gate: Tensor,
    output_gate: Tensor,
    reversed_sigmoid: bool = False,
    exponent: Tensor | float = 1.0,
) -> Tensor:
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
        exponent: α ≥ 0 on the transition.

    Returns:
        y, (..., L, d). First derivatives only.

    Source: arXiv 2405.15731, section 3.2 and eq. (22) of v1; chapter 8.
    """
    _check_gates(forget_gate, input_gate, output_gate)
    check_sequence("u", u, "(..., L, d)", forget_gate.shape[-2])
    check_width("u", u, forget_gate.shape[-1], "d")
    transition = _forget(forget_gate, reversed_sigmoid, exponent)
    cell = linear_recurrence(transition, torch.sigmoid(input_gate) * u)
    return torch.sigmoid(output_gate) * cell


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
        exponent: α ≥ 0 on the transition.

    Returns:
        The system with one state per channel.

    Source: arXiv 2405.15731, section 3.2 and eq. (22) of v1; chapter 8.
    """
    _check_gates(forget_gate, input_gate, output_gate)
    transition = _forget(forget_gate, reversed_sigmoid, exponent)
    b, c = torch.sigmoid(input_gate), torch.sigmoid(output_gate)
    return LTVSystem(transition.unsqueeze(-2), b.unsqueeze(-2), c.unsqueeze(-2))


def rg_lru(u: Tensor, recurrence_gate: Tensor, input_gate: Tensor, decay: Tensor) -> Tensor:
    """RG-LRU of Griffin: h_i = a_i ⊙ h_{i-1} + √(1 - a_i²) ⊙ σ(g_i) ⊙ u_i, y_i = h_i.

    a_i = a^{8 σ(r_i)} with a = σ(decay).

    Args:
        u: inputs, (..., L, d).
        recurrence_gate: r, (..., L, d), before the sigmoid.
        input_gate: g, (..., L, d), before the sigmoid.
        decay: (d,), before the sigmoid.

    Returns:
        y, (..., L, d). First derivatives only.

    Source: De et al. (2024); chapter 8.
    """
    check_sequence("u", u, "(..., L, d)")
    transition, scale = _rg_lru_gates(recurrence_gate, input_gate, decay)
    check_sequence("u", u, "(..., L, d)", transition.shape[-2])
    check_width("u", u, transition.shape[-1], "d")
    return linear_recurrence(transition, scale * u)


def rg_lru_system(recurrence_gate: Tensor, input_gate: Tensor, decay: Tensor) -> LTVSystem:
    """RG-LRU as a dynamical system: Λ_i = a_i, B_i = √(1 - a_i²) ⊙ σ(g_i), C_i = 1, n = 1.

    Args:
        recurrence_gate: r, (..., L, d), before the sigmoid.
        input_gate: g, (..., L, d), before the sigmoid.
        decay: (d,), before the sigmoid.

    Returns:
        The system with one state per channel.

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


def _forget(gate: Tensor, reversed_sigmoid: bool, exponent: Tensor | float) -> Tensor:
    """σ(±f)^α through its logarithm, which keeps small values exact where σ alone underflows."""
    if not isinstance(exponent, Tensor) and exponent < 0:
        raise ValueError(f"exponent is {exponent}, expected a number >= 0")
    return torch.exp(exponent * F.logsigmoid(-gate if reversed_sigmoid else gate))


def _rg_lru_gates(
    recurrence_gate: Tensor, input_gate: Tensor, decay: Tensor
) -> tuple[Tensor, Tensor]:
    check_sequence("recurrence_gate", recurrence_gate, "(..., L, d)")
    check_sequence("input_gate", input_gate, "(..., L, d)", recurrence_gate.shape[-2])
    check_width("input_gate", input_gate, recurrence_gate.shape[-1], "d")
    check_width("decay", decay, recurrence_gate.shape[-1], "d")
    log_a = _RG_LRU_EXPONENT * torch.sigmoid(recurrence_gate) * F.logsigmoid(decay)
    # expm1 keeps 1 - a² exact where a is near 1.
    return torch.exp(log_a), torch.sqrt(-torch.expm1(2 * log_a)) * torch.sigmoid(input_gate)


def _slope(z: Tensor) -> Tensor:
    """tanh(z)/z, continued by 1 at z = 0."""
    return torch.where(z == 0, 1.0, torch.tanh(z) / torch.where(z == 0, 1.0, z))


def _before(h: Tensor) -> Tensor:
    """The sequence one step earlier, with zero at time 0."""
    return F.pad(h[..., :-1, :], (0, 0, 1, 0))


def _check_gates(forget_gate: Tensor, input_gate: Tensor, output_gate: Tensor) -> None:
    check_sequence("forget_gate", forget_gate, "(..., L, d)")
    for name, gate in (("input_gate", input_gate), ("output_gate", output_gate)):
        check_sequence(name, gate, "(..., L, d)", forget_gate.shape[-2])
        check_width(name, gate, forget_gate.shape[-1], "d")


def _check_weights(x: Tensor, w_in: Tensor, w_rec: Tensor, gates: int) -> None:
    check_sequence("x", x, "(..., L, m)")
    rows = f"{gates}d" if gates > 1 else "d"
    if w_rec.ndim != 2 or w_rec.shape[0] != gates * w_rec.shape[1]:
        raise ValueError(f"w_rec has shape {tuple(w_rec.shape)}, expected ({rows}, d)")
    if w_in.shape != (w_rec.shape[0], x.shape[-1]):
        raise ValueError(
            f"w_in has shape {tuple(w_in.shape)}, expected {(w_rec.shape[0], x.shape[-1])}"
        )
