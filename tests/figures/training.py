"""The engine that trains in the page, asked without a browser."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from book import bundle
from dsf.model import SequenceModel

SCRIPT = Path(__file__).with_name("training.mjs")


def answers(tasks: list[dict[str, Any]]) -> list[Any]:
    """What the engine gives for tasks of `training.mjs`, in one process."""
    found: list[Any] = json.loads(bundle.run_node(str(SCRIPT), text=json.dumps(tasks)))
    return found


def weights(model: SequenceModel) -> dict[str, Any]:
    """The parameters of a model as the engine takes them."""
    return {
        name: {"shape": list(x.shape), "values": x.detach().flatten().tolist()}
        for name, x in model.state_dict().items()
    }


def tensors(found: dict[str, Any]) -> dict[str, Tensor]:
    """Parameters of the engine as those of a model."""
    return {name: torch.tensor(x["values"]).reshape(x["shape"]) for name, x in found.items()}
