"""Random numbers that depend only on (seed, stream, index), as in ``js/random.js``.

JavaScript therefore draws the same ones, and a matrix keeps its first rows when it grows.
"""

import math


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
