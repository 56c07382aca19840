"""Writing a record: one sweep at a time, run by run."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dsf.results.choosing import difference
from dsf.results.line import Run, from_line, to_line
from dsf.results.reader import split

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)  # of some network file systems


class Record:
    """A file of runs that one sweep at a time appends to, inside a `with` statement.

    Attributes:
        path: of the file.
        runs: what the file holds, by `Run.key`.
        repaired: None, or the torn last line that was cut off.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.runs: dict[str, Run] = {}
        self.repaired: str | None = None
        self._locks = ExitStack()

    def __enter__(self) -> Record:
        """Lock the file, read what it holds and cut off what an interrupted write has left.

        Raises:
            ValueError: another sweep writes this file, a line is not a run, or two lines have
                different results of one run; then the file is left as it is.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as locks:
            locks.enter_context(_locked(self.path))
            runs, rest = split(self.path)
            self.runs = {run.key: run for run in runs}
            if rest:
                self.repaired = rest.decode(errors="replace")
                os.truncate(self.path, self.path.stat().st_size - len(rest))
            self._locks = locks.pop_all()
        return self

    def __exit__(self, *unused: object) -> None:
        self._locks.close()

    def append(self, run: Run) -> None:
        """Write one run, durably: it is on the disk when this returns.

        Args:
            run: finished. One that the file holds already, with the same result, is not written.

        Raises:
            ValueError: the file holds another result of this run, or could not be read again
                with it.
            OSError: naming the file, if the run cannot be written; then none of it is.
        """
        line = to_line(run)
        run = from_line(line)
        if (known := self.runs.get(run.key)) is not None:
            if differs := difference(known, run):
                raise ValueError(f"{self.path}: holds another result of this run: {differs}")
            return
        with self.path.open("a+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            if file.read(1) not in (b"", b"\n"):  # the last line is whole, but for its end
                line = b"\n" + line
            try:
                # One write, so that no reader sees a part.
                if file.write(line) < len(line):
                    raise OSError("no space left for the whole of it")
                os.fsync(file.fileno())
            except OSError as error:
                file.truncate(size)
                raise OSError(f"{self.path}: a run could not be written: {error}") from error
        self.runs[run.key] = run


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other sweeps from a file, whichever of its names they use; readers stay free.

    Two locks: one beside the file holds where it is replaced by another, and on any system; one on
    the file itself holds for its hard links. The system drops both when the process dies.
    """
    busy = f"{path}: another sweep is writing this file"
    with ExitStack() as locks:
        try:
            locks.enter_context(FileLock(f"{path.resolve()}.lock", timeout=0))
        except Timeout as error:
            raise ValueError(busy) from error
        file = locks.enter_context(path.open("ab"))
        if not _lock(file.fileno(), busy) and (links := os.fstat(file.fileno()).st_nlink) > 1:
            raise ValueError(
                f"{path}: the file has {links} names (hard links), expected one where a file "
                "cannot be locked under all of them"
            )
        yield


def _lock(file: int, busy: str) -> bool:
    """Lock an open file until it is closed; False where that cannot be done."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise ValueError(busy) from error
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True
