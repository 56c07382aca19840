"""Numbers, choices and orders: the replies are those of the pages, read from the chapters."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from dsf._checks import as_numbers, check_choice, shown
from dsf.classroom.result import NOT_STARTED, Result


class Question(TypedDict):
    """A question of a chapter, as `python -m book.notebooks` writes it.

    Attributes:
        kind: "number", "choice" or "order".
        right: what is right, as the chapter writes it: 1/3, B, or the letters in the right order.
        tolerance: how near a number has to be.
        replies: by what a reader may answer, in Markdown; `else` for all other numbers.
        answer: what the page shows once the answer is given.
    """

    kind: str
    right: str
    tolerance: float
    replies: dict[str, str]
    answer: str


@cache
def questions() -> dict[str, Question]:
    """The questions of the chapters, by their names."""
    text = Path(__file__).with_name("questions.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def answer(name: str, yours: Any) -> Result:
    """Check a number, a choice or an order, and reply as the page does.

    Args:
        name: of the question, as the notebook has it.
        yours: a number, or a text such as "9/2"; a letter; the letters of an order, "bca". None
            while there is no answer. Whatever it is, the result says so.

    Raises:
        ValueError: there is no such question.

    Example:
        >>> dsf.classroom.answer("another-query", None)
        ○ not started. Put a number in the place of None.
    """
    check_choice("name", name, questions())
    asked = questions()[name]
    if yours is None:
        return Result(
            False, 0.0, f"{NOT_STARTED}. Put {WANTED[asked['kind']]} in the place of None."
        )
    given = _number(yours) if asked["kind"] == "number" else _letters(yours, asked)
    if given is None:
        return Result(False, 0.0, f"This is {shown(yours)}, expected {WANTED[asked['kind']]}.")
    reply = _reply(given, asked)
    if not _is_right(given, asked):
        return Result(False, 0.0, reply or "That is not it.")
    return Result(
        True, 1.0, "\n\n".join(filter(None, [f"Right. {reply}".strip(), asked["answer"]]))
    )


WANTED = {
    "number": "a number",
    "choice": 'a letter, such as "B",',
    "order": 'the letters in your order, such as "bca",',
}


def _number(yours: Any) -> float | None:
    """The number that is meant; None for what is none."""
    if isinstance(yours, str):
        numerator, slash, denominator = yours.strip().replace("−", "-").partition("/")
        try:
            return float(numerator) / (float(denominator) if slash else 1.0)
        except (ValueError, ZeroDivisionError):
            return None
    try:
        array = as_numbers("yours", float(yours) if hasattr(yours, "__float__") else yours)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None
    return float(array.item()) if array.size == 1 and array.dtype.kind in "biuf" else None


def _letters(yours: Any, asked: Question) -> str | None:
    """The letters that are meant; None where they are no option, or not all of an order."""
    if isinstance(yours, list | tuple):
        yours = "".join(map(str, yours))
    if not isinstance(yours, str):
        return None
    letters = "".join(one for one in yours if one.isalnum())
    if asked["kind"] == "choice":
        return letters.upper() if letters.upper() in asked["replies"] else None
    return letters.lower() if sorted(letters.lower()) == sorted(asked["right"]) else None


def _is_right(given: float | str, asked: Question) -> bool:
    if isinstance(given, str):
        return given == asked["right"]
    return _near(given, asked["right"], asked["tolerance"])


def _near(given: float, written: str, tolerance: float) -> bool:
    """Whether a number is the one that the chapter writes."""
    number = _number(written)
    return number is not None and abs(given - number) <= tolerance + 1e-9 * abs(number)


def _reply(given: float | str, asked: Question) -> str:
    """What the page replies to this answer."""
    replies = asked["replies"]
    if asked["kind"] == "order":
        pairs = zip(str(given), asked["right"], strict=True)
        wrong = next((place for place, (one, wanted) in enumerate(pairs) if one != wanted), None)
        if wrong is None:
            return ""
        placed = f"The first {wrong} are" if wrong > 1 else "The first one is"
        said = f"{placed} in place." if wrong else "The first one is not in place."
        return f"{said} {replies.get(asked['right'][wrong], '')}".strip()
    if isinstance(given, str):
        return replies[given]
    near = (reply for key, reply in replies.items() if _near(given, key, asked["tolerance"]))
    right = _near(given, asked["right"], asked["tolerance"])
    return next(near, "" if right else replies.get("else", ""))
