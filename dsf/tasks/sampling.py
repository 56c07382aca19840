"""Rows of random numbers without repetition, many rows at once and none ever drawn again."""

import numpy as np
from numpy.typing import NDArray

from dsf._checks import check_integer, check_number, shown

_Ints = NDArray[np.int64]


def distinct(stream: np.random.Generator, num_rows: int, count: int, size: int) -> _Ints:
    """Draw rows of `count` distinct numbers below `size`, every ordered row equally likely.

    The j-th number of a row is first drawn as its rank among the size - j numbers that are left
    (a Lehmer code) and the ranks are then turned into numbers from the last to the first: a later
    rank counts on past every earlier number that it reaches. No draw is ever rejected, so a row
    always takes the same share of the stream.

    Args:
        stream: source of random numbers.
        num_rows: number of independent rows.
        count: numbers in a row, at most `size`.
        size: how many numbers there are to choose from.

    Returns:
        Integers (num_rows, count).

    Raises:
        ValueError: an argument is out of range.
    """
    num_rows, count, size = _check_rows(stream, "integers", num_rows, count, size)
    ranks = stream.integers(0, size - np.arange(count), size=(num_rows, count))
    x = np.ascontiguousarray(ranks.T)  # (count, num_rows): long inner loops
    for j in range(count - 2, -1, -1):
        x[j + 1 :] += x[j + 1 :] >= x[j]
    return x.T


def plackett_luce(
    stream: np.random.Generator, num_rows: int, count: int, size: int, power_a: float
) -> _Ints:
    """Draw rows of `count` distinct slots, one after the other, with weights (g + 1)^(a - 1).

    Slot g gets an exponential arrival time of rate (g + 1)^(a - 1). Which slot arrives first, which
    next, and so on is exactly weighted drawing without replacement, because exponential times have
    no memory.

    Args:
        stream: source of random numbers.
        num_rows: number of independent rows.
        count: slots in a row, at most `size`.
        size: number of slots, g = 0, ..., size - 1.
        power_a: the exponent a, from -10 to 10.

    Returns:
        Integers (num_rows, count), in the order in which they were drawn.

    Raises:
        ValueError: an argument is out of range.
    """
    num_rows, count, size = _check_rows(stream, "standard_exponential", num_rows, count, size)
    power_a = check_number("power_a", power_a, -10, 10)
    times = stream.standard_exponential((num_rows, size))
    times *= np.arange(1, size + 1, dtype=np.float64) ** (1.0 - power_a)  # mean = 1 / rate
    return np.argsort(times, axis=1)[:, :count]


def _check_rows(
    stream: np.random.Generator, method: str, num_rows: int, count: int, size: int
) -> tuple[int, int, int]:
    if not callable(getattr(stream, method, None)):  # another source of numbers serves as well
        raise ValueError(f"stream is {shown(stream)}, expected a numpy.random.Generator")
    size = check_integer("size", size)
    return check_integer("num_rows", num_rows), check_integer("count", count, high=size), size
