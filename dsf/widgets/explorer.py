"""The DSF explorer: one architecture, one input, one step at a time."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import traitlets
from torch import Tensor

from dsf.architectures import ARCHITECTURES
from dsf.system import LTVSystem
from dsf.widgets import draw, layer
from dsf.widgets.base import STATIC, Widget
from dsf.widgets.draw import number

_INPUT_TITLES = {
    "mqar": "a recall task",
    "text": "a text",
    "random": "random inputs",
    "impulse": "an impulse",
}


class DSFExplorer(Widget):
    """An untrained layer in DSF form, step by step: Λ_i, B_i, C_i, the state H_i, y_i and Φ.

    Its weights are random. Keys are made from the token before, queries from the token itself, so
    that row i of Φ looks for what followed earlier occurrences of token i; how well that works is a
    matter of the architecture and of the state expansion n.

    Attributes:
        architecture: a key of `dsf.ARCHITECTURES`. Softmax attention is its Taylor stand-in.
        input: what is read: "mqar", "text", "random" or "impulse".
        text: what is read if input is "text", 1 to 32 characters.
        n: state expansion asked for, 1 to 16; softmax takes the largest of 1, 6, 15 that is not
            above it, and recurrent networks always have 1.
        channel: the channel whose u, y and Φ are shown, 0 to 3.
        time: the step i.
        source: the input j of the entry Φ_ij that is taken apart.
        seed: seed of weights and inputs, 0 to 999.

    Source: chapters 1 and 9.
    """

    name: ClassVar[str] = "explorer"
    _esm = STATIC / "explorer.mjs"

    architecture = traitlets.Enum(list(ARCHITECTURES), "linear").tag(sync=True, figure=True)
    input = traitlets.Enum(list(layer.INPUTS), "mqar").tag(sync=True, figure=True)
    text = traitlets.Unicode("the cat sat on the mat, the cat").tag(sync=True, figure=True)
    n = traitlets.Int(16, min=1, max=layer.MAX_N).tag(sync=True, figure=True)
    channel = traitlets.Int(0, min=0, max=layer.CHANNELS - 1).tag(sync=True, figure=True)
    time = traitlets.Int(8, min=0, max=layer.MAX_TEXT - 1).tag(sync=True, figure=True)
    source = traitlets.Int(3, min=0, max=layer.MAX_TEXT - 1).tag(sync=True, figure=True)
    seed = traitlets.Int(1, min=0, max=999).tag(sync=True, figure=True)

    @traitlets.validate("text")
    def _check_text(self, proposal: Any) -> str:
        text = str(proposal["value"])
        if not 1 <= len(text) <= layer.MAX_TEXT:
            raise traitlets.TraitError(
                f"text has {len(text)} characters, expected 1 to {layer.MAX_TEXT}"
            )
        return text

    def sequence(self) -> layer.Sequence:
        """What the layer reads: tokens, embeddings, and the input u of the system."""
        return layer.sequence(self.input, self.seed, self.text)

    def system(self) -> LTVSystem:
        """The layer that is shown, as a system."""
        embeddings = self.sequence().embeddings
        return layer.layer_system(self.architecture, embeddings, self.n, self.seed)

    def recalled(self, n: int) -> tuple[int, int]:
        """How often the layer with state expansion n recalls.

        Args:
            n: state expansion asked for.

        Returns:
            At how many steps the largest entry of the row of Φ lies on an input that followed the
            token of that step before, and how many steps have such an input.
        """
        read = self.sequence()
        system = layer.layer_system(self.architecture, read.embeddings, n, self.seed)
        phi = _matrix(system, self.channel)
        asked = [layer.matches(read.tokens, i, self.input) for i in range(len(read.tokens))]
        hits = [int(phi[i].abs().argmax()) in wanted for i, wanted in enumerate(asked) if wanted]
        return sum(hits), len(hits)

    def caption(self) -> str:
        """What the figure shows, with its numbers."""
        entry = ARCHITECTURES[self.architecture]
        n = layer.fit(self.architecture, self.n)
        said = (
            "One step of the recurrence at a time, and the matrix Φ that all steps make. As first "
            f"shown: {entry.title} with random weights reads {_INPUT_TITLES[self.input]}. "
        )
        hits, asked = self.recalled(n)
        if not asked:
            sizes = self.system().transition.abs()
            return said + (
                f"With n = {n} its transitions have sizes from {number(float(sizes.min()))} to "
                f"{number(float(sizes.max()))}."
            )
        few, _ = self.recalled(2)
        said += f"With n = {n} its state recalls {hits} of {asked} answers"
        return said + (f", with n = 2 only {few}." if few < hits else ".")

    def picture(self) -> str:
        """Λ_i, B_i, C_i and H_i beside Φ, at the present step."""
        read, system = self.sequence(), self.system()
        time = min(self.time, len(read.tokens) - 1)
        states = system.states(read.values)
        phi = _matrix(system, self.channel)
        parts = []
        blocks = (
            ("Λ", system.transition),
            ("B", system.input),
            ("C", system.output),
            ("H", states),
        )
        for place, (letter, block) in enumerate(blocks):
            x, values = 4 + 66 * place, block.real
            limit = max(_largest(values), 1.0 if letter == "Λ" else 0.0)
            parts.append(draw.text(x + 29, 44, f"{letter} at {time}", "middle"))
            parts.append(draw.heat_map(values[time], x, 52, 58, 160, limit))
            parts.append(draw.frame(x, 52, 57, 159))
        left, size = 296.0, 264.0
        cell = size / len(read.tokens)
        parts.append(draw.heat_map(phi, left, 24, size, size, _common(phi), lower=True))
        parts.append(draw.frame(left - 1, 23 + time * cell, (time + 1) * cell + 1, cell + 1))
        for i, token in enumerate(read.tokens):
            parts.append(draw.text(left + (i + 0.5) * cell, 16, token, "middle", i == time))
            parts.append(draw.text(left - 5, 24 + (i + 0.8) * cell, token, "end", i == time))
        parts.append(draw.text(left + 0.55 * size, 60, f"Φ, row {time} framed"))
        alternative = f"Transition, input, output and state at step {time}, and Φ. {self.caption()}"
        return draw.picture(564, 294, alternative, parts)

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """Λ_i, B_i, C_i and H_i of the chosen channel, feature by feature."""
        read, system = self.sequence(), self.system()
        time = min(self.time, len(read.tokens) - 1)
        states = system.states(read.values)
        blocks = (system.transition, system.input, system.output, states)
        columns = [
            block[time].expand(system.n, layer.CHANNELS)[:, self.channel] for block in blocks
        ]
        output = system.run(read.values)[time, self.channel]
        title = (
            f"Numbers of step {time}, channel {self.channel}: "
            f"u = {number(float(read.values[time, self.channel]))}, y = {number(float(output))}"
        )
        rows = [[str(a), *(_text(column[a]) for column in columns)] for a in range(system.n)]
        return title, ["a", "Λ", "B", "C", "H"], rows


def _matrix(system: LTVSystem, channel: int) -> Tensor:
    phi = system.matrix()
    return phi[channel] if phi.ndim == 3 else phi


def _largest(values: Tensor) -> float:
    return float(values.abs().max()) or 1.0


def _common(phi: Tensor) -> float:
    """A size that all but the largest entries stay below: few must not make the others pale."""
    sizes = phi[phi != 0].abs().sort().values
    return float(sizes[int(0.97 * (len(sizes) - 1))]) if len(sizes) else 1.0


def _text(value: Tensor) -> str:
    if not torch.is_complex(value):
        return number(float(value))
    sign = "−" if value.imag < 0 else "+"
    return f"{number(float(value.real))}{sign}{number(abs(float(value.imag)))}i"
