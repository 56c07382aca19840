"""What all mixers share: their interface, the projections, and the state between pieces."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import reduce
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from dsf._checks import check_arrays, check_flag, check_integer, check_number, precision, shown
from dsf.feature_maps import FeatureMap
from dsf.system import System


class Mixer(nn.Module, ABC):
    """A causal token mixer with state expansion n, and the projection that all mixers share.

    Args:
        d_model: width d of a token.
        n: state expansion: the state has n·d numbers (softmax: n is the width of query and key).

    Attributes:
        expansion: which n a mixer of this class can have: "any", "even" or "one".
        options: what its constructor takes from a configuration beside `d_model` and `n`.
        starts: other places where training may begin than that of its paper, by the names that
            `dsf.config.Config` takes: arguments of the constructor.

    Raises:
        ValueError: `d_model` or `n` is less than 1, or this class can't have this n.
    """

    expansion: ClassVar[Literal["any", "even", "one"]] = "any"
    options: ClassVar[tuple[str, ...]] = ()
    starts: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init__(self, d_model: int, n: int) -> None:
        super().__init__()
        self.d_model, self.n = check_integer("d_model", d_model), self.check_expansion(n)
        self.value = nn.Linear(d_model, d_model, bias=False)

    @classmethod
    def check_expansion(cls, n: int) -> int:
        """Refuse a state expansion that mixers of this class cannot have.

        Args:
            n: state expansion.

        Returns:
            The same as an `int`.

        Raises:
            ValueError: n is not an integer of at least 1, not even, or not 1, as `expansion` is.
        """
        n = check_integer("n", n)
        if cls.expansion == "one" and n != 1:
            raise ValueError(f"n is {n}, expected 1: {cls.__name__} has one state a channel")
        if cls.expansion == "even" and n % 2:
            raise ValueError(
                f"n is {n}, expected an even number: {cls.__name__} has conjugate pairs of poles"
            )
        return n

    def u(self, x: Tensor) -> Tensor:
        """The sequence that drives the system.

        Args:
            x: tokens, (..., L, d).

        Returns:
            u, (..., L, d).
        """
        u: Tensor = self.value(self._tokens(x))
        return u

    def _tokens(self, x: Tensor) -> Tensor:
        """The argument, if it is a sequence of tokens as wide as this mixer."""
        if torch.is_autocast_enabled(self.value.weight.device.type):  # any precision goes in
            check_arrays({"x": (x, "(..., L, d)")}, d=self.d_model)
        else:
            weight = (self.value.weight, "(d, d)")
            check_arrays({"the weights": weight, "x": (x, "(..., L, d)")})
        return x

    @abstractmethod
    def system(self, x: Tensor) -> System:
        """The linear time-varying system that this mixer is for the tokens x.

        Args:
            x: tokens, (..., L, d).

        Returns:
            The system; run on `u(x)` it gives `forward(x)`.
        """

    @abstractmethod
    def forward(self, x: Tensor, state: Any = None, return_state: bool = False) -> Any:
        """Mix the tokens.

        Args:
            x: tokens, (..., L, d).
            state: what this mixer has returned for the tokens before x; None if there are none.
            return_state: whether to return the state after x too.

        Returns:
            y, (..., L, d), or (y, state); y_i depends on x_0, ..., x_i and what was before only.
        """

    def at(self, x: Tensor, positions: Tensor) -> Tensor:
        """The outputs at some positions; attention computes no others.

        Args:
            x: tokens, (..., L, d).
            positions: int64 (..., Q), from 0 to L - 1.

        Returns:
            (..., Q, d).
        """
        return take(self(x), positions)

    def learned(self) -> dict[str, float]:
        """What training has made of this mixer, in a few telling numbers.

        Returns:
            Numbers by the names that records and tables give them; none for most mixers.
        """
        return {}


def check_range(name: str, bounds: tuple[float, float], below: float = math.inf) -> None:
    """Refuse what are no bounds of positive numbers.

    Args:
        name: of the argument.
        bounds: two numbers, 0 < low <= high < below.
        below: what the numbers have to stay below.

    Raises:
        ValueError: naming the argument.
    """
    limit = "finite numbers" if below == math.inf else f"numbers below {below}"
    expected = f"expected a pair 0 < low <= high of {limit}"
    try:
        low, high = (check_number(name, bound, 0, above=True) for bound in bounds)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is {shown(bounds)}, {expected}") from error
    if low > high or high >= below:
        raise ValueError(f"{name} is {bounds}, {expected}")


def promoted(*arrays: Tensor) -> list[Tensor]:
    """The arrays in the widest of their precisions.

    Under autocast linear maps give half precision, and parameters stay as they are.
    """
    wide = reduce(torch.promote_types, map(precision, arrays))
    kinds = {False: wide, True: torch.promote_types(wide, torch.complex64)}
    return [x.to(kinds[x.is_complex()]) for x in arrays]


def take(x: Tensor, positions: Tensor) -> Tensor:
    """Rows of a sequence.

    Args:
        x: (..., L, d).
        positions: int64 (..., Q).

    Returns:
        x at the positions, (..., Q, d).
    """
    check_arrays({"x": (x, "(..., L, d)"), "positions": (positions, "int64 (..., Q)")})
    batch = torch.broadcast_shapes(x.shape[:-2], positions.shape[:-1])
    index = positions.unsqueeze(-1).expand(*batch, -1, x.shape[-1])
    return x.expand(*batch, *x.shape[-2:]).gather(-2, index)


class Keyed(Mixer):
    """A mixer with queries and keys of width n, which are C and B where there are steps Δ."""

    def __init__(self, d_model: int, n: int) -> None:
        super().__init__(d_model, n)
        self.query = nn.Linear(d_model, n, bias=False)
        self.key = nn.Linear(d_model, n, bias=False)

    def _qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u = self.u(x)
        return self.query(x), self.key(x), u

    def _scores_at(self, x: Tensor, positions: Tensor, feature_map: FeatureMap) -> Tensor:
        """φ(q_i)ᵀφ(k_j) for the asked i and j ≤ i, else 0: (..., Q, L)."""
        x = self._tokens(x)
        phi, psi = feature_map(self.query(take(x, positions))), feature_map(self.key(x))
        scores: Tensor = (phi @ psi.mT).masked_fill(~past(x, positions), 0)
        return scores


def streaming(state: Any, return_state: bool) -> dict[str, Any]:
    """The two last arguments of a native form."""
    check_flag("return_state", return_state)
    return {"state": state, "return_state": return_state}


def past(x: Tensor, positions: Tensor) -> Tensor:
    """Which tokens stand at or before each position: (..., Q, L)."""
    return torch.arange(x.shape[-2], device=x.device) <= positions.unsqueeze(-1)
