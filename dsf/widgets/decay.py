"""Decay and memory: from a gate's pre-activation to Λ, and to when half of a token is left."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import torch
import traitlets
from torch import Tensor
from torch.nn.functional import softplus

from dsf.architectures import ARCHITECTURES
from dsf.attention import normalized_attention_system
from dsf.rnn import qlstm_system, rg_lru_system
from dsf.ssm import s6_system, ssd_system
from dsf.widgets.base import STATIC, Widget, number

REACH = 6.0
_NAMES = ("s6", "ssd", "qlstm", "qlstm_reversed", "rg_lru", "normalized")
_TITLES = {name: ARCHITECTURES[name].title.partition(" (")[0] for name in _NAMES}


class Gate(NamedTuple):
    """What a gate makes of its pre-activations, (K,).

    Attributes:
        transition: Λ, (K,).
        gain: B, the strength with which the input enters the state, (K,).
    """

    transition: Tensor
    gain: Tensor


class DecayAndMemory(Widget):
    """Λ, its half-life and the gain of the input as functions of one pre-activation x.

    Attributes:
        pre_activation: x, -6 to 6.
        exponent: α of the reversed qLSTM, Λ = σ(-x)^α, 0.1 to 4.
        rate: a of SSD, Λ = e^{-a softplus(x)}, 0.1 to 4.
        feature: s of S6, Λ = e^{-s softplus(x)}, 1 to 16.
        decay: of RG-LRU, before the sigmoid, -2 to 8.
        input_gate: g of qLSTM and RG-LRU, before the sigmoid, -6 to 6.

    Source: chapter 6.
    """

    name: ClassVar[str] = "decay"
    _esm = STATIC / "decay.mjs"

    pre_activation = traitlets.Float(-1.0, min=-REACH, max=REACH).tag(sync=True, figure=True)
    exponent = traitlets.Float(1.0, min=0.1, max=4.0).tag(sync=True, figure=True)
    rate = traitlets.Float(0.5, min=0.1, max=4.0).tag(sync=True, figure=True)
    feature = traitlets.Int(2, min=1, max=16).tag(sync=True, figure=True)
    decay = traitlets.Float(4.0, min=-2.0, max=8.0).tag(sync=True, figure=True)
    input_gate = traitlets.Float(0.0, min=-REACH, max=REACH).tag(sync=True, figure=True)

    def gates(self, x: Tensor) -> dict[str, Gate]:
        """Λ and B of every architecture: each pre-activation is one step of a system of one state.

        Args:
            x: pre-activations, (K,), float64. For normalised attention x is the change of log η.

        Returns:
            The gates by name.
        """
        column, ones = x.unsqueeze(-1), torch.ones(len(x), 1, dtype=x.dtype)
        g, step = self.input_gate * ones, softplus(x)
        one = ones[:1]
        systems = {
            "s6": s6_system(step.unsqueeze(-1), -self.feature * one, ones, ones),
            "ssd": ssd_system(step, -self.rate, ones, ones),
            "qlstm": qlstm_system(column, g, g),
            "qlstm_reversed": qlstm_system(column, g, g, True, self.exponent),
            "rg_lru": rg_lru_system(column, g, self.decay * one[0]),
        }
        gates = {
            name: Gate(system.transition.flatten(), system.input.flatten())
            for name, system in systems.items()
        }
        # Attention compares two steps: η = 1 before, η = e^x now.
        pairs = torch.stack([torch.ones_like(x), torch.exp(x)], dim=-1)
        rows = torch.ones(len(x), 2, 1, dtype=x.dtype)
        last = normalized_attention_system(rows, rows, pairs)
        gates["normalized"] = Gate(last.transition[:, 1, 0, 0], last.input[:, 1, 0, 0])
        return gates

    def half_lives(self) -> dict[str, float]:
        """After how many steps Λ^l has fallen to one half, at the present pre-activation.

        Returns:
            Steps by architecture, infinite where Λ is 1 or larger.
        """
        here = self.gates(torch.tensor([self.pre_activation], dtype=torch.float64))
        return {name: _half_life(float(gate.transition)) for name, gate in here.items()}

    def caption(self) -> str:
        """What the figure shows, with its numbers."""
        lives = self.half_lives()
        ssd, qlstm = _steps(lives["ssd"]), _steps(lives["qlstm"])
        return (
            "Left: Λ over the pre-activation x of its gate, and where x is now. Right: what is in "
            "the state l steps after a token of 1 was written, B Λˡ; the upright line stands where "
            f"half of it is left. As first shown, at x = {number(self.pre_activation)}, that is "
            f"after {ssd} steps in SSD and {qlstm} in the qLSTM."
        )

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """Λ, half-life and B of each architecture."""
        here = self.gates(torch.tensor([self.pre_activation], dtype=torch.float64))
        rows = [
            [
                _TITLES[name],
                number(float(gate.transition)),
                _steps(_half_life(float(gate.transition))),
                number(float(gate.gain)),
            ]
            for name, gate in here.items()
        ]
        title = f"Numbers at x = {number(self.pre_activation)}"
        return title, ["", "Λ", "half-life", "B"], rows


def _half_life(transition: float) -> float:
    if transition >= 1:
        return math.inf
    return math.log(0.5) / math.log(transition) if transition > 0 else 0.0


def _steps(half_life: float) -> str:
    return "never" if math.isinf(half_life) else number(half_life)
