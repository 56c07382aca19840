"""What takes environments made from nothing: `make test-all` runs this after the other tests.

Binder, Colab and whoever installs the package have neither this folder nor its environment. Here
each gets an environment of its own under `_build/places`, made anew, and a copy of the repository
as a fresh clone would hold it.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from time import monotonic

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode, v4

from book import measure, settings

ROOT = Path(__file__).parent.parent
HOME = ROOT / "_build" / "places"
NOTEBOOKS = sorted((ROOT / "chapters").glob("*.ipynb"))
CHAPTERS = [pytest.param(path.name, id=path.stem) for path in NOTEBOOKS]

# Two places are tried at once. What needs the same environment stays in the process that made it.
in_binder, in_colab, as_package = map(pytest.mark.xdist_group, ("binder", "colab", "package"))

MEMORY = 2 * 1000**3  # bytes that Binder promises
SERVER = 200 * 1000**2  # bytes of them that JupyterLab takes
# What repo2docker brings to an environment of Python, from its `environment.py-3.12.yml`.
REPO2DOCKER = ("ipywidgets==8.*", "jupyter_server==2.*", "jupyterlab==4.*", "notebook==7.*")
COLAB = {
    "ipykernel": "6.17.1",
    "ipython": "7.34.0",
    "ipywidgets": "7.7.1",
    "jupyter_client": "7.4.9",
}


# --- environments and programs --------------------------------------------------------------


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


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that git knows or would take up, committed and tagged as a release elsewhere."""
    if not (ROOT / ".git").exists():
        pytest.skip("not checked: this folder is no clone")
    folder = tmp_path_factory.mktemp("clone")
    names = call("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, names.split("\0")):
        if (ROOT / name).exists():  # else removed, but not yet for git
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@localhost")
    call(*git, "init", "--quiet", cwd=folder)
    call(*git, "add", "--all", cwd=folder)
    call(*git, "commit", "--quiet", "--message=release", cwd=folder)
    call(*git, "tag", settings.load(ROOT).release, cwd=folder)
    return folder


# --- notebooks ------------------------------------------------------------------------------


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


# --- Binder ---------------------------------------------------------------------------------


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


@in_binder
def test_binder_is_a_consistent_environment(binder: tuple[Path, Path]) -> None:
    python, _ = binder
    assert "No broken requirements" in pip(python, "check")
    extensions = python.parent.parent / "share" / "jupyter" / "labextensions"
    for extension in ("anywidget", "@jupyter-widgets/jupyterlab-manager"):
        assert (extensions / extension / "package.json").exists()


@in_binder
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")
def test_the_limit_of_memory_is_felt(binder: tuple[Path, Path], tmp_path: Path) -> None:
    python, _ = binder
    with pytest.raises(CellExecutionError, match="MemoryError"):
        run(code(f"x = bytearray({MEMORY - SERVER})"), python, tmp_path, MEMORY - SERVER)


@in_binder
@pytest.mark.parametrize("name", CHAPTERS)
def test_binder_runs_the_notebook_in_its_memory(binder: tuple[Path, Path], name: str) -> None:
    python, repository = binder
    notebook = nbformat.read(repository / "chapters" / name, as_version=4)
    used = run(notebook, python, repository / "chapters", MEMORY - SERVER)
    assert used <= measure.MEGABYTES * 1e6
    promised = measure.recorded()[Path(name).stem].megabytes * 1e6
    assert used <= 1.5 * promised, "measure it again: python -m book.measure"
    assert [said for said in checks(notebook) if not said.startswith("○ not started")] == []


# --- Colab ----------------------------------------------------------------------------------


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


@in_colab
def test_colab_keeps_what_it_ships(colab: tuple[Path, dict[str, str], dict[str, str]]) -> None:
    python, before, after = colab
    assert {name: before[name] for name in COLAB} == COLAB
    assert "dsf_book" not in before
    assert after["dsf_book"] == settings.load(ROOT).release.removeprefix("v")
    assert {name: after.get(name) for name in before} == before
    assert "No broken requirements" in pip(python, "check")


@in_colab
@pytest.mark.parametrize("name", CHAPTERS)
def test_colab_runs_the_notebook(
    colab: tuple[Path, dict[str, str], dict[str, str]], elsewhere: Path, name: str
) -> None:
    python, _, _ = colab
    run(nbformat.read(ROOT / "chapters" / name, as_version=4), python, elsewhere)


# --- the package as others install it -------------------------------------------------------


@pytest.fixture(scope="session")
def sdist(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of the clone."""
    out = tmp_path_factory.mktemp("sdist")
    call(sys.executable, "-m", "build", "--sdist", "--outdir", out, clone)
    [path] = out.iterdir()
    return path


@pytest.fixture(scope="session")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("unpacked")
    call("tar", "-xzf", sdist, "-C", out)  # Python 3.11.2 has no safe way of its own
    [folder] = out.iterdir()
    return folder


@as_package
def test_the_source_distribution_holds_the_repository(clone: Path, unpacked: Path) -> None:
    names = call("git", "ls-files", "-z", cwd=clone).split("\0")
    lacking = [name for name in filter(None, names) if not (unpacked / name).is_file()]
    assert lacking == []


@as_package
def test_both_ways_to_a_wheel_lead_to_the_same(clone: Path, sdist: Path, tmp_path: Path) -> None:
    wheels = []
    for source in (clone, sdist):
        out = tmp_path / source.name
        pip(Path(sys.executable), "wheel", "--quiet", "--no-deps", "--wheel-dir", out, source)
        [path] = out.iterdir()
        with zipfile.ZipFile(path) as archive:
            wheels.append({name: archive.read(name) for name in archive.namelist()})
    one, other = wheels
    assert one == other
    package = {p.relative_to(clone).as_posix() for p in (clone / "dsf").rglob("*") if p.is_file()}
    assert "dsf/py.typed" in package, "type checkers read the annotations"
    sources = {name for name in package if name.startswith("dsf/widgets/js/")}
    assert package - sources <= one.keys(), "what the package needs beside its modules"


@as_package
def test_the_test_extra_suffices(sdist: Path, unpacked: Path) -> None:
    python = virtual_environment("package")
    install_torch(python)
    pip(python, "install", "--quiet", f"dsf-book[notebooks,test] @ {sdist.as_uri()}")
    assert "No broken requirements" in pip(python, "check")
    tests = ("pytest", "-q", "-rs", "-m", "not browser", "-n", "auto", "--dist", "loadfile")
    said = call(python, "-m", *tests, cwd=unpacked)
    for line in said.splitlines()[-20:]:
        say(line)
