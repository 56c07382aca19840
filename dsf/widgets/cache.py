"""What a language model keeps of a text, in gigabytes: the hook of chapter 2."""

from __future__ import annotations

from typing import ClassVar

import traitlets

from dsf.widgets.base import STATIC, number
from dsf.widgets.hook import Hook

LAYERS, WIDTH, HEAD = 32, 4096, 128  # of the model: layers, channels, width of a head
BYTES = 2  # a number of 16 bits


class CacheGrows(Hook):
    """The key-value cache of a language model beside its weights and a state of fixed size.

    Attributes:
        length: of the text, in thousands of tokens, 4 to 200.
        heads: key-value heads: 32, one for each query head, or 8 or 1, shared.

    Source: chapter 2.
    """

    name: ClassVar[str] = "cache"
    _esm = STATIC / "cache.mjs"
    head = ("thousand tokens", "cache, GB", "weights, GB", "fixed state, GB")
    places = (4, 24, 28, 100, 200)

    length = traitlets.Int(4, min=4, max=200).tag(sync=True, figure=True)
    heads = traitlets.Enum([32, 8, 1], 32).tag(sync=True, figure=True)

    def row(self, place: float) -> list[str]:
        """The three sizes."""
        sizes = (cache_size(place, self.heads), weights_size(self.heads), state_size(self.heads))
        return [number(size) for size in sizes]

    def caption(self) -> str:
        """What the figure shows, with its numbers, and what to try."""
        cache, weights, state = self.row(self.length)
        return (
            f"An invented model, no real product: {LAYERS} layers, {WIDTH} channels, "
            f"{WIDTH // HEAD} query heads of width {HEAD}, numbers of {BYTES} bytes. With g "
            f"key-value heads a layer keeps 2 · {HEAD} · g numbers a token, has 10 · {WIDTH}² + "
            f"2 · {WIDTH} · {HEAD} · g weights and, in linear attention, a state of "
            f"{HEAD} · {HEAD + 1} · g numbers, fixed whatever the length. As first shown, after "
            f"{self.length} thousand tokens, the cache is {cache} GB, the weights {weights} GB and "
            f"the state {state} GB; a full bar is {number(cache_size(200, 32))} GB. To try: the "
            "length from which on the cache is larger than the model."
        )


def cache_size(length: float, heads: int) -> float:
    """The key and the value of each token, in each layer and key-value head.

    Args:
        length: of the text, in thousands of tokens.
        heads: key-value heads of a layer.

    Returns:
        Gigabytes, 10^9 bytes.
    """
    return 1000 * length * LAYERS * heads * 2 * HEAD * BYTES / 1e9


def weights_size(heads: int) -> float:
    """The weights of all layers: queries, outputs, an MLP of 8 WIDTH² numbers, keys and values.

    Args:
        heads: key-value heads of a layer.

    Returns:
        Gigabytes.
    """
    return LAYERS * (10 * WIDTH**2 + 2 * WIDTH * heads * HEAD) * BYTES / 1e9


def state_size(heads: int) -> float:
    """The state of linear attention with as many features as a key has numbers, and its sum.

    Args:
        heads: key-value heads of a layer.

    Returns:
        Gigabytes.
    """
    return LAYERS * heads * HEAD * (HEAD + 1) * BYTES / 1e9
