"""Taylor features: n = C(m + order, order)."""

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dsf._checks import check_arrays, check_integer
from dsf.feature_maps.base import FeatureMap

Indices = NDArray[np.int64]


def taylor_features(x: Tensor, order: int) -> Tensor:
    """All monomials x^α / sqrt(α!) of degree |α| ≤ order: the Taylor series of exp, as features.

    Their inner product is the Taylor polynomial of the exponential,
    ⟨φ(q), φ(k)⟩ = Σ_{r ≤ order} (qᵀk)^r / r!, because (qᵀk)^r / r! = Σ_{|α| = r} q^α k^α / α!. Even
    orders give a strictly positive kernel; with odd orders it can be zero or negative.

    The features are ordered by degree, then by the largest coordinate that occurs:
    1, x_0, x_1, ..., x_0²/√2, x_0 x_1, x_1²/√2, x_0 x_2, ...

    Args:
        x: queries or keys, (..., m), already scaled: for exp(scale · qᵀk) multiply q and k by
            sqrt(scale) first.
        order: degree p of the polynomial, at least 0.

    Returns:
        Features, (..., n) with n = C(m + p, p), see `taylor_size`.

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: arXiv 2405.15731, section 3.2.1, with each monomial kept once instead of once for
    every order of its factors; chapter 2.

    Example:
        >>> q, k = torch.tensor([1.0, 0.5]), torch.tensor([0.4, 0.2])
        >>> features = dsf.feature_maps.taylor_features
        >>> [round(float(features(q, p) @ features(k, p)), 4) for p in (1, 2, 4)]  # √e = 1.6487
        [1.5, 1.625, 1.6484]
    """
    check_arrays({"x": (x, "(..., m)")})
    order = check_integer("order", order, low=0)
    degree = torch.ones_like(x[..., :1])
    degrees = [degree]
    for plan in _monomials(x.shape[-1], order):
        parent, coordinate, power = (torch.from_numpy(array).to(x.device) for array in plan)
        factor = x.index_select(-1, coordinate) * power.double().rsqrt().to(x)
        degree = degree.index_select(-1, parent) * factor
        degrees.append(degree)
    return torch.cat(degrees, dim=-1)


def taylor(order: int) -> FeatureMap:
    """The map x ↦ `taylor_features` (x, order), for places that take a feature map.

    Args:
        order: degree of the polynomial, at least 0.

    Returns:
        A callable (..., m) -> (..., C(m + order, order)).

    Raises:
        ValueError: order is negative.

    Source: chapter 2.

    Example:
        >>> dsf.feature_maps.taylor(2)(torch.zeros(5, 3)).shape
        torch.Size([5, 10])
    """
    order = check_integer("order", order, low=0)

    def taylor_map(x: Tensor) -> Tensor:
        return taylor_features(x, order)

    return taylor_map


def taylor_size(m: int, order: int) -> int:
    """C(m + order, order), the number n of `taylor_features`.

    Args:
        m: width of queries and keys, at least 1.
        order: degree of the polynomial, at least 0.

    Returns:
        n.

    Raises:
        ValueError: m or order is too small.

    Source: arXiv 2405.15731, section 3.2.1; chapter 2.

    Example:
        >>> [dsf.feature_maps.taylor_size(16, order) for order in (1, 2, 4)]
        [17, 153, 4845]
    """
    order = check_integer("order", order, low=0)
    return math.comb(check_integer("m", m) + order, order)


@lru_cache(maxsize=64)
def _monomials(m: int, order: int) -> list[tuple[Indices, Indices, Indices]]:
    """How the monomials of degree r = 1, ..., order grow out of those of degree r - 1.

    A monomial is a non-decreasing tuple of coordinates. Dropping the last coordinate j gives its
    parent, and sqrt(α!) loses the factor sqrt(α_j). Sorted by the last coordinate, the monomials
    to which a j can be appended are a prefix of their degree.

    Returns:
        For each degree: positions of the parents, coordinates j, and exponents α_j.
    """
    degrees: list[tuple[Indices, Indices, Indices]] = []
    last = np.zeros(1, dtype=np.int64)  # last coordinate of each monomial of degree r - 1
    power = np.zeros(1, dtype=np.int64)  # its exponent
    for _ in range(order):
        prefixes = np.searchsorted(last, np.arange(m), side="right")
        parent = np.concatenate([np.arange(size) for size in prefixes])
        coordinate = np.repeat(np.arange(m), prefixes)
        power = np.where(last[parent] == coordinate, power[parent], 0) + 1
        degrees.append((parent, coordinate, power))
        last = coordinate
    return degrees
