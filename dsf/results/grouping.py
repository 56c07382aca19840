"""Recorded runs of one experiment, found among all: what may differ, and by which mixer and n."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import fields
from typing import Any

from dsf.config import TrainConfig
from dsf.results.choosing import Cell

_TAUGHT = {field.name: field.default for field in fields(TrainConfig)}
_FREE = ("mixer", "n", "learning_rate")


def alike(config: dict[str, Any], free: Collection[str] = (), **wanted: Any) -> bool:
    """Whether a config is the teaching task of chapter 10 but for what is named.

    Args:
        config: of a run or a cell.
        free: fields that may have any value, beside mixer, n and learning_rate.
        **wanted: fields that shall have another value than that of `dsf.config.TrainConfig`; also
            mixer, n or learning_rate.

    Returns:
        True if all other fields have their default.

    Raises:
        ValueError: a name is not that of a field.

    Example:
        >>> from dsf.config import TrainConfig, experiment
        >>> from dsf.results import alike
        >>> config = experiment(TrainConfig(mixer="ssd", n=4, d_model=32))
        >>> alike(config), alike(config, d_model=32), alike(config, free=["d_model"])
        (False, True, True)
    """
    if unknown := {*free, *wanted} - _TAUGHT.keys():
        raise ValueError(f"{', '.join(sorted(unknown))}: expected fields of TrainConfig")
    fixed = {**_TAUGHT, **wanted}
    loose = {*_FREE, *free} - wanted.keys()
    return all(config[name] == fixed.get(name) for name in config.keys() - loose)


def by_mixer(cells: Iterable[Cell], **wanted: Any) -> dict[str, dict[int, Cell]]:
    """The cells of one experiment by mixer and state expansion.

    Args:
        cells: of `dsf.results.cells`.
        **wanted: in what the experiment differs from the teaching task, as `alike` takes it.

    Returns:
        Cells as [mixer][n], n ascending.

    Example:
        >>> from dsf import results
        >>> found = results.by_mixer(results.cells(results.recorded("mqar")))
        >>> [*found["linear"]]
        [4, 8, 16, 32, 64]
    """
    found: dict[str, dict[int, Cell]] = {}
    for cell in sorted(cells, key=lambda cell: cell.config["n"]):
        if alike(cell.config, **wanted):
            found.setdefault(cell.config["mixer"], {})[cell.config["n"]] = cell
    return found
