"""What the exercises in code ask, as data for assignments: the text of the chapters, once more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from book import settings
from book.notebooks.blocks import Blocks
from book.notebooks.book import Book
from book.notebooks.chapter import children, walk
from book.notebooks.inline import Inline
from book.notebooks.myst import Directive

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
        exercise: Directive | None = None
        for block in walk(chapter.blocks, chapter.path):
            if not isinstance(block, Directive):
                continue
            if block.name in {"exercise", "exercise-start"}:
                exercise = block
            elif block.name == "stub" and exercise is not None:
                found[block.argument] = {
                    "chapter": chapter.title,
                    "number": chapter.numbers.get(exercise.line, ""),
                    "title": blocks.inline.markdown(exercise.argument, exercise.line),
                    "text": _text(exercise, blocks),
                }
    path = root / "dsf" / "classroom" / "tasks.json"
    return {path: json.dumps(found, ensure_ascii=False, indent=1) + "\n"}


def _text(exercise: Directive, blocks: Blocks) -> str:
    """What an exercise says, without the questions that the page checks."""
    parts = [
        blocks.markdown(block).strip("\n")
        for block in children(exercise, blocks.chapter.path)
        if not (isinstance(block, Directive) and block.name in {"question", "predict"})
    ]
    return INSIDE.sub(r"\1", "\n\n".join(filter(None, parts)))
