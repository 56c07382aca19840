"""The one page template: what it needs beyond Sphinx's own context."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from book import settings
from book.sphinx.files import is_unused

BOOK = Path(__file__).resolve().parents[1]

# What Sphinx and its extensions write and a screen reader stumbles over, and what they mean.
SPOKEN = {
    'role="heading">': 'role="heading" aria-level="3">',
    '<summary aria-label="Toggle hidden content">': "<summary>",
    'role="doc-biblioentry"': 'role="listitem"',
}

# What a browser may load and run for a page: what lies beside it, and the scripts that the page
# itself holds, by their hashes. Styles may stand in the page, for there are thousands and they can
# ask no other host either: KaTeX places each part of a formula by an attribute, figures colour
# their marks by one, and Plotly writes a style sheet of its own. Firefox does not count the search
# page among 'self' where the book lies in files. What trains in a page compiles WebAssembly, in a
# worker that is made of text, for a page from files can make no other; a script of the book has it.
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' HASHES; worker-src blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "form-action 'self' file:; base-uri 'none'"
)
# The link of a page to itself in the contents of the book; its sections follow it.
OWN_LINK = re.compile(r'<a class="current reference internal" href="#">.*?</a>', re.S)
# Parameters of a long signature, which Sphinx writes as meanings without a term.
PARAMETERS = re.compile(r'(?<=<span class="sig-paren">\(</span>)\s*<dl>(.*?)</dl>\s*', re.S)
INLINE_SCRIPT = re.compile(r"<script(?![^>]*(?: src=|json))[^>]*>(.*?)</script>", re.S)


def page_context(app: Sphinx, pagename: str, template: str, context: Any, doctree: Any) -> None:
    """What the page template needs beyond Sphinx's own context."""
    context["css_files"] = [c for c in context["css_files"] if not is_unused(str(c.filename))]
    context["asset_digest"] = lambda path: _digest(BOOK / "static" / path)
    context["script_files"] = [s for s in context["script_files"] if not is_unused(str(s.filename))]
    sections = context["page_sections"] = _sections(context)
    context["policy"], context["with_policy"] = POLICY, with_policy
    context["author"] = app.config.author
    toctree = context["toctree"]
    context["toctree"] = lambda **options: OWN_LINK.sub(
        lambda link: link[0] + sections, spoken(toctree(**options))
    )
    if "body" in context:
        context["body"] = spoken(context["body"])
    if doctree is not None:
        book = settings.load(Path(app.srcdir))
        context["source_link"] = book.source_url(f"{pagename}.md")


def with_policy(caller: Callable[[], str]) -> str:
    """The page that the template calls this with, its policy completed by hashes of its scripts."""
    markup = caller()
    scripts = {match[1] for match in INLINE_SCRIPT.finditer(markup)}
    hashes = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    known = " ".join(sorted(f"'sha256-{one}'" for one in hashes))
    return markup.replace(POLICY, POLICY.replace("HASHES", known), 1)


def spoken(markup: str) -> str:
    """`markup` with what a screen reader stumbles over put right."""
    for written, meant in SPOKEN.items():
        markup = markup.replace(written, meant)
    return PARAMETERS.sub(_parameters, markup)


def _parameters(written: re.Match[str]) -> str:
    lines = written[1].replace("<dd>", "<span>").replace("</dd>", "</span>")
    return f'<span class="sig-params">{lines}</span>'


def _sections(context: Any) -> str:
    """The list of the sections of a page, without the title of the page itself."""
    toc = context.get("toc", "")
    match = re.search(r"<ul>.*?</a>(<ul>.*</ul>)\s*</li>\s*</ul>\s*$", toc, re.S)
    return match[1].replace("<ul>", '<ul class="page-sections">', 1) if match else ""


def _digest(path: Path) -> str:
    data = path.read_bytes() if path.exists() else path.name.encode()
    return hashlib.sha256(data).hexdigest()[:8]


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_html_theme("dsf_book", str(BOOK / "theme"))
    app.connect("html-page-context", page_context)
