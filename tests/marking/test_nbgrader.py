"""What nbgrader makes of a course, where it is installed; `tests/places_marking.py` installs it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("nbgrader", reason="nbgrader is not installed")

from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader

from dsf.classroom import EXERCISES
from dsf.marking import Assignment, write_course

OWN = Assignment("own", "Two of my choice", ("sm-monomials", "forgetting"))


@pytest.fixture
def points(tmp_path: Path) -> Callable[[nbformat.NotebookNode], dict[str, float]]:
    """Hands in a notebook, and reads the points of it from the gradebook."""
    write_course(tmp_path, [OWN], seed=5)

    def points(notebook: nbformat.NotebookNode) -> dict[str, float]:
        handed = tmp_path / "submitted" / "ada" / "own" / "own.ipynb"
        handed.parent.mkdir(parents=True)
        nbformat.write(notebook, handed)
        config = PyFileConfigLoader("nbgrader_config.py", path=str(tmp_path)).load_config()
        config.CourseDirectory.root = str(tmp_path)
        done = NbGraderAPI(config=config).autograde("own", "ada")
        assert done["success"], done
        query = (
            "select base_cell.name, auto_score from grade join base_cell on base_cell.id = cell_id"
        )
        with sqlite3.connect(tmp_path / "gradebook.db") as gradebook:
            return dict(gradebook.execute(query))

    return points


def test_a_notebook_that_has_lost_its_cells_is_marked_by_the_names_of_functions(
    points: Callable[[nbformat.NotebookNode], dict[str, float]],
) -> None:
    code = EXERCISES["sm-monomials"].code()
    plain = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import math"), nbformat.v4.new_code_cell(code)]
    )
    assert points(plain) == {"sm-monomials": 10.0, "forgetting": 0.0}


def test_an_answer_whose_check_was_deleted_keeps_its_points(
    points: Callable[[nbformat.NotebookNode], dict[str, float]],
) -> None:
    notebook = nbformat.from_dict(OWN.notebook(solved=True))
    notebook.cells = [cell for cell in notebook.cells if cell.id != "forgetting"]
    assert points(notebook) == {"sm-monomials": 10.0, "forgetting": 10.0}
