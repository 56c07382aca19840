"""Checkers of arguments, one for arrays and one for numbers; every public function uses them.

Each refusal is a `ValueError` that names the argument, what it was and what was expected.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor


def check_arrays(
    arrays: Mapping[str, tuple[Any, str]], complex_too: Collection[str] = (), **sizes: int
) -> dict[str, int]:
    """Refuse arguments that are not tensors, or that do not fit each other.

    All have to be floating tensors of one precision on one device, of the shapes that are named,
    in which a letter stands for one length throughout, and with leading axes that broadcast.

    Args:
        arrays: by the name of the argument, the array and its shape as the docstrings write it,
            for example "(..., L, m)", "(d, n)" or, with an axis that may have length 1, "(L|1, d)".
        complex_too: names of those that may be complex.
        sizes: letters whose length is known beforehand.

    Returns:
        The length of every letter. A letter that only stood beside a 1 may be missing.

    Raises:
        ValueError: naming the first array that does not fit.
    """
    first = next(iter(arrays))
    leading: tuple[int, ...] = ()
    for name, (x, shape) in arrays.items():
        if not isinstance(x, Tensor):
            raise ValueError(f"{name} is {shown(x)}, expected a torch tensor {shape}")
        if not (x.is_floating_point() or (x.is_complex() and name in complex_too)):
            kinds = "floating or complex" if name in complex_too else "real floating"
            raise ValueError(f"{name} has dtype {x.dtype}, expected a {kinds} dtype")
        letters = [letter.strip() for letter in shape.strip("()").split(",") if letter.strip()]
        free = letters[:1] == ["..."]
        letters = letters[1:] if free else letters
        known = ", ".join(
            f"{a} = {sizes[a]}" for a in dict.fromkeys(map(_letter, letters)) if a in sizes
        )
        expected = f"{shape} with {known}" if known else shape
        if x.ndim < len(letters) or (x.ndim > len(letters) and not free) or 0 in x.shape:
            empty = " and no empty axis" if 0 in x.shape else ""
            raise ValueError(f"{name} has shape {tuple(x.shape)}, expected {expected}{empty}")
        for letter, size in zip(letters, x.shape[x.ndim - len(letters) :], strict=True):
            if letter.endswith("|1") and size == 1:
                continue
            if letter.isdecimal():
                fits = size == int(letter)
            else:
                fits = size == sizes.setdefault(_letter(letter), size)
            if not fits:
                raise ValueError(f"{name} has shape {tuple(x.shape)}, expected {expected}")
        if precision(x) != precision(arrays[first][0]):
            raise ValueError(
                f"{name} has dtype {x.dtype}, expected the precision of {first}, "
                f"{arrays[first][0].dtype}"
            )
        if x.device != arrays[first][0].device:
            device = arrays[first][0].device
            raise ValueError(f"{name} is on {x.device}, expected {device}, the device of {first}")
        leading = _broadcast(name, leading, tuple(x.shape[: x.ndim - len(letters)]))
    return sizes


def check_state(name: str, state: Any, shape: str, like: Tensor, **sizes: int) -> None:
    """Refuse a state that has not this shape, or does not fit the array `like`.

    It may be complex only if `like` is. Its precision is that of `like`, or `state_dtype`, in which
    states come out.
    """
    check_arrays({name: (state, shape)}, [name] if like.is_complex() else (), **sizes)
    allowed = {precision(like): None, state_dtype(precision(like)): None}
    if precision(state) not in allowed:
        expected = " or ".join(map(str, allowed))
        raise ValueError(f"{name} has dtype {state.dtype}, expected the precision {expected}")
    if state.device != like.device:
        raise ValueError(f"{name} is on {state.device}, expected {like.device}")


def state_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which states are kept: float32 for half precision, else the same.

    A state is a sum over the whole past: in half precision it would stop growing after a few
    hundred terms.
    """
    return torch.promote_types(dtype, torch.float32)


def full_precision(like: Tensor) -> AbstractContextManager[Any]:
    """Where autocast would compute matrix products in half precision: switch it off.

    Sums over the whole past do not survive that. Elsewhere nothing happens.
    """
    kind = like.device.type
    if kind in ("cpu", "cuda") and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()


def check_number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    above: bool = False,
    below: bool = False,
) -> float:
    """Refuse a value that is not a finite real number in the range.

    Args:
        name: of the argument.
        value: what was given, of any real type. A truth value is not a number.
        low: smallest allowed value.
        high: largest allowed value.
        above: whether `low` itself is excluded.
        below: whether `high` itself is excluded.

    Returns:
        The value as a `float`.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if (
        not (is_number and math.isfinite(value) and low <= value <= high)
        or (above and value == low)
        or (below and value == high)
    ):
        bounds = [f"{'>' if above else '>='} {low:g}"] if low > -math.inf else []
        bounds += [f"{'<' if below else '<='} {high:g}"] if high < math.inf else []
        finite = "" if high < math.inf else "finite "
        expected = f"a {finite}number {' and '.join(bounds)}".rstrip()
        raise ValueError(f"{name} is {shown(value)}, expected {expected}")
    return float(value)


def check_integer(name: str, value: Any, low: int = 1, high: int | None = None) -> int:
    """Refuse a value that is not an integer in the range.

    Args:
        name: of the argument.
        value: what was given, of any integer type. A truth value is not a number.
        low: smallest allowed value.
        high: largest allowed value; None for no bound.

    Returns:
        The value as an `int`.
    """
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not (is_integer and low <= value and (high is None or value <= high)):
        expected = f"an integer >= {low}" if high is None else f"an integer from {low} to {high}"
        expected = f"{low}" if low == high else expected
        raise ValueError(f"{name} is {shown(value)}, expected {expected}")
    return int(value)


def check_flag(name: str, value: Any) -> None:
    """Refuse a value that is not True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {shown(value)}, expected True or False")


def check_choice(name: str, value: Any, choices: Collection[str]) -> None:
    """Refuse a value that is not one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} is {shown(value)}, expected one of {', '.join(choices)}")


def precision(x: Tensor) -> torch.dtype:
    """The real dtype behind a dtype, so that float64 and complex128 agree."""
    return x.real.dtype if x.is_complex() else x.dtype


def _letter(letter: str) -> str:
    return letter.removesuffix("|1")


def _broadcast(name: str, leading: tuple[int, ...], more: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return tuple(torch.broadcast_shapes(leading, more))
    except RuntimeError:
        raise ValueError(
            f"{name} has leading axes {more}, expected axes that broadcast with {leading}"
        ) from None


def shown(value: Any) -> str:
    """The value as a message shows it: whole where it is short, else its type."""
    if isinstance(value, Tensor):
        return f"a torch tensor of shape {tuple(value.shape)} and dtype {value.dtype}"
    text = repr(value)
    return text if len(text) <= 40 and "\n" not in text else f"a {type(value).__name__}"


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
