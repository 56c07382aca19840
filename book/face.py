"""The face of the text: ``python -m book.face`` writes it, ``--check`` compares.

From the fonts of the npm package `@fontsource/source-serif-4` only those characters are kept that
the text of the book may need, and of what fonts can do only kerning and ligatures. Others a
browser takes from a font of the system. The files lie in ``book/static/face``, with the licence of
the font; ``book/static/face.css`` names them.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

from book.bundle import ROOT, npm_package, run_node

FACE = ROOT / "book" / "static" / "face"
GREEK = "".join(map(chr, [*range(0x391, 0x3AA), *range(0x3B1, 0x3CA)])).replace("\u03a2", "")
ASCII, LETTERS = range(0x20, 0x7F), range(0xC0, 0x100)  # the letters of western Europe
LATIN = "".join(map(chr, [*ASCII, *LETTERS])) + "\u00a0§©°±²³·½“”‘’–—…′−"
# A page fetches those that it needs.
CUTS = {"latin-400-normal": LATIN, "latin-400-italic": LATIN, "latin-600-normal": LATIN}
CUTS |= {"greek-400-normal": GREEK, "greek-600-normal": GREEK}
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
    package, library = npm_package("@fontsource/source-serif-4"), npm_package("subset-font")
    made = {"LICENSE": (package / "LICENSE").read_bytes()}
    for cut, characters in CUTS.items():
        name = f"source-serif-4-{cut}.woff2"
        source = package / "files" / name
        order = {"source": str(source), "text": characters, "library": str(library)}
        made[name] = base64.b64decode(run_node("--eval", _SUBSET, text=json.dumps(order)))
    return made


def differences() -> list[str]:
    """Names of the committed files that would be made otherwise now.

    Raises:
        PackageMissingError: npm cannot bring what is needed.
    """
    fresh = files()
    committed = {path.name: path.read_bytes() for path in FACE.iterdir()}
    names = sorted(fresh.keys() | committed.keys())
    return [name for name in names if fresh.get(name) != committed.get(name)]


def main(arguments: list[str]) -> int:
    """Run the command."""
    if arguments == ["--check"]:
        stale = differences()
        if stale:
            print(f"stale: {', '.join(stale)}; run python -m book.face", file=sys.stderr)
        return bool(stale)
    if arguments:
        print("usage: python -m book.face [--check]", file=sys.stderr)
        return 2
    FACE.mkdir(exist_ok=True)
    for name, data in files().items():
        (FACE / name).write_bytes(data)
        print(f"{Path('book/static/face', name)}  {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
