"""A folder with all that a teacher gives out and marks with: `dsf assignments FOLDER`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from dsf.marking.assignments import ALL, Assignment, requirement
from dsf.marking.marks import given_or_drawn

CONFIG = '''\
"""Settings of nbgrader for this course, made by `dsf assignments`; yours to change."""

from dsf.marking.nbgrader import configure

c = get_config()
c.CourseDirectory.course_id = "dsf"
configure(c)  # marks without executing what was handed in
c.Mark.seed = {seed}  # of the random arguments, the same for all
c.Mark.seconds = 10.0  # for one exercise
c.Mark.memory = 1 << 30  # bytes that a student's code may take
c.Mark.level = ""  # "namespaces" marks nothing where bubblewrap does not work
'''

TEST = '''\
"""Marks {name}.ipynb or {name}.py in this folder, an exercise a test: pytest {file}

It needs pytest (`pip install pytest`) and the package of the book. What was handed in is not
imported here: it runs in a confined process of its own. Of a notebook and a Python file of one
name the notebook is marked.
"""

from pathlib import Path

import pytest

from dsf import marking

ASSIGNMENT = marking.Assignment(
    {name!r},
    {title!r},
    (
{exercises}
    ),
)


@pytest.fixture(scope="module")
def marks():
    try:
        path = marking.handed_in(Path(__file__).parent, ASSIGNMENT)
        submission = marking.read(path)
    except (ValueError, OSError) as error:
        return str(error)
    made = marking.mark(submission, ASSIGNMENT.exercises)
    return {{one.name: one for one in made}}


@pytest.mark.parametrize("name", ASSIGNMENT.exercises)
def test_exercise(name, marks, record_property):
    if isinstance(marks, str):  # every exercise fails: none may pass where it is run alone
        pytest.fail(marks, pytrace=False)
    record_property("score", marks[name].score)
    if not marks[name].passed:
        pytest.fail(f"{{marks[name]}} ({{marks[name].score:.0%}} of it holds)", pytrace=False)
'''

SETUP = """\
#!/usr/bin/env bash
# Installs what the marking needs into the container of Gradescope. Its base image has to be
# Ubuntu 24.04, or another system of Debian's with Python 3.11 or newer.
set -euo pipefail
apt-get update -qq
apt-get install -y -qq python3-pip git bubblewrap
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "This image has $(python3 --version), expected Python 3.11 or newer:" >&2
    echo "choose Ubuntu 24.04 as the base image of the autograder." >&2
    exit 1
fi
pip install --break-system-packages --index-url https://download.pytorch.org/whl/cpu torch
pip install --break-system-packages "{requirement}"
"""

RUN = """\
#!/usr/bin/env bash
# Marks what lies in /autograder/submission.
set -euo pipefail
dsf mark {name}={exercises} /autograder/submission --gradescope /autograder/results/results.json
"""


def write_course(
    folder: Path,
    assignments: Iterable[Assignment] = tuple(ALL.values()),
    seed: int | None = None,
) -> list[Path]:
    """Write a course for nbgrader, with the files that pytest and Gradescope need.

    `source` holds the teacher's notebooks, with solutions; `release` the students', also as Python
    files; `nbgrader_config.py` the settings, which stay as they are where there are some already;
    `pytest` a test file for each assignment, and `gradescope` an autograder to upload. Gradebook
    and submissions are left alone. Where nbgrader is installed it makes `release` once more and
    enters the assignments into the gradebook.

    Args:
        folder: made where it is missing.
        assignments: what to give out.
        seed: for the settings, of the random arguments; drawn if None.

    Returns:
        The files, of this function's own.

    Raises:
        ValueError: the seed is no integer, or nbgrader refuses.
    """
    number = given_or_drawn(seed)
    chosen = list(assignments)
    texts: dict[str, str] = {}
    if not (folder / "nbgrader_config.py").exists():
        texts["nbgrader_config.py"] = CONFIG.format(seed=number)
    for one in chosen:
        texts |= _texts(one)
    written = []
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    for one in chosen:
        _zip(folder / "gradescope" / one.name)
    if find_spec("nbgrader") is not None:
        from dsf.marking import nbgrader

        nbgrader.generate(folder, [one.name for one in chosen])
    return written


def _texts(one: Assignment) -> dict[str, str]:
    """The files of an assignment, by their places in the folder."""
    name, file = one.name, f"test_{one.name.replace('-', '_')}.py"
    return {
        f"source/{name}/{name}.ipynb": _json(one.notebook(solved=True)),
        f"release/{name}/{name}.ipynb": _json(one.notebook()),
        f"pytest/{name}/{name}.py": one.script(),
        f"pytest/{name}/{file}": TEST.format(
            name=name,
            file=file,
            title=one.title,
            exercises="\n".join(f"        {exercise!r}," for exercise in one.exercises),
        ),
        f"gradescope/{name}/setup.sh": SETUP.format(requirement=requirement()),
        f"gradescope/{name}/run_autograder": RUN.format(
            name=name, exercises=",".join(one.exercises)
        ),
    }


def _json(notebook: object) -> str:
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _zip(folder: Path) -> None:
    """The file to upload to Gradescope, whose programs can be executed."""
    for path in folder.iterdir():
        path.chmod(0o755)
    shutil.make_archive(str(folder), "zip", folder)
