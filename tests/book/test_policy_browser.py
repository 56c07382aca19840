"""The content security policy of the built pages in a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pages
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]


def test_no_page_is_stopped_by_its_own_policy(site: Path, base: str, visit: Open) -> None:
    for name in pages.names(site):
        page = visit(f"{base}/{name}", pages.LISTEN)
        drawn = page.evaluate(pages.USE)
        assert drawn == page.locator("figure:is(.dsf-widget, .dsf-plotly)").count()
        page.emulate_media(media="print")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("violations") == [], name
        assert page.problems == [], name
        page.close()


def test_scripts_and_hosts_that_a_page_does_not_know_are_stopped(
    base: str, visit: Open, stranger: tuple[str, list[str]]
) -> None:
    address, asked = stranger
    page = visit(f"{base}/index.html")
    ran = page.evaluate(pages.INTRUDE, address)
    page.evaluate(pages.SEND, address)
    page.wait_for_timeout(300)
    assert page.url == f"{base}/index.html"
    assert (ran, asked) == ([], [])
