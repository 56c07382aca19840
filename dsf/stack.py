"""Several runs at once in one process: equal models with stacked parameters, one kernel for all.

A model of this book is far too small to fill a GPU. Runs that differ only in seed and learning rate
have parameters of equal shapes, so `torch.func` can run one forward and one backward pass for all
of them. Each run keeps its own data, its own optimiser state and its own end.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm.auto import tqdm  # type: ignore[import-untyped]

from dsf.config import Config
from dsf.tasks.base import Batch
from dsf.train import Trainee, TrainResult, run_loop

FREE = ("seed", "learning_rate")
"""The fields of a configuration in which the runs of a stack may differ."""


def train_stack(configs: Sequence[Config]) -> list[TrainResult]:
    """Train several models at once; the results are those of `dsf.train.train` to rounding.

    Args:
        configs: that differ in nothing but seed and learning rate.

    Returns:
        One result for each, in their order. `seconds` is the wall time, divided at every moment
        by the number of runs that shared it.

    Raises:
        ValueError: they differ in another field or ask for `compile`, or this machine lacks the
            device.
    """
    check_stack(configs)
    runs = [Trainee(config) for config in configs]
    with tqdm(disable=True) as bar:
        return run_loop(runs, Stacked(), bar)


def check_stack(configs: Sequence[Config]) -> None:
    """Refuse configurations that cannot be trained at once.

    Args:
        configs: one or more.

    Raises:
        ValueError: naming the field, its value and what was expected.
    """
    first = dataclasses.asdict(configs[0])
    for config in configs:
        if config.compile:
            raise ValueError("compile is True, expected False where runs are stacked")
        for name, value in dataclasses.asdict(config).items():
            if name not in FREE and value != first.get(name):
                raise ValueError(
                    f"{name} is {value!r}, expected {first.get(name)!r} as in the first of these "
                    f"runs, which may differ in {' and '.join(FREE)} only"
                )


class Stacked:
    """Runs of equal models, computed at once."""

    def losses(self, runs: Sequence[Trainee], batches: Sequence[Batch]) -> Tensor:
        """Mean cross-entropy of every run on its batch, (R,)."""
        inputs, positions, targets = (torch.stack(parts) for parts in zip(*batches, strict=True))
        logits = _logits(runs, inputs, positions)
        losses = F.cross_entropy(logits.flatten(0, 2), targets.flatten(), reduction="none")
        return losses.view(len(runs), -1).mean(-1)

    @torch.no_grad()
    def scores(self, runs: Sequence[Trainee], data: Sequence[Batch]) -> list[float]:
        """What `dsf.train.evaluate` says of every run on its data."""
        stacked = [torch.stack(parts) for parts in zip(*data, strict=True)]
        size, metric = runs[0].config.batch_size, runs[0].config.metric
        sums, finite = [], []
        pieces = (part.split(size, dim=1) for part in stacked)
        for inputs, positions, targets in zip(*pieces, strict=True):
            logits = _logits(runs, inputs, positions)
            sums.append(metric.of_answers(logits, targets).flatten(1).sum(1))
            finite.append(logits.isfinite().flatten(1).all(1))
        answers = stacked[2][0].numel()
        totals, whole = torch.stack(sums).sum(0), torch.stack(finite).all(0)
        # Python's division, as in evaluate.
        return [
            metric.of_mean(total / answers) if good else math.nan
            for total, good in zip(totals.tolist(), whole.tolist(), strict=True)
        ]


def _logits(runs: Sequence[Trainee], inputs: Tensor, positions: Tensor) -> Tensor:
    """Logits (R, B, Q, C) of R models for inputs (R, B, L) at positions (R, B, Q)."""
    names = runs[0].parameters
    stacked = {name: torch.stack([run.parameters[name] for run in runs]) for name in names}

    def one(parameters: dict[str, Tensor], inputs: Tensor, positions: Tensor) -> Tensor:
        logits: Tensor = functional_call(runs[0].model, parameters, (inputs, positions))
        return logits

    # The fused kernels of attention have no rule for vmap, or none for its backward pass.
    with sdpa_kernel(SDPBackend.MATH):
        logits: Tensor = torch.vmap(one)(stacked, inputs, positions)
    return logits
