"""Softmax attention and its finite-state stand-ins: weights, errors, bound and Hankel ranks."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import torch
import traitlets
from torch import Tensor

from dsf import feature_maps, theory
from dsf.attention import (
    linear_attention_system,
    softmax_attention,
    softmax_attention_system,
    softmax_matrix,
)
from dsf.system import LTVSystem
from dsf.widgets import gallery
from dsf.widgets.base import STATIC, Widget, number
from dsf.widgets.random import normal

_WIDTH = 2  # m, of queries and keys
_CHANNELS = 4  # d, of values
_MOST_ORDER = 12
_DOUBLINGS = 7  # n of the maps with random directions goes up to 2^7
_STREAM = {"q": 22, "k": 23, "v": 24}
_TITLES = {
    "taylor": "Taylor",
    "positive_random": "positive random",
    "elu_plus_one": "elu + 1, widened",
    "exponential": "exp, widened",
}


class Draws(NamedTuple):
    """What attention reads.

    Attributes:
        q: queries, (L, 2).
        k: keys, (L, 2).
        v: values, (L, 4).
    """

    q: Tensor
    k: Tensor
    v: Tensor


class SoftmaxApproximation(Widget):
    """Softmax attention over random tokens beside attention with n features.

    Queries, keys and values are normal numbers, the first ones the same whatever the length. The
    elementwise maps act on the products with n random directions, so that they too have any n.

    Attributes:
        map: of the stand-in whose weights are shown.
        order: p of the Taylor features, 0 to 12; n = C(2 + p, p).
        doublings: the other maps have n = 2^doublings features, 0 to 7.
        scale: of the logits, scale · qᵀk/√m, 0.05 to 2.
        length: L, 4 to 128.
        digits: ranks count the singular values above ε = 10^-digits of the largest, 1 to 12.
        seed: of everything random, 0 to 999.

    Source: chapter 2.
    """

    name: ClassVar[str] = "softmax"
    _esm = STATIC / "softmax.mjs"

    map = traitlets.Enum(list(_TITLES), "taylor").tag(sync=True, figure=True)
    order = traitlets.Int(4, min=0, max=_MOST_ORDER).tag(sync=True, figure=True)
    doublings = traitlets.Int(4, min=0, max=_DOUBLINGS).tag(sync=True, figure=True)
    scale = traitlets.Float(1.0, min=0.05, max=2.0).tag(sync=True, figure=True)
    length = traitlets.Int(32, min=4, max=128).tag(sync=True, figure=True)
    digits = traitlets.Int(2, min=1, max=12).tag(sync=True, figure=True)
    seed = traitlets.Int(0, min=0, max=999).tag(sync=True, figure=True)

    def draws(self) -> Draws:
        """Queries, keys and values, not yet scaled."""

        def draw(name: str, width: int) -> Tensor:
            places = range(self.length * width)
            numbers = [normal(self.seed, _STREAM[name], place) for place in places]
            return torch.tensor(numbers, dtype=torch.float64).reshape(-1, width)

        return Draws(draw("q", _WIDTH), draw("k", _WIDTH), draw("v", _CHANNELS))

    def exact(self) -> Tensor:
        """Φ of softmax attention, (L, L)."""
        q, k, _ = self.draws()
        return softmax_matrix(q, k, self._factor())

    def size(self, name: str) -> int:
        """The state expansion n that a map has at present.

        Args:
            name: of the map.

        Returns:
            n.
        """
        return _size(name, self._step(name))

    def stand_in(self, name: str, step: int) -> LTVSystem:
        """Attention with the features of a map.

        Args:
            name: of the map.
            step: the order of Taylor features, the number of doublings of the others.

        Returns:
            The system, whose input is v.
        """
        q, k, _ = self.draws()
        if name == "taylor":
            return softmax_attention_system(q, k, step, self._factor())
        rows = gallery.directions(self.seed, 2**step)
        maps: dict[str, feature_maps.FeatureMap] = {
            "positive_random": lambda x: gallery.random_features(x, rows),
            "elu_plus_one": lambda x: feature_maps.elu_plus_one(x @ rows.mT),
            "exponential": lambda x: feature_maps.exponential(x @ rows.mT),
        }
        root = math.sqrt(self._factor())
        return linear_attention_system(q * root, k * root, maps[name])

    def error(self, name: str, step: int) -> float:
        """max_i ‖ŷ_i - y_i‖ / max_j ‖v_j‖, how far the outputs of a stand-in are from softmax.

        Args:
            name: of the map.
            step: the order of Taylor features, the number of doublings of the others.

        Returns:
            The error.
        """
        q, k, v = self.draws()
        y = softmax_attention(q, k, v, self._factor())
        distance = torch.linalg.vector_norm(self.stand_in(name, step).run(v) - y, dim=-1)
        return float(distance.max() / torch.linalg.vector_norm(v, dim=-1).max())

    def errors(self) -> dict[str, list[float]]:
        """The errors by map, for every order or number of doublings."""
        return {name: [self.error(name, step) for step in range(_steps(name))] for name in _TITLES}

    def radius(self) -> float:
        """R, the largest absolute logit of a query and a key that is not later."""
        q, k, _ = self.draws()
        return float(((q @ k.mT) * self._factor()).tril().abs().max())

    def bound(self, order: int) -> float:
        """What theory says about the error of Taylor features, infinite where it says nothing.

        Args:
            order: p.

        Returns:
            2ε_p/(1 - ε_p).
        """
        epsilon = theory.taylor_kernel_bound(self.radius(), order)
        return theory.attention_output_bound(epsilon, 1.0)

    def ranks(self) -> list[int]:
        """How many singular values of each Hankel block of softmax are above 10^-digits ‖Φ‖₂."""
        ranks: list[int] = theory.hankel_ranks(self.exact(), tol=10.0**-self.digits).tolist()
        return ranks

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        error = self.error(self.map, self._step(self.map))
        return (
            f"As first shown, {self.size(self.map)} features ({_TITLES[self.map]}) are off by at "
            f"most {number(100 * error)} % of the largest value over {self.length} tokens. Exact "
            f"softmax attention takes at least {self.length // 2} states a channel; to come within "
            f"{_epsilon(self.digits)} ‖Φ‖ of Φ takes at least {max(self.ranks())}. To try: raise "
            "the order p until the error stays below 1 %, then double the scale of the logits. "
            "The other maps, under More, are those of chapter 3."
        )

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """The state expansion, the error and the bound of each map."""
        rows = []
        for name, title in _TITLES.items():
            bound = self.bound(self.order)
            limit = number(bound) if math.isfinite(bound) else "none yet"
            error = self.error(name, self._step(name))
            n = self.size(name)
            cells = [str(n), str(_CHANNELS * n), number(error)]
            rows.append([title, *cells, limit if name == "taylor" else "none"])
        title = f"Numbers at length {self.length}, largest logit R = {number(self.radius())}"
        return title, ["map", "n", "N", "error", "bound"], rows

    def _factor(self) -> float:
        return self.scale / math.sqrt(_WIDTH)

    def _step(self, name: str) -> int:
        return self.order if name == "taylor" else self.doublings


def _steps(name: str) -> int:
    return _MOST_ORDER + 1 if name == "taylor" else _DOUBLINGS + 1


def _size(name: str, step: int) -> int:
    return feature_maps.taylor_size(_WIDTH, step) if name == "taylor" else 2**step


def _epsilon(digits: int) -> str:
    return "10⁻" + str(digits).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
