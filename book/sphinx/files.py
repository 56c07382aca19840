"""The files of the site: those that are written last, and those that no page needs."""

from __future__ import annotations

import shutil
from pathlib import Path

from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx

# Files that extensions and the basic theme bring along and no page of this book needs.
UNUSED_STATIC = {
    "alabaster.css",
    "basic.css",
    "exercise.css",
    "file.png",
    "minus.png",
    "plus.png",
    "proof.css",
    "pygments.css",
}
UNUSED_PREFIXES = ("mystnb.", "design-", "sphinx_highlight.js.map")


def is_unused(name: str) -> bool:
    """Whether the static file `name` is needed by no page."""
    return Path(name).name in UNUSED_STATIC or Path(name).name.startswith(UNUSED_PREFIXES)


def highlight_css() -> str:
    """Colours of the code, for light and dark."""
    light = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark")
    return "\n".join(
        (
            light,
            dark.get_style_defs(':root[data-theme="dark"] .highlight'),
            "@media (prefers-color-scheme: dark) {",
            dark.get_style_defs(':root:not([data-theme="light"]) .highlight'),
            "}",
        )
    )


def finish(app: Sphinx, error: Exception | None) -> None:
    """Write the last files of the site and remove what nothing refers to."""
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    (out / "_static/highlight.css").write_text(highlight_css(), encoding="utf-8")
    for path in (out / "_static").rglob("*"):
        if path.is_file() and is_unused(path.name):
            path.unlink()
    pictures = {name for _, name in app.env.images.values()}
    for path in (out / "_images").glob("*"):
        if path.name not in pictures:
            path.unlink()  # of a figure that has changed
    for path in (out / "chapters").glob("*"):
        if f"chapters/{path.stem}" not in app.env.found_docs:
            path.unlink()  # of a chapter that is gone
    for source in Path(app.srcdir, "chapters").glob("*.ipynb"):
        if f"chapters/{source.stem}" in app.env.found_docs:
            shutil.copyfile(source, out / "chapters" / source.name)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("build-finished", finish, priority=900)
