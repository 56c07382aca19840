"""Notes in the margin: beside the text where the screen is wide, in it elsewhere."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class margin_note(nodes.General, nodes.Element):
    """A note in the margin."""


class Margin(SphinxDirective):
    """A note for the margin: shapes, a reminder, an aside; it stands before what it is beside."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The note."""
        self.assert_has_content()
        note = margin_note()
        self.state.nested_parse(self.content, self.content_offset, note)
        return [note]


def visit_margin_note(self: Any, node: margin_note) -> None:
    """Open the note."""
    self.body.append(self.starttag(node, "aside", CLASS="margin-note"))


def depart_margin_note(self: Any, node: margin_note) -> None:
    """Close the note."""
    self.body.append("</aside>\n")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_node(margin_note, html=(visit_margin_note, depart_margin_note))
    app.add_directive("margin", Margin)
