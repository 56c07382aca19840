"""Which model is ahead, by the care taken with each: the hook of chapter 11."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import traitlets

from dsf import results
from dsf.config import TrainConfig
from dsf.results import Run, alike
from dsf.tasks.hints import position_level
from dsf.widgets.base import STATIC, percent
from dsf.widgets.hook import Hook

MIXERS = {"linear": "linear", "normalized": "normalised", "s6": "S6", "ssd": "SSD"}
SIZES = (4, 16)
CARE = ("one rate", "own rates", "own starts", "or 4 × the steps")
RATE = 4e-3  # the one for all
LONG = 4 * TrainConfig.steps

Seeds = list[float]


class CareTaken(Hook):
    """Recorded accuracy of four models by what each was given: rate, start, steps.

    The task is that of chapter 10: eight pairs, one layer of 64 channels, three seeds. A rate, and
    with `care` = 3 a start, is the one with the best mean validation accuracy of those recorded.

    Attributes:
        care: 1, all with one learning rate, from the starts of their papers; 2, each with its own
            rate; 3, each also with its own start: poles and steps, or the size of all first maps;
            4, as 2 with four times the steps, so no step beyond 3 but another way.
        n: state expansion, 4 or 16.
        scores: test accuracies of the seeds as [care - 1][place of n][place of mixer].
        tried: among how many settings validation chose, in the same order.
        guessed: what a reader scores who guesses from the position of a question.

    Source: chapter 11.
    """

    name: ClassVar[str] = "care"
    _esm = STATIC / "care.mjs"
    head = ("care", "what each model is given", "n", *MIXERS.values())
    places = (1, 2, 3, 4)

    care = traitlets.Enum(places, 1).tag(sync=True, figure=True)
    n = traitlets.Enum(SIZES, 16).tag(sync=True, figure=True)
    scores = traitlets.List(traitlets.List(traitlets.List())).tag(sync=True)
    tried = traitlets.List(traitlets.List(traitlets.List(traitlets.Int()))).tag(sync=True)
    guessed = traitlets.Float().tag(sync=True)

    @traitlets.default("scores")
    def _scores(self) -> list[list[list[Seeds]]]:
        return [[[accuracies(m, n, care) for m in MIXERS] for n in SIZES] for care in self.places]

    @traitlets.default("tried")
    def _tried(self) -> list[list[list[int]]]:
        return [[[settings(m, n, care) for m in MIXERS] for n in SIZES] for care in self.places]

    @traitlets.default("guessed")
    def _guessed(self) -> float:
        return position_level(TrainConfig().seq_len, TrainConfig().num_kv_pairs)

    def state(self) -> dict[str, Any]:
        """What the reader can change, and what was recorded."""
        recorded = {"scores": self.scores, "tried": self.tried, "guessed": self.guessed}
        return {**super().state(), **recorded}

    def row(self, place: float) -> list[str]:
        """What is given, the state expansion, and the mean accuracy of each model."""
        care = int(place)
        means = (percent(_mean(seeds)) for seeds in self._seen(care))
        return [CARE[care - 1], f"{self.n}", *means]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        [s6] = (s for m, s in zip(MIXERS, self._seen(self.care), strict=True) if m == "s6")
        return (
            f"Right answers of trained models of one layer, d = {TrainConfig.d_model}, that read "
            "eight pairs: a dot for each of three recorded seeds, the bar at their mean. Dashed: "
            "what guessing from positions gives. “Best of 20”: validation chose among 20 settings. "
            f"As first shown, with n = {self.n} and {CARE[self.care - 1]}, S6 finds "
            f"{percent(_mean(s6))} in the mean. Softmax attention finds "
            f"{percent(_least_of_softmax())} or more at each of the four rates. The last two "
            "places are two ways, own starts or more steps. To try: where is nobody more than one "
            "point (0.01) ahead of S6?"
        )

    def _seen(self, care: int) -> list[Seeds]:
        seen: list[Seeds] = self.scores[care - 1][SIZES.index(self.n)]
        return seen


def accuracies(mixer: str, n: int, care: int) -> Seeds:
    """Recorded test accuracies with so much care, a number for each seed.

    Args:
        mixer: a key of `MIXERS`.
        n: state expansion, one of `SIZES`.
        care: 1 to 4, as `CareTaken` has it.

    Returns:
        Those of the rate, and with care 3 the start, that validation chose.
    """
    best = max(_groups(mixer, n, care), key=_validation)
    return [run.test_score or 0.0 for run in sorted(best, key=lambda run: run.seed)]


def settings(mixer: str, n: int, care: int) -> int:
    """Among how many rates and starts validation chose for `accuracies`.

    Args:
        mixer: a key of `MIXERS`.
        n: state expansion, one of `SIZES`.
        care: 1 to 4, as `CareTaken` has it.

    Returns:
        The number of settings that were run with all seeds.
    """
    return len(_groups(mixer, n, care))


def _groups(mixer: str, n: int, care: int) -> list[list[Run]]:
    """The seeds of every setting that may be chosen."""
    steps = LONG if care == 4 else TrainConfig.steps
    groups: dict[tuple[str, float, float], list[Run]] = {}
    for run in _runs():
        start, size, rate = (run.config[name] for name in ("start", "init_std", "learning_rate"))
        is_own = start or size != TrainConfig.init_std
        if (is_own and care != 3) or (rate != RATE and care == 1):
            continue
        if alike(run.config, free=["start", "init_std"], mixer=mixer, n=n, steps=steps):
            groups.setdefault((start, size, rate), []).append(run)
    most = max(map(len, groups.values()))
    return [runs for runs in groups.values() if len(runs) == most]


@cache
def _runs() -> tuple[Run, ...]:
    return (*results.recorded("mqar"), *results.recorded("starts"))


def _validation(runs: list[Run]) -> float:
    """Mean over the seeds; a run that diverged counts as 0."""
    return _mean([run.validation_score or 0.0 for run in runs])


@cache
def _least_of_softmax() -> float:
    return min(
        run.test_score or 0.0
        for run in _runs()
        if run.config["n"] in SIZES and alike(run.config, mixer="softmax")
    )


def _mean(seeds: Seeds) -> float:
    return sum(seeds) / len(seeds)
