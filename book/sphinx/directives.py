"""The directives of the book: the head of a chapter, and parts for one medium only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from book import reading
from book.notebooks.chapter import read_chapter
from book.sphinx.folding import details, summary

CODE_CELL = re.compile(r"^(?P<fence>`{3,})\{code-cell\}.*?^(?P=fence)[ \t]*$", re.M | re.S)
CELL_TAGS = re.compile(r"^:tags:(.*)$|^tags:(.*(?:\n[ \t]*- .*)*)", re.M)


class ChapterFacts(SphinxDirective):
    """The head of a chapter: time, level, what it needs, and what the reader can do after it."""

    has_content = True
    option_spec: ClassVar = {
        "level": directives.unchanged_required,
        "prerequisites": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """The facts in one line, what is needed and the objectives behind another that opens."""
        missing = [name for name in self.option_spec if name not in self.options]
        if missing:
            raise self.error(f"chapter-facts lacks {', '.join(missing)}")
        time = reading.time(read_chapter(Path(self.env.doc2path(self.env.docname))))
        box = nodes.container(classes=["chapter-facts"])
        box += self.line(f"{time} · {self.options['level']}")
        fold = details("", summary("", "What you need, and what you can do afterwards"))
        fold += self.line(f"**You need** {self.options['prerequisites']}")
        fold += nodes.paragraph("", "", nodes.strong("", "After this chapter you can"))
        self.state.nested_parse(self.content, self.content_offset, fold)
        box += fold
        return [box]

    def line(self, text: str) -> nodes.paragraph:
        """A paragraph of Markdown."""
        inline, messages = self.state.inline_text(text, self.lineno)
        return nodes.paragraph("", "", *inline, *messages)


class BookOnly(SphinxDirective):
    """Text for the pages that the notebooks leave out."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The content, as it stands."""
        box = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, box)
        return box.children


class NotebookOnly(SphinxDirective):
    """Text for the notebooks that the pages leave out."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Nothing."""
        return []


class Stub(NotebookOnly):
    """The cell for an exercise in code, in the notebook; `dsf.classroom` has it by its name."""

    has_content = False
    required_arguments = 1


def text_of_page(source: str) -> str:
    """The source without cells tagged `notebook-only`; blank lines keep the line numbers right."""

    def blank(match: re.Match[str]) -> str:
        cell = match[0]
        tags = CELL_TAGS.search(cell)
        wanted = tags is None or "notebook-only" not in tags[0]
        return cell if wanted else "\n" * cell.count("\n")

    return CODE_CELL.sub(blank, source)


def _drop_notebook_only_cells(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = text_of_page(source[0])


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_directive("chapter-facts", ChapterFacts)
    app.add_directive("book-only", BookOnly)
    app.add_directive("notebook-only", NotebookOnly)
    app.add_directive("stub", Stub)
    app.connect("source-read", _drop_notebook_only_cells)
