"""What the exercises in code ask, as data for assignments: the text of the chapters, once more."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from book import settings
from book.notebooks.blocks import Blocks
from book.notebooks.book import Book
from book.notebooks.chapter import Chapter, children, walk
from book.notebooks.inline import Inline
from book.notebooks.myst import Block, Directive
from dsf.classroom import EXERCISES
from dsf.classroom.kinds import source

# An assignment is a file by itself: what lies beside a chapter is not beside it.
INSIDE = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?!https?://)[^()\s]*\)")


def generate(root: Path = settings.ROOT) -> dict[Path, str]:
    """The text of the file with what is asked, by its path.

    Raises:
        ChapterError: A chapter asks for something that cannot be put into a notebook.
    """
    book = Book.read(root)
    found: dict[str, Any] = {}
    for chapter in book.chapters.values():
        blocks = Blocks(Inline(chapter, book))
        for exercise, said in exercises(chapter):
            for stub in (one for one in said if _named(one, {"stub"})):
                assert isinstance(stub, Directive)
                given = EXERCISES[stub.argument].given if stub.argument in EXERCISES else None
                found[stub.argument] = {
                    "chapter": chapter.title,
                    "number": chapter.numbers.get(exercise.line, ""),
                    "title": blocks.inline.markdown(exercise.argument, exercise.line),
                    "text": _text(said, blocks),
                    "code": [code for code in _code(said) if not given or code != source(given)],
                }
    path = root / "dsf" / "classroom" / "tasks.json"
    return {path: json.dumps(found, ensure_ascii=False, indent=1) + "\n"}


def exercises(chapter: Chapter) -> Iterator[tuple[Directive, list[Block]]]:
    """Each exercise of a chapter, with all that is said in it, its stubs included.

    One in a single directive has its cells and stubs behind it; one that is opened and ended has
    there text and hints, too.
    """
    blocks = [*walk(chapter.blocks, chapter.path)]
    for place, block in enumerate(blocks):
        if not isinstance(block, Directive) or block.name not in {"exercise", "exercise-start"}:
            continue
        inner = children(block, chapter.path)
        after = blocks[place + 1 + len([*walk(inner, chapter.path)]) :]
        if block.name == "exercise":
            said = [*takewhile(lambda one: _named(one, {"stub", "code-cell"}), after)]
            while said and not _named(said[-1], {"stub"}):
                said.pop()
        else:
            # Blocks inside others come with these, by `Blocks.markdown`.
            said, until = [], 0
            for one in takewhile(lambda one: not _named(one, {"exercise-end"}), after):
                if one.line >= until:
                    said.append(one)
                    until = _end(one)
        yield block, [*inner, *said]


def _end(block: Block) -> int:
    """The first line after what is inside a block."""
    return block.body_line + len(block.body) if isinstance(block, Directive) else block.line


def _named(block: Block, names: Collection[str]) -> bool:
    return isinstance(block, Directive) and block.name in names


def _text(said: list[Block], blocks: Blocks) -> str:
    """What an exercise says, without its cells and the questions that the page checks."""
    left = {"question", "predict", "code-cell", "stub"}
    parts = [blocks.markdown(one).strip("\n") for one in said if not _named(one, left)]
    return INSIDE.sub(r"\1", "\n\n".join(filter(None, parts)))


def _code(said: list[Block]) -> list[str]:
    """The cells of an exercise that notebooks have, too."""
    cells = [one for one in said if isinstance(one, Directive) and one.name == "code-cell"]
    return ["\n".join(one.body).strip("\n") for one in cells if "book-only" not in one.tags()]
