"""The page for teachers: times and exercises as tables, and a lesson with its times, all computed.

`{teaching-times}` is a table with a row for each chapter, `{teaching-kinds}` one with a row for
each kind of exercise, `{teaching-exercises}` the exercises chapter by chapter,
`{teaching-assignments}` the assignments of `dsf.marking`. A `{lesson}` names chapters and
exercises, and says what they take.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from book import measure, reading, teaching
from book.notebooks.chapter import CHAPTER_FILE, Chapter, read_chapter
from book.notebooks.myst import ChapterError
from book.sphinx.elements import element
from book.sphinx.folding import details, summary
from dsf.marking import POINTS

LISTS = ("together", "homework")  # the options of a lesson that list exercises


class Teaching(SphinxDirective):
    """What the directives share: the chapters, and tables of Markdown."""

    def chapters(self) -> dict[int, Chapter]:
        """The chapters that the book has, by their numbers."""
        found = {}
        for path in sorted((Path(self.env.srcdir) / "chapters").glob("*.md")):
            if CHAPTER_FILE.match(path.name) and f"chapters/{path.stem}" in self.env.found_docs:
                self.env.note_dependency(str(path))
                chapter = read_chapter(path)
                found[chapter.number] = chapter
        return found

    def text(self, markdown: str) -> list[nodes.Node]:
        """A line of Markdown."""
        inline, messages = self.state.inline_text(markdown, self.lineno)
        return [*inline, *messages]

    def link(self, chapter: Chapter, words: str = "") -> str:
        """A link to a chapter, in Markdown."""
        return f"{{doc}}`{words or chapter.title} </chapters/{chapter.name}>`"

    def table(self, head: list[str], rows: list[list[str]]) -> nodes.table:
        """A table of Markdown; what is no text stands right."""
        table, group = nodes.table(), nodes.tgroup(cols=len(head))
        table += group
        group += [nodes.colspec(colwidth=1) for _ in head]
        heads, body = nodes.thead(), nodes.tbody()
        group += [heads, body]
        for row, part in [(head, heads), *((row, body) for row in rows)]:
            line = nodes.row()
            part += line
            for cell in row:
                entry = nodes.entry("", nodes.paragraph("", "", *self.text(cell)))
                if part is body and cell[:1].isdigit() and cell is not row[0]:
                    entry["classes"].append("text-right")
                line += entry
        return table

    def read(self, chapter: Chapter) -> tuple[reading.Time, list[teaching.Task], int]:
        """Times, exercises and minutes in class of a chapter."""
        try:
            return reading.time(chapter), teaching.tasks(chapter), teaching.lesson(chapter)
        except ChapterError as error:
            raise self.error(str(error)) from None


class Times(Teaching):
    """A row for each chapter: minutes to read, in class and for exercises, and what a run costs."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        costs = measure.recorded()
        head = ["chapter", "to read", "in class", "exercises", "notebook, one thread"]
        rows, sums = [], [0, 0, 0]
        for number, chapter in self.chapters().items():
            time, _, lesson = self.read(chapter)
            cost = costs.get(chapter.name)
            minutes = [time.reading, lesson, time.exercises]
            sums = [a + b for a, b in zip(sums, minutes, strict=True)]
            run = str(cost) if cost else "not measured"
            rows.append([f"{number}. {self.link(chapter)}", *(f"{m} min" for m in minutes), run])
        rows.append(["all", *(hours(minutes) for minutes in sums), ""])
        return [self.table(head, rows)]


class Kinds(Teaching):
    """A row for each kind of exercise: how many, their minutes, and how they are checked."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        found: dict[str, list[teaching.Task]] = {}
        for chapter in self.chapters().values():
            for task in self.read(chapter)[1]:
                found.setdefault(task.kind, []).append(task)
        rows = [
            [
                kind,
                str(len(tasks)),
                span([task.minutes for task in tasks]),
                str(sum(bool(task.checks) for task in tasks)),
                str(sum(task.asks > 0 for task in tasks)),
            ]
            for kind, tasks in sorted(found.items(), key=lambda item: -len(item[1]))
        ]
        head = ["kind", "exercises", "minutes each", "checked by a notebook", "checked in the page"]
        return [self.table(head, rows)]


class Exercises(Teaching):
    """The exercises, a folded table for each chapter."""

    def run(self) -> list[nodes.Node]:
        """The tables."""
        found: list[nodes.Node] = []
        for number, chapter in self.chapters().items():
            time, tasks, _ = self.read(chapter)
            line = f"{number}. {chapter.title}: {len(tasks)} exercises, {time.exercises} minutes"
            fold = details("", summary("", "", *self.text(line)), classes=["fold"])
            rows = [
                [
                    f"{{numref}}`{task.label}` {task.title}",
                    task.kind,
                    f"{task.minutes} min",
                    "●" * task.level + "○" * (3 - task.level),
                    ", ".join(
                        [*(f"`{name}`" for name in task.checks), *["in the page"] * bool(task.asks)]
                    ),
                ]
                for task in tasks
            ]
            fold += self.table(["exercise", "kind", "time", "level", "checked by"], rows)
            found.append(fold)
        return found


class Lesson(Teaching):
    """A week, a day or a session: chapters and exercises with their times, then what to do."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {
        "chapters": directives.unchanged_required,
        "homework": directives.unchanged,
        "together": directives.unchanged,
        "minutes": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """The lesson under its name."""
        known = self.chapters()
        try:
            wanted = [known[int(n)] for n in self.options.get("chapters", "").split(",")]
        except (KeyError, ValueError):
            expected = f"expected numbers among {', '.join(map(str, known))}"
            raise self.error(f"chapters is {self.options.get('chapters')!r}, {expected}") from None
        read = [self.read(chapter) for chapter in wanted]
        taught = self.minutes([lesson for _, _, lesson in read])
        minutes = {task.label: task.minutes for c in known.values() for task in teaching.tasks(c)}
        names = [self.link(chapter, str(chapter.number)) for chapter in wanted]
        facts = [
            f"chapter{'s' if len(names) > 1 else ''} {joined(names)}",
            f"{minutes_of(sum(time.reading for time, _, _ in read))} to read",
            f"{joined([str(lesson) for lesson in taught])} minutes in class",
        ]
        labels = {name: teaching.names(self.options.get(name, "")) for name in LISTS}
        for option, listed in labels.items():
            for label in listed:
                if label not in minutes:
                    raise self.error(f"{option} names {label!r}, which is no exercise of the book")
        planned = {label for chapter in wanted for label in teaching.in_class(chapter)}
        within = [label for label in labels["together"] if label in planned]
        beside = [label for label in labels["together"] if label not in planned]
        if within:
            facts[-1] += f", {given(within)} among them"
        for words, listed in (("on top", beside), ("homework", labels["homework"])):
            if listed:
                takes = minutes_of(sum(minutes[label] for label in listed))
                facts.append(f"{words}, {takes} ({given(listed)})")
        if labels["together"]:
            total = sum(taught) + sum(minutes[label] for label in beside)
            facts.append(f"{minutes_of(total)} in all")
        box = element(classes=["lesson"])
        box += nodes.paragraph("", "", nodes.strong("", self.arguments[0]), nodes.Text(": "),
                               *self.text("; ".join(facts) + "."))  # fmt: skip
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]

    def minutes(self, planned: list[int]) -> list[int]:
        """What each chapter takes in class: as its own plan says, or as much as this one gives."""
        told = teaching.names(self.options.get("minutes", ""))
        if not told:
            return planned
        if len(told) != len(planned) or not all(one.isdecimal() for one in told):
            expected = f"expected {len(planned)} numbers, one a chapter"
            raise self.error(f"minutes is {self.options['minutes']!r}, {expected}")
        return [int(one) for one in told]


class Assignments(Teaching):
    """The assignments of `dsf.marking`: exercises, minutes, points, and where each fits a plan."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        plan = teaching.lessons(Path(self.env.doc2path(self.env.docname)))
        rows = []
        for sheet in teaching.sheets(self.chapters().values(), plan):
            unprinted = {*sheet.unprinted}
            printed = [task.label for task in sheet.tasks if task.label not in unprinted]
            rows.append(
                [
                    f"`{sheet.name}`",
                    given(printed),
                    given(sheet.unprinted),
                    f"{sum(task.minutes for task in sheet.tasks)} min",
                    str(POINTS * len(sheet.tasks)),
                    *(f"after {name}" if name else "" for name in sheet.after),
                ]
            )
        head = ["assignment", "with a printed solution", "without", "time", "points"]
        return [self.table([*head, "four weeks", "two days"], rows)]


def given(labels: list[str]) -> str:
    """Links to exercises."""
    return joined([f"{{numref}}`{label}`" for label in labels])


def minutes_of(number: int) -> str:
    """`1 minute`, `2 minutes`."""
    return f"{number} minute{'s' if number != 1 else ''}"


def hours(minutes: int) -> str:
    """Minutes as hours, rounded to halves: `14½ h`."""
    halves = max(1, round(minutes / 30))
    return f"{halves // 2 or ''}{'½' * (halves % 2)} h"


def span(minutes: list[int]) -> str:
    """The least and the most of some minutes."""
    low, high = min(minutes), max(minutes)
    return str(low) if low == high else f"{low} to {high}"


def joined(names: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_directive("teaching-times", Times)
    app.add_directive("teaching-kinds", Kinds)
    app.add_directive("teaching-exercises", Exercises)
    app.add_directive("teaching-assignments", Assignments)
    app.add_directive("lesson", Lesson)
