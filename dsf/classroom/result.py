"""What a check of an exercise says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

NOT_STARTED = "not started"


@dataclass(frozen=True, repr=False)
class Result:
    """What a check says, for people and for programs.

    Notebooks show it with its picture; `print` and a script have the sentence.

    Attributes:
        passed: whether the exercise is solved.
        score: how much of it is, from 0 to 1: the share of the cases and laws that hold.
        message: one sentence or two; Markdown with TeX where it is a reply of the book's page.
        picture: target and yours as SVG, or nothing.
    """

    passed: bool
    score: float
    message: str
    picture: str = ""

    @property
    def mark(self) -> str:
        """✓ where it is solved, ○ where it is not begun, ✗ for the rest."""
        if self.passed:
            return "✓"
        return "○" if self.message.startswith(NOT_STARTED) else "✗"

    def __str__(self) -> str:
        return f"{self.mark} {self.message}"

    __repr__ = __str__

    def _repr_html_(self) -> str | None:
        """The sentence with the picture below; nothing, where there is no picture."""
        if not self.picture:
            return None
        said = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(str(self)))
        return f"<p>{said}</p>{self.picture}"

    def _repr_markdown_(self) -> str | None:
        """The sentence, where there is no picture: notebooks set its formulas."""
        return None if self.picture else str(self)
