"""Timing side by side, memory in a fresh process, and tables."""

import math
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 5


def interleaved(*functions: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Median seconds of each function, called in turn so that all meet the same disturbances."""
    for function in functions:
        function()
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for times, function in zip(seconds, functions, strict=True):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in seconds]


def peak_megabytes(prepare: Callable[..., Callable[[], object]], *arguments: object) -> float:
    """Growth of the resident set, at its peak, while `prepare(*arguments)()` runs.

    In a fresh process, on Linux (NaN elsewhere). `prepare` makes the inputs, which do not count;
    it is first run on no arguments to load what PyTorch loads on first use.
    """
    if not sys.platform.startswith("linux"):
        return math.nan
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(send, prepare, arguments))
    process.start()
    megabytes: float = receive.recv()
    process.join()
    return megabytes


def _measure(send, prepare, arguments) -> None:  # type: ignore[no-untyped-def]
    prepare()()
    run = prepare(*arguments)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from the present
    before = _status("VmRSS")
    run()
    send.send(_status("VmHWM") - before)


def _status(key: str) -> float:
    """A size from /proc/self/status, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1e3 for line in lines if line.startswith(key))


def row(*cells: object) -> str:
    """One line of a table."""
    return "".join(f"{cell!s:>14}" for cell in cells)
