"""The colours of the pages, as their style sheet has them."""

from __future__ import annotations

import re
from typing import Literal

from book.settings import ROOT

_BLOCKS = {"light": ":root {", "dark": ':root[data-theme="dark"] {'}


def palette(theme: Literal["light", "dark"]) -> dict[str, str]:
    """The custom properties of `book.css` that are colours, #rrggbb by their names without --."""
    css = (ROOT / "book" / "static" / "book.css").read_text(encoding="utf-8")
    start = css.index(_BLOCKS[theme])
    return dict(re.findall(r"--([\w-]+): (#\w{6});", css[start : css.index("}", start)]))
