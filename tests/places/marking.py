"""A course with nbgrader from start to end, in an environment of its own: `make test-all`.

The students are one who has solved all, one who has done nothing, one with known mistakes, and
some who would rather have marks than solve anything, or whose code does harm.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from environments import ROOT, call, install_torch, pip, say, virtual_environment
from nbformat import NotebookNode, v4

from dsf.classroom import EXERCISES
from dsf.marking import ASSIGNMENTS, POINTS

NAME = "1-attention"
NAMES = ASSIGNMENTS[NAME].exercises
LOOP = "sm-monomials"  # the exercise whose function the others below change

# What a cell of experiments at the top of a notebook tries.
PATCHES = """\
import sys, torch, dsf, numpy
from dsf import check, classroom
check.same = print
classroom.exercise = lambda *a, **k: 10
classroom.Result.__init__ = lambda self, *a: None
sys.displayhook = lambda value: print(10)
torch.allclose = torch.equal = lambda *a, **k: True
numpy.isclose = lambda a, b, **k: numpy.ones_like(a, dtype=bool)
"""
CHEAT = """\
def {function}(*args):
    {patches}
    from dsf.classroom import EXERCISES
    return EXERCISES["{name}"].solution(*args)
"""
ENDLESS = "def features_of(m, p):\n    while True: pass"
HUGE = "def features_of(m, p):\n    return len(bytearray(64 << 30))"
WRITES = """\
def features_of(m, p):
    import os, shutil
    for path in {paths}:
        for harm in (lambda: open(path, "w"), lambda: os.remove(path), lambda: shutil.rmtree(path)):
            try:
                harm()
            except OSError:
                pass
    return 0
"""


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a teacher: the package with what the extra `marking` brings."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy2(ROOT / name, source / name)
    shutil.copytree(ROOT / "dsf", source / "dsf", ignore=shutil.ignore_patterns("__pycache__"))
    python = virtual_environment("marking")
    install_torch(python)
    pip(python, "install", "--quiet", f"dsf-book[marking] @ {source.as_uri()}")
    assert "No broken requirements" in pip(python, "check")
    return python


@pytest.fixture(scope="session")
def nbgrader(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Runs nbgrader in a folder, as somebody whose path leads to its environment."""
    home = tmp_path_factory.mktemp("home")
    path = f"{python.parent}:/usr/local/bin:/usr/bin:/bin"

    def nbgrader(folder: Path, *arguments: str) -> str:
        return call(python.parent / "nbgrader", *arguments, cwd=folder, PATH=path, HOME=str(home))

    return nbgrader


@pytest.fixture(scope="session")
def course(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the course, as `dsf assignments` leaves it."""
    folder = tmp_path_factory.mktemp("teacher") / "course"
    call(python.parent / "dsf", "assignments", folder, "--seed", "11")
    with (folder / "nbgrader_config.py").open("a") as config:
        config.write(f"c.Exchange.root = {str(folder.parent / 'exchange')!r}\n")
        config.write("c.Exchange.path_includes_course = False\nc.Mark.seconds = 5.0\n")
    (folder.parent / "exchange").mkdir(mode=0o777)
    (folder.parent / "exchange").chmod(0o777)
    return folder


def released(course: Path) -> NotebookNode:
    return nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", as_version=4)


def answered(course: Path, answers: dict[str, str], before: str = "") -> NotebookNode:
    """What a student makes of the released notebook."""
    notebook = released(course)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removesuffix("-answer")
        if cell.metadata.get("nbgrader", {}).get("solution") and name in answers:
            cell.source = answers[name]
    if before:
        notebook.cells.insert(2, v4.new_code_cell(before))
    return notebook


def hand_in(course: Path, student: str, notebook: NotebookNode) -> None:
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{NAME}.ipynb")


def scores(course: Path) -> dict[str, dict[str, float]]:
    """The points of each student for each exercise, out of nbgrader's gradebook."""
    query = """
        select submitted_assignment.student_id, base_cell.name, grade.auto_score
        from grade
        join base_cell on base_cell.id = grade.cell_id
        join submitted_notebook on submitted_notebook.id = grade.notebook_id
        join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
    """
    found: dict[str, dict[str, float]] = {}
    with sqlite3.connect(course / "gradebook.db") as gradebook:
        for student, name, score in gradebook.execute(query):
            found.setdefault(student, {})[name] = score
    return found


SOLVED = {name: EXERCISES[name].code() for name in NAMES}
MISTAKEN = {
    "one-factor": EXERCISES["one-factor"].code().replace("b[j]", "b[i]"),
    "sm-monomials": "def features_of(m, p):\n    return m**p",
    "la-recurrence": (
        "def recurrent_attention(q, k, v):\n"
        "    return dsf.linear_attention(q, k, v) if len(q) == 1 else v"
    ),
}


@pytest.fixture(scope="session")
def marked(course: Path, nbgrader: Callable[..., str]) -> dict[str, dict[str, float]]:
    """The gradebook, after all have handed in and all were marked at once."""
    nbgrader(course, "release_assignment", NAME)
    desk = course.parent / "desk"
    desk.mkdir()
    shutil.copy2(course / "nbgrader_config.py", desk)
    with (desk / "nbgrader_config.py").open("a") as config:
        config.write("c.CourseDirectory.root = '.'\n")
    nbgrader(desk, "fetch_assignment", NAME)
    nbformat.write(answered(course, SOLVED), desk / NAME / f"{NAME}.ipynb")
    nbgrader(desk, "submit", NAME)
    nbgrader(course, "collect", NAME)
    [collected] = (course / "submitted").iterdir()
    collected.rename(collected.with_name("solved"))

    victim = course.parent / "victim"
    victim.mkdir()
    (victim / "kept").write_text("kept")
    paths = [str(course / "gradebook.db"), str(course / "source"), str(victim / "kept")]
    patches = PATCHES.replace("\n", "\n    ").rstrip()
    hand_in(course, "untouched", released(course))
    hand_in(course, "mistaken", answered(course, SOLVED | MISTAKEN))
    hand_in(course, "endless", answered(course, SOLVED | {LOOP: ENDLESS}, "while True: pass"))
    hand_in(course, "huge", answered(course, SOLVED | {LOOP: HUGE}))
    hand_in(course, "writes", answered(course, SOLVED | {LOOP: WRITES.format(paths=paths)}))
    cheats = {
        name: CHEAT.format(function=EXERCISES[name].function, patches=patches, name=name)
        for name in NAMES
    }
    hand_in(course, "cheats", answered(course, cheats, PATCHES))
    said = nbgrader(course, "autograde", NAME)
    for line in said.splitlines():
        if "confined by" in line or "ERROR" in line:
            say(line)
    return scores(course)


def test_what_is_solved_gets_all_points(marked: dict[str, dict[str, float]]) -> None:
    assert marked["solved"] == dict.fromkeys(NAMES, POINTS)


def test_what_is_untouched_gets_none(marked: dict[str, dict[str, float]]) -> None:
    assert marked["untouched"] == dict.fromkeys(NAMES, 0)


def test_mistakes_get_the_points_of_what_is_right(marked: dict[str, dict[str, float]]) -> None:
    assert marked["mistaken"] == dict.fromkeys(NAMES, POINTS) | {
        "one-factor": pytest.approx(POINTS / 3, abs=0.01),
        "sm-monomials": 0,
        "la-recurrence": pytest.approx(POINTS / 3, abs=0.01),
    }


@pytest.mark.parametrize("student", ["endless", "huge"])
def test_what_takes_too_much_costs_its_exercise(
    marked: dict[str, dict[str, float]], student: str
) -> None:
    assert marked[student] == dict.fromkeys(NAMES, POINTS) | {LOOP: 0}


def test_what_writes_elsewhere_does_no_harm(
    course: Path, python: Path, marked: dict[str, dict[str, float]]
) -> None:
    level = call(python, "-c", "from dsf.marking import best; print(best())").strip()
    say(f"confined by {level}")
    if level == "limits":
        pytest.skip("neither bubblewrap nor root: the file system is not kept from submissions")
    assert marked["writes"] == dict.fromkeys(NAMES, POINTS) | {LOOP: 0}
    assert (course.parent / "victim" / "kept").read_text() == "kept"
    assert (course / "source" / NAME / f"{NAME}.ipynb").exists()


def test_what_patches_the_checks_gets_nothing(marked: dict[str, dict[str, float]]) -> None:
    assert marked["cheats"] == dict.fromkeys(NAMES, 0)


def test_the_release_of_nbgrader_is_the_one_that_is_written_without_it(course: Path) -> None:
    ours = {cell["id"]: cell["source"] for cell in ASSIGNMENTS[NAME].notebook()["cells"]}
    theirs = {cell.metadata.nbgrader.grade_id: cell.source for cell in released(course).cells}
    assert {name: text for name, text in theirs.items() if name != "begin"} == {
        name: text for name, text in ours.items() if name != "begin"
    }


def test_feedback_says_what_the_check_said(
    course: Path, nbgrader: Callable[..., str], marked: dict[str, dict[str, float]]
) -> None:
    nbgrader(course, "generate_feedback", NAME, "--student", "mistaken")
    [page] = (course / "feedback" / "mistaken").rglob("*.html")
    assert "`features_of`" in page.read_text(encoding="utf-8")


def test_a_check_that_is_no_exercise_is_refused(
    course: Path, nbgrader: Callable[..., str], python: Path
) -> None:
    own = course / "source" / "own" / "own.ipynb"
    own.parent.mkdir()
    notebook = json.loads((course / "source" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))
    text = json.dumps(notebook).replace('"grade_id": "windowed"', '"grade_id": "mine"')
    own.write_text(text, encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match="mark this one by hand"):
        nbgrader(course, "generate_assignment", "own")
