"""What state space models share: the run from a state, and the feed-through."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dsf._checks import check_flag, check_leading, check_number, check_state
from dsf.matrix_state import MatrixStateSystem

Skip = Tensor | float | None
Arrays = dict[str, tuple[Any, str]]


def evaluate(
    system: MatrixStateSystem, u: Tensor, state: Tensor | None = None, return_state: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """Run a system from a state, as its native form does.

    Args:
        system: of a native form whose argument for the state is named `state`.
        u: inputs, (..., L, d).
        state: H_{-1}, (..., n, d); zero if None.
        return_state: also return the last state.

    Returns:
        y, (..., L, d), or the pair (y, H_{L-1}).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2; chapters 5 to 7.
    """
    check_flag("return_state", return_state)
    if state is not None:
        check_state("state", state, "(..., n, d)", system.input, n=system.n, d=u.shape[-1])
        batch = torch.broadcast_shapes(system.input.shape[:-3], u.shape[:-2])
        check_leading("state", state.shape[:-2], batch)
    if not return_state:
        return system.run(u, "auto", state)
    h: Any
    y, h = system.run(u, "auto", state, return_state=True)
    return y, h


def as_feedthrough(skip: Skip, like: Tensor) -> Tensor | None:
    """D as a system has it, (1, d|1)."""
    if skip is None:
        return None
    return skip.reshape(1, -1) if isinstance(skip, Tensor) else like.new_full((1, 1), float(skip))


def skip_arrays(skip: Skip) -> Arrays:
    """What `check_arrays` has to check of a feed-through; a number is checked here."""
    if isinstance(skip, Tensor):
        return {"skip": (skip, "()" if skip.ndim == 0 else "(d|1,)")}
    if skip is not None:
        check_number("skip", skip)
    return {}
