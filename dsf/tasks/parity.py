"""Parity: is the number of ones so far odd?

    position   0  1  2  3  4  5
    input      1  0  1  1  0  1
    answer     1  1  0  1  1  0

The smallest task that asks to follow a state: every one turns the answer around, however long ago
it was. A linear recurrence can do it with a transition of -1 for a one. In finite precision none
whose transitions have only positive eigenvalues can do it at every length, whatever its width; in a
short sequence the number of ones can still be held and looked up. A short convolution of four taps
shows the first four answers whatever comes after it: with L = 32 that alone makes 0.56.

Source: Merrill et al., "The Illusion of State in State-Space Models" (ICML 2024); Grazzi et al.,
"Unlocking State-Tracking in Linear RNNs Through Negative Eigenvalues" (ICLR 2025).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dsf.tasks.base import Batch, Sizes, Split, Task, check_draw, check_fields

__all__ = ["Parity"]


@dataclass(frozen=True, kw_only=True)
class Parity(Task):
    """The task with its length. Bits are independent, 0 and 1 equally likely; there are 2 classes.

    Attributes:
        seq_len: number L of bits.
        every_position: whether the parity so far is asked after every bit, or only after the last.
        stop_accuracy: stop once validation accuracy reaches it; None to run all steps.

    Raises:
        ValueError: naming the field, its value and what is allowed.

    Example:
        >>> from dsf.tasks import Parity
        >>> inputs, positions, targets = Parity(seq_len=6).draw(1, seed=0)
        >>> inputs, targets
        (tensor([[1, 1, 1, 0, 0, 0]]), tensor([[1, 0, 1, 1, 1, 1]]))
    """

    seq_len: int = 32
    every_position: bool = True
    stop_accuracy: float | None = 0.995

    def check(self) -> None:  # noqa: D102
        goal = {"stop_accuracy": (0.0, 1.0, False)}
        check_fields(self, {"seq_len": 1}, goal, ("every_position",), ("stop_accuracy",))

    @property
    def sizes(self) -> Sizes:
        """L, two tokens, L questions or one, two classes."""
        return Sizes(self.seq_len, 2, self.seq_len if self.every_position else 1, classes=2)

    @property
    def goal(self) -> float | None:
        """`stop_accuracy`."""
        return self.stop_accuracy

    def draw(self, num_examples: int, seed: int, split: Split = "train") -> Batch:  # noqa: D102
        rows, seed = check_draw(num_examples, seed, split)
        stream = np.random.default_rng(seed)
        bits = torch.from_numpy(stream.integers(2, size=(rows, self.seq_len)))
        first = 0 if self.every_position else self.seq_len - 1
        positions = torch.arange(first, self.seq_len).repeat(rows, 1)
        return bits, positions, (bits.cumsum(1) % 2)[:, first:].contiguous()

    def chance_levels(self) -> dict[str, float]:
        """Accuracy of readers who follow nothing.

        Returns:
            `"either"`: a guess; `"the last bit"`: one who answers with the bit at hand, which is
            right where no other came before.
        """
        asked = self.sizes.questions
        first = 1 if self.every_position or self.seq_len == 1 else 0
        return {"either": 0.5, "the last bit": 0.5 + first / (2 * asked)}
