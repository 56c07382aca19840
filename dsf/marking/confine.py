"""Start a process that is to run a student's code, confined as far as this machine allows.

`best` tells the levels, and what each keeps from and what it does not.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import dsf
from dsf._checks import check_choice, check_integer, check_number

Level = Literal["namespaces", "user", "limits"]
LEVELS: tuple[Level, ...] = ("namespaces", "user", "limits")
"""Of confinement, the strictest first."""

PACKAGE = Path(dsf.__file__).resolve().parent
WORKER = Path(__file__).resolve().with_name("worker.py")
HIDDEN = ("classroom", "marking")  # packages that hold solutions, or are the marking
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
LOADER = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives")


@dataclass(frozen=True)
class Limits:
    """What a student's code may take.

    Attributes:
        seconds: for one exercise, loading and all its cases.
        memory: bytes beside what Python and PyTorch take.
        file: bytes of one file, and at the level `namespaces` of all of them.
        start: seconds until the process has to be ready.
    """

    seconds: float = 10.0
    memory: int = 1 << 30
    file: int = 16 << 20
    start: float = 120.0

    def __post_init__(self) -> None:
        for name in ("seconds", "start"):
            check_number(name, getattr(self, name), 0, above=True)
        for name in ("memory", "file"):
            check_integer(name, getattr(self, name))


class Confined:
    """A process that runs `worker.py`, with pipes for its input and output.

    Attributes:
        process: of this machine; that of bubblewrap where it is used.
    """

    def __init__(self, level: Level, limits: Limits) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dsf-marking-"))
        if _is_root():  # the process becomes nobody
            self.folder.chmod(0o1777)
        arguments = [str(limits.memory), str(limits.file)]
        self.process = subprocess.Popen(
            [*command(level, limits), *arguments],
            cwd=self.folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def kill(self) -> None:
        """End the process with all that belongs to it, at once."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)  # the group that it leads
        self.process.kill()

    def close(self) -> None:
        """Close the pipes and remove the folder of a process that was ended."""
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # of what was still to be written
                    pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def command(level: Level, limits: Limits) -> list[str]:
    """What starts `worker.py` at a level; its two arguments are to follow."""
    python = [sys.executable, "-P", "-s"]
    if level != "namespaces":
        return [*python, str(WORKER)]
    inside = "/run/dsf-worker.py"
    parts = ["bwrap", "--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid"]
    parts += ["--unshare-net", "--unshare-uts", "--unshare-cgroup-try", "--cap-drop", "ALL"]
    if _is_root():  # to become nobody, which the worker does before it runs anything
        parts += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        parts += ["--unshare-user"]
    for path in SYSTEM:
        kind = ("--symlink", os.readlink(path)) if os.path.islink(path) else ("--ro-bind-try", path)
        parts += [*kind, path] if os.path.lexists(path) else []
    if _knows_size():
        parts += ["--perms", "1777", "--size", str(limits.file), "--tmpfs", "/tmp"]
    above = {str(folder): None for path in _readable() for folder in reversed(path.parents)}
    for path in [*above][1:]:  # open to the user nobody, too
        parts += ["--perms", "0755", "--dir", path]
    for path in (*LOADER, *map(str, _readable())):
        parts += ["--ro-bind-try", path, path]
    parts += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    for name in HIDDEN:
        parts += ["--tmpfs", str(PACKAGE / name), "--remount-ro", str(PACKAGE / name)]
    parts += ["--ro-bind", str(WORKER), inside]
    parts += ["--remount-ro", "/", "--chdir", "/tmp" if _knows_size() else "/"]
    return [*parts, "--", *python, inside]


def best() -> Level:
    """The strictest level of confinement that works on this machine.

    `namespaces` (Linux with bubblewrap, `apt-get install bubblewrap`): the process sees Python, its
    packages and the package `dsf` without exercises and marking, all read-only, and an empty folder
    of limited size that vanishes with it. It sees no other file (no submission, no gradebook, no
    home), no other process and no network. It does not keep from faults in the kernel, nor from
    using the computer for the time that it has.

    `user` (no bubblewrap, but started by root, as in a container of Gradescope): the process
    becomes the user `nobody`. It cannot write to files of others nor end their processes. It reads
    what everybody may read, which should include Python and not include submissions, writes to
    folders that are open to all, such as `/tmp`, and has the network.

    `limits` (all else): the process belongs to the user who marks, and reads, writes and deletes
    what that user may. It is for code that is wrong, not for code that is evil: for that, mark in a
    virtual machine or a container that is thrown away.

    At every level the process has limits of time, and where the system knows them of memory (not
    on macOS), of the size of files and of further processes, of which there are none (not on
    Windows). It is another process than the one that marks, and what it says is data.
    """
    return next(level for level in LEVELS if works(level))


def check_level(level: Level | None) -> Level:
    """The level to use.

    Args:
        level: the one to insist on, or None for the best.

    Raises:
        ValueError: there is no such level, or it does not work on this machine.
    """
    if level is None:
        return best()
    check_choice("level", level, LEVELS)
    if not works(level):
        needed = {"namespaces": "a bwrap that may make namespaces", "user": "to be started by root"}
        raise ValueError(f"level is {level!r}, which needs {needed[level]} on this machine")
    return level


@cache
def works(level: Level) -> bool:
    """Whether a level can be had on this machine; of bubblewrap it is tried."""
    if level != "namespaces":
        return level == "limits" or _is_root()
    if sys.platform != "linux" or shutil.which("bwrap") is None:
        return False
    *before, _, _, _, _ = command(level, Limits())
    asked = [*before, sys.executable, "-c", "import numpy"]
    tried = subprocess.run(asked, env=_environment(), capture_output=True, stdin=subprocess.DEVNULL)
    return tried.returncode == 0


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


@cache
def _knows_size() -> bool:
    """Whether bubblewrap can limit a folder (from 0.7 on); else there is none to write in."""
    told = subprocess.run(["bwrap", "--help"], capture_output=True, text=True).stdout
    return "--size" in told


def _environment() -> dict[str, str]:
    """The variables of the process: none of those of whoever marks but where things lie."""
    kept = {
        name: os.environ[name] for name in ("LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ
    }
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    path = os.pathsep.join([str(PACKAGE.parent), *map(str, _packages())])
    return {
        **kept,
        **one,
        "PATH": "/usr/bin:/bin",
        "HOME": tempfile.gettempdir(),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }


def _packages() -> Iterator[Path]:
    """The folders of installed packages."""
    for entry in sys.path:
        if Path(entry).name in ("site-packages", "dist-packages") and Path(entry).is_dir():
            yield Path(entry)


def _readable() -> list[Path]:
    """What the process sees beside the system: Python, the packages, `dsf`."""
    found = [Path(sys.prefix), Path(sys.base_prefix), *_packages(), PACKAGE]
    return [path for path in dict.fromkeys(found) if not str(path).startswith("/usr")]
