"""Assignments for a class, and their marks: `dsf assignments FOLDER` and `dsf mark`.

Everything is made from the exercises of `dsf.classroom`: the notebooks of students and of
teachers, a course for nbgrader (the extra `marking`), a test file for pytest, an
autograder for Gradescope. `mark` marks what a student has handed in, in a process of its own that
is confined as far as the machine allows; `best` tells what that keeps from and what it does not.
What is compared is what a function returns, not how: a call of the library counts like a loop.
"""

from dsf.marking.asked import assignment
from dsf.marking.assignments import ALL, EACH, Assignment
from dsf.marking.confine import Limits, best
from dsf.marking.course import write_course
from dsf.marking.marks import Mark, mark
from dsf.marking.reports import gradescope, handed_in
from dsf.marking.submission import Submission, read

__all__ = [
    "ASSIGNMENTS",
    "POINTS",
    "Assignment",
    "Limits",
    "Mark",
    "Submission",
    "assignment",
    "best",
    "gradescope",
    "handed_in",
    "mark",
    "read",
    "write_course",
]

ASSIGNMENTS: dict[str, Assignment] = ALL
"""The assignments that come with the book, by their names."""
POINTS: int = EACH
"""What every exercise is worth; a part of it where a part of its cases and laws holds."""
