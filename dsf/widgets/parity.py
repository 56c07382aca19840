"""What one state says of the parity of a string of bits: the hook of chapter 8."""

from __future__ import annotations

import math
from typing import ClassVar

import traitlets

from dsf.widgets.base import STATIC, fixed, percent
from dsf.widgets.hook import Hook

BITS = 16
NOISE = 0.1  # the state is read with a number between -0.1 and 0.1 added to it


class ParityState(Hook):
    """How often the sign of one state tells whether a string of 16 bits has an odd number of ones.

    A first token has written 1 into the state, and the bits write nothing: a one multiplies it by
    `one`, a zero leaves it. A state of 0 or more says "even", a negative one "odd".

    Attributes:
        one: the transition Λ that a one brings, -1 to 1.

    Source: chapter 8.
    """

    name: ClassVar[str] = "parity"
    _esm = STATIC / "parity.mjs"
    head = ("Λ of a one", "right", "right through noise")
    places = (-1.0, -0.9, -0.8, -0.5, 0.0, 0.5, 1.0)

    one = traitlets.Float(1.0, min=-1.0, max=1.0).tag(sync=True, figure=True)

    def row(self, place: float) -> list[str]:
        """The share of all strings that are told right, by the state and through noise."""
        return [percent(right(place, 0.0)), percent(right(place, NOISE))]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        exact, noisy = self.row(self.one)
        return (
            f"Is the number of ones in {BITS} bits odd? Before them the state is 1. A state of 0 "
            "or more says even, a negative one odd. The shares are over all "
            f"{2**BITS} strings, a formula, no draw; the strip shows one string. Noise is a number "
            f"between −{NOISE} and {NOISE}, added to the last state. As first shown, with Λ = "
            f"{fixed(self.one, 1)} for a one, {exact} are told right, through noise {noisy}. "
            "To try: where the answer changes, and where noise does no harm."
        )


def right(one: float, noise: float) -> float:
    """The share of all strings of 16 bits whose parity the sign of the last state tells.

    Args:
        one: the transition that a one brings.
        noise: the largest size of what is added to the state when it is read, uniform.

    Returns:
        A number from 0 to 1.
    """
    total = 0.0
    for ones in range(BITS + 1):
        state: float = one**ones
        # How likely what is read is not negative.
        even = float(state >= 0) if noise == 0 else (1 + max(-1.0, min(1.0, state / noise))) / 2
        total += math.comb(BITS, ones) * (1 - even if ones % 2 else even)
    return float(total / 2**BITS)
