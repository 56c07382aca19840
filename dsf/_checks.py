"""Checks of arguments shared by the architectures."""

from __future__ import annotations

from torch import Tensor


def check_sequence(name: str, x: Tensor, shape: str, length: int | None = None) -> None:
    """Refuse x unless it is a floating sequence with time second to last."""
    if not isinstance(x, Tensor):
        raise ValueError(f"{name} is a {type(x).__name__}, expected a torch tensor {shape}")
    if not (x.is_floating_point() or x.is_complex()):
        raise ValueError(f"{name} has dtype {x.dtype}, expected a floating or complex dtype")
    axes = shape.count(",")  # as many as are named after the leading ...
    if x.ndim < axes or 0 in x.shape:
        raise ValueError(f"{name} has shape {tuple(x.shape)}, expected {shape} with no empty axis")
    if length is not None and x.shape[-axes] != length:
        raise ValueError(f"{name} has shape {tuple(x.shape)}, expected {shape} with L = {length}")


def check_width(name: str, x: Tensor, width: int, what: str) -> None:
    """Refuse x unless its last axis has the given width."""
    if x.shape[-1] != width:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}, expected a last axis of {what} = {width}"
        )
