"""What RG-LRU and minGRU share with qLSTM: the check of gates, and the recurrence from a state."""

from __future__ import annotations

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_leading, check_state
from dsf.recurrence import linear_recurrence


def check_gates(**gates: Tensor) -> None:
    """Refuse inputs and gates (..., L, d) that do not fit each other."""
    check_arrays({name: (gate, "(..., L, d)") for name, gate in gates.items()})


def cells(transition: Tensor, x: Tensor, state: Tensor | None) -> Tensor:
    """All states, (..., L, d), from a state (..., 1, d)."""
    if state is not None:
        check_state("state", state, "(..., 1, d)", x, d=x.shape[-1])
        batch = torch.broadcast_shapes(transition.shape[:-2], x.shape[:-2])
        check_leading("state", state.shape[:-2], batch)
        state = state.squeeze(-2)
    return linear_recurrence(transition, x, state)
