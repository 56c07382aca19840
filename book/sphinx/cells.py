"""Cells of code: those that are not for the eye are folded, a check is one line that opens it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from book import code
from book.notebooks.chapter import CHAPTER_FILE, cells, read_chapter
from book.sphinx.folding import details, summary

CHECK_LINE = re.compile(r"✓ .+ · \S+")


class FoldCells(SphinxTransform):
    """Fold the cells of a chapter as `book.code` says."""

    default_priority = 5  # before blocks are closed around cells

    def apply(self, **kwargs: Any) -> None:
        """Go through the cells beside their sources, for the page leaves the code of some out."""
        path = Path(self.env.doc2path(self.env.docname))
        if not CHAPTER_FILE.match(path.name):
            return
        sources = ["\n".join(cell.body).strip() for cell in cells(read_chapter(path))]
        known = iter(zip(sources, code.kinds(sources), strict=True))
        for cell in list(self.document.findall(_is_cell)):
            shown = cell[0].astext().strip()
            kind = next((kind for source, kind in known if source == shown), "shown")
            if kind == "scaffolding" and not cell.get("hide_mode"):
                cell["hide_mode"] = "input"
                cell["prompt_show"] = self.config.nb_code_prompt_show
                cell["prompt_hide"] = self.config.nb_code_prompt_hide
            elif kind == "check":
                self.badge(cell)

    @staticmethod
    def badge(cell: nodes.container) -> None:
        """Put the code behind the lines that its checks print, if they are all that it prints."""
        if len(cell) != 2:
            return
        lines = cell[1].astext().strip().splitlines()
        if not lines or not all(map(CHECK_LINE.fullmatch, lines)):
            return
        badges = [nodes.inline("", line, classes=["badge"]) for line in lines]
        text = [part for badge in badges for part in (badge, nodes.Text(" "))]
        fold = details("", summary("", "", *text[:-1]), cell[0], classes=["check"])
        cell.children = []
        cell += fold


def _is_cell(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "cell_code"
        and len(node) > 0
        and node[0].get("nb_element") == "cell_code_source"
    )


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_transform(FoldCells)
