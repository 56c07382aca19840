"""A small book, built with the settings of the real one, for tests of what authors may write."""

import copy
import gc
import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import yaml
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace
from sphinx_external_toc import collectors

from book import notebooks

ROOT = Path(__file__).parents[1]
SETTINGS = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
HEAD = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {name: python3, display_name: Python 3, language: python}
---

# Test

"""  # what follows begins in line 8
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


def _collectors() -> list[object]:
    return [x for x in gc.get_objects() if type(x) is collectors.TocTreeCollector]


class Build:
    """The pages of a small book, and what was warned of."""

    def __init__(
        self, folder: Path, chapters: dict[str, str], execute: str = "off", edition: str = "html"
    ) -> None:
        (folder / "chapters").mkdir(parents=True)
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
        config = copy.deepcopy(SETTINGS["sphinx"]["config"]) | {
            "exclude_patterns": ["out", "**.ipynb"],
            # Its own: to the one of Sphinx, which all builds share, extensions add theirs.
            "source_suffix": {".rst": "restructuredtext"},
            "myst_enable_extensions": SETTINGS["parse"]["myst_enable_extensions"],
            "bibtex_bibfiles": ["references.bib"],
            "external_toc_path": "_toc.yml",
            "nb_execution_mode": execute,
            "dsf_edition": edition,
            "html_static_path": [str(ROOT / "book" / "static")],
            "author": "A",
            "language": "en",
        }
        out, said = folder / "out", io.StringIO()
        # Looking for its collector among all objects it asks weak proxies too, which may be dead.
        search = SimpleNamespace(get_objects=_collectors)
        with docutils_namespace(), mock.patch.object(collectors, "gc", search):
            arguments = (folder, None, out, out / "trees", "html", config)
            Sphinx(*arguments, status=None, warning=said).build()
        self.warnings = re.sub(r"\x1b\[[\d;]*m", "", said.getvalue())
        self.pages = out / "chapters"

    def page(self, name: str = "01-test") -> BeautifulSoup:
        return BeautifulSoup((self.pages / f"{name}.html").read_text("utf-8"), "html.parser")


TOUR = """\
:::{tour}
1. With {set}`$n = 2$ <it: n=2>` a little.
2. With {set}`three <it: n=3, time=5>` more.
:::
"""
SET = """\
:::{question} set
:label: ask:set
:figure: it
:answer: n >= 3

Make it larger.

- **n < 2**
  - Far too small.
- **else**
  - Still too small.
:::
"""
CHOICE = """\
:::{question} choice
:label: ask:choice
:answer: A

Which?

- **A.** This
  - Yes, this.
- **B.** That
  - Not that.
:::
"""
NUMBER = """\
:::{question} number
:label: ask:number
:answer: 1/3
:tolerance: 0.01

How much?

- **3**
  - The other way round.
- **else**
  - Divide.
:::
"""
ORDER = """\
:::{question} order
:label: ask:order

How does it go?

1. write
2. decay
   - Reading comes last.
3. read
:::
"""


def figure(widget: Any = None) -> str:
    """A live figure in the text of a page: if none is given the explorer, called `it`, n = 4."""
    widgets = pytest.importorskip("dsf.widgets", reason="notebooks extra is not installed")
    html = (widget or widgets.DSFExplorer(figure_id="it")).html()
    return f"````{{book-only}}\n```{{raw}} html\n{html}\n```\n````\n\n"
