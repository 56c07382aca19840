"""From `chapters/NN-name.md` to `chapters/NN-name.ipynb`: `python -m book.notebooks [--check]`.

The chapters are written in MyST, which only Sphinx understands. Here every directive and role
becomes plain Markdown that reads well in Colab and Jupyter, with the numbers of the pages. What
is not known here raises an error that names file, line and directive: nothing leaks through.
"""

from book.notebooks.chapter import THEOREMS
from book.notebooks.generate import differences, generate
from book.notebooks.myst import ChapterError

__all__ = ["THEOREMS", "ChapterError", "differences", "generate"]
