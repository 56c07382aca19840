"""The line under the title of a chapter that leads to its notebook, and says what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

from book import editions, measure, settings
from book.sphinx.numbering import CHAPTER

log = logging.getLogger(__name__)


class LaunchLine(SphinxPostTransform):
    """Put “Run it: Binder · Colab · download” under the title of every page that is a notebook."""

    default_priority = 110

    def run(self, **kwargs: Any) -> None:
        """Insert the line after the first title."""
        path = f"{self.env.docname}.ipynb"
        title = next(iter(self.document.findall(nodes.title)), None)
        if title is None or not CHAPTER.match(self.env.docname):
            return
        if not (Path(self.app.srcdir) / path).exists():
            log.warning("%s is missing: run `make notebooks`", path, location=self.env.docname)
            return
        book = settings.load(Path(self.app.srcdir))
        edition = editions.of(self.app)
        if edition.paper:
            return
        links = [
            f'<a href="{book.binder_url(path)}">Binder</a>',
            f'<a href="{book.colab_url(path)}">Colab</a>',
        ]
        links = links if edition.solutions else []  # they open the notebooks of the repository
        links += [f'<a href="{Path(path).name}" download>download the notebook</a>']
        cost = measure.recorded().get(Path(path).stem)
        hint = "processor seconds and memory of a run from top to bottom, measured"
        said = f' <span class="cost" title="{hint}">({cost}, one thread)</span>' if cost else ""
        line = f'<p class="launch">Run it: {" · ".join(links)}{said}</p>'
        title.parent.insert(title.parent.index(title) + 1, nodes.raw("", line, format="html"))


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_post_transform(LaunchLine)
