"""The page for teachers: its times and tables are those of the chapters."""

from pathlib import Path

import pytest

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from bs4 import BeautifulSoup, Tag
from small_book import Build

from book import measure, reading, teaching
from book.notebooks.chapter import Chapter, read_chapter
from book.notebooks.myst import ChapterError

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
