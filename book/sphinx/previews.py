"""What a link shows before it is followed: equations, theorems, sources, terms.

A target on the same page is read from that page. Those on other pages stand in one classic script,
which a page fetches when a reader first points at such a link.
"""

from __future__ import annotations

import json
from urllib.parse import unquote, urljoin

from bs4 import BeautifulSoup, Tag

# What has a preview; `static/reading.js` has the same list for targets on the page itself.
SHOWN = "div.equation, div.admonition, div.citation, dt"
LEFT_OUT = "details, script, .headerlink, .backrefs, .label"


def markup(target: Tag) -> str:
    """The HTML of a target; a term or a name brings what is said about it."""
    parts = [target]
    if target.name == "dt" and isinstance(meaning := target.find_next_sibling("dd"), Tag):
        parts.append(meaning if not target.select_one(".descname") else meaning.p or meaning)
    shown = BeautifulSoup("".join(map(str, parts)), "html.parser")
    for node in shown.select(LEFT_OUT):
        node.decompose()
    return str(shown)


def script(pages: dict[str, BeautifulSoup]) -> str:
    """All targets that links of other pages lead to, by address from the root of the site.

    Args:
        pages: The pages by their addresses from the root of the site.
    """
    found: dict[str, str] = {}
    named = {a: {str(node["id"]): node for node in p.find_all(id=True)} for a, p in pages.items()}
    for address, page in pages.items():
        for link in page.select("article a[href*='#']"):
            name, _, anchor = urljoin(address, str(link["href"])).partition("#")
            target = named[name].get(unquote(anchor)) if name in pages and name != address else None
            if target is not None and target.css.match(SHOWN):
                found.setdefault(f"{name}#{unquote(anchor)}", markup(target))
    text = json.dumps(dict(sorted(found.items())), ensure_ascii=False, separators=(",", ":"))
    return f"window.dsfPreviews = {text};\n"
