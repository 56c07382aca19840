"""The command `dsf`: `dsf sweep` trains a grid of models, `dsf results` prints what came out.

`dsf assignments` makes a course for a class, `dsf mark` marks what was handed in.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from dsf import engines, results, sweep
from dsf.config import Config
from dsf.results import Cell

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: without the name of the program; those of the process if None.

    Returns:
        The exit status: 0, 1 if a run failed, 2 if the input is wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.act(options))
    except (ValueError, OSError, ModuleNotFoundError, RuntimeError) as error:
        print(f"dsf: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dsf: stopped; run the same command again to go on", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dsf", description=__doc__)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(required=True)

    sweep = commands.add_parser("sweep", help="train a grid of models; run it again to go on")
    sweep.add_argument("grid", type=Path, help="TOML file, see the docstring of dsf.sweep")
    sweep.add_argument("--out", type=Path, help="file of runs (default: GRID with .jsonl)")
    sweep.add_argument(
        "--engine",
        choices=("process", "ray"),
        default="process",
        help="a pool of processes on this machine (default), or a Ray cluster",
    )
    sweep.add_argument(
        "--workers",
        type=_positive,
        help="processes, or processors of a Ray cluster of this machine (default: one a "
        "processor; one process only on a GPU)",
    )
    sweep.add_argument(
        "--stack",
        type=_positive,
        default=1,
        help="runs of one setting (seeds, learning rates) to train at once; pays on a GPU",
    )
    sweep.add_argument("--address", help="of the Ray cluster (default: one of this machine)")
    sweep.set_defaults(act=_sweep)

    show = commands.add_parser("results", help="print runs; compare the files if there are more")
    show.add_argument(
        "file", nargs="*", default=["mqar"], help="a file of runs, or a record's name"
    )
    show.set_defaults(act=_results)

    course = commands.add_parser("assignments", help="make assignments, and what marks them")
    course.add_argument("folder", type=Path, help="of the course; what is handed in there stays")
    course.add_argument("--seed", type=int, help="of the random arguments (default: drawn)")
    course.set_defaults(act=_assignments)

    mark = commands.add_parser("mark", help="mark what a student has handed in")
    mark.add_argument(
        "assignment",
        help="its name, such as 1-attention; or the folder of a course that holds its notebook, "
        "COURSE/release/NAME; or names of exercises, one-factor,la-bug",
    )
    mark.add_argument("path", type=Path, nargs="+", help="notebook, Python file or folder of one")
    mark.add_argument("--seed", type=int, help="of the random arguments (default: drawn)")
    mark.add_argument("--seconds", type=float, default=10.0, help="for one exercise (default: 10)")
    mark.add_argument("--level", help="of confinement to insist on (default: the best there is)")
    mark.add_argument("--csv", type=Path, metavar="FILE", help="write a line a student, too")
    mark.add_argument("--gradescope", type=Path, metavar="FILE", help="write its results.json")
    mark.set_defaults(act=_mark)
    return parser


class _Version(argparse.Action):
    """Asks for the version only when it is wanted: a checkout may run without being installed."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: Any) -> None:
        print(f"dsf {metadata.version('dsf-book')}")
        parser.exit()


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, at least 1")
    return int(text)


def _sweep(options: argparse.Namespace) -> int:
    configs = sweep.read_grid(options.grid)
    path = options.out or options.grid.with_suffix(".jsonl")
    engine = _engine(options)
    outcomes = []
    with results.Record(path) as record:
        if record.repaired is not None:
            torn = len(record.repaired)
            console.print(Text(f"{path}: cut off a torn last line ({torn} characters)"))
        board = _Board(configs, record)
        with Live(get_renderable=board.render, console=console, refresh_per_second=2):
            for outcome in sweep.run_sweep(configs, record, engine, options.stack):
                board.add(outcome)
                outcomes.append(outcome)
    failed = [outcome for outcome in outcomes if outcome.error]
    for outcome in failed:
        print(f"dsf: {outcome.config} failed:\n{outcome.error}", file=sys.stderr)
    return 1 if failed else 0


def _engine(options: argparse.Namespace) -> engines.Engine:
    if options.engine == "ray":
        return engines.ray_cluster(options.address, options.workers)
    if options.address is not None:
        raise ValueError(f"--address {options.address}: expected with --engine ray only")
    return engines.process_pool(options.workers)


class _Board:
    """The live table of a sweep: for every mixer what is done, and the best so far."""

    def __init__(self, configs: list[Config], record: results.Record) -> None:
        self.tasks = {config.task for config in configs}
        self.total = Counter(self._row(config) for config in configs)
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.diverged: Counter[str] = Counter()
        self.best: dict[str, float] = {}
        self.metrics = dict.fromkeys(config.metric.name for config in configs)
        self.last = ""
        self.bar = Progress(
            TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        )
        for config in configs:
            if (run := record.runs.get(sweep.key_of(config))) is not None:
                self._count(config, run.test_score)
        done = self.done.total()
        self.task = self.bar.add_task("", total=len(configs), completed=done)

    def _row(self, config: Config) -> str:
        return config.mixer if len(self.tasks) == 1 else f"{config.mixer}, {config.task}"

    def _count(self, config: Config, score: float | None) -> None:
        row = self._row(config)
        self.done[row] += 1
        if score is None:
            self.diverged[row] += 1
        elif config.metric.reached(score, self.best.get(row, config.metric.worst)):
            self.best[row] = score

    def add(self, outcome: engines.Outcome) -> None:
        """Count one more."""
        config = outcome.config
        self.bar.advance(self.task)
        if outcome.run is None:
            self.failed[self._row(config)] += 1
            return
        score = outcome.run.test_score
        self._count(config, score)
        told = {
            "n": config.n,
            "d": config.d_model,
            "K": getattr(config, "num_kv_pairs", None),  # of MQAR
            "lr": f"{config.learning_rate:g}",
            "seed": config.seed,
        }
        words = " ".join(f"{name}={value}" for name, value in told.items() if value is not None)
        reached = "diverged" if score is None else f"{score:.3f}"
        self.last = f"{self._row(config)} {words}: {reached}"

    def render(self) -> Group:
        """The table as it is now."""
        best = f"best test {' or '.join(self.metrics)} now"
        table = Table("mixer", "done", "of", "diverged", "failed", best)
        for row, total in self.total.items():
            best = f"{self.best[row]:.3f}" if row in self.best else ""
            counts = (self.done[row], total, self.diverged[row], self.failed[row])
            table.add_row(Text(row), *map(str, counts), best)
        return Group(table, Text(self.last), self.bar)


# The columns; all else is the task of a table.
_MODEL = ("mixer", "n", "d_model", "forget_bias", "start")
_UNKNOWN = "?"  # the value of a field that runs of another version do not have


def _results(options: argparse.Namespace) -> int:
    names = [Path(name).stem for name in options.file]
    if len({*names}) < len(names):
        names = options.file
    files = {
        name: {results.run_key(cell.config, 0): cell for cell in results.cells(_load(file))}
        for name, file in zip(names, options.file, strict=True)
    }
    settings = {key: cell for cells in files.values() for key, cell in cells.items()}
    if not settings:
        console.print("no runs")
        return 0
    telling = [name for name in _varying(settings.values()) if name not in _MODEL]
    tasks: dict[str, dict[str, Cell]] = {}
    for key, cell in settings.items():
        title = ", ".join(f"{name} = {cell.config.get(name, _UNKNOWN)}" for name in telling)
        tasks.setdefault(title, {})[key] = cell
    for title, group in tasks.items():
        varying = _varying(group.values())
        columns = [name for name in _MODEL if name == "mixer" or name in varying]
        metric = next(iter(group.values())).metric.name
        heads = [*columns, "params", *(f"{metric} ({name})" for name in files)]
        # Without bars and double spaces a line fits into a terminal of 80 characters.
        table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        # Text, not str: what looks like mark-up in a name is part of the name.
        table.title = Text(title, style="table.title") if title else None
        for head in heads:
            table.add_column(Text(head))
        for key, cell in group.items():
            model = [Text(str(cell.config.get(name, _UNKNOWN))) for name in columns]
            found = [_cell(cells[key]) if key in cells else "" for cells in files.values()]
            table.add_row(*model, f"{cell.num_parameters:,}", *found)
        console.print(table)
    console.print("mean (lowest to highest, seeds) @ learning rate chosen by validation")
    if partial := sum(bool(cell.incomplete) for cells in files.values() for cell in cells.values()):
        console.print(f"{partial} of them leave out rates that were run with fewer seeds")
    return 0


def _load(name: str) -> list[results.Run]:
    return results.recorded(name) if name in results.names() else results.read(name)


def _varying(cells: Iterable[Cell]) -> list[str]:
    """The fields in which the settings differ."""
    configs = [cell.config for cell in cells]
    names = dict.fromkeys(name for config in configs for name in config)
    return [name for name in names if len({str(c.get(name, _UNKNOWN)) for c in configs}) > 1]


def _cell(cell: Cell) -> str:
    spread = f"{cell.mean:.3f} ({cell.low:.3f} to {cell.high:.3f}, {len(cell.seeds)})"
    lost = f", {cell.diverged} diverged" if cell.diverged else ""
    return f"{spread}{lost} @ {cell.learning_rate:g}"


def _assignments(options: argparse.Namespace) -> int:
    from dsf import marking

    for path in marking.write_course(options.folder, seed=options.seed):
        console.print(Text(str(path)))
    next_step = f"Next: hand out {options.folder / 'release'} and mark by `dsf mark NAME FILES`"
    seed = f"the seed of the random arguments is in {options.folder / 'nbgrader_config.py'}"
    console.print(Text(f"{next_step}; {seed}, which students should not see."), soft_wrap=True)
    return 0


def _mark(options: argparse.Namespace) -> int:
    from dsf.marking import command

    return command.run(options, console)
