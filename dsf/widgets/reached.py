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
        doublings: of the features of linear attention, from n = 4 to 64, 0 to 4.
        linear: for each n the test accuracies of the seeds.
        normalized: those of normalised attention with n = 4.

    Source: chapter 4.
    """

    name: ClassVar[str] = "reached"
    _esm = STATIC / "reached.mjs"
    head = ("doublings of n", "n", "numbers in the state", "linear attention", "three seeds")
    places = (0, 1, 2, 3, 4)

    doublings = traitlets.Int(0, min=0, max=4).tag(sync=True, figure=True)
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
        n, seeds = SIZES[int(place)], self.linear[int(place)]
        numbers = n * TrainConfig.d_model
        return [f"{n}", f"{numbers}", percent(_mean(seeds)), _range(seeds)]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        n, _, accuracy, _ = self.row(self.doublings)
        return (
            "Right answers of trained models that read eight pairs, the mean of three recorded "
            "runs each and at the bars the range. As first shown, linear attention with n = "
            f"{n} finds {accuracy}, normalised attention with n = {SIZES[0]} "
            f"{percent(_mean(self.normalized))}. To try: the n with which linear attention is "
            "ahead."
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
