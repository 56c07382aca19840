"""Links from the pages of the API back to the chapters that docstrings name: “chapter 3”."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from book.sphinx.api import LIST
from book.sphinx.numbering import CHAPTER

log = logging.getLogger(__name__)
NAMED = re.compile(r"\bchapters?\s+\d+(?:(?:,\s+|\s+and\s+)\d+)*")
NUMBER = re.compile(r"(?:(?<!s)\bchapter\s+)?\b(\d+)\b")  # of several chapters the number alone


class ChapterLinks(SphinxPostTransform):
    """Turn the chapters named in the API into links; one not yet written stays text."""

    default_priority = 90

    def run(self, **kwargs: Any) -> None:
        """Replace the parts of the text that name a chapter."""
        if not self.env.docname.startswith(LIST):
            return
        written = {int(m[1]): m.string for m in map(CHAPTER.match, self.env.found_docs) if m}
        missing = set()
        for text in list(self.document.findall(nodes.Text)):
            if isinstance(text.parent, nodes.reference | nodes.literal | nodes.FixedTextElement):
                continue
            parts: list[nodes.Node] = []
            end = 0
            for name in NAMED.finditer(text):
                for one in NUMBER.finditer(text, name.start(), name.end()):
                    document = written.get(int(one[1]))
                    if document is None:
                        missing.add(int(one[1]))
                        continue
                    parts += [nodes.Text(text[end : one.start()]), self._link(document, one[0])]
                    end = one.end()
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(text[end:])])
        if missing:
            log.info("chapters that docstrings name and the book lacks: %s", sorted(missing))

    def _link(self, document: str, words: str) -> nodes.reference:
        title = self.env.titles[document].astext()
        text = nodes.Text(words)
        return make_refnode(self.app.builder, self.env.docname, document, None, text, title)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_post_transform(ChapterLinks)
