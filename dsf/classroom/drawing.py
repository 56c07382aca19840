"""Target and yours side by side, as one small SVG for a notebook, light or dark."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dsf.looks import MINUS, NEUTRAL, PLUS, STRENGTH

CELL, GAP, TITLE = 14, 28, 18  # pixels
WIDTH, HEIGHT = 150, 70  # of curves
LARGEST = 24  # rows or columns that can still be seen


def compare(target: NDArray[np.float64], yours: NDArray[np.float64]) -> str:
    """The picture of two arrays of one shape; nothing, where they are no picture.

    Args:
        target: what it should be, one axis (a curve) or two (cells, blue above zero and orange
            below, a dot where the two differ).
        yours: what it is.
    """
    if target.ndim not in (1, 2) or max(target.shape) > LARGEST or target.size < 2:
        return ""
    size = float(np.abs(target[np.isfinite(target)]).max(initial=0)) or 1.0
    panels = zip(("target", "yours"), (target, yours), strict=True)
    if target.ndim == 1:
        width, height = WIDTH, HEIGHT
        drawn = [(name, _curve(array, size)) for name, array in panels]
    else:
        height, width = CELL * target.shape[0], max(CELL * target.shape[1], 44)
        differ = ~(np.abs(target - yours) <= 1e-6 * size)
        drawn = [(name, _cells(array, size, differ)) for name, array in panels]
    parts = [
        f'<g transform="translate({k * (width + GAP)} 0)"><text y="11">{name}</text>'
        f'<g transform="translate(0 {TITLE})">{shapes}</g></g>'
        for k, (name, shapes) in enumerate(drawn)
    ]
    total = 2 * width + GAP + 2, height + TITLE + 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{total[0]}" '
        f'height="{total[1]}" viewBox="-1 0 {total[0]} {total[1]}" font-family="sans-serif" '
        f'font-size="12" fill="currentColor" aria-label="Target and yours, side by side">'
        f"{''.join(parts)}</svg>"
    )


def _cells(array: NDArray[np.float64], size: float, differ: NDArray[np.bool_]) -> str:
    rows, columns = array.shape
    box = f'width="{CELL * columns}" height="{CELL * rows}" fill="none"'
    parts = [f'<rect {box} stroke="{NEUTRAL}" stroke-opacity=".4"/>']
    for (i, j), x in np.ndenumerate(array):
        at = f'x="{CELL * j}" y="{CELL * i}" width="{CELL}" height="{CELL}"'
        if not np.isfinite(x):
            parts.append(f'<text x="{CELL * j + 3}" y="{CELL * i + 11}">×</text>')
        elif x:
            strength = min(1.0, abs(x) / size) ** STRENGTH
            color = PLUS if x > 0 else MINUS
            parts.append(f'<rect {at} fill="{color}" fill-opacity="{strength:.2f}"/>')
        if differ[i, j]:
            middle = f'cx="{CELL * (j + 0.5)}" cy="{CELL * (i + 0.5)}" r="2"'
            parts.append(f"<circle {middle}/>")
    return "".join(parts)


def _curve(array: NDArray[np.float64], size: float) -> str:
    """A line through the points, around a zero line in the middle."""
    x = np.linspace(0, WIDTH, len(array))
    y = HEIGHT / 2 * (1 - np.clip(np.nan_to_num(array) / size, -1, 1))
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    zero = f'<path d="M0 {HEIGHT / 2}h{WIDTH}" stroke="{NEUTRAL}" stroke-opacity=".4"/>'
    line = f'<polyline points="{points}" fill="none" stroke="{PLUS}" stroke-width="1.5"/>'
    return zero + line
