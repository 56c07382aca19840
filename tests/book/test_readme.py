"""The README: what is made in it is fresh, its links lead somewhere, its picture moves."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest

from book import readme, settings
from dsf.widgets import hero

film = pytest.importorskip("book.film", reason="the tools of the pages are not installed")

ROOT = settings.ROOT
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"


def test_what_is_made_in_the_readme_is_fresh() -> None:
    assert readme.generate() == {ROOT / "README.md": TEXT}, "run make notebooks"


def test_links_of_the_readme_lead_somewhere() -> None:
    book = settings.load(ROOT)
    links = re.findall(r"\]\(([^)\s]+)\)", TEXT)
    assert {"LICENSE", "CONTRIBUTING.md", "book/hero.svg"} < {*links}
    for link in links:
        parts = urlsplit(link)
        if not parts.scheme:
            assert (ROOT / link).exists(), link
        elif link.endswith(".ipynb"):
            hosts = {urlsplit(address).netloc for address in (book.binderhub, book.colab)}
            assert parts.netloc in hosts
            assert f"/{book.slug}/" in parts.path
            path = re.search(r"chapters/[\w-]+\.ipynb$", unquote(link))
            assert path, link
            assert (ROOT / path[0]).exists()


def test_links_follow_the_address_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = replace(settings.load(ROOT), repository="https://github.com/me/mine")
    monkeypatch.setattr(settings, "load", lambda root=ROOT: mine)
    (text,) = readme.generate().values()
    assert "[Read the book](https://me.github.io/mine/)" in text
    for path in (ROOT / "chapters").glob("[0-9][0-9]-*.md"):
        assert f"https://me.github.io/mine/chapters/{path.stem}.html" in text
        assert f"/gh/me/mine/main?urlpath=lab/tree/chapters/{path.stem}.ipynb" in text
    assert "OWNER" not in text


def test_the_moving_picture_is_fresh_and_small() -> None:
    text = film.FILE.read_text(encoding="utf-8")
    assert text == film.picture(), "run python -m book.film"
    assert len(text.encode()) <= 60_000
    for kind in ("pos", "neg"):  # the memory is drawn, in both colours and many shades
        assert len({*re.findall(rf'class="{kind} (o\d)"', text)}) > 4


def test_the_moving_picture_asks_nobody_and_says_what_python_says() -> None:
    text = film.FILE.read_text(encoding="utf-8")
    assert not re.search(r"https?://(?!www\.w3\.org/)|data:|<script", text)
    picture = ElementTree.fromstring(text)

    def number(node: ElementTree.Element) -> str:
        """The number in bold, also where a frame has it by reference."""
        shared = (
            picture.find(f".//*[@id='{use.get('href', '')[1:]}']") for use in node.iter(f"{SVG}use")
        )
        nodes = [node, *(one for one in shared if one is not None)]
        return "".join(t for one in nodes if (t := one.findtext(f".//{SVG}tspan[@class='strong']")))

    numbers = [number(frame) for frame in picture.findall(f"{SVG}g[@class='frame']")]
    sizes = [n for n in reversed(hero.SIZES) if film.LAST <= n <= film.FIRST]
    assert numbers == ["…"] * hero.PAIRS + [f"{hero.mean('linear', n):.1f}" for n in sizes]


SHOWN = """() => [...document.querySelectorAll(".frame").entries()]
  .filter(([, frame]) => getComputedStyle(frame).visibility === "visible").map(([i]) => i)"""


@pytest.mark.browser
def test_the_picture_shows_one_frame_at_a_time_and_ends_with_the_last(
    visit: Callable[..., Any],
) -> None:
    page = visit(film.FILE.as_uri())
    last = page.evaluate("document.querySelectorAll('.frame').length") - 1
    seen = []
    for share in [k / 200 for k in range(200)]:
        page.evaluate(
            """(share) => { for (const one of document.getAnimations()) {
              one.pause(); one.currentTime = share * one.effect.getTiming().duration; } }""",
            share,
        )
        (frame,) = page.evaluate(SHOWN)
        seen.append(frame)
    assert seen == sorted(seen)
    assert {*seen} == {*range(last + 1)}
    page.evaluate("for (const one of document.getAnimations()) one.finish()")
    assert page.evaluate(SHOWN) == [last]
    still = visit(film.FILE.as_uri(), reduced_motion="reduce")
    assert still.evaluate("document.getAnimations().length") == 0
    assert still.evaluate(SHOWN) == [last]
