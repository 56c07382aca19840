"""The face of the text."""

from pathlib import Path
from typing import Any

import pytest

from book import bundle, face

BUDGET = 40_000  # bytes of what a page without Greek letters and capital letters of KaTeX fetches


def test_the_files_are_those_that_the_script_makes() -> None:
    try:
        stale = face.differences()
    except bundle.PackageMissingError as error:
        pytest.skip(f"face not compared: {error}")
    assert stale == [], "run python -m book.face"


def test_the_face_is_light_and_its_licence_lies_beside_it() -> None:
    files = {path.name: path.stat().st_size for path in face.FACE.glob("*.woff2")}
    assert len(files) == len(face.CUTS) + len(face.KATEX)
    assert sum(size for name, size in files.items() if "latin" in name) < BUDGET
    assert "SIL Open Font License" in (face.FACE / "LICENSE").read_text("utf-8")


@pytest.mark.browser
@pytest.mark.book
@pytest.mark.parametrize("where", ["file", "server"])
def test_text_is_set_in_the_face(site: Path, server: str, visit: Any, where: str) -> None:
    root = site.as_uri() if where == "file" else server
    page = visit(f"{root}/chapters/notation.html")
    loaded = page.evaluate(
        "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)"
    )
    assert any("Source Serif 4" in family for family in loaded)
    family = "getComputedStyle(document.querySelector('article p')).fontFamily"
    assert page.evaluate(family).startswith('"Source Serif 4"')


@pytest.mark.browser
@pytest.mark.book
@pytest.mark.parametrize("width", [360, 768, 1280, 1440])
def test_a_line_is_as_long_as_one_reads_well(site: Path, visit: Any, width: int) -> None:
    page = visit((site / "index.html").as_uri(), viewport={"width": width, "height": 900})
    characters = page.evaluate("""() => {
      const paragraph = document.createElement("p");
      const words = "The state is bookkeeping, and bookkeeping can be done in many ways. ";
      paragraph.textContent = words.repeat(9);
      document.querySelector("article section section").append(paragraph);
      const line = parseFloat(getComputedStyle(paragraph).lineHeight);
      return paragraph.textContent.length / (paragraph.offsetHeight / line);
    }""")
    assert (32 if width == 360 else 62) < characters < 76
