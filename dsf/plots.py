"""Plain pictures: the style of the book's figures, its colours, and the few plots chapters share.

Importing this module imports Matplotlib; ``import dsf`` does not.
"""

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsf._checks import as_numbers, check_choice, check_flag, check_number, shown
from dsf._extras import missing
from dsf.looks import COLORS as COLORS  # part of this module's names too
from dsf.looks import DASHES, LOOKS, MINUS, NEUTRAL, PLUS, SHAPES, Look

try:
    import matplotlib.pyplot as plt
    from cycler import cycler
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.image import AxesImage
except ModuleNotFoundError as error:
    raise missing(error, "notebooks") from error

MARKERS: dict[str, Any] = {
    **{name: SHAPES[look.symbol].matplotlib for name, look in LOOKS.items()},
    "neutral": ".",
}
"""One marker an architecture, so that no figure depends on colour alone."""

SEQUENTIAL = "viridis"
DIVERGING = LinearSegmentedColormap.from_list("orange to blue", [MINUS, "white", PLUS], 257)
"""Colour maps, readable with any kind of colour blindness: positive is blue, negative orange."""

BOOK_STYLE: Any = {  # a dict of rcParams, whose keys Matplotlib types one by one
    # 5.4 inches of 72 points are 518 CSS pixels: the text is still readable on a phone
    "figure.figsize": (5.4, 3.0),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "text.color": NEUTRAL,
    "axes.labelcolor": NEUTRAL,
    "axes.edgecolor": NEUTRAL,
    "axes.titlecolor": NEUTRAL,
    "xtick.color": NEUTRAL,
    "ytick.color": NEUTRAL,
    "grid.color": NEUTRAL,
    "grid.alpha": 0.3,
    "axes.prop_cycle": cycler(color=list(dict.fromkeys(COLORS.values()))),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "font.size": 10,
    "font.family": "DejaVu Sans",  # comes with Matplotlib, so that pictures are the same everywhere
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "image.interpolation": "none",  # an SVG then holds one pixel an entry, drawn with hard edges
    "svg.fonttype": "path",
    "svg.hashsalt": "dsf",  # element ids that do not change from run to run
}


def use_book_style() -> None:
    """Draw figures as the book does: transparent, readable on light and dark pages, SVG.

    Sets Matplotlib's defaults for this process. In a notebook it also makes figures appear as SVG
    without a date in it, so that the same code gives the same bytes.
    """
    plt.rcParams.update(BOOK_STYLE)
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        inline: Any = importlib.import_module("matplotlib_inline.backend_inline")
        inline.set_matplotlib_formats("svg", metadata={"Date": None})


def line_style(name: str) -> dict[str, Any]:
    """Colour, marker and dash of an architecture, as keyword arguments of ``ax.plot``.

    Args:
        name: a key of `dsf.looks.LOOKS`, or "neutral".

    Returns:
        ``{"color": ..., "marker": ..., "linestyle": ...}``.

    Raises:
        ValueError: the name is not known.
    """
    check_choice("name", name, MARKERS)
    look = LOOKS.get(name, Look(NEUTRAL, "circle", "solid"))
    return {"color": look.color, "marker": MARKERS[name], "linestyle": DASHES[look.dash]}


def heatmap(
    ax: Axes,
    matrix: object,
    title: str = "",
    causal: bool = False,
    limits: tuple[float, float] | None = None,
) -> AxesImage:
    """Draw a matrix as coloured squares, row 0 at the top.

    Values without negative entries get a sequential colour map from 0 up, others a diverging one
    with 0 in the middle.

    Args:
        ax: where to draw.
        matrix: tensor or array, ``(rows, columns)``, real.
        title: text above the matrix.
        causal: leave out the entries above the diagonal, which are zero in every causal Φ.
        limits: values at the two ends of the colour map; from the matrix if None.

    Returns:
        The image, for a colour bar.

    Raises:
        ValueError: the matrix is not a real matrix, or the limits are not two numbers in order.
    """
    values = _values("matrix", matrix, ndim=2)
    check_flag("causal", causal)
    if causal:
        values = np.where(np.tri(*values.shape) > 0, values, np.nan)
    low, high = _limits([values]) if limits is None else _checked_limits(limits)
    image = ax.imshow(
        values,
        cmap=DIVERGING if low < 0 else SEQUENTIAL,
        vmin=low,
        vmax=high,
        aspect="equal",
    )
    ax.set_title(title)
    ax.locator_params(integer=True)
    return image


def plot_matrices(matrices: Mapping[str, object], causal: bool = True) -> None:
    """Several mixing matrices Φ side by side, with one colour scale for all.

    Row i of Φ says how much each input j enters the output at time i. Returns nothing, so that a
    notebook shows the figure once; ``plt.gcf()`` is the figure.

    Args:
        matrices: Φ by title, each ``(L, L)``.
        causal: leave out the entries above the diagonal.

    Raises:
        ValueError: there is nothing to draw, or a Φ is not a real matrix.
    """
    if not isinstance(matrices, Mapping) or not matrices:
        raise ValueError(f"matrices is {shown(matrices)}, expected at least one title and its Φ")
    check_flag("causal", causal)
    values = [_values(f"matrices[{title!r}]", phi, ndim=2) for title, phi in matrices.items()]
    limits = _limits(values)
    columns = min(len(values), 4)
    rows = -(-len(values) // columns)
    width = 7.0  # 672 CSS pixels, a text column
    figure, grid = plt.subplots(
        rows,
        columns,
        squeeze=False,
        figsize=(width, rows * (width / max(columns, 2) + 0.3)),
    )
    for ax in grid.flat[len(values) :]:
        ax.set_visible(False)
    for ax, title, phi in zip(grid.flat, matrices, values, strict=False):
        image = heatmap(ax, phi, title, causal, limits)
        ax.set_xlabel("input j")
    for ax in grid[:, 0]:
        ax.set_ylabel("output i")
    figure.colorbar(image, ax=grid, shrink=0.8)


def plot_states(states: object, title: str = "") -> None:
    """The states over time: one row a state, one column a time step.

    With several channels the rows are ordered by channel, then feature, the order of
    `LTVSystem.dense`, and lines separate the channels. Returns nothing, so that a notebook shows
    the figure once; ``plt.gcf()`` is the figure.

    Args:
        states: what `LTVSystem.states` returns for one sequence, ``(L, n, d)`` or ``(L, n)``, real.
        title: text above the picture.

    Raises:
        ValueError: the states have other axes or are complex.
    """
    values = _values("states", states, ndim=(2, 3))
    values = values[..., None] if values.ndim == 2 else values
    length, n, d = values.shape
    values = values.transpose(2, 1, 0).reshape(d * n, length)
    figure, ax = plt.subplots()
    image = heatmap(ax, values, title)
    ax.set_aspect("auto")
    for border in range(n, n * d, n):
        ax.axhline(border - 0.5, color=NEUTRAL, linewidth=0.8)
    ax.set_xlabel("time i")
    ax.set_ylabel("state" if d == 1 else f"state ({d} channels of {n})")
    figure.colorbar(image, ax=ax)


def _values(name: str, value: object, ndim: int | tuple[int, ...]) -> NDArray[np.float64]:
    """A real array with as many axes as wanted."""
    array = as_numbers(name, value)
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if array.ndim not in allowed or array.size == 0 or array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} has shape {array.shape} and dtype {array.dtype}, expected a real array with "
            f"{' or '.join(map(str, allowed))} axes, none of them empty"
        )
    return array.astype(np.float64)


def _checked_limits(limits: object) -> tuple[float, float]:
    if not isinstance(limits, tuple | list) or len(limits) != 2:
        raise ValueError(f"limits is {shown(limits)}, expected a pair of numbers or None")
    low = check_number("limits[0]", limits[0])
    return low, check_number("limits[1]", limits[1], low, above=True)


def _limits(matrices: list[NDArray[np.float64]]) -> tuple[float, float]:
    """From 0 up without negative values, else symmetric about 0. Rounding is not a sign."""
    finite = np.concatenate([matrix[np.isfinite(matrix)] for matrix in matrices])
    size = float(np.abs(finite).max(initial=0.0)) or 1.0
    return (-size if finite.min(initial=0.0) < -1e-12 * size else 0.0), size
