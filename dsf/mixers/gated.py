"""What came after the paper, with diagonal transitions, as trainable mixers."""

from __future__ import annotations

from collections.abc import Callable

from dsf.mixers.base import Mixer

__all__: list[str] = []

MIXERS: dict[str, Callable[..., Mixer]] = {}
TITLES: dict[str, str] = {}
