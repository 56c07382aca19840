"""What a trained state stores: which of its features each key is written into."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dsf._checks import check_integer, shown
from dsf.config import TrainConfig
from dsf.model import SequenceModel

__all__ = ["stored"]


@torch.inference_mode()
def stored(
    model: SequenceModel, config: TrainConfig, num_examples: int = 2000, seed: int = 0
) -> Tensor:
    """The size of B_i where a key is stored, by feature and key.

    In MQAR a pair is complete at its value, one token after its key, and there the last layer
    writes it into the state: H_i = Λ_i ⊙ H_{i-1} + B_i u_i. The mean of |B_i| is taken over many
    sequences, so over all values and over all places that a key can have, and over the channels.

    Args:
        model: that reads MQAR.
        config: of the model.
        num_examples: sequences that are drawn.
        seed: of the draws.

    Returns:
        A table (n, V//2 - 1): a row for each feature, of S4D for each pair of poles, and a column
        for each key 1, 2, ..., V//2 - 1.

    Raises:
        ValueError: an argument is not as above, the state of the model has no features of its own
            (softmax attention keeps a feature for each token), or a key is never drawn.

    Example:
        >>> from dsf import models
        >>> models.stored(*models.trained("linear-4"), num_examples=200).shape
        torch.Size([4, 63])
    """
    if not isinstance(model, SequenceModel):
        raise ValueError(f"model is {shown(model)}, expected a SequenceModel")
    if not isinstance(config, TrainConfig):
        raise ValueError(f"config is {shown(config)}, expected a TrainConfig")
    if config.mixer == "softmax":
        raise ValueError("model has softmax attention, expected one whose state has features")
    pairs, half = config.num_kv_pairs, config.vocab_size // 2
    tokens = config.draw(check_integer("num_examples", num_examples), seed)[0][:, : 2 * pairs]
    written = written_at_values(model, tokens).flatten(0, 1)
    keys = tokens[:, ::2].flatten()
    count = keys.bincount(minlength=half)
    if not count[1:].all():
        raise ValueError(f"num_examples is {num_examples}, expected so many that each key is drawn")
    total = written.new_zeros(half, written.shape[-1]).index_add_(0, keys, written)
    return (total / count.clamp(min=1).unsqueeze(1))[1:].mT


def written_at_values(model: SequenceModel, tokens: Tensor) -> Tensor:
    """The size of B_i at the values of pairs, in the last layer.

    Args:
        model: whose state has features.
        tokens: keys and their values in turn, as MQAR begins: int64 (batch, 2K).

    Returns:
        |B_i|, the mean over channels, (batch, K, n).
    """
    x = model.embedding(tokens)
    *early, last = model.blocks
    for block in early:
        x = block(x)
    written: Tensor = _system(last, x).input.abs().mean(-1)  # (..., 2K, n)
    return written.expand(*tokens.shape, written.shape[-1])[:, 1::2]


def _system(block: Any, x: Tensor) -> Any:
    return block.mixer.system(block.conv(block.norm(x)))
