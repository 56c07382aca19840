"""What a trained model makes of one sequence, with the names of `dsf/widgets/js/train/probe.js`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dsf.mixers import SoftmaxAttention
from dsf.model import SequenceModel
from dsf.models.stored import written_at_values


@torch.inference_mode()
def probe(model: SequenceModel, tokens: Tensor, pairs: int) -> dict[str, Any]:
    """What a model makes of one sequence.

    Args:
        model: without a position embedding.
        tokens: int64 (L,).
        pairs: that the sequence begins with, K.

    Returns:
        V, L, d; the probabilities of the vocabulary at each position, (L, V); Φ of each layer,
        (L, d, L): how y_i depends on u_j, channel by channel; and what the last layer stores of
        each key, (n, K): the size of B_i at its value by feature, the mean over channels. That is
        None for softmax attention, which keeps tokens and has no features.
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
    stored = None
    if not isinstance(block.mixer, SoftmaxAttention):
        stored = written_at_values(model, tokens[None, : 2 * pairs])[0].mT
    return {**sizes, "probabilities": scores.softmax(-1), "phi": phi, "stored": stored}
