"""What things look like in every picture of the book: colours, markers, dashes, families.

Read by `dsf.plots` (Matplotlib), `dsf.interactive` (Plotly) and the widgets, whose JavaScript and
style sheet are made from it by ``python -m book.bundle``. Needs no plotting library.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

from dsf._checks import check_choice
from dsf.architectures import ARCHITECTURES

NEUTRAL = "#767676"  # text and axes where the paper is not known: contrast 4.5 on white
INK = {"light": "#59636e", "dark": "#a3adb8"}
"""The same in the pages of the book, by theme: contrast 4.5 or more on each of their papers."""

PLUS, MINUS = "#2f74e0", "#d9561c"
"""The colours of positive and of negative numbers, in every picture."""

STRENGTH = 0.5
"""A number is as opaque as its share of the largest size to this power: zero has the colour of the
page, light or dark, and the root lets small numbers be seen."""


class Shape(NamedTuple):
    """A marker, as each library draws it.

    Attributes:
        matplotlib: its name in Matplotlib, or (corners, style, angle).
        corners: of the polygon that the widgets draw.
        dent: radius of the points between the corners, 1 for none.
        turn: of the polygon, in degrees.
        glyph: a letter for legends.
    """

    matplotlib: str | tuple[int, int, float]
    corners: int
    dent: float
    turn: int
    glyph: str


SHAPES = {
    "circle": Shape("o", 16, 1, 0, "●"),
    "square": Shape("s", 4, 1, 45, "■"),
    "diamond": Shape("D", 4, 1, 0, "◆"),
    "triangle-up": Shape("^", 3, 1, 0, "▲"),
    "triangle-down": Shape("v", 3, 1, 180, "▼"),
    "cross": Shape("P", 4, 0.35, 0, "✚"),
    "x": Shape("X", 4, 0.35, 45, "✖"),
    "star": Shape("*", 5, 0.4, 0, "★"),
    "hexagon": Shape("h", 6, 1, 0, "⬢"),
    "triangle-ne": Shape((3, 0, -45), 3, 1, 45, "◥"),
    "triangle-se": Shape((3, 0, -135), 3, 1, 135, "◢"),
    "triangle-sw": Shape((3, 0, -225), 3, 1, 225, "◣"),
    "triangle-nw": Shape((3, 0, -315), 3, 1, 315, "◤"),
    "hexagon2": Shape("H", 6, 1, 30, "⬣"),
    "pentagon": Shape("p", 5, 1, 0, "⬟"),
    "diamond-tall": Shape("d", 2, 0.5, 0, "♦"),
    "triangle-right": Shape(">", 3, 1, 90, "▶"),
    "triangle-left": Shape("<", 3, 1, 270, "◀"),
    "hexagram": Shape((6, 1, 0), 6, 0.55, 0, "✶"),
}
"""The markers, by Plotly's names. The first nine are the nine architectures' of the paper."""

DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
"""Matplotlib's names of the dashes, by Plotly's."""

PATTERNS = ("none", "9 3", "6 4", "2 3", "10 3 2 3", "4 3")
"""Dashes of the lines without markers, as SVG has them, in the order of the lines of a picture."""

FAMILY_COLORS = {"attention": "#9080f8", "ssm": "#00a870", "rnn": "#e010b0"}
"""The colour of what came after the paper, by family: that of linear attention, S6 and RG-LRU."""

_PAPER = {
    "softmax": "#5878c8",
    "linear": FAMILY_COLORS["attention"],
    "normalized": "#9028e0",
    "s4d": "#407028",
    "s6": FAMILY_COLORS["ssm"],
    "ssd": "#9c9618",
    "qlstm": "#d00810",
    "qlstm_reversed": "#cc76ae",
    "rg_lru": FAMILY_COLORS["rnn"],
}

VARIANTS = {
    "qlstm_expanded": "qlstm",
    "linear_unnormalized": "linear",
    "normalized_softplus": "normalized",
    "normalized_sigmoid": "normalized",
    "unnormalized": "normalized",
    "gated_linear": "normalized",
    "qlstm_exponent": "qlstm",
}
"""Mixers that share the colour of another: controls and variants, told apart by their markers."""

# The last markers, in order: a new variant stands first, so that the others keep theirs.
_VARIANT_SHAPES = tuple(SHAPES)[-len(VARIANTS) :]


class Look(NamedTuple):
    """How the lines and points of an architecture, or of a mixer, look.

    Attributes:
        color: as CSS writes it.
        symbol: a key of `SHAPES`.
        dash: a key of `DASHES`.
    """

    color: str
    symbol: str
    dash: str


def _looks() -> dict[str, Look]:
    later = [name for name in ARCHITECTURES if name not in _PAPER]
    families = {name: ARCHITECTURES[name].family for name in later}
    for name, family in families.items():
        check_choice(f"family of {name}", family, FAMILY_COLORS)
    # The markers that the paper's nine leave, then the same with another dash.
    styles = product(("dot", "dashdot"), tuple(SHAPES)[len(_PAPER) :])
    named = zip(_PAPER.items(), SHAPES, strict=False)
    return {
        **{name: Look(color, symbol, "solid") for (name, color), symbol in named},
        **{
            name: Look(FAMILY_COLORS[families[name]], symbol, dash)
            for name, (dash, symbol) in zip(later, styles, strict=False)
        },
        **{
            name: Look(_PAPER[own], symbol, "dash")
            for (name, own), symbol in zip(VARIANTS.items(), _VARIANT_SHAPES, strict=True)
        },
    }


LOOKS = _looks()
"""The looks of the architectures and of the `VARIANTS`, by name."""

COLORS = {
    **{name: look.color for name, look in LOOKS.items() if name not in VARIANTS},
    "neutral": NEUTRAL,
}
"""The colours of the architectures, the same all through the book.

Attention is blue to violet, state space models are green to olive, recurrent networks are red to
pink. The nine of the paper have one each, with a contrast of at least 3 on white and on the dark
page, distinct in the three kinds of colour blindness; `SHAPES` say the same without colour. What
came after the paper has the colour of its family and is told apart by marker and dash.
"""

FEATURE_MAP_COLORS = {
    "taylor": COLORS["softmax"],  # whose kernel it approximates
    "positive_random": MINUS,
    "elu_plus_one": COLORS["linear"],
    "exponential": "#008c96",
    "relu": "#8a7a30",
    "identity": COLORS["normalized"],
}
"""The colours of the feature maps."""
