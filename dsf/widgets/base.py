"""What all figures share: the live view, and the HTML for pages."""

from __future__ import annotations

import html
import json
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any, ClassVar

from dsf._extras import missing

try:
    import anywidget
    import traitlets
except ModuleNotFoundError as error:
    raise missing(error, "notebooks") from error

STATIC = Path(__file__).with_name("static")
_NO_PICTURE = "The picture of this figure is drawn in a live notebook and where the book is built."

_made: Counter[str] = Counter()


class Widget(anywidget.AnyWidget):
    """A figure. Subclasses set `name` and `_esm`, and say what it shows.

    Attributes:
        name: of the JavaScript module, and of the figure in the page.
        figure_id: id of the figure in the page, part of the addresses that lead to a state of it.
    """

    name: ClassVar[str]
    _css = STATIC / "widgets.css"
    __signature__: ClassVar[Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let help show the traits with their defaults; traitlets would show `*args, **kwargs`."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):  # which says itself what it takes
            _, *own = signature(cls.__init__).parameters.values()
            cls.__signature__ = Signature([p.replace(annotation=Parameter.empty) for p in own])
            return
        traits = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=trait.default_value)
            for name, trait in vars(cls).items()
            if isinstance(trait, traitlets.TraitType) and trait.metadata.get("figure")
        ]
        figure_id = Parameter("figure_id", Parameter.POSITIONAL_OR_KEYWORD, default=None)
        cls.__signature__ = Signature([figure_id, *traits])

    def __init__(self, figure_id: str | None = None, **state: Any) -> None:
        _made[self.name] += 1
        number = _made[self.name]
        self.figure_id = figure_id or f"dsf-{self.name}" + (f"-{number}" if number > 1 else "")
        super().__init__(**state)

    def state(self) -> dict[str, Any]:
        """The traits that a reader can change, by name."""
        own = self.trait_names(sync=True, figure=True)
        return {name: getattr(self, name) for name in sorted(own)}

    def caption(self) -> str:
        """What the figure shows, as plain text; the picture of a page may add its numbers."""
        raise NotImplementedError

    def table(self) -> tuple[str, list[str], list[list[str]]] | None:
        """The numbers behind the picture: a title, the head, and the rows."""
        return None

    def html(self) -> str:
        """The figure for a page: table, state and caption.

        Where a page is built, the JavaScript of the figure puts the picture of the first state in
        the place of the table (``book/figures.py``), and a script brings it to life.
        """
        table = self.table()
        state = json.dumps(self.state(), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        state = state.replace("<", "\\u003c")  # no `</script>` inside the script element
        return (
            f'<figure class="dsf-widget" data-widget="{self.name}" '
            f'id="{html.escape(self.figure_id)}">\n'
            f'<div class="dsf-still">\n<p>{_NO_PICTURE}</p>\n'
            f"{table_html(*table) if table else ''}\n</div>\n"
            "<noscript><p>The controls of this figure need JavaScript.</p></noscript>\n"
            f'<script type="application/json">{state}</script>\n'
            f"<figcaption>{html.escape(self.caption())}</figcaption>\n"
            "</figure>"
        )

    def __repr__(self) -> str:
        state = ", ".join(f"{name}={value!r}" for name, value in self.state().items())
        return f"{type(self).__name__}({state})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view for notebooks beside the HTML for pages."""
        live: Any = super()._repr_mimebundle_(**kwargs)  # None only for widgets without a view
        data, metadata = live
        return {**data, "text/html": self.html()}, metadata


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
    """A number with so many digits after the point, a half rounded as in JavaScript.

    Args:
        value: the number, not negative.
        digits: how many.

    Returns:
        Text.
    """
    return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def percent(share: float, digits: int = 0) -> str:
    """A share in per cent.

    Args:
        share: the share, not negative.
        digits: how many after the point.

    Returns:
        Text.
    """
    return f"{fixed(100 * share, digits)} %"


def table_html(title: str, head: list[str], rows: list[list[str]]) -> str:
    """A table, folded away.

    Args:
        title: the visible line.
        head: names of the columns.
        rows: the cells, as text; the first of each row names the row.

    Returns:
        A `details` element.
    """
    names = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{html.escape(row[0])}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<details class="dsf-data"><summary>{html.escape(title)}</summary><div><table>'
        f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )
