"""The optimiser of every run: AdamW, its schedule, and what its weight decay is for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from dsf.config import Config


def learning_rate(config: Config, step: int) -> float:
    """Linear warm-up to the peak, then half a cosine towards zero.

    Args:
        config: peak, fraction of warm-up and number of steps.
        step: from 0 to steps - 1.

    Returns:
        The learning rate of this step, positive.

    Example:
        >>> from dsf.config import TrainConfig
        >>> from dsf.optimize import learning_rate
        >>> config = TrainConfig(learning_rate=0.01, steps=100)
        >>> [round(learning_rate(config, step), 4) for step in (0, 50, 99)]
        [0.002, 0.0054, 0.0]
    """
    warmup = round(config.warmup * config.steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    done = (step - warmup) / (config.steps - warmup)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Split parameters for the optimiser: weight decay is for the matrices of linear maps.

    Embeddings, norms, biases, convolutions, skips and the decays and steps of state space models
    are left out: pulling those to zero changes what a model can remember.

    Args:
        model: the model.
        weight_decay: of the matrices.

    Returns:
        Two groups, as torch.optim takes them.
    """
    matrices = {id(m.weight): m.weight for m in model.modules() if isinstance(m, nn.Linear)}
    others = [p for p in model.parameters() if id(p) not in matrices]
    return [
        {"params": list(matrices.values()), "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


class Optimizer:
    """One AdamW for runs that are trained side by side, each with its own schedule.

    Args:
        runs: the configuration and the model of each.
    """

    def __init__(self, runs: Sequence[tuple[Config, nn.Module]]) -> None:
        groups: dict[tuple[float, int], dict[str, Any]] = {}  # runs of one rate share theirs
        for config, model in runs:
            for number, part in enumerate(parameter_groups(model, config.weight_decay)):
                group = groups.setdefault(
                    (config.learning_rate, number), {**part, "params": [], "config": config}
                )
                group["params"] += part["params"]
        self._adamw = torch.optim.AdamW(list(groups.values()), fused=True)

    def step(self, loss: torch.Tensor, number: int) -> None:
        """Follow the gradient of a loss.

        Args:
            loss: a scalar.
            number: of the step, from 0.
        """
        for group in self._adamw.param_groups:
            group["lr"] = learning_rate(group["config"], number)
        self._adamw.zero_grad()  # to None: the optimiser passes over runs that have ended
        loss.backward()
        self._adamw.step()
