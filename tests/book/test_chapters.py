"""The chapters keep to what a reader can take in one sitting."""

from collections.abc import Iterator

import pytest

from book import code, reading
from book.bundle import ROOT
from book.notebooks.chapter import Chapter, cells, read_chapter
from book.notebooks.myst import Directive

# The chapters whose main path is held to the limits.
SHORT = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11"]
WORDS, MINUTES, LINES = 1500, 15, 10


def chapter(number: str) -> Chapter:
    [path] = (ROOT / "chapters").glob(f"{number}-*.md")
    return read_chapter(path)


def visible(of: Chapter) -> Iterator[Directive]:
    """The cells of the main path whose code a page shows."""
    found = cells(of)
    kinds = code.kinds("\n".join(cell.body) for cell in found)
    shown = {
        cell.line
        for cell, kind in zip(found, kinds, strict=True)
        if kind == "shown" and not {"hide-input", "remove-input"} & {*cell.tags()}
    }
    for block in reading.main_path(of):
        if isinstance(block, Directive) and block.line in shown:
            yield block


@pytest.mark.parametrize("number", SHORT)
def test_the_main_path_is_read_in_a_quarter_of_an_hour(number: str) -> None:
    counts = reading.counts(chapter(number))
    assert counts.words <= WORDS
    assert counts.minutes <= MINUTES


@pytest.mark.parametrize("number", SHORT)
def test_no_cell_of_the_main_path_is_longer_than_a_glance(number: str) -> None:
    lengths = {
        f"line {cell.line}": sum(1 for line in cell.body if line.strip())
        for cell in visible(chapter(number))
    }
    assert lengths
    assert {where: length for where, length in lengths.items() if length > LINES} == {}
