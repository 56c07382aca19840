"""What is known only when all pages are written: the index of the search, the previews of links."""

from __future__ import annotations

from pathlib import Path

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

from book import editions
from book.sphinx import previews, searching
from book.sphinx.numbering import CHAPTER
from book.sphinx.plain import spell_formulas


def write(app: Sphinx, error: Exception | None) -> None:
    """Read the written pages and write the two scripts that are made from them."""
    if error or app.builder.format != "html" or editions.of(app).paper:
        return
    pages = {
        f"{name}.html": BeautifulSoup(
            Path(app.outdir, f"{name}.html").read_text(encoding="utf-8"), "html.parser"
        )
        for name in sorted(app.env.found_docs)
    }
    static = Path(app.outdir, "_static")
    (static / "previews.js").write_text(previews.script(pages), encoding="utf-8")
    index = {}
    for address, page in pages.items():
        article = page.article
        assert isinstance(article, Tag)
        spell_formulas(article, app.config.dsf_math_macros)
        name = address.removesuffix(".html")
        title = app.env.titles[name].astext()
        chapter = CHAPTER.match(name)
        index[address] = (
            f"Chapter {int(chapter[1])}" if chapter else title,
            searching.places(article, title),
        )
    (static / "search-index.js").write_text(searching.script(index), encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("build-finished", write)
