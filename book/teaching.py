"""What a teacher plans with: the exercises of a chapter, their kinds and minutes, and its lesson.

An exercise says its kind and its time in its first line, *Find the bug, 10 minutes, objective 3.*
The box *For teachers* of a chapter begins with a plan for a number of minutes. Both are read from
the chapters, so that no page repeats them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from book.notebooks.chapter import Chapter, walk
from book.notebooks.myst import ChapterError, Directive, parse
from book.reading import EXERCISES as KINDS
from book.reading import MINUTES
from dsf.classroom import EXERCISES
from dsf.marking import ASSIGNMENTS

HEADER = re.compile(r"^\*(?P<kind>[^,*]+), (?P<minutes>\d+) minutes\b")
REFERENCE = re.compile(r"\{(?:num)?ref\}`(ex:[\w-]+)`")
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
        if block.name in KINDS:
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
    found = PLAN.search(_plan(chapter))
    assert found is not None
    return int(found[1])


def in_class(chapter: Chapter) -> list[str]:
    """The labels of the exercises that the plan of the box *For teachers* does in its minutes.

    Raises:
        ChapterError: there is no such plan.
    """
    return REFERENCE.findall(_plan(chapter))


def _plan(chapter: Chapter) -> str:
    """The paragraph of the box *For teachers* that is a plan for a number of minutes."""
    for block in walk(chapter.blocks, chapter.path):
        if isinstance(block, Directive) and "teachers" in block.classes():
            for paragraph in "\n".join(block.body).split("\n\n"):
                if PLAN.search(paragraph):
                    return paragraph
    raise ChapterError(f"{chapter.path}: the box For teachers has no plan for a number of minutes")


@dataclass
class Lesson:
    """A week, or half a day, of a plan.

    Attributes:
        title: its name, “Week 1, memory and what it costs”.
        chapters: their numbers.
        homework: labels of exercises.
        together: the same, for those that a class does in the room.
    """

    title: str
    chapters: list[int]
    homework: list[str]
    together: list[str]

    @property
    def name(self) -> str:
        """Its name in a table: a week is a number, half a day has its time of day, too."""
        return self.title if self.together else self.title.partition(",")[0]


def lessons(path: Path) -> list[Lesson]:
    """The lessons on a page."""
    blocks = parse(path.read_text(encoding="utf-8").split("\n"), 1, path)
    found = [one for one in blocks if isinstance(one, Directive) and one.name == "lesson"]

    def listed(block: Directive, option: str) -> list[str]:
        return names(str(block.options.get(option, "")))

    return [
        Lesson(
            one.argument,
            [int(number) for number in listed(one, "chapters")],
            listed(one, "homework"),
            listed(one, "together"),
        )
        for one in found
    ]


def names(text: str) -> list[str]:
    """What stands between the commas of an option."""
    return [one.strip() for one in text.split(",") if one.strip()]


@dataclass
class Sheet:
    """An assignment of `dsf.marking`, as a teacher plans it.

    Attributes:
        name: of its files.
        tasks: the exercises of the chapters.
        unprinted: labels of those whose solution is not in print.
        after: the first lesson of each plan by which all of its chapters that are in the plan
            have been taught; first the weeks, then the days.
    """

    name: str
    tasks: list[Task]
    unprinted: list[str]
    after: list[str]


def sheets(chapters: Iterable[Chapter], plan: list[Lesson]) -> list[Sheet]:
    """The assignments whose exercises are all in some chapters."""
    asked: dict[str, tuple[int, Task]] = {
        check: (chapter.number, task)
        for chapter in chapters
        for task in tasks(chapter)
        for check in task.checks
    }
    days = [one for one in plan if one.together]
    weeks = [one for one in plan if not one.together]
    found = []
    for sheet in ASSIGNMENTS.values():
        if {*sheet.exercises} <= {*asked}:
            own = [asked[name] for name in sheet.exercises]
            numbers = {number for number, _ in own}
            unprinted = [
                asked[name][1].label for name in sheet.exercises if not EXERCISES[name].published
            ]
            after = [_after(part, numbers) for part in (weeks, days)]
            found.append(Sheet(sheet.name, [task for _, task in own], unprinted, after))
    return found


def _after(plan: list[Lesson], numbers: set[int]) -> str:
    return next((one.name for one in reversed(plan) if numbers & {*one.chapters}), "")
