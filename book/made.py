"""The command of what is made by a program and committed: write it, or compare."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from book.settings import ROOT


def unlike(fresh: dict[str, bytes], committed: dict[str, bytes]) -> list[str]:
    """Names of the files that are not the same in both."""
    names = sorted(fresh.keys() | committed.keys())
    return [name for name in names if fresh.get(name) != committed.get(name)]


def command(
    name: str,
    arguments: list[str],
    differences: Callable[[], list[str]],
    write: Callable[[], Iterable[Path]],
) -> int:
    """Run ``python -m name``, or with ``--check`` say what is stale.

    Args:
        name: of the module.
        arguments: what follows it.
        differences: names of the committed files that would be made otherwise now.
        write: writes the files and returns their paths.

    Returns:
        The exit status.
    """
    if arguments == ["--check"]:
        stale = differences()
        if stale:
            print(f"stale: {', '.join(stale)}; run python -m {name}", file=sys.stderr)
        return bool(stale)
    if arguments:
        print(f"usage: python -m {name} [--check]", file=sys.stderr)
        return 2
    for path in write():
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size} bytes")
    return 0
