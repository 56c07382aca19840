"""The editions of the book: the same sources for a screen or for paper, with or without solutions.

`python -m book.build` writes the book. `--without-solutions` and `--print` write another edition,
each into its own folder beside it. All are made of the same executed notebooks, and what has a
number has the same number in all of them.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from book.notebooks.chapter import CHAPTER_FILE

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# What is printed beside the chapters.
APPENDICES = ("notation", "references")


@dataclass(frozen=True)
class Edition:
    """What is in an edition.

    Attributes:
        folder: where it is written, below `_build`.
        solutions: whether solutions and notes for teachers are in it, in pages and in notebooks.
        paper: whether it is to be printed: a page a chapter, without scripts and what surrounds it.
    """

    folder: str
    solutions: bool = True
    paper: bool = False


EDITIONS = {
    edition.folder: edition
    for edition in (
        Edition("html"),
        Edition("without-solutions", solutions=False),
        Edition("print", paper=True),
        Edition("handouts", solutions=False, paper=True),
    )
}


def named(solutions: bool, paper: bool) -> Edition:
    """The edition with or without solutions, for paper or for a screen."""
    wanted = (solutions, paper)
    return next(e for e in EDITIONS.values() if (e.solutions, e.paper) == wanted)


def of(app: Sphinx) -> Edition:
    """The edition that is being written."""
    return EDITIONS[app.config.dsf_edition]


def printed(root: Path) -> list[Path]:
    """The sources of the pages that are printed."""
    pages = sorted((root / "chapters").glob("*.md"))
    return [page for page in pages if CHAPTER_FILE.match(page.name) or page.stem in APPENDICES]


def write(root: Path, out: Path, edition: Edition, strict: bool) -> int:
    """Write the pages of an edition, whose notebooks have been executed.

    Args:
        root: the folder of the sources.
        out: the folder that holds a folder for each edition.
        edition: which.
        strict: treat warnings and unresolved references as errors.

    Returns:
        The exit status.
    """
    from jupyter_book.sphinx import build_sphinx

    settings = {
        "external_toc_path": (root / "_toc.yml").as_posix(),
        "latex_individualpages": False,
        "nitpicky": strict,
        "dsf_edition": edition.folder,
    }
    if edition.paper:
        settings["html_additional_pages"] = {}
    with trees(out, edition) as read:
        status = build_sphinx(
            root,
            out / edition.folder,
            doctreedir=read,
            noconfig=True,
            path_config=root / "_config.yml",
            confoverrides=settings,
            filenames=[str(page) for page in printed(root)] if edition.paper else None,
            warningiserror=strict,
            keep_going=strict,
        )
    return int(status != 0)  # an exception stands for itself


@contextmanager
def trees(out: Path, edition: Edition) -> Iterator[Path]:
    """The pages that have been read: those of the book, or a copy that another edition may change.

    Sphinx writes again what it reads again. What one edition reads another would miss.
    """
    own = out / ".doctrees"
    if edition.folder == "html":
        yield own
        return
    shutil.rmtree(out / edition.folder, ignore_errors=True)
    with TemporaryDirectory(prefix=".doctrees-", dir=out) as folder:
        if own.exists():
            shutil.copytree(own, folder, dirs_exist_ok=True)
        yield Path(folder)


if __name__ == "__main__":
    from book import settings

    [name, *flags] = sys.argv[1:]
    root = settings.ROOT
    sys.exit(write(root, root / "_build", EDITIONS[name], "--strict" in flags))
