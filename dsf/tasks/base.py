"""What a task is to all that trains, records and compares: data, sizes, a metric and a goal.

A task is a frozen dataclass over `Task` whose fields are its parameters. It joins by an entry in
`dsf.tasks.TASKS`, and `dsf.config.config_class` puts its fields beside those of every run.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np
from torch import Tensor

from dsf._checks import check_choice, check_flag, check_integer, check_number

Batch = tuple[Tensor, Tensor, Tensor]
"""Inputs (B, L), asked positions (B, Q), their targets (B, Q), all int64."""

Split = Literal["train", "validation", "test"]
"""What data is for."""


@dataclass(frozen=True)
class Metric:
    """How the answers of a model are scored: the mean of a number for each, maybe transformed.

    Attributes:
        name: as reports and records have it; "accuracy" gives `test_accuracy`.
        of_answers: from logits (..., C) and targets (...) to a number for each answer, (...).
        of_mean: from the mean over all answers to the score.
        sign: 1 where larger scores are better, -1 where smaller ones are.
        low: lowest score.
        high: highest score.
    """

    name: str
    of_answers: Callable[[Tensor, Tensor], Tensor]
    of_mean: Callable[[float], float] = float
    sign: Literal[1, -1] = 1
    low: float = -math.inf
    high: float = math.inf

    @property
    def worst(self) -> float:
        """The score of a model that gives no answer, as one that diverged."""
        return self.low if self.sign > 0 else self.high

    def reached(self, score: float, goal: float) -> bool:
        """Whether a score is at least as good as a goal.

        Args:
            score: the score; NaN reaches nothing.
            goal: the goal.

        Returns:
            True if it is.
        """
        return self.sign * score >= self.sign * goal


def _right(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.argmax(-1) == targets


ACCURACY = Metric("accuracy", _right, low=0.0, high=1.0)
"""The fraction of the questions that are answered correctly."""


class Sizes(NamedTuple):
    """What a model has to fit.

    Attributes:
        length: tokens of the longest sequence, L.
        vocabulary: number of different tokens in an input, V.
        questions: number of questions that a sequence asks, Q.
        classes: number of possible answers where these are no tokens; None where they are.
    """

    length: int
    vocabulary: int
    questions: int = 1
    classes: int | None = None


@dataclass(frozen=True)
class Task(ABC):
    """What a model is trained on.

    A sequence of tokens asks questions at some of its positions, each of which has one right
    answer: a token, as in recall or language modelling, or a class, as where the last token of a
    sequence stands for the whole. Sequences of several lengths are filled up at their ends, which
    no causal model sees from its asked positions.

    Attributes:
        metric: how answers are scored; the same for all tasks of a class.
    """

    metric: ClassVar[Metric] = ACCURACY

    def __post_init__(self) -> None:
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Refuse parameters that are not possible; called when a task is made.

        Raises:
            ValueError: naming the parameter, its value and what was expected.
        """

    @property
    @abstractmethod
    def sizes(self) -> Sizes:
        """What a model has to fit."""

    @property
    @abstractmethod
    def goal(self) -> float | None:
        """The validation score at which a run may stop; None to run all steps."""

    @abstractmethod
    def draw(self, num_examples: int, seed: int, split: Split = "train") -> Batch:
        """Sequences with their questions, the same for the same arguments.

        Args:
            num_examples: number B of sequences.
            seed: of the draws. Training asks again and again, with another seed each time.
            split: what they are for; of no account to a task that makes its data, since the three
                splits of a run have seeds of their own.

        Returns:
            Inputs (B, L), asked positions (B, Q), their targets (B, Q), on the CPU.
        """

    @abstractmethod
    def chance_levels(self) -> dict[str, float]:
        """Scores of readers who have learnt nothing, by name: the lines to draw in every plot."""


def data_seeds(seed: int) -> dict[Split, int]:
    """Seeds of training, validation and test data, far from each other for every seed.

    Args:
        seed: of a run.

    Returns:
        A seed for each split.
    """
    train, validation, test = np.random.SeedSequence(seed).generate_state(3, np.uint64)
    return {"train": int(train), "validation": int(validation), "test": int(test)}


def check_draw(num_examples: int, seed: int, split: Split) -> tuple[int, int]:
    """Refuse arguments of `Task.draw` that are no such.

    Args:
        num_examples: number B of sequences, at least 1.
        seed: of the draws, at least 0.
        split: what they are for.

    Returns:
        num_examples and seed as `int`.

    Raises:
        ValueError: naming the argument, its value and what was expected.
    """
    check_choice("split", split, get_args(Split))
    return check_integer("num_examples", num_examples), check_integer("seed", seed, low=0)


def check_fields(
    config: Any,
    integers: Mapping[str, int | tuple[int, int]] | None = None,
    numbers: Mapping[str, tuple[float, float, bool]] | None = None,
    flags: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
) -> None:
    """Refuse fields of a frozen dataclass that are no plain numbers in their ranges.

    What is accepted is stored as `int` and `float`, so that equal configurations are equal as text.

    Args:
        config: the dataclass, in its `__post_init__`.
        integers: by name the smallest value, or the smallest and the largest.
        numbers: by name the lowest and highest value, and whether the lowest itself is excluded.
        flags: names of fields that are True or False.
        optional: names of `numbers` that may be None as well.

    Raises:
        ValueError: naming the field, its value and what was expected.
    """
    for name, bounds in (integers or {}).items():
        low, high = bounds if isinstance(bounds, tuple) else (bounds, None)
        value = check_integer(name, getattr(config, name), low, high)
        object.__setattr__(config, name, value)
    for name, (bottom, top, above) in (numbers or {}).items():
        if name in optional and getattr(config, name) is None:
            continue
        number = check_number(name, getattr(config, name), bottom, top, above)
        object.__setattr__(config, name, number)
    for name in flags:
        check_flag(name, getattr(config, name))
