"""What a page says of itself to other software: description, picture, address of its own."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from book import settings
from book.sphinx import cards
from book.sphinx.numbering import CHAPTER
from book.sphinx.plain import spell_formulas

LENGTH = 200  # characters of a description; search engines cut longer ones


def shorten(text: str, length: int = LENGTH) -> str:
    """`text` on one line, cut between sentences where that leaves half of `length`, else words."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    end = max(text.rfind(mark, 0, length) for mark in (". ", "? ", "! "))
    return text[: end + 1] if end > length / 2 else text[: text.rfind(" ", 0, length)] + " …"


def description(body: str, macros: dict[str, str]) -> str:
    """The beginning of the text of a page, without its head."""
    page = BeautifulSoup(body, "html.parser")
    for node in page.select(".launch, .chapter-facts, .cell, .admonition, .headerlink"):
        node.decompose()
    spell_formulas(page, macros)
    paragraphs = [p.get_text() for p in page.find_all("p")]
    return shorten(" ".join(" ".join(paragraphs[:3]).split()))


def tags(app: Sphinx, pagename: str, context: Any) -> str:
    """The tags for the head of a page."""
    book = settings.load(Path(app.srcdir))
    title = app.env.titles[pagename].astext()
    chapter = CHAPTER.match(pagename)
    named = f"Chapter {int(chapter[1])}: {title}" if chapter else title
    about = description(context.get("body", ""), app.config.dsf_math_macros)
    found = {
        "og:type": "article" if chapter else "website",
        "og:site_name": book.title,
        "og:title": book.title if pagename == app.config.root_doc else named,
        "og:description": about,
    }
    lines = [("name", "description", about)] if about else []
    if book.site:
        address = f"{book.site}{'' if pagename == app.config.root_doc else f'{pagename}.html'}"
        card = f"_static/cards/{pagename.rsplit('/', 1)[-1]}.png"
        kicker = f"Chapter {int(chapter[1])}" if chapter else ""
        cards.draw(Path(app.outdir, card), kicker, title, book.title)
        found |= {"og:url": address, "og:image": book.site + card}
        found |= {"og:image:width": str(cards.WIDTH), "og:image:height": str(cards.HEIGHT)}
        found |= {"og:image:alt": named, "twitter:card": "summary_large_image"}
    lines += [("property", name, content) for name, content in found.items() if content]
    written = [f'<meta {kind}="{n}" content="{html.escape(c)}">' for kind, n, c in lines]
    if book.site:
        written.append(f'<link rel="canonical" href="{html.escape(address)}">')
    return "\n  ".join(["", *written])


def page_context(app: Sphinx, pagename: str, template: str, context: Any, doctree: Any) -> None:
    """Give the template the tags, which pages without a text of their own lack, and the site."""
    context["site"] = settings.load(Path(app.srcdir)).site
    context["page_meta"] = tags(app, pagename, context) if doctree is not None else ""


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("html-page-context", page_context)
