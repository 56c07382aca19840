"""The picture that other sites show beside a link to a page: its title and the form of the book."""

from __future__ import annotations

import textwrap
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

WIDTH, HEIGHT = 1200, 630  # pixels, as Open Graph asks
INK, MUTED, ACCENT, PAPER = "#1f2328", "#55606b", "#1b4d8f", "#fdfdfb"


def draw(path: Path, kicker: str, title: str, book: str) -> None:
    """Write a card as PNG.

    Args:
        path: The file.
        kicker: What stands above the title, such as “Chapter 3”.
        title: The title of the page.
        book: The title of the book.
    """
    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=PAPER)
    edge = Rectangle((0, 0), 0.025, 1, color=ACCENT, transform=figure.transFigure)
    figure.add_artist(edge)
    lines = textwrap.wrap(title, 30)
    figure.text(0.075, 0.86, kicker, size=24, color=MUTED, va="top", family="DejaVu Sans")
    figure.text(
        0.075, 0.76, "\n".join(lines[:3]), size=42, color=INK, va="top", family="DejaVu Serif",
        weight="bold", linespacing=1.15,
    )  # fmt: skip
    form = r"$h_i = \Lambda_i\, h_{i-1} + B_i\, u_i \qquad y_i = C_i\, h_i + D_i\, u_i$"
    figure.text(0.075, 0.24, form, size=30, color=ACCENT, math_fontfamily="dejavuserif")
    if book != title:
        figure.text(0.075, 0.09, book, size=20, color=MUTED, family="DejaVu Sans")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
