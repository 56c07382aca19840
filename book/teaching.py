"""What a teacher plans with: the exercises of a chapter, their kinds and minutes, and its lesson.

An exercise says its kind and its time in its first line, *Find the bug, 10 minutes, objective 3.*
The box *For teachers* of a chapter begins with a plan for a number of minutes. Both are read from
the chapters, so that no page repeats them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from book.notebooks.chapter import Chapter, walk
from book.notebooks.myst import ChapterError, Directive
from book.reading import EXERCISES, MINUTES

HEADER = re.compile(r"^\*(?P<kind>[^,*]+), (?P<minutes>\d+) minutes\b")
PLAN = re.compile(r"\*\*Plan for (\d+) minutes\.\*\*")


@dataclass
class Task:
    """An exercise.

    Attributes:
        label: by which pages refer to it.
        title: without the circles that say how hard it is.
        level: how many of three circles are full.
        kind: such as “Find the bug”.
        minutes: that it takes.
        checks: names of its checks in `dsf.classroom`, for what is written in code.
        asks: how many questions the page itself checks.
    """

    label: str
    title: str
    level: int
    kind: str
    minutes: int
    checks: list[str] = field(default_factory=list)
    asks: int = 0


def tasks(chapter: Chapter) -> list[Task]:
    """The exercises of a chapter, in order.

    Raises:
        ChapterError: the first line of an exercise does not say its kind and its minutes.
    """
    found: list[Task] = []
    current: Task | None = None
    for block in walk(chapter.blocks, chapter.path):
        if not isinstance(block, Directive):
            continue
        if block.name in EXERCISES:
            current = _task(block, chapter)
            found.append(current)
        elif block.name in {"solution", "solution-start"}:
            current = None
        elif current is not None and block.name == "stub":
            current.checks.append(block.argument)
        elif current is not None and block.name == "question":
            current.asks += 1
    return found


def _task(block: Directive, chapter: Chapter) -> Task:
    first = next((line for line in block.body if line.strip()), "")
    header = HEADER.match(first)
    if not header or not MINUTES.search(first):
        message = "the first line of an exercise says its kind and how many minutes it takes"
        raise ChapterError(f"{chapter.path}:{block.line}: {message}")
    title = re.sub(r"\s*[●○]+\s*$", "", block.argument)
    level = block.argument.count("●")
    label = str(block.options.get("label", ""))
    return Task(label, title, level, header["kind"], int(header["minutes"]))


def lesson(chapter: Chapter) -> int:
    """The minutes in class for which the box *For teachers* has a plan.

    Raises:
        ChapterError: there is no such plan.
    """
    for block in walk(chapter.blocks, chapter.path):
        if isinstance(block, Directive) and "teachers" in block.classes():
            found = PLAN.search("\n".join(block.body))
            if found:
                return int(found[1])
    raise ChapterError(f"{chapter.path}: the box For teachers has no plan for a number of minutes")
