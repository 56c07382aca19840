"""`dsf mark`: marks of some students as tables, as a file for a spreadsheet, or for Gradescope."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import warnings
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dsf.marking.asked import assignment
from dsf.marking.assignments import EACH, Assignment
from dsf.marking.confine import Limits, check_level
from dsf.marking.marks import Mark, given_or_drawn, mark
from dsf.marking.reports import gradescope, handed_in
from dsf.marking.submission import Submission, read


def run(options: argparse.Namespace, console: Console) -> int:
    """Mark what is asked for, and print it.

    Args:
        options: as `dsf.cli` reads them.
        console: where the tables go.

    Returns:
        The exit status: 0, or 1 if a file could not be read.

    Raises:
        ValueError: there is no such assignment or level, or more than one path for Gradescope.
    """
    given = assignment(options.assignment)
    if options.gradescope and len(options.path) > 1:
        raise ValueError("--gradescope takes the marks of one student, expected one path")
    limits = Limits(seconds=options.seconds)
    level = check_level(options.level)
    seed = given_or_drawn(options.seed)  # one for all
    found: dict[str, list[Mark]] = {}
    unread = 0
    for path in options.path:
        try:
            path, submission = _read(path, given)
        except (ValueError, OSError) as error:  # costs this student's marks, and no other's
            print(f"dsf: {error}", file=sys.stderr)
            unread += 1
            if not path.exists() and not options.gradescope:
                continue
            marks = [Mark(name, False, 0.0, str(error)) for name in given.exercises]
        else:
            marks = mark(submission, given.exercises, seed, limits, level)
        found[str(path)] = marks
        console.print(_table(str(path), marks))
    if options.gradescope:
        [marks] = found.values()
        told = json.dumps(gradescope(marks), ensure_ascii=False, indent=1)
        options.gradescope.write_text(told, encoding="utf-8")
    if options.csv:
        _write(options.csv, given, found)
    for name, marks in found.items():
        console.print(Text(f"{name}: {_total(marks)} of {EACH * len(marks)}"), soft_wrap=True)
    if found:
        console.print(Text(f"confined by {level}"))
    return 1 if unread and not options.gradescope else 0


def _read(path: Path, given: Assignment) -> tuple[Path, Submission]:
    """The file that a student has handed in, and what is in it; a choice of two is told."""
    if not path.exists():
        raise ValueError(f"path is {str(path)!r}, which does not exist")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        path = handed_in(path, given)
    for one in told:
        print(f"dsf: {one.message}", file=sys.stderr)
    return path, read(path)


def _table(title: str, marks: list[Mark]) -> Table:
    table = Table("exercise", "points", "", box=SIMPLE_HEAD, title=Text(title))
    for one in marks:
        table.add_row(Text(one.name), f"{EACH * one.score:.3g}", Text(str(one)))
    table.add_row("", _total(marks), f"of {EACH * len(marks)}")
    return table


def _total(marks: list[Mark]) -> str:
    return f"{EACH * sum(one.score for one in marks):.3g}"


def _write(path: Path, given: Assignment, found: dict[str, list[Mark]]) -> None:
    """A line a student: what was marked, the points of each exercise, and their sum."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["file", *given.exercises, "points", "of"])
        for name, marks in found.items():
            points = [round(EACH * one.score, 2) for one in marks]
            lines.writerow([name, *points, round(sum(points), 2), EACH * len(marks)])
