"""Key-value memory: pairs are written into a memory of some size and asked for again."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import torch
import traitlets
from torch import Tensor
from torch.nn.functional import normalize

from dsf.widgets.base import STATIC, Widget, fixed
from dsf.widgets.random import normal

PAIRS, CHANNELS, CODEBOOK, DRAWS = 8, 16, 1024, 200
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""The state expansions n that are measured."""
DECAY, SCALE = 0.8, 32.0
TITLES = {
    "linear": "Linear attention",
    "softmax": "Softmax attention",
    "decay": "Linear attention with decay",
}
SHOWN = 189
"""The draw that is drawn: what comes back of it never grows when n is taken down."""
_SEED = 0
_KEYS, _VALUES = 31, 32  # streams


class KeyValueMemory(Widget):
    """How many of eight values come back from a memory with n × d cells, keys being random.

    Nothing is trained. Keys are random directions in n dimensions, values are members of a codebook
    of 1024 random directions in d = 16. All eight pairs are written, then each key is asked for; a
    value has come back if no other member of the codebook is nearer to what is read.

    Attributes:
        memory: "linear" (the sum of all k vᵀ), "softmax" (all keys and values are kept, scores
            times 32) or "decay" (the sum, which shrinks to 0.8 of itself before each pair).
        n: state expansion asked for, 1 to 32; the largest of `SIZES` that is not above it is shown.

    Source: chapters 3 and 10.
    """

    name: ClassVar[str] = "hero"
    _esm = STATIC / "hero.mjs"

    memory = traitlets.Enum(list(TITLES), "linear").tag(sync=True, figure=True)
    n = traitlets.Int(8, min=1, max=SIZES[-1]).tag(sync=True, figure=True)

    def size(self) -> int:
        """The state expansion that is shown."""
        return max(size for size in SIZES if size <= self.n)

    def caption(self) -> str:
        """What the figure shows, with its numbers."""
        few, most = (fixed(mean(self.memory, size), 1) for size in (2, SIZES[-1]))
        return (
            f"{PAIRS} key-value pairs are written into a memory and asked for again. As first "
            f"shown, {fixed(mean(self.memory, self.size()), 1)} of {PAIRS} values come back with "
            f"n = {self.size()}, {few} with n = 2 and {most} with n = {SIZES[-1]}."
        )

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """What comes back from each memory, and how many numbers it holds."""
        n = self.size()
        rows = []
        for name, title in TITLES.items():
            counts = recalled(name, n)
            shares = [f"{fixed(100 * counts[place] / DRAWS, 0)} %" for place in (0, -1)]
            held = PAIRS * (n + CHANNELS) if name == "softmax" else n * CHANNELS
            rows.append([title, fixed(sum(counts) / DRAWS, 1), *shares, str(held)])
        head = ["", f"of {PAIRS}", "the oldest", "the newest", "numbers held"]
        return f"What comes back with n = {n}", head, rows


@cache
def keys() -> Tensor:
    """Keys before they are cut to n coordinates, (200, 8, 32): normal numbers."""
    return _normal(_KEYS, DRAWS, PAIRS, SIZES[-1])


@cache
def codebook() -> Tensor:
    """The values that there are, (1024, 16), of unit length."""
    return normalize(_normal(_VALUES, CODEBOOK, CHANNELS), dim=-1)


def came_back(memory: str, n: int) -> Tensor:
    """Whether each value comes back, in 200 draws.

    Args:
        memory: "linear", "softmax" or "decay".
        n: state expansion, 1 to 32.

    Returns:
        Booleans, (200, 8), in the order of writing. Draw t has the members 8 t to 8 t + 7 of the
        codebook, modulo 1024, as values.
    """
    k = normalize(keys()[..., :n], dim=-1)
    asked = torch.arange(DRAWS * PAIRS).reshape(DRAWS, PAIRS) % CODEBOOK
    scores = k @ k.mT  # (draw, question, pair)
    if memory == "softmax":
        weights = torch.softmax(SCALE * scores, dim=-1)
    else:
        age = torch.arange(PAIRS - 1, -1, -1)
        weights = scores * (DECAY**age if memory == "decay" else 1)
    nearest = (weights @ codebook()[asked] @ codebook().mT).argmax(-1)
    return nearest == asked


def recalled(memory: str, n: int) -> list[int]:
    """In how many of 200 draws each value comes back.

    Args:
        memory: "linear", "softmax" or "decay".
        n: state expansion, 1 to 32.

    Returns:
        A number for each pair, in the order of writing.
    """
    counts: list[int] = came_back(memory, n).sum(0).tolist()
    return counts


def mean(memory: str, n: int) -> float:
    """How many of the eight values come back in the mean over 200 draws.

    Args:
        memory: "linear", "softmax" or "decay".
        n: state expansion, 1 to 32.

    Returns:
        A number from 0 to 8.
    """
    return sum(recalled(memory, n)) / DRAWS


def _normal(stream: int, *shape: int) -> Tensor:
    numbers = [normal(_SEED, stream, place) for place in range(torch.Size(shape).numel())]
    return torch.tensor(numbers, dtype=torch.float64).reshape(shape)
