"""What the search of the site knows: its places, section by section, with their sentences.

The index is read from the written pages, so that it holds what readers see: numbers of theorems,
resolved references, formulas. It is a classic script, which also a page from a file may load, and
holds plain text: the library that searches (`book/static/minisearch`) makes its tables in the
browser, once a reader searches, which is quicker than to fetch them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from bs4 import NavigableString, Tag

# Neither text nor code of the book: what figures draw and cells print, folded code, links back.
SKIPPED = (
    "script, noscript, style, svg, [hidden], .headerlink, .launch, .cell_output pre, "
    "details.hide pre, .dsf-data, .label, .backrefs, .viewcode-link"
)
BLOCKS = re.compile("^(p|ul|ol|dl|div|section|table|details|figure|pre|blockquote|aside|tr)$")
CELLS = re.compile("^(t[dh]|d[td])$")
# What has a title and an address of its own, beside the sections.
TITLES = ":scope > .admonition-title, :scope > summary"


@dataclass
class Place:
    """A section, a theorem, an exercise, a function: what a result of a search leads to.

    Attributes:
        anchor: Its id on the page, empty for the page itself.
        title: Its own title.
        path: The titles of what it stands in, outermost first, without the page's own.
        text: Its lines; no sentence runs over the end of one.
        code: The lines of its code.
        formulas: Its displayed formulas, each a line: they are found, and read badly as a sentence.
    """

    anchor: str
    title: str
    path: tuple[str, ...]
    text: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)


def places(article: Tag, title: str) -> list[Place]:
    """The places of a page with this title, in their order.

    Args:
        article: What the page says, its formulas as plain text. It is taken apart.
        title: The title of the page, without a number.
    """
    found = [Place("", title, ())]
    for node in article.select(SKIPPED):
        node.decompose()
    _read(article, found[0], found)
    return found


def _line(node: Tag) -> str:
    return " ".join(node.get_text().split())


def _read(node: Tag, place: Place, found: list[Place]) -> None:
    """Give `place` the text and the code of `node`; what has a title of its own begins another."""
    pending = ""

    def end_line() -> None:
        nonlocal pending
        if line := " ".join(pending.split()):
            place.text.append(line)
        pending = ""

    for child in node.children:
        if not isinstance(child, Tag):
            pending += str(child) if type(child) is NavigableString else ""
        elif "equation" in child.get("class", []):
            end_line()
            place.formulas.append(" ".join(child.get_text(" ").split()))
        elif child.name == "pre":
            end_line()
            place.code += filter(None, map(str.strip, child.get_text().splitlines()))
        elif child.name == "tr":
            end_line()
            place.text.append(" · ".join(filter(None, map(_line, child.find_all(CELLS)))))
        elif child.name == "dt" and child.get("id"):
            end_line()
            name = child.select_one(".descname")
            own = Place(str(child["id"]), str(child["id"]) if name else _line(child), place.path)
            found.append(own)
            own.code += [_line(child)] * bool(name)
            if isinstance(meaning := child.find_next_sibling("dd"), Tag):
                _read(meaning, own, found)
        elif child.name == "dd" and child.find_previous_sibling("dt", id=True):
            continue  # read with its head
        elif title := _title(child):
            end_line()
            _begin(child, title, place, found)
        elif BLOCKS.match(child.name) or child.find(BLOCKS):
            end_line()
            _read(child, place, found)
        elif child.name in {"li", "dt", "dd", "figcaption", "summary"}:
            end_line()
            pending = child.get_text()
            end_line()
        else:
            pending += child.get_text()
    end_line()


def _title(node: Tag) -> Tag | None:
    """The title of `node` if it is a place of its own."""
    if not node.get("id"):
        return None
    if node.name == "section":
        return node.find(re.compile("^h[1-6]$"), recursive=False)  # type: ignore[return-value]
    return node.select_one(TITLES) if node.name in {"div", "details"} else None


def _begin(node: Tag, title: Tag, place: Place, found: list[Place]) -> None:
    """Read `node` as a place of its own; the title of the page is that of the page."""
    if title.name == "h1":
        title.decompose()
        _read(node, place, found)
        return
    path = (*place.path, place.title) if place.anchor else ()
    own = Place(str(node["id"]), re.sub(r" [●○]+(?=\)$)", "", _line(title)), path)
    title.decompose()
    found.append(own)
    _read(node, own, found)


def script(pages: dict[str, tuple[str, list[Place]]]) -> str:
    """The index as a classic script.

    Args:
        pages: For each address from the root of the site, what its page is called in a path, such
            as “Chapter 3”, and its places.
    """
    rows = []
    for number, (_, found) in enumerate(pages.values()):
        for place in found:
            path = " · ".join(place.path)
            texts = ["\n".join(lines) for lines in (place.text, place.code, place.formulas)]
            rows.append([number, place.anchor, place.title, path, *texts])
    names = [[address, name] for address, (name, _) in pages.items()]
    index = json.dumps({"pages": names, "places": rows}, ensure_ascii=False, separators=(",", ":"))
    return f"window.dsfSearchIndex = {index};\n"
