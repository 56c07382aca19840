"""Positive random features: any n."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_integer, full_precision, state_dtype


def positive_random_features(x: Tensor, n: int, seed: int = 0) -> Tensor:
    """exp(ωᵀx - ‖x‖²/2) / sqrt(n) for n random directions ω ~ N(0, I): positive for every x.

    The inner product of the features of q and k has expectation exp(qᵀk). The directions depend on
    (m, n, seed) only, so q and k see the same ones, on every device and in every precision.

    Args:
        x: queries or keys, (..., m), already scaled: for exp(scale · qᵀk) multiply q and k by
            sqrt(scale) first.
        n: number of features, at least 1.
        seed: seed of the directions, from 0 to 2⁶³ - 1; the global random state is neither read
            nor changed.

    Returns:
        Features, (..., n).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Choromanski et al. (2021), lemma 1; chapter 3.

    Example:
        >>> q, k = torch.tensor([1.0, 0.5]), torch.tensor([0.4, 0.2])
        >>> phi = [dsf.feature_maps.positive_random_features(x, 4096) for x in (q, k)]
        >>> abs(float(phi[0] @ phi[1]) / 2.71828 ** 0.5 - 1) < 0.1  # exp(qᵀk), nearly
        True
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
            x: queries or keys, (..., m).

        Returns:
            Features, (..., n); in float32 all are 0 at a norm of 20.

        Raises:
            ValueError: x is not a floating tensor with a feature axis.
        """
        return (torch.exp(self._exponents(x)) / math.sqrt(self.n)).to(x)

    def scaled(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same features at any norm: each x has its largest one at 1.

        They are kept at or above the square root of the smallest normal number of their precision,
        1e-19 in float32: no product of two of them is 0 and no row sum of such products. A query
        that is so far from every key that all scores are smaller sees them as equals.

        Args:
            x: queries or keys, (..., m).

        Returns:
            Features, (..., n), and log_scale, (...), with φ(x) = features · exp(log_scale), in the
            precision of x, or float32 where that is half precision.

        Raises:
            ValueError: x is not a floating tensor with a feature axis.
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
        A callable (..., m) -> (..., n) that is a `ScaledFeatureMap`.

    Raises:
        ValueError: n is below 1 or the seed is no seed.

    Source: Choromanski et al. (2021), lemma 1; chapter 3.

    Example:
        >>> dsf.feature_maps.positive_random(8)(torch.zeros(5, 3)).shape
        torch.Size([5, 8])
    """
    return PositiveRandom(n, seed)
