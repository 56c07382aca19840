"""A qLSTM that writes outer products, which is this book's own: native form and DSF form."""

from __future__ import annotations

from typing import Literal, overload

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_flag, check_leading, check_state, state_dtype
from dsf.recurrence import linear_recurrence
from dsf.rnn.qlstm import qlstm_system
from dsf.system import LTVSystem


@overload
def qlstm_expanded(
    q: Tensor,
    k: Tensor,
    u: Tensor,
    forget_gate: Tensor,
    input_gate: Tensor,
    output_gate: Tensor,
    state: Tensor | None = ...,
    return_state: Literal[False] = ...,
) -> Tensor: ...
@overload
def qlstm_expanded(
    q: Tensor,
    k: Tensor,
    u: Tensor,
    forget_gate: Tensor,
    input_gate: Tensor,
    output_gate: Tensor,
    state: Tensor | None = ...,
    *,
    return_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def qlstm_expanded(
    q: Tensor,
    k: Tensor,
    u: Tensor,
    forget_gate: Tensor,
    input_gate: Tensor,
    output_gate: Tensor,
    state: Tensor | None = None,
    return_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Quasi-LSTM with a state of n × d numbers, which is ours and not in the paper.

        H_i = σ(f_i) ⊙ H_{i-1} + k_i (σ(g_i) ⊙ u_i)ᵀ
        y_i = σ(o_i) ⊙ (H_iᵀq_i)

    The gates of a channel act on all its n states alike. It is made to try on recurrent networks
    too what the paper says of all three classes, that a larger state expansion helps: n = 1 with
    q = k = 1 is the qLSTM, and nothing else is changed.

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        u: cell inputs, (..., L, d).
        forget_gate: f, (..., L, d), before the sigmoid.
        input_gate: g, (..., L, d), before the sigmoid.
        output_gate: o, (..., L, d), before the sigmoid.
        state: H_{-1}, (..., n, d); zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: this book, from the qLSTM of arXiv 2405.15731, section 3.2.

    Example:
        >>> k, open_gate = torch.eye(2), torch.full((2, 1), 40.0)
        >>> u, q = torch.tensor([[3.0], [5.0]]), k.flip(0)  # asks at last for what came first
        >>> dsf.qlstm_expanded(q, k, u, open_gate, open_gate, open_gate).flatten()
        tensor([0., 3.])
    """
    gates = {"forget_gate": forget_gate, "input_gate": input_gate, "output_gate": output_gate}
    _check(q, k, **gates, u=u)
    check_flag("return_state", return_state)
    dtype = u.dtype
    wide = (x.to(state_dtype(dtype)) for x in (q, k, u, forget_gate, input_gate, output_gate))
    q, k, u, forget_gate, input_gate, output_gate = wide
    # One recurrence for each feature: the axis of features stands before that of time.
    write = k.mT.unsqueeze(-1) * (torch.sigmoid(input_gate) * u).unsqueeze(-3)  # (..., n, L, d)
    transition = torch.sigmoid(forget_gate).unsqueeze(-3)
    if state is not None:
        check_state("state", state, "(..., n, d)", u, n=q.shape[-1], d=u.shape[-1])
        batch = torch.broadcast_shapes(
            *(x.shape[:-2] for x in (q, k, u, forget_gate, input_gate, output_gate))
        )
        check_leading("state", state.shape[:-2], batch)
    h = linear_recurrence(transition, write, state)
    read = (q.mT.unsqueeze(-1) * h).sum(-3)
    y = (torch.sigmoid(output_gate) * read).to(dtype)
    return (y, h[..., -1, :]) if return_state else y


def qlstm_expanded_system(
    q: Tensor, k: Tensor, forget_gate: Tensor, input_gate: Tensor, output_gate: Tensor
) -> LTVSystem:
    """The expanded qLSTM as a dynamical system, which is ours and not in the paper.

        Λ_i = I_n ⊗ σ(f_i), B_i = k_i ⊗ σ(g_i), C_i = q_iᵀ ⊗ σ(o_i)

    Args:
        q: queries, (..., L, n).
        k: keys, (..., L, n).
        forget_gate: f, (..., L, d), before the sigmoid.
        input_gate: g, (..., L, d), before the sigmoid.
        output_gate: o, (..., L, d), before the sigmoid.

    Returns:
        The system with state expansion n; a channel has one transition for all its states.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: this book, from the qLSTM of arXiv 2405.15731, section 3.2.

    Example:
        >>> q, gate = torch.ones(3, 2), torch.zeros(3, 1)  # σ(0) = 1/2
        >>> dsf.qlstm_expanded_system(q, q, gate, gate, gate).matrix()
        tensor([[0.5000, 0.0000, 0.0000],
                [0.2500, 0.5000, 0.0000],
                [0.1250, 0.2500, 0.5000]])
    """
    gates = {"forget_gate": forget_gate, "input_gate": input_gate, "output_gate": output_gate}
    _check(q, k, **gates)
    plain = qlstm_system(forget_gate, input_gate, output_gate)
    b, c = k.unsqueeze(-1) * plain.input, q.unsqueeze(-1) * plain.output
    return LTVSystem(plain.transition, b, c)


def _check(q: Tensor, k: Tensor, **others: Tensor) -> None:
    """Refuse what does not fit: queries and keys (..., L, n), all others (..., L, d)."""
    arrays = {"q": (q, "(..., L, n)"), "k": (k, "(..., L, n)")}
    check_arrays({**arrays, **{name: (x, "(..., L, d)") for name, x in others.items()}})
