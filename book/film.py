"""The moving picture of the README: `python -m book.film` writes it, `--check` compares.

It is the figure of the start page at play, drawn by its own JavaScript, as one SVG: a frame each,
which style sheets show one after another. It plays three times and rests; who asks for less motion
sees how it ends.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from book.bundle import ROOT, run_node
from book.made import command
from book.palette import palette
from dsf.looks import MINUS, PLUS
from dsf.widgets.hero import DRAWS, PAIRS

FILE = ROOT / "book" / "hero.svg"
DRAW = ROOT / "book" / "stills" / "film.mjs"
WIDTH, HEIGHT, MARGIN = 760, 316, 20
FIRST, LAST = 16, 4  # n: with more the file grows, with less nothing more happens
TIMES, SLOWER = 3, 2  # than in the page, where a hand can play it again
SHADES = 8  # steps of opacity
HEAT = re.compile(r'(<g class="dsf-heat"[^>]*>).*?</g>')
CELLS = re.compile(r'<path class="dsf-(pos|neg)" stroke-opacity="([\d.]+)" d="([^"]*)"/>')
PARTS = [
    re.compile(r'<g class="dsf-heat".*?</g>|<(text|line|circle) .*?</\1>'),
    re.compile(r"<g[^>]*>(?:<use[^>]*>)+</g>"),
]
USED = ("page", "text", "muted", "line", "write", "read")
STYLE = f"""
text {{ fill: var(--text); font: 12px system-ui, "Segoe UI", Roboto, sans-serif; }}
.said {{ font-size: 15px; }}
.more {{ font-size: 13px; fill: var(--muted); }}
.strong {{ font-weight: 700; }}
.page {{ fill: var(--page); stroke: var(--line); }}
.dsf-heat {{ shape-rendering: crispEdges; }}
.pos {{ stroke: {PLUS}; }}
.neg {{ stroke: {MINUS}; }}
.dsf-write {{ stroke: var(--write); }}
.dsf-read {{ stroke: var(--read); }}
text.dsf-write {{ fill: var(--write); stroke: none; }}
text.dsf-read {{ fill: var(--read); stroke: none; }}
.dsf-chosen {{ fill: none; stroke: var(--muted); }}
.dsf-question {{ fill: var(--text); stroke: var(--text); stroke-width: 1.5; }}
.frame {{ visibility: hidden; }}
.frame:last-child {{ visibility: visible; }}
"""


def colors(theme: Literal["light", "dark"]) -> str:
    """The colours of the pages, light or dark, as custom properties."""
    found = palette(theme)
    return ":root { " + " ".join(f"--{name}: {found[name]};" for name in USED) + " }"


def motion(frames: list[dict[str, Any]]) -> str:
    """Show each frame for as long as it lasts, and let the value of a pair fly while it does."""
    total, at, rules = SLOWER * sum(frame["ms"] for frame in frames), 0, []
    for number, frame in enumerate(frames):
        length = SLOWER * frame["ms"]
        begin, end = (f"{100 * t / total:.2f}%" for t in (at, at + length))
        after = "" if frame is frames[-1] else f"{end}{{visibility:hidden}}"
        rules += [
            f"@keyframes f{number}{{0%{{visibility:hidden}}{begin}{{visibility:visible}}{after}}}",
            f"#f{number}{{animation:f{number} {total}ms step-end {TIMES} forwards}}",
        ]
        if "dsf-flying" in frame["picture"]:
            rules += [
                f"@keyframes v{number}{{{begin}{{transform:none;opacity:1}}"
                f"{end},100%{{transform:translateX(var(--far));opacity:0}}}}",
                f"#f{number} .dsf-flying{{animation:v{number} {total}ms ease-in {TIMES}}}",
            ]
        at += length
    return "@media (prefers-reduced-motion: no-preference) {\n" + "\n".join(rules) + "\n}"


def picture() -> str:
    """The SVG.

    Raises:
        RuntimeError: the JavaScript fails.
    """
    frames = json.loads(run_node(str(DRAW), str(FIRST), str(LAST)))
    drawn = [HEAT.sub(_heat, _frame(frame)) for frame in frames]
    defs = ""
    for place, pattern in enumerate(PARTS):
        drawn, shared = _share(drawn, pattern, "st"[place])
        defs += shared
    groups = [f'<g class="frame" id="f{number}">{frame}</g>' for number, frame in enumerate(drawn)]
    style = "\n".join(
        [
            colors("light"),
            f"@media (prefers-color-scheme: dark) {{ {colors('dark')} }}",
            STYLE.strip(),
            " ".join(f".o{k} {{ stroke-opacity: {k / SHADES:g}; }}" for k in range(SHADES)),
            motion(frames),
        ]
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}">',
            f"<!-- Made by book/film.py, do not edit. --><style>{style}</style>",
            f"<defs>{defs}</defs>",
            f'<rect class="page" x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="8"/>',
            *groups,
            "</svg>\n",
        ]
    )


def _share(frames: list[str], pattern: re.Pattern[str], letter: str) -> tuple[list[str], str]:
    """The frames with what they share by reference, and that."""
    counts = Counter(part[0] for frame in frames for part in pattern.finditer(frame))
    repeated = [part for part, count in counts.items() if count > 1]
    names = {part: f"{letter}{number}" for number, part in enumerate(repeated)}

    def use(part: re.Match[str]) -> str:
        return f'<use href="#{names[part[0]]}"/>' if part[0] in names else part[0]

    defs = (f'<g id="{name}">{part}</g>' for part, name in names.items())
    return [pattern.sub(use, frame) for frame in frames], "".join(defs)


def _heat(map_: re.Match[str]) -> str:
    """A heat map with fewer shades, each a class, and cells that touch."""
    cells: dict[str, str] = {}
    for kind, opacity, path in CELLS.findall(map_[0]):
        name = f"{kind} o{round(SHADES * float(opacity))}"
        cells[name] = cells.get(name, "") + re.sub(r"h[\d.]+", "h1", path)
    paths = "".join(f'<path class="{name}" d="{path}"/>' for name, path in cells.items())
    return f"{map_[1]}{paths}</g>"


def _frame(frame: dict[str, Any]) -> str:
    first, _, rest = frame["finding"].replace(". It", ".\nIt").partition("\n")
    return (
        f'<g transform="translate({MARGIN} 16)">{frame["picture"]}</g>'
        f'<g transform="translate({MARGIN} 248)">{frame["dots"]}</g>'
        f'<text class="said" x="174" y="262"><tspan class="strong">{frame["mean"]}</tspan>'
        f" of {PAIRS} questions, mean of {DRAWS} draws</text>"
        f'<text class="said" x="{MARGIN}" y="285">{html.escape(first)}</text>'
        f'<text class="more" x="{MARGIN}" y="303">{html.escape(rest)}</text>'
    )


def differences() -> list[str]:
    """The name of the file if it would be made otherwise now."""
    fresh = FILE.exists() and FILE.read_text(encoding="utf-8") == picture()
    return [] if fresh else [FILE.name]


def write() -> list[Path]:
    """Write the file."""
    FILE.write_text(picture(), encoding="utf-8", newline="\n")
    return [FILE]


if __name__ == "__main__":
    sys.exit(command("book.film", sys.argv[1:], differences, write))
