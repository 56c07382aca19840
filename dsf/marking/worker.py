"""The process in which a student's code runs: it gets arguments and gives back what came out.

It is run as a file by itself (`confine.start`), speaks JSON line by line over its input and
output, and knows neither solutions nor marks, which stay with whoever started it. So there is
nothing in it that would be worth patching: it can say no more than what the student's function
returns. Nothing that it says is executed or unpickled on the other side.

    {"load": {"cells": [...], "function": "f", "last": ...}}   ->  {"function": {"names": [...]}}
    {"call": [arguments]}                                      ->  {"value": ...}, {"error": [...]}
"""

from __future__ import annotations

import ast
import base64
import contextlib
import dis
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from types import CodeType
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

import dsf

SYSTEMS = {kind.__name__: kind for kind in (dsf.LTVSystem, dsf.LowRankSystem, dsf.DenseSystem)}
LONGEST = 256  # time steps of a system: its matrix has the square of them
LARGEST = 1 << 20  # characters of a message
NOBODY = 65534


# --- values as JSON -----------------------------------------------------------------------------


def encode(value: Any) -> Any:
    """A value as JSON: numbers, texts, arrays, systems, and lists of those; of others the look."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float) and type(value) in (int, float):
        return value
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [encode(one) for one in value]}
    if isinstance(value, Tensor):
        dense = value.detach().to_dense() if value.layout != torch.strided else value.detach()
        wide = dense.float() if dense.dtype == torch.bfloat16 else dense  # NumPy has none
        return {"tensor": _packed(wide.cpu().resolve_conj().resolve_neg().numpy())}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc":
        return {"array": _packed(np.asarray(value))}
    if isinstance(value, torch.Generator):
        return {"generator": encode(value.get_state())}
    if (name := type(value).__name__) in SYSTEMS:
        parts = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
        return {"system": [name, {key: encode(one) for key, one in parts.items()}]}
    return {"other": repr(value)[:200]}


def plain(text: str) -> str:
    """A text without what is more than text to a terminal or in a file."""
    return "".join(one if one.isprintable() else " " for one in text)


def _packed(array: np.ndarray[Any, Any]) -> list[Any]:
    flat = np.ascontiguousarray(array)
    return [flat.dtype.str, list(array.shape), base64.b64encode(flat.tobytes()).decode("ascii")]


class Other:
    """What cannot cross: it looks like what it was, and is nothing else."""

    def __init__(self, look: str) -> None:
        self.look = look

    def __repr__(self) -> str:
        return self.look


def decode(told: Any) -> Any:
    """The value that `encode` has written; it makes nothing but the kinds that are listed there.

    Raises:
        ValueError: it is none of those, or a system too large to be compared.
    """
    if told is None or isinstance(told, bool | str | int | float):
        return told
    if not isinstance(told, dict) or len(told) != 1:
        raise ValueError("what came back is no value")
    [(kind, inner)] = told.items()
    try:
        return DECODERS[kind](inner)
    except (KeyError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
        raise ValueError(f"what came back is no value: {error}") from None


def _array(inner: Any) -> np.ndarray[Any, Any]:
    kind, shape, text = inner
    dtype = np.dtype(str(kind))
    if dtype.kind not in "biufc":
        raise ValueError(f"an array of dtype {dtype}, expected numbers")
    flat = np.frombuffer(base64.b64decode(text), dtype)
    return flat.reshape([int(n) for n in shape]).copy()


def _system(inner: Any) -> Any:
    name, parts = inner
    system = SYSTEMS[name](**{str(key): decode(one) for key, one in parts.items()})
    if system.length > LONGEST or system.length * system.n * (system.d or 1) > LARGEST:
        raise ValueError(f"a system of {system.length} steps is too large to be compared")
    return system


def _generator(inner: Any) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(decode(inner))
    return generator


DECODERS: dict[str, Callable[[Any], Any]] = {
    "complex": lambda inner: complex(*inner),
    "tuple": lambda inner: tuple(decode(one) for one in inner),
    "list": lambda inner: [decode(one) for one in inner],
    "tensor": lambda inner: torch.from_numpy(_array(inner)),
    "array": lambda inner: _array(inner)[()],
    "generator": _generator,
    "system": _system,
    "other": lambda inner: Other(plain(str(inner)[:200])),
}


# --- the part of a file that a function needs ---------------------------------------------------


@dataclass(frozen=True)
class Statement:
    """A statement of a file or cell, with the names that it binds and those that it reads."""

    node: ast.stmt
    code: CodeType
    binds: frozenset[str]
    reads: frozenset[str]


def statements(source: str) -> list[Statement]:
    """The statements of a file or cell, one import each, without lines that only IPython knows.

    Raises:
        SyntaxError: the rest is no Python.
    """
    lines = ["" if line.lstrip()[:1] in ("%", "!", "?") else line for line in source.split("\n")]
    found: list[ast.stmt] = []
    for node in ast.parse("\n".join(lines)).body:
        if isinstance(node, ast.Import):
            found += [ast.copy_location(ast.Import([alias]), node) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            split = (ast.ImportFrom(node.module, [alias], node.level) for alias in node.names)
            found += [ast.copy_location(part, node) for part in split]
        else:
            found.append(node)
    return [_statement(node) for node in found]


def _statement(node: ast.stmt) -> Statement:
    code = compile(ast.Module([node], []), "submission", "exec", dont_inherit=True)
    binds = {one.argval for one in dis.get_instructions(code) if one.opname == "STORE_NAME"}
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        binds = {"*"}
    return Statement(node, code, frozenset(binds), frozenset(_reads(code)))


def _reads(code: CodeType) -> Iterator[str]:
    """The names that are looked up outside of functions, also by the functions in it."""
    for one in dis.get_instructions(code):
        if one.opname in ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"):
            yield one.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _reads(inner)


def needed(body: list[Statement], name: str) -> list[Statement]:
    """The statements that bind a name, and those that bind what they read, in their order.

    So an experiment elsewhere in a notebook is not run, and cannot stop the marking.
    """
    binders: dict[str, list[int]] = {}
    for place, statement in enumerate(body):
        for one in statement.binds:
            binders.setdefault(one, []).append(place)
    chosen, asked, seen = set(binders.get("*", [])), [name], {name}
    while asked:
        for place in binders.get(asked.pop(), []):
            chosen.add(place)
            asked += body[place].reads - seen
            seen |= body[place].reads
    return [body[place] for place in sorted(chosen)]


def is_empty(function: ast.stmt) -> bool:
    """Whether a definition holds nothing but a docstring, `...` or `pass`."""
    return isinstance(function, ast.FunctionDef) and all(
        isinstance(one, ast.Pass)
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in function.body
    )


# --- the conversation ---------------------------------------------------------------------------


class Loaded:
    """The student's function, once it is loaded."""

    function: Any = None

    def load(self, cells: list[str], function: str, last: int | None) -> dict[str, Any]:
        """Run what the function needs, and say what it is.

        Args:
            cells: sources; one that is no Python is passed over.
            function: its name.
            last: the cell whose definition counts where there are several; else the last one.
        """
        self.function, unread = None, ""
        body: list[Statement] = []
        order = [*range(len(cells))]
        if last is not None:
            order.remove(last)
            order.append(last)
        for place in order:
            try:
                body += statements(cells[place])
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                if f"def {function}(" in cells[place]:
                    unread = f"{type(error).__name__}: {error}"
        chosen = needed(body, function)
        definitions = [one.node for one in chosen if function in one.binds]
        if unread and (not definitions or last is not None):
            return {"unread": unread}
        if definitions and is_empty(definitions[-1]):
            return {"empty": True}
        space: dict[str, Any] = {"__name__": "__main__"}
        for statement in chosen:
            exec(statement.code, space)  # this process is here for that
        if function not in space:
            return {"missing": True}
        self.function = space[function]
        if not callable(self.function):
            return {"value": encode(self.function)}
        return {"function": {"parameters": parameters(self.function)}}

    def call(self, arguments: list[Any]) -> dict[str, Any]:
        """What the function returns."""
        return {"value": encode(self.function(*map(decode, arguments)))}


def parameters(function: Any) -> list[Any] | None:
    """Names and kinds of the arguments, and whether each has a default; None where unknown."""
    try:
        found = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return None
    return [[one.name, int(one.kind), one.default is not one.empty] for one in found]


def answer(loaded: Loaded, line: str) -> dict[str, Any]:
    """The reply to one message; what goes wrong in the student's code is one, too."""
    asked = json.loads(line)
    try:
        if "load" in asked:
            return loaded.load(**asked["load"])
        return loaded.call(asked["call"])
    except BaseException as error:  # whatever a student may write, also SystemExit
        said = ""
        with contextlib.suppress(Exception):
            said = str(error)[:300]
        names = [kind.__name__ for kind in type(error).__mro__]
        return {"error": [names[0], said, "NotImplementedError" in names]}


def serve(messages: Iterator[str], out: IO[str]) -> None:
    """Answer every message with one line."""
    loaded = Loaded()
    for line in messages:
        try:
            text = json.dumps(answer(loaded, line))
        except (ValueError, RecursionError, MemoryError) as error:
            text = json.dumps(
                {"error": [type(error).__name__, "returns what cannot be told", False]}
            )
        if len(text) > LARGEST:
            text = json.dumps({"error": ["ValueError", "returns too much", False]})
        out.write(text + "\n")
        out.flush()


# --- what the process gives up before any code of a student's runs ------------------------------


def restrict(memory: int, file: int) -> None:
    """Take away from this process what a student's function does not need.

    Args:
        memory: bytes that it may take beside what it has now.
        file: bytes of each file that it writes.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no limits
        return
    if hasattr(os, "setuid") and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    limits = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": file, "RLIMIT_NPROC": 0}
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="utf-8") as told:
        used = int(told.read().split()[0]) * resource.getpagesize()
        limits["RLIMIT_AS"] = used + memory
    for name, most in limits.items():
        with contextlib.suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, name), (most, most))


def main() -> None:
    """Give up what is not needed, then serve on the pipes that this process began with."""
    memory, file = map(int, sys.argv[1:])
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    source = os.fdopen(os.dup(0), encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    for name in ("dsf.classroom", "dsf.marking"):  # not installed, as far as students are concerned
        sys.modules[name] = None  # type: ignore[assignment]
    restrict(memory, file)
    for standard in (0, 1, 2):  # what a student prints goes nowhere
        os.dup2(nowhere, standard)
    out.write(json.dumps({"ready": True}) + "\n")
    out.flush()
    serve(source, out)


if __name__ == "__main__":
    main()
