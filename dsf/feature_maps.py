"""Feature maps: what turns a query or a key of width m into n features.

A feature map is a callable ``(..., m) -> (..., n)``. Separable attention compares features by their
inner product, so a map φ stands for the kernel ζ(q, k) = ⟨φ(q), φ(k)⟩, and n, the **state
expansion**, is how many numbers a channel of the state holds (chapter 3).

Scaling. No map here scales its argument. The softmax kernel exp(scale · qᵀk) is obtained by
multiplying both q and k by sqrt(scale) beforehand; with the usual scale 1/sqrt(m) that is a factor
m^(-1/4) on either side.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dsf._checks import check_sequence

FeatureMap = Callable[[Tensor], Tensor]
Indices = NDArray[np.int64]


# --- elementwise maps: n = m ----------------------------------------------------------------------


def elu_plus_one(x: Tensor) -> Tensor:
    """elu(x) + 1 elementwise: x + 1 for x > 0 and exp(x) otherwise, always positive; n = m.

    Written without the subtraction of elu, which in float32 would round to 0 below x = -17 and with
    it the normaliser of linear attention.

    Args:
        x: queries or keys, ``(..., m)``, floating point.

    Returns:
        Features, ``(..., m)``.

    Raises:
        ValueError: x is not a floating-point tensor with a feature axis.

    Source: Katharopoulos et al. 2020 (arXiv 2006.16236), equation 7; chapter 3.
    """
    _check_argument(x)
    positive = torch.relu(x)
    return positive + torch.exp(x - positive)


def exponential(x: Tensor) -> Tensor:
    """exp(x) elementwise, always positive; n = m.

    This is not the softmax kernel: ⟨exp(q), exp(k)⟩ is a sum of exponentials, exp(qᵀk) is one.

    Args:
        x: queries or keys, ``(..., m)``, floating point.

    Returns:
        Features, ``(..., m)``.

    Raises:
        ValueError: x is not a floating-point tensor with a feature axis.
    """
    _check_argument(x)
    return torch.exp(x)


def relu(x: Tensor) -> Tensor:
    """max(x, 0) elementwise; n = m. The normaliser of linear attention can be 0 with it.

    Args:
        x: queries or keys, ``(..., m)``, floating point.

    Returns:
        Features, ``(..., m)``.

    Raises:
        ValueError: x is not a floating-point tensor with a feature axis.
    """
    _check_argument(x)
    return torch.relu(x)


def identity(x: Tensor) -> Tensor:
    """The argument itself, the map of plain scores qᵀk; n = m.

    Args:
        x: queries or keys, ``(..., m)``, floating point.

    Returns:
        x, ``(..., m)``.

    Raises:
        ValueError: x is not a floating-point tensor with a feature axis.

    Source: normalised attention, Sieber et al. 2024 (arXiv 2405.15731), equation 21; chapter 4.
    """
    _check_argument(x)
    return x


# --- Taylor features: n = C(m + order, order) -----------------------------------------------------


def taylor_features(x: Tensor, order: int) -> Tensor:
    """All monomials x^α / sqrt(α!) of degree |α| ≤ order: the Taylor series of exp, as features.

    Their inner product is the Taylor polynomial of the exponential,
    ⟨φ(q), φ(k)⟩ = Σ_{r ≤ order} (qᵀk)^r / r!, because (qᵀk)^r / r! = Σ_{|α| = r} q^α k^α / α!. Even
    orders give a strictly positive kernel; with odd orders it can be zero or negative.

    The features are ordered by degree, then by the largest coordinate that occurs:
    1, x_0, x_1, ..., x_0²/√2, x_0 x_1, x_1²/√2, x_0 x_2, ...

    Args:
        x: queries or keys, ``(..., m)``, floating point, already scaled: for exp(scale · qᵀk)
            multiply q and k by sqrt(scale) first.
        order: degree p of the polynomial, at least 0.

    Returns:
        Features, ``(..., n)`` with n = C(m + p, p), see `taylor_size`.

    Raises:
        ValueError: x is not a floating-point tensor with a feature axis or order is negative.

    Source: Sieber et al. 2024, section 3.2.1, with each monomial kept once instead of once for
    every order of its factors; chapter 3.
    """
    _check_argument(x)
    order = _check_count("order", order, least=0)
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
        A callable ``(..., m) -> (..., C(m + order, order))``.

    Raises:
        ValueError: order is negative.
    """
    order = _check_count("order", order, least=0)

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
    """
    order = _check_count("order", order, least=0)
    return math.comb(_check_count("m", m, least=1) + order, order)


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


# --- positive random features: any n --------------------------------------------------------------


def positive_random_features(x: Tensor, n: int, seed: int = 0) -> Tensor:
    """exp(ωᵀx - ‖x‖²/2) / sqrt(n) for n random directions ω ~ N(0, I): positive for every x.

    The inner product of the features of q and k has expectation exp(qᵀk). The directions depend on
    (m, n, seed) only, so q and k see the same ones, on every device and in every precision.

    Args:
        x: queries or keys, ``(..., m)``, floating point, already scaled: for exp(scale · qᵀk)
            multiply q and k by sqrt(scale) first.
        n: number of features, at least 1.
        seed: seed of the directions; the global random state is neither read nor changed.

    Returns:
        Features, ``(..., n)``.

    Raises:
        ValueError: x is not a floating-point tensor with a feature axis or n is below 1.

    Source: Choromanski et al. 2021 (arXiv 2009.14794), lemma 1; chapter 3.
    """
    _check_argument(x)
    n = _check_count("n", n, least=1)
    # Drawn in float64 on the CPU whatever x is: a draw in float32 or on a GPU gives other numbers.
    generator = torch.Generator("cpu").manual_seed(seed)
    directions = torch.randn(
        x.shape[-1], n, generator=generator, dtype=torch.float64, device="cpu"
    ).to(x)
    return torch.exp(x @ directions - x.square().sum(-1, keepdim=True) / 2) / math.sqrt(n)


def positive_random(n: int, seed: int = 0) -> FeatureMap:
    """The map x ↦ `positive_random_features` (x, n, seed), for places that take a feature map.

    Args:
        n: number of features, at least 1.
        seed: seed of the random directions.

    Returns:
        A callable ``(..., m) -> (..., n)``.

    Raises:
        ValueError: n is below 1.
    """
    n = _check_count("n", n, least=1)

    def positive_random_map(x: Tensor) -> Tensor:
        return positive_random_features(x, n, seed)

    return positive_random_map


class FeatureMapEntry(NamedTuple):
    """One row of `FEATURE_MAPS`."""

    formula: str
    size: str  # n as a formula in m
    positive: bool  # whether ⟨φ(q), φ(k)⟩ > 0 for all finite q and k, so that dividing by η is safe
    make: Callable[..., FeatureMap]  # takes its parameters, returns it


FEATURE_MAPS: dict[str, FeatureMapEntry] = {
    "elu_plus_one": FeatureMapEntry("elu(x) + 1", "m", True, lambda: elu_plus_one),
    "exponential": FeatureMapEntry("exp(x)", "m", True, lambda: exponential),
    "relu": FeatureMapEntry("max(x, 0)", "m", False, lambda: relu),
    "identity": FeatureMapEntry("x", "m", False, lambda: identity),
    "taylor": FeatureMapEntry("x^α / sqrt(α!), |α| ≤ p", "C(m + p, p)", False, taylor),
    "positive_random": FeatureMapEntry(
        "exp(ωᵀx - ‖x‖²/2) / sqrt(n)", "any n", True, positive_random
    ),
}


def _check_argument(x: Tensor) -> None:
    check_sequence("x", x, "(..., m)")
    if x.is_complex():
        raise ValueError(f"x has dtype {x.dtype}, expected a real floating dtype")


def _check_count(name: str, value: int, least: int) -> int:
    """Return value if it is an integer of at least `least`, else say what was wrong."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} is {value!r}, expected an integer >= {least}")
    return value
