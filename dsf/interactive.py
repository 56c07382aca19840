"""Figures to explore recorded results with: Plotly in notebooks, and in pages near the reader.

A page holds three forms of such a figure: a still picture and a table, which need no script, and
the figure itself as data, which ``book/static/interactive.js`` draws once the reader comes near.
"""

from __future__ import annotations

import base64
import html
import io
import json
from typing import Any

import numpy as np

from dsf._extras import missing
from dsf.looks import COLORS, VARIANTS
from dsf.plots import BOOK_STYLE, MARKERS
from dsf.widgets.base import table_html

try:
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture
    from plotly.graph_objects import Figure  # type: ignore[import-untyped]
except ModuleNotFoundError as error:
    raise missing(error, "notebooks") from error

SYMBOLS: dict[str, Any] = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle-up": "^",
    "triangle-down": "v",
    "cross": "P",
    "x": "X",
    "star": "*",
    "hexagon": "h",
    "pentagon": "p",
    "triangle-right": ">",
    "triangle-left": "<",
    "hexagram": (6, 1, 0),
}
"""Plotly's names of Matplotlib's markers; each also has a hollow form, `name-open`."""

MIXER_SYMBOLS = {
    **{name: symbol for name in MARKERS for symbol in SYMBOLS if SYMBOLS[symbol] == MARKERS[name]},
    "linear_unnormalized": "square-open",
    "normalized_softplus": "pentagon",
    "normalized_sigmoid": "pentagon-open",
    "unnormalized": "triangle-right",
    "gated_linear": "triangle-left",
    "qlstm_exponent": "hexagram",
}
"""The markers of `dsf.plots`; for variants those of the MQAR explorer as far as Plotly has them."""

DASHES = {None: "-", "solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
"""Matplotlib's names of Plotly's dashes."""

MODES = ("lines", "markers", "lines+markers")


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
                    f"table: row {place} has {len(row)} cells, expected {len(head)}: {head}"
                )
        self.figure, self.alt, self.caption, self.table = figure, alt, caption, table

    def picture(self) -> str:
        """The visible traces, drawn by Matplotlib, as the text of an SVG file."""
        with plt.rc_context(BOOK_STYLE):
            picture = Picture(figsize=(7, 3.4))
            ax = picture.add_subplot()
            for trace in self.figure.data:
                if trace.visible in (None, True):
                    _draw(ax, trace)
            _furnish(ax, self.figure.layout)
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
        # No `</script>` inside the script element.
        data = json.dumps(figure, ensure_ascii=False).replace("<", "\\u003c")
        return (
            '<figure class="dsf-plotly">\n'
            f'<img class="dsf-still" alt="{html.escape(self.alt)}" width="672" height="326" '
            f'src="data:image/svg+xml;base64,{still}">\n'
            f'<script type="application/json">{data}</script>\n'
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
        mixer: a key of `MIXER_SYMBOLS`. A variant has the colour of its architecture, a marker of
            its own and a dashed line.

    Returns:
        ``{"line": ..., "marker": ...}``.

    Raises:
        ValueError: The mixer is not known.
    """
    if mixer not in MIXER_SYMBOLS:
        raise ValueError(f"mixer is {mixer!r}, expected one of {', '.join(MIXER_SYMBOLS)}")
    color = COLORS[VARIANTS.get(mixer, mixer)]
    return {
        "line": {"color": color, "dash": "dash" if mixer in VARIANTS else "solid"},
        "marker": {"color": color, "symbol": MIXER_SYMBOLS[mixer], "size": 8},
    }


def _check(name: str, trace: Any) -> None:
    """Refuse what the script, which draws in pages, or the picture cannot show."""
    symbol = (trace.marker.symbol or "circle") if trace.type == "scatter" else ""
    good = (
        trace.type == "scatter"
        and trace.name
        and trace.mode in MODES
        and trace.line.color
        and trace.line.dash in DASHES
        and str(symbol).removesuffix("-open") in SYMBOLS
    )
    if not good:
        raise ValueError(
            f"{name} is {trace.to_plotly_json()}, expected a scatter trace with a name, a mode "
            f"({', '.join(MODES)}), a line colour, a dash and a symbol that pages know (see "
            "trace_style)"
        )


def _draw(ax: Axes, trace: Any) -> None:
    """One scatter trace as Matplotlib draws it."""
    symbol = trace.marker.symbol or "circle"
    style = {
        "color": trace.line.color,
        "linestyle": DASHES[trace.line.dash] if "lines" in trace.mode else "none",
        "marker": SYMBOLS[symbol.removesuffix("-open")] if "markers" in trace.mode else "none",
        "markerfacecolor": "none" if symbol.endswith("-open") else trace.line.color,
    }
    above = trace.error_y.array
    below = above if trace.error_y.arrayminus is None else trace.error_y.arrayminus
    spread = None if above is None else np.array([below, above], float)
    x, y = np.array(trace.x, float), np.array(trace.y, float)
    name = trace.name.replace("$", r"\$")  # no formula
    ax.errorbar(x, y, spread, label=name, elinewidth=1, capsize=2, **style)


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
