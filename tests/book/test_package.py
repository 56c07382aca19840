"""The package as it is installed, and what the files say that describe it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from book import settings

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# --- what it says of itself -----------------------------------------------------------------


def test_the_address_is_that_of_the_book() -> None:
    address = settings.load(ROOT).repository
    urls = PROJECT["urls"]
    assert urls["Repository"] == address
    assert all(url == address or url.startswith(address + "/") for url in urls.values())


def test_the_version_is_said_alike_everywhere() -> None:
    version = PROJECT["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == version
    assert settings.load(ROOT).release == f"v{version}"
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\S+?),? ", changes, re.M)[1] == version  # type: ignore[index]


def test_the_classifiers_name_the_versions_that_are_checked() -> None:
    said = {line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if ":: 3." in line}
    text = (ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8")
    assert said == set(yaml.safe_load(text)["jobs"]["test"]["strategy"]["matrix"]["python"])


# --- the tools of the pages -----------------------------------------------------------------

PIN = re.compile(r"^([\w.-]+)==(\S+)", re.M)


def test_every_tool_of_the_pages_is_pinned_with_its_hashes_and_no_index() -> None:
    chosen = dict(PIN.findall((ROOT / "requirements.in").read_text(encoding="utf-8")))
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pinned = dict(PIN.findall(text))
    assert chosen
    assert chosen.items() <= pinned.items(), "run make lock"
    assert "://" not in text
    for entry in re.split(r"\n(?=[\w.-]+==)", text)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


def test_pytorch_and_what_the_package_needs_are_not_pinned_with_the_tools() -> None:
    pinned = dict(PIN.findall((ROOT / "requirements.txt").read_text(encoding="utf-8")))
    needed = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in PROJECT["dependencies"]}
    assert not needed & pinned.keys()


# --- hosted notebooks -----------------------------------------------------------------------


def test_notebooks_ask_colab_for_no_other_kernel_and_widgets() -> None:
    extra = {re.split(r"[^\w.-]", line, maxsplit=1)[0]: line for line in notebooks_extra()}
    assert "ipykernel" not in extra
    assert extra["ipywidgets"] == "ipywidgets>=7.7"
    for line in (*PROJECT["dependencies"], *extra.values()):
        assert not re.search(r"==|<|~=", line), f"{line}: lower bounds only"


def notebooks_extra() -> list[str]:
    extra: list[str] = PROJECT["optional-dependencies"]["notebooks"]
    return extra


# --- where something is missing -------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("dsf.plots", "matplotlib"),
        ("dsf.widgets", "anywidget"),
        ("dsf.widgets", "traitlets"),
        ("dsf.interactive", "matplotlib"),
        ("dsf.interactive", "anywidget"),
        ("dsf.interactive", "plotly"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_brings_it(
    module: str, package: str
) -> None:
    code = f"""
import builtins, importlib
plain = builtins.__import__
def without(name, *arguments, **options):
    if name.partition(".")[0] == {package!r}:
        raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.partition(".")[0])
    return plain(name, *arguments, **options)
builtins.__import__ = without
importlib.import_module({module!r})
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    expected = f'ModuleNotFoundError: {package} is missing: pip install "dsf-book[notebooks]"'
    assert done.stderr.splitlines()[-1:] == [expected]
