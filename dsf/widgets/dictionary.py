"""How many questions a dictionary with room for some pairs answers: the hook of chapter 10."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import torch
import traitlets

from dsf import mqar
from dsf.widgets.base import STATIC
from dsf.widgets.hook import Hook

SEQUENCES = 100
TASK = mqar.MQAR()
PAIRS = TASK.num_kv_pairs


class DictionaryRecall(Hook):
    """How many of the questions of MQAR a dictionary answers that forgets its oldest pair.

    Attributes:
        capacity: pairs that it can hold, 0 to 8.

    Source: chapter 10.
    """

    name: ClassVar[str] = "dictionary"
    _esm = STATIC / "dictionary.mjs"
    head = ("pairs held", f"of {PAIRS} questions answered")
    places = tuple(range(PAIRS + 1))

    capacity = traitlets.Int(5, min=0, max=PAIRS).tag(sync=True, figure=True)

    def row(self, place: float) -> list[str]:
        """The questions answered."""
        return [f"{PAIRS * answered(int(place)):g}"]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        [right] = self.row(self.capacity)
        return (
            f"A dictionary reads {SEQUENCES} sequences of {PAIRS} pairs and is then asked for each "
            f"key. As first shown, with room for {self.capacity} pairs, it answers {right} of "
            f"{PAIRS} questions. To try: the least room that beats a guess among the values shown."
        )


@cache
def answered(capacity: int) -> float:
    """The share of the questions that a dictionary answers; when it is full the oldest pair goes.

    Args:
        capacity: pairs that it can hold.

    Returns:
        A number from 0 to 1.
    """
    inputs, labels = mqar.generate(SEQUENCES, TASK.seq_len, PAIRS, TASK.vocab_size)
    predictions = torch.zeros_like(inputs)
    for row, tokens in enumerate(inputs.tolist()):
        memory: dict[int, int] = {}
        for i, token in enumerate(tokens):
            if i < 2 * PAIRS and i % 2:
                memory[tokens[i - 1]] = token
                if len(memory) > capacity:
                    memory.pop(next(iter(memory)))
            predictions[row, i] = memory.get(token, mqar.FILLER)
    return mqar.accuracy(predictions, labels)
