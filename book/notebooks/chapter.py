"""A chapter: its blocks, with the numbers that the pages give to what stands in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from book.notebooks.myst import (
    HEADING,
    Block,
    ChapterError,
    Directive,
    Math,
    Text,
    parse,
)

CHAPTER_FILE = re.compile(r"(\d\d)-.*\.md$")

ADMONITIONS = {
    "note", "tip", "hint", "important", "warning", "caution", "attention", "danger", "error",
    "seealso",
}  # fmt: skip

THEOREMS = {
    "axiom", "theorem", "lemma", "algorithm", "definition", "remark", "conjecture", "corollary",
    "criterion", "example", "property", "observation", "proposition", "assumption", "notation",
}  # fmt: skip

CONTAINERS = (
    ADMONITIONS
    | {f"prf:{kind}" for kind in THEOREMS}
    | {"admonition", "prf:proof", "exercise", "exercise-start", "solution", "solution-start"}
    | {"book-only", "notebook-only", "chapter-facts"}
    | {"predict", "predict-start", "question", "deeper", "deeper-start", "tour"}
    | {"derivation", "derivation-start", "step"}
)


@dataclass
class Chapter:
    """A source file, its blocks, and the numbers that the pages give to what stands in it."""

    path: Path
    number: int
    title: str
    blocks: list[Block]
    numbers: dict[int, str] = field(default_factory=dict)  # line of an object -> its number

    @property
    def name(self) -> str:
        """File name without its ending."""
        return self.path.stem


def children(block: Directive, path: Path) -> list[Block]:
    """The blocks inside a directive."""
    return parse(block.body, block.body_line, path)


def walk(blocks: list[Block], path: Path) -> Iterator[Block]:
    """All blocks in the order of the pages, also those inside directives."""
    for block in blocks:
        yield block
        if isinstance(block, Directive) and block.name in CONTAINERS - {"notebook-only"}:
            yield from walk(children(block, path), path)


def cells(chapter: Chapter) -> list[Directive]:
    """The cells of code that the page of a chapter runs, in order."""
    return [
        block
        for block in walk(chapter.blocks, chapter.path)
        if isinstance(block, Directive)
        and block.name == "code-cell"
        and "notebook-only" not in block.tags()
    ]


def numbered(block: Block) -> tuple[str, str] | None:
    """Kind and label of a block that the pages number, else None."""
    if isinstance(block, Math):
        return ("equation", block.label) if block.label else None
    if not isinstance(block, Directive) or block.flag("nonumber"):
        return None
    label = str(block.options.get("label") or block.options.get("name") or "")
    if block.name == "math":
        return ("equation", label) if label else None
    if block.name.startswith("prf:") and block.name != "prf:proof":
        return block.name.removeprefix("prf:"), label
    if block.name in {"exercise", "exercise-start"}:
        return "exercise", label
    if block.name == "figure" and any(line.strip() for line in block.body):
        return "figure", label
    if block.name == "table" and block.argument:
        return "table", label
    if block.name == "code-cell" and "notebook-only" not in block.tags():
        figure = (block.options.get("mystnb") or {}).get("figure") or {}
        return ("figure", figure.get("name") or "") if figure.get("caption") else None
    return None


def read_chapter(path: Path) -> Chapter:
    """Parse a chapter and number its objects as Sphinx does: by kind, in order."""
    match = CHAPTER_FILE.match(path.name)
    if not match:
        raise ChapterError(f"{path}: a chapter is called NN-name.md")
    lines = path.read_text(encoding="utf-8").split("\n")
    start = lines.index("---", 1) + 1 if lines[0] == "---" else 0
    blocks = parse(lines[start:], start + 1, path)
    headings = [HEADING.match(b.lines[0]) for b in blocks if isinstance(b, Text)]
    title = next((h[2] for h in headings if h and h[1] == "#"), None)
    if title is None:
        raise ChapterError(f"{path}: no title")
    chapter = Chapter(path, int(match[1]), title, blocks)
    counts: Counter[str] = Counter()
    for block in walk(blocks, path):
        found = numbered(block)
        if found:
            counts[found[0]] += 1
            chapter.numbers[block.line] = f"{chapter.number}.{counts[found[0]]}"
    return chapter
