"""The small untrained layer behind the explorer, twin of ``js/layer.js`` number by number.

Token t has an embedding x. Queries read the token itself, keys the token before it, as after a
short convolution, and values the token itself; queries and keys share their projection. Row i of Φ
therefore looks for what followed earlier occurrences of token i.

Random numbers depend only on (seed, stream, index), so that JavaScript draws the same ones and a
weight matrix keeps its first rows when n grows.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from dsf.architectures import ARCHITECTURES
from dsf.system import LTVSystem

INPUTS = ("random", "impulse", "mqar", "text")
CHANNELS = 4
LENGTH = 24
MAX_TEXT = 32
MAX_N = 16
FILLER = "·"
_WIDTH = 16
_PAIRS = 4
_IMPULSE_AT = 2
_STREAM = {
    "token": 1,
    "random": 2,
    "key": 3,
    "value": 4,
    "eta": 5,
    "step": 6,
    "output": 7,
    "forget": 8,
    "input": 9,
    "gate": 10,
    "decay": 11,
    "keys": 12,
    "values": 13,
    "slots": 14,
}

# The state expansions an architecture can have where that is not every n up to 16: softmax has
# C(2 + p, p) Taylor features at the even orders p = 0, 2, 4, whose kernel is positive.
SIZES = {"softmax": (1, 6, 15), "qlstm": (1,), "qlstm_reversed": (1,), "rg_lru": (1,)}


class Sequence(NamedTuple):
    """What the layer reads.

    Attributes:
        tokens: L short strings.
        embeddings: x, (L, 16).
        values: the input u of the system, (L, 4).
    """

    tokens: list[str]
    embeddings: Tensor
    values: Tensor


def fit(name: str, n: int) -> int:
    """The largest state expansion of an architecture that is not above n.

    Args:
        name: a key of `dsf.ARCHITECTURES`.
        n: the state expansion asked for, at least 1.

    Returns:
        The state expansion the layer has.
    """
    return max(size for size in SIZES.get(name, range(1, MAX_N + 1)) if size <= n)


def sequence(kind: str, seed: int, text: str = "") -> Sequence:
    """The tokens, embeddings and values of one of the four inputs.

    Args:
        kind: one of `INPUTS`.
        seed: seed of everything random.
        text: what to read if kind is "text", at most 32 characters of it.

    Returns:
        The sequence.

    Raises:
        ValueError: kind is unknown, or there is no text to read.
    """
    if kind == "random":
        tokens = [str(i) for i in range(LENGTH)]
        return _projected(tokens, _normal(seed, "random", LENGTH, _WIDTH), seed)
    if kind == "impulse":
        tokens = ["1" if i == _IMPULSE_AT else "0" for i in range(LENGTH)]
        marks = torch.tensor([[float(token)] for token in tokens], dtype=torch.float64)
        # One embedding for all steps: Λ, B and C stay the same and y is the impulse response.
        embeddings = _vector(seed, "random", 0, _WIDTH).expand(LENGTH, -1)
        return Sequence(tokens, embeddings, marks.expand(-1, CHANNELS))
    if kind == "mqar":
        tokens = _recall_tokens(seed)
    elif kind == "text" and text:
        tokens = list(text)[:MAX_TEXT]
    else:
        raise ValueError(f"kind is {kind!r} and text {text!r}, expected one of {INPUTS} with text")
    rows = [_vector(seed, "token", ord(token), _WIDTH) for token in tokens]
    return _projected(tokens, torch.stack(rows), seed)


def matches(tokens: list[str], i: int, kind: str) -> list[int]:
    """The positions j ≤ i that follow an occurrence of token i: what recall would read.

    Args:
        tokens: the tokens.
        i: the position that asks.
        kind: one of `INPUTS`.

    Returns:
        The positions, in order.
    """
    if kind in ("random", "impulse") or tokens[i] == FILLER:
        return []
    return [j for j in range(1, i + 1) if tokens[j - 1] == tokens[i]]


def layer_arguments(name: str, embeddings: Tensor, n: int, seed: int) -> dict[str, Any]:
    """The arguments of the system function of an architecture.

    Args:
        name: a key of `dsf.ARCHITECTURES`.
        embeddings: x, (L, 16).
        n: a state expansion the architecture can have, see `fit`.
        seed: seed of the weights.

    Returns:
        Arguments for ``ARCHITECTURES[name].system``.

    Raises:
        ValueError: no architecture has that name.
    """
    previous = torch.cat([torch.zeros_like(embeddings[:1]), embeddings[:-1]])

    def project(stream: str, rows: int, bias: float = 0.0, gain: float = 1.0) -> Tensor:
        return gain * _project(seed, stream, rows, embeddings) + bias

    q, k = project("key", n), _project(seed, "key", n, previous)
    match name:
        case "softmax":
            q, k = (torch.tanh(2 * _project(seed, "key", 2, x)) for x in (embeddings, previous))
            return {"q": q, "k": k, "order": 2 * SIZES["softmax"].index(n)}
        case "linear":
            return {"q": 2 * q, "k": 2 * k}
        case "normalized":
            return {"q": q, "k": k, "eta": torch.exp(project("eta", 1, gain=0.3).squeeze(-1))}
        case "s4d":
            return _s4d_arguments(n, seed, len(embeddings))
        case "s6":
            a = -torch.arange(1.0, n + 1, dtype=torch.float64).expand(CHANNELS, n)
            return {"step": softplus(project("step", CHANNELS, -4, 0.5)), "a": a, "b": k, "c": q}
        case "ssd":
            step = softplus(project("step", 1, -4, 0.5).squeeze(-1))
            return {"step": step, "a": -1.0, "b": k, "c": q}
        case "qlstm" | "qlstm_reversed":
            is_reversed = name == "qlstm_reversed"
            return {
                "forget_gate": project("forget", CHANNELS, -2 if is_reversed else 2),
                "input_gate": project("input", CHANNELS),
                "output_gate": project("gate", CHANNELS),
                "reversed_sigmoid": is_reversed,
                "exponent": 0.5 if is_reversed else 1.0,
            }
        case "rg_lru":
            return {
                "recurrence_gate": project("gate", CHANNELS),
                "input_gate": project("input", CHANNELS),
                "decay": _vector(seed, "decay", 0, CHANNELS) + 4,
            }
    raise ValueError(f"name is {name!r}, expected one of {', '.join(ARCHITECTURES)}")


def layer_system(name: str, embeddings: Tensor, n: int, seed: int) -> LTVSystem:
    """The layer as a dynamical system, with the largest state expansion not above n.

    Args:
        name: a key of `dsf.ARCHITECTURES`.
        embeddings: x, (L, 16).
        n: the state expansion asked for.
        seed: seed of the weights.

    Returns:
        The system, in float64.
    """
    arguments = layer_arguments(name, embeddings, fit(name, n), seed)
    system = ARCHITECTURES[name].system(**arguments)
    assert isinstance(system, LTVSystem)  # what the page draws is diagonal
    return system


def uniform(seed: int, stream: int, index: int) -> float:
    """A number on (0, 1) that depends only on its three arguments.

    Args:
        seed: non-negative integer.
        stream: non-negative integer, one for each thing that is drawn.
        index: place in the stream.

    Returns:
        The number.
    """
    bits = _mix(_mix(_mix(seed + 0x9E3779B9) + stream) + index)
    return (bits + 0.5) / 2**32


def normal(seed: int, stream: int, index: int) -> float:
    """A standard normal number that depends only on its three arguments, by Box and Muller.

    Args:
        seed: non-negative integer.
        stream: non-negative integer, one for each thing that is drawn.
        index: place in the stream.

    Returns:
        The number.
    """
    radius = math.sqrt(-2 * math.log(uniform(seed, stream, 2 * index)))
    return radius * math.cos(2 * math.pi * uniform(seed, stream, 2 * index + 1))


def _mix(h: int) -> int:
    """Scramble 32 bits (the finaliser of MurmurHash3)."""
    h &= 0xFFFFFFFF
    h ^= h >> 16
    h = h * 0x85EBCA6B & 0xFFFFFFFF
    h ^= h >> 13
    h = h * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def _vector(seed: int, stream: str, row: int, size: int) -> Tensor:
    numbers = [normal(seed, _STREAM[stream], row * size + c) for c in range(size)]
    return torch.tensor(numbers, dtype=torch.float64)


def _normal(seed: int, stream: str, rows: int, size: int) -> Tensor:
    return torch.stack([_vector(seed, stream, row, size) for row in range(rows)])


def _project(seed: int, stream: str, rows: int, x: Tensor) -> Tensor:
    """W x with W_rc ~ N(0, 1/16), the same rows whatever their number."""
    return x @ _normal(seed, stream, rows, _WIDTH).mT / math.sqrt(_WIDTH)


def _projected(tokens: list[str], embeddings: Tensor, seed: int) -> Sequence:
    return Sequence(tokens, embeddings, _project(seed, "value", CHANNELS, embeddings))


def _shuffled(seed: int, stream: str, size: int) -> list[int]:
    return sorted(range(size), key=lambda index: uniform(seed, _STREAM[stream], index))


def _recall_tokens(seed: int) -> list[str]:
    """Four key-value pairs, then each key once more at a random place."""
    keys = ["abcdefgh"[k] for k in _shuffled(seed, "keys", 8)[:_PAIRS]]
    values = ["12345678"[v] for v in _shuffled(seed, "values", 8)[:_PAIRS]]
    tokens = [token for pair in zip(keys, values, strict=True) for token in pair]
    rest = [FILLER] * (LENGTH - 2 * _PAIRS)
    for key, slot in zip(keys, _shuffled(seed, "slots", len(rest) // 2), strict=False):
        rest[2 * slot] = key
    return tokens + rest


def _s4d_arguments(n: int, seed: int, length: int) -> dict[str, Any]:
    frequencies = math.pi * torch.arange(n, dtype=torch.float64)
    a = torch.complex(torch.full_like(frequencies, -0.5), frequencies).expand(CHANNELS, n)
    numbers = [
        [
            complex(
                *(normal(seed, _STREAM["output"], 2 * (c * MAX_N + s) + part) for part in (0, 1))
            )
            for s in range(n)
        ]
        for c in range(CHANNELS)
    ]
    step = torch.exp(0.5 * _vector(seed, "step", 0, CHANNELS) - 2)
    c = torch.tensor(numbers, dtype=torch.complex128)
    return {"a": a, "b": torch.ones_like(a), "c": c, "step": step, "length": length}
