"""What the tests of the pages share: the pages, parsed, and open in a browser."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

Open = Callable[..., Any]


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
    contexts = []

    def open_page(address: str, script: str = "", **options: Any) -> Any:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(script)
        page.problems, page.requests = [], []
        page.on("console", lambda m: m.type == "error" and page.problems.append(m.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on(
            "requestfailed",
            # A picture of the page before, which the next one no longer waits for, is no problem.
            lambda r: r.failure == "net::ERR_ABORTED" or page.problems.append(f"failed: {r.url}"),
        )
        page.on("request", lambda r: page.requests.append(r.url))
        page.goto(address)
        page.wait_for_load_state("networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
