"""What the notebooks cost: `python -m book.measure`, all of them or those that are named.

Each runs from top to bottom in a kernel of its own, on one thread, as on the slow core of a hosted
machine. Noted are processor seconds, which another program on the machine hardly changes, and the
most memory that the kernel had at once. The line under the title of a chapter says both.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from book import settings

FILE = settings.ROOT / "book" / "measured.json"
SECONDS, MEGABYTES = 90, 1500  # what a chapter may take
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
# Processor seconds, and the most bytes in use at once. Linux lets a process begin with the peak of
# whoever started it, as far as `getrusage` tells.
USAGE = """\
import json, pathlib, re, resource, sys
own, others = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
status, peak = pathlib.Path("/proc/self/status"), own.ru_maxrss
if status.exists():
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1])
seconds = sum(used.ru_utime + used.ru_stime for used in (own, others))
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([seconds, unit * max(peak, others.ru_maxrss)]))
"""


@dataclass(frozen=True)
class Cost:
    """What one run of a notebook took.

    Attributes:
        processor_seconds: of the kernel, on one thread.
        megabytes: the most memory that it had at once.
        date: day of the run.
        versions: of Python, PyTorch and the package.
    """

    processor_seconds: float
    megabytes: int
    date: str
    versions: str

    def __str__(self) -> str:
        return f"{self.seconds} s, {self.megabytes / 1000:.1f} GB"

    @property
    def seconds(self) -> int:
        """The processor seconds, to the next multiple of five."""
        return max(5, 5 * round(self.processor_seconds / 5))


def recorded() -> dict[str, Cost]:
    """The costs of the notebooks that have been measured, by the names of their files."""
    if not FILE.exists():
        return {}
    found = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: Cost(**cost) for name, cost in found.items()}


def measure(path: Path) -> Cost:
    """Run a notebook, and say what it took.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell of the notebook fails.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(USAGE))
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, kernel_name="python3", timeout=600, resources=resources).execute()
    seconds, size = json.loads(notebook.cells[-1].outputs[0].text)
    versions = {"Python": platform.python_version()}
    versions |= {name: version(name) for name in ("torch", "dsf-book")}
    return Cost(
        processor_seconds=round(seconds, 1),
        megabytes=round(size / 1e6),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        versions=", ".join(f"{name} {number}" for name, number in versions.items()),
    )


def main() -> int:
    """Measure the notebooks and write the file."""
    parser = argparse.ArgumentParser("book.measure", description=__doc__)
    paths = {p.stem: p for p in sorted((settings.ROOT / "chapters").glob("*.ipynb"))}
    parser.add_argument("names", nargs="*", choices=[[], *paths], help="of notebooks")
    os.environ |= ONE_THREAD
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(settings.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    costs = {name: cost for name, cost in recorded().items() if name in paths}
    for name in parser.parse_args().names or paths:
        costs[name] = measure(paths[name])
        print(f"{name}: {costs[name]}", flush=True)
        text = json.dumps({key: asdict(costs[key]) for key in sorted(costs)}, indent=1)
        FILE.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
