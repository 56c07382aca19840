"""Feature maps: how far the score ⟨φ(q), φ(k)⟩ of each is from exp(qᵀk), over the angle."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import torch
import traitlets
from torch import Tensor

from dsf import feature_maps
from dsf.widgets.base import STATIC, Widget, number
from dsf.widgets.random import normal

MOST_NORM, MOST_FEATURES = 2.5, 64
DRAWS = 40
"""How many times the directions of the random features are drawn."""
_STREAM = 21  # random directions
_TITLES = {
    "taylor": "Taylor, order p",
    "positive_random": "positive random",
    "elu_plus_one": "elu + 1",
    "exponential": "exp, elementwise",
    "relu": "relu",
    "identity": "identity",
}


class FeatureMapGallery(Widget):
    """The scores of the feature maps for q and k in the plane, both of one norm.

    Attributes:
        norm: of q and k, 0.1 to 2.5.
        angle: between q and k at which the numbers are taken, in degrees, 0 to 180.
        direction: of q in degrees, 0 to 359; only exp(qᵀk) and its Taylor features do not care.
        order: p of the Taylor features, 0 to 8.
        features: n of the positive random features, 1 to 64; what is said of them is the median of
            40 draws of their directions.
        seed: of these draws, 0 to 999.

    Source: chapter 3.
    """

    name: ClassVar[str] = "gallery"
    _esm = STATIC / "gallery.mjs"

    norm = traitlets.Float(1.0, min=0.1, max=MOST_NORM).tag(sync=True, figure=True)
    angle = traitlets.Int(50, min=0, max=180).tag(sync=True, figure=True)
    direction = traitlets.Int(30, min=0, max=359).tag(sync=True, figure=True)
    order = traitlets.Int(2, min=0, max=8).tag(sync=True, figure=True)
    features = traitlets.Int(16, min=1, max=MOST_FEATURES).tag(sync=True, figure=True)
    seed = traitlets.Int(0, min=0, max=999).tag(sync=True, figure=True)

    def maps(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """The feature maps by name, of the random ones the first draw.

        Returns:
            Callables, ``(..., 2) -> (..., n)``.
        """
        first = directions(self.seed, self.features)
        return {
            "taylor": feature_maps.taylor(self.order),
            "positive_random": lambda x: random_features(x, first),
            "elu_plus_one": feature_maps.elu_plus_one,
            "exponential": feature_maps.exponential,
            "relu": feature_maps.relu,
            "identity": feature_maps.identity,
        }

    def kernels(self, angles: Tensor) -> dict[str, Tensor]:
        """⟨φ(q), φ(k)⟩ of every map, and exp(qᵀk), at the present norm and direction.

        Args:
            angles: from q to k in degrees, (K,), float64.

        Returns:
            Values, (K,), by name; "exact" is exp(qᵀk), and the random features have the median of
            their draws.
        """
        q, k = self._points(angles)
        values = {name: (phi(q) * phi(k)).sum(-1) for name, phi in self.maps().items()}
        values["positive_random"] = self.drawn(angles).quantile(0.5, dim=0)
        return {**values, "exact": torch.exp((q * k).sum(-1))}

    def drawn(self, angles: Tensor) -> Tensor:
        """⟨φ(q), φ(k)⟩ of the positive random features in every draw.

        Args:
            angles: from q to k in degrees, (K,), float64.

        Returns:
            Values, (40, K).
        """
        q, k = self._points(angles)
        draws = [directions(self.seed, self.features, draw) for draw in range(DRAWS)]
        scores = [(random_features(q, w) * random_features(k, w)).sum(-1) for w in draws]
        return torch.stack(scores)

    def worst(self) -> dict[str, float]:
        """How far each score is from exp(qᵀk) where it is furthest.

        Returns:
            The largest |⟨φ(q), φ(k)⟩ / exp(qᵀk) - 1| over all even angles, by name of the map, of
            the random features the median over the draws.
        """
        angles = torch.arange(0, 181, 2, dtype=torch.float64)
        found = self.kernels(angles)
        exact = found.pop("exact")
        off = {name: float((values / exact - 1).abs().max()) for name, values in found.items()}
        every = (self.drawn(angles) / exact - 1).abs().amax(-1)
        return {**off, "positive_random": float(every.quantile(0.5))}

    def caption(self) -> str:
        """What the figure shows, with its numbers."""
        worst = self.worst()
        n = feature_maps.taylor_size(2, self.order)
        return (
            "Each row is a feature map φ of two coordinates: its score ⟨φ(q), φ(k)⟩ as a multiple "
            "of exp(qᵀk), on a logarithmic axis, for q and k of one norm. A row on the line at 1 "
            f"is softmax's score. As first shown, at norm {number(self.norm)}, {n} Taylor features "
            f"are off by at most {number(100 * worst['taylor'])} % over all angles, "
            f"{self.features} positive random features by "
            f"{number(100 * worst['positive_random'])} %, the median of {DRAWS} draws. "
            "The other maps make scores of their own."
        )

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """The size, the score and its ratio to exp(qᵀk) of each map, at the present angle."""
        here = self.kernels(torch.tensor([float(self.angle)], dtype=torch.float64))
        zero = torch.zeros(2, dtype=torch.float64)
        exact = float(here["exact"])
        rows = [["exp(qᵀk)", "∞", number(exact), number(1)]]
        rows += [
            [
                _TITLES[name],
                str(phi(zero).shape[-1]),
                number(float(here[name])),
                number(float(here[name]) / exact),
            ]
            for name, phi in self.maps().items()
        ]
        title = f"Numbers at {self.angle}°: exp(qᵀk) = {number(exact)}"
        return title, ["map", "n", "score", "ratio"], rows

    def _points(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Query and key, (K, 2), where the key is turned by each of the angles."""
        q = self._point(torch.full_like(angles, self.direction))
        return q, self._point(angles + self.direction)

    def _point(self, degrees: Tensor) -> Tensor:
        radians = torch.deg2rad(degrees)
        return self.norm * torch.stack([torch.cos(radians), torch.sin(radians)], dim=-1)


def directions(seed: int, n: int, draw: int = 0) -> Tensor:
    """Random directions in the plane, the first ones the same whatever their number.

    Args:
        seed: seed of the draws.
        n: how many.
        draw: which of them; draws after the first share no direction as long as n ≤ 64.

    Returns:
        ω, (n, 2).
    """
    first = 2 * MOST_FEATURES * draw
    numbers = [normal(seed, _STREAM, first + place) for place in range(2 * n)]
    return torch.tensor(numbers, dtype=torch.float64).reshape(-1, 2)


def random_features(x: Tensor, directions: Tensor) -> Tensor:
    """exp(ωᵀx - ‖x‖²/2)/√n for given directions, see `dsf.feature_maps.positive_random_features`.

    Args:
        x: queries or keys, (..., m).
        directions: ω, (n, m).

    Returns:
        Features, (..., n).
    """
    squares = x.square().sum(-1, keepdim=True) / 2
    return torch.exp(x @ directions.mT - squares) / math.sqrt(len(directions))
