"""Figures to explore recorded results with: Plotly in notebooks, and in pages near the reader.

A page holds three forms of such a figure: a still picture and a table, which need no script, and
the figure itself as data, which ``book/static/interactive.js`` draws once the reader comes near.
"""

from __future__ import annotations

import base64
import html
import io
import json
from itertools import pairwise
from typing import Any

import numpy as np

from dsf._checks import check_choice
from dsf._extras import missing
from dsf.looks import DASHES, LOOKS, SHAPES
from dsf.plots import BOOK_STYLE
from dsf.widgets.base import table_html

try:
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]
except ModuleNotFoundError as error:
    raise missing(error, "notebooks") from error

MODES = ("lines", "markers", "lines+markers")
FEW = 6
"""Up to so many lines have their names beside them, as in ``book/static/interactive.js``."""
_GAP = 0.06  # between names, as a share of the frame


class Interactive:
    """A Plotly figure that pages can show too.

    Args:
        figure: of scatter traces (lines, markers, vertical error bars) in one pair of axes. Each
            has a name (plain text, whatever looks like mark-up in it), a mode and a line colour, as
            `trace_style` gives it; those with ``visible="legendonly"`` appear when the reader asks
            for them.
        alt: what the figure shows, in words.
        caption: of the figure, as plain text.
        table: names of the columns, and the rows, cells as text; the first cell names its row.

    Raises:
        ValueError: The figure holds what a page cannot draw, or the table is ragged.
    """

    def __init__(
        self, figure: Figure, alt: str, caption: str, table: tuple[list[str], list[list[str]]]
    ) -> None:
        for place, trace in enumerate(figure.data):
            _check(f"figure.data[{place}]", trace)
        head, rows = table
        for place, row in enumerate(rows):
            if len(row) != len(head):
                raise ValueError(
                    f"table[1][{place}] has {len(row)} cells, expected {len(head)}: {head}"
                )
        self.figure, self.alt, self.caption, self.table = figure, alt, caption, table

    def picture(self) -> str:
        """The visible traces, drawn by Matplotlib, as the text of an SVG file."""
        with plt.rc_context(BOOK_STYLE):
            picture = Picture(figsize=(7, 3.4))
            ax = picture.add_subplot()
            seen = [trace for trace in self.figure.data if trace.visible in (None, True)]
            for trace in seen:
                _draw(ax, trace)
            _furnish(ax, self.figure.layout)
            if len(seen) <= FEW:
                _name(ax, seen)
            else:
                picture.legend(loc="outside right upper", fontsize=8)
            text = io.StringIO()
            picture.savefig(text, format="svg", metadata={"Date": None})
        return text.getvalue()

    def html(self) -> str:
        """The figure for a page: picture, data, table and caption. A script brings it to life."""
        # An image, not an element: its ids and its style stay its own.
        still = base64.b64encode(self.picture().encode()).decode()
        figure = json.loads(self.figure.to_json())
        figure["layout"].pop("template", None)  # the page has its own look
        for trace, data in zip(self.figure.data, figure["data"], strict=True):
            data["meta"] = SHAPES[_symbol(trace).removesuffix("-open")].glyph  # for the legend
        # No `</script>` inside the script element.
        state = json.dumps(figure, ensure_ascii=False).replace("<", "\\u003c")
        return (
            '<figure class="dsf-plotly">\n'
            f'<img class="dsf-still" alt="{html.escape(self.alt)}" width="672" height="326" '
            f'src="data:image/svg+xml;base64,{still}">\n'
            f'<script type="application/json">{state}</script>\n'
            f"{table_html('The numbers behind the figure', *self.table)}\n"
            f"<figcaption>{html.escape(self.caption)}</figcaption>\n"
            "</figure>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """What Plotly shows here; the HTML for pages, unless Plotly needs HTML itself."""
        shown = Figure(self.figure)  # a copy, for Plotly takes names for mark-up, as pages do not
        shown.for_each_trace(lambda trace: trace.update(name=html.escape(trace.name, quote=False)))
        return {"text/html": self.html(), **shown._repr_mimebundle_()}


def trace_style(mixer: str) -> dict[str, Any]:
    """Colour, marker and dash of a mixer, as keyword arguments of a scatter trace.

    Args:
        mixer: a key of `dsf.looks.LOOKS`. A variant has the colour of its architecture, a marker
            of its own and a dashed line.

    Returns:
        ``{"line": ..., "marker": ...}``.

    Raises:
        ValueError: The mixer is not known.
    """
    check_choice("mixer", mixer, LOOKS)
    color, symbol, dash = LOOKS[mixer]
    return {
        "line": {"color": color, "dash": dash},
        "marker": {"color": color, "symbol": symbol, "size": 8},
    }


def _check(name: str, trace: Any) -> None:
    """Refuse what the script, which draws in pages, or the picture cannot show."""
    symbol = _symbol(trace) if trace.type == "scatter" else ""
    good = (
        trace.type == "scatter"
        and trace.name
        and trace.mode in MODES
        and trace.line.color
        and (trace.line.dash or "solid") in DASHES
        and symbol.removesuffix("-open") in SHAPES
    )
    if not good:
        raise ValueError(
            f"{name} is {trace.to_plotly_json()}, expected a scatter trace with a name, a mode "
            f"({', '.join(MODES)}), a line colour, a dash and a symbol that pages know (see "
            "trace_style)"
        )


def _symbol(trace: Any) -> str:
    return str(trace.marker.symbol or "circle")


def _style(trace: Any) -> dict[str, Any]:
    """Colour, dash and marker of a trace, as Matplotlib takes them."""
    symbol = _symbol(trace)
    marker = SHAPES[symbol.removesuffix("-open")].matplotlib
    return {
        "color": trace.line.color,
        "linestyle": DASHES[trace.line.dash or "solid"] if "lines" in trace.mode else "none",
        "marker": marker if "markers" in trace.mode else "none",
        "markerfacecolor": "none" if symbol.endswith("-open") else trace.line.color,
    }


def _draw(ax: Axes, trace: Any) -> None:
    """One scatter trace as Matplotlib draws it."""
    above = trace.error_y.array
    below = above if trace.error_y.arrayminus is None else trace.error_y.arrayminus
    spread = None if above is None else np.array([below, above], float)
    x, y = np.array(trace.x, float), np.array(trace.y, float)
    ax.errorbar(x, y, spread, label=_text(trace), elinewidth=1, capsize=2, **_style(trace))


def _text(trace: Any) -> str:
    return str(trace.name).replace("$", r"\$")  # no formula


def _name(ax: Axes, traces: list[Any]) -> None:
    """Names beside the frame, each at the height at which its line ends, or next to it."""
    ends = []
    for trace in traces:
        y = np.array(trace.y, float)
        ends.append((ax.get_xlim()[0], y[np.isfinite(y)][-1] if np.isfinite(y).any() else 0))
    frame = ax.transData + ax.transAxes.inverted()
    heights = _apart([float(frame.transform(end)[1]) for end in ends])
    for trace, height in zip(traces, heights, strict=True):
        place: Any = {"transform": ax.transAxes, "clip_on": False}
        ax.plot([1.02, 1.045, 1.07], [height] * 3, markevery=[1], **place, **_style(trace))
        ax.text(1.09, height, _text(trace), va="center", fontsize=8, **place)


def _apart(heights: list[float]) -> list[float]:
    """Heights of names, as shares of the frame, moved until none covers another."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = list(heights)
    for below, own in pairwise(order):
        moved[own] = max(moved[own], moved[below] + _GAP)
    moved[order[-1]] = min(moved[order[-1]], 1.0)
    for above, own in pairwise(reversed(order)):
        moved[own] = min(moved[own], moved[above] - _GAP)
    return moved


def _furnish(ax: Axes, layout: Any) -> None:
    """Scale, range, ticks and title of both axes."""
    for name, axis in (("x", layout.xaxis), ("y", layout.yaxis)):
        logarithmic = axis.type == "log"
        ax.set(**{f"{name}scale": "log" if logarithmic else "linear"})
        if axis.range is not None:  # Plotly gives the exponents of ten
            ax.set(**{f"{name}lim": [10**end if logarithmic else end for end in axis.range]})
        if axis.tickvals is not None:
            ticks = getattr(ax, f"{name}axis")
            ticks.set_ticks(axis.tickvals, [f"{value:g}" for value in axis.tickvals])
            ticks.set_ticks([], minor=True)
        ax.set(**{f"{name}label": axis.title.text or ""})
