"""Messages with arrays, as ipywidgets carry them: plain values, and the arrays beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from dsf._checks import check_integer

Buffer = bytes | bytearray | memoryview


def packed(what: Any, buffers: list[Buffer]) -> Any:
    """A message without its arrays.

    Args:
        what: a plain value that may hold tensors.
        buffers: where those are put, as float32.

    Returns:
        The same, with `{"floats": place}` for each.
    """
    if isinstance(what, Tensor):
        buffers.append(what.detach().cpu().float().contiguous().numpy().astype("<f4").tobytes())
        return {"floats": len(buffers) - 1}
    if isinstance(what, dict):
        return {name: packed(x, buffers) for name, x in what.items()}
    return [packed(x, buffers) for x in what] if isinstance(what, list) else what


def unpacked(what: Any, buffers: Sequence[Buffer]) -> Any:
    """The reverse of `packed`.

    Args:
        what: a plain value.
        buffers: the arrays.

    Returns:
        The same, with flat tensors.

    Raises:
        ValueError: it names a buffer that is not there, or none of float32.
    """
    if isinstance(what, dict) and what.keys() == {"floats"}:
        place = check_integer("floats", what["floats"], 0, len(buffers) - 1)
        size = len(memoryview(buffers[place]).cast("B"))
        if size % 4:
            raise ValueError(f"buffer {place} has {size} bytes, expected a multiple of 4")
        return torch.frombuffer(bytearray(buffers[place]), dtype=torch.float32)
    if isinstance(what, dict):
        return {name: unpacked(x, buffers) for name, x in what.items()}
    return [unpacked(x, buffers) for x in what] if isinstance(what, list) else what
