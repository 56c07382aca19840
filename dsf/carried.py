"""How many numbers a model hands from one token to the next."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from dsf.config import Config, config_class
from dsf.model import build_model
from dsf.state import NormalizedState


def carried(config: Config | dict[str, Any]) -> int:
    """Numbers that a model carries at the end of a sequence: its states, and what convolutions see.

    What a mixer hands on is counted, complex numbers twice, and (taps - 1)·d numbers for the short
    convolution of every layer. The scale that a normalised state is kept at is bookkeeping and not
    counted: Σ ψ_j u_jᵀ and Σ ψ_j, undivided, would do.

    Args:
        config: of a run, or what is recorded of one.

    Returns:
        The count. That of softmax attention is its cache: it grows with the sequence.

    Raises:
        ValueError: the fields are not those of a configuration.

    Example:
        >>> from dsf.carried import carried
        >>> from dsf.config import TrainConfig
        >>> carried(TrainConfig(mixer="unnormalized", n=4, d_model=64, conv_kernel=3))
        384
    """
    if isinstance(config, dict):
        config = config_class(config.get("task", "mqar"))(**{"learning_rate": 1e-3, **config})
    fields = {name: value for name, value in vars(config).items() if name != "learning_rate"}
    return _count(type(config)(**{**fields, "seed": 0, "device": "cpu", "compile": False}))


@lru_cache(maxsize=4096)
def _count(config: Config) -> int:
    tokens = torch.zeros(1, config.sizes.length, dtype=torch.int64)
    with torch.no_grad():
        _, state = build_model(config)(tokens, tokens[:, :1], return_state=True)
    return sum(map(_numbers, state.blocks))


def _numbers(part: Any) -> int:
    """Real numbers in a state, however it is put together."""
    if isinstance(part, NormalizedState):
        return _numbers((part.h, part.keys))
    if isinstance(part, Tensor):
        return part.numel() * (2 if part.is_complex() else 1)
    if isinstance(part, tuple):
        return sum(map(_numbers, part))
    return 0


__all__ = ["carried"]
