"""Reading MyST: the blocks that a chapter is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class ChapterError(ValueError):
    """Something in a chapter that a notebook cannot show; the message names file and line."""


@dataclass
class Text:
    """Lines of plain Markdown."""

    lines: list[str]
    line: int


@dataclass
class Code:
    """A fenced block of code that is only shown."""

    lines: list[str]
    line: int


@dataclass
class Math:
    """A displayed formula."""

    tex: str
    label: str
    line: int
    indent: str = ""


@dataclass
class Target:
    """A label that stands before a heading."""

    label: str
    line: int


@dataclass
class Break:
    """A line `+++`: a new cell begins."""

    line: int


@dataclass
class Directive:
    """A directive with its argument, its options and its unparsed body."""

    name: str
    argument: str
    options: dict[str, Any]
    body: list[str]
    line: int
    body_line: int
    indent: str = ""

    def flag(self, name: str) -> bool:
        """Whether the option `name` is given, with or without a value."""
        return name in self.options

    def classes(self) -> list[str]:
        """The names in the option `class`."""
        return str(self.options.get("class") or "").split()

    def tags(self) -> list[str]:
        """The tags of a code cell."""
        tags = self.options.get("tags") or []
        return tags if isinstance(tags, list) else re.findall(r"[\w-]+", str(tags))


Block = Text | Code | Math | Target | Break | Directive

FENCE = re.compile(r"^(?P<indent>\s*)(?P<fence>`{3,}|:{3,}|~{3,})(?P<rest>.*)$")

HEAD = re.compile(r"^\s*\{(?P<name>[^}\s]+)\}\s*(?P<argument>.*?)\s*$")

TARGET = re.compile(r"^\(([^)\s]+)\)=\s*$")

OPTION = re.compile(r"^:([\w-]+):\s*(.*)$")

MATH_END = re.compile(r"\$\$\s*(?:\((?P<label>[^)\s]+)\))?\s*$")

HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*$")


def parse(lines: list[str], first: int, path: Path) -> list[Block]:
    """Split the lines of a chapter, of which the first has the number `first`, into blocks."""
    blocks: list[Block] = []
    text: list[str] = []

    def flush(end: int) -> None:
        if any(line.strip() for line in text):
            blocks.append(Text(text.copy(), end - len(text)))
        text.clear()

    i = 0
    while i < len(lines):
        line, number = lines[i], first + i
        fence = FENCE.match(line)
        if fence:
            flush(number)
            end = _closing(lines, i, fence["fence"], path, first)
            blocks.append(_fenced(fence, lines[i + 1 : end], number, path))
            i = end
        elif line.lstrip().startswith("$$"):
            flush(number)
            end, block = _math(lines, i, first, path)
            blocks.append(block)
            i = end
        elif match := TARGET.match(line):
            flush(number)
            blocks.append(Target(match[1], number))
        elif line.startswith("+++"):
            flush(number)
            blocks.append(Break(number))
        elif line.startswith("%"):
            flush(number)
        elif HEADING.match(line):
            flush(number)
            blocks.append(Text([line], number))
        else:
            text.append(line)
        i += 1
    flush(first + len(lines))
    return blocks


def _closing(lines: list[str], start: int, fence: str, path: Path, first: int) -> int:
    closing = re.compile(rf"^\s*{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    for i in range(start + 1, len(lines)):
        if closing.match(lines[i]):
            return i
    raise ChapterError(f"{path}:{first + start}: the block opened by {fence} is never closed")


def _fenced(fence: re.Match[str], body: list[str], line: int, path: Path) -> Block:
    indent = fence["indent"]
    body = [text.removeprefix(indent) for text in body]
    head = HEAD.match(fence["rest"])
    if not head:
        if fence["fence"].startswith(":"):
            raise ChapterError(f"{path}:{line}: expected a directive after {fence['fence']}")
        return Code([fence[0], *(indent + text for text in body), indent + fence["fence"]], line)
    options, used = _options(body, path, line)
    return Directive(
        head["name"], head["argument"], options, body[used:], line, line + 1 + used, indent
    )


def _options(body: list[str], path: Path, line: int) -> tuple[dict[str, Any], int]:
    if body and body[0].strip() == "---":
        end = next((i for i in range(1, len(body)) if body[i].strip() == "---"), None)
        if end is None:
            raise ChapterError(f"{path}:{line}: the options opened by --- are never closed")
        return yaml.safe_load("\n".join(body[1:end])) or {}, end + 1
    options: dict[str, Any] = {}
    for i, text in enumerate(body):
        match = OPTION.match(text)
        if not match:
            return options, i
        options[match[1]] = match[2]
    return options, len(body)


def _math(lines: list[str], start: int, first: int, path: Path) -> tuple[int, Math]:
    indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    body = [lines[start].lstrip()[2:]]
    for i in range(start, len(lines)):
        if i > start:
            body.append(lines[i])
        end = MATH_END.search(body[-1])
        if end:
            body[-1] = body[-1][: end.start()]
            tex = "\n".join(part.strip() for part in body).strip()
            return i, Math(tex, end["label"] or "", first + start, indent)
    raise ChapterError(f"{path}:{first + start}: the formula opened by $$ is never closed")
