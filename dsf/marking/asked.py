"""Which assignment is meant: one of the book, one given out before, or exercises by their names."""

from __future__ import annotations

import json
from pathlib import Path

from dsf._checks import check_choice
from dsf.classroom import EXERCISES
from dsf.marking.assignments import ALL, Assignment


def assignment(told: str) -> Assignment:
    """The assignment that a teacher names.

    Args:
        told: its name in `dsf.marking.ASSIGNMENTS`; or names of exercises, `one-factor,la-bug`,
            also behind a name for the whole, `week-2=one-factor,la-bug`; or the path of a notebook
            that was given out, or of the folder that holds it, `course/release/week-2`.

    Raises:
        ValueError: it is none of those.
    """
    if told in ALL:
        return ALL[told]
    name, _, listed = told.rpartition("=")
    names = tuple(one.strip() for one in listed.split(","))
    if name or len(names) > 1 or names[0] in EXERCISES:
        return Assignment(name or "exercises", name or "Exercises", names)
    path = Path(told)
    if path.exists():
        return _given_out(path)
    check_choice("assignment", told, ALL)
    raise AssertionError  # it is none of them


def _given_out(path: Path) -> Assignment:
    """The assignment of a notebook, or of the only notebook in a folder."""
    found = [path] if path.is_file() else sorted(path.glob("*.ipynb"))
    if len(found) != 1 or found[0].suffix != ".ipynb":
        said = ", ".join(one.name for one in found) or "no notebook"
        raise ValueError(f"assignment is {str(path)!r} with {said}, expected one notebook in it")
    try:
        cells = json.loads(found[0].read_text(encoding="utf-8"))["cells"]
        marks = [one.get("metadata", {}).get("nbgrader", {}) for one in cells]
        names = tuple(str(one.get("grade_id")) for one in marks if one.get("grade"))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"assignment is {str(found[0])!r}, expected a notebook: {error}") from None
    return Assignment(found[0].stem, found[0].stem, names)
