"""Programs that tests talk to: started, waited for, and ended whatever happens."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

# For a kernel: how many threads train, as soon as there are {0} of them. One that has said its last
# word ends a moment later, and while a message is answered none is there.
TRAINING = """
import threading, time
from dsf.widgets import kernel
end = time.monotonic() + 20
while True:
    found = sum(thread.name == kernel.THREAD for thread in threading.enumerate())
    if found == {0} or time.monotonic() > end:
        break
    time.sleep(0.01)
print(found)
"""


@contextmanager
def running(
    command: list[str], folder: Path, ready: Callable[[str], T | None], env: Mapping[str, str]
) -> Iterator[T]:
    """Run `command` in `folder`; gives what `ready` finds in what it says, and ends it at last."""
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=out, stderr=out, start_new_session=True
        )
    try:
        end = monotonic() + 60
        while (found := ready(log.read_text())) is None:
            alive = process.poll() is None and monotonic() < end
            assert alive, f"{command[0]} does not get ready:\n{log.read_text()}"
            sleep(0.1)
        yield found
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
