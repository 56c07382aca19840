"""Train a sequence model on a task.

    result = train(TrainConfig(mixer="linear", n=16))
    result.test_accuracy

There is one training loop, `run_loop`, for one run and for several side by side (`dsf.stack`). Its
steps are those of `steps`, which others may take one by one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm.auto import tqdm  # type: ignore[import-untyped]

from dsf.config import Config as Config
from dsf.config import TrainConfig as TrainConfig
from dsf.mixers import Mixer
from dsf.model import SequenceModel, num_parameters
from dsf.model import build_model as build_model
from dsf.optimize import Optimizer
from dsf.tasks.base import ACCURACY, Batch, Metric, Split, data_seeds

_CHUNK_TOKENS = 2**20  # training data is drawn this many tokens at a time

Forward = Callable[[Tensor, Tensor], Tensor]
"""A model: inputs and asked positions to logits (B, Q, C)."""


@dataclass(frozen=True)
class Report:
    """One look at a run.

    Attributes:
        step: optimiser steps done so far.
        loss: mean training loss, in nats a question, over the steps since the report before.
        score: on the validation set, by the metric of the task; NaN if a logit was not finite.
    """

    step: int
    loss: float
    score: float

    @property
    def accuracy(self) -> float:
        """The score, under the name that it has in MQAR."""
        return self.score

    @property
    def diverged(self) -> str | None:
        """None, or the reason why the run is given up here."""
        if not math.isfinite(self.loss):
            return f"the training loss became {self.loss} by step {self.step}"
        if not math.isfinite(self.score):
            return f"the logits were no longer finite by step {self.step}"
        return None


@dataclass(frozen=True)
class TrainResult:
    """What a run gave.

    Attributes:
        config: the configuration.
        model: the trained model.
        history: reports in the order of the steps; a run ends with the first that is not finite.
        test_score: on the test set, by the metric of the task; NaN if the run diverged.
        diverged: None, or the reason why the run was given up.
        num_parameters: trained numbers in the model.
        seconds: wall time of training, validation included, without the test.
        processor_seconds: the same of the processor, all threads: what else runs on the machine
            changes it little.
    """

    config: Config
    model: SequenceModel
    history: list[Report]
    test_score: float
    diverged: str | None
    num_parameters: int
    seconds: float
    processor_seconds: float

    @property
    def test_accuracy(self) -> float:
        """The test score, under the name that it has in MQAR."""
        return self.test_score

    @property
    def learned(self) -> list[dict[str, float]]:
        """What each mixer has learnt (`dsf.mixers.Mixer.learned`), from the first layer on."""
        return [mixer.learned() for mixer in self.model.modules() if isinstance(mixer, Mixer)]


def train(config: Config, progress: bool = True) -> TrainResult:
    """Train a model on fresh sequences, stop early if it has learnt the task, and test it.

    The loss is taken at the asked positions only and the others are never read out. Validation and
    test sets are drawn from streams of their own. Two runs of one configuration on the CPU of one
    machine, with one number of threads, agree bit for bit; on a GPU they agree to rounding only,
    which many steps may amplify. The global random state is neither read nor changed.

    A run whose loss or whose logits are no longer finite ends at the next report, and the result
    says so in `diverged`: in a sweep this is a finding like another, not an error.

    Args:
        config: what to do.
        progress: show a progress bar.

    Returns:
        The result.

    Raises:
        ValueError: this machine does not have the configured device.
    """
    run = Trainee(config)
    label = f"{config.mixer}, n = {config.n}"
    with tqdm(total=config.steps, desc=label, disable=not progress, leave=False) as bar:
        (result,) = run_loop([run], Alone(run), bar)
    return result


class Trainee:
    """One run while it trains: its model, its data, and what has been seen of it so far."""

    def __init__(self, config: Config) -> None:
        self.config, self.device = config, check_device(config.device)
        self.model = build_model(config).to(self.device)
        self.parameters = dict(self.model.named_parameters())
        self.history: list[Report] = []
        self.seconds = self.processor_seconds = 0.0
        self.batches = fresh_batches(config, data_seeds(config.seed)["train"], self.device)
        self.validation = self.data("validation", config.num_validation)

    def data(self, split: Split, num_examples: int) -> Batch:
        """The first sequences of a split, on the device of the model."""
        seed = data_seeds(self.config.seed)[split]
        return _on(self.config.draw(num_examples, seed, split), self.device)

    @property
    def ended(self) -> bool:
        """Whether the last report ends the run: it diverged or reached its goal."""
        last, goal = self.history[-1], self.config.goal
        reached = goal is not None and self.config.metric.reached(last.score, goal)
        return last.diverged is not None or reached

    def result(self, test_score: float) -> TrainResult:
        """What came out; the run diverged as well if a logit was not finite in the test only."""
        last = self.history[-1]
        diverged = last.diverged or replace(last, score=test_score).diverged
        return TrainResult(
            config=self.config,
            model=self.model,
            history=self.history,
            test_score=math.nan if diverged else test_score,
            diverged=diverged,
            num_parameters=num_parameters(self.model),
            seconds=self.seconds,
            processor_seconds=self.processor_seconds,
        )


class Kernel(Protocol):
    """How the models of runs are computed: one as it is, or several at once."""

    def losses(self, runs: Sequence[Trainee], batches: Sequence[Batch]) -> Tensor:
        """Mean cross-entropy of every run on its batch, (R,)."""

    def scores(self, runs: Sequence[Trainee], data: Sequence[Batch]) -> list[float]:
        """What `evaluate` says of every run on its data."""


class Alone:
    """One run by itself."""

    def __init__(self, run: Trainee) -> None:
        self.forward: Forward = torch.compile(run.model) if run.config.compile else run.model

    def losses(self, runs: Sequence[Trainee], batches: Sequence[Batch]) -> Tensor:  # noqa: D102
        return asked_loss(self.forward, batches[0]).unsqueeze(0)

    def scores(self, runs: Sequence[Trainee], data: Sequence[Batch]) -> list[float]:  # noqa: D102
        config = runs[0].config
        return [evaluate(self.forward, data[0], config.batch_size, config.metric)]


def run_loop(runs: Sequence[Trainee], kernel: Kernel, bar: tqdm) -> list[TrainResult]:
    """Train runs side by side, each until its own end, and test them.

    Args:
        runs: that differ in nothing but seed and learning rate.
        kernel: how their models are computed.
        bar: shows the steps, and the last report of the first run.

    Returns:
        One result for each, in their order.
    """
    config, active = runs[0].config, [*runs]
    total, since, start = torch.zeros(len(active), device=runs[0].device), 0, _clocks()
    for step, losses in enumerate(steps(active, kernel), start=1):
        bar.update()
        total, since = total + losses, since + 1  # not as numbers: a GPU need not wait
        if since == config.report_every or step == config.steps:
            means = [loss / since for loss in total.tolist()]
            scores = kernel.scores(active, [run.validation for run in active])
            wall, processor = (now - then for now, then in zip(_clocks(), start, strict=True))
            for run, loss, score in zip(active, means, scores, strict=True):
                run.history.append(Report(step, loss, score))
                run.seconds += wall / len(active)
                run.processor_seconds += processor / len(active)
            shown = {"loss": f"{means[0]:.3f}", config.metric.name: f"{scores[0]:.3f}"}
            bar.set_postfix(shown)
            active[:] = [run for run in active if not run.ended]
            total, since, start = torch.zeros_like(total[: len(active)]), 0, _clocks()
    tests = kernel.scores(runs, [run.data("test", config.num_test) for run in runs])
    return [run.result(score) for run, score in zip(runs, tests, strict=True)]


def steps(active: list[Trainee], kernel: Kernel) -> Iterator[Tensor]:
    """Take a step of training at each turn; between two turns everything stands still.

    Args:
        active: runs that differ in nothing but seed and learning rate. A run that is taken off the
            list between two steps has ended; when there is none left, so have the steps.
        kernel: how their models are computed.

    Yields:
        The loss of every run before its step, (R,).
    """
    config = active[0].config
    optimizer = Optimizer([(run.config, run.model) for run in active])
    for step in range(config.steps):
        if not active:
            return
        losses = kernel.losses(active, [next(run.batches) for run in active])
        optimizer.step(losses.sum(), step)
        yield losses.detach()


def _clocks() -> tuple[float, float]:
    """Seconds of the wall and of the processor."""
    return time.perf_counter(), time.process_time()


def asked_loss(model: Forward, batch: Batch) -> Tensor:
    """Mean cross-entropy over the asked positions, the only ones that are read out.

    Args:
        model: the model.
        batch: inputs, asked positions, their targets.

    Returns:
        A scalar, in nats.
    """
    inputs, positions, targets = batch
    return F.cross_entropy(model(inputs, positions).flatten(0, 1), targets.flatten())


@torch.inference_mode()
def evaluate(model: Forward, data: Batch, batch_size: int, metric: Metric = ACCURACY) -> float:
    """The score of a model.

    Args:
        model: the model.
        data: inputs, asked positions, their targets; all on the device of the model.
        batch_size: sequences at a time.
        metric: how answers are scored.

    Returns:
        The score, for accuracy a number from 0 to 1; NaN if a logit is not finite.
    """
    total = 0.0
    for inputs, positions, targets in zip(*(x.split(batch_size) for x in data), strict=True):
        logits = model(inputs, positions)
        if not logits.isfinite().all():
            return math.nan
        total += metric.of_answers(logits, targets).sum().item()
    return metric.of_mean(total / data[2].numel())


def fresh_batches(config: Config, seed: int, device: torch.device) -> Iterator[Batch]:
    """One batch a step, never the same draw twice.

    Args:
        config: task, batch size and number of steps.
        seed: of the data.
        device: where the batches shall be.

    Yields:
        Inputs, asked positions, their targets.
    """
    per_chunk = max(1, _CHUNK_TOKENS // (config.batch_size * config.sizes.length))
    for chunk, first in enumerate(range(0, config.steps, per_chunk)):
        num_steps = min(per_chunk, config.steps - first)
        data = _on(config.draw(num_steps * config.batch_size, seed + chunk), device)
        yield from zip(*(x.split(config.batch_size) for x in data), strict=True)


def _on(data: Batch, device: torch.device) -> Batch:
    inputs, positions, targets = data
    return inputs.to(device), positions.to(device), targets.to(device)


def check_device(name: str) -> torch.device:
    """The device of this name.

    Args:
        name: as PyTorch has it.

    Returns:
        The device.

    Raises:
        ValueError: this machine does not have it.
    """
    device = torch.device(name)
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device is {name!r}, expected a device of this machine") from error
    return device
