"""The Sphinx side of the figures: what a page takes of a figure, and what it loads for it.

A figure's output holds the live view, which needs a kernel, and HTML, which does not. Pages take
the HTML (`nb_mime_priority_overrides`), leave out the state of the live view, which holds the whole
JavaScript module once for each figure, and load one script. The figures of
`dsf.interactive` have a script of their own, which fetches Plotly when a reader comes near.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

STATIC = Path(__file__).resolve().parent.parent / "dsf" / "widgets" / "static"
LIVE_VIEW = "application/vnd.jupyter.widget-view+json"


def prefer_html(app: Sphinx, config: Config) -> None:
    """Take the live view of no widget, and load nothing for it."""
    config.nb_mime_priority_overrides = [
        *config.nb_mime_priority_overrides,
        ("*", LIVE_VIEW, None),
    ]
    config.nb_ipywidgets_js = {}


def copy_files(app: Sphinx) -> None:
    """Put the script among the static files of the site."""
    if app.builder.format == "html":
        target = Path(app.outdir) / "_static"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(STATIC / "widgets.js", target / "widgets.js")


def drop_live_state(app: Sphinx, doctree: nodes.document) -> None:
    """Leave the state of the live views out of the page."""
    data = getattr(app.env, "nb_metadata", {}).get(app.env.docname, {})
    data.get("js_files", {}).pop("ipywidgets_state", None)


def load_files(app: Sphinx, page: str, template: str, context: Any, doctree: Any) -> None:
    """Let pages with a figure load what draws it, and no other page."""
    if doctree is None:
        return
    raw = [node.astext() for node in doctree.findall(nodes.raw)]
    if any('class="dsf-widget"' in text for text in raw):
        app.add_js_file("widgets.js", loading_method="defer")
    if any('class="dsf-plotly"' in text for text in raw):
        app.add_js_file("interactive.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.setup_extension("myst_nb")
    app.connect("config-inited", prefer_html)
    app.connect("builder-inited", copy_files)
    app.connect("doctree-read", drop_live_state)
    # Before the page template's own handler, which reads the list of style sheets.
    app.connect("html-page-context", load_files, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
