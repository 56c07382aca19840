"""Execute the notebooks side by side: `python -m book.execute`, which `book.build` runs first.

Sphinx reads one page after the other and would execute one notebook after the other. Here those
that the cache lacks are executed a few at a time and put into it, where Sphinx finds them. One that
fails is left to Sphinx, which executes it again and says what failed as it says all its warnings.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from nbformat import NotebookNode

from book import settings
from book.sphinx.directives import text_of_page

AT_ONCE = 4  # kernels at most, of up to 1 GB each


def notebooks(root: Path) -> dict[Path, NotebookNode]:
    """What the pages of the book in `root` execute; the last chapters, which train most, first."""
    pages = [*root.glob("*.md"), *(root / "chapters").glob("*.md")]
    texts = {page: page.read_text(encoding="utf-8") for page in sorted(pages, reverse=True)}
    return {
        page: read_myst_markdown_notebook(text_of_page(text), path=page)
        for page, text in texts.items()
        if is_myst_markdown_notebook(text)
    }


def execute(root: Path, out: Path) -> list[Path]:
    """Execute what the cache in `out` lacks, and put it there.

    Returns:
        The notebooks that failed.
    """
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    seconds = config["execute"]["timeout"]
    cache = get_cache(out / ".jupyter_cache")
    every = notebooks(root)
    waiting = {
        page: notebook for page, notebook in every.items() if not _is_cached(cache, notebook)
    }
    failed = []
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
        running = {
            pool.submit(
                single_nb_execution, notebook, str(page.parent), seconds, allow_errors=False
            ): page
            for page, notebook in waiting.items()
        }
        for number, future in enumerate(as_completed(running), start=1):
            page, result = running[future], future.result()
            if result.err is None:
                data = {"execution_seconds": result.time}
                bundle = CacheBundleIn(result.nb, str(page), data=data)
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            else:
                failed.append(page)
            state = "executed" if result.err is None else "failed"
            name = page.relative_to(root)
            print(f"{state} {name} in {result.time:.0f} s ({number} of {len(waiting)})", flush=True)
    return failed


def _is_cached(cache: JupyterCacheAbstract, notebook: NotebookNode) -> bool:
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


if __name__ == "__main__":
    root = settings.ROOT
    sys.exit(1 if execute(root, root / "_build") else 0)
