"""The style sheet of the book."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2 between two colours #rrggbb."""

    def luminance(color: str) -> float:
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colors_of_the_text_can_be_read(theme: str) -> None:
    css = (ROOT / "book" / "static" / "book.css").read_text(encoding="utf-8")
    start = ":root {" if theme == "light" else ':root[data-theme="dark"] {'
    block = css[css.index(start) : css.index("}", css.index(start))]
    colors = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
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
