"""The dependency picture of the package: no circle, and no arrow that runs back up."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import dsf
from book.package import FLOORS

PACKAGE = Path(dsf.__file__).parent
HEIGHT = {name: height for height, floor in enumerate(reversed(FLOORS)) for name in floor.modules}


class Arrow(NamedTuple):
    """One module imports another; both by their names below the package, `mixers.base`."""

    place: str  # file and line
    start: str
    end: str


def modules(package: Path) -> dict[str, Path]:
    """The files of a package by the names of their modules, its own as `__init__`."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        *folders, name = path.relative_to(package).with_suffix("").parts
        inner = name == "__init__" and folders
        found[".".join(folders if inner else [*folders, name])] = path
    return found


def imports(code: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import that can run, also in a function; under `if TYPE_CHECKING` none does."""
    for node in ast.iter_child_nodes(code):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for other in node.orelse:
                yield from imports(ast.Module([other], []))
        else:
            yield from imports(node)


def arrows(package: Path) -> Iterator[Arrow]:
    """What the modules of a package import of each other."""
    known = modules(package)
    for start, path in known.items():
        here = [package.name, *path.relative_to(package).parent.parts]
        for node in imports(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            else:
                base = here[: len(here) + 1 - node.level] if node.level else []
                source = ".".join([*base, *filter(None, [node.module])])
                wanted = [f"{source}.{alias.name}" for alias in node.names]
            for name in wanted:
                top, *rest = name.split(".")
                while rest and ".".join(rest) not in known:
                    rest.pop()  # the name of something in the module
                if top == package.name:
                    place = f"{path.relative_to(package.parent).as_posix()}:{node.lineno}"
                    yield Arrow(place, start, ".".join(rest) or "__init__")


def outer(name: str) -> str:
    """The name that stands in the table: a package counts as its name."""
    return name.partition(".")[0]


def circle(pairs: Iterator[tuple[str, str]]) -> list[str]:
    """Names that import each other in a circle, the first one again at the end; or nothing."""
    graph: dict[str, set[str]] = {}
    for start, end in pairs:
        graph.setdefault(start, set()).add(end)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def climbing(package: Path, height: dict[str, int]) -> list[str]:
    """The imports of what stands above, one line each."""
    return [
        f"{arrow.place} imports dsf.{arrow.end}, which stands above dsf.{arrow.start}"
        for arrow in arrows(package)
        if height[outer(arrow.end)] > height[outer(arrow.start)]
    ]


# --- the package ------------------------------------------------------------------------------


def test_every_module_stands_on_one_floor() -> None:
    named = [name for floor in FLOORS for name in floor.modules]
    assert len(named) == len(set(named))
    homeless = sorted({outer(name) for name in modules(PACKAGE)} - set(named))
    assert not homeless, (
        f"{', '.join(homeless)} in dsf/ stands on no floor: add the name to FLOORS in "
        "book/package.py, above all that it imports and below all that is to import it"
    )


def test_no_arrow_runs_back_up() -> None:
    assert climbing(PACKAGE, HEIGHT) == []


def test_nothing_goes_round_in_circles() -> None:
    assert circle((arrow.start, arrow.end) for arrow in arrows(PACKAGE)) == []
    between = ((outer(arrow.start), outer(arrow.end)) for arrow in arrows(PACKAGE))
    assert circle((start, end) for start, end in between if start != end) == []


# --- the checks themselves --------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "dsf"
    (folder / "inner").mkdir(parents=True)
    for name in ("__init__", "high", "low", "inner/__init__", "inner/part"):
        (folder / f"{name}.py").write_text("")
    return folder


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import dsf.high", ["high"]),
        ("import dsf", ["__init__"]),
        ("from dsf import high", ["high"]),
        ("from dsf import VERSION", ["__init__"]),
        ("from dsf.high import name", ["high"]),
        ("from dsf.high import *", ["high"]),
        ("from dsf.inner import part", ["inner.part"]),
        ("from dsf.inner import name", ["inner"]),
        ("from . import high", ["high"]),
        ("from .high import name", ["high"]),
        ("def f():\n    from dsf.high import name", ["high"]),
        ("try:\n    import dsf.high\nexcept ImportError:\n    pass", ["high"]),
        ("if TYPE_CHECKING:\n    import dsf.high\nelse:\n    import dsf.inner", ["inner"]),
        ("if typing.TYPE_CHECKING:\n    import dsf.high", []),
        ("import torch, dsfx.high", []),
    ],
)
def test_an_import_is_an_arrow_wherever_it_stands(
    package: Path, code: str, found: list[str]
) -> None:
    (package / "low.py").write_text(code)
    assert [(arrow.start, arrow.end) for arrow in arrows(package)] == [
        ("low", end) for end in found
    ]


def test_an_arrow_that_runs_back_up_is_found_with_its_place(package: Path) -> None:
    height = {"low": 0, "inner": 1, "high": 2, "__init__": 3}
    (package / "high.py").write_text("from dsf.inner import part")
    assert climbing(package, height) == []
    (package / "inner" / "part.py").write_text("\n\ndef f():\n    import dsf.high\n")
    assert climbing(package, height) == [
        "dsf/inner/part.py:4 imports dsf.high, which stands above dsf.inner.part"
    ]


def test_a_circle_is_found() -> None:
    assert circle(iter([("a", "b"), ("b", "c")])) == []
    assert set(circle(iter([("a", "b"), ("b", "c"), ("c", "a")]))) == {"a", "b", "c"}
