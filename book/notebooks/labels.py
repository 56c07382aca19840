"""Labels: what a reference leads to, and by which name."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from book.notebooks.chapter import CHAPTER_FILE, Chapter, numbered, walk
from book.notebooks.myst import HEADING, TARGET, ChapterError, Directive, Target, Text


@dataclass
class Label:
    """What a label points to: `Theorem 1.1` in chapter `01-name`, or a section by its title."""

    document: str
    kind: str
    number: str
    title: str

    @property
    def text(self) -> str:
        """How the pages call it where the author gives no words of their own."""
        if self.kind == "section":
            return self.title
        return f"{self.kind.capitalize()} {self.number}"


def labels(chapters: list[Chapter]) -> dict[str, Label]:
    """Every label of the given chapters."""
    known: dict[str, Label] = {}

    def add(label: str, chapter: Chapter, line: int, kind: str, number: str, title: str) -> None:
        if label in known:
            raise ChapterError(f"{chapter.path}:{line}: the label {label} is taken")
        known[label] = Label(chapter.name, kind, number, title)

    for chapter in chapters:
        blocks = list(walk(chapter.blocks, chapter.path))
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            if isinstance(block, Target):
                first = following.lines[0] if isinstance(following, Text) else ""
                heading = HEADING.match(first)
                title = heading[2] if heading else block.label
                add(block.label, chapter, block.line, "section", "", title)
                continue
            found = numbered(block)
            if found and found[1]:
                kind, label = found
                title = block.argument if isinstance(block, Directive) else ""
                add(label, chapter, block.line, kind, chapter.numbers[block.line], title)
    return known


def page_labels(folder: Path) -> dict[str, Label]:
    """The label of every section of the pages that are no notebooks (`notation.md`, ...)."""
    known = {}
    for path in sorted(folder.glob("*.md")):
        if CHAPTER_FILE.match(path.name):
            continue
        lines = path.read_text(encoding="utf-8").split("\n")
        for line, following in pairwise(lines):
            target, heading = TARGET.match(line), HEADING.match(following)
            if target and heading:
                known[target[1]] = Label(path.stem, "section", "", heading[2])
    return known
