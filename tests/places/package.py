"""The package as others install it."""

import sys
import zipfile
from pathlib import Path

import pytest
from environments import call, install_torch, pip, say, virtual_environment


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


def test_the_source_distribution_holds_the_repository(clone: Path, unpacked: Path) -> None:
    names = call("git", "ls-files", "-z", cwd=clone).split("\0")
    lacking = [name for name in filter(None, names) if not (unpacked / name).is_file()]
    assert lacking == []


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


def test_the_test_extra_suffices(sdist: Path, unpacked: Path) -> None:
    python = virtual_environment("package")
    install_torch(python)
    pip(python, "install", "--quiet", f"dsf-book[notebooks,test] @ {sdist.as_uri()}")
    assert "No broken requirements" in pip(python, "check")
    tests = ("pytest", "-q", "-rs", "-m", "not browser", "-n", "auto", "--dist", "loadfile")
    said = call(python, "-m", *tests, cwd=unpacked)
    for line in said.splitlines()[-20:]:
        say(line)
