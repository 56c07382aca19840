"""Self-checks: is what was computed what was expected?

Used after the derivations of the book and by its exercises. A check that holds prints one short
line, `✓ Φ by hand · 1e-16`: what agrees and how closely. A check that fails raises an
`AssertionError` that says where the two sides part.
"""

from typing import Any

import numpy as np

from dsf._checks import as_numbers, check_number, shown

Array = np.ndarray[Any, np.dtype[Any]]

SHOWN_INDICES = 3  # how many positions of NaN a message lists


def same(actual: Any, expected: Any, tolerance: float = 1e-9, name: str | None = None) -> None:
    """Check that two arrays agree, and say how closely.

    The difference is absolute for values of size up to one and relative above: the check holds if
    max |actual - expected| ≤ tolerance · max(1, max |expected|). Shapes must be equal, nothing is
    broadcast. Equal infinities agree; NaN agrees with nothing.

    The default tolerance is meant for float64. Pass about 1e-5 for float32.

    Args:
        actual: what was computed: tensor, array, number, or nested lists of them; real or complex.
        expected: what it should be, in any of the same forms.
        tolerance: largest difference allowed, at least 0.
        name: what is checked, for the printed line and the error message; "same" if None.

    Raises:
        AssertionError: shapes or values differ, or there is nothing to compare.
        ValueError: either side is not numbers, the tolerance is negative or not finite, or the name
            is no text.

    Example:
        >>> dsf.check.same(torch.tensor([0.1 + 0.2]), torch.tensor([0.3]), name="0.1 + 0.2")
        ✓ 0.1 + 0.2 · 0
    """
    tolerance = check_number("tolerance", tolerance, 0)
    if not isinstance(name, str | None):
        raise ValueError(f"name is {shown(name)}, expected a str or None")
    left, right = as_numbers("actual", actual), as_numbers("expected", expected)
    label = name or "same"
    if left.shape != right.shape:
        raise AssertionError(
            f"{label}: shapes differ: actual has {left.shape}, expected has {right.shape}"
        )
    if left.size == 0:
        raise AssertionError(f"{label}: nothing to compare, both sides have shape {left.shape}")

    left, right = _in_double(left), _in_double(right)
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN and is reported below
        difference = np.where(left == right, 0.0, np.abs(left - right))
    finite = np.abs(right[np.isfinite(right)])
    size = float(finite.max(initial=0.0))
    scale = max(1.0, size)
    # argmax takes NaN for the largest of all.
    worst = tuple(int(i) for i in np.unravel_index(difference.argmax(), difference.shape))
    if difference[worst] <= tolerance * scale:
        print(f"✓ {label} · {_short(difference[worst] / scale)}")
        return
    lines = [
        f"{label}: {_distance(float(difference[worst]), size)} exceeds the tolerance {tolerance:g}",
        f"  at index {worst}: actual {left[worst]:.6g}, expected {right[worst]:.6g}",
        f"  {np.count_nonzero(~(difference <= tolerance * scale))} of {left.size} entries differ "
        f"by more, shape {left.shape}",
        *_nan_notes("actual", left),
        *_nan_notes("expected", right),
        *_precision_note(actual, expected, float(difference[worst]) / scale),
    ]
    raise AssertionError("\n".join(lines))


def _short(number: float) -> str:
    """One digit and a power of ten, as in 1e-16; 0 for zero."""
    digit, _, power = f"{number:.0e}".partition("e")
    return f"{digit}e{int(power)}" if number else "0"


def _in_double(array: Array) -> Array:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _distance(difference: float, size: float) -> str:
    text = f"max |difference| {difference:.1e}"
    if size > 1:
        text += f" = {difference / size:.1e} × max |expected| {size:.3g}"
    return text


def _nan_notes(name: str, array: Array) -> list[str]:
    """One line about NaN or infinity in the array, if there is any."""
    positions = np.argwhere(~np.isfinite(array))
    if len(positions) == 0:
        return []
    shown = ", ".join(str(tuple(p.tolist())) for p in positions[:SHOWN_INDICES])
    more = ", ..." if len(positions) > SHOWN_INDICES else ""
    nans = int(np.isnan(array).sum())
    return [f"  {name} has {nans} NaN and {len(positions) - nans} inf, at {shown}{more}"]


def _precision_note(actual: Any, expected: Any, difference: float) -> list[str]:
    """A hint where the difference is what single precision leaves."""
    dtypes = [str(getattr(value, "dtype", "")) for value in (actual, expected)]
    single = any(dtype.endswith(("float32", "complex64")) for dtype in dtypes)
    if not (single and difference < 1e-4):
        return []
    return ["  one side is in single precision: compute in float64 or pass tolerance=1e-5"]
