"""Matplotlib's pictures in the pages have the ink of the page."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from dsf.looks import INK, NEUTRAL, PLUS

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from book.sphinx.pictures import INKS, themed

PICTURE = f"""<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40">
<defs><style type="text/css">*{{stroke-linecap: butt}}</style></defs>
<rect width="40" height="40" style="fill: {NEUTRAL}"/>
<rect x="40" width="40" height="40" style="fill: {PLUS}"/></svg>"""


def test_only_the_neutral_color_changes_and_only_once() -> None:
    text = themed(PICTURE)
    assert NEUTRAL not in text
    assert text.count(INKS) == 1
    assert text.count(PLUS) == 1
    assert themed(text) == text
    assert themed(text.replace("var(--ink)", PLUS)) == text.replace("var(--ink)", PLUS)


@pytest.mark.browser
@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_ink_follows_the_theme_that_the_reader_chose(
    browser: Any, tmp_path: Path, system: str, theme: str
) -> None:
    css = Path(__file__).parents[2] / "book" / "static" / "book.css"
    (tmp_path / "picture.svg").write_text(themed(PICTURE), encoding="utf-8")
    (tmp_path / "page.html").write_text(
        f"<!doctype html><html data-theme='{theme}'><link rel='stylesheet' href='{css.as_uri()}'>"
        "<img src='picture.svg'>",
        encoding="utf-8",
    )
    context = browser.new_context(color_scheme=system)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    shot = matplotlib.image.imread(io.BytesIO(page.locator("img").screenshot()))
    context.close()
    colors = [
        "#" + "".join(f"{part:02x}" for part in np.rint(255 * shot[20, x, :3]).astype(int))
        for x in (20, 60)
    ]
    assert colors == [INK[theme], PLUS]


@pytest.mark.book
def test_no_picture_of_a_page_has_the_ink_of_notebooks(site: Path) -> None:
    pictures = [path.read_text("utf-8") for path in (site / "_images").glob("*.svg")]
    beside = len(pictures)
    for path in site.rglob("*.html"):
        found = re.findall(r"data:image/svg\+xml;base64,([\w+/]+=*)", path.read_text("utf-8"))
        pictures += [base64.b64decode(one).decode() for one in found]
    assert 0 < beside < len(pictures)
    for picture in pictures:
        assert NEUTRAL not in picture
        assert (INKS in picture) == ("var(--ink)" in picture)
