"""Assignments for a class: the student's and the teacher's version, made from the exercises."""

from __future__ import annotations

import ast
import builtins
import inspect
import json
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from dsf import classroom
from dsf._checks import check_choice
from dsf.classroom import EXERCISES, Exercise
from dsf.marking.submission import ANSWER
from dsf.marking.worker import Statement, needed, statements

EACH = 10  # points

BEGIN = """\
Write into the cells that hold `...`, and mend the functions that have a bug. The cell below each
checks it as often as you like; each exercise is worth {points} points, and a part of it where
a part of the checks holds. Marks come from the last version of each function, run with other
random arguments than here. A function may use other functions and imports of this file; what else
is in it, such as experiments, is not run. What an exercise asks beside its function gets no marks.
A cell that does not end: *Kernel*, *Interrupt*.

To run the cells you need the package of the book: `pip install "{requirement}"`.
"""

# What the cells of more than one exercise have from their chapter.
OF_CHAPTERS = {
    "K": "K = TrainConfig().num_kv_pairs",
    "generator": "generator = torch.Generator().manual_seed(0)",
}


@dataclass(frozen=True)
class Assignment:
    """Exercises that are given out together.

    Attributes:
        name: of its files: letters, digits, `-`, `_` and dots, after a letter or digit.
        title: what students read.
        exercises: the names of some of `dsf.classroom.EXERCISES`, whose functions all have names
            of their own.
    """

    name: str
    title: str
    exercises: tuple[str, ...]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise ValueError(f"name is {self.name!r}, expected letters, digits, - and _")
        if not self.exercises:
            raise ValueError("exercises is empty, expected names of exercises")
        for name in self.exercises:
            check_choice("exercises", name, EXERCISES)
        functions = [EXERCISES[name].function for name in self.exercises]
        if len({*functions}) < len(functions):
            raise ValueError(f"exercises ask for {', '.join(functions)}, expected each name once")

    def notebook(self, solved: bool = False) -> dict[str, Any]:
        """The notebook, in the format of nbgrader.

        Args:
            solved: whether it is the teacher's version, with the solutions, or the students', with
                the stubs.

        Returns:
            What `json.dump` writes: format 4.5, without outputs.
        """
        cells = [cell.of_notebook() for cell in _cells(self, solved)]
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        about = {"kernelspec": kernel, "language_info": {"name": "python"}}
        return {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}

    def script(self, solved: bool = False) -> str:
        """The same as a Python file, whose cells begin with `# %%`.

        Args:
            solved: as for `notebook`.
        """
        return "\n\n".join(cell.of_script() for cell in _cells(self, solved)) + "\n"


ALL: dict[str, Assignment] = {
    one.name: one
    for one in (
        Assignment(
            "1-attention",
            "Recurrences and attention (chapters 1 to 3)",
            (
                "one-factor",
                "forgetting",
                "sm-monomials",
                "in-one-pass",
                "la-recurrence",
                "windowed",
            ),
        ),
        Assignment(
            "2-state-spaces",
            "Normalisation and state space models (chapters 4 to 6)",
            ("na-places", "na-any", "ss-kernel", "real-spring", "s6-bug", "lasting"),
        ),
        Assignment(
            "3-one-family",
            "Duality, recurrent networks, the map (chapters 7 to 9)",
            ("ssd-gates", "mask-with-resets", "rnn-bug", "rnn-three", "map-gla", "with-bonus"),
        ),
        Assignment(
            "4-recall",
            "Recall, and comparing fairly (chapters 10 and 11)",
            ("four-margins", "silent", "latest", "fair-bug", "permutation"),
        ),
    )
}


# --- cells --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cell:
    """A cell of an assignment; its metadata are those of nbgrader, its id is the one there."""

    kind: str
    id: str
    text: str
    role: str = "locked"  # or "answer", "check"

    def of_notebook(self) -> dict[str, Any]:
        check = self.role == "check"
        about: dict[str, Any] = {
            "grade": check,
            "grade_id": self.id,
            "locked": self.role != "answer",
            "schema_version": 3,
            "solution": self.role == "answer",
            "task": False,
        }
        if check:
            about["points"] = EACH
        cell: dict[str, Any] = {
            "cell_type": self.kind,
            "id": self.id,
            "metadata": {"nbgrader": about},
            "source": self.text,
        }
        return cell | ({"execution_count": None, "outputs": []} if self.kind == "code" else {})

    def of_script(self) -> str:
        if self.kind == "code":
            return f"# %%\n{self.text}"
        lines = [f"# {line}".rstrip() for line in self.text.split("\n")]
        return "\n".join(["# %% [markdown]", *lines])


def _cells(assignment: Assignment, solved: bool) -> Iterator[_Cell]:
    begin = BEGIN.format(points=EACH, requirement=requirement())
    yield _Cell("markdown", "begin", f"# {assignment.title}\n\n{begin.strip()}")
    set_up = _set_up(assignment)
    yield _Cell("code", "set-up", set_up)
    known = {*dir(builtins), *_names(set_up)[0]}
    for name in assignment.exercises:
        task, asked = EXERCISES[name], tasks()[name]
        head = f"## Exercise {asked['number']}: {asked['title']}"
        of = f"*From the chapter “{asked['chapter']}”; numbers in brackets are its equations.*"
        yield _Cell("markdown", f"{name}-text", "\n\n".join([head, of, asked["text"]]))
        if task.given:
            yield _Cell("code", f"{name}-given", _written(task.given))
            known |= _names(_written(task.given))[0]
        for place, code in enumerate(asked["code"]):
            binds, reads = _names(code)
            if reads <= known | binds:
                yield _Cell("code", f"{name}-code-{place}", code)
                known |= binds
            else:  # it needs more of its chapter, and is there to be read
                yield _Cell("markdown", f"{name}-code-{place}", f"```python\n{code}\n```")
        answer = _solution(task) if solved else task.stub()
        yield _Cell("code", name + ANSWER, answer, "answer")
        yield _Cell("code", name, f'classroom.exercise("{name}", {task.function})', "check")


def _names(code: str) -> tuple[set[str], set[str]]:
    """The names that some code binds, and those that it reads, its functions included."""
    found = statements(code)
    return {n for one in found for n in one.binds}, {n for one in found for n in one.reads}


def _set_up(assignment: Assignment) -> str:
    """The imports that solutions and stubs need, and what the cells of the tasks read."""
    lines = {"import torch", "import dsf", "from dsf import classroom"}
    for name in assignment.exercises:
        task = EXERCISES[name]
        for function in filter(None, (task.solution, task.given)):
            lines |= {ast.unparse(one.node) for one in _needs(function) if _is_import(one)}
    codes = [code for name in assignment.exercises for code in tasks()[name]["code"]]
    asked = {name for code in codes for name in _names(code)[1] - _names(code)[0]}
    values = [line for name, line in OF_CHAPTERS.items() if name in asked]
    if "mqar" in asked:
        lines |= {"from dsf import mqar", "from dsf.train import TrainConfig, train"}
    imports = sorted(lines, key=lambda line: ("dsf" in line, line[:4] == "from", line))
    return "\n".join([*imports, *([""] if values else []), *values])


def _solution(task: Exercise) -> str:
    """The solution, with the functions of its own that it calls."""
    given = {name for of in [task.given] if of for one in _needs(of) for name in one.binds}
    return _written(task.solution, leaving=given)


def _needs(function: Any) -> list[Statement]:
    """What a function of an exercise needs of its module, itself included."""
    return needed(_statements(_text(function)), function.__name__)


def _text(function: Any) -> str:
    return inspect.getsource(sys.modules[function.__module__])


@cache
def _statements(text: str) -> list[Statement]:
    return statements(text)


def _is_import(statement: Statement) -> bool:
    return isinstance(statement.node, ast.Import | ast.ImportFrom)


def _written(function: Any, leaving: Collection[str] = ()) -> str:
    """A function and those that it calls, as they are written, but for some names."""
    lines = _text(function).split("\n")
    nodes = [
        one.node for one in _needs(function) if not _is_import(one) and not one.binds & {*leaving}
    ]
    return "\n\n\n".join("\n".join(lines[n.lineno - 1 : n.end_lineno]) for n in nodes)


# --- texts --------------------------------------------------------------------------------------


@cache
def tasks() -> dict[str, dict[str, Any]]:
    """What the chapters say of each exercise: `chapter`, `number`, `title` and `text`, Markdown.

    `code` lists the cells that belong to it, but for the function with the bug.
    """
    path = Path(classroom.__file__).with_name("tasks.json")
    return dict(json.loads(path.read_text(encoding="utf-8")))


@cache
def requirement() -> str:
    """What pip is asked for to get this version of the package."""
    try:
        about = metadata.metadata("dsf-book")
    except metadata.PackageNotFoundError:  # a folder that was not installed
        return "dsf-book"
    addresses = dict(line.split(", ", 1) for line in about.get_all("Project-URL") or [])
    address = addresses.get("Repository")
    return f"dsf-book @ git+{address}@v{about['Version']}" if address else "dsf-book"
