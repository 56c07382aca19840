"""The pictures of first states, as SVG in text.

Colours as in ``js/draw.js``: two mid-tones that read on light and on dark pages, the stronger the
larger the value, and the colour of the text for everything else. They do not need the style sheet.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from torch import Tensor

PLUS, MINUS = "#2f74e0", "#d9561c"


def number(value: float) -> str:
    """A number for people: three digits that count, a true minus sign.

    Args:
        value: the number.

    Returns:
        Text.
    """
    size = abs(value)
    if size == 0:
        text = "0"
    elif size < 1e-3 or size >= 1e5:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa}e{int(exponent):+d}"
    else:
        text = fixed(value, 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3)
    return text.replace("-", "−")


def fixed(value: float, digits: int) -> str:
    """A number with a fixed number of digits, a half rounded away from zero as in JavaScript.

    Args:
        value: the number.
        digits: how many after the point.

    Returns:
        Text.
    """
    return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def picture(width: float, height: float, alternative: str, parts: Sequence[str]) -> str:
    """An SVG element that scales with the page.

    Args:
        width: in units of the parts.
        height: in units of the parts.
        alternative: what the picture shows, in words.
        parts: what is in it.

    Returns:
        The element.
    """
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{html.escape(alternative)}" font-family="sans-serif" font-size="12">'
        + "".join(parts)
        + "</svg>"
    )


def text(x: float, y: float, words: str, anchor: str = "start", bold: bool = False) -> str:
    """A piece of text.

    Args:
        x: where it is anchored.
        y: its base line.
        words: what it says.
        anchor: "start", "middle" or "end".
        bold: whether it is bold.

    Returns:
        The element.
    """
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="currentColor"{weight}>'
        f"{html.escape(words)}</text>"
    )


def frame(x: float, y: float, width: float, height: float) -> str:
    """An outline.

    Args:
        x: left edge.
        y: upper edge.
        width: how wide.
        height: how high.

    Returns:
        The element.
    """
    return (
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" '
        'fill="none" stroke="currentColor"/>'
    )


def chart(
    box: tuple[float, float, float, float],
    x: tuple[float, float],
    y: tuple[float, float],
    lines: Mapping[str, tuple[Tensor, Tensor]],
    colors: Mapping[str, str],
    title: str,
) -> str:
    """Lines in a frame, with the ends of both axes as labels and the names of the lines beside.

    Args:
        box: left and upper edge, width and height of the frame.
        x: what the frame shows of the horizontal axis.
        y: what the frame shows of the vertical axis.
        lines: the two coordinates of the points of each line, by name.
        colors: of the lines, by name.
        title: words above the frame.

    Returns:
        The elements.
    """
    left, top, width, height = box
    parts = [frame(*box), text(left, top - 8, title, bold=True)]
    for value, anchor, place in ((x[0], "start", left), (x[1], "end", left + width)):
        parts.append(text(place, top + height + 15, f"{value:g}".replace("-", "−"), anchor))
    for value, place in ((y[0], top + height), (y[1], top + 10)):
        parts.append(text(left - 4, place, f"{value:g}".replace("-", "−"), "end"))
    dashes = ("none", "9 3", "6 4", "2 3", "10 3 2 3", "4 3", "1 3")
    for place, (name, (xs, ys)) in enumerate(lines.items()):
        across = left + (xs.clamp(*x) - x[0]) / (x[1] - x[0]) * width
        up = top + height - (ys.clamp(*y) - y[0]) / (y[1] - y[0]) * height
        # What leaves the frame runs along its edge.
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, up, strict=True))
        stroke = f'stroke="{colors[name]}" stroke-width="2" stroke-dasharray="{dashes[place]}"'
        parts.append(f'<polyline points="{points}" fill="none" {stroke}/>')
        level = top + 12 + 18 * place
        mark = f"M{left + width + 8:g} {level - 4:g}h24"
        parts.append(f'<path d="{mark}" {stroke}/>')
        parts.append(text(left + width + 36, level, name))
    return "".join(parts)


def heat_map(
    values: Tensor,
    x: float,
    y: float,
    width: float,
    height: float,
    limit: float,
    lower: bool = False,
) -> str:
    """A matrix as coloured rectangles, row 0 at the top.

    Args:
        values: real, (rows, columns).
        x: left edge.
        y: upper edge.
        width: how wide.
        height: how high.
        limit: the absolute value that has the full colour.
        lower: leave out the entries above the diagonal.

    Returns:
        The element.
    """
    rows, columns = values.shape
    w, h = width / columns, height / rows
    gap = 1 if min(w, h) > 6 else 0.5
    cells = []
    for row, numbers in enumerate(values.tolist()):
        for column, value in enumerate(numbers[: row + 1] if lower else numbers):
            opacity = min(1.0, abs(value) / limit) ** 0.5
            cells.append(
                f'<rect x="{x + column * w:.2f}" y="{y + row * h:.2f}" width="{w - gap:.2f}" '
                f'height="{h - gap:.2f}" fill="{MINUS if value < 0 else PLUS}" '
                f'fill-opacity="{opacity:.3f}"/>'
            )
    return "<g>" + "".join(cells) + "</g>"
