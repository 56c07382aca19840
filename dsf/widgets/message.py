"""A constant decay between forgetting and drowning: the hook of chapter 1."""

from __future__ import annotations

import math
from typing import ClassVar

import traitlets

from dsf.widgets.base import STATIC, number
from dsf.widgets.hook import Hook

LENGTH = 5000


class MessageAndNoise(Hook):
    """What a memory of one number holds after 5000 tokens: the first is a message, the rest noise.

    Attributes:
        decay: λ of h_i = λ h_{i-1} + u_i, 0.9 to 1.2.

    Source: chapter 1.
    """

    name: ClassVar[str] = "message"
    _esm = STATIC / "message.mjs"
    head = ("λ", "message", "noise", "message ÷ noise")
    places = (0.9, 0.99, 1.0, 1.01, 1.05, 1.1, 1.15, 1.2)

    decay = traitlets.Float(0.99, min=0.9, max=1.2).tag(sync=True, figure=True)

    def row(self, place: float) -> list[str]:
        """Message, noise and their ratio."""
        message, noise = recall(place)
        ratio = number(message / noise) if math.isfinite(noise) else "–"
        return [_size(message), _size(noise), ratio]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        message, noise = map(_size, recall(self.decay))
        return (
            f"A memory of one number after {LENGTH} tokens, a message of size 1 and then noise of "
            f"size 1. As first shown, with λ = {self.decay:g}, the message is {message} and the "
            f"noise {noise}. To try: a λ at which the message is larger than the noise."
        )


def recall(decay: float) -> tuple[float, float]:
    """What the memory holds at the end; infinite where it leaves the range of 64-bit numbers.

    Args:
        decay: λ.

    Returns:
        The message, and the root mean square of the noise.
    """
    message, noise = 1.0, 0.0
    for _ in range(1, LENGTH):
        message, noise = decay * message, math.hypot(decay * noise, 1.0)
    return message, noise


def _size(value: float) -> str:
    return number(value) if math.isfinite(value) else "too large"
