"""Format, lint and type-check the JavaScript: ``python -m book.javascript``, or ``--check`` only.

Biome formats and lints (``biome.json``), TypeScript reads the types in the comments
(``tsconfig.json``); both come from npm as esbuild does, see `book.bundle`.
"""

from __future__ import annotations

import subprocess
import sys

from book.bundle import ROOT, PackageMissingError, node_program, npm_package

LONGEST = 120  # of a line; Biome leaves comments and texts alone


def long_lines() -> list[str]:
    """The places of lines that are too long."""
    folders = (
        "dsf/widgets/js",
        "dsf/widgets/js/train",
        "dsf/widgets/js/lab",
        "book/static",
        "book/stills",
        "tests/figures",
    )
    files = [path for folder in folders for path in (ROOT / folder).glob("*.*js")]
    return [
        f"{path.relative_to(ROOT)}:{number}: {len(line)} characters, expected at most {LONGEST}"
        for path in sorted(files)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > LONGEST
    ]


def run(package: str, program: str, *options: str) -> int:
    """Run a program of npm on this folder.

    Args:
        package: that has it.
        program: its file in the package.
        options: what it is told.

    Returns:
        Its exit status.

    Raises:
        PackageMissingError: the package cannot be had.
    """
    command = [str(node_program()), str(npm_package(package) / program), *options]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main(arguments: list[str]) -> int:
    """Run the command."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m book.javascript [--check]", file=sys.stderr)
        return 2
    write = [] if arguments else ["--write"]
    too_long = long_lines()
    print(*too_long, sep="\n", end="\n" if too_long else "", file=sys.stderr)
    try:
        style = run("@biomejs/biome", "bin/biome", "check", "--error-on-warnings", *write)
        types = run("typescript", "bin/tsc", "--project", "tsconfig.json")
    except PackageMissingError as error:  # no network: as the checks that need a browser
        print(f"not checked: {error}", file=sys.stderr)
        return bool(too_long)
    return bool(too_long or style or types)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
