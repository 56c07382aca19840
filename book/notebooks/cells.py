"""The cells of a notebook: where one ends and the next begins, and what a cell of code carries."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from book import code
from book.notebooks import questions
from book.notebooks.blocks import Blocks, fold
from book.notebooks.book import Book
from book.notebooks.chapter import Chapter, cells, walk
from book.notebooks.inline import Inline
from book.notebooks.myst import HEADING, Block, Break, ChapterError, Directive, Text
from dsf.classroom import EXERCISES

# A tag, since a branch would move under the reader's feet.
SETUP = """\
# Set-up, safe to run again: installs the book's package (not PyPI's `dsf`) where it is missing.
try:
    from dsf import classroom
except ModuleNotFoundError:
    %pip install --quiet "dsf-book[notebooks] @ git+{repository}@{release}"
    from dsf import classroom
except ImportError as error:
    raise ImportError(
        "The `dsf` installed here is another project. Run `%pip uninstall --yes dsf`, "
        "restart the kernel, then run this cell again."
    ) from error
"""
ANSWERS = {
    "number": "a number",
    "choice": 'a letter, such as "B",',
    "order": 'the letters in your order, such as "bca",',
}
GATES = {
    f"{name}-{side}" for name in ("solution", "predict", "deeper") for side in ("start", "end")
}
LEAK = re.compile(r"^\s*(?:`{3,}|:{3,})\{|\{[\w:.-]+\}`|^\([\w:.-]+\)=", re.M)


class Cells:
    """Turns one chapter into the cells of its notebook."""

    def __init__(self, chapter: Chapter, book: Book, solutions: bool = True) -> None:
        self.chapter = chapter
        self.book = book
        self.solutions = solutions
        self.inline = Inline(chapter, book)
        self.blocks = Blocks(self.inline, solutions)
        self.cells: list[dict[str, Any]] = []
        self.markdown: list[str] = []  # of the cell that is not yet full
        self.gates: list[str] = []  # titles of what folds until its -end, the innermost last
        self.solution = False  # whether it is a solution, whose code is read and not run
        found = cells(chapter)
        kinds = code.kinds("\n".join(cell.body) for cell in found)
        self.kinds = {cell.line: kind for cell, kind in zip(found, kinds, strict=True)}

    @property
    def gate(self) -> str:
        """The title under which what comes next is folded, if it is."""
        return self.gates[-1] if self.gates else ""

    def write(self) -> list[dict[str, Any]]:
        """All cells of the notebook."""
        self._title()
        for block in self.chapter.blocks if self.solutions else _unsolved(self.chapter.blocks):
            self._top(block)
        self._flush()
        if self.inline.cited:
            items = sorted(self.book.bibliography.full(key) for key in self.inline.cited)
            self.markdown = ["## References", "\n".join(f"- {item}" for item in items)]
            self._flush()
        return self.cells

    def _add(self, kind: str, source: str, metadata: dict[str, Any] | None = None) -> None:
        seed = f"{self.chapter.name}:{len(self.cells)}"
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": hashlib.sha256(seed.encode()).hexdigest()[:12],
            "metadata": metadata or {},
            "source": source.splitlines(keepends=True),
        }
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        self.cells.append(cell)

    def _flush(self) -> None:
        text = "\n\n".join(part.strip("\n") for part in self.markdown if part.strip())
        self.markdown = []
        if not text:
            return
        if self.gate:
            text = fold(self.gate, text)
        plain = re.sub(r"^(`{3,})(?!\{).*?^\1", "", text, flags=re.M | re.S)
        plain = re.sub(r"(?<!\})(`+)(?!`).+?\1", "", plain)
        if leak := LEAK.search(plain):
            raise ChapterError(
                f"{self.chapter.path}: MyST would leak into the notebook: {leak[0].strip()!r} "
                f"in the cell that begins {text[:60]!r}"
            )
        self._add("markdown", text)

    def _title(self) -> None:
        book = self.book.settings
        path = f"chapters/{self.chapter.name}.ipynb"
        title = self.inline.markdown(self.chapter.title, 1)
        launch = [
            f"[Open in Colab]({book.colab_url(path)})",
            f"[Open on Binder]({book.binder_url(path)})",
        ]
        line = [*(launch if self.solutions else []), f"from the book *{book.title}*"]
        self.markdown = [f"# {self.chapter.number}. {title}", " · ".join(line)]
        self._flush()
        setup = SETUP.format(repository=book.repository, release=book.release)
        self._add("code", setup.strip("\n"))

    def _top(self, block: Block) -> None:
        name = block.name if isinstance(block, Directive) else ""
        heading = isinstance(block, Text) and HEADING.match(block.lines[0])
        if isinstance(block, Break):
            self._flush()
        elif isinstance(block, Directive) and name == "code-cell":
            self._code_cell(block)
        elif isinstance(block, Directive) and name == "stub":
            self._stub(block)
        elif isinstance(block, Directive) and name in GATES:
            self._gate(block)
        elif name != "exercise-end" and not (heading and heading[1] == "#"):
            exercise = isinstance(block, Directive) and name in {"exercise", "exercise-start"}
            if heading or exercise:
                self._flush_before_heading()
            if exercise and self.gates:  # each by itself: the cells to write in stand between
                label = self.inline.reference(block.options["label"], block.line)
                self.gates[-1] = f"Deeper: {label.text}"
            self.markdown.append(self.blocks.markdown(block))
            self._answers(block)

    def _answers(self, block: Block) -> None:
        """A cell for the answer to each question that has just been put."""
        inner = walk([block], self.chapter.path)
        for asked in (one for one in inner if isinstance(one, Directive) and questions.name(one)):
            self._flush()
            source = f'classroom.answer("{questions.name(asked)}", None)'
            self._add("code", f"{source}  # {ANSWERS[asked.argument]} in the place of None")

    def _stub(self, block: Directive) -> None:
        """The cell in which the reader does an exercise in code, and its check."""
        if block.argument not in EXERCISES:
            raise self.inline.fail(block.line, f"dsf.classroom has no exercise {block.argument!r}")
        exercise = EXERCISES[block.argument]
        check = f'classroom.exercise("{block.argument}", {exercise.function})'
        self._flush()
        self._add("code", f"{exercise.stub()}\n\n\n{check}")

    def _gate(self, block: Directive) -> None:
        """Open or close a block around cells."""
        if block.name == "predict-start":
            self.markdown.append(self.blocks.markdown(block))
        self._flush()
        if block.name == "solution-start":
            exercise = self.inline.reference(block.argument, block.line).text
            self.gates.append(f"Solution to {exercise}")
            self.solution = True
        elif block.name == "deeper-start":
            self.gates.append(f"Deeper: {self.inline.markdown(block.argument, block.line)}")
            self.markdown.append(self.blocks.inside(block))
        elif self.gates and block.name in {"solution-end", "deeper-end"}:
            # What follows a prediction is text and cells like all others: its answer is folded.
            self.gates.pop()
            self.solution = False

    def _flush_before_heading(self) -> None:
        """Begin a cell, but keep the anchors that belong to the heading with it."""
        anchors: list[str] = []
        while self.markdown and self.markdown[-1].startswith("<a id="):
            anchors.insert(0, self.markdown.pop())
        self._flush()
        self.markdown = anchors

    def _code_cell(self, block: Directive) -> None:
        tags = block.tags()
        if "book-only" in tags:
            return
        source = "\n".join(block.body).strip("\n")
        if "myst_nb" in source:
            message = "a cell that needs myst_nb must be tagged book-only"
            raise self.inline.fail(block.line, message)
        if self.solution:
            self.markdown += [f"```python\n{source}\n```", *self._caption(block)]
            return
        self._flush()
        metadata: dict[str, Any] = {}
        if self.gate:
            source = f"# @title {self.gate}\n{source}"
        hidden = {"hide-input", "hide-cell", "remove-input", "remove-cell"} & {*tags}
        if self.gate or hidden or self.kinds.get(block.line) == "scaffolding":
            metadata = {"cellView": "form", "jupyter": {"source_hidden": True}}
        if kept := sorted({"raises-exception"} & {*tags}):
            metadata["tags"] = kept
        self._add("code", source, metadata)
        self.markdown += self._caption(block)
        self._flush()

    def _caption(self, block: Directive) -> list[str]:
        """What stands below the figure that a cell draws, if it has a caption."""
        figure = (block.options.get("mystnb") or {}).get("figure") or {}
        if not figure.get("caption"):
            return []
        caption = self.inline.markdown(figure["caption"].strip(), block.line)
        number = self.chapter.numbers[block.line]
        anchor = f'<a id="{figure["name"]}"></a>' if figure.get("name") else ""
        return [f"{anchor}**Figure {number}** {caption}"]


def _unsolved(blocks: list[Block]) -> Iterator[Block]:
    """The blocks of a chapter without its solutions."""
    inside = False
    for block in blocks:
        name = block.name if isinstance(block, Directive) else ""
        if name == "solution-start":
            inside = True
        elif name == "solution-end":
            inside = False
        elif not inside and name != "solution":
            yield block
