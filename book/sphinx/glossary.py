"""Terms of the glossary, linked where the text of a page first uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

from book.sphinx.elements import element
from book.sphinx.folding import details, summary

# How the last word of a term ends, and how it may end in the text.
ENDINGS = {"matrix": "matri(?:x|ces)", "fe": "(?:fe|ves)", "y": "(?:y|ies)", "": "(?:e?s)?"}
# What no reader reads as running text, or is a link or a control already.
APART = (
    nodes.title, nodes.reference, nodes.literal, nodes.math, nodes.caption, nodes.table,
    nodes.figure, nodes.raw, nodes.field_list, summary,
)  # fmt: skip
MARKED_APART = {"admonition-title", "chapter-facts", "asked", "caption", "launch"}

Terms = dict[str, tuple[str, str]]


def terms(env: BuildEnvironment) -> Terms:
    """The terms of the book, and where each is explained: page and anchor."""
    found = env.get_domain("std").get_objects()
    return {name: (page, anchor) for name, _, kind, page, anchor, _ in found if kind == "term"}


def pattern(term: str) -> str:
    """A regular expression for a term, one or several of it."""
    ending = next(ending for ending in ENDINGS if term.endswith(ending))
    stem = re.escape(term.removesuffix(ending)).replace(r"\ ", r"\s+")
    return stem + ENDINGS[ending]


def finder(known: Terms) -> re.Pattern[str]:
    """One expression for all terms, the longer before the shorter, each a group of its own."""
    longest_first = sorted(known, key=len, reverse=True)
    either = "|".join(f"({pattern(term)})" for term in longest_first)
    return re.compile(rf"(?<![\w-])(?:{either})(?![\w-])", re.IGNORECASE)


def is_apart(node: nodes.Node) -> bool:
    """Whether `node` or what it stands in is no running text."""
    while node is not None:
        if isinstance(node, APART) or (isinstance(node, element) and node.get("tag") == "a"):
            return True
        if isinstance(node, nodes.Element) and MARKED_APART & {*node["classes"]}:
            return True
        node = node.parent
    return False


def join_lines(element: nodes.TextElement) -> None:
    """Make one text of those that stand side by side, as lines of a paragraph do."""
    runs = groupby(element.children, key=lambda child: isinstance(child, nodes.Text))
    joined = [[nodes.Text("".join(run))] if is_text else list(run) for is_text, run in runs]
    element.children = []
    element += [child for run in joined for child in run]


def is_folded(node: nodes.Node) -> bool:
    """Whether a reader sees `node` only after opening something."""
    while node is not None and not isinstance(node, details):
        node = node.parent
    return node is not None


class LinkTerms(SphinxPostTransform):
    """Make the first use of every term on a page a link; what stands open goes first."""

    default_priority = 200  # when all that becomes a link or is folded has
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Go through the text of the page."""
        known = {
            name: place for name, place in terms(self.env).items() if place[0] != self.env.docname
        }
        if not known:
            return
        names, find = sorted(known, key=len, reverse=True), finder(known)
        used: set[str] = set()
        for text in sorted(self.texts(), key=is_folded):
            parts: list[nodes.Node] = []
            end = 0
            for match in find.finditer(text):
                name = names[match.lastindex - 1]  # type: ignore[operator]
                if name in used:
                    continue
                used.add(name)
                link = self.link(known[name], match[0])
                parts += [nodes.Text(text[end : match.start()]), link]
                end = match.end()
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(text[end:])])

    def texts(self) -> Iterator[nodes.Text]:
        """The running text, piece by piece."""
        for paragraph in self.document.findall(nodes.paragraph):
            for part in list(paragraph.findall(nodes.TextElement)):
                if not is_apart(part):
                    join_lines(part)
                    yield from (child for child in part if isinstance(child, nodes.Text))

    def link(self, place: tuple[str, str], words: str) -> nodes.reference:
        """A link that is calm beside the others."""
        made = make_refnode(self.app.builder, self.env.docname, *place, nodes.Text(words))
        made["classes"].append("term")
        return made


def rewrite(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The pages to write again: all of them where the terms are others than in the last build."""
    before, now = getattr(env, "dsf_terms", {}), terms(env)
    env.dsf_terms = now  # type: ignore[attr-defined]
    return sorted(env.found_docs) if now != before else []


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_post_transform(LinkTerms)
    app.connect("env-updated", rewrite)
