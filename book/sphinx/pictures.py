"""Matplotlib's pictures: text and axes in one ink on light pages, in another on dark ones.

Matplotlib draws them in `dsf.looks.NEUTRAL`, which can be read wherever a notebook is opened. No
grey is dark enough for the light pages and light enough for the dark ones. A picture asks for the
scheme of the element that shows it: it follows the button of the page, and on paper it is light.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from dsf.looks import INK, NEUTRAL

STYLE = '<style type="text/css">'
INKS = (
    f":root{{--ink:{INK['light']}}}"
    f"@media(prefers-color-scheme:dark){{:root{{--ink:{INK['dark']}}}}}"
)
EMBEDDED = re.compile(r"(?<=data:image/svg\+xml;base64,)[\w+/]+=*")


def themed(picture: str) -> str:
    """A picture whose neutral colour is that of the page; others stay as they are.

    Args:
        picture: text of an SVG file.
    """
    if NEUTRAL not in picture:
        return picture
    return picture.replace(NEUTRAL, "var(--ink)").replace(STYLE, STYLE + INKS, 1)


def embedded(app: Sphinx, doctree: nodes.document) -> None:
    """The pictures that stand in the page itself."""

    def found(match: re.Match[str]) -> str:
        return b64encode(themed(b64decode(match[0]).decode()).encode()).decode()

    for node in doctree.findall(nodes.raw):
        if EMBEDDED.search(node.astext()):
            node.rawsource = EMBEDDED.sub(found, node.astext())
            node.children = [nodes.Text(node.rawsource)]


def beside(app: Sphinx, error: Exception | None) -> None:
    """The pictures that lie beside the pages."""
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir, "_images").glob("*.svg"):
            path.write_text(themed(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("doctree-read", embedded)
    app.connect("build-finished", beside)
