"""Recall in one step and in two: what a key leads to is a key itself.

Each of K chains is written as two pairs, key and middle, middle and value, and all 2K pairs come in
random order. Later each key and each middle is asked once, and the answer is the value at the end
of its chain. With K = 2 and L = 16 positions:

    position   0   1   2   3   4   5   6   7   8   9  10  11  12  13  14  15
    input     m2  v2  k1  m1  k2  m2  m1  v1  k2   0  m1   0  m2   0  k1   0
    answer     .   .   .   .   .   .   .   .  v2   .  v1   .  v2   .  v1   .

A middle takes one look-up, a key two, of which the second has to wait for what the first found. One
layer looks up once, so it can but guess for the keys, whatever its memory; two layers need not. A
convolution of more than two taps is a way around that: where the two pairs of a chain are
neighbours, four taps see both at once.

Where all middles have been given their values before the keys are written (`values_first`), the
value can be looked up while the text is read, by the middle beside its key. In any order it may
come later, and nothing but the question can look up twice.

Source: Peng, Narayanan and Papadimitriou, "On Limitations of the Transformer Architecture" (COLM
2024), on what one layer cannot compose; here in the form of MQAR, after Arora et al., "Zoology"
(ICLR 2024).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dsf.tasks.base import Batch, Sizes, Split, Task, check_draw, check_fields
from dsf.tasks.sampling import distinct

__all__ = ["Composition"]


@dataclass(frozen=True, kw_only=True)
class Composition(Task):
    """The task with its sizes.

    Token 0 is the filler; with T = V//3, keys are tokens from 1 to T - 1, middles from T to
    2T - 1, values those from 2T on. None stands in two chains. The 2K pairs fill the first 4K
    positions, every order equally likely; with `values_first` those with values come first. The
    rest forms slots of two tokens, of which each key and each middle gets one, uniformly: itself,
    then a filler. Every other slot is filler.

    Attributes:
        seq_len: length L, even and at least 8K.
        num_chains: number of chains K.
        vocab_size: vocabulary V, at least 3(K + 1).
        values_first: whether the pairs with the values are written before those with the keys.
        stop_accuracy: stop once validation accuracy reaches it; None to run all steps.

    Raises:
        ValueError: naming the field, its value and what is allowed.

    Example:
        >>> from dsf.tasks import Composition
        >>> task = Composition(seq_len=16, num_chains=2, vocab_size=15)
        >>> inputs, positions, targets = task.draw(1, seed=3)
        >>> inputs
        tensor([[ 8, 14,  2,  5,  3,  8,  5, 10,  8,  0,  5,  0,  2,  0,  3,  0]])
        >>> positions, targets
        (tensor([[ 8, 10, 12, 14]]), tensor([[14, 10, 10, 14]]))
    """

    seq_len: int = 32
    num_chains: int = 4
    vocab_size: int = 48
    values_first: bool = False
    stop_accuracy: float | None = 0.995

    def check(self) -> None:  # noqa: D102
        goal = {"stop_accuracy": (0.0, 1.0, False)}
        integers = dict.fromkeys(("seq_len", "num_chains", "vocab_size"), 1)
        check_fields(self, integers, goal, ("values_first",), optional=("stop_accuracy",))
        chains = self.num_chains
        if self.seq_len % 2 or self.seq_len < 8 * chains:
            raise ValueError(
                f"seq_len is {self.seq_len}, expected an even number, at least {8 * chains} = "
                "8 * num_chains, the space for the pairs and the questions"
            )
        if self.vocab_size < 3 * (chains + 1):
            raise ValueError(
                f"vocab_size is {self.vocab_size}, expected at least {3 * (chains + 1)} = "
                "3 * (num_chains + 1), for as many keys, middles and values"
            )

    @property
    def sizes(self) -> Sizes:
        """L, V and the number of questions, 2K; the answers are tokens."""
        return Sizes(self.seq_len, self.vocab_size, 2 * self.num_chains)

    @property
    def goal(self) -> float | None:
        """`stop_accuracy`."""
        return self.stop_accuracy

    def draw(self, num_examples: int, seed: int, split: Split = "train") -> Batch:  # noqa: D102
        rows, seed = check_draw(num_examples, seed, split)
        streams = [*map(np.random.default_rng, np.random.SeedSequence(seed).spawn(5))]
        chains, third = self.num_chains, self.vocab_size // 3
        keys = 1 + distinct(streams[0], rows, chains, third - 1)
        middles = third + distinct(streams[1], rows, chains, third)
        values = 2 * third + distinct(streams[2], rows, chains, self.vocab_size - 2 * third)
        if self.values_first:
            of_key, of_middle = (distinct(streams[3], rows, chains, chains) for _ in range(2))
            order = np.hstack([chains + of_key, of_middle])
        else:
            order = distinct(streams[3], rows, 2 * chains, 2 * chains)  # where each pair comes

        x = np.zeros((rows, self.seq_len), dtype=np.int64)
        np.put_along_axis(x, 2 * order, np.hstack([keys, middles]), axis=1)
        np.put_along_axis(x, 2 * order + 1, np.hstack([middles, values]), axis=1)
        slots = distinct(streams[4], rows, 2 * chains, self.seq_len // 2 - 2 * chains)
        asked = 4 * chains + 2 * slots
        np.put_along_axis(x, asked, np.hstack([keys, middles]), axis=1)
        rank, answers = asked.argsort(1), np.hstack([values, values])
        positions, targets = (np.take_along_axis(z, rank, 1) for z in (asked, answers))
        return torch.from_numpy(x), torch.from_numpy(positions), torch.from_numpy(targets)

    def chance_levels(self) -> dict[str, float]:
        """Accuracy of readers who have not learnt to look up, or only once.

        Returns:
            `"any value"` and `"any value shown"`: a uniform guess among those; `"one step"`: one
            who knows the value of a middle, and for a key guesses among those shown.
        """
        number, guess = self.vocab_size - 2 * (self.vocab_size // 3), 1 / self.num_chains
        return {
            "any value": 1 / number,
            "any value shown": guess,
            "one step": (1 + guess) / 2,
        }
