"""What the tests of the pages share: the pages, parsed, and open in a browser."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from pages import Open, opening


@functools.cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, BeautifulSoup]:
    return {path: parsed(path) for path in sorted(site.rglob("*.html"))}


@pytest.fixture(scope="session")
def chapters(site: Path) -> dict[Path, BeautifulSoup]:
    found = {path: parsed(path) for path in sorted((site / "chapters").glob("[0-9][0-9]-*.html"))}
    assert found
    return found


@pytest.fixture
def visit(browser: Any) -> Iterator[Open]:
    """Open an address, after `script`; the page remembers what went wrong and what it asked for."""
    with opening(browser) as visit:
        yield visit
