"""The floors of the package `dsf`, from the top down: a module imports only what stands below it.

A package counts as its name, with all that is in it. The page of the API lists the floors with a
title from the ground up; `tests/core/test_imports.py` compares them with the imports.
"""

from __future__ import annotations

from dataclasses import dataclass


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
    Floor("", ("__init__",)),
    Floor("", ("cli", "__main__")),
    Floor("Sweeps", ("sweep", "engines")),
    Floor("Figures", ("widgets", "interactive", "plots", "looks")),
    Floor("Recorded results", ("results",)),
    Floor("Models and training", ("model", "train", "stack", "config")),
    Floor("Tasks", ("task", "tasks", "mqar")),
    Floor("Mixers", ("mixers",)),
    Floor("The registry", ("architectures",)),
    Floor("Theorems and checks", ("theory", "check")),
    Floor("Architectures", ("attention", "ssm", "rnn", "gated", "delta")),
    Floor("Feature maps", ("feature_maps",)),
    Floor("Systems", ("protocol", "system", "low_rank", "dense", "state", "architecture")),
    Floor("Recurrences", ("recurrence", "scan", "blocks")),
    Floor("", ("_checks", "_extras")),
)
