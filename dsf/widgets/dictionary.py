"""How many questions a dictionary with room for some pairs answers: the hook of chapter 10."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import torch
import traitlets

from dsf import mqar
from dsf.widgets.base import STATIC
from dsf.widgets.hook import Hook

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
            f"A dictionary reads {PAIRS} pairs and is then asked for each key; when it is full, it "
            f"forgets its oldest pair. As first shown, with room for {self.capacity} pairs, it "
            f"answers {right} of {PAIRS} questions. To try: the least room that beats a guess "
            "among the values shown."
        )


@cache
def answered(capacity: int) -> float:
    """The share of the questions that a dictionary answers; when it is full the oldest pair goes.

    Args:
        capacity: pairs that it can hold.

    Returns:
        A number from 0 to 1.
    """
    inputs, labels = mqar.generate(1, TASK.seq_len, PAIRS, TASK.vocab_size)  # all score alike
    predictions = torch.zeros_like(inputs)
    tokens = inputs[0].tolist()
    memory: dict[int, int] = {}
    for i, token in enumerate(tokens):
        if i < 2 * PAIRS and i % 2:
            memory[tokens[i - 1]] = token
            if len(memory) > capacity:
                memory.pop(next(iter(memory)))
        predictions[0, i] = memory.get(token, mqar.FILLER)
    return mqar.accuracy(predictions, labels)
