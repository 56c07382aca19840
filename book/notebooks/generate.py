"""The texts of the notebooks, and whether the files are in step with them."""

from __future__ import annotations

import json
from pathlib import Path

from book import settings
from book.notebooks.book import Book
from book.notebooks.cells import Cells

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def generate(root: Path = settings.ROOT, solutions: bool = True) -> dict[Path, str]:
    """The text of every notebook of the book, by its path.

    Args:
        root: the folder of the book.
        solutions: whether solutions and notes for teachers are in it.

    Raises:
        ChapterError: A chapter holds something that a notebook cannot show.
    """
    book = Book.read(root)
    notebooks = {}
    for chapter in book.chapters.values():
        notebook = {
            "cells": Cells(chapter, book, solutions).write(),
            "metadata": METADATA,
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        notebooks[chapter.path.with_suffix(".ipynb")] = text
    return notebooks


def differences(notebooks: dict[Path, str]) -> list[str]:
    """What is not as `generate` would write it, one line each."""
    found = [
        f"{path} differs from its source"
        for path, text in notebooks.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    folders = {path.parent for path in notebooks if path.suffix == ".ipynb"}
    for folder in sorted(folders):
        for path in sorted(folder.glob("*.ipynb")):
            if path not in notebooks:
                found.append(f"{path} has no source")
    return found
