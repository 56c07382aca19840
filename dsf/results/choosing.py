"""Of each setting the learning rate that validation chooses, and each run once."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from reprlib import repr as short
from typing import Any

from dsf.results.line import Run, run_key
from dsf.tasks import ACCURACY, Metric

_NAMED = ("mixer", "n", "d_model", "num_kv_pairs", "learning_rate")  # tells which run is meant
_LISTED = 3  # repeats that are named


@dataclass(frozen=True)
class Cell:
    """The runs of one setting at the learning rate that validation chose for it.

    Attributes:
        config: what was trained, without the learning rate.
        learning_rate: the chosen one: best validation score, mean over the seeds.
        learning_rates: all that were tried, ascending.
        seeds: ascending.
        scores: on the test sets, in the order of the seeds; NaN for a run that diverged.
        held_out: the same, but of every seed at the rate that the validation of the *other* seeds
            chose: what the choice itself adds to `scores` is not in these.
        histories: step and validation score of every report of every seed; NaN where a logit was
            not finite.
        num_parameters: trained numbers in the model.
        incomplete: the rates that were not run with as many seeds as others, and did not compete.
        metric: how the task is scored.
    """

    config: dict[str, Any]
    learning_rate: float
    learning_rates: tuple[float, ...]
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    num_parameters: int
    incomplete: tuple[float, ...] = ()
    metric: Metric = ACCURACY
    held_out: tuple[float, ...] = ()
    histories: tuple[tuple[tuple[int, float], ...], ...] = ()

    @property
    def accuracy(self) -> tuple[float, ...]:
        """The scores, under the name that they have in MQAR."""
        return self.scores

    @property
    def mean(self) -> float:
        """Mean test score over the seeds that did not diverge; NaN if all did."""
        finite = self._finite()
        return sum(finite) / len(finite) if finite else math.nan

    @property
    def low(self) -> float:
        """Lowest test score over the seeds that did not diverge."""
        return min(self._finite(), default=math.nan)

    @property
    def high(self) -> float:
        """Highest test score over the seeds that did not diverge."""
        return max(self._finite(), default=math.nan)

    @property
    def diverged(self) -> int:
        """Number of seeds whose run diverged."""
        return len(self.scores) - len(self._finite())

    @property
    def spread(self) -> str:
        """Mean, lowest and highest test score in words: "0.82 (0.80–0.83)"."""
        return _spread(self._finite())

    def beyond(self, line: float) -> list[float]:
        """Test scores better than a line; those of a run that diverged are not.

        Args:
            line: for example what chance or the position of a question gives.

        Returns:
            The scores, in the order of the seeds.
        """
        better = (x for x in self._finite() if self.metric.sign * x > self.metric.sign * line)
        return list(better)

    def shares(self, line: float) -> str:
        """How many seeds are beyond a line, and the mean and range of those: "2 of 3 · 0.91 (…)".

        Where some seeds learn a task and some do not, a mean over both says what no run did.

        Args:
            line: as of `beyond`.

        Returns:
            Words.
        """
        good = self.beyond(line)
        counted = f"{len(good)} of {len(self.scores)}"
        return f"{counted} · {_spread(good)}" if good else counted

    def _finite(self) -> list[float]:
        return [value for value in self.scores if math.isfinite(value)]


def _spread(scores: list[float]) -> str:
    """Mean and range. The joiners keep the range on one line."""
    if not scores:
        return "diverged"
    mean, low, high = (f"{x:.2f}" for x in (sum(scores) / len(scores), min(scores), max(scores)))
    return mean if low == high else f"{mean} ({low}\u2060–\u2060{high})"


def cells(runs: Iterable[Run]) -> list[Cell]:
    """Choose a learning rate for every setting by validation, and collect the test scores.

    A setting is a config without its learning rate. A run that diverged counts as the worst score,
    accuracy 0. Of the rates, only those compete that were run with as many seeds as any. A run that
    is given twice counts once; a note on stderr says so.

    Args:
        runs: runs of any number of settings.

    Returns:
        One cell a setting, in the order in which the settings first appear.

    Raises:
        ValueError: two runs have the same config and seed, but not the same result.
    """
    settings: dict[str, dict[float, list[Run]]] = {}
    for run in once(enumerate(runs, start=1), "runs", "number"):
        rates = settings.setdefault(setting(run), {})
        rates.setdefault(run.config["learning_rate"], []).append(run)
    return [_cell(rates) for rates in settings.values()]


def once(runs: Iterable[tuple[int, Run]], source: str, unit: str) -> list[Run]:
    """Each run once: what stands twice is left out, and a note on stderr says so.

    Args:
        runs: with their numbers.
        source: where they are from, for messages.
        unit: what is numbered there.

    Returns:
        The runs in their order. Of equal ones the first, whatever their provenance.

    Raises:
        ValueError: naming both numbers and what differs, if two runs have the same config and seed,
            but not the same result.
    """
    first: dict[str, tuple[int, Run]] = {}
    repeats = []
    for number, run in runs:
        before, known = first.setdefault(run.key, (number, run))
        if before == number:
            continue
        if known.result != run.result:
            raise ValueError(
                f"{source}, {unit}s {before} and {number}: two results of one run "
                f"({_words(run)}): {difference(known, run)}"
            )
        repeats.append(f"{unit} {number} (as {before})")
    if repeats:
        more = len(repeats) - _LISTED
        listed = ", ".join(repeats[:_LISTED]) + (f" and {more} more" if more > 0 else "")
        tell(f"{source}: runs that stand there again count once: {listed}")
    return [run for _, run in first.values()]


def difference(one: Run, other: Run) -> str:
    """What differs between the results of two runs.

    Args:
        one: a run.
        other: another.

    Returns:
        The fields with both values, none if nothing differs.
    """
    said = []
    for name in dict.fromkeys((*one.result, *other.result)):
        here, there = one.result.get(name, "nothing"), other.result.get(name, "nothing")
        if here != there:
            said.append(f"{name} {short(here)} and {short(there)}")
    return ", ".join(said)


def setting(run: Run) -> str:
    """What all seeds and learning rates of an experiment share.

    Args:
        run: one of them.

    Returns:
        Text, as of `run_key`.
    """
    return run_key({**run.config, "learning_rate": None}, 0)


def tell(note: str) -> None:
    """Say something beside the output.

    Args:
        note: one line.
    """
    print(note, file=sys.stderr)


def _words(run: Run) -> str:
    named = [f"{name} = {run.config[name]!r}" for name in _NAMED if name in run.config]
    return ", ".join([*named, f"seed = {run.seed}"])


def _cell(rates: dict[float, list[Run]]) -> Cell:
    most = max(len(runs) for runs in rates.values())
    complete = {rate: runs for rate, runs in sorted(rates.items()) if len(runs) == most}
    rate = _chosen(complete)
    runs = sorted(complete[rate], key=lambda run: run.seed)
    seeds = tuple(run.seed for run in runs)
    return Cell(
        config={name: value for name, value in runs[0].config.items() if name != "learning_rate"},
        learning_rate=rate,
        learning_rates=tuple(sorted(rates)),
        seeds=seeds,
        scores=tuple(map(_tested, runs)),
        num_parameters=runs[0].result["num_parameters"],
        incomplete=tuple(sorted(rates.keys() - complete.keys())),
        metric=runs[0].metric,
        held_out=tuple(_held_out(complete, seed) for seed in seeds),
        histories=tuple(map(_history, runs)),
    )


def _chosen(rates: dict[float, list[Run]]) -> float:
    """The rate with the best validation; between equals the first."""
    return max(rates, key=lambda rate: sum(map(_validation, rates[rate])))


def _held_out(rates: dict[float, list[Run]], seed: int) -> float:
    """The test score of a seed at the rate that the others choose; NaN where it was not run."""
    others = {rate: [run for run in runs if run.seed != seed] for rate, runs in rates.items()}
    found = [_tested(run) for run in rates[_chosen(others)] if run.seed == seed]
    return found[0] if found else math.nan


def _history(run: Run) -> tuple[tuple[int, float], ...]:
    """Step and validation score of every report."""
    return tuple(
        (step, math.nan if score is None else score) for step, _, score in run.result["history"]
    )


def _tested(run: Run) -> float:
    """The test score; NaN if the run diverged."""
    return math.nan if run.test_score is None else run.test_score


def _validation(run: Run) -> float:
    """The validation score, larger for better."""
    score, metric = run.validation_score, run.metric
    return metric.sign * (metric.worst if score is None else score)
