"""What all notebooks share: the chapters, their labels, the bibliography, the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from book import settings
from book.notebooks.bibliography import Bibliography
from book.notebooks.chapter import CHAPTER_FILE, Chapter, read_chapter
from book.notebooks.labels import Label, labels, page_labels


@dataclass(frozen=True)
class Book:
    """The sources of the book, read."""

    chapters: dict[str, Chapter]  # by the names of their files
    labels: dict[str, Label]  # of the chapters
    pages: dict[str, Label]  # of the pages that are no notebooks
    bibliography: Bibliography
    settings: settings.Settings

    @classmethod
    def read(cls, root: Path) -> Book:
        """The book in the folder `root`.

        Raises:
            ChapterError: A chapter is not well formed, or two things have one label.
        """
        folder = root / "chapters"
        paths = sorted(path for path in folder.glob("*.md") if CHAPTER_FILE.match(path.name))
        chapters = {path.stem: read_chapter(path) for path in paths}
        return cls(
            chapters,
            labels(list(chapters.values())),
            page_labels(folder),
            Bibliography(root / "references.bib"),
            settings.load(root),
        )
