"""One step of a system as the arrays that stand in its two equations, for pictures of it."""

# Without annotations from __future__: as text, those of a named tuple lead the API page nowhere.

from typing import NamedTuple

import torch
from torch import Tensor

from dsf._checks import check_integer, shown
from dsf.low_rank import LowRankSystem
from dsf.system import LTVSystem


class Tile(NamedTuple):
    """An array of a step.

    Attributes:
        symbol: its letter and time, as H₅.
        shape: in letters, an axis of length 1 that stands for all as "1".
        values: (rows, columns), the real part.
        limit: the largest size of an entry over all times.
    """

    symbol: str
    shape: str
    values: Tensor
    limit: float


_SUBSCRIPTS = str.maketrans("-0123456789", "₋₀₁₂₃₄₅₆₇₈₉")

Line = list[tuple[str, Tile]]  # each array with the sign before it


def equations(
    system: LTVSystem | LowRankSystem,
    i: int,
    u: Tensor | None = None,
    initial_state: Tensor | None = None,
) -> tuple[Line, Line]:
    """The equations of the state and of the output at time i; `dsf.plots.plot_step` draws them.

    Args:
        system: of one sequence, that is, without axes before time.
        i: the time, 0 ≤ i < L.
        u: inputs, (L, d); random ones, the same in every call, if None.
        initial_state: H_{-1}, (n, d); zero if None.

    Returns:
        H_i = Λ_i ⊙ H_{i-1} + B_i · u_i and y_i = Σ C_i ⊙ H_i, summed over the features, with
        + D_i · u_i where the system has a feed-through. Every array has the shape in which the
        system holds it, Λ_i of a `LowRankSystem` n × n.

    Raises:
        ValueError: the system is of another kind or of several sequences, there is no such time,
            u or initial_state does not fit, or u is None and no array of the system says d.
    """
    if not isinstance(system, LTVSystem | LowRankSystem):
        raise ValueError(f"system is {shown(system)}, expected an LTVSystem or a LowRankSystem")
    i = check_integer("i", i, 0, system.length - 1)
    u = _inputs(system) if u is None else u
    states = system.states(u, initial_state)
    if states.ndim > 3:
        axes = tuple(states.shape[:-3])
        raise ValueError(f"system has with u the leading axes {axes}, expected one sequence")
    first = torch.zeros_like(states[:1]) if initial_state is None else initial_state[None]
    before = torch.cat([first.to(states), states])[:-1]
    largest = max(_size(states), _size(before))

    def tile(letter: str, values: Tensor, shape: str = "", time: int = i) -> Tile:
        letters = shape or _letters(values, system.n)
        limit = largest if letter == "H" else _size(values)
        return Tile(letter + str(time).translate(_SUBSCRIPTS), letters, _real(values[i]), limit)

    full = isinstance(system, LTVSystem)
    transition = system.transition if isinstance(system, LTVSystem) else _matrices(system)
    token = tile("u", u[:, None], "d")
    now, last = tile("H", states, "n × d"), tile("H", before, "n × d", i - 1)
    output = system.run(u, "recurrent", initial_state)
    state_line = [
        ("", now),
        ("=", tile("Λ", transition, "" if full else "n × n")),
        ("⊙" if full else "", last),
        ("+", tile("B", system.input)),
        ("·", token),
    ]
    output_line = [
        ("", tile("y", output[:, None], "d")),
        ("= Σ", tile("C", system.output)),
        ("⊙", now),
    ]
    if system.feedthrough is not None:
        through = system.feedthrough.expand(system.length, -1)[:, None]
        output_line += [("+", tile("D", through)), ("·", token)]
    return state_line, output_line


def _inputs(system: LTVSystem | LowRankSystem) -> Tensor:
    """Random inputs, (L, d)."""
    if system.d is None:
        raise ValueError("u is None, expected inputs (L, d): no array of the system says d")
    generator = torch.Generator().manual_seed(0)
    u = torch.randn(system.length, system.d, generator=generator, dtype=torch.float64)
    return u.to(system.input.real)


def _matrices(system: LowRankSystem) -> Tensor:
    """Λ with what it erases, (..., L, n, n)."""
    diagonal = system.transition.expand(*system.transition.shape[:-1], system.n)
    return torch.diag_embed(diagonal) - system.left @ system.right.mT


def _letters(values: Tensor, n: int) -> str:
    """The shape of an array (L, rows, columns) that broadcasts to n × d."""
    rows, columns = values.shape[-2:]
    if rows == columns == 1:
        return "1"
    return f"{'n' if rows == n > 1 else 1} × {'d' if columns > 1 else 1}"


def _real(values: Tensor) -> Tensor:
    return values.detach().real.cpu().double()


def _size(values: Tensor) -> float:
    return float(_real(values).abs().max()) or 1.0
