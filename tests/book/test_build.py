"""What a build makes anew."""

from pathlib import Path

import pytest

from book import build


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made_with = ("pyproject.toml", "requirements.txt", "binder/install-torch.sh")
    for name in ("dsf/system.py", "book/build.py", *made_with):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        (None, []),
        ("dsf/system.py", ["executions"]),
        ("dsf/new.py", ["executions"]),
        ("pyproject.toml", ["executions"]),
        ("binder/install-torch.sh", ["executions"]),
        ("book/build.py", ["pages"]),
        ("requirements.txt", ["executions", "pages"]),
    ],
)
def test_a_change_drops_what_it_makes_stale(
    project: Path, changed: str | None, stale: list[str]
) -> None:
    out = project / "_build"
    assert build.drop_stale(project, out) == ["executions", "pages"]
    (out / ".jupyter_cache").mkdir()
    (out / "html").mkdir()
    if changed:
        (project / changed).write_text("two")
    assert build.drop_stale(project, out) == stale
    assert (out / ".jupyter_cache").exists() == ("executions" not in stale)
    assert (out / "html").exists() == ("pages" not in stale)
