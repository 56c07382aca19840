"""Elman's network and the LSTM, which are linear systems only along a realised trajectory."""

# Without annotations from __future__: as text, those of a named tuple lead the API page nowhere.

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from dsf._checks import check_arrays
from dsf.dense import DenseSystem


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

    Example:
        >>> w = torch.tensor([[0.5]])
        >>> dsf.elman(torch.tensor([[1.0], [0.0], [0.0]]), w, w).flatten()
        tensor([0.4621, 0.2270, 0.1130])
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

    Example:
        >>> w = torch.tensor([[0.5]])
        >>> x = torch.tensor([[1.0], [0.0], [0.0]])
        >>> outputs, system = dsf.elman_trajectory(x, w, w)
        >>> torch.allclose(system.run(x), outputs)
        True
    """
    h = elman(x, w_in, w_rec)
    slope = _slope(_before(h) @ w_rec.mT + x @ w_in.mT).unsqueeze(-1)  # (..., L, d, 1)
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

    Example:
        >>> w = torch.full((4, 1), 0.5)
        >>> dsf.lstm(torch.tensor([[1.0], [0.0], [0.0]]), w, w).flatten()
        tensor([0.1743, 0.1007, 0.0642])
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

    Example:
        >>> w = torch.full((4, 1), 0.5)
        >>> x = torch.tensor([[1.0], [0.0], [0.0]])
        >>> outputs, system = dsf.lstm_trajectory(x, w, w)
        >>> torch.allclose(system.run(x), outputs)
        True
    """
    h, cell = _lstm_states(x, w_in, w_rec)
    z = _before(h) @ w_rec.mT + x @ w_in.mT  # (..., L, 4d)
    z_in, z_forget, z_cell, z_out = z.chunk(4, dim=-1)
    read = torch.sigmoid(z_out) * _slope(cell)  # h_i = read_i ⊙ c_i
    write = (torch.sigmoid(z_in) * _slope(z_cell)).unsqueeze(-1)  # (..., L, d, 1)
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


def _slope(z: Tensor) -> Tensor:
    """tanh(z)/z, continued by 1 at z = 0."""
    return torch.where(z == 0, 1.0, torch.tanh(z) / torch.where(z == 0, 1.0, z))


def _before(h: Tensor) -> Tensor:
    """The sequence one step earlier, with zero at time 0."""
    return F.pad(h[..., :-1, :], (0, 0, 1, 0))


def _check_weights(x: Tensor, w_in: Tensor, w_rec: Tensor, gates: int) -> None:
    rows = f"{gates}d" if gates > 1 else "d"
    weights = {"w_rec": (w_rec, f"({rows}, d)"), "w_in": (w_in, f"({rows}, m)")}
    d = check_arrays({"w_rec": weights["w_rec"]})["d"]
    check_arrays({**weights, "x": (x, "(..., L, m)")}, (), **{rows: gates * d})
