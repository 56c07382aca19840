"""Set the clock: a step Δ for each of eight tokens, and what one state holds of them."""

from __future__ import annotations

from typing import ClassVar

import torch
import traitlets
from torch import Tensor

from dsf.ssm import discretize
from dsf.system import LTVSystem
from dsf.widgets.base import STATIC, Widget, fixed, number, percent

TOKENS = 8
FLAGGED = (1, 4)
TAKE = 5.0  # Δ of a token that replaces what was there
RULES = ("zoh", "euler")


class SetTheClock(Widget):
    """What one state holds of eight tokens, two of them flagged, when each has its own Δ.

    Attributes:
        clock: a letter for each token: s, skip it, Δ = 0; m, mix it in; t, take it alone, Δ = 5.
        step: Δ of the tokens that are mixed in, 0.05 to 2.
        rule: of B: "zoh", 1 - e^{-Δ}, what holding the token writes, or "euler", Δ.

    Source: chapter 6.
    """

    name: ClassVar[str] = "clock"
    _esm = STATIC / "clock.mjs"

    clock = traitlets.Unicode("m" * TOKENS).tag(sync=True, figure=True)
    step = traitlets.Float(0.7, min=0.05, max=2.0).tag(sync=True, figure=True)
    rule = traitlets.Enum(RULES, "zoh").tag(sync=True, figure=True)

    @traitlets.validate("clock")
    def _check_clock(self, proposal: traitlets.Bunch) -> str:
        value: str = proposal.value
        if len(value) != TOKENS or set(value) - set("smt"):
            raise traitlets.TraitError(f"clock is {value!r}, expected {TOKENS} letters s, m or t")
        return value

    def steps(self) -> Tensor:
        """Δ of every token, (8,)."""
        size = {"s": 0.0, "m": self.step, "t": TAKE}
        return torch.tensor([size[letter] for letter in self.clock], dtype=torch.float64)

    def system(self) -> LTVSystem:
        """The recurrence with the rate -1, of one state and one channel."""
        step = self.steps()
        rate = -torch.ones((), dtype=torch.float64)
        decay, held = discretize(rate, torch.ones_like(rate), step)
        write = held if self.rule == "zoh" else step
        transition, b, c = (x.reshape(TOKENS, 1, 1) for x in (decay, write, torch.ones_like(step)))
        return LTVSystem(transition, b, c)

    def held(self) -> Tensor:
        """What is left of every token at the end, (8,): the last row of Φ."""
        last: Tensor = self.system().matrix()[-1]
        return last

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        held = self.held()
        parts = " and ".join(f"{percent(float(held[j]))} of token {j}" for j in FLAGGED)
        return (
            f"One state and {TOKENS} tokens, two of them flagged. Row i is the state after token "
            "i, and how much of each token it holds: this is the matrix Φ. As "
            f"first shown, with Δ = {fixed(self.step, 2)} for the tokens that are mixed in, the "
            f"state holds {parts} at the end. To try: only the flagged tokens, a quarter of the "
            "first and three quarters of the second."
        )

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """Δ, Λ, B and what is left of each token."""
        system, held = self.system(), self.held()
        rows = [
            [
                f"{j}{', flagged' if j in FLAGGED else ''}",
                *(number(float(x)) for x in numbers),
            ]
            for j, numbers in enumerate(
                zip(
                    self.steps(),
                    system.transition.flatten(),
                    system.input.flatten(),
                    held,
                    strict=True,
                )
            )
        ]
        return "Numbers", ["token", "Δ", "Λ", "B", "left at the end"], rows
