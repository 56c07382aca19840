"""Colab: every notebook runs after its set-up cell, which replaces nothing that Colab ships."""

import sys
from pathlib import Path

import nbformat
import pytest
from environments import (
    CHAPTERS,
    NOTEBOOKS,
    ROOT,
    code,
    install_torch,
    pip,
    run,
    versions,
    virtual_environment,
)

from book import settings

COLAB = {
    "ipykernel": "6.17.1",
    "ipython": "7.34.0",
    "ipywidgets": "7.7.1",
    "jupyter_client": "7.4.9",
}


@pytest.fixture(scope="session")
def colab_ships() -> Path:
    """An environment with what Colab pins, and with PyTorch."""
    if sys.version_info >= (3, 14):
        pytest.skip(f"not checked: IPython {COLAB['ipython']} of Colab is too old for this Python")
    python = virtual_environment("colab")
    pip(python, "install", "--quiet", *(f"{name}=={at}" for name, at in COLAB.items()))
    install_torch(python)
    return python


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has nothing to do with the repository."""
    return tmp_path_factory.mktemp("content")


@pytest.fixture(scope="session")
def colab(
    colab_ships: Path, clone: Path, elsewhere: Path
) -> tuple[Path, dict[str, str], dict[str, str]]:
    """The same after the set-up cell, with all versions before and after it."""
    python, before = colab_ships, versions(colab_ships)
    setup = nbformat.read(NOTEBOOKS[0], as_version=4).cells[1]
    address = settings.load(ROOT).repository
    # Git, not the cell, is told that the repository lies here: the cell is run as readers run it.
    run(
        code(setup.source, setup.source),
        python,
        elsewhere,
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{clone.as_uri()}.insteadOf",
        GIT_CONFIG_VALUE_0=address,
    )
    return python, before, versions(python)


def test_colab_keeps_what_it_ships(colab: tuple[Path, dict[str, str], dict[str, str]]) -> None:
    python, before, after = colab
    assert {name: before[name] for name in COLAB} == COLAB
    assert "dsf_book" not in before
    assert after["dsf_book"] == settings.load(ROOT).release.removeprefix("v")
    assert {name: after.get(name) for name in before} == before
    assert "No broken requirements" in pip(python, "check")


@pytest.mark.parametrize("name", CHAPTERS)
def test_colab_runs_the_notebook(
    colab: tuple[Path, dict[str, str], dict[str, str]], elsewhere: Path, name: str
) -> None:
    python, _, _ = colab
    run(nbformat.read(ROOT / "chapters" / name, as_version=4), python, elsewhere)
