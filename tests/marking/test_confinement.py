"""What a student's code can do to whoever marks it, and to others: nothing that lasts."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsf.marking import Limits, Submission, best
from dsf.marking.confine import LEVELS, check_level, works
from dsf.marking.marks import mark_one
from dsf.marking.student import Student

Said = Callable[..., str]

NAME = "sm-monomials"  # features_of(m, p), a number
ALL = [
    pytest.param(level, marks=pytest.mark.skipif(not works(level), reason=f"no {level} here"))
    for level in LEVELS
]
STRICT = ALL[:1]


@pytest.fixture(scope="module")
def students() -> Iterator[dict[str, Student]]:
    """A process for each level, which the tests share as long as it lives."""
    found: dict[str, Student] = {}
    yield found
    for student in found.values():
        student.stop()


@pytest.fixture
def said(students: dict[str, Student]) -> Callable[..., str]:
    """What is said of `features_of` whose body begins with some code, and is right after it."""

    def said(code: str, level: str, seconds: float = 30.0) -> str:
        student = students.setdefault(level, Student(Submission((), {}), Limits(), level))
        student.limits = Limits(seconds=seconds)
        lines = "".join(f"    {line}\n" for line in ["import math, os", *code.split("\n")])
        source = f"def features_of(m, p):\n{lines}    return math.comb(m + p, p)\n"
        student.submission = Submission((source,), {})
        return str(mark_one(student, NAME, 1))

    return said


@pytest.mark.parametrize("level", ALL)
def test_what_is_right_is_right_at_every_level(said: Said, level: str) -> None:
    own = "import torch\nx = torch.ones(9, 9, requires_grad=True)\n(x @ x).sum().backward()"
    assert said(own, level) == "✓ right, in 4 cases"


@pytest.mark.parametrize("level", ALL)
def test_code_has_limits(said: Said, level: str) -> None:
    assert "raises MemoryError" in said("bytearray(64 << 30)", level)
    assert "raises RuntimeError" in said("import torch\ntorch.ones(1 << 34)", level)
    written = said("open('y', 'w').write('x' * (1 << 26))", level)
    assert "File too large" in written or "No space left" in written
    assert "raises BlockingIOError" in said("os.fork()", level)
    assert "raises" in said("import subprocess\nsubprocess.run(['true'], check=True)", level)
    assert "takes longer than 2 s" in said("while True: pass", level, 2.0)


@pytest.mark.skipif(best() == "limits", reason="neither bubblewrap nor root")
def test_files_of_others_are_out_of_reach(said: Said, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("kept")
    for code in (f"open({str(kept)!r}, 'w')", f"os.remove({str(kept)!r})"):
        assert "✗" in said(code, best())
    assert kept.read_text() == "kept"


@pytest.mark.parametrize("level", STRICT)
def test_a_namespace_holds_nothing_but_python(said: Said, level: str, tmp_path: Path) -> None:
    outside = tmp_path / "submission.ipynb"
    outside.write_text("of another student")
    assert "FileNotFoundError" in said(f"open({str(outside)!r})", level)
    solutions = Path(__file__).parents[2] / "dsf" / "classroom"
    assert (solutions / "exercises").exists()
    assert "raises ValueError: []" in said(
        f"raise ValueError(os.listdir({str(solutions)!r}))", level
    )
    assert "raises ValueError: 2" in said(
        "raise ValueError(sum(name.isdigit() for name in os.listdir('/proc')))", level
    )


@pytest.mark.parametrize("level", STRICT)
def test_what_is_written_in_a_namespace_vanishes(said: Said, level: str) -> None:
    path = Path("/tmp/dsf-harm")
    assert "✓" in said(f"open({str(path)!r}, 'w').write('x')", level)
    assert not path.exists()
    assert "raises OSError" in said("open('/usr/harm', 'w')", level)
    assert "raises OSError" in said("open('/dev/shm/harm', 'w')", level)


@pytest.mark.parametrize("level", STRICT)
def test_a_namespace_has_no_network(said: Said, level: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)"
        assert "raises ConnectionRefusedError" in said(code, level)


def test_the_marker_stays_alive(said: Said) -> None:
    if best() != "limits":
        assert "raises" in said("os.kill(os.getppid(), 9)", best())
    assert os.getpid()


def test_a_level_that_cannot_be_had_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="level is 'vault', expected one of namespaces"):
        check_level("vault")
    monkeypatch.setattr("dsf.marking.confine.works", lambda level: level == "limits")
    assert check_level(None) == "limits"
    with pytest.raises(ValueError, match="needs a bwrap that may make namespaces"):
        check_level("namespaces")


@pytest.mark.parametrize(
    ("field", "value"), [("seconds", 0), ("start", "long"), ("memory", 0.5), ("file", -1)]
)
def test_limits_are_numbers_above_0(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{field} is .*expected"):
        Limits(**{field: value})
