"""How well colours can be told apart by the eye."""

import re
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb


def linear_rgb(color: Any) -> Any:
    """Linear RGB of a colour as Matplotlib takes it, or as browsers write it, rgb(...)."""
    if isinstance(color, str) and color.startswith("rgb"):
        color = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one: Any, other: Any) -> float:
    """The contrast ratio of WCAG 2."""
    low, high = sorted(float(linear_rgb(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (high + 0.05) / (low + 0.05)
