"""What a trained model makes of one sequence, with the names of `dsf/widgets/js/train/probe.js`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dsf.model import SequenceModel


@torch.inference_mode()
def probe(model: SequenceModel, tokens: Tensor) -> dict[str, Any]:
    """What a model makes of one sequence.

    Args:
        model: without a position embedding.
        tokens: int64 (L,).

    Returns:
        V, L, d; the probabilities of the vocabulary at each position, (L, V); and Φ of each layer,
        (L, d, L): how y_i depends on u_j, channel by channel.
    """
    (length,), d = tokens.shape, model.embedding.embedding_dim
    x, phi = model.embedding(tokens.unsqueeze(0)), []
    block: Any
    for block in model.blocks:
        matrix = block.mixer.system(block.conv(block.norm(x))[0]).matrix()  # (L, L) or (d, L, L)
        phi.append(matrix.expand(d, length, length).transpose(0, 1))
        x = block(x)
    scores = model(tokens.unsqueeze(0))[0]
    sizes = {"V": scores.shape[-1], "L": length, "d": d}
    return {**sizes, "probabilities": scores.softmax(-1), "phi": phi}
