"""A conversation with the confined process: the student's function looks as if it were here."""

from __future__ import annotations

import contextlib
import difflib
import inspect
import json
import queue
import re
import threading
from time import monotonic
from types import TracebackType
from typing import Any

from dsf.classroom import EXERCISES, Result
from dsf.classroom.result import NOT_STARTED
from dsf.marking.confine import Confined, Level, Limits
from dsf.marking.submission import Submission
from dsf.marking.worker import LARGEST, decode, encode, plain

WAITING = 4  # messages at most: who talks without being asked shall not fill the memory here
ENDED = "ends the process that runs it"


DEFINITION = re.compile(r"^def (\w+) *\(", re.MULTILINE)


class Stopped(Exception):
    """The confined process has taken too long, or is no more."""


class Student:
    """The process that runs a student's code, and a new one after it was stopped."""

    def __init__(self, submission: Submission, limits: Limits, level: Level) -> None:
        self.submission = submission
        self.limits = limits
        self.level = level
        self.confined: Confined | None = None
        self.replies: queue.Queue[bytes] = queue.Queue(WAITING)
        self.listener = threading.Thread()
        self.until = 0.0

    def __enter__(self) -> Student:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Have a process that is ready.

        Raises:
            RuntimeError: it does not start.
        """
        if self.confined is not None:
            return
        self.confined = Confined(self.level, self.limits)
        process, self.replies = self.confined.process, queue.Queue(WAITING)
        listening = (process.stdout, self.replies)
        self.listener = threading.Thread(target=_listen, args=listening, daemon=True)
        self.listener.start()
        self.until = monotonic() + self.limits.start
        try:
            self._hear()
        except Stopped:
            self.confined.kill()
            said = process.stderr.read().decode(errors="replace") if process.stderr else ""
            self.stop()
            raise RuntimeError(f"the confined process does not start: {said[-2000:]}") from None

    def stop(self) -> None:
        """End the process, if there is one."""
        if self.confined is not None:
            self.confined.kill()
            until = monotonic() + 5.0
            while self.listener.is_alive() and monotonic() < until:
                with contextlib.suppress(queue.Empty):  # it may wait for a line to be taken
                    self.replies.get(timeout=0.05)
            self.confined.close()
            self.confined = None

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """The reply to a message.

        Raises:
            Stopped: there is none in time, or none that is a message. The process is ended.
        """
        assert self.confined is not None
        process = self.confined.process
        # Who does not read cannot be written to: it is ended then, and the writing with it.
        watch = threading.Timer(max(0.0, self.until - monotonic()), self.confined.kill)
        watch.start()
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            return self._hear()
        except (OSError, Stopped) as error:
            late = monotonic() >= self.until
            self.stop()
            said = f"takes longer than {self.limits.seconds:g} s" if late else ENDED
            raise Stopped(said) from error
        finally:
            watch.cancel()

    def _hear(self) -> dict[str, Any]:
        try:
            told = json.loads(self.replies.get(timeout=max(0.0, self.until - monotonic())))
        except (queue.Empty, ValueError, RecursionError):
            raise Stopped from None
        if not isinstance(told, dict):
            raise Stopped
        return told

    def load(self, name: str, function: str) -> Any:
        """What the student has written for an exercise: a function, a result, or another value."""
        self.start()
        self.until = monotonic() + self.limits.seconds
        begin = f"{'Mend' if EXERCISES[name].given else 'Write'} `{function}` above."
        message = {
            "cells": self.submission.cells,
            "function": function,
            "last": self.submission.answers.get(name),
        }
        try:
            told = self.ask({"load": message})
        except Stopped as stopped:
            return Result(False, 0.0, f"`{function}` {stopped}")
        if "function" in told:
            return Remote(self, function, told["function"])
        if "value" in told:
            try:
                return decode(told["value"])
            except ValueError as error:
                return Result(False, 0.0, f"`{function}` is no function: {error}")
        if "error" in told:
            kind, said, _ = _error(told)
            return Result(False, 0.0, f"`{function}` cannot be loaded: {kind}: {said}".rstrip(": "))
        if "unread" in told:
            said = plain(str(told["unread"])[:300])
            return Result(False, 0.0, f"`{function}` is no Python: {said}")
        if "missing" in told and (there := _meant(self.submission, name, function)):
            return Result(False, 0.0, f"no function `{function}` found (there is `{there}`)")
        return Result(False, 0.0, f"{NOT_STARTED}. {begin}")


def _meant(submission: Submission, name: str, function: str) -> str:
    """The function in the place of one that is missing: in the cell for it, or of a name like it.

    It is found as text: what a student wrote is parsed in the confined process alone.
    """
    own = submission.answers.get(name)
    cells = submission.cells if own is None else submission.cells[own : own + 1]
    found = [there for cell in cells for there in DEFINITION.findall(cell)]
    if own is None:
        found = difflib.get_close_matches(function, found, 1, 0.8)
    return found[-1][:100] if found else ""


class Remote:
    """The student's function, to be called as if it were here."""

    def __init__(self, student: Student, name: str, told: Any) -> None:
        self.student = student
        self.name = name
        self.trouble = ""  # why it was stopped
        if (signature := _signature(told)) is not None:  # else it may be called with anything
            self.__signature__ = signature

    def __call__(self, *arguments: Any) -> Any:
        """What the function returns over there, or its error."""
        if self.trouble:
            raise Stopped(self.trouble)
        try:
            told = self.student.ask({"call": [encode(one) for one in arguments]})
        except Stopped as stopped:
            self.trouble = str(stopped)
            raise
        if "error" not in told:
            return decode(told.get("value"))
        kind, said, unfinished = _error(told)
        if unfinished:
            raise NotImplementedError(said)
        if kind == "RecursionError":
            raise RecursionError(said)
        raise type(kind, (Exception,), {})(said)


def _signature(told: Any) -> inspect.Signature | None:
    """The signature that is told, if it is one."""
    try:
        kinds = [*inspect._ParameterKind]
        return inspect.Signature(
            [
                inspect.Parameter(
                    str(name), kinds[kind], default=None if has else inspect.Parameter.empty
                )
                for name, kind, has in told["parameters"]
            ]
        )
    except (ValueError, TypeError, KeyError, IndexError):
        return None


def _error(told: dict[str, Any]) -> tuple[str, str, bool]:
    """Name and text of an error over there, and whether it says that nothing is done yet."""
    try:
        kind, said, unfinished = told["error"]
    except (ValueError, TypeError):
        return "Exception", "", False
    name = str(kind)[:100]
    first = plain(str(said)[:300].strip().split("\n")[0])
    return name if name.isidentifier() else "Exception", first, unfinished is True


def _listen(out: Any, replies: queue.Queue[bytes]) -> None:
    """Take line after line from a process; an empty one at its end, or for one too long."""
    try:
        while (line := out.readline(2 * LARGEST)).endswith(b"\n"):
            replies.put(line)
    except (OSError, ValueError):  # closed
        pass
    replies.put(b"")
