"""Pages of source behind the links [source] of the API, in the look of the book."""

from __future__ import annotations

import shutil
from pathlib import Path

from sphinx.application import Sphinx

FOLDER = "_modules"


def forget(app: Sphinx) -> None:
    """Let every page of source be written anew: one that is left from before has an old menu."""
    shutil.rmtree(Path(app.outdir) / FOLDER, ignore_errors=True)


def drop_list(app: Sphinx, error: Exception | None) -> None:
    """Remove the list of all modules, which no page leads to: the API is that list."""
    (Path(app.outdir) / FOLDER / "index.html").unlink(missing_ok=True)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.setup_extension("sphinx.ext.viewcode")
    app.connect("builder-inited", forget)
    app.connect("build-finished", drop_list)
