"""The page that shows how far a reader has come: what each chapter asks, and what was answered."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from book.notebooks.chapter import CHAPTER_FILE, read_chapter, walk
from book.notebooks.myst import Directive
from book.sphinx.elements import element

ASKING = {"predict": "predict", "predict-start": "predict", "question": "question"}


class Progress(SphinxDirective):
    """A list of the chapters, with the number of predictions and questions in each."""

    def run(self) -> list[nodes.Node]:
        """The list; `lead.js` adds how many of them the reader has answered."""
        chapters = element(tag="ul", classes=["tally"])
        for path in sorted((Path(self.env.srcdir) / "chapters").glob("*.md")):
            name = f"chapters/{path.stem}"
            if not CHAPTER_FILE.match(path.name) or name not in self.env.found_docs:
                continue
            self.env.note_dependency(str(path))
            chapters += self.chapter(path, name)
        return [chapters]

    def chapter(self, path: Path, name: str) -> element:
        """One chapter: its title, and what it asks."""
        chapter = read_chapter(path)
        keys: dict[str, list[str]] = {"predict": [], "question": []}
        for block in walk(chapter.blocks, path):
            if isinstance(block, Directive) and block.name in ASKING:
                label = nodes.make_id(str(block.options.get("label", "")))
                keys[ASKING[block.name]].append(f"{name}#{label}")
        title, _ = self.state.inline_text(chapter.title, self.lineno)
        link = addnodes.pending_xref(
            "",
            nodes.inline("", "", *title),
            refdomain="std",
            reftype="doc",
            reftarget=f"/{name}",
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        item = element("", nodes.paragraph("", f"{chapter.number}. ", link), tag="li")
        words = {"predict": "prediction", "question": "question"}
        for kind, found in keys.items():
            if found:
                text = f"{len(found)} {words[kind]}{'s' if len(found) > 1 else ''}"
                data = {"keys": " ".join(found), "kind": kind}
                item += element("", nodes.Text(text), tag="span", data=data, classes=["count"])
        return item


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_directive("progress", Progress)
