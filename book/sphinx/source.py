"""Pages of source behind the links [source] of the API, in the look of the book."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from book import settings
from book.package import file_of
from book.sphinx.api import contents, page_of, place

FOLDER = "_modules"
BLOCK = re.compile(r'(<div class="viewcode-block" id="([^"]*)">)\n<a [^>]*>.*?</a>\n')


def forget(app: Sphinx) -> list[Any]:
    """Let every page of source be written anew: one that is left from before has an old menu."""
    shutil.rmtree(Path(app.outdir) / FOLDER, ignore_errors=True)
    return []  # no page of its own


def fit(app: Sphinx, pagename: str, template: str, context: Any, doctree: Any) -> None:
    """Lead from a page of source to the API and to the repository."""
    name = pagename.removeprefix(f"{FOLDER}/").replace("/", ".")
    if pagename == name or name not in app.env._viewcode_modules:
        return
    relative = app.builder.get_relative_uri

    def block(match: re.Match[str]) -> str:  # without the ends of lines, which `pre` would show
        found = place(name, match[2])
        assert found is not None
        page, anchor = found
        back = f"{relative(pagename, page)}#{anchor}"
        return f'{match[1]}<a class="viewcode-back" href="{back}">docs</a>'

    title, code = BLOCK.sub(block, context["body"]).split("</h1>", 1)
    shown = {module for floor in contents().values() for module in floor}
    public = name
    while public not in shown:
        public = public.rpartition(".")[0]
    api = relative(pagename, page_of(public))
    context["body"] = (
        f'<div class="source-page">{title}</h1><p class="launch">What it does: '
        f'<a href="{api}">{public} in the API</a></p>{code}</div>'
    )
    file = file_of(name)
    assert file is not None
    context["source_link"] = settings.load(Path(app.srcdir)).source_url(file.as_posix())


def drop_list(app: Sphinx, error: Exception | None) -> None:
    """Remove the list of all modules, to which no page leads: the API is that list."""
    (Path(app.outdir) / FOLDER / "index.html").unlink(missing_ok=True)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.setup_extension("sphinx.ext.viewcode")
    app.connect("html-collect-pages", forget, priority=400)  # before viewcode looks what is there
    app.connect("html-page-context", fit)
    app.connect("build-finished", drop_list)
