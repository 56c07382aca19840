"""A plain HTML element as a node, with what a script needs to know in its `data-` attributes."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


class element(nodes.General, nodes.Element):
    """The element `tag` with the attributes `data`: names without `data-`, to texts."""


def visit_element(self: Any, node: element) -> None:
    """Open the element."""
    data = {f"data-{name}": value for name, value in node.get("data", {}).items()}
    tag = node.get("tag", "div")
    self.body.append(self.starttag(node, tag, "", **data, **node.get("html", {})))


def depart_element(self: Any, node: element) -> None:
    """Close the element."""
    tag = node.get("tag", "div")
    self.body.append(f"</{tag}>" if tag in {"a", "span"} else f"</{tag}>\n")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_node(element, html=(visit_element, depart_element))
