"""What Gradescope is told of marks, and where what was handed in lies."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dsf.marking.assignments import EACH, Assignment, tasks
from dsf.marking.marks import Mark


def gradescope(marks: Iterable[Mark]) -> dict[str, Any]:
    """The content of `results.json`, with a test for each exercise.

    Args:
        marks: of one student.

    Source: Gradescope, *Autograder Specifications*, "Output Format".
    """
    tests = [
        {
            "name": _test(mark.name),
            "score": round(EACH * mark.score, 2),
            "max_score": EACH,
            "status": "passed" if mark.passed else "failed",
            "output": str(mark),
            "output_format": "text",
            "visibility": "visible",
        }
        for mark in marks
    ]
    return {"score": round(sum(float(str(test["score"])) for test in tests), 2), "tests": tests}


def _test(name: str) -> str:
    """An exercise as students know it: by its number, then by its name."""
    number = tasks()[name]["number"] if name in tasks() else ""
    return f"Exercise {number} ({name})" if number else name


def handed_in(path: Path, assignment: Assignment) -> Path:
    """The file that holds what a student has handed in.

    Args:
        path: of the file itself, or of a folder: there it is the notebook or Python file with the
            name of the assignment, or the only one. Of a notebook and a Python file with one name
            it is the notebook, and a `UserWarning` says so.
        assignment: what was given out.

    Raises:
        ValueError: there is none, or more than one.
    """
    if path.is_file():
        return path
    found = sorted([*path.glob("*.ipynb"), *path.glob("*.py")])
    found = [one for one in found if not one.name.startswith("test_")]
    found = [one for one in found if one.stem == assignment.name] or found
    if len(found) == 2 and found[0].stem == found[1].stem:
        notebook, script = found  # in the order of their endings
        said = f"{path} holds {notebook.name} and {script.name}: the notebook is marked"
        warnings.warn(said, stacklevel=2)
        return notebook
    if len(found) != 1:
        said = ", ".join(one.name for one in found) or "nothing"
        expected = f"one notebook or Python file, {assignment.name}.ipynb or .py"
        raise ValueError(f"path is {str(path)!r} with {said}, expected {expected}")
    return found[0]
