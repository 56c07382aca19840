"""The repository as a fresh clone would hold it."""

import shutil
from pathlib import Path

import pytest
from environments import ROOT, call

from book import settings


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
