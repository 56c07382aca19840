"""Plain pictures: the style of the book's figures, its colours, and the few plots chapters share.

Importing this module imports Matplotlib; ``import dsf`` does not.
"""

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dsf._checks import as_numbers, check_choice, check_flag, check_number, shown
from dsf._extras import missing
from dsf.looks import COLORS as COLORS  # part of this module's names too
from dsf.looks import DASHES, LOOKS, MINUS, NEUTRAL, PLUS, SHAPES, STRENGTH, Look
from dsf.low_rank import LowRankSystem
from dsf.state_strip import Line, Tile, equations
from dsf.system import LTVSystem

try:
    import matplotlib.pyplot as plt
    from cycler import cycler
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap, to_rgb
    from matplotlib.image import AxesImage
except ModuleNotFoundError as error:
    raise missing(error, "notebooks") from error

MARKERS: dict[str, Any] = {
    **{name: SHAPES[look.symbol].matplotlib for name, look in LOOKS.items()},
    "neutral": ".",
}
"""One marker an architecture, so that no figure depends on colour alone."""


def _shades(color: str, shares: NDArray[np.float64]) -> list[tuple[float, ...]]:
    return [(*to_rgb(color), share**STRENGTH) for share in shares]


_SHARES = np.linspace(0, 1, 129)
SEQUENTIAL = ListedColormap(_shades(PLUS, _SHARES), "page to blue")
DIVERGING = ListedColormap(
    _shades(MINUS, _SHARES[:0:-1]) + _shades(PLUS, _SHARES), "orange to page to blue"
)
"""Colour maps, as in the widgets: positive is blue, negative orange, zero the page."""

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


def plot_step(
    system: LTVSystem | LowRankSystem,
    i: int,
    u: Tensor | None = None,
    initial_state: Tensor | None = None,
) -> None:
    """The state strip: one step of the recurrence drawn as arrays, features down, channels across.

    H_i = Λ_i ⊙ H_{i-1} + B_i · u_i and y_i = Σ C_i ⊙ H_i, summed over the features, with
    D_i · u_i where there is a feed-through. Every array has the shape in which the system holds it:
    a Λ_i that is one number is one cell, one of d numbers a row, a B_i shared by the channels a
    column. The Λ_i of a `LowRankSystem` is an n × n matrix that multiplies the state. Blue is
    positive, orange negative, full colour the largest size of the array over all times; of complex
    arrays the real part is drawn. Returns nothing, so that a notebook shows the figure once;
    ``plt.gcf()`` is the figure.

    Args:
        system: of one sequence, that is, without axes before time.
        i: the time, 0 ≤ i < L.
        u: inputs, (L, d); random ones, the same in every call, if None.
        initial_state: H_{-1}, (n, d); zero if None.

    Raises:
        ValueError: the system is of another kind or of several sequences, there is no such time,
            u or initial_state does not fit, or u is None and no array of the system says d.

    Source: arXiv 2405.15731, section 3.1; chapter 1.
    """
    lines = equations(system, i, u, initial_state)
    n, d = lines[0][0][1].values.shape
    sizes = np.geomspace(min(_CELL, _TALLEST / n), 1e-3, 300)
    cell = next(size for size in sizes if max(_width(line, size) for line in lines) <= _WIDTH)
    width, high = max(_width(line, cell) for line in lines), n * cell
    height = 2 * (_HEAD + high) + 2.6 * _TEXT
    figure = plt.figure(figsize=(width / 72, height / 72))
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    for line, top in zip(lines, (0.0, _HEAD + high + 2.4 * _TEXT), strict=True):
        _draw_line(ax, line, top + _HEAD + high / 2, top, cell)
    left = _SIGN + _column(lines[0][0][1], cell) / 2
    names = f"d = {d}"
    if high > 3.5 * _TEXT:  # room for a name that runs upwards
        _write(ax, left - d * cell / 2 - 0.8 * _TEXT, _HEAD + high / 2, f"n = {n}", rotation=90)
    else:
        names = f"n = {n}, {names}"
    _write(ax, left, _HEAD + high + 0.8 * _TEXT, names)
    ax.set(xlim=(0, width), ylim=(height, 0))


# In points. Text of 11 is 9 pixels where 5.4 inches are shown on a phone less its margins.
_TEXT = 11
_WIDTH, _TALLEST, _CELL = 5.4 * 72, 130.0, 18.0  # at most: of all, of a state, of one number
_COLUMN, _SIGN, _HEAD = 38.0, 20.0, 36.0  # at least: of an array; of a sign, of the two names above


def _column(tile: Tile, cell: float) -> float:
    return max(_COLUMN, cell * int(tile.values.shape[1]))


def _sign(sign: str) -> float:
    return 2 * _SIGN if "Σ" in sign else _SIGN


def _width(line: Line, cell: float) -> float:
    return sum(_sign(sign) + _column(tile, cell) for sign, tile in line) + 2


def _write(ax: Axes, x: float, y: float, text: str, **more: Any) -> None:
    ax.text(x, y, text, ha="center", va="center", size=_TEXT, **more)


def _draw_line(ax: Axes, line: Line, middle: float, top: float, cell: float) -> None:
    """An equation from left to right: names at the top, arrays about the middle."""
    x = 0.0
    for sign, tile in line:
        _write(ax, x + _sign(sign) / 2, middle, sign, weight="bold")
        x += _sign(sign)
        column = _column(tile, cell)
        _write(ax, x + column / 2, top + 0.7 * _TEXT, tile.symbol, style="italic")
        _write(ax, x + column / 2, top + 2.1 * _TEXT, tile.shape)
        rows, columns = tile.values.shape
        left, right = x + (column - columns * cell) / 2, x + (column + columns * cell) / 2
        low, high = middle + rows * cell / 2, middle - rows * cell / 2
        ax.imshow(
            tile.values.numpy(),
            cmap=DIVERGING,
            vmin=-tile.limit,
            vmax=tile.limit,
            extent=(left, right, low, high),
            aspect="auto",
            label=tile.symbol,
        )
        fine = cell >= 4  # else the lines would hide the cells
        ax.hlines(np.linspace(high, low, (rows if fine else 1) + 1), left, right, NEUTRAL, lw=0.5)
        ax.vlines(
            np.linspace(left, right, (columns if fine else 1) + 1), high, low, NEUTRAL, lw=0.5
        )
        x += column


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
