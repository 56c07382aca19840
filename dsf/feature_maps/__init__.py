"""Feature maps: what turns a query or a key of width m into n features.

A feature map is a callable (..., m) -> (..., n). Separable attention compares features by their
inner product, so a map φ stands for the kernel ζ(q, k) = ⟨φ(q), φ(k)⟩, and n, the
**state expansion**, is how many numbers a channel of the state holds (chapter 3).

Scaling. No map here scales its argument. The softmax kernel exp(scale · qᵀk) is obtained by
multiplying both q and k by sqrt(scale) beforehand; with the usual scale 1/sqrt(m) that is a factor
m^(-1/4) on either side.

Size. exp(qᵀk) leaves the range of float32 at norms that trained models reach, and so do features of
it. A `ScaledFeatureMap` can also give its features as bounded numbers and the logarithm of what
they have to be multiplied by.
"""

from collections.abc import Callable
from typing import NamedTuple

from dsf.feature_maps.base import FeatureMap, ScaledFeatureMap
from dsf.feature_maps.elementwise import elu_plus_one, exponential, identity, relu
from dsf.feature_maps.positive_random import (
    PositiveRandom,
    positive_random,
    positive_random_features,
)
from dsf.feature_maps.taylor import taylor, taylor_features, taylor_size

__all__ = [
    "FEATURE_MAPS",
    "FeatureMap",
    "FeatureMapEntry",
    "PositiveRandom",
    "ScaledFeatureMap",
    "elu_plus_one",
    "exponential",
    "identity",
    "positive_random",
    "positive_random_features",
    "relu",
    "taylor",
    "taylor_features",
    "taylor_size",
]


class FeatureMapEntry(NamedTuple):
    """One row of `FEATURE_MAPS`.

    Attributes:
        formula: φ(x).
        size: n as a formula in m.
        positive: whether ⟨φ(q), φ(k)⟩ > 0 for all finite q and k, so that dividing by η is safe.
        make: takes the parameters of the map, returns it.
    """

    formula: str
    size: str
    positive: bool
    make: Callable[..., FeatureMap]


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
