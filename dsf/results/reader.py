"""Reading records: those that come with the package, and files of sweeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from dsf.results.choosing import once, setting, tell
from dsf.results.line import Run, foreign, from_line

_BEGINNING = b'{"config": '  # of every line


def recorded(name: str) -> list[Run]:
    """The runs that come with the package.

    Args:
        name: of the record, for example "mqar"; `names` lists them.

    Returns:
        The runs, in the order in which they ended.

    Raises:
        ValueError: there is no such record.

    Example:
        >>> from dsf.results import cells, recorded
        >>> best = max(cells(recorded("mqar")), key=lambda cell: cell.mean)
        >>> round(best.mean, 2)
        1.0
    """
    if name not in names():
        raise ValueError(f"name is {name!r}, expected one of {', '.join(names())}")
    data = _folder().joinpath(f"{name}.jsonl").read_bytes()
    return once(_numbered(data, name), name, "line")


def names() -> list[str]:
    """Names of the records that come with the package.

    Returns:
        What `recorded` takes.

    Example:
        >>> from dsf.results import names
        >>> "mqar" in names()
        True
    """
    files = [Path(entry.name) for entry in _folder().iterdir()]
    return sorted(file.stem for file in files if file.suffix == ".jsonl")


def read(path: str | Path) -> list[Run]:
    """The runs in a file, each of them once.

    Notes on stderr tell of runs that stand there twice, of those of another version of this
    package, and of the part of a line at the end of a file that a sweep is writing, or was killed
    while it did.

    Args:
        path: of a file that `dsf sweep` has written.

    Returns:
        The runs, in the order in which they ended.

    Raises:
        ValueError: naming file and line, if a line is not a run, or two lines have different
            results of one run.
    """
    runs, rest = split(path)
    if rest:
        tell(f"{path}: skipped the last line, which has no end")
    return runs


def split(path: str | Path) -> tuple[list[Run], bytes]:
    """The runs in a file as `read` gives them, and what an interrupted write has left behind them.

    Args:
        path: of a file that `dsf sweep` has written.

    Returns:
        The runs, in the order in which they ended, and the part of a line after them. A whole line
        is a run, also where its end is missing.

    Raises:
        ValueError: as `read`, and if what follows the last line is not the beginning of a run.
    """
    data = Path(path).read_bytes()
    whole = data.rfind(b"\n") + 1
    rest = data[whole:]
    if _is_json(rest):
        whole, rest = len(data), b""
    if not (rest.startswith(_BEGINNING) or _BEGINNING.startswith(rest)):
        raise ValueError(f"{path}: the last line, {rest[:40]!r}, is not the beginning of a run")
    numbered = list(_numbered(data[:whole], str(path)))
    runs = once(numbered, str(path), "line")
    _tell_of_versions(numbered, str(path))
    return runs, rest


def _numbered(data: bytes, source: str) -> Iterator[tuple[int, Run]]:
    """The runs in whole lines, with the numbers of these."""
    for number, line in enumerate(data.removesuffix(b"\n").split(b"\n") if data else (), start=1):
        try:
            yield number, from_line(line)
        except ValueError as error:
            raise ValueError(f"{source}, line {number}: {error}") from error


def _is_json(text: bytes) -> bool:
    """Whether a text has its end, whatever is wrong inside."""
    try:
        json.loads(text, parse_int=str)  # a str may have any length
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _tell_of_versions(numbered: list[tuple[int, Run]], source: str) -> None:
    """Tell of runs that another version of this package has, or may have, recorded."""
    found: dict[str, list[int]] = {}
    sizes: dict[str, int] = {}
    for number, run in numbered:
        if said := foreign(run):
            found.setdefault(f"of another version, {said}", []).append(number)
        size = run.result["num_parameters"]
        if sizes.setdefault(setting(run), size) != size:
            said = "with other num_parameters than earlier lines of the same setting"
            found.setdefault(said, []).append(number)
    for said, lines in found.items():
        more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        tell(f"{source}, line {lines[0]}{more}: {said}")


def _folder() -> Any:
    return resources.files("dsf.results")
