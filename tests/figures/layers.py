"""The layers that the explorer draws, as systems of the package."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from book import bundle
from dsf import ARCHITECTURES
from dsf.system import LTVSystem

SCRIPT = Path(__file__).with_name("layers.mjs")


class Layer(NamedTuple):
    """What JavaScript draws and computes, and the system of the package for the same arguments."""

    tokens: list[str]
    embeddings: Tensor  # (L, 16)
    u: Tensor  # (L, d)
    matches: list[list[int]]
    phi: Tensor  # (d, L, L), of JavaScript
    outputs: Tensor  # (L, d), of JavaScript
    system: LTVSystem
    given: dict[str, Any]  # its arguments

    def matrix(self) -> Tensor:
        """Φ of the package, (d, L, L)."""
        return self.system.matrix().expand(*self.phi.shape)


def _argument(value: Any) -> Any:
    if isinstance(value, dict):
        return torch.complex(_argument(value["re"]), _argument(value["im"]))
    return torch.tensor(value, dtype=torch.float64) if isinstance(value, list) else value


def _layer(name: str, drawn: dict[str, Any]) -> Layer:
    given = {key: _argument(value) for key, value in drawn["given"].items()}
    u, length = _argument(drawn["values"]), len(drawn["tokens"])
    return Layer(
        tokens=drawn["tokens"],
        embeddings=_argument(drawn["embeddings"]),
        u=u,
        matches=drawn["matches"],
        phi=_argument(drawn["phi"]).reshape(-1, length, length),
        outputs=_argument(drawn["outputs"]),
        system=ARCHITECTURES[name].system(**given),
        given=given,
    )


def layers(asked: list[dict[str, Any]]) -> list[Layer]:
    """The layers for states of the explorer: name, kind, n, seed and text, in one process."""
    whole = [{"n": 16, "seed": 3, "text": "the cat, the hat", **one} for one in asked]
    drawn = json.loads(bundle.run_node(str(SCRIPT), text=json.dumps(whole)))
    return [_layer(one["name"], found) for one, found in zip(asked, drawn, strict=True)]
