"""Sweeps: many training runs, each recorded as soon as it ends::

    from dsf.results import Record
    from dsf.sweep import read_grid, run_sweep

    if __name__ == "__main__":  # every worker process imports this script
        with Record("runs.jsonl") as record:
            for outcome in run_sweep(read_grid("grid.toml"), record):
                print(outcome)

A grid is a TOML file. `[defaults]` holds fields of `dsf.config.TrainConfig`; every `[[grid]]` is
the product of its lists::

    [defaults]
    num_kv_pairs = 8

    [[grid]]
    mixer = ["linear", "ssd"]
    n = [4, 16]
    learning_rate = [2e-3, 4e-3]
    seed = [0, 1, 2]

TOML has no null: `stop_accuracy = false` stands for None. Another task than MQAR is named by
`task`.

The file of runs (see `dsf.results`) is at the same time the memory of the sweep: what it holds is
not run again, so a sweep that was stopped, by `kill -9` or a power cut, goes on where it was.
"""

from __future__ import annotations

import dataclasses
import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dsf.config import ADDED, Config, config_class, experiment
from dsf.engines import Engine, Outcome, process_pool
from dsf.results import Record, run_key
from dsf.results.checks import config_hints
from dsf.stack import check_stack


def read_grid(path: str | Path) -> list[Config]:
    """The runs that a grid file asks for, all of them checked.

    Args:
        path: of a TOML file, see above.

    Returns:
        Configurations in the order of the file, the last field varying fastest, those of the
        defaults faster than those of a grid; what is asked for twice stands once, also where only
        device or compile differ.

    Raises:
        ValueError: naming file, grid, field, value, and what is allowed.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not TOML: {error}") from error
    unknown = data.keys() - {"defaults", "grid"}
    grids = data.get("grid")
    if unknown or not isinstance(grids, list) or not grids:
        raise ValueError(f"{path} has {[*data]}, expected [defaults] and at least one [[grid]]")
    defaults = data.get("defaults", {})
    for name, table in (("defaults", defaults), *(("grid", grid) for grid in grids)):
        if not isinstance(table, dict):
            raise ValueError(f"{path}: {name} is {table!r}, expected fields and their values")
    configs: dict[str, Config] = {}
    for number, grid in enumerate(grids, start=1):
        try:
            # First the fields of the grid, so that those of the defaults vary fastest.
            for config in _expand({**grid, **defaults, **grid}):
                configs.setdefault(key_of(config), config)
        except ValueError as error:
            raise ValueError(f"{path}, [[grid]] number {number}: {error}") from error
    return list(configs.values())


def _expand(grid: dict[str, Any]) -> Iterator[Config]:
    """The product of the lists of one grid."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in grid.items()}
    tasks = lists.get("task", [ADDED["task"]])
    classes = {task: config_class(task) for task in tasks}
    for name, values in lists.items():
        for task, kind in classes.items():
            if name not in {field.name for field in dataclasses.fields(kind)}:
                raise ValueError(f"{name} is {grid[name]!r}, expected a field of task {task}")
        if not values:
            raise ValueError(f"{name} is [], expected at least one value")
    for chosen in itertools.product(*lists.values()):
        fields = dict(zip(lists, chosen, strict=True))
        task = fields.get("task", ADDED["task"])
        for name, hint in config_hints(task).items():
            if fields.get(name) is False and hint == float | None:
                fields[name] = None
        yield classes[task](**fields)


def run_sweep(
    configs: list[Config], record: Record, engine: Engine | None = None, stack: int = 1
) -> Iterator[Outcome]:
    """Run what the record does not hold yet, and append each run to it as soon as it ends.

    Args:
        configs: what to run; what is asked for twice is run once.
        record: open, that is, inside its `with` statement.
        engine: where to run, `process_pool(...)` or `ray_cluster(...)`; the first if None.
        stack: how many runs that differ in seed and learning rate only are trained at once by
            `dsf.stack.train_stack`; pays on a GPU.

    Yields:
        How each run ended. One that raised an exception is not recorded, and will be tried again
        by the next sweep.

    Raises:
        ValueError: before anything is run, if runs to stack ask for `compile`, or the engine lacks
            a device.
        OSError: a run cannot be recorded.
    """
    missing = {key_of(config): config for config in configs if key_of(config) not in record.runs}
    groups = _groups([*missing.values()], stack)
    for group in groups if stack > 1 else ():
        check_stack(group)
    for outcomes in (engine or process_pool())(groups):
        for outcome in outcomes:
            if outcome.run is not None:
                record.append(outcome.run)
            yield outcome


def key_of(config: Config) -> str:
    """The `Run.key` of the run that this configuration gives.

    Args:
        config: of the run.

    Returns:
        Text, see `dsf.results.run_key`.
    """
    return run_key(experiment(config), config.seed)


def _groups(configs: list[Config], stack: int) -> list[list[Config]]:
    """Cut the runs of each setting into groups of at most `stack`."""
    settings: dict[Config, list[Config]] = {}
    for config in configs:
        setting = dataclasses.replace(config, seed=0, learning_rate=1.0)
        settings.setdefault(setting, []).append(config)
    return [runs[i : i + stack] for runs in settings.values() for i in range(0, len(runs), stack)]
