"""What leads the reader: predictions, questions, setters, tours, boxes, badges, times, progress."""

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup, Tag

from book import asking, code, notebooks, reading
from book.notebooks.chapter import read_chapter

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
HEAD = "---\nkernelspec: {name: python3, display_name: Python 3}\n---\n\n# Test\n\n"
PREDICT = """\
:::{predict} 
:label: ask:fall
:answer: B

What falls *faster*?

- **A.** The feather
  - It is **lighter**.
- **B.** Neither, $a = g$
  - There is no air.

Both have the same $g$.
:::
"""


class Build:
    """A small book, built with the settings of the real one: its pages and the warnings."""

    def __init__(self, folder: Path, chapters: dict[str, str], execute: str = "off") -> None:
        (folder / "chapters").mkdir()
        for name in ("_config.yml", "pyproject.toml", "references.bib"):
            (folder / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
        for name, text in chapters.items():
            (folder / "chapters" / f"{name}.md").write_text(HEAD + text, "utf-8")
        (folder / "index.md").write_text("# Start\n", "utf-8")
        pages = "".join(f"  - file: chapters/{name}\n" for name in chapters)
        (folder / "_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n{pages}")
        for path, text in notebooks.generate(folder).items():
            path.write_text(text, "utf-8")
        self.folder = folder
        settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
        config = settings["sphinx"]["config"] | {
            "exclude_patterns": ["out", "**.ipynb"],
            "myst_enable_extensions": settings["parse"]["myst_enable_extensions"],
            "bibtex_bibfiles": ["references.bib"],
            "external_toc_path": "_toc.yml",
            "nb_execution_mode": execute,
            "html_static_path": [str(ROOT / "book" / "static")],
            "author": "A",
            "language": "en",
        }
        out, said = folder / "out", io.StringIO()
        app = Sphinx(folder, None, out, out / "trees", "html", config, status=None, warning=said)
        app.build()
        self.warnings = re.sub(r"\x1b\[[\d;]*m", "", said.getvalue())
        self.pages = out / "chapters"

    def page(self, name: str = "01-test") -> BeautifulSoup:
        return BeautifulSoup((self.pages / f"{name}.html").read_text("utf-8"), "html.parser")


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Build]:
    return lambda text, **options: Build(tmp_path, {"01-test": text}, **options)
