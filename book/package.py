"""The package `dsf`: its floors, and what its names lead to.

The floors stand from the top down: a module imports only what stands below it. A package counts as
its name, with all that is in it. The page of the API lists the floors with a title from the ground
up; `tests/core/test_imports.py` compares them with the imports.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Floor:
    """Modules of `dsf` that may import each other, without a circle, and all that is below.

    Attributes:
        title: Heading on the page of the API; an empty one leaves the floor out of it.
        modules: Their names, in the order of that page.
    """

    title: str
    modules: tuple[str, ...]


FLOORS = (
    Floor("", ("cli", "__main__")),
    Floor("Assignments and marks", ("marking",)),
    Floor("Exercises", ("classroom",)),
    Floor("", ("__init__",)),
    Floor("Sweeps", ("sweep", "engines")),
    Floor("Figures", ("widgets", "interactive", "plots", "state_strip", "looks")),
    Floor("Recorded results", ("results",)),
    Floor(
        "Models and training",
        ("carried", "config", "train", "models", "optimize", "stack", "model", "files", "layers"),
    ),
    Floor("Tasks", ("tasks", "mqar")),
    Floor("Mixers", ("mixers",)),
    Floor("The registry", ("architectures",)),
    Floor("Theorems and checks", ("theory", "check")),
    Floor("Architectures", ("attention", "ssm", "rnn", "gated", "delta")),
    Floor("Feature maps", ("feature_maps",)),
    Floor("Systems", ("system", "low_rank", "dense", "matrix_state", "state", "architecture")),
    Floor("Recurrences", ("recurrence", "scan", "wy", "blocks")),
    Floor("", ("_checks", "_extras")),
)


def find(path: str) -> Any:
    """What a dotted path leads to, or None. `dsf.ssm.s4d` is the function, not its module."""
    parts = path.split(".")
    for end in [*range(len(parts) - 1, 0, -1), len(parts)]:
        try:
            thing = importlib.import_module(".".join(parts[:end]))
            for name in parts[end:]:
                thing = getattr(thing, name)
        except (ModuleNotFoundError, AttributeError):
            continue
        return thing
    return None


def file_of(path: str) -> Path | None:
    """The file that defines what a dotted path leads to, from the root of the repository on."""
    thing = inspect.unwrap(getattr(found := find(path), "fget", found))
    module = importlib.import_module(path.partition(".")[0])
    try:
        file = inspect.getsourcefile(thing)
    except TypeError:  # a value, which does not know where it comes from
        return None
    assert file is not None
    return Path(file).relative_to(Path(str(module.__file__)).parents[1])
