"""What the tests of the pages share: the pages, parsed, and open in a browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from pages import Open, opening


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, BeautifulSoup]:
    return {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
    }


@pytest.fixture(scope="session")
def chapters(pages: dict[Path, BeautifulSoup]) -> dict[Path, BeautifulSoup]:
    found = {path: page for path, page in pages.items() if re.match(r"\d\d-", path.name)}
    assert found
    return found


@pytest.fixture
def visit(browser: Any) -> Iterator[Open]:
    """Open an address, after `script`; the page remembers what went wrong and what it asked for."""
    with opening(browser) as visit:
        yield visit
