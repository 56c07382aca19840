"""A table that a notebook shows as one."""

from collections.abc import Iterable, Sequence


class Table:
    """Rows of text under a head, as Markdown.

    Args:
        head: of the columns.
        rows: cells as text, which may be Markdown with mathematics.

    Raises:
        ValueError: a row has not as many cells as the head.

    Example:
        >>> from dsf.results import Table
        >>> print(Table(["n", "accuracy"], [["4", "0.35"]]))
        | n | accuracy |
        | --- | --- |
        | 4 | 0.35 |
    """

    def __init__(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        self.head, self.rows = list(head), [list(row) for row in rows]
        for number, row in enumerate(self.rows):
            if len(row) != len(self.head):
                raise ValueError(
                    f"row {number} has {len(row)} cells, expected {len(self.head)} as the head"
                )

    def __str__(self) -> str:
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def _repr_markdown_(self) -> str:
        return str(self)
