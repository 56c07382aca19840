"""What a student hands in: a notebook or a Python file, read as text and never imported."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST = 16 << 20  # bytes of a file

ANSWER = "-answer"  # what the id of the cell to write in adds to the name of its exercise


@dataclass(frozen=True)
class Submission:
    """The code of a student.

    Attributes:
        cells: the source of each cell of code; one for a Python file.
        answers: the place of the cell that is meant for an exercise, by the name of the exercise,
            where the notebook says so.
    """

    cells: tuple[str, ...]
    answers: dict[str, int]


def read(path: Path | str) -> Submission:
    """The code in a file.

    Args:
        path: of a notebook, `.ipynb`, or of a Python file.

    Raises:
        ValueError: it is neither, or too large.
        OSError: it cannot be read.
    """
    path = Path(path)
    if path.suffix not in (".py", ".ipynb"):
        raise ValueError(f"path is {str(path)!r}, expected a file .ipynb or .py")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"path is {str(path)!r}, expected a file of at most {LARGEST} bytes")
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".py":
        return Submission((text,), {})
    try:
        return of_notebook(json.loads(text))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ValueError(f"path is {str(path)!r}, expected a notebook: {error}") from None


def of_notebook(notebook: dict[str, Any]) -> Submission:
    """The code in a notebook.

    Args:
        notebook: as `json` or `nbformat` reads it, format 4.
    """
    sources: list[str] = []
    answers: dict[str, int] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        grade_id = str(cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", ""))
        if grade_id.endswith(ANSWER):
            answers[grade_id.removesuffix(ANSWER)] = len(sources)
        source = cell["source"]
        sources.append(source if isinstance(source, str) else "".join(map(str, source)))
    return Submission(tuple(sources), answers)
