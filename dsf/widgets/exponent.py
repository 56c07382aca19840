"""The exponent of the reversed qLSTM against its sign: a figure of chapter 8."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, NamedTuple

import torch
import traitlets
from torch import Tensor

from dsf.rnn import qlstm_system
from dsf.system import LTVSystem
from dsf.widgets.base import STATIC, percent
from dsf.widgets.hook import Hook
from dsf.widgets.random import normal

LENGTH, DRAWS = 24, 200
_SEED = 0
_STREAMS = {"u": 51, "forget": 52, "input": 53, "output": 54}


class Compared(NamedTuple):
    """The reversed qLSTM beside the plain one.

    Attributes:
        difference: root mean square of the difference of the outputs, as a share of that of the
            outputs of the plain one.
        kept: mean of Λ of the reversed one.
        plain: mean of Λ of the plain one.
    """

    difference: float
    kept: float
    plain: float


class SignAndExponent(Hook):
    """How far a reversed qLSTM with the gate f is from a plain one with the gate -f.

    Attributes:
        exponent: α of the reversed one, Λ_i = σ(-f_i)^α, 0 to 2.

    Source: chapter 8.
    """

    name: ClassVar[str] = "exponent"
    _esm = STATIC / "exponent.mjs"
    head = ("α", "the outputs differ by", "the reversed one keeps")
    places = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)

    exponent = traitlets.Float(0.5, min=0.0, max=2.0).tag(sync=True, figure=True)

    def row(self, place: float) -> list[str]:
        """Difference of the outputs, and mean of Λ."""
        found = compared(place)
        return [percent(found.difference), percent(found.kept)]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        found = compared(self.exponent)
        return (
            f"A plain qLSTM with the gate −f and a reversed one with the gate f, on {DRAWS} random "
            f"sequences of {LENGTH} tokens; f, g, o and u are drawn from N(0, 1), and what a layer "
            f"keeps is the mean of Λ. As first shown, with α = {self.exponent:g}, their "
            f"outputs differ by {percent(found.difference)} of the size of the plain ones, in root "
            "mean square. To try: for which α the reversed one keeps more."
        )


def compared(exponent: float) -> Compared:
    """Compare the two over all draws.

    Args:
        exponent: α of the reversed one.

    Returns:
        What sets them apart.
    """
    u, f, g, o = (_drawn(stream) for stream in _STREAMS.values())
    plain = qlstm_system(-f, g, o)
    turned = qlstm_system(f, g, o, reversed_sigmoid=True, exponent=exponent)
    y = plain.run(u)
    difference = (turned.run(u) - y).norm() / y.norm()
    return Compared(difference.item(), _kept(turned), _kept(plain))


def _kept(system: LTVSystem) -> float:
    return system.transition.mean().item()


@cache
def _drawn(stream: int) -> Tensor:
    """Normal numbers, (24, 200): the channels of a qLSTM do not meet, so each is a draw."""
    numbers = [normal(_SEED, stream, place) for place in range(LENGTH * DRAWS)]
    return torch.tensor(numbers, dtype=torch.float64).reshape(LENGTH, DRAWS)
