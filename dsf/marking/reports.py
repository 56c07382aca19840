"""What Gradescope is told of marks, and where what was handed in lies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dsf.marking.assignments import EACH, Assignment
from dsf.marking.marks import Mark


def gradescope(marks: Iterable[Mark]) -> dict[str, Any]:
    """The content of `results.json`, with a test for each exercise.

    Args:
        marks: of one student.

    Source: Gradescope, *Autograder Specifications*, "Output Format".
    """
    tests = [
        {
            "name": mark.name,
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


def handed_in(path: Path, assignment: Assignment) -> Path:
    """The file that holds what a student has handed in.

    Args:
        path: of the file itself, or of a folder: there it is the notebook or Python file with the
            name of the assignment, or the only one of either kind.
        assignment: what was given out.

    Raises:
        ValueError: there is none, or more than one.
    """
    if path.is_file():
        return path
    found = sorted([*path.glob("*.ipynb"), *path.glob("*.py")])
    found = [one for one in found if not one.name.startswith("test_")]
    found = [one for one in found if one.stem == assignment.name] or found
    if len(found) != 1:
        said = ", ".join(one.name for one in found) or "nothing"
        expected = f"one notebook or Python file, {assignment.name}.ipynb or .py"
        raise ValueError(f"path is {str(path)!r} with {said}, expected {expected}")
    return found[0]
