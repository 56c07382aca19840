"""The face of the text: ``python -m book.face`` writes it, ``--check`` compares.

From the fonts of the npm package `@fontsource/source-serif-4` only those characters are kept that
the text of the book may need, and of what fonts can do only kerning and ligatures. Others a
browser takes from a font of the system. The files lie in ``book/static/face``, with the licence of
the font; ``book/static/face.css`` names them. Two sets of capital letters of KaTeX are there too.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

from book.bundle import ROOT, npm_package, run_node
from book.made import command, unlike

STATIC = ROOT / "book" / "static"
FACE = STATIC / "face"
LATIN = "".join(map(chr, range(0x20, 0x7F))) + "\u00a0·×–—‘’“”…äåçèéëíïñóöøüÖÜ"
GREEK = "ΓΔΘΛΠΣΦΨΩαβγδεηθκλμνξπρστφχψω"
# A page fetches those that it needs.
CUTS = {"latin-400-normal": LATIN, "latin-400-italic": LATIN, "latin-600-normal": LATIN}
CUTS |= {"greek-400-normal": GREEK, "greek-600-normal": GREEK}
# The letters of \mathbb and \mathsf, for which KaTeX would fetch all of its signs and a whole face.
CAPITALS = "".join(map(chr, range(0x41, 0x5B)))
KATEX = {"blackboard": "AMS", "sans": "SansSerif"}
_SUBSET = """
const { readFileSync } = require("node:fs");
const { source, text, library } = JSON.parse(readFileSync(0));
const subset = require(library);
const options = { targetFormat: "woff2", keepFeatures: ["kern", "liga"], noHinting: true };
subset(readFileSync(source), text, options)
  .then((font) => console.log(font.toString("base64")));
"""


def files() -> dict[str, bytes]:
    """The files of the face by their names.

    Raises:
        PackageMissingError: npm cannot bring what is needed.
    """
    package = npm_package("@fontsource/source-serif-4")
    made = {"LICENSE": (package / "LICENSE").read_bytes()}
    for cut, characters in CUTS.items():
        name = f"source-serif-4-{cut}.woff2"
        made[name] = _subset(package / "files" / name, characters)
    for name, own in KATEX.items():
        font = STATIC / "katex" / "fonts" / f"KaTeX_{own}-Regular.woff2"
        made[f"{name}.woff2"] = _subset(font, CAPITALS)
    return made


def _subset(source: Path, characters: str) -> bytes:
    library = str(npm_package("subset-font"))
    order = {"source": str(source), "text": characters, "library": library}
    return base64.b64decode(run_node("--eval", _SUBSET, text=json.dumps(order)))


def differences() -> list[str]:
    """Names of the committed files that would be made otherwise now.

    Raises:
        PackageMissingError: npm cannot bring what is needed.
    """
    fresh = files()
    committed = {path.name: path.read_bytes() for path in FACE.iterdir()}
    return unlike(fresh, committed)


def write() -> list[Path]:
    """Write the files."""
    FACE.mkdir(exist_ok=True)
    made = files()
    for name, data in made.items():
        (FACE / name).write_bytes(data)
    return [FACE / name for name in made]


if __name__ == "__main__":
    sys.exit(command("book.face", sys.argv[1:], differences, write))
