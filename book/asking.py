"""What a chapter asks: the source of `{predict}` and `{question}`, read once for all media.

A block asks in Markdown that reads well as it stands: the question, a list, and what is revealed.

    What does the state do?

    - **A.** It explodes.
      - One large factor is paid for by small ones.
    - **B.** It stays bounded.
      - Right: the product telescopes.

    The answer, as long as it needs to be.

An item is a key in bold and a text; the item inside it is the reply to a reader who gives it.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["predict", "choice", "number", "order", "set"]
TITLES: dict[Kind, str] = {
    "predict": "Predict before you see",
    "choice": "Check yourself",
    "number": "Check yourself",
    "order": "Put in order",
    "set": "Set the figure",
}
KINDS = ("choice", "number", "order", "set")  # of a question; a prediction is a kind by itself
ELSE = "else"

ITEM = re.compile(r"^(?P<mark>- |\d+\. +)(?:\*\*(?P<key>[^*]+?)\*\*)?\s*(?P<text>.*)$")
REPLY = re.compile(r"^ {2,}- (?P<text>.*)$")
CONDITION = re.compile(
    r"^\s*(?P<name>[a-z_]\w*)\s*(?P<sign><=|>=|!=|=|<|>)\s*(?P<value>[^<>=!]+?)\s*$"
)


@dataclass
class Lines:
    """Lines of the source, and where the first of them stands in the block."""

    text: list[str] = field(default_factory=list)
    start: int = 0

    def __bool__(self) -> bool:
        return any(line.strip() for line in self.text)


@dataclass
class Item:
    """One item of the list: an option, a value, a step or a condition, and the reply to it."""

    key: str
    text: Lines
    reply: Lines


@dataclass
class Asked:
    """A block that asks."""

    kind: Kind
    right: str  # the key, the number or the condition that is right; empty for an order
    question: Lines
    items: list[Item]
    answer: Lines
    tolerance: float = 0.0
    written: str = ""  # what is right, as the author wrote it

    def shown(self) -> str:
        """What is right, for people to read, and how near is near enough."""
        near = f" ± {self.tolerance:g}" if self.tolerance else ""
        return self.written.replace(">=", "≥").replace("<=", "≤").replace("!=", "≠") + near

    def order(self, label: str) -> list[int]:
        """The places of the items as they are shown: shuffled, the same on every build."""
        places = list(range(len(self.items)))
        chance = random.Random(int.from_bytes(hashlib.sha256(label.encode()).digest()[:8]))
        while places == sorted(places):
            chance.shuffle(places)
        return places


def read(kind: str, body: list[str], options: dict[str, str]) -> Asked:
    """Read the body and the options of a block that asks.

    Args:
        kind: `predict`, or the kind of a question.
        body: the lines of the block, without its options.
        options: `answer` (the letter, the number or the condition that is right) and `tolerance`.

    Raises:
        ValueError: It is not a question that can be put; the message says what is missing.
    """
    if kind != "predict" and kind not in KINDS:
        raise ValueError(f"a question is {kind!r}, expected one of {', '.join(KINDS)}")
    question, items, answer = _parts(body)
    right = str(options.get("answer", "")).strip()
    asked = Asked(kind, right, question, items, answer, written=right)  # type: ignore[arg-type]
    if not question:
        raise ValueError("there is no question before the list")
    if kind in {"predict", "choice"}:
        _check_choice(asked)
    elif kind == "number":
        asked.right = repr(number(right))
        asked.tolerance = number(str(options.get("tolerance", "0")))
        for item in items:
            if item.key != ELSE:
                number(item.key)
    elif kind == "set":
        conditions(right)
        for item in items:
            if item.key != ELSE:
                conditions(item.key)
    elif right:
        raise ValueError("an order has no option answer: the list stands in the right order")
    _check_replies(asked)
    return asked


def _parts(body: list[str]) -> tuple[Lines, list[Item], Lines]:
    """The question, the items of the first list, and the rest."""
    first = next((i for i, line in enumerate(body) if ITEM.match(line)), len(body))
    items: list[Item] = []
    i = first
    while i < len(body):
        match = ITEM.match(body[i])
        if match:
            key = (match["key"] or "").rstrip(".")
            items.append(Item(key, Lines([match["text"]], i), Lines([], i)))
        elif not body[i].strip() or body[i].startswith("  "):
            _continue(items[-1], body[i], i)
        else:
            break
        i += 1
    return Lines(body[:first], 0), items, Lines(body[i:], i)


def _continue(item: Item, line: str, number: int) -> None:
    reply = REPLY.match(line)
    if reply and not item.reply.text:
        item.reply = Lines([reply["text"]], number)
    else:
        (item.reply if item.reply.text else item.text).text.append(line.strip())


def _check_choice(asked: Asked) -> None:
    keys = [item.key for item in asked.items]
    if not 2 <= len(keys) <= 4 or keys != list("ABCD"[: len(keys)]):
        raise ValueError(
            f"the options are {', '.join(keys) or 'none'}, expected two to four items "
            "'- **A.** …', '- **B.** …', in this order"
        )
    if asked.right not in keys:
        raise ValueError(f"answer is {asked.right!r}, expected one of {', '.join(keys)}")


def _check_replies(asked: Asked) -> None:
    texts = asked.kind in {"predict", "choice", "order"}
    if asked.kind == "order" and len(asked.items) < 3:
        raise ValueError("an order needs at least three items '1. …'")
    for position, item in enumerate(asked.items, 1):
        name = item.key or f"number {position}"
        if texts and not item.text:
            raise ValueError(f"item {name} has no text")
        if not texts and item.text:
            raise ValueError(f"item {name} has a text, expected a key in bold and a reply below it")
        if not texts and not item.key:
            raise ValueError(f"item {name} has no key in bold")
        if asked.kind != "order" and not item.reply:
            raise ValueError(f"item {name} has no reply: an item '  - …' below it")


def number(text: str) -> float:
    """A number as authors and readers write it: 0.5, 1/3, 1e-3.

    Raises:
        ValueError: The text is no number.
    """
    numerator, slash, denominator = text.strip().replace("−", "-").partition("/")
    try:
        return float(numerator) / (float(denominator) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is not a number") from None


def conditions(text: str) -> list[tuple[str, str, float | str]]:
    """What a figure must be like: `n >= 8, map = elu` as names, signs and values.

    Raises:
        ValueError: A part is no comparison of a name with a value.
    """
    found: list[tuple[str, str, float | str]] = []
    for part in text.split(","):
        match = CONDITION.match(part)
        if not match:
            raise ValueError(f"{text!r} is not a condition, expected one such as 'n >= 8, d = 4'")
        try:
            value: float | str = number(match["value"])
        except ValueError:
            value = match["value"]
        found.append((match["name"], match["sign"], value))
    return found
