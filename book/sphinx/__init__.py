"""The Sphinx extension behind the pages: theme, mathematics, folding, numbering, launch links.

One idea a module; each has a `setup` of its own.
"""

from __future__ import annotations

from sphinx.application import Sphinx

from book.sphinx import (
    api,
    asking,
    cells,
    chapter_links,
    citations,
    derivation,
    directives,
    docstrings,
    elements,
    files,
    folding,
    gates,
    glossary,
    launch,
    margin,
    mathematics,
    meta,
    numbering,
    pages,
    paper,
    pictures,
    progress,
    setters,
    site,
    source,
    tables,
    teaching,
)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register everything with Sphinx."""
    for module in (
        mathematics,
        numbering,
        folding,
        tables,
        directives,
        teaching,
        elements,
        gates,
        glossary,
        cells,
        asking,
        derivation,
        setters,
        progress,
        launch,
        citations,
        docstrings,
        api,
        chapter_links,
        pages,
        paper,
        pictures,
        files,
        site,
        meta,
        margin,
        source,
    ):
        module.setup(app)
    # Jupyter Book sets this one for an extension that the book does not load.
    app.add_config_value("comments_config", {}, "html")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
