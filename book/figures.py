"""The Sphinx side of the figures: what a page takes of a figure, and what it loads for it.

A figure's output holds the live view, which needs a kernel, and HTML, which does not. Pages take
the HTML (`nb_mime_priority_overrides`) and leave out the state of the live view, which holds the
whole JavaScript module once for each figure. The picture of the first state is drawn here, by the
same module that brings the figure to life, in one process of node a page (`book.stills`). A page
loads the scripts of its widgets; their style sheet is part of that of the book. That of the
laboratory fetches what trains, or a trained model, when a reader asks for it. The figures of
`dsf.interactive` have a script of their own, which fetches Plotly when a reader comes near.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

from book.bundle import STATIC, TRAINER, WIDGETS, write_models
from book.stills import FIGURE, with_stills

LIVE_VIEW = "application/vnd.jupyter.widget-view+json"


def draw_stills(app: Sphinx, doctree: nodes.document) -> None:
    """Draw the figures of a page."""
    raw = [node for node in doctree.findall(nodes.raw) if FIGURE.search(node.astext())]
    for node, text in zip(raw, with_stills([node.astext() for node in raw]), strict=True):
        node.rawsource = text
        node.children = [nodes.Text(text)]


def prefer_html(app: Sphinx, config: Config) -> None:
    """Take the live view of no widget, and load nothing for it."""
    config.nb_mime_priority_overrides = [
        *config.nb_mime_priority_overrides,
        ("*", LIVE_VIEW, None),
    ]
    config.nb_ipywidgets_js = {}


def copy_files(app: Sphinx) -> None:
    """Put the scripts among the static files of the site."""
    if app.builder.format == "html":
        target = Path(app.outdir) / "_static" / "widgets"
        target.mkdir(parents=True, exist_ok=True)
        for name in (*WIDGETS, TRAINER):
            shutil.copyfile(STATIC / f"{name}.js", target / f"{name}.js")
        write_models(target)


def drop_live_state(app: Sphinx, doctree: nodes.document) -> None:
    """Leave the state of the live views out of the page."""
    data = getattr(app.env, "nb_metadata", {}).get(app.env.docname, {})
    data.get("js_files", {}).pop("ipywidgets_state", None)


def load_files(app: Sphinx, page: str, template: str, context: Any, doctree: Any) -> None:
    """Let pages with a figure load what draws it, and no other page."""
    if doctree is None:
        return
    raw = [node.astext() for node in doctree.findall(nodes.raw)]
    # In the order of the page: what comes to life must not move what the reader looks at already.
    widgets = dict.fromkeys(x["widget"] for text in raw for x in FIGURE.finditer(text))
    for name in widgets:
        app.add_js_file(f"widgets/{name}.js", loading_method="defer")
    if any('class="dsf-plotly"' in text for text in raw):
        app.add_js_file("interactive.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.setup_extension("myst_nb")
    app.connect("config-inited", prefer_html)
    app.connect("builder-inited", copy_files)
    app.connect("doctree-read", drop_live_state)
    app.connect("doctree-read", draw_stills)
    # Before the page template's own handler, which reads the list of style sheets.
    app.connect("html-page-context", load_files, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
