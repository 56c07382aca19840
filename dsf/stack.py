"""Several runs at once in one process: equal models with stacked parameters, one kernel for all.

A model of this book is far too small to fill a GPU. Runs that differ only in seed and learning rate
have parameters of equal shapes, so `torch.func` can run one forward and one backward pass for all
of them. Each run keeps its own data, its own optimiser state and its own end.
"""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from dsf.train import (
    Batch,
    Report,
    TrainConfig,
    TrainResult,
    build_model,
    check_device,
    data_seeds,
    draw,
    finish,
    fresh_batches,
    is_last,
    learning_rate,
    parameter_groups,
)

FREE = ("seed", "learning_rate")
"""The fields of a configuration in which the runs of a stack may differ."""


class _Member:
    """One run of a stack."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self.config = config
        self.model = build_model(config).to(device)
        self.parameters = dict(self.model.named_parameters())
        train_seed, validation_seed, test_seed = data_seeds(config.seed)
        self.batches = fresh_batches(config, train_seed, device)
        self.validation = draw(config, config.num_validation, validation_seed, device)
        self.test = draw(config, config.num_test, test_seed, device)
        self.history: list[Report] = []
        self.seconds = 0.0


def train_stack(configs: list[TrainConfig]) -> list[TrainResult]:
    """Train several models at once; the results are those of `dsf.train.train` to rounding.

    Args:
        configs: that differ in nothing but seed and learning rate.

    Returns:
        One result for each, in their order. `seconds` is the wall time, divided at every moment
        by the number of runs that shared it.

    Raises:
        ValueError: If they differ in another field or ask for `compile`, or this machine lacks the
            device.
    """
    _check_equal(configs)
    config, device = configs[0], check_device(configs[0].device)
    members = [_Member(each, device) for each in configs]
    optimizer = _optimizer(members)
    active, since, start = members, 0, time.perf_counter()
    total = torch.zeros(len(active), device=device)
    for step in range(1, config.steps + 1):
        losses = _losses(active, [next(member.batches) for member in active])
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(group["config"], step - 1)
        optimizer.zero_grad()  # to None: the optimiser passes over runs that have ended
        losses.sum().backward()
        optimizer.step()
        total, since = total + losses.detach(), since + 1
        if since == config.report_every or step == config.steps:
            accuracies = _accuracies(active, [member.validation for member in active])
            share = (time.perf_counter() - start) / len(active)
            going = []
            for member, loss, accuracy in zip(active, total.tolist(), accuracies, strict=True):
                member.seconds += share
                member.history.append(Report(step, loss / since, accuracy))
                if not is_last(member.config, member.history[-1]):
                    going.append(member)
            active, since, start = going, 0, time.perf_counter()
            total = torch.zeros(len(active), device=device)
            if not active:
                break
    tested = _accuracies(members, [member.test for member in members])
    return [
        finish(member.config, member.model, member.history, accuracy, member.seconds)
        for member, accuracy in zip(members, tested, strict=True)
    ]


def _check_equal(configs: list[TrainConfig]) -> None:
    if configs[0].compile:
        raise ValueError("compile = True: expected False where runs are stacked")
    first = dataclasses.asdict(configs[0])
    for config in configs[1:]:
        for name, value in dataclasses.asdict(config).items():
            if name not in FREE and value != first[name]:
                raise ValueError(
                    f"{name} = {value!r}: expected {first[name]!r} as in the first of these runs, "
                    f"which may differ in {' and '.join(FREE)} only"
                )


def _optimizer(members: list[_Member]) -> torch.optim.AdamW:
    """One optimiser for all; runs of one learning rate share its two groups."""
    groups: dict[tuple[float, int], dict[str, Any]] = {}
    for member in members:
        config = member.config
        for number, part in enumerate(parameter_groups(member.model, config.weight_decay)):
            group = groups.setdefault(
                (config.learning_rate, number), {**part, "params": [], "config": config}
            )
            group["params"] += part["params"]
    return torch.optim.AdamW(list(groups.values()), fused=True)


def _logits(members: list[_Member], inputs: Tensor, positions: Tensor) -> Tensor:
    """Logits (R, B, Q, V) of R models for inputs (R, B, L) at positions (R, B, Q)."""
    names = members[0].parameters
    stacked = {name: torch.stack([m.parameters[name] for m in members]) for name in names}

    def one(parameters: dict[str, Tensor], inputs: Tensor, positions: Tensor) -> Tensor:
        logits: Tensor = functional_call(members[0].model, parameters, (inputs, positions))
        return logits

    # The fused kernels of attention have no rule for vmap, or none for its backward pass.
    with sdpa_kernel(SDPBackend.MATH):
        logits: Tensor = torch.vmap(one)(stacked, inputs, positions)
    return logits


def _losses(members: list[_Member], batches: list[Batch]) -> Tensor:
    """Mean cross-entropy of every run, (R,)."""
    inputs, positions, values = (torch.stack(parts) for parts in zip(*batches, strict=True))
    logits = _logits(members, inputs, positions)
    losses = F.cross_entropy(logits.flatten(0, 2), values.flatten(), reduction="none")
    return losses.view(len(members), -1).mean(-1)


@torch.no_grad()
def _accuracies(members: list[_Member], data: list[Batch]) -> list[float]:
    """What `dsf.train.evaluate` says of every run."""
    inputs, positions, values = (torch.stack(parts) for parts in zip(*data, strict=True))
    size = members[0].config.batch_size
    correct = torch.zeros(len(members), dtype=torch.int64, device=inputs.device)
    finite = torch.ones(len(members), dtype=torch.bool, device=inputs.device)
    for x, where, right in zip(
        *(part.split(size, dim=1) for part in (inputs, positions, values)), strict=True
    ):
        logits = _logits(members, x, where)
        correct += (logits.argmax(-1) == right).sum((1, 2))
        finite &= logits.isfinite().flatten(1).all(1)
    counts = zip(correct.tolist(), finite.tolist(), strict=True)  # Python's division, as in train
    return [count / values[0].numel() if whole else math.nan for count, whole in counts]
