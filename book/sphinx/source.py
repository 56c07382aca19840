"""Pages of source behind the links [source] of the API, in the look of the book."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from book import settings
from book.sphinx.api import PAGE

FOLDER = "_modules"
# In `pre` each of these ends of lines would show.
BLOCK = re.compile(r'(<div class="viewcode-block" id="[^"]*">)\n(<a [^>]*>)\[docs\]</a>\n')


def forget(app: Sphinx) -> None:
    """Let every page of source be written anew: one that is left from before has an old menu."""
    shutil.rmtree(Path(app.outdir) / FOLDER, ignore_errors=True)


def fit(app: Sphinx, pagename: str, template: str, context: Any, doctree: Any) -> None:
    """Say on a page of source where its module stands in the API and in the repository."""
    name = pagename.removeprefix(f"{FOLDER}/").replace("/", ".")
    if pagename == name or not (entry := app.env._viewcode_modules.get(name)):
        return
    *_, public = entry
    title, code = BLOCK.sub(r"\1\2docs</a>", context["body"]).split("</h1>", 1)
    api = f"{app.builder.get_relative_uri(pagename, PAGE)}#module-{public}"
    context["body"] = (
        f'<div class="source-page">{title}</h1>'
        f'<p class="launch">What it does: <a href="{api}">{public} in the API</a></p>'
        f"{code}</div>"
    )
    file = Path(*name.split("."))
    inside = file / "__init__.py"
    file = inside if (Path(app.srcdir) / inside).exists() else file.with_suffix(".py")
    context["source_link"] = settings.load(Path(app.srcdir)).source_url(file.as_posix())


def drop_list(app: Sphinx, error: Exception | None) -> None:
    """Remove the list of all modules, to which no page leads: the API is that list."""
    (Path(app.outdir) / FOLDER / "index.html").unlink(missing_ok=True)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.setup_extension("sphinx.ext.viewcode")
    app.connect("builder-inited", forget)
    app.connect("html-page-context", fit)
    app.connect("build-finished", drop_list)
