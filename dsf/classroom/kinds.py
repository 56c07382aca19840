"""An exercise in code: its solution, from which the stub is made, and the mistakes it knows."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Function = Callable[..., Any]
Case = tuple[Any, ...]


class Draw:
    """Random arguments in double precision, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def between(self, low: float, high: float, *shape: int) -> Tensor:
        """Numbers drawn evenly from an interval."""
        drawn = torch.rand(shape, generator=self.generator, dtype=torch.float64)
        return low + (high - low) * drawn


@dataclass(frozen=True)
class Exercise:
    """What a reader is to write, and how it is checked.

    The reader's function and the solution are run on the same random arguments. Where they differ,
    the functions of `mistakes` are run too, and the one that does what the reader's does names the
    mistake. An exercise without cases is checked by its laws alone.

    Attributes:
        solution: the function that is asked for; its signature and docstring are the stub.
        cases: makes the arguments of a few calls, with sizes that all differ.
        mistakes: wrong functions; what a reader is told who has written one is its docstring.
        given: of an exercise that asks for a bug, the function as it is given; it is the stub.
        view: what of a result is compared, from the result and the arguments. It raises a
            `ValueError` that says what is wrong with a result of another kind.
        laws: what else has to hold; each says what does not, or nothing.
        published: whether the book prints the solution.
    """

    solution: Function
    cases: Callable[[Draw], Iterable[Case]] | None = None
    mistakes: tuple[Function, ...] = ()
    given: Function | None = None
    view: Callable[[Any, Case], Any] | None = None
    laws: tuple[Callable[[Function], str | None], ...] = ()
    published: bool = True

    @property
    def function(self) -> str:
        """The name of the reader's function."""
        return str(self.solution.__name__)

    def code(self) -> str:
        """The source of the solution, as the chapter prints it."""
        return source(self.solution)

    def stub(self) -> str:
        """What the reader begins with: the given function, or signature, docstring and `...`."""
        if self.given is not None:
            named = f"def {self.given.__name__}(", f"def {self.function}("
            return source(self.given).replace(*named, 1)
        code = self.code()
        [function] = ast.parse(code).body
        assert isinstance(function, ast.FunctionDef)
        docstring = function.body[0]
        return "\n".join([*code.split("\n")[: docstring.end_lineno], "    ..."])


def source(function: Function) -> str:
    """The source of a function, without what it is indented by."""
    return textwrap.dedent(inspect.getsource(function)).strip("\n")


def message(wrong: Function) -> str:
    """What a reader is told who has written this wrong function."""
    return " ".join((inspect.getdoc(wrong) or "").split())
