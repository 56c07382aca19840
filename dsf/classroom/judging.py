"""What a reader's function does, beside the solution and beside the mistakes that are known."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dsf._checks import as_numbers, shown
from dsf.classroom import drawing
from dsf.classroom.kinds import Case, Draw, Exercise, Function, message
from dsf.classroom.result import NOT_STARTED, Result

TOLERANCE, SINGLE = 1e-9, 1e-4  # of double and of single precision, as in `check.same`
RETURNS_NOTHING = "returns nothing: is the `return` missing?"


@dataclass
class Outcome:
    """What a function made of one case: numbers, or a sentence that says why there are none."""

    numbers: NDArray[Any] | None = None
    trouble: str = ""


def judge(task: Exercise, yours: Any, seed: int = 0, tell_seed: bool = True) -> Result:
    """Run the reader's function and say what it does.

    Args:
        task: the exercise.
        yours: what the reader has written, whatever it is.
        seed: of the random arguments.
        tell_seed: whether the message names it. Who knows the seed of a class knows the arguments.
    """
    named = f"seed {seed}" if tell_seed else ""
    begin = f"{'Mend' if task.given else 'Write'} `{task.function}` above."
    untouched = Result(False, 0.0, f"{NOT_STARTED}. {begin}")
    if yours is None or (inspect.isfunction(yours) and _is_empty(yours)):
        return untouched
    if not callable(yours):
        expected = f"the function `{task.function}` itself, without brackets and arguments"
        return Result(False, 0.0, f"This is {shown(yours)}, expected {expected}.")
    with _double_precision():
        cases = list(task.cases(Draw(seed))) if task.cases else []
        targets = [_run(task, task.solution, case) for case in cases]
        outcomes = [_run(task, yours, case) for case in cases]
        right = [_agree(one, target) for one, target in zip(outcomes, targets, strict=True)]
        broken = _broken(task, yours) if all(right) else []
        if NOT_STARTED in [*broken, *(outcome.trouble for outcome in outcomes)]:
            return untouched
        if all(right) and not broken:
            return Result(True, 1.0, _praise(len(cases), named))
        if task.given and _does_the_same(task, task.given, cases, outcomes):
            does = "the function still does what it did when it was given"
            return Result(False, 0.0, f"{NOT_STARTED}: {does}. {begin}")
        picture, held = "", len(task.laws) - len(broken)
        if all(right):
            said = broken[0]
        else:
            held, last = 0, max(i for i, agrees in enumerate(right) if not agrees)  # the largest
            described = _described(task, cases[last], named)
            place = f" ({described})" if described else ""
            unknown = _difference(outcomes[last], targets[last]) + place
            said = _mistake(task, cases, outcomes) or unknown
            picture = _picture(outcomes[last], targets[last])
        score = (sum(right) + held) / (len(right) + len(task.laws))
        return Result(False, score, f"`{task.function}` {said}", picture)


def _praise(cases: int, seed: str) -> str:
    told = [f"in {cases} case{'s' * (cases > 1)}", seed] if cases else []
    return ", ".join(["right", *filter(None, told)])


# --- running ------------------------------------------------------------------------------------


@contextmanager
def _double_precision() -> Iterator[None]:
    """What the reader's function makes by itself, `torch.zeros(n)`, is as precise as its cases."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_default_dtype(before)


def _is_empty(yours: Function) -> bool:
    """Whether there is nothing in the function but a docstring."""

    def documented() -> None:
        """Nothing."""

    def bare() -> None: ...

    code = yours.__code__
    empty = all(one is None or one == yours.__doc__ for one in code.co_consts)
    return empty and code.co_code in (documented.__code__.co_code, bare.__code__.co_code)


def _run(task: Exercise, function: Function, case: Case) -> Outcome:
    """The numbers that a function makes of a case; it gets copies, and never raises."""
    arguments = tuple(x.clone() if isinstance(x, Tensor) else x for x in case)
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        names = ", ".join(inspect.signature(task.solution).parameters)
        return Outcome(trouble=f"cannot be called as `{task.function}({names})`")
    except ValueError:  # a function of another language, which does not say what it takes
        pass
    try:
        result = function(*arguments)
    except Exception as error:  # whatever a reader may write
        return Outcome(trouble=_trouble(error))
    if result is None:
        return Outcome(trouble=RETURNS_NOTHING)
    try:
        seen = task.view(result, case) if task.view else result
        numbers = as_numbers("what it returns", seen)
        return Outcome(numbers.astype(float) if numbers.dtype.kind in "biu" else numbers)
    except ValueError as error:
        return Outcome(trouble=str(error).replace("what it returns is", "returns"))
    except Exception:  # a result of another kind, which the view cannot read
        return Outcome(trouble=f"returns {shown(result)}, expected {_returns(task)}")


def _trouble(error: Exception) -> str:
    """What is said of an error in the reader's function: its first line."""
    if isinstance(error, NotImplementedError):
        return NOT_STARTED
    if isinstance(error, RecursionError):
        return "calls itself without end"
    said = str(error).strip().split("\n")[0]
    return f"raises {type(error).__name__}: {said}".rstrip(": ")


def _returns(task: Exercise) -> str:
    docstring = inspect.getdoc(task.solution) or ""
    return f"what the docstring says: {docstring.splitlines()[0]}" if docstring else "an array"


def _described(task: Exercise, case: Case, seed: str) -> str:
    """The case in the names of the arguments: `q (7, 5), v (7, 3), seed 0`."""
    parts = []
    for name, value in zip(inspect.signature(task.solution).parameters, case, strict=False):
        if isinstance(value, Tensor) and value.ndim:
            parts.append(f"{name} {tuple(value.shape)}")
        elif isinstance(value, int | float):
            parts.append(f"{name} = {value:g}")
    return ", ".join(filter(None, [*parts, seed]))


# --- comparing ----------------------------------------------------------------------------------


def _agree(one: Outcome, other: Outcome) -> bool:
    """Whether two functions have made the same of a case; NaN agrees with NaN."""
    a, b = one.numbers, other.numbers
    if a is None or b is None or a.shape != b.shape:
        return False
    single = {a.dtype.name, b.dtype.name} & {"float32", "complex64"}
    wide = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    a, b = a.astype(wide), b.astype(wide)
    size = float(np.abs(b[np.isfinite(b)]).max(initial=1.0))
    tolerance = (SINGLE if single else TOLERANCE) * size
    return bool(np.isclose(a, b, rtol=0, atol=tolerance, equal_nan=True).all())


def _broken(task: Exercise, yours: Function) -> list[str]:
    """The laws that do not hold, in the words of each."""
    said = []
    for law in task.laws:
        try:
            found = law(yours)
        except Exception as error:  # whatever a reader may write
            found = _trouble(error)
        if found:
            said.append(found)
    return said


def _mistake(task: Exercise, cases: list[Case], outcomes: list[Outcome]) -> str:
    """What is said of the mistake that does, in every case, what the reader's function does."""
    same = (wrong for wrong in task.mistakes if _does_the_same(task, wrong, cases, outcomes))
    return next(map(message, same), "")


def _does_the_same(
    task: Exercise, wrong: Function, cases: list[Case], outcomes: list[Outcome]
) -> bool:
    made = [_run(task, wrong, case) for case in cases]
    return all(_agree(one, other) for one, other in zip(outcomes, made, strict=True))


def _difference(outcome: Outcome, target: Outcome) -> str:
    """Where and how what no known mistake explains parts from the target."""
    yours, right = outcome.numbers, target.numbers
    if yours is None or right is None:
        return outcome.trouble
    if yours.shape != right.shape:
        kind = "a number" if yours.ndim == 0 else f"an array of shape {yours.shape}"
        wanted = "a number" if right.ndim == 0 else f"shape {right.shape}"
        turned = ", the transposed one" if yours.shape == right.shape[::-1] != right.shape else ""
        return f"returns {kind}{turned}, expected {wanted}"
    if not np.isfinite(yours).all():
        return "returns numbers that are not finite"
    if yours.dtype.kind == "c" and right.dtype.kind != "c":
        return "returns complex numbers, expected real ones"
    differ = ~np.isclose(yours, right, rtol=0, atol=1e-6 * max(1.0, float(np.abs(right).max())))
    for test, said in DIAGNOSES:
        if test(yours, right, differ):
            return said
    if not differ.any():
        return "is right to six digits only"
    at = tuple(int(i) for i in np.argwhere(differ)[0])
    first = f"has as the first that differs [{', '.join(map(str, at))}]:" if at else "returns"
    return f"{first} {yours[at]:.4g}, expected {right[at]:.4g}"


def _is_multiple(yours: NDArray[Any], right: NDArray[Any], differ: NDArray[np.bool_]) -> bool:
    if right.size < 2 or not np.abs(right).max():
        return False
    factor = np.vdot(right, yours) / np.vdot(right, right)
    return bool(factor) and np.allclose(yours, factor * right)


Diagnosis = Callable[[NDArray[Any], NDArray[Any], NDArray[np.bool_]], bool]
DIAGNOSES: tuple[tuple[Diagnosis, str], ...] = (
    (lambda y, r, d: not np.abs(y).max(), "is zero throughout"),
    (lambda y, r, d: y.shape == y.T.shape and np.allclose(y, r.T), "is the transposed array"),
    (lambda y, r, d: np.allclose(y, -r), "has the wrong sign throughout"),
    (_is_multiple, "is the right array times a number, the same everywhere: is a factor missing?"),
    (
        lambda y, r, d: y.ndim > 0 and len(y) > 1 and not d[0].any() and bool(d[1:].any()),
        "is right at time 0 and wrong after it: what does a step take from the one before?",
    ),
)


def _picture(outcome: Outcome, target: Outcome) -> str:
    """Target and yours, where both are arrays of real numbers of one shape."""
    yours, right = outcome.numbers, target.numbers
    if yours is None or right is None or yours.shape != right.shape:
        return ""
    if "c" in (yours.dtype.kind, right.dtype.kind):
        return ""
    return drawing.compare(right.astype(float), yours.astype(float))
