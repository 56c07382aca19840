"""How long a chapter takes, computed from its source with the counts of its page.

The main path is what stands open: not what is folded, not solutions, not the code that the page
hides. Of a prediction its answer counts, since every reader gets it, and one reply. Exercises say
themselves how long they take, in their first line: *Pencil, 10 minutes, objective 2.*
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from book import asking, code
from book.notebooks.chapter import Chapter, cells, children
from book.notebooks.myst import Block, Break, ChapterError, Code, Directive, Target, Text, parse
from book.notebooks.myst import Math as Formula

WORDS_A_MINUTE = 200
INLINE_FORMULA = 3 / 60  # minutes
DISPLAYED_FORMULA = 20 / 60
LINE_OF_CODE = 2 / 60

INLINE_MATH = re.compile(r"(?<!\\)\$(?:\\.|[^$\\])+\$")
ROLE = re.compile(r"\{[\w:.+-]+\}`(?:[^`<]*?)(?:\s*<[^`>]*>)?`")
MARKUP = re.compile(r"^\s*\|[-|: ]+\|\s*$|\[([^\]]*)\]\([^)]*\)|<[^>]*>", re.M)
WORD = re.compile(r"[^\W_][\w'’.-]*")

EXERCISES = {"exercise", "exercise-start"}
FOLDED = {"chapter-facts", "solution", "deeper", "notebook-only", "stub", "bibliography"}
MINUTES = re.compile(r"(\d+) minutes")


@dataclass(frozen=True)
class Counts:
    """What a reader meets."""

    words: int = 0
    inline: int = 0
    displayed: int = 0
    lines: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.words + other.words,
            self.inline + other.inline,
            self.displayed + other.displayed,
            self.lines + other.lines,
        )

    @property
    def minutes(self) -> float:
        """The time that reading takes."""
        return (
            self.words / WORDS_A_MINUTE
            + self.inline * INLINE_FORMULA
            + self.displayed * DISPLAYED_FORMULA
            + self.lines * LINE_OF_CODE
        )


@dataclass(frozen=True)
class Time:
    """Minutes for reading a chapter and for its exercises."""

    reading: int
    exercises: int

    def __str__(self) -> str:
        more = f", exercises {self.exercises} minutes" if self.exercises else ""
        return f"{self.reading} minute{'s' if self.reading > 1 else ''} to read{more}"


def time(chapter: Chapter) -> Time:
    """How long a chapter takes.

    Raises:
        ChapterError: An exercise does not say how many minutes it takes.
    """
    return Time(max(1, math.ceil(counts(chapter).minutes)), sum(_exercises(chapter)))


def counts(chapter: Chapter) -> Counts:
    """What stands on the main path of a chapter."""
    found = cells(chapter)
    kinds = code.kinds("\n".join(cell.body) for cell in found)
    kind_of = {cell.line: kind for cell, kind in zip(found, kinds, strict=True)}
    return sum((_count(block, chapter, kind_of) for block in main_path(chapter)), Counts())


def main_path(chapter: Chapter) -> Iterator[Block]:
    """The blocks outside solutions, boxes and exercises that have a begin and an end."""
    gate = ""
    for block in chapter.blocks:
        name = block.name if isinstance(block, Directive) else ""
        if name in {"solution-start", "deeper-start", "exercise-start"}:
            gate = name.removesuffix("-start")
        elif gate and name == f"{gate}-end":
            gate = ""
        elif not gate:
            yield block


def _count(block: Block, chapter: Chapter, kinds: dict[int, code.Kind]) -> Counts:
    if isinstance(block, Text):
        return _text("\n".join(block.lines))
    if isinstance(block, Formula):
        return Counts(displayed=1)
    if isinstance(block, Code):
        return Counts(lines=len(block.lines) - 2)
    if isinstance(block, Target | Break):
        return Counts()
    if block.name == "code-cell":
        return _cell(block, kinds)
    if block.name == "math":
        return Counts(displayed=1)
    if block.name == "code-block":
        return Counts(lines=_lines(block.body))
    if block.name in EXERCISES | FOLDED or "dropdown" in block.classes():
        return Counts()
    total = (
        _text(block.argument) if block.name not in {"figure", "predict", "question"} else Counts()
    )
    inside = _asked(block, chapter) if block.name in ASKING else children(block, chapter.path)
    for child in inside:
        total += _count(child, chapter, kinds)
    return total


ASKING = {"predict", "predict-start", "question"}


def _asked(block: Directive, chapter: Chapter) -> list[Block]:
    """What a reader sees of a block that asks: all but the replies to other options."""
    kind = block.argument if block.name == "question" else "predict"
    try:
        asked = asking.read(kind, block.body, block.options)
    except ValueError as error:
        raise ChapterError(f"{chapter.path}:{block.line}: {error}") from None
    parts = [asked.question, *(item.text for item in asked.items)]
    parts += [item.reply for item in asked.items if item.key == asked.right]
    seen: list[Block] = []
    for lines in [*parts, asked.answer]:
        seen += parse(lines.text, block.body_line + lines.start, chapter.path)
    return seen


def _cell(block: Directive, kinds: dict[int, code.Kind]) -> Counts:
    figure = (block.options.get("mystnb") or {}).get("figure") or {}
    total = _text(figure.get("caption") or "")
    hidden = {"hide-input", "remove-input", "hide-cell", "remove-cell", "notebook-only"}
    if hidden & {*block.tags()} or kinds.get(block.line) == "scaffolding":
        return total
    if kinds.get(block.line) == "check":
        return total + Counts(lines=1)
    return total + Counts(lines=_lines(block.body))


def _lines(body: list[str]) -> int:
    return sum(1 for line in body if line.strip())


def _text(text: str) -> Counts:
    inline = len(INLINE_MATH.findall(text))
    plain = ROLE.sub(" reference ", INLINE_MATH.sub(" ", text))
    plain = MARKUP.sub(lambda match: match[1] or " ", plain)
    return Counts(words=len(WORD.findall(plain)), inline=inline)


def _exercises(chapter: Chapter) -> Iterator[int]:
    """The minutes that each exercise says."""
    for block in chapter.blocks:
        if isinstance(block, Directive) and block.name in EXERCISES:
            first = next((line for line in block.body if line.strip()), "")
            match = MINUTES.search(first)
            if not match:
                message = "the first line of an exercise says how many minutes it takes"
                raise ChapterError(f"{chapter.path}:{block.line}: {message}")
            yield int(match[1])
