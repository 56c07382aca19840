"""Marks for what a student has handed in, from the checks that the book's notebooks use.

The student's code runs in a process of its own, confined (`dsf.marking.confine`), and here
stand cases, solution and comparison: what a student has changed in `dsf`, in PyTorch or in the
checks is changed there alone. Of the function only what it returns comes back, as numbers.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from dsf._checks import check_choice, check_integer
from dsf.classroom import EXERCISES, Result
from dsf.classroom.judging import judge
from dsf.marking.confine import Level, Limits, check_level
from dsf.marking.student import Remote, Student
from dsf.marking.submission import Submission


@dataclass(frozen=True)
class Mark:
    """What a student gets for an exercise.

    Attributes:
        name: of the exercise.
        passed: whether it is solved.
        score: how much of it is, from 0 to 1.
        message: one sentence, the one that a notebook would show, but without the seed.
    """

    name: str
    passed: bool
    score: float
    message: str

    def __str__(self) -> str:
        """✓, ○ or ✗, and the message."""
        return str(Result(self.passed, self.score, self.message))


def mark(
    submission: Submission,
    names: Iterable[str],
    seed: int | None = None,
    limits: Limits | None = None,
    level: Level | None = None,
) -> list[Mark]:
    """Mark exercises in what a student has handed in.

    Args:
        submission: the student's code, from `dsf.marking.submission.read`.
        names: of the exercises.
        seed: of the random arguments; drawn if None. The same for all students of a course is
            fair, another one than that of the notebooks (0) wise.
        limits: of time, memory and files.
        level: of confinement to insist on; if None the best of this machine.

    Returns:
        One mark for each exercise, in the order of the names, whatever the code does.

    Raises:
        ValueError: there is no such exercise, or the level cannot be had here.
        RuntimeError: the confined process does not start.
    """
    asked = list(names)
    for name in asked:
        check_choice("names", name, EXERCISES)
    seed = given_or_drawn(seed)
    with Student(submission, limits or Limits(), check_level(level)) as student:
        return [mark_one(student, name, seed) for name in asked]


def given_or_drawn(seed: int | None) -> int:
    """A seed of random arguments: the given one, or where there is none one that nobody knows.

    Raises:
        ValueError: it is no integer, or below 0.
    """
    return secrets.randbelow(1 << 31) if seed is None else check_integer("seed", seed, 0)


def mark_one(student: Student, name: str, seed: int) -> Mark:
    """Mark one exercise, in a process that may live on.

    Args:
        student: the process, with what was handed in.
        name: of the exercise.
        seed: of the random arguments.
    """
    task = EXERCISES[name]
    yours = student.load(name, task.function)
    result = yours if isinstance(yours, Result) else judge(task, yours, seed, tell_seed=False)
    message, passed = result.message, result.passed
    if isinstance(yours, Remote) and yours.trouble:
        passed, message = False, f"`{task.function}` {yours.trouble}"
    return Mark(name, passed, result.score if not passed else 1.0, message)
