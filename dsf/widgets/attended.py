"""What trained models attend to and answer, for the MQAR explorer."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from dsf import models
from dsf.config import TrainConfig
from dsf.model import SequenceModel
from dsf.system import LTVSystem
from dsf.tasks import mqar
from dsf.tasks.base import data_seeds
from dsf.train import evaluate
from dsf.widgets.runs import SEQUENCES, Plain, line_name, start_name


@cache
def attended() -> list[Plain]:
    """The models that come with the package, on the first sequences of their task.

    Returns:
        Of each model its line, K, n and d, the accuracy on its test set, and, for every sequence,
        the answer to every question (in the order of the positions) and the row of Φ at it: its
        largest size, and the entries in hundredths of that.
    """
    found = []
    for name in models.names():
        model, config = models.trained(name)
        assert isinstance(config, TrainConfig)
        test = config.draw(config.num_test, data_seeds(config.seed)["test"], "test")
        inputs, labels = mqar.generate(
            SEQUENCES, config.seq_len, config.num_kv_pairs, config.vocab_size, config.power_a
        )
        positions = mqar.asked_positions(labels)
        with torch.inference_mode():
            answers = model(inputs, positions).argmax(-1)
            rows = weights(model, inputs)
        found.append(
            {
                "line": line_name(config.mixer, start_name(config.start), config.steps),
                **{"K": config.num_kv_pairs, "n": config.n, "d": config.d_model},
                "accuracy": round(evaluate(model, test, config.batch_size), 4),
                "reads": [
                    {"answers": said.tolist(), "rows": [_row(phi[i, : i + 1]) for i in at.tolist()]}
                    for said, phi, at in zip(answers, rows, positions, strict=True)
                ],
            }
        )
    return sorted(found, key=lambda model: (model["line"], model["n"]))


def weights(model: SequenceModel, inputs: Tensor) -> Tensor:
    """Φ of a model with one layer, without what passes by the state.

    Args:
        model: whose mixer has the same Φ in every channel.
        inputs: tokens (B, L).

    Returns:
        Φ, (B, L, L).

    Raises:
        ValueError: the model has more layers, or a Φ for each channel.
    """
    if len(model.blocks) != 1:
        raise ValueError(f"model has {len(model.blocks)} layers, expected 1")
    block: Any = model.blocks[0]
    system = block.mixer.system(block.conv(block.norm(model.embedding(inputs))))
    if isinstance(system, LTVSystem):
        system = replace(system, feedthrough=None)
    phi: Tensor = system.matrix()
    if phi.shape != (len(inputs), *2 * (inputs.shape[1],)):
        raise ValueError("model has a Φ for each channel, expected one for all")
    return phi


def _row(row: Tensor) -> dict[str, Any]:
    most = float(row.abs().max())
    shares = (100 * row / most).round().int().tolist()
    return {"most": float(f"{most:.3g}"), "shares": shares}
