"""What a feature map is."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

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
        """Map (..., m) to features (..., n) from just above 0 to 1, and log_scale (...)."""
