"""What the chapters print of the exercises is what `dsf.classroom` checks."""

import builtins
import json
import re
import symtable
from collections.abc import Iterator
from pathlib import Path

import pytest

from book import notebooks
from book.notebooks import questions, tasks
from book.notebooks.chapter import Chapter, cells, read_chapter, walk
from book.notebooks.myst import Directive
from dsf.classroom import EXERCISES
from dsf.classroom.kinds import source

ROOT = Path(__file__).parents[2]
CHAPTERS = [read_chapter(path) for path in sorted((ROOT / "chapters").glob("[0-9]*.md"))]
PUBLISHED = [name for name, exercise in EXERCISES.items() if exercise.published]
GIVEN = [name for name, exercise in EXERCISES.items() if exercise.given]


def directives(chapter: Chapter) -> list[Directive]:
    return [one for one in walk(chapter.blocks, chapter.path) if isinstance(one, Directive)]


def stubs() -> dict[str, Chapter]:
    """The chapters that ask for the exercises in code, by the names of these."""
    found: dict[str, Chapter] = {}
    for chapter in CHAPTERS:
        for block in directives(chapter):
            if block.name == "stub":
                assert block.argument not in found, f"{block.argument} is asked for twice"
                found[block.argument] = chapter
    return found


def parts(chapter: Chapter) -> tuple[str, str]:
    """The code of a chapter's page without its solutions, and that of its solutions."""
    printed: dict[bool, list[str]] = {True: [], False: []}
    inside = False
    for block in directives(chapter):
        if block.name in {"solution-start", "solution-end"}:
            inside = block.name == "solution-start"
        elif block in cells(chapter):
            printed[inside].append("\n".join(block.body))
    return "\n\n".join(printed[False]), "\n\n".join(printed[True])


def test_every_exercise_in_code_is_asked_for_once() -> None:
    assert sorted(stubs()) == sorted(EXERCISES)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_printed_solution_is_the_one_that_the_check_knows(name: str) -> None:
    _, solutions = parts(stubs()[name])
    assert EXERCISES[name].code() in solutions, f"print this:\n{EXERCISES[name].code()}"


@pytest.mark.parametrize("name", [name for name in EXERCISES if name not in PUBLISHED])
def test_a_challenge_has_no_solution_in_print(name: str) -> None:
    chapter = stubs()[name]
    assert f"def {EXERCISES[name].function}(" not in "".join(parts(chapter))
    text = chapter.path.with_suffix(".ipynb").read_text(encoding="utf-8")
    body = EXERCISES[name].code().split("\n")[-2].strip()
    assert body not in "".join("".join(c["source"]) for c in json.loads(text)["cells"])


@pytest.mark.parametrize("name", GIVEN)
def test_the_printed_function_with_a_bug_is_the_one_that_is_given(name: str) -> None:
    given = EXERCISES[name].given
    assert given
    before, _ = parts(stubs()[name])
    assert source(given) in before, f"print this:\n{source(given)}"


def test_the_replies_of_the_notebooks_are_those_of_the_pages() -> None:
    assert notebooks.differences(questions.generate(ROOT)) == []


def code_cells(chapter: Chapter) -> list[str]:
    """The cells of code of a chapter's notebook."""
    text = chapter.path.with_suffix(".ipynb").read_text(encoding="utf-8")
    return ["".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "code"]


def tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """The names of some code, and those of the functions in it."""
    yield table
    for child in table.get_children():
        yield from tables(child)


@pytest.mark.parametrize("name", EXERCISES)
def test_no_cell_of_the_notebook_runs_the_solution(name: str) -> None:
    for cell in code_cells(stubs()[name]):
        assert EXERCISES[name].code() not in cell


@pytest.mark.parametrize("name", EXERCISES)
def test_run_all_comes_to_a_stub_with_all_names_that_it_needs(name: str) -> None:
    """Else the check of an untouched stub would say that it raises, and not that it waits."""
    cells = code_cells(stubs()[name])
    [place] = [i for i, cell in enumerate(cells) if f'classroom.exercise("{name}"' in cell]
    known = {*dir(builtins)}
    for cell in cells[:place]:
        plain = re.sub(r"^(\s*)%.*", r"\1pass", cell, flags=re.M)  # magics are no Python
        for symbol in symtable.symtable(plain, "cell", "exec").get_symbols():
            if symbol.is_assigned() or symbol.is_imported():
                known.add(symbol.get_name())
    own = tables(symtable.symtable(cells[place], "cell", "exec"))
    needed = {one.get_name() for table in own for one in table.get_symbols() if one.is_global()}
    defined = {EXERCISES[name].function}
    assert needed - known - defined == set()


def test_the_texts_of_assignments_are_those_of_the_chapters() -> None:
    assert notebooks.differences(tasks.generate(ROOT)) == []
    texts = {
        name: one
        for text in tasks.generate(ROOT).values()
        for name, one in json.loads(text).items()
    }
    assert sorted(texts) == sorted(EXERCISES)
    assert texts["windowed"]["title"] == "Challenge: a window that moves ●●●"
    assert "Which token leaves them" in texts["windowed"]["text"], "hints belong to it"
    assert "every pair exactly" not in texts["la-delta"]["text"], "and solutions do not"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_task_has_all_text_hints_and_cells_of_its_exercise(chapter: Chapter) -> None:
    """Read line by line, as an author sees it, not by what makes the tasks."""
    [made] = tasks.generate(ROOT).values()
    found = json.loads(made)
    lines = chapter.path.read_text(encoding="utf-8").split("\n")
    for place, line in enumerate(lines):
        if not (stub := re.match(r"```\{stub\} (.*)", line)):
            continue
        begin = max(i for i in range(place) if re.match(r"`+\{exercise(-start)?\}", lines[i]))
        asked, task = "\n".join(lines[begin:place]), found[stub[1]]
        assert task["text"].count("<details>") == len(re.findall("class: dropdown hint", asked))
        assert not re.search(r"[,:]$", task["text"].replace("\n</details>", "").strip())
        given = EXERCISES[stub[1]].given is not None
        assert len(task["code"]) == asked.count("{code-cell}") - (
            given and stub[1] != "sm-overflow"  # whose cell goes on behind the function
        )
        assert task["text"].count("*Self-check:*") == asked.count("*Self-check:*")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_notebook_asks_in_cells_and_runs_no_solution(chapter: Chapter) -> None:
    code = code_cells(chapter)
    asked = [questions.name(block) for block in directives(chapter) if questions.name(block)]
    assert [one for one in code if one.startswith("classroom.answer(")] == [
        one for name in asked for one in code if one.startswith(f'classroom.answer("{name}", None)')
    ]
    for name, of in stubs().items():
        exercise = EXERCISES[name]
        if of is chapter:
            call = f'classroom.exercise("{name}", {exercise.function})'
            assert code.count(f"{exercise.stub()}\n\n\n{call}") == 1
            assert not exercise.given or exercise.code() not in "\n".join(code)
    assert not any("# @title Solution" in one for one in code)
