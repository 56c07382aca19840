"""The content security policy of the built pages in a browser: what it stops."""

from collections.abc import Callable
from typing import Any

import pages
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.book]
Open = Callable[..., Any]


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
