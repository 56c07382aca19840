"""Environments made from nothing, and notebooks that run in them.

Binder, Colab and whoever installs the package have neither this folder nor its environment. Here
each gets an environment of its own under `_build/places`, made anew, and a copy of the repository
as a fresh clone would hold it. `make test-all` runs the files beside this one, two at a time.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode, v4

from book import measure

ROOT = Path(__file__).parents[2]
HOME = ROOT / "_build" / "places"
NOTEBOOKS = sorted((ROOT / "chapters").glob("*.ipynb"))
CHAPTERS = [pytest.param(path.name, id=path.stem) for path in NOTEBOOKS]


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def call(*command: str | Path, cwd: Path = ROOT, **variables: str) -> str:
    """What a program prints; a failing program fails the test with all of it."""
    shown = shlex.join(map(str, command))
    start = monotonic()
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**environment(), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    say(f"{monotonic() - start:4.0f} s  {shown if len(shown) < 100 else shown[:97] + '...'}")
    if done.returncode:
        pytest.fail(f"{shown}\nended with {done.returncode}:\n{done.stdout}", pytrace=False)
    return done.stdout


def environment() -> dict[str, str]:
    """The variables of a program that knows nothing of this folder and its environment."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "IPYTHONDIR", "JUPYTER_PATH")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def virtual_environment(name: str) -> Path:
    """The Python of a new environment without any package but pip."""
    folder = HOME / name
    shutil.rmtree(folder, ignore_errors=True)
    call(sys.executable, "-m", "venv", folder)
    return folder / "bin" / "python"


def pip(python: Path, *arguments: str | Path) -> str:
    return call(python, "-m", "pip", *arguments)


def install_torch(python: Path) -> None:
    call("sh", "binder/install-torch.sh", python)


def versions(python: Path) -> dict[str, str]:
    listed = json.loads(pip(python, "list", "--format=json"))
    return {package["name"].lower().replace("-", "_"): package["version"] for package in listed}


def run(
    notebook: NotebookNode, python: Path, cwd: Path, limit: int | None = None, **variables: str
) -> int:
    """Execute a notebook with the kernel of another environment.

    Args:
        notebook: gets its outputs.
        python: of the environment, which holds an ipykernel.
        cwd: the folder to run in.
        limit: bytes of memory that the kernel may ask for.
        variables: of the kernel, beside one thread.

    Returns:
        The most bytes of memory that the kernel had in use at once.
    """
    kernel = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    if limit is not None:
        kernel = ["sh", "-c", f'ulimit -d {limit // 1024} && exec "$@"', "kernel", *kernel]
    specification = {
        "argv": ["env", *(f"-u{name}" for name in ("PYTHONPATH", "IPYTHONDIR")), *kernel],
        "display_name": "place",
        "language": "python",
        "env": {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", **variables},
    }
    jupyter = python.parent.parent / "jupyter"
    folder = jupyter / "kernels" / "place"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(specification), encoding="utf-8")
    notebook.cells.append(v4.new_code_cell(measure.USAGE))
    resources = {"metadata": {"path": str(cwd)}}
    client = NotebookClient(notebook, kernel_name="place", timeout=300, resources=resources)
    start = monotonic()
    with pytest.MonkeyPatch.context() as patch, (folder / "stderr").open("w") as stderr:
        patch.setenv("JUPYTER_PATH", str(jupyter))
        client.execute(stderr=stderr)
    _, used = json.loads(notebook.cells[-1].outputs[0].text)
    say(f"{monotonic() - start:4.0f} s, {used / 1e6:.0f} MB at most")
    return used


def checks(notebook: NotebookNode) -> list[str]:
    """What the checks of the exercises say, in a notebook that has been run untouched."""
    said = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and "classroom.exercise(" in cell.source:
            data = cell.outputs[-1].get("data", {}) if cell.outputs else {}
            said.append(data.get("text/plain", "nothing"))
    return said


def code(*sources: str) -> NotebookNode:
    return v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
