"""What a teacher gives out: complete, without solutions in the students' version, in step."""

import csv
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from dsf import cli
from dsf.classroom import EXERCISES
from dsf.marking import (
    ASSIGNMENTS,
    POINTS,
    Assignment,
    best,
    gradescope,
    handed_in,
    write_course,
)
from dsf.marking.assignments import tasks
from dsf.marking.marks import Mark

ALL = list(ASSIGNMENTS)
ONE = ASSIGNMENTS["1-attention"]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course as it is written where nbgrader is missing."""
    folder = tmp_path_factory.mktemp("course")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dsf.marking.course.find_spec", lambda name: None)
        write_course(folder, seed=7)
    return folder


def notebook(course: Path, version: str, name: str) -> nbformat.NotebookNode:
    found = nbformat.read(course / version / name / f"{name}.ipynb", as_version=4)
    nbformat.validate(found)
    return found


def only(cells: nbformat.NotebookNode, grade_id: str) -> nbformat.NotebookNode:
    [cell] = [one for one in cells if one.metadata.nbgrader.grade_id == grade_id]
    return cell


# --- notebooks --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_each_exercise_has_its_text_its_cell_and_its_check(course: Path, name: str) -> None:
    for version in ("source", "release"):
        cells = notebook(course, version, name).cells
        ids = [cell.metadata.nbgrader.grade_id for cell in cells]
        assert len(set(ids)) == len(ids)
        for one in ASSIGNMENTS[name].exercises:
            exercise = EXERCISES[one]
            assert tasks()[one]["text"] in only(cells, f"{one}-text").source
            answer, check = only(cells, f"{one}-answer"), only(cells, one)
            wanted = exercise.code() if version == "source" else exercise.stub()
            assert wanted in answer.source
            about = answer.metadata.nbgrader
            assert (about.solution, about.grade, about.locked) == (True, False, False)
            about = check.metadata.nbgrader
            assert (about.solution, about.grade, about.locked) == (False, True, True)
            assert about.points == POINTS
            assert check.source == f'classroom.exercise("{one}", {exercise.function})'


@pytest.mark.parametrize("name", ALL)
def test_students_get_no_solution(course: Path, name: str) -> None:
    release = course / "release" / name / f"{name}.ipynb"
    script = course / "pytest" / name / f"{name}.py"
    code = [cell.source for cell in notebook(course, "release", name).cells]
    for one in ASSIGNMENTS[name].exercises:
        lines = EXERCISES[one].code().split("\n")
        own = [line for line in lines if line not in "\n".join([EXERCISES[one].stub(), *code])]
        assert own, "a solution that is not in the stub"
        for line in own:
            assert json.dumps(line)[1:-1] not in release.read_text(encoding="utf-8")
            assert line not in script.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ALL)
def test_the_teachers_version_runs_and_every_check_passes(
    course: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    space: dict[str, object] = {}
    for cell in notebook(course, "source", name).cells:
        if cell.cell_type == "code":
            about = cell.metadata.nbgrader
            if about.grade:
                assert eval(cell.source, space).passed, cell.source
            else:
                exec(cell.source, space)
    for cell in notebook(course, "release", name).cells:  # and the students' one raises nothing
        if cell.cell_type == "code":
            if cell.metadata.nbgrader.grade:
                assert "not started" in str(eval(cell.source, space))
            else:
                exec(cell.source, space)


def test_a_task_comes_with_the_cells_it_speaks_of(course: Path) -> None:
    space: dict[str, object] = {}
    for cell in notebook(course, "release", "4-recall").cells:
        if cell.cell_type == "code" and not cell.metadata.nbgrader.grade:
            exec(cell.source, space)
    margins, reported = space["m"], space["reported"]
    assert len(margins) == 4
    assert abs(margins @ margins.new_tensor([1, -1, -1, 1])) < 1e-9
    assert reported(space["report"]) > 0.51, "the bug can be seen"
    whole = Assignment("own", "Own", ("sm-overflow",)).notebook()
    cells = {cell["id"]: cell for cell in whole["cells"]}
    assert cells["sm-overflow-code-0"]["cell_type"] == "markdown", "it needs more of its chapter"


def test_assignments_go_through_the_book_with_bugs_and_challenges() -> None:
    chapters = {
        tasks()[one]["number"].split(".")[0] for a in ALL for one in ASSIGNMENTS[a].exercises
    }
    assert {int(chapter) for chapter in chapters} == {*range(1, 12)}
    for name in ALL:
        asked = [EXERCISES[one] for one in ASSIGNMENTS[name].exercises]
        assert 4 <= len(asked) <= 6
        assert any(one.given for one in asked)
        assert any(not one.published for one in asked)


def test_texts_are_there_for_all_exercises_and_lead_nowhere_else() -> None:
    assert sorted(tasks()) == sorted(EXERCISES)
    for name, task in tasks().items():
        assert task["text"], name
        assert ".ipynb" not in task["text"], name
        assert "](#" not in task["text"], name


def test_an_assignment_has_a_name_for_files_and_at_least_one_exercise() -> None:
    for name in ("", "a b", "../up", "a=b", "it's"):
        with pytest.raises(ValueError, match=r"name is .*, expected letters"):
            Assignment(name, "A", ("la-bug",))
    with pytest.raises(ValueError, match="exercises is empty"):
        Assignment("a", "A", ())


def test_functions_of_an_assignment_have_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="mended, mended, expected each name once"):
        Assignment("two", "Two bugs", ("la-bug", "na-bug"))
    with pytest.raises(ValueError, match="exercises is 'no', expected one of"):
        Assignment("none", "None", ("no",))


# --- the folder -------------------------------------------------------------------------------


def test_written_again_it_keeps_settings_and_what_was_handed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsf.marking.course.find_spec", lambda name: None)
    write_course(tmp_path, [ONE], seed=7)
    config = tmp_path / "nbgrader_config.py"
    assert "c.Mark.seed = 7" in config.read_text()
    config.write_text("mine")
    handed = tmp_path / "submitted" / "ada" / "work.ipynb"
    handed.parent.mkdir(parents=True)
    handed.write_text("hers")
    write_course(tmp_path, [ONE], seed=8)
    assert config.read_text() == "mine"
    assert handed.read_text() == "hers"


def test_the_command_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dsf.marking.course.find_spec", lambda name: None)
    assert cli.main(["assignments", str(tmp_path), "--seed", "3"]) == 0
    assert {path.name for path in (tmp_path / "source").iterdir()} == {*ALL}
    said = " ".join(capsys.readouterr().out.split())
    assert "mark by `dsf mark NAME FILES`; the seed of the random arguments is in" in said
    assert "nbgrader_config.py, which students" in said.split("seed of", 1)[1]
    assert cli.main(["assignments", str(tmp_path), "--seed", "-1"]) == 2
    assert "seed is -1, expected" in capsys.readouterr().err


# --- without nbgrader -------------------------------------------------------------------------


def test_pytest_tells_each_exercise_with_its_message(course: Path, tmp_path: Path) -> None:
    folder = course / "pytest" / ONE.name
    text = (folder / f"{ONE.name}.py").read_text(encoding="utf-8")
    done = text.replace(EXERCISES["sm-monomials"].stub(), EXERCISES["sm-monomials"].code())
    half = "def recurrent_attention(q, k, v):\n    import dsf\n"
    half += "    return dsf.linear_attention(q, k, v) if len(q) == 1 else v\n"
    (tmp_path / f"{ONE.name}.py").write_text(f"{done}\n{half}", encoding="utf-8")
    test = tmp_path / "test_1_attention.py"
    test.write_text((folder / test.name).read_text(encoding="utf-8"), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "--junitxml=r.xml"]
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [*command, test.name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert "PASSED test_1_attention.py::test_exercise[sm-monomials]" in run.stdout, run.stdout
    assert "5 failed, 1 passed" in run.stdout
    assert "○ not started. Write `windowed` above." in run.stdout
    assert "(33% of it holds)" in run.stdout
    assert 'name="score" value="0.333' in (tmp_path / "r.xml").read_text()


def test_gradescope_gets_a_test_for_each_exercise(
    course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marks = [
        Mark("sm-monomials", True, 1.0, "right"),
        Mark("la-recurrence", False, 1 / 3, "is wrong"),
    ]
    assert gradescope(marks) == {
        "score": 13.33,
        "tests": [
            {
                "name": test,
                "score": score,
                "max_score": 10,
                "status": status,
                "output": output,
                "output_format": "text",
                "visibility": "visible",
            }
            for test, score, status, output in (
                ("Exercise 2.3 (sm-monomials)", 10.0, "passed", "✓ right"),
                ("Exercise 3.2 (la-recurrence)", 3.33, "failed", "✗ is wrong"),
            )
        ],
    }
    folder = course / "gradescope" / ONE.name
    with zipfile.ZipFile(folder.with_suffix(".zip")) as archive:
        assert sorted(archive.namelist()) == ["run_autograder", "setup.sh"]
        modes = {info.external_attr >> 16 & 0o111 for info in archive.infolist()}
        assert modes == {0o111}
    for name in ("run_autograder", "setup.sh"):
        assert subprocess.run(["bash", "-n", folder / name]).returncode == 0
    line = (folder / "run_autograder").read_text().rstrip().split("\n")[-1]
    handed, results = tmp_path / "submission", tmp_path / "results.json"
    handed.mkdir()
    source = course / "source" / ONE.name / f"{ONE.name}.ipynb"
    (handed / "whatever.ipynb").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    line = line.replace("/autograder/submission", str(handed))
    line = line.replace("/autograder/results/results.json", str(results))
    program, *arguments = line.split()
    assert program == "dsf"
    assert cli.main(arguments) == 0
    told = json.loads(results.read_text(encoding="utf-8"))
    assert told["score"] == POINTS * len(ONE.exercises)
    assert {test["status"] for test in told["tests"]} == {"passed"}
    assert "60       of 60" in capsys.readouterr().out


def test_what_was_handed_in_is_found(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="with nothing, expected one notebook or Python file"):
        handed_in(tmp_path, ONE)
    (tmp_path / "mine.ipynb").touch()
    (tmp_path / "test_1_attention.py").touch()
    assert handed_in(tmp_path, ONE).name == "mine.ipynb"
    (tmp_path / "1-attention.py").touch()
    assert handed_in(tmp_path, ONE).name == "1-attention.py"
    (tmp_path / "1-attention.ipynb").touch()
    with pytest.warns(UserWarning, match=r"1-attention\.py: the notebook is marked"):
        assert handed_in(tmp_path, ONE).name == "1-attention.ipynb"
    (tmp_path / "1-attention.ipynb").rename(tmp_path / "other.ipynb")
    (tmp_path / "1-attention.py").unlink()
    with pytest.raises(ValueError, match=r"with mine\.ipynb, other\.ipynb, expected one"):
        handed_in(tmp_path, ONE)
    assert handed_in(tmp_path / "mine.ipynb", ONE).name == "mine.ipynb"


def test_a_file_that_cannot_be_read_costs_its_own_marks_alone(
    course: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, results = tmp_path / "broken.ipynb", tmp_path / "results.json"
    broken.write_text("{")
    released = course / "release" / ONE.name
    paths = [str(broken), str(tmp_path / "none"), str(released)]
    table = tmp_path / "marks.csv"
    assert cli.main(["mark", ONE.name, *paths, "--csv", str(table)]) == 1
    said = capsys.readouterr()
    assert said.out.count("of 60") == 2 * 2, "a table and a line for each that is there"
    assert f"{broken}: 0 of 60" in said.out
    assert f"confined by {best()}" in said.out
    assert said.out.count("○ not started") == 6
    assert "expected a notebook" in said.err
    assert f"path is '{tmp_path / 'none'}', which does not exist" in said.err
    assert "none" not in said.out.replace(str(released), "")
    with table.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["file", *ONE.exercises, "points", "of"]
    assert lines[1] == [str(broken), *["0.0"] * 6, "0.0", "60"]
    assert [line[0] for line in lines[2:]] == [str(released / f"{ONE.name}.ipynb")]
    assert cli.main(["mark", ONE.name, str(broken), "--gradescope", str(results)]) == 0
    told = json.loads(results.read_text(encoding="utf-8"))
    assert told["score"] == 0
    assert "expected a notebook" in told["tests"][0]["output"]


def test_the_command_marks_no_other_assignment(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["mark", "9-none", "."]) == 2
    assert "assignment is '9-none', expected one of 1-attention" in capsys.readouterr().err
