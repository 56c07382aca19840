"""The live hook of a chapter's first screen: one slider, one number that changes, a few bars."""

from __future__ import annotations

from typing import ClassVar

from dsf.widgets.base import Widget


class Hook(Widget):
    """A figure that a reader has understood in ten seconds; ``js/hook.js`` draws it.

    A subclass sets `name` and `_esm`, has the trait of its slider, and says in `row` what it
    computes; its module says the same in JavaScript, which the table holds against Python.

    Attributes:
        head: names of the columns of the table, the slider first.
        places: of the slider, the rows of the table.
    """

    head: ClassVar[tuple[str, ...]]
    places: ClassVar[tuple[float, ...]]

    def row(self, place: float) -> list[str]:
        """The numbers at a place of the slider, in words."""
        raise NotImplementedError

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """The numbers at a few places of the slider."""
        rows = [[f"{place:g}", *self.row(place)] for place in self.places]
        return "Numbers", list(self.head), rows
