"""Blocks that hold cells of code: `{name-start}` ... `{name-end}` around them.

A cell of code cannot stand inside a directive, since it must be seen before anything is parsed.
So a block that may hold cells opens with one directive and closes with another, as
`{solution-start}` does, and what stands between them is moved into it when the page has been read.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)


class gate_end(nodes.Element):
    """Where the block of the kind `ends` ends."""


class GateEnd(SphinxDirective):
    """The directive `{name-end}`."""

    def run(self) -> list[nodes.Node]:
        """A mark, which goes when the block is closed."""
        mark = gate_end(ends=self.name.removesuffix("-end"))
        self.set_source_info(mark)
        return [mark]


class CloseGates(SphinxTransform):
    """Move what stands between the two directives of a block into the block."""

    default_priority = 11  # after solutions, which may hold such a block

    def apply(self, **kwargs: Any) -> None:
        """Close every block; one that is not closed, or never opened, is a warning."""
        for start in [n for n in self.document.findall(nodes.Element) if "gate" in n]:
            self.close(start)
        for end in list(self.document.findall(gate_end)):
            log.warning("{%s-end} closes nothing", end["ends"], location=end)
            end.parent.remove(end)

    def close(self, start: nodes.Element) -> None:
        """Move the siblings after the block, up to its end, into its part that takes them."""
        gate = start.attributes.pop("gate")
        following = start.parent[start.parent.index(start) + 1 :]
        stops = (i for i, node in enumerate(following) if gate in (node.get("gate"), _ends(node)))
        count = next(stops, None)
        if count is None or not _ends(following[count]):
            log.warning("{%s-start} is never closed by {%s-end}", gate, gate, location=start)
            return
        inside = next(n for n in start.findall(nodes.Element) if n.attributes.pop("inside", False))
        for node in following[:count]:
            start.parent.remove(node)
            inside += node
        start.parent.remove(following[count])


def _ends(node: nodes.Element) -> str:
    return str(node["ends"]) if isinstance(node, gate_end) else ""


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    for name in ("predict", "deeper"):
        app.add_directive(f"{name}-end", GateEnd)
    app.add_transform(CloseGates)
