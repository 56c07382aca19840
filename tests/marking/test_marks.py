"""Marks: for what is right, for known mistakes, and for code that tries to be marked otherwise."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsf import classroom
from dsf.classroom import EXERCISES
from dsf.marking import ASSIGNMENTS, Limits, Mark, Submission, best, mark, read
from dsf.marking.assignments import _solution
from dsf.marking.marks import mark_one
from dsf.marking.student import Student
from dsf.marking.submission import of_notebook

Marked = Callable[..., list[Mark]]

MONOMIALS = "import math\ndef features_of(m, p):\n    return math.comb(m + p, p)\n"


@pytest.fixture(scope="module")
def student() -> Iterator[Student]:
    """The process that most tests share; what stops it costs a start."""
    with Student(Submission((), {}), Limits(seconds=30.0), best()) as student:
        yield student


@pytest.fixture
def marked(student: Student) -> Marked:
    """Marks for exercises in cells of code."""

    def marked(names: list[str], *cells: str, answers: dict[str, int] | None = None) -> list[Mark]:
        student.submission = Submission(cells, answers or {})
        return [mark_one(student, name, 1) for name in names]

    return marked


# --- what is right, and what is not -----------------------------------------------------------


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_solved_version_gets_all_and_the_released_nothing(student: Student, name: str) -> None:
    names = ASSIGNMENTS[name].exercises
    student.submission = of_notebook(ASSIGNMENTS[name].notebook(solved=True))
    solved = [mark_one(student, one, 3) for one in names]
    assert [(one.score, str(one)) for one in solved if not one.passed] == []
    student.submission = of_notebook(ASSIGNMENTS[name].notebook())
    released = [mark_one(student, one, 3) for one in names]
    assert [(one.score, str(one)[0]) for one in released] == [(0.0, "○")] * len(names)


@pytest.mark.parametrize("name", ["la-recurrence", "sm-monomials", "ss-kernel", "fair-bug"])
def test_a_known_mistake_is_told_as_the_notebook_tells_it(marked: Marked, name: str) -> None:
    task = EXERCISES[name]
    module = inspect.getsource(inspect.getmodule(task.solution))
    # Not those that call the solution by the name that the wrong function gets here.
    named = [
        wrong
        for wrong in task.mistakes
        if wrong.__name__ in module and task.function not in wrong.__code__.co_names
    ]
    for wrong in named[:2]:
        here = classroom.exercise(name, wrong, seed=1)
        cells = (module, f"{task.function} = {wrong.__name__}")
        [there] = marked([name], *cells)
        assert (there.score, there.message) == (here.score, here.message.replace(", seed 1", ""))
    assert named


def test_part_of_the_cases_is_part_of_the_marks(marked: Marked) -> None:
    code = (
        "import dsf\n"
        "def recurrent_attention(q, k, v):\n"
        "    return dsf.linear_attention(q, k, v) if len(q) == 1 else v\n"
    )
    [one] = marked(["la-recurrence"], code)
    assert not one.passed
    assert one.score == pytest.approx(1 / 3)


def test_arguments_and_results_of_every_kind_cross(marked: Marked) -> None:
    for name in ("stacked", "map-mean", "ss-kernel", "latest", "ranks", "map-bug"):
        task = EXERCISES[name]
        module = inspect.getsource(inspect.getmodule(task.solution))
        module = module.replace(
            "from dsf.classroom.kinds import Draw, Exercise", inspect.getsource(classroom.Draw)
        )
        [one] = marked([name], "import torch\nfrom torch import Tensor", module)
        assert one.passed, f"{name}: {one}"


def test_no_message_names_the_seed(marked: Marked) -> None:
    """Who knows it knows the arguments, and could write a table of the right results."""
    cell = "import torch, dsf\nfrom dsf import feature_maps"
    right, wrong = EXERCISES["la-recurrence"].code(), "def recurrent_attention(q, k, v):\n"
    wrong += "    return torch.round(dsf.linear_attention(q, k, v))"
    for code, passed in ((right, True), (wrong, False), (wrong.replace("round", "no"), False)):
        [one] = marked(["la-recurrence"], cell, code)
        assert one.passed == passed, one
        assert "seed" not in one.message
        assert "cases" in one.message or "q (7, 5)" in one.message


# --- what a student may write -----------------------------------------------------------------


def test_functions_of_ones_own_may_stand_anywhere(marked: Marked) -> None:
    cells = (
        "%matplotlib inline\nfrom math import comb as choose\nfrom dsf import classroom, LTVSystem",
        "def features_of(m, p):\n    return -1",
        "OFFSET = 0",
        "def helper(m, p):\n    return choose(m + p, p) + OFFSET",
        "def features_of(m, p):\n    return helper(m, p)",
        "classroom.exercise('sm-monomials', features_of)",
    )
    assert marked(["sm-monomials"], *cells)[0].passed


def test_experiments_are_not_run(marked: Marked) -> None:
    cells = (
        MONOMIALS,
        "while True: pass",
        "p = 1 / 0\nm = [features_of(k, 2) for k in range(10**9)]",
        "this is no Python",
        "raise SystemExit",
    )
    assert marked(["sm-monomials"], *cells)[0].passed


def test_the_cell_of_an_exercise_counts_before_other_cells(marked: Marked) -> None:
    wrong = "def features_of(m, p):\n    return 0"
    answers = {"sm-monomials": 0}
    assert marked(["sm-monomials"], MONOMIALS, wrong, answers=answers)[0].passed
    assert not marked(["sm-monomials"], MONOMIALS, wrong)[0].passed


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "not started"),
        ("def features_of(m, p):\n    ...", "not started"),
        ("def features_of(m, p):\n    raise NotImplementedError", "not started"),
        ("def features_of(m, p):\n    return (", "is no Python: SyntaxError"),
        ("import nothing\ndef features_of(m, p):\n    return nothing", "cannot be loaded"),
        ("features_of = 3", "This is 3, expected the function"),
        ("def features_of(m):\n    return m", "cannot be called as `features_of(m, p)`"),
        ("def features_of(m, p):\n    pass; m + p", "returns nothing"),
        ("def features_of(m, p):\n    return {1: 2}", "expected"),
        ("def features_of(m, p):\n    return features_of(m, p)", "calls itself without end"),
        ("def features_of(m, p):\n    raise ValueError('no\\nmore')", "raises ValueError: no"),
        (
            "def features_of(m, p):\n    raise ValueError('\\ud800\\x1b[2J')",
            "raises ValueError: [2J",
        ),
        ("class E(Exception):\n    pass\ndef features_of(m, p):\n    raise E", "raises E"),
        ("def features_of(m, p):\n    return m / 0.5 + p", "expected"),
    ],
)
def test_whatever_is_written_gets_a_mark(marked: Marked, code: str, message: str) -> None:
    [one] = marked(["sm-monomials"], code)
    assert message in one.message
    assert not one.passed


# --- what a student may try -------------------------------------------------------------------

PATCHES = """
import gc, sys, torch, numpy, inspect
import dsf
from dsf import check
check.same = print
torch.allclose = torch.equal = lambda *a, **k: True
numpy.isclose = lambda a, b, **k: numpy.ones_like(a, dtype=bool)
numpy.allclose = lambda *a, **k: True
class Always:
    def __eq__(self, other): return True
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
"""


def test_what_a_student_patches_is_patched_for_the_student_alone(
    student: Student, marked: Marked
) -> None:
    patched = "".join(f"    {line}\n" for line in PATCHES.strip().split("\n"))
    before = classroom.exercise("sm-monomials", lambda m, p: 1).score
    for returned in ("Always()", "float('nan')", "numpy.ones(3)"):
        code = f"def features_of(m, p):\n{patched}    return {returned}\n"
        [one] = marked(["sm-monomials"], PATCHES, code)
        assert one.score == 0, returned
    assert classroom.exercise("sm-monomials", lambda m, p: 1).score == before
    student.stop()  # and with its process the patches


@pytest.mark.parametrize(
    "how",
    [
        "from dsf.classroom import EXERCISES",
        "import dsf.classroom; EXERCISES = dsf.classroom.EXERCISES",
        "from dsf.classroom.exercises.softmax_attention import EXERCISES",
    ],
)
def test_the_solution_cannot_be_imported(marked: Marked, how: str) -> None:
    code = f"def features_of(m, p):\n    {how}\n    return EXERCISES['sm-monomials'].solution(m, p)"
    assert "ModuleNotFoundError" in marked(["sm-monomials"], code)[0].message


def test_a_reply_that_is_forged_is_an_answer_like_any_other(
    student: Student, marked: Marked
) -> None:
    code = (
        "import os\n"
        "def features_of(m, p):\n"
        "    for fd in range(3, 30):\n"
        "        try:\n            os.write(fd, {})\n"
        "        except OSError: pass\n"
        "    return 6\n"
    )
    told = [
        r"""b'{"value": 6, "passed": true, "score": 1}\n' * 9""",
        r"""b'{"value": {"system": ["LTVSystem", {}]}}\n'""",
        r"""b'{"value": ' + b'{"list": [' * 50000 + b'\n'""",
        r"""b'x' * 10_000_000""",
        r"""b'{"error": [1, 2, 3]}\n{"error": 3}\n[]\n3\n'""",
    ]
    for one in told:
        assert not marked(["sm-monomials"], code.format(one))[0].passed, one
        student.stop()  # what it has still to say would answer the next questions


def test_a_system_too_large_to_be_compared_is_refused(marked: Marked) -> None:
    code = "import dsf, torch\ndef real_spring(radius, angle, L):\n    one = torch.ones({})\n"
    code += "    return dsf.LTVSystem(one, one, one)"
    for shape, length in (("2000, 1, 1", 2000), ("64, 40, 3", 64)):
        [one] = marked(["real-spring"], code.format(shape))
        assert not one.passed
        assert ("too large to be compared" in one.message) == (length > 256), one


def test_what_stops_the_process_costs_the_exercise_alone() -> None:
    for stop in ("while True: pass", "import os; os._exit(0)", "return 'x' * (1 << 24)"):
        bad = f"def recurrent_attention(q, k, v):\n    {stop}"
        first, second = mark(
            Submission((MONOMIALS, bad), {}),
            ["la-recurrence", "sm-monomials"],
            limits=Limits(seconds=5.0),
        )
        assert (first.score, second.score) == (0, 1), first


def test_a_function_with_another_name_is_named(marked: Marked) -> None:
    said = "✗ no function `features_of` found (there is `features_off`)"
    wrong = MONOMIALS.replace("features_of", "features_off")
    assert str(marked(["sm-monomials"], wrong)[0]) == said
    other = wrong.replace("features_off", "mine")
    [one] = marked(["sm-monomials"], other, answers={"sm-monomials": 0})
    assert one.message.endswith("(there is `mine`)")
    assert "not started" in marked(["sm-monomials"], other)[0].message, "any helper may be that"


# --- files ------------------------------------------------------------------------------------


def test_notebooks_and_python_files_are_read_and_others_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(MONOMIALS)
    assert read(tmp_path / "a.py") == Submission((MONOMIALS,), {})
    cell = {"cell_type": "code", "source": ["x = 1\n", "y = 2"], "metadata": {}}
    text = {"cell_type": "markdown", "source": "x"}
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [text, cell]}))
    assert read(tmp_path / "a.ipynb").cells == ("x = 1\ny = 2",)
    for wrong in ("[]", "{", '{"cells": 3}', '{"cells": [[]]}', "[" * 10**5):
        (tmp_path / "b.ipynb").write_text(wrong)
        with pytest.raises(ValueError, match=r"b\.ipynb', expected a notebook"):
            read(tmp_path / "b.ipynb")
    with pytest.raises(ValueError, match=r"expected a file \.ipynb or \.py"):
        read(tmp_path / "a.txt")


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="names is 'no', expected one of"):
        mark(Submission((), {}), ["no"])
    with pytest.raises(ValueError, match="seed is -1, expected"):
        mark(Submission((), {}), ["ring"], seed=-1)


def test_the_solution_of_an_assignment_is_written_as_the_exercise_has_it() -> None:
    for assignment in ASSIGNMENTS.values():
        for name in assignment.exercises:
            assert EXERCISES[name].code() in _solution(EXERCISES[name])
