"""The files of the site: those that are written last, and those that no page needs."""

from __future__ import annotations

import shutil
from pathlib import Path

from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx

from book import editions, settings
from book.notebooks import generate

# Files that extensions and the basic theme bring along and no page of this book needs.
UNUSED_STATIC = {
    "alabaster.css",
    "basic.css",
    "doctools.js",
    "documentation_options.js",
    "exercise.css",
    "file.png",
    "language_data.js",
    "minus.png",
    "plus.png",
    "proof.css",
    "pygments.css",
    "searchtools.js",
    "sphinx_highlight.js",
}
# The one style sheet of the pages, and what it is made from, besides the colours of code.
STYLE = "style.css"
STATIC = settings.ROOT / "book" / "static"
SHEETS = (
    STATIC / "katex" / "katex.css",
    STATIC / "face.css",
    STATIC / "book.css",
    settings.ROOT / "dsf" / "widgets" / "static" / "widgets.css",
    STATIC / "derivation.css",
    STATIC / "reading.css",
    STATIC / "print.css",
)
UNUSED_PREFIXES = ("mystnb.", "design-")


def is_unused(name: str) -> bool:
    """Whether the static file `name` is needed by no page."""
    merged = {sheet.name for sheet in SHEETS}
    own = Path(name).name
    return own in UNUSED_STATIC | merged or own.startswith(UNUSED_PREFIXES)


def style() -> str:
    """The style sheet of the pages: formulas, book, figures, code."""
    formulas, *rest = (sheet.read_text(encoding="utf-8") for sheet in SHEETS)
    fonts = formulas.replace("url(fonts/", "url(katex/fonts/")
    return "\n".join([fonts, highlight_css(), *rest])


def highlight_css() -> str:
    """Colours of the code, for light and dark screens."""
    light = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark")
    return "\n".join(
        (
            light,
            "@media screen {",
            dark.get_style_defs(':root[data-theme="dark"] .highlight'),
            "}",
            "@media screen and (prefers-color-scheme: dark) {",
            dark.get_style_defs(':root:not([data-theme="light"]) .highlight'),
            "}",
        )
    )


def begin(app: Sphinx) -> None:
    """Write the style sheet, whose address has its digest; leave out the search of Sphinx."""
    if app.builder.format == "html":
        (static := Path(app.outdir, "_static")).mkdir(parents=True, exist_ok=True)
        (static / STYLE).write_text(style(), encoding="utf-8")
        app.builder.search = False  # type: ignore[attr-defined]


def finish(app: Sphinx, error: Exception | None) -> None:
    """Write the last files of the site and remove what nothing refers to."""
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
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
    edition = editions.of(app)
    if edition.paper:
        for folder in ("_modules", "_static/widgets", "_static/plotly", "_static/minisearch"):
            shutil.rmtree(out / folder, ignore_errors=True)
        return
    for source in Path(app.srcdir, "chapters").glob("*.ipynb"):
        if f"chapters/{source.stem}" in app.env.found_docs and edition.solutions:
            shutil.copyfile(source, out / "chapters" / source.name)
    if not edition.solutions:
        for source, text in generate(Path(app.srcdir), solutions=False).items():
            if f"chapters/{source.stem}" in app.env.found_docs:
                (out / "chapters" / source.name).write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("builder-inited", begin)
    app.connect("build-finished", finish, priority=900)
