"""Selective copying: tokens that stand at random places among filler are asked for in their order.

With M = 3 tokens and L = 10 positions (token 0 is the filler, 1 asks):

    position   0   1   2   3   4   5   6   7   8   9
    input      0  t1   0   0  t2  t3   0   1   1   1
    answer     .   .   .   .   .   .   .  t1  t2  t3

Because the distances vary, a fixed convolution kernel cannot do it: what is kept has to depend on
the token. And because all questions look alike, a model has to know how many it has answered.

Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023),
sections 3.1 and 4.1.1; the plain copying task is that of Arjovsky et al. (2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dsf.tasks.base import Batch, Sizes, Split, Task, check_draw, check_fields
from dsf.tasks.sampling import distinct

__all__ = ["SelectiveCopying"]

_FILLER, _ASK = 0, 1


@dataclass(frozen=True, kw_only=True)
class SelectiveCopying(Task):
    """The task with its sizes.

    The M tokens are drawn from 2 to V - 1, each by itself, so that one may stand twice. Their
    places among the first L - M positions are any of the sets of M, equally likely.

    Attributes:
        seq_len: length L, at least 2M.
        num_tokens: number M of tokens to remember.
        vocab_size: vocabulary V, filler and question included, at least 4.
        stop_accuracy: stop once validation accuracy reaches it; None to run all steps.

    Raises:
        ValueError: naming the field, its value and what is allowed.

    Example:
        >>> from dsf.tasks import SelectiveCopying
        >>> task = SelectiveCopying(seq_len=10, num_tokens=3, vocab_size=8)
        >>> inputs, positions, targets = task.draw(1, seed=0)
        >>> inputs
        tensor([[0, 6, 0, 0, 7, 2, 0, 1, 1, 1]])
        >>> positions, targets
        (tensor([[7, 8, 9]]), tensor([[6, 7, 2]]))
    """

    seq_len: int = 32
    num_tokens: int = 4
    vocab_size: int = 16
    stop_accuracy: float | None = 0.995

    def check(self) -> None:  # noqa: D102
        goal = {"stop_accuracy": (0.0, 1.0, False)}
        integers = {"seq_len": 1, "num_tokens": 1, "vocab_size": 4}
        check_fields(self, integers, goal, optional=("stop_accuracy",))
        if self.seq_len < 2 * self.num_tokens:
            raise ValueError(
                f"seq_len is {self.seq_len}, expected at least {2 * self.num_tokens} = "
                "2 * num_tokens, the space for the tokens and the questions"
            )

    @property
    def sizes(self) -> Sizes:
        """L, V and the number of questions, M; the answers are tokens."""
        return Sizes(self.seq_len, self.vocab_size, self.num_tokens)

    @property
    def goal(self) -> float | None:
        """`stop_accuracy`."""
        return self.stop_accuracy

    def draw(self, num_examples: int, seed: int, split: Split = "train") -> Batch:  # noqa: D102
        rows, seed = check_draw(num_examples, seed, split)
        children = np.random.SeedSequence(seed).spawn(2)
        token_stream, place_stream = map(np.random.default_rng, children)
        many, shown = self.num_tokens, self.seq_len - self.num_tokens
        tokens = token_stream.integers(_ASK + 1, self.vocab_size, size=(rows, many))
        places = np.sort(distinct(place_stream, rows, many, shown), axis=1)
        x = np.full((rows, self.seq_len), _FILLER, dtype=np.int64)
        x[:, shown:] = _ASK
        np.put_along_axis(x, places, tokens, axis=1)
        positions = torch.arange(shown, self.seq_len).repeat(rows, 1)
        return torch.from_numpy(x), positions, torch.from_numpy(tokens)

    def chance_levels(self) -> dict[str, float]:
        """Accuracy of readers who have not learnt the order.

        Returns:
            `"any token"`: a uniform guess among the V - 2; `"any token shown"`: the token of a
            place that is drawn among the M.
        """
        any_token = 1 / (self.vocab_size - 2)
        right_place = 1 / self.num_tokens
        return {
            "any token": any_token,
            "any token shown": right_place + (1 - right_place) * any_token,
        }
