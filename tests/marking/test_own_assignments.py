"""An assignment that a teacher puts together: all that is written for it marks it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dsf import cli
from dsf.marking import Assignment, assignment, write_course


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with an assignment that the book does not have."""
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dsf.marking.course.find_spec", lambda name: None)
        title = 'Two that I\'ve "chosen"'
        write_course(folder, [Assignment("week-2", title, ("sm-monomials", "na-bug"))], seed=7)
    return folder


def outcome(folder: Path) -> str:
    """What pytest says in a folder that holds what was handed in."""
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_week_2.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    return run.stdout + run.stderr


def test_its_test_file_marks_it(own: Path) -> None:
    said = outcome(own / "pytest" / "week-2")
    assert "2 failed" in said
    assert "○ not started. Write `features_of` above." in said


def test_its_test_file_prefers_the_notebook_and_says_so(own: Path, tmp_path: Path) -> None:
    shutil.copytree(own / "pytest" / "week-2", tmp_path, dirs_exist_ok=True)
    shutil.copy(own / "source" / "week-2" / "week-2.ipynb", tmp_path)
    said = outcome(tmp_path)
    assert "2 passed" in said
    assert "week-2.ipynb and week-2.py: the notebook is marked" in said


def test_its_test_file_fails_plainly_where_it_cannot_choose(own: Path, tmp_path: Path) -> None:
    shutil.copy(own / "pytest" / "week-2" / "test_week_2.py", tmp_path)
    for name in ("a.ipynb", "b.ipynb"):
        (tmp_path / name).touch()
    said = outcome(tmp_path)
    assert "2 failed" in said, "no exercise may pass unmarked"
    assert "with a.ipynb, b.ipynb, expected one notebook or Python file, week-2.ipynb" in said
    assert "Traceback" not in said
    assert "During handling" not in said


def test_the_command_marks_it_by_its_folder_or_its_exercises(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solved = str(own / "source" / "week-2" / "week-2.ipynb")
    line = (own / "gradescope" / "week-2" / "run_autograder").read_text().rstrip().split("\n")[-1]
    of_gradescope = line.split()[2]
    for told in ("sm-monomials,na-bug", str(own / "release" / "week-2"), of_gradescope):
        assert cli.main(["mark", told, solved]) == 0
        assert "week-2.ipynb: 20 of 20" in " ".join(capsys.readouterr().out.split())
    assert assignment(of_gradescope).name == "week-2"
    assert cli.main(["mark", "sm-monomials,no", solved]) == 2
    assert "exercises is 'no', expected one of" in capsys.readouterr().err
    assert cli.main(["mark", str(tmp_path), solved]) == 2
    assert "with no notebook, expected one notebook in it" in capsys.readouterr().err


def test_gradescope_stops_with_a_sentence_where_python_is_too_old(
    own: Path, tmp_path: Path
) -> None:
    programs = {
        "apt-get": "exit 0",
        "pip": "touch installed",
        "python3": "echo Python 3.10.12\nexit 1",
    }
    for name, does in programs.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    script = own / "gradescope" / "week-2" / "setup.sh"
    path = f"{tmp_path}:{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "This image has Python 3.10.12, expected Python 3.11 or newer" in run.stderr
    assert "Ubuntu 24.04" in run.stderr
    assert not (tmp_path / "installed").exists()
