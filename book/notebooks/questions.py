"""What the chapters ask, as data for `dsf.classroom`: one source for pages and notebooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from book import settings
from book.notebooks.blocks import Blocks, label
from book.notebooks.book import Book
from book.notebooks.chapter import walk
from book.notebooks.inline import Inline
from book.notebooks.myst import Directive

KINDS = ("number", "choice", "order")  # a notebook has no figure that could be set


def name(block: Directive) -> str:
    """The name by which a notebook asks for the replies, or nothing where it does not."""
    answered = block.name == "question" and block.argument in KINDS
    return label(block).removeprefix("ask:") if answered else ""


def generate(root: Path = settings.ROOT) -> dict[Path, str]:
    """The text of the file with the questions, by its path.

    Raises:
        ChapterError: A question cannot be put.
    """
    book = Book.read(root)
    found: dict[str, Any] = {}
    for chapter in book.chapters.values():
        blocks = Blocks(Inline(chapter, book))
        for block in walk(chapter.blocks, chapter.path):
            if isinstance(block, Directive) and name(block):
                found[name(block)] = _question(block, blocks)
    path = root / "dsf" / "classroom" / "questions.json"
    return {path: json.dumps(found, ensure_ascii=False, indent=1) + "\n"}


def _question(block: Directive, blocks: Blocks) -> dict[str, Any]:
    asked = blocks.asked(block)
    in_order = "".join(item.key for item in asked.items)
    return {
        "kind": asked.kind,
        "right": in_order if asked.kind == "order" else asked.written,
        "tolerance": asked.tolerance,
        "replies": {
            item.key: blocks.parsed(block, item.reply) for item in asked.items if item.reply
        },
        "answer": blocks.parsed(block, asked.answer),
    }
