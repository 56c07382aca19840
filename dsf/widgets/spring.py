"""A mass on a spring that swings until half is lost: the hook of chapter 5."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import traitlets

from dsf.ssm import spring_poles
from dsf.widgets.base import STATIC, number
from dsf.widgets.hook import Hook

MASS = 1.0


class Swing(NamedTuple):
    """How a mass on a spring comes to rest.

    Attributes:
        half: seconds after which half is left, of the swing or, where it creeps, in the long run.
        period: seconds a swing takes, infinite where it creeps.
        swings: until half is left, 0 where it creeps.
    """

    half: float
    period: float
    swings: float


class SpringSwings(Hook):
    """How often a mass on a spring swings before half of the swing is lost.

    Attributes:
        damping: c of p̈ + c ṗ + k p = u, 0.1 to 4.5.
        stiffness: k, 1, 4 or 16.

    Source: chapter 5.
    """

    name: ClassVar[str] = "spring"
    _esm = STATIC / "spring.mjs"
    head = ("damping c", "swings until half is left", "half is left after, s", "a swing takes, s")
    places = (0.1, 0.2, 1.0, 2.0, 3.0, 4.0, 4.5)  # not beside what is asked for

    damping = traitlets.Float(2.0, min=0.1, max=4.5).tag(sync=True, figure=True)
    stiffness = traitlets.Enum([1, 4, 16], 4).tag(sync=True, figure=True)

    def row(self, place: float) -> list[str]:
        """The swings, and the two times that they are the quotient of."""
        half, period, swings = swing(place, self.stiffness)
        return [number(swings), number(half), number(period) if swings else "never"]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        swings, half, _ = self.row(self.damping)
        return (
            f"A mass of {MASS:g} on a spring of stiffness k, damped by c times its speed; times in "
            f"seconds. As first shown, with c = {self.damping:g} and k = {self.stiffness}, half of "
            f"the swing is left after {half} s, that is, after {swings} swings. To try: a damping "
            "with which it swings once before half is lost; then another stiffness."
        )


def swing(damping: float, stiffness: float) -> Swing:
    """What becomes of a swing.

    Args:
        damping: c.
        stiffness: k.

    Returns:
        Half-life, period and their quotient.
    """
    slow = complex(spring_poles(MASS, damping, stiffness)[0])
    rate, turn = (-slow.real, abs(slow.imag))
    half = math.log(2) / rate
    return Swing(half, 2 * math.pi / turn if turn else math.inf, half * turn / (2 * math.pi))
