"""Checkers of arguments, one for arrays and one for numbers; every public function uses them.

Each refusal is a `ValueError` that names the argument, what it was and what was expected.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def check_arrays(
    arrays: Mapping[str, tuple[Any, str]], complex_too: Collection[str] = (), **sizes: int
) -> dict[str, int]:
    """Refuse arguments that are not tensors, or that do not fit each other.

    All have to be floating tensors of one precision on one device, of the shapes that are named,
    in which a letter stands for one length throughout, and with leading axes that broadcast. No
    value is read, so that this works under `torch.vmap` and on the device "meta".

    Args:
        arrays: by the name of the argument, the array and its shape as the docstrings write it,
            for example "(..., L, m)", "(d, n)", with an axis that may have length 1 "(L|1, d)", or
            for integers instead of floating numbers "int64 (..., Q)".
        complex_too: names of those that may be complex.
        sizes: letters whose length is known beforehand.

    Returns:
        The length of every letter. A letter that only stood beside a 1 may be missing.

    Raises:
        ValueError: naming the first array that does not fit.
    """
    first = next(iter(arrays))
    model: str | None = None  # of the precision
    origin: dict[str, str] = {}
    leading: tuple[int, ...] = ()
    for name, (x, shape) in arrays.items():
        if not isinstance(x, Tensor):
            raise ValueError(f"{name} is {shown(x)}, expected a torch tensor {shape}")
        integer = shape.startswith("int64 ")
        if integer:
            if x.dtype != torch.int64:
                raise ValueError(f"{name} has dtype {x.dtype}, expected torch.int64")
        elif not (x.is_floating_point() or (x.is_complex() and name in complex_too)):
            kinds = "floating or complex" if name in complex_too else "real floating"
            raise ValueError(f"{name} has dtype {x.dtype}, expected a {kinds} dtype")
        axes = shape.removeprefix("int64 ").strip("()").split(",")
        letters = [letter.strip() for letter in axes if letter.strip()]
        free = letters[:1] == ["..."]
        letters = letters[1:] if free else letters
        found = _lengths(tuple(x.shape), letters, free, sizes)
        if found is None:
            raise ValueError(
                f"{name} has shape {tuple(x.shape)}, expected {shape}"
                + _known(letters, sizes, origin)
                + (" and no empty axis" if 0 in x.shape else "")
            )
        if not integer:
            model = model or name
            wanted = arrays[model][0].dtype
            if precision(x) != precision(arrays[model][0]):
                raise ValueError(
                    f"{name} has dtype {x.dtype}, expected the precision of {model}, {wanted}"
                )
        if x.device != arrays[first][0].device:
            device = arrays[first][0].device
            raise ValueError(f"{name} is on {x.device}, expected {device}, the device of {first}")
        for letter, length in found.items():
            if letter not in sizes:
                sizes[letter], origin[letter] = length, name
        leading = check_leading(name, tuple(x.shape[: x.ndim - len(letters)]), leading)
    return sizes


def _lengths(
    size: tuple[int, ...], letters: list[str], free: bool, known: Mapping[str, int]
) -> dict[str, int] | None:
    """The lengths that an array gives to the letters of its shape, None if it does not fit."""
    if 0 in size or len(size) < len(letters) or (len(size) > len(letters) and not free):
        return None
    found: dict[str, int] = {}
    for letter, length in zip(letters, size[len(size) - len(letters) :], strict=True):
        if letter.endswith("|1") and length == 1:
            continue
        name = letter.removesuffix("|1")
        wanted = int(name) if name.isdecimal() else found.get(name, known.get(name, length))
        if length != wanted:
            return None
        found[name] = length
    return found


def _known(letters: list[str], sizes: Mapping[str, int], origin: Mapping[str, str]) -> str:
    """What is known of the letters, and from which argument."""
    names = dict.fromkeys(letter.removesuffix("|1") for letter in letters)
    parts: dict[str | None, list[str]] = {}
    for name in names:
        if name in sizes:
            parts.setdefault(origin.get(name), []).append(f"{name} = {sizes[name]}")
    known = [
        ", ".join(part) + (f" as in {source}" if source else "") for source, part in parts.items()
    ]
    return f" with {' and '.join(known)}" if known else ""


def check_leading(name: str, more: tuple[int, ...], leading: tuple[int, ...]) -> tuple[int, ...]:
    """Refuse leading axes that do not broadcast with those before, else return what both give."""
    more, leading = tuple(more), tuple(leading)
    if not leading or not more or more == leading:  # as a rule, and PyTorch's function is slow
        return leading or more
    try:
        return tuple(torch.broadcast_shapes(leading, more))
    except RuntimeError:
        raise ValueError(
            f"{name} has leading axes {more}, expected axes that broadcast with {leading}"
        ) from None


def check_values(**tensors: Tensor) -> None:
    """Refuse tensors whose values can't be read: those on the device "meta"."""
    for name, x in tensors.items():
        if x.is_meta:
            raise ValueError(f"{name} is on {x.device}, expected a device that holds its values")


def check_precision(name: str, x: Tensor) -> None:
    """Refuse half precision, in which PyTorch decomposes and inverts no matrix."""
    if precision(x).itemsize < 4:
        raise ValueError(f"{name} has dtype {x.dtype}, expected single or double precision")


def refuse_where(name: str, x: Tensor, bad: Tensor, expected: str) -> None:
    """Raise with the first time at which x is bad; bad is (..., L)."""
    if not bad.any():
        return
    first = int(bad.reshape(-1, bad.shape[-1]).any(0).nonzero()[0])
    found = f"is wrong at index {first}"
    if x.shape == bad.shape:
        found = f"is {x[..., first][bad[..., first]][0].item():.6g} at index {first}"
    raise ValueError(f"{name} {found}, expected {expected}")


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
    infinite: bool = False,
) -> float:
    """Refuse a value that is not a finite real number in the range.

    Args:
        name: of the argument.
        value: what was given, of any real type. A truth value is not a number.
        low: smallest allowed value.
        high: largest allowed value.
        above: whether `low` itself is excluded.
        below: whether `high` itself is excluded.
        infinite: whether an infinity in the range is allowed.

    Returns:
        The value as a `float`.
    """
    number = math.nan
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:  # an integer beyond every float
            number = math.nan
    if (
        not low <= number <= high
        or (above and number == low)
        or (below and number == high)
        or (abs(number) == math.inf and not infinite)
    ):
        bounds = [f"{'>' if above else '>='} {low:g}"] if low > -math.inf else []
        bounds += [f"{'<' if below else '<='} {high:g}"] if high < math.inf else []
        finite = "" if len(bounds) == 2 or infinite else "finite "
        expected = f"a {finite}number {' and '.join(bounds)}".rstrip()
        raise ValueError(f"{name} is {shown(value)}, expected {expected}")
    return number


def check_integer(name: str, value: Any, low: int = 1, high: int | None = None) -> int:
    """Refuse a value that is not an integer in the range.

    Args:
        name: of the argument.
        value: what was given, of any integer type. A truth value is not a number.
        low: smallest allowed value.
        high: largest allowed value; unbounded if None.

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


def as_numbers(name: str, value: Any) -> NDArray[Any]:
    """A tensor, array, number, or nested lists of them, as an array in its own precision.

    Args:
        name: of the argument.
        value: what was given, real or complex.

    Returns:
        The array, of any shape.

    Raises:
        ValueError: it is not numbers, or rows have different lengths.
    """
    if isinstance(value, Tensor):
        check_values(**{name: value})
        # NumPy has no bfloat16, and a conjugate view has no NumPy form.
        value = value.detach().cpu().resolve_conj().resolve_neg()
        return np.asarray(value.float() if value.dtype == torch.bfloat16 else value)
    if isinstance(value, list | tuple):
        parts = [as_numbers(name, part) for part in value]
        if len({part.shape for part in parts}) > 1:
            raise ValueError(f"{name} is {shown(value)}, expected a rectangular array of numbers")
        return np.asarray(parts)
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{name} is {shown(value)}, expected numbers")
    return array


def precision(x: Tensor) -> torch.dtype:
    """The real dtype behind a dtype, so that float64 and complex128 agree."""
    return x.real.dtype if x.is_complex() else x.dtype


def shown(value: Any) -> str:
    """The value as a message shows it: whole where it is short, else its type."""
    if isinstance(value, Tensor):
        return f"a torch tensor of shape {tuple(value.shape)} and dtype {value.dtype}"
    if isinstance(value, int) and abs(value) >= 10**30:  # Python writes no integer of 5000 digits
        return "an integer of more than 30 digits"
    text = repr(value)
    return text if len(text) <= 40 and "\n" not in text else f"a {type(value).__name__}"
