"""The style sheet of the book."""

import re
from pathlib import Path

import pytest
from contrast import contrast

from book.palette import palette

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colors_of_the_text_can_be_read(theme: str) -> None:
    colors = palette(theme)
    for ink in ("text", "muted", "link"):
        for paper in ("page", "panel", "code", "theorem", "exercise"):
            assert contrast(colors[ink], colors[paper]) >= 4.5, (ink, paper)
    titles = {"theorem": "theorem", "exercise": "exercise", "warning": "panel", "tip": "panel"}
    for box, paper in titles.items():
        assert contrast(colors[f"{box}-edge"], colors[paper]) >= 4.5, (box, paper)


def test_both_dark_blocks_of_the_style_agree() -> None:
    css = (ROOT / "book" / "static" / "book.css").read_text(encoding="utf-8")
    blocks = [
        re.findall(r"--[\w-]+: [^;]+;", css[(at := css.index(start)) : css.index("}", at)])
        for start in (':root[data-theme="dark"] {', ':root:not([data-theme="light"]) {')
    ]
    assert blocks[0] == blocks[1]


def test_fonts_and_typesetter_are_of_one_katex() -> None:
    katex = pytest.importorskip("sphinxcontrib.katex", reason="requirements.txt is not installed")
    css = (ROOT / "book" / "static" / "katex" / "katex.css").read_text(encoding="utf-8")
    assert css.startswith(f"/* KaTeX {katex.katex_version},")
