"""Feature maps: what turns a query or a key of width m into n features.

A feature map is a callable ``(..., m) -> (..., n)``. Separable attention compares features by their
inner product, so a map φ stands for the kernel ζ(q, k) = ⟨φ(q), φ(k)⟩, and n, the **state
expansion**, is how many numbers a channel of the state holds (chapter 3).

Scaling. No map here scales its argument. The softmax kernel exp(scale · qᵀk) is obtained by
multiplying both q and k by sqrt(scale) beforehand; with the usual scale 1/sqrt(m) that is a factor
m^(-1/4) on either side.

Size. exp(qᵀk) leaves the range of float32 at norms that trained models reach, and so do features of
it. A `ScaledFeatureMap` can also give its features as bounded numbers and the logarithm of what
they have to be multiplied by.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dsf._checks import check_arrays, check_integer, full_precision, state_dtype

FeatureMap = Callable[[Tensor], Tensor]


class ScaledFeatureMap(Protocol):
    """A feature map whose features can be had without their size, φ(x) = features · e^log_scale.

    Where attention divides by its row sum, a factor that all keys share cancels, and so does any
    factor of a query. So it need not form φ: it drops the log_scale of the queries, and from those
    of the keys it subtracts their running maximum, as softmax does with its scores. Every number is
    then at most 1 and the row sum is never 0, at arguments of any norm.
    """

    def __call__(self, x: Tensor) -> Tensor:
        """Map (..., m) to φ(x), (..., n)."""

    def scaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (..., m) to features (..., n) from just above 0 to 1, and log_scale (...,)."""


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
    check_arrays({"x": (x, "(..., m)")})
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
    check_arrays({"x": (x, "(..., m)")})
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
    check_arrays({"x": (x, "(..., m)")})
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
    check_arrays({"x": (x, "(..., m)")})
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
        A callable ``(..., m) -> (..., C(m + order, order))``.

    Raises:
        ValueError: order is negative.
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


# --- positive random features: any n --------------------------------------------------------------


def positive_random_features(x: Tensor, n: int, seed: int = 0) -> Tensor:
    """exp(ωᵀx - ‖x‖²/2) / sqrt(n) for n random directions ω ~ N(0, I): positive for every x.

    The inner product of the features of q and k has expectation exp(qᵀk). The directions depend on
    (m, n, seed) only, so q and k see the same ones, on every device and in every precision.

    Args:
        x: queries or keys, ``(..., m)``, floating point, already scaled: for exp(scale · qᵀk)
            multiply q and k by sqrt(scale) first.
        n: number of features, at least 1.
        seed: seed of the directions, from 0 to 2⁶³ - 1; the global random state is neither read
            nor changed.

    Returns:
        Features, ``(..., n)``.

    Raises:
        ValueError: x is not a floating-point tensor with a feature axis, n is below 1 or the seed
            is no seed.

    Source: Choromanski et al. 2021 (arXiv 2009.14794), lemma 1; chapter 3.
    """
    return positive_random(n, seed)(x)


@dataclass(frozen=True)
class PositiveRandom:
    """The map x ↦ `positive_random_features` (x, n, seed), a `ScaledFeatureMap`.

    Attributes:
        n: number of features, at least 1.
        seed: seed of the random directions, from 0 to 2⁶³ - 1.

    Raises:
        ValueError: n is below 1 or the seed is no seed.
    """

    n: int
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", check_integer("n", self.n))
        seed = check_integer("seed", self.seed, low=0, high=2**63 - 1)
        object.__setattr__(self, "seed", seed)

    def __call__(self, x: Tensor) -> Tensor:
        """φ(x), see `positive_random_features`.

        Args:
            x: queries or keys, ``(..., m)``, floating point.

        Returns:
            Features, ``(..., n)``; in float32 all are 0 at a norm of 20.

        Raises:
            ValueError: x is not a floating-point tensor with a feature axis.
        """
        return (torch.exp(self._exponents(x)) / math.sqrt(self.n)).to(x)

    def scaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same features at any norm: each x has its largest one at 1.

        They are kept at or above the square root of the smallest normal number of their precision,
        1e-19 in float32: no product of two of them is 0 and no row sum of such products. A query
        that is so far from every key that all scores are smaller sees them as equals.

        Args:
            x: queries or keys, ``(..., m)``, floating point.

        Returns:
            features ``(..., n)`` and log_scale ``(...,)`` with φ(x) = features · exp(log_scale), in
            the precision of x, or float32 where that is half precision.

        Raises:
            ValueError: x is not a floating-point tensor with a feature axis.
        """
        exponents = self._exponents(x)
        largest = exponents.amax(-1, keepdim=True)
        lowest = math.log(torch.finfo(exponents.dtype).tiny) / 2
        features = torch.exp((exponents - largest).clamp(min=lowest))
        return features, largest.squeeze(-1) - math.log(self.n) / 2

    def _exponents(self, x: Tensor) -> Tensor:
        """ωᵀx - ‖x‖²/2, (..., n), in float32 for half precision."""
        check_arrays({"x": (x, "(..., m)")})
        x = x.to(state_dtype(x.dtype))
        # Drawn in float64 on the CPU whatever x is: in float32 or on a GPU come other numbers.
        generator = torch.Generator("cpu").manual_seed(self.seed)
        directions = torch.randn(
            x.shape[-1], self.n, generator=generator, dtype=torch.float64, device="cpu"
        ).to(x)
        with full_precision(x):
            return x @ directions - x.square().sum(-1, keepdim=True) / 2


def positive_random(n: int, seed: int = 0) -> PositiveRandom:
    """The map x ↦ `positive_random_features` (x, n, seed), for places that take a feature map.

    Args:
        n: number of features, at least 1.
        seed: seed of the random directions, from 0 to 2⁶³ - 1.

    Returns:
        A callable ``(..., m) -> (..., n)`` that is a `ScaledFeatureMap`.

    Raises:
        ValueError: n is below 1 or the seed is no seed.
    """
    return PositiveRandom(n, seed)


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
