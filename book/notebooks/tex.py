"""The book's TeX shorthands, which Colab does not know, written out."""

from __future__ import annotations

import re


def expand_macros(tex: str, macros: dict[str, str]) -> str:
    """Replace the book's TeX shorthands, which Colab does not know, by what they stand for."""
    for _ in range(20):
        for name, body in macros.items():
            tex = _expand(tex, name, body)
        if not any(re.search(re.escape(name) + r"(?![A-Za-z])", tex) for name in macros):
            return tex
    raise ValueError(f"the TeX shorthands go round in circles in {tex!r}")


def _expand(tex: str, name: str, body: str) -> str:
    arguments = max((int(digit) for digit in re.findall(r"#(\d)", body)), default=0)
    pattern = re.compile(re.escape(name) + r"(?![A-Za-z])")
    while match := pattern.search(tex):
        end, replaced = match.end(), body
        for index in range(1, arguments + 1):
            end, argument = _argument(tex, end)
            replaced = replaced.replace(f"#{index}", argument)
        follows_letter = tex[end : end + 1].isalpha() and replaced[-1:].isalpha()
        tex = tex[: match.start()] + replaced + (" " if follows_letter else "") + tex[end:]
    return tex


def _argument(tex: str, start: int) -> tuple[int, str]:
    while start < len(tex) and tex[start].isspace():
        start += 1
    if tex[start : start + 1] != "{":
        return start + 1, tex[start : start + 1]
    depth = 0
    for i in range(start, len(tex)):
        depth += {"{": 1, "}": -1}.get(tex[i], 0)
        if depth == 0:
            return i + 1, tex[start + 1 : i]
    raise ValueError(f"unbalanced braces in {tex!r}")
