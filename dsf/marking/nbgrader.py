"""nbgrader makes the students' version and the marks by this package, and runs nothing itself.

`nbgrader generate_assignment` puts the stub of each exercise in the place of its solution.
`nbgrader autograde` does not execute the notebook that a student has handed in: `Mark` stands in
the place of its `Execute`, takes the text of the functions, and writes the points below each
check. A kernel in which a student's code has run could be made to say anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from dsf._extras import missing
from dsf.classroom import EXERCISES
from dsf.marking.confine import Level, Limits, check_level
from dsf.marking.marks import mark
from dsf.marking.submission import ANSWER, of_notebook

try:
    from nbformat.notebooknode import from_dict
    from nbgrader import utils
    from nbgrader.api import Gradebook
    from nbgrader.apps import NbGraderAPI
    from nbgrader.converters import Autograde, GenerateAssignment
    from nbgrader.preprocessors import ClearSolutions, Execute, NbGraderPreprocessor
    from traitlets import Float, Integer, Unicode
    from traitlets.config.loader import PyFileConfigLoader
except ModuleNotFoundError as error:
    raise missing(error, "marking") from error

__all__ = ["Mark", "Stub", "configure", "generate"]

BY_HAND = "dsf.marking runs no cells but the checks of its exercises: mark this one by hand"


def configure(c: Any) -> None:
    """Let nbgrader use this package, in `nbgrader_config.py`.

    Args:
        c: what `get_config()` returns there.
    """
    release = _steps(GenerateAssignment, "preprocessors")
    after = release.index(ClearSolutions) + 1
    c.GenerateAssignment.preprocessors = [*release[:after], Stub, *release[after:]]
    marking = _steps(Autograde, "autograde_preprocessors")
    c.Autograde.autograde_preprocessors = [Mark if one is Execute else one for one in marking]


def generate(folder: Path, names: Iterable[str]) -> None:
    """Make the students' versions in a course, and enter them into its gradebook.

    Args:
        folder: of the course, with `nbgrader_config.py` and `source`.
        names: of the assignments.

    Raises:
        ValueError: nbgrader refuses; what it says is in it.
    """
    config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
    config.CourseDirectory.root = str(folder.resolve())
    # nbgrader calls a program that lies beside its Python, also where that is not on the path.
    beside, before = str(Path(sys.executable).parent), os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([beside, before])
    try:
        api = NbGraderAPI(config=config)
        for name in names:
            done = api.generate_assignment(name, force=True)
            if not done["success"]:
                raise ValueError(f"nbgrader refuses {name}: {done.get('log')}{done.get('error')}")
    finally:
        os.environ["PATH"] = before


def _steps(converter: Any, name: str) -> list[Any]:
    """What a converter of nbgrader does by default, one after another."""
    return list(converter.class_traits()[name].default())


class Stub(NbGraderPreprocessor):  # type: ignore[misc, unused-ignore]
    """Puts the stub of its exercise into each cell that students write in."""

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Change a cell, if it is one; refuse one that would be marked by running it.

        Raises:
            ValueError: a check of something that is no exercise of `dsf.classroom`.
        """
        about = cell.metadata.get("nbgrader", {})
        name = about.get("grade_id", "")
        if name.removesuffix(ANSWER) in EXERCISES and utils.is_solution(cell):
            cell.source = EXERCISES[name.removesuffix(ANSWER)].stub()
        elif _is_check(cell) and name not in EXERCISES:
            raise ValueError(f"grade_id is {name!r}, expected an exercise; {BY_HAND}")
        return cell, resources


class Mark(NbGraderPreprocessor):  # type: ignore[misc, unused-ignore]
    """Marks a notebook without executing it."""

    seed = Integer(None, allow_none=True, help="of the random arguments; drawn if None").tag(
        config=True
    )
    seconds = Float(Limits.seconds, help="for one exercise").tag(config=True)
    memory = Integer(Limits.memory, help="bytes that a student's code may take").tag(config=True)
    file = Integer(Limits.file, help="bytes that it may write").tag(config=True)
    level = Unicode("", help="of confinement to insist on; the best if empty").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Write points and message below each check."""
        level = check_level(cast(Level, self.level) or None)
        (self.log.warning if level == "limits" else self.log.info)("confined by %s", level)
        self._put_back(nb, resources["nbgrader"])
        checks = [cell for cell in nb.cells if _is_check(cell)]
        known = [cell for cell in checks if cell.metadata.nbgrader.grade_id in EXERCISES]
        names = [cell.metadata.nbgrader.grade_id for cell in known]
        limits = Limits(self.seconds, self.memory, self.file)
        marks = mark(of_notebook(nb), names, self.seed, limits, level)
        for cell in checks:
            cell.outputs = [_error(BY_HAND)]
        for cell, one in zip(known, marks, strict=True):
            points = round(one.score * float(cell.metadata.nbgrader.points), 2)
            cell.outputs = [_printed(f"{one}\n"), _value(f"{points:g}")]
        return nb, resources

    def _put_back(self, nb: Any, about: dict[str, Any]) -> None:
        """Add the checks that a notebook has lost, as when its code was copied into a new one.

        Else it would get no points, and nothing would say so. What is marked then is the function
        with the name that is asked for. (nbgrader's `add_missing_cells` fails where the cell
        before a check is missing, too.)
        """
        have = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells}
        with Gradebook(about["db_url"]) as gradebook:
            cells = gradebook.find_notebook(about["notebook"], about["assignment"]).grade_cells
            lost = {one.name: one.max_score for one in cells if one.name not in have}
        for name in [name for name in lost if name in EXERCISES]:
            self.log.warning("no check of %s: marked by the name of its function", name)
            source = f'classroom.exercise("{name}", {EXERCISES[name].function})'
            nb.cells.append(_check(name, source, lost[name], nb.nbformat_minor))


def _check(name: str, source: str, points: float, minor: int) -> Any:
    """A cell that nbgrader takes for a check."""
    about = {
        "grade": True,
        "grade_id": name,
        "locked": True,
        "points": points,
        "schema_version": 3,
        "solution": False,
        "task": False,
        "cell_type": "code",
    }
    cell = {"cell_type": "code", "metadata": {"nbgrader": about}, "source": source}
    own = {"id": f"{name}-put-back"[:64]} if minor >= 5 else {}
    return from_dict({**cell, **own, "execution_count": None, "outputs": []})  # type: ignore[no-untyped-call]


def _is_check(cell: Any) -> bool:
    """Whether a cell is one that nbgrader marks by what came out."""
    return cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell)


def _printed(text: str) -> Any:
    return _output("stream", name="stdout", text=text)


def _value(text: str) -> Any:
    data = {"text/plain": text}
    return _output("execute_result", data=data, metadata={}, execution_count=None)


def _error(text: str) -> Any:
    return _output("error", ename="NotMarked", evalue=text, traceback=[text])


def _output(kind: str, **parts: Any) -> Any:
    return from_dict({"output_type": kind, **parts})  # type: ignore[no-untyped-call]
