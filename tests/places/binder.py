"""Binder: every notebook runs in what it makes of the folder `binder`, within its memory."""

import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from environments import CHAPTERS, call, checks, code, pip, run, say, virtual_environment
from nbclient.exceptions import CellExecutionError

from book import measure

MEMORY = 2 * 1000**3  # bytes that Binder promises
SERVER = 200 * 1000**2  # bytes of them that JupyterLab takes
# What repo2docker brings to an environment of Python, from its `environment.py-3.12.yml`.
REPO2DOCKER = ("ipywidgets==8.*", "jupyter_server==2.*", "jupyterlab==4.*", "notebook==7.*")


@pytest.fixture(scope="session")
def binder(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """What Binder makes of the folder `binder`: its Python, and the repository beside it."""
    asked = (clone / "binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    here = f"python-{sys.version_info.major}.{sys.version_info.minor}"
    if asked != here:
        say(f"Binder will take {asked}, this is {here}")
    python = virtual_environment("binder")
    pip(python, "install", "--quiet", *REPO2DOCKER)
    repository = tmp_path_factory.mktemp("binder") / "repository"
    shutil.copytree(clone, repository)
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    call(repository / "binder" / "postBuild", cwd=repository, PATH=path)
    return python, repository


def test_binder_is_a_consistent_environment(binder: tuple[Path, Path]) -> None:
    python, _ = binder
    assert "No broken requirements" in pip(python, "check")
    extensions = python.parent.parent / "share" / "jupyter" / "labextensions"
    for extension in ("anywidget", "@jupyter-widgets/jupyterlab-manager"):
        assert (extensions / extension / "package.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_the_limit_of_memory_is_felt(binder: tuple[Path, Path], tmp_path: Path) -> None:
    python, _ = binder
    with pytest.raises(CellExecutionError, match="MemoryError"):
        run(code(f"x = bytearray({MEMORY - SERVER})"), python, tmp_path, MEMORY - SERVER)


@pytest.mark.parametrize("name", CHAPTERS)
def test_binder_runs_the_notebook_in_its_memory(binder: tuple[Path, Path], name: str) -> None:
    python, repository = binder
    notebook = nbformat.read(repository / "chapters" / name, as_version=4)
    used = run(notebook, python, repository / "chapters", MEMORY - SERVER)
    assert used <= measure.MEGABYTES * 1e6
    promised = measure.recorded()[Path(name).stem].megabytes * 1e6
    assert used <= 1.5 * promised, "measure it again: python -m book.measure"
    assert [said for said in checks(notebook) if not said.startswith("○ not started")] == []
