"""Tables: in boxes that scroll, their empty corners no headings, formulas in their heads named."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator


class ScrollTables(SphinxPostTransform):
    """Put every table in a box that scrolls by itself where the screen is narrow."""

    default_priority = 105

    def run(self, **kwargs: Any) -> None:
        """Wrap the tables; a formula in a head, which may be all it holds, gets a name in words."""
        for table in list(self.document.findall(nodes.table)):
            box = nodes.container(classes=["table-box"])
            table.parent.replace(table, box)  # which, unlike `replace_self`, copies no names
            box += table
            for head in table.findall(nodes.thead):
                for formula in head.findall(nodes.math):
                    formula["named"] = True


def visit_entry(self: Any, node: nodes.entry) -> None:
    """Write a cell of a table; an empty one in the head is a plain cell, for it names nothing."""
    HTML5Translator.visit_entry(self, node)
    if not node.astext():
        self.body[-1] = self.body[-1].replace("<th", "<td", 1)
        self.context[-1] = self.context[-1].replace("</th", "</td", 1)


def depart_entry(self: Any, node: nodes.entry) -> None:
    """End a cell."""
    HTML5Translator.depart_entry(self, node)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
    app.add_post_transform(ScrollTables)
