"""How many features linear attention needs to do as normalised attention: the hook of chapter 4."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import traitlets

from dsf import results
from dsf.config import TrainConfig, experiment
from dsf.widgets.base import STATIC, percent
from dsf.widgets.hook import Hook

SIZES = (4, 8, 16, 32, 64)


class RecallReached(Hook):
    """Recorded accuracy of linear attention with n features beside normalised attention with four.

    The task is that of chapter 10: eight pairs, one layer of 64 channels, three seeds.

    Attributes:
        n: features of linear attention, 4, 8, 16, 32 or 64.
        linear: for each n the test accuracies of the seeds.
        normalized: those of normalised attention with n = 4.

    Source: chapter 4.
    """

    name: ClassVar[str] = "reached"
    _esm = STATIC / "reached.mjs"
    head = ("log₂ n", "n", "numbers in the state", "linear attention", "three seeds")
    places = (2, 3, 4, 5, 6)

    n = traitlets.Enum(SIZES, SIZES[0]).tag(sync=True, figure=True)
    linear = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    normalized = traitlets.List(traitlets.Float()).tag(sync=True)

    @traitlets.default("linear")
    def _linear(self) -> list[list[float]]:
        return [list(accuracies("linear", n)) for n in SIZES]

    @traitlets.default("normalized")
    def _normalized(self) -> list[float]:
        return list(accuracies("normalized", SIZES[0]))

    def state(self) -> dict[str, Any]:
        """What the reader can change, and what was recorded."""
        return {**super().state(), "linear": self.linear, "normalized": self.normalized}

    def row(self, place: float) -> list[str]:
        """n, size of the state, mean and range of the accuracy."""
        n = 2 ** int(place)
        seeds, numbers = self.linear[SIZES.index(n)], n * TrainConfig.d_model
        return [f"{n}", f"{numbers}", percent(_mean(seeds)), _range(seeds)]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        accuracy = percent(_mean(self.linear[SIZES.index(self.n)]))
        return (
            f"Right answers of trained models of one layer, d = {TrainConfig.d_model}, that read "
            "eight pairs: the mean of three recorded runs each, and above the bar, at the right, "
            f"their range. As first shown, linear attention with n = {self.n} finds {accuracy}, "
            f"normalised attention "
            f"{percent(_mean(self.normalized))} with n = {SIZES[0]}. The sum of keys that linear "
            "attention carries as well, n numbers, is not counted as state. To try: the n with "
            "which linear attention is ahead in the mean."
        )


@cache
def accuracies(mixer: str, n: int) -> tuple[float, ...]:
    """Recorded test accuracies on the task of chapter 10, a number for each seed.

    Args:
        mixer: a key of `dsf.mixers.MIXERS`.
        n: state expansion.

    Returns:
        The accuracies at the learning rate that validation chose.
    """
    wanted = experiment(TrainConfig(mixer=mixer, n=n))
    del wanted["learning_rate"]
    [cell] = (cell for cell in _cells() if cell.config == wanted)
    return cell.accuracy


@cache
def _cells() -> tuple[results.Cell, ...]:
    return tuple(results.cells(results.recorded("mqar")))


def _mean(seeds: list[float]) -> float:
    return sum(seeds) / len(seeds)


def _range(seeds: list[float]) -> str:
    return f"{percent(min(seeds))} to {percent(max(seeds))}"
