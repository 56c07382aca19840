"""MQAR, multi-query associative recall: the task on which the sequence models are compared.

A sequence shows K key-value pairs and later asks for the keys again, one at a time; the model must
answer each with the value it was shown. With K = 2 pairs and L = 12 positions:

    position   0   1   2   3   4   5   6   7   8   9  10  11
    input     k1  v1  k2  v2  k2   0   0   0  k1   0   0   0
    label      .   .   .   .  v2   .   .   .  v1   .   .   .

Source: Arora et al., "Zoology" (ICLR 2024), in the version of Sieber et al. (2024), section 4;
chapter 10 of the book.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from dsf._checks import (
    check_arrays,
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_values,
)
from dsf.tasks.base import Batch, Sizes, Split, Task, check_fields
from dsf.tasks.sampling import distinct, plackett_luce

__all__ = [
    "FILLER",
    "MQAR",
    "NOT_ASKED",
    "accuracy",
    "asked_positions",
    "chance_levels",
    "check_task",
    "describe",
    "distinct",
    "generate",
    "plackett_luce",
]

FILLER = 0
"""The token of every position that holds neither a key nor a value."""

NOT_ASKED = -100
"""The label of every position at which nothing is asked (PyTorch's `ignore_index`)."""

_BLOCK_TOKENS = 2**18  # tokens made at a time: the working arrays stay within a few MB


@dataclass(frozen=True, kw_only=True)
class MQAR(Task):
    """The task with its sizes; the defaults are those of chapter 10.

    Attributes:
        seq_len: length L of a sequence; see `generate` for this and the next five.
        num_kv_pairs: number of pairs K.
        vocab_size: vocabulary V.
        power_a: exponent of the slot weights.
        random_non_queries: whether filler is replaced by random tokens.
        queries_per_key: how often each key is asked.
        stop_accuracy: stop once validation accuracy reaches it; None to run all steps.

    Raises:
        ValueError: naming the field, its value and what is allowed.
    """

    seq_len: int = 64
    num_kv_pairs: int = 8
    vocab_size: int = 128
    power_a: float = 0.01
    random_non_queries: bool = False
    queries_per_key: int = 1
    stop_accuracy: float | None = 0.995

    def check(self) -> None:  # noqa: D102
        sizes = ("seq_len", "num_kv_pairs", "vocab_size", "queries_per_key")
        numbers = {"power_a": (-10.0, 10.0, False), "stop_accuracy": (0.0, 1.0, False)}
        flags, optional = ("random_non_queries",), ("stop_accuracy",)
        check_fields(self, dict.fromkeys(sizes, 1), numbers, flags, optional)
        check_task(
            self.seq_len, self.num_kv_pairs, self.vocab_size, queries_per_key=self.queries_per_key
        )

    @property
    def sizes(self) -> Sizes:
        """L, V and the number of questions; the answers are tokens."""
        return Sizes(self.seq_len, self.vocab_size, self.num_kv_pairs * self.queries_per_key)

    @property
    def goal(self) -> float | None:
        """`stop_accuracy`."""
        return self.stop_accuracy

    def draw(self, num_examples: int, seed: int, split: Split = "train") -> Batch:  # noqa: D102
        check_choice("split", split, get_args(Split))
        inputs, labels = generate(
            num_examples,
            self.seq_len,
            self.num_kv_pairs,
            self.vocab_size,
            self.power_a,
            self.random_non_queries,
            self.queries_per_key,
            seed,
        )
        positions = asked_positions(labels)
        return inputs, positions, labels.gather(1, positions)

    def chance_levels(self) -> dict[str, float]:  # noqa: D102
        return chance_levels(self.num_kv_pairs, self.vocab_size)


def generate(
    num_examples: int,
    seq_len: int = 64,
    num_kv_pairs: int = 8,
    vocab_size: int = 8192,
    power_a: float = 0.01,
    random_non_queries: bool = False,
    queries_per_key: int = 1,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Draw MQAR sequences.

    Each sequence, with K pairs, L positions, vocabulary V and R questions a key:

    1. K distinct keys, uniform on {1, ..., V//2 - 1}, and K distinct values, uniform on
       {V//2, ..., V - 1}, each in uniformly random order. They fill positions 0 to 2K - 1 as
       k_1 v_1 k_2 v_2 ... k_K v_K. Token 0 is the filler.
    2. The other positions form S = (L - 2K)/2 slots of two tokens. K·R of them are drawn one after
       the other without replacement, slot g = 0, ..., S - 1 with probability proportional to
       (g + 1)^(a - 1) among those left (the Plackett-Luce law).
    3. The m-th slot drawn asks for key m mod K: the key is its first token, the filler its second.
       The label at the key's position is the value of that key. The answer is never shown.

    Early keys therefore tend to be asked early, as in the reference generator. With a = 0.01 most
    questions come soon after the pairs; a = 1 spreads them evenly.

    The seed opens one random stream each for keys, values, slots and filler, and an example takes a
    fixed place in each: the first 100 of 1000 examples are the 100 examples of the same seed.

    Args:
        num_examples: number of sequences, at least 1.
        seq_len: length L, even and at least 2K(1 + R).
        num_kv_pairs: number of pairs K, at least 1.
        vocab_size: vocabulary V, more than L and with at least K keys, V//2 - 1 >= K.
        power_a: the exponent a, from -10 to 10.
        random_non_queries: replace every filler token by one drawn uniformly from {0, ..., V - 1}.
        queries_per_key: number of times R that each key is asked, at least 1.
        seed: non-negative integer.

    Returns:
        `(inputs, labels)`, both (num_examples, seq_len) and int64; labels are -100 where nothing
        is asked. Peak memory stays below 1.5 times these two arrays (beyond a few MB).

    Raises:
        ValueError: an argument is out of range, or the sequence has too little space.

    Example:
        >>> inputs, labels = dsf.mqar.generate(1, seq_len=12, num_kv_pairs=2, vocab_size=16, seed=0)
        >>> inputs
        tensor([[ 6, 13,  7, 12,  7,  0,  6,  0,  0,  0,  0,  0]])
        >>> labels
        tensor([[-100, -100, -100, -100,   12, -100,   13, -100, -100, -100, -100, -100]])
    """
    check_task(
        seq_len,
        num_kv_pairs,
        vocab_size,
        power_a=power_a,
        random_non_queries=random_non_queries,
        queries_per_key=queries_per_key,
    )
    num_examples = check_integer("num_examples", num_examples)
    seed = check_integer("seed", seed, low=0)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)]
    key_stream, value_stream, slot_stream, filler_stream = streams

    inputs = np.full((num_examples, seq_len), FILLER, dtype=np.int64)
    labels = np.full((num_examples, seq_len), NOT_ASKED, dtype=np.int64)
    pairs, num_queries = 2 * num_kv_pairs, num_kv_pairs * queries_per_key
    num_slots = (seq_len - pairs) // 2
    first_value = vocab_size // 2
    for rows in _blocks(num_examples, max(1, _BLOCK_TOKENS // seq_len)):
        x, y = inputs[rows], labels[rows]  # views
        keys = 1 + distinct(key_stream, len(x), num_kv_pairs, first_value - 1)
        values = first_value + distinct(
            value_stream, len(x), num_kv_pairs, vocab_size - first_value
        )
        x[:, 0:pairs:2], x[:, 1:pairs:2] = keys, values
        asked = pairs + 2 * plackett_luce(slot_stream, len(x), num_queries, num_slots, power_a)
        np.put_along_axis(x, asked, np.tile(keys, queries_per_key), axis=1)
        np.put_along_axis(y, asked, np.tile(values, queries_per_key), axis=1)
        if random_non_queries:
            empty = x == FILLER  # the same number in every row, so streams stay in step
            x[empty] = filler_stream.integers(vocab_size, size=np.count_nonzero(empty))
    return torch.from_numpy(inputs), torch.from_numpy(labels)


def check_task(
    seq_len: int,
    num_kv_pairs: int,
    vocab_size: int,
    *,
    power_a: float = 0.01,
    random_non_queries: bool = False,
    queries_per_key: int = 1,
) -> None:
    """Check that the arguments of `generate` describe a possible task, without drawing anything.

    Args:
        seq_len: length L.
        num_kv_pairs: number of pairs K.
        vocab_size: vocabulary V.
        power_a: exponent of the slot weights.
        random_non_queries: whether filler is replaced by random tokens.
        queries_per_key: number of times R that each key is asked.

    Raises:
        ValueError: naming the argument, its value and what was expected.
    """
    seq_len = check_integer("seq_len", seq_len)
    pairs = check_integer("num_kv_pairs", num_kv_pairs)
    vocab_size = check_integer("vocab_size", vocab_size)
    asks = check_integer("queries_per_key", queries_per_key)
    if seq_len % 2:
        raise ValueError(f"seq_len is {seq_len}, expected an even number")
    if 2 * pairs * (1 + asks) > seq_len:
        raise ValueError(
            f"seq_len is {seq_len}, expected at least {2 * pairs * (1 + asks)} = "
            f"2 * num_kv_pairs * (1 + queries_per_key), the space for num_kv_pairs = {pairs} pairs "
            f"and queries_per_key = {asks} questions of each"
        )
    if vocab_size <= seq_len:
        raise ValueError(f"vocab_size is {vocab_size}, expected more than seq_len = {seq_len}")
    # K keys fit into V//2 - 1 because V > L >= 4K; values are never fewer than keys.
    check_number("power_a", power_a, -10, 10)
    check_flag("random_non_queries", random_non_queries)


def chance_levels(num_kv_pairs: int, vocab_size: int) -> dict[str, float]:
    """Accuracy of two readers who have not learnt to recall: the lines to draw in every plot.

    Args:
        num_kv_pairs: number of pairs K.
        vocab_size: vocabulary V.

    Returns:
        `"any value"`: a uniform guess among all V - V//2 values, and `"any value shown"`: a uniform
        guess among the K values of the sequence.

    Raises:
        ValueError: there is no pair, or less than two tokens.

    Example:
        >>> dsf.mqar.chance_levels(num_kv_pairs=8, vocab_size=128)
        {'any value': 0.015625, 'any value shown': 0.125}
    """
    num_kv_pairs = check_integer("num_kv_pairs", num_kv_pairs)
    vocab_size = check_integer("vocab_size", vocab_size, low=2)
    return {
        "any value": 1 / (vocab_size - vocab_size // 2),
        "any value shown": 1 / num_kv_pairs,
    }


def asked_positions(labels: Tensor) -> Tensor:
    """Positions at which something is asked.

    Args:
        labels: (num_examples, L) as `generate` returns them: every row asks equally often.

    Returns:
        int64 (num_examples, number of questions), increasing along each row.

    Raises:
        ValueError: labels are not such an array, rows differ in their number of questions or
            nothing is asked.
    """
    _check_integers(labels=(labels, "int64 (num_examples, L)"))
    asked = labels != NOT_ASKED
    counts = asked.sum(dim=1)
    fewest, most = int(counts.min()), int(counts.max())
    if fewest != most or most == 0:
        raise ValueError(
            f"labels has from {fewest} to {most} asked positions in a row, expected the same "
            "number, one or more, in every row"
        )
    return asked.nonzero()[:, 1].view(len(labels), -1)


def accuracy(predictions: Tensor, labels: Tensor) -> float:
    """Fraction of the questions that are answered correctly.

    Args:
        predictions: predicted tokens, the shape of `labels`; ignored where nothing is asked.
        labels: labels, -100 where nothing is asked.

    Returns:
        A number from 0 to 1.

    Raises:
        ValueError: they are not int64 arrays of one shape, or nothing is asked.
    """
    _check_integers(labels=(labels, "int64 (...)"))
    _check_integers(
        labels=(labels, "int64 (...)"), predictions=(predictions, f"int64 {tuple(labels.shape)}")
    )
    asked = labels != NOT_ASKED
    if not asked.any():
        raise ValueError("labels is -100 everywhere, expected at least one question")
    return float((predictions[asked] == labels[asked]).double().mean())


def describe(inputs: Tensor, labels: Tensor) -> str:
    """Write one sequence so that a person can read it.

    Args:
        inputs: tokens (L,) of one example.
        labels: its labels (L,).

    Returns:
        Two lines: the pairs shown as `key→value`, and the questions as `position: key→value`.

    Raises:
        ValueError: the arguments are not two int64 vectors of one length, or more keys are
            asked than the sequence has room for.
    """
    _check_integers(inputs=(inputs, "int64 (L,)"), labels=(labels, "int64 (L,)"))
    asked = (labels != NOT_ASKED).nonzero().flatten().tolist()
    tokens, answers = inputs.tolist(), labels.tolist()
    keys = len({tokens[i] for i in asked})  # every key is asked at least once
    if 2 * keys > len(tokens):
        raise ValueError(
            f"labels asks for {keys} keys, expected at most L/2 = {len(tokens) // 2}, as many as "
            "the sequence can show"
        )
    pairs = "  ".join(f"{tokens[i]}→{tokens[i + 1]}" for i in range(0, 2 * keys, 2))
    questions = "  ".join(f"{i}: {tokens[i]}→{answers[i]}" for i in asked)
    return f"pairs shown  {pairs}\nquestions    {questions}"


def _blocks(num_rows: int, block: int) -> Iterator[slice]:
    for start in range(0, num_rows, block):
        yield slice(start, min(start + block, num_rows))


def _check_integers(**arrays: tuple[Tensor, str]) -> None:
    check_arrays(arrays)
    check_values(**{name: x for name, (x, _) in arrays.items()})
