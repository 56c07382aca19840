"""A pair of poles, their places after a step, and the impulse response: continuous and sampled."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import torch
import traitlets
from torch import Tensor

from dsf.ssm import discretize
from dsf.widgets.base import STATIC, Widget, fixed, number

RULES = {"zoh": "zero-order hold", "bilinear": "bilinear"}
_NOTHING = 1e-12  # what rounding leaves of zero


class Step(NamedTuple):
    """What one step does to the state.

    Attributes:
        factor: ā.
        modulus: |ā|.
        turns: by which part of a circle it turns, 0 to 1/2.
        half_life: steps after which half is left, infinite where |ā| is 1 or larger.
    """

    factor: complex
    modulus: float
    turns: float
    half_life: float


class PoleAndResponse(Widget):
    """The poles a = -σ ± iω in the plane of continuous time, and ā = f(aΔ) in the plane of steps.

    Attributes:
        decay: σ, -0.2 to 2; the poles are stable where it is positive.
        frequency: ω in radians a unit of time, 0 to 8.
        step: Δ, 0.2 to 1.5.
        rule: of the discretisation, "zoh" or "bilinear".

    Source: chapter 5.
    """

    name: ClassVar[str] = "pole"
    _esm = STATIC / "pole.mjs"

    decay = traitlets.Float(0.3, min=-0.2, max=2.0).tag(sync=True, figure=True)
    frequency = traitlets.Float(2.0, min=0.0, max=8.0).tag(sync=True, figure=True)
    step = traitlets.Float(0.5, min=0.2, max=1.5).tag(sync=True, figure=True)
    rule = traitlets.Enum(list(RULES), "zoh").tag(sync=True, figure=True)

    def one_step(self, rule: str) -> Step:
        """What one step of length Δ does by a rule.

        Args:
            rule: "zoh" or "bilinear".

        Returns:
            Factor, modulus, turns and half-life.
        """
        a = torch.tensor(complex(-self.decay, self.frequency), dtype=torch.complex128)
        one, step = torch.ones_like(a), torch.tensor(self.step, dtype=torch.float64)
        factor = complex(discretize(a, one, step, "zoh" if rule == "zoh" else "bilinear")[0])
        factor = complex(_snapped(factor.real), _snapped(factor.imag))
        modulus = abs(factor)
        turns = abs(math.atan2(factor.imag, factor.real)) / (2 * math.pi) if modulus else 0.0
        half_life = math.inf
        if modulus < 1 - _NOTHING:
            half_life = math.log(0.5) / math.log(modulus) if modulus else 0.0
        return Step(factor, modulus, turns, half_life)

    def samples(self, count: int) -> Tensor:
        """The impulse response at the steps, Re ā^l.

        Args:
            count: of samples.

        Returns:
            The values, (count,).
        """
        factor = torch.tensor(self.one_step(self.rule).factor, dtype=torch.complex128)
        return torch.stack([factor**power for power in range(count)]).real

    def caption(self) -> str:
        """What the figure shows, with its numbers."""
        now = self.one_step(self.rule)
        left = (
            f"half of it is left after {number(now.half_life)} steps"
            if math.isfinite(now.half_life)
            else "it does not die away"
        )
        return (
            "Left: a pair of poles in continuous time. Beside it: where a step of length Δ takes "
            f"them ({RULES[self.rule]}). Right: the impulse response, the curve in continuous time "
            f"and a dot at each step. As first shown, |ā| = {number(now.modulus)}: {left}, and a "
            f"step turns it by {number(now.turns)} of a circle."
        )

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """Factor, modulus, turns and half-life by both rules."""
        rows = []
        for rule, title in RULES.items():
            factor, modulus, turns, half = self.one_step(rule)
            cells = [number(x) for x in (factor.real, factor.imag, modulus, turns)]
            rows.append([title, *cells, number(half) if math.isfinite(half) else "never"])
        sign = "−" if self.decay > 0 else ""
        pole = f"{sign}{fixed(abs(self.decay), 2)} ± {fixed(self.frequency, 2)}i"
        title = f"Numbers at a = {pole}, Δ = {fixed(self.step, 2)}"
        return title, ["", "Re ā", "Im ā", "|ā|", "turns a step", "half-life in steps"], rows


def _snapped(value: float) -> float:
    return 0.0 if abs(value) < _NOTHING else value
