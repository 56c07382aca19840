"""The page for teachers: its times and tables are those of the chapters."""

from pathlib import Path

import pytest

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from bs4 import BeautifulSoup, Tag
from small_book import Build

from book import measure, reading, teaching
from book.notebooks.chapter import Chapter, read_chapter
from book.notebooks.myst import ChapterError
from dsf.marking import ASSIGNMENTS, Assignment

ROOT = Path(__file__).parents[2]
CHAPTERS = [read_chapter(path) for path in sorted((ROOT / "chapters").glob("[0-9]*.md"))]
FIRST = """\
```{exercise} A loop ●○○
:label: ex:loop

*Code, 5 minutes, objective 1.* Write it.
```

```{stub} la-recurrence
```

```{solution} ex:loop
:label: sol:loop

So.
```

```{exercise} What is wrong? ●●○
:label: ex:wrong

*Find the bug, 12 minutes.* Look.

:::{question} choice
:label: ask:choice
:answer: A

Which?

- **A.** This
  - Yes.
- **B.** That
  - No.
:::
```

:::{admonition} For teachers
:class: dropdown teachers

**Plan for 45 minutes.** This.
:::
"""
PAGE = """\
```{teaching-times}
```

```{teaching-kinds}
```

```{teaching-exercises}
```

:::{lesson} Week 1, loops
:chapters: 1
:homework: ex:loop, ex:wrong

*In class:* go.
:::
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> BeautifulSoup:
    built = Build(tmp_path_factory.mktemp("book"), {"01-test": FIRST, "teachers": PAGE})
    assert built.warnings == ""
    return built.page("teachers")


def rows(table: Tag) -> list[list[str]]:
    return [
        [" ".join(cell.get_text().split()) for cell in row.find_all(["th", "td"])]
        for row in table.find_all("tr")
    ]


def test_a_row_of_times_is_computed_from_its_chapter(page: BeautifulSoup) -> None:
    head, first, total = rows(page.select("table")[0])
    assert head[:4] == ["chapter", "to read", "in class", "exercises"]
    assert first == ["1. Test", "1 min", "45 min", "17 min", "not measured"]
    assert total[0] == "all"
    assert total[3] == "½ h"
    assert page.select_one('table a[href="01-test.html"]')


def test_exercises_are_counted_by_kind_and_by_check(page: BeautifulSoup) -> None:
    assert rows(page.select("table")[1])[1:] == [
        ["Code", "1", "5", "1", "0"],
        ["Find the bug", "1", "12", "0", "1"],
    ]
    assert rows(page.select("table")[2])[1:] == [
        ["Exercise 1 A loop", "Code", "5 min", "●○○", "la-recurrence"],
        ["Exercise 2 What is wrong?", "Find the bug", "12 min", "●●○", "in the page"],
    ]


def test_a_lesson_adds_up_what_it_names(page: BeautifulSoup) -> None:
    lesson = page.select_one(".lesson")
    assert lesson
    said = " ".join(lesson.get_text().split())
    assert said.startswith(
        "Week 1, loops: chapter 1; 1 minute to read; 45 minutes in class; "
        "homework, 17 minutes (Exercise 1 and Exercise 2)."
    )
    assert said.endswith("In class: go.")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (":chapters: 7", "chapters is '7', expected numbers among 1"),
        (":chapters: one", "chapters is 'one', expected numbers among 1"),
        (":chapters: 1\n:homework: ex:no", "homework names 'ex:no', which is no exercise"),
    ],
)
def test_a_lesson_of_what_does_not_exist_is_refused(
    tmp_path: Path, options: str, message: str
) -> None:
    text = f":::{{lesson}} Week 1\n{options}\n\nGo.\n:::\n"
    built = Build(tmp_path, {"01-test": FIRST, "teachers": text})
    assert message in built.warnings


def test_an_exercise_without_a_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "01-test.md"
    path.write_text("# Test\n\n```{exercise} It\n:label: ex:it\n\nIn 5 minutes.\n```\n", "utf-8")
    with pytest.raises(ChapterError, match=r"01-test\.md:3: the first line of an exercise says"):
        teaching.tasks(read_chapter(path))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_the_minutes_of_the_exercises_are_those_in_the_head(chapter: Chapter) -> None:
    found = teaching.tasks(chapter)
    assert sum(task.minutes for task in found) == reading.time(chapter).exercises
    assert 45 <= teaching.lesson(chapter) <= 90


# --- the plans --------------------------------------------------------------------------------


LESSONS = teaching.lessons(ROOT / "chapters" / "teachers.md")


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.title)
def test_homework_is_nothing_that_was_done_in_class(lesson: teaching.Lesson) -> None:
    done = [x for one in CHAPTERS if one.number in lesson.chapters for x in teaching.in_class(one)]
    assert done
    assert not {*lesson.homework} & {*done}
    assert bool(lesson.homework) != bool(lesson.together)


def test_what_a_plan_does_in_class_is_read_from_the_box() -> None:
    of = {chapter.number: teaching.in_class(chapter) for chapter in CHAPTERS}
    assert of[1] == ["ex:three-tokens", "ex:one-factor"]
    assert of[4] == ["ex:na-hand", "ex:na-bug"], "and not what a later paragraph says of one"
    assert of[10] == ["ex:mqar-solver"]


def test_exercises_in_class_count_within_the_lesson_or_on_top(tmp_path: Path) -> None:
    chapter = FIRST.replace("minutes.** This.", "minutes.** This. {ref}`ex:loop` (5).")
    text = ":::{lesson} Day 1, morning\n:chapters: 1\n:together: ex:loop, ex:wrong\n\nGo.\n:::\n"
    text += text.replace("morning\n", "afternoon\n:minutes: 30\n")
    text += text.partition(":::\n")[0].replace("1\n", "1\n:minutes: 30, 20\n", 1) + ":::\n"
    built = Build(tmp_path, {"01-test": chapter, "teachers": text})
    assert "minutes is '30, 20', expected 1 numbers, one a chapter" in built.warnings
    said = [" ".join(one.get_text().split()) for one in built.page("teachers").select(".lesson")]
    assert "; 45 minutes in class, Exercise 1 among them; on top, 12 minutes (Ex" in said[0]
    assert "(Exercise 2); 57 minutes in all." in said[0]
    assert "; 30 minutes in class, Exercise 1 among them; " in said[1]
    assert "; 42 minutes in all." in said[1]


def test_the_table_of_assignments_says_where_each_fits() -> None:
    found = {sheet.name: sheet for sheet in teaching.sheets(CHAPTERS, LESSONS)}
    assert [*found] == [*ASSIGNMENTS]
    assert [found[name].after for name in ASSIGNMENTS] == [
        ["Week 2", "Day 1, afternoon"],
        ["Week 3", "Day 2, morning"],
        ["Week 4", "Day 2, morning"],
        ["Week 4", "Day 2, afternoon"],
    ]
    assert found["1-attention"].unprinted == ["ex:sm-one-pass", "ex:la-window"]
    assert [task.label for task in found["4-recall"].tasks][:2] == [
        "ex:mqar-four",
        "ex:mqar-forget",
    ]


def test_an_assignment_is_a_row_with_times_and_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Assignment("own", "Own", ("la-recurrence", "windowed"))
    monkeypatch.setattr(teaching, "ASSIGNMENTS", {"own": own, **ASSIGNMENTS})
    chapter = FIRST.replace("Look.\n", "Look.\n\n", 1)
    chapter += "\n```{exercise} Window\n:label: ex:win\n\n*Code, 9 minutes.* Do.\n```\n\n"
    chapter += "```{stub} windowed\n```\n"
    text = "```{teaching-assignments}\n```\n\n:::{lesson} Week 1, x\n:chapters: 1\n\nGo.\n:::\n"
    built = Build(tmp_path, {"01-test": chapter, "teachers": text})
    assert rows(built.page("teachers").select("table")[0])[1:] == [
        ["own", "Exercise 1", "Exercise 3", "14 min", "20", "after Week 1", ""]
    ]


# --- what a notebook takes --------------------------------------------------------------------


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_the_notebook_has_been_measured_and_keeps_to_the_limits(chapter: Chapter) -> None:
    cost = measure.recorded()[chapter.name]
    assert 0 < cost.processor_seconds <= measure.SECONDS
    assert 100 < cost.megabytes <= measure.MEGABYTES
    assert "torch" in cost.versions


def test_the_line_under_the_title_says_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cost = measure.Cost(33.7, 612, "2026-01-01", "torch 2")
    monkeypatch.setattr(measure, "recorded", lambda: {"01-test": cost})
    line = Build(tmp_path, {"01-test": "Text."}).page().select_one("article .launch")
    assert line
    assert "(35 s, 0.6 GB, one thread)" in line.get_text()


def test_a_measurement_runs_the_notebook(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    cells = [nbformat.v4.new_code_cell("x = bytearray(300 * 1000**2)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "it.ipynb")
    cost = measure.measure(tmp_path / "it.ipynb")
    assert 300 < cost.megabytes < 1000
    assert cost.processor_seconds > 0
