"""Recall with forgetting: a key may be written again, and its last value is the answer.

Of K keys M are written twice, each time with another value; all writes come in random order. Later
each key is asked once. With K = 2, M = 1 and L = 12 positions:

    position   0   1   2   3   4   5   6   7   8   9  10  11
    input     k1  v1  k2  v2  k1  v3  k2   0   0   0  k1   0
    answer     .   .   .   .   .   .  v2   .   .   .  v3   .

A memory that adds, as that of linear attention, holds v1 and v3 with equal weight and cannot tell
which was later; one that decays weighs v3 more, but fades all; the delta rule takes v1 out when it
writes v3. Softmax attention without positions sees a set too. What the short convolution shows it
of the order is little: which write was the first of all, and which of two neighbours is the later.
With the default sizes a reader who knows that and no more is right in 0.83 of the questions, where
one who knows nothing of the order is in 0.75.

Source: Schlag et al., "Linear Transformers Are Secretly Fast Weight Programmers" (ICML 2021), who
compare update rules on keys that come again with other values; here in the form of MQAR, after
Arora et al., "Zoology" (ICLR 2024).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dsf._checks import check_integer
from dsf.tasks.base import Batch, Sizes, Split, Task, check_draw, check_fields
from dsf.tasks.sampling import distinct

__all__ = ["Overwrite"]


@dataclass(frozen=True, kw_only=True)
class Overwrite(Task):
    """The task with its sizes.

    Token 0 is the filler, keys are tokens from 1 to V//2 - 1, values those from V//2 on. Keys
    differ, and all values of a sequence differ. The K + M writes fill the first 2(K + M) positions,
    every order equally likely. The rest forms slots of two tokens, of which each key gets one,
    uniformly: the key, then a filler. Every other slot is filler.

    Attributes:
        seq_len: length L, even and at least 2(K + M) + 2K.
        num_kv_pairs: number of keys K.
        num_overwrites: number M of keys that are written twice, from 1 to K.
        vocab_size: vocabulary V, with at least K keys and K + M values.
        stop_accuracy: stop once validation accuracy reaches it; None to run all steps.

    Raises:
        ValueError: naming the field, its value and what is allowed.

    Example:
        >>> from dsf.tasks import Overwrite
        >>> task = Overwrite(seq_len=12, num_kv_pairs=2, num_overwrites=1, vocab_size=16)
        >>> inputs, positions, targets = task.draw(1, seed=3)
        >>> inputs
        tensor([[ 4,  8,  5,  9,  5, 13,  4,  0,  5,  0,  0,  0]])
        >>> positions, targets
        (tensor([[6, 8]]), tensor([[ 8, 13]]))
    """

    seq_len: int = 64
    num_kv_pairs: int = 8
    num_overwrites: int = 4
    vocab_size: int = 128
    stop_accuracy: float | None = 0.995

    def check(self) -> None:  # noqa: D102
        integers = dict.fromkeys(("seq_len", "num_kv_pairs", "num_overwrites", "vocab_size"), 1)
        goal = {"stop_accuracy": (0.0, 1.0, False)}
        check_fields(self, integers, goal, optional=("stop_accuracy",))
        keys, again = self.num_kv_pairs, self.num_overwrites
        check_integer("num_overwrites", again, 1, keys)
        least = 2 * (keys + again) + 2 * keys
        if self.seq_len % 2 or self.seq_len < least:
            raise ValueError(
                f"seq_len is {self.seq_len}, expected an even number, at least {least} = "
                "2 * (num_kv_pairs + num_overwrites) + 2 * num_kv_pairs"
            )
        least = max(2 * (keys + 1), 2 * (keys + again) - 1)
        if self.vocab_size < least:
            raise ValueError(
                f"vocab_size is {self.vocab_size}, expected at least {least}, for "
                f"num_kv_pairs = {keys} keys and {keys + again} values"
            )

    @property
    def sizes(self) -> Sizes:
        """L, V and the number of questions, K; the answers are tokens."""
        return Sizes(self.seq_len, self.vocab_size, self.num_kv_pairs)

    @property
    def goal(self) -> float | None:
        """`stop_accuracy`."""
        return self.stop_accuracy

    def draw(self, num_examples: int, seed: int, split: Split = "train") -> Batch:  # noqa: D102
        rows, seed = check_draw(num_examples, seed, split)
        children = np.random.SeedSequence(seed).spawn(4)
        key_stream, value_stream, order_stream, slot_stream = map(np.random.default_rng, children)
        num_keys, again, first_value = self.num_kv_pairs, self.num_overwrites, self.vocab_size // 2
        writes = num_keys + again
        keys = 1 + distinct(key_stream, rows, num_keys, first_value - 1)
        values = first_value + distinct(value_stream, rows, writes, self.vocab_size - first_value)
        order = distinct(order_stream, rows, writes, writes)  # of write w the w-th column

        # Keys come in random order, so the M that are written twice may be the first of them.
        x = np.zeros((rows, self.seq_len), dtype=np.int64)
        np.put_along_axis(x, 2 * order, np.hstack([keys, keys[:, :again]]), axis=1)
        np.put_along_axis(x, 2 * order + 1, values, axis=1)
        answers = values[:, :num_keys].copy()
        later = order[:, num_keys:] > order[:, :again]
        answers[:, :again] = np.where(later, values[:, num_keys:], answers[:, :again])

        asked = 2 * writes + 2 * distinct(slot_stream, rows, num_keys, self.seq_len // 2 - writes)
        np.put_along_axis(x, asked, keys, axis=1)
        rank = asked.argsort(1)
        positions, targets = (np.take_along_axis(z, rank, 1) for z in (asked, answers))
        return torch.from_numpy(x), torch.from_numpy(positions), torch.from_numpy(targets)

    def chance_levels(self) -> dict[str, float]:
        """Accuracy of readers who have not learnt which value is the last.

        Returns:
            `"any value"` and `"any value shown"`: a uniform guess among those; `"any value of the
            key"`: one who keeps all values of every key, and of two takes either.
        """
        keys, again = self.num_kv_pairs, self.num_overwrites
        return {
            "any value": 1 / (self.vocab_size - self.vocab_size // 2),
            "any value shown": 1 / (keys + again),
            "any value of the key": 1 - again / (2 * keys),
        }
