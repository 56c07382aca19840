"""The Sphinx extension behind the pages: theme, mathematics, folding, numbering, launch links."""

from __future__ import annotations

import base64
import hashlib
import html
import importlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator
from sphinx_exercise.nodes import solution_node
from sphinx_external_toc.collectors import TocTreeCollectorWithStyles
from sphinx_proof.nodes import proof_node
from sphinxcontrib import katex as sphinxcontrib_katex
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

from book import settings
from book.bundle import node_program

log = logging.getLogger(__name__)
HERE = Path(__file__).resolve().parent
CHAPTER = re.compile(r"chapters/(\d\d)-")

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
# page among 'self' where the book lies in files.
POLICY = (
    "default-src 'self'; script-src 'self' HASHES; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; form-action 'self' file:; base-uri 'none'"
)
INLINE_SCRIPT = re.compile(r"<script(?![^>]*(?: src=|json))[^>]*>(.*?)</script>", re.S)

# Packages whose names may stand in a signature. Their documentation lies on other hosts and the
# book is built without network, so such a name stays text. A wrong name of our own still warns.
FOREIGN = {
    "anywidget", "collections", "matplotlib", "numpy", "pathlib", "plotly", "torch", "tqdm",
    "types", "typing",
}  # fmt: skip


# --- mathematics ------------------------------------------------------------------------------


@cache
def katex() -> subprocess.Popen[str]:
    """A running KaTeX, the one that sphinxcontrib-katex brings."""
    program = Path(sphinxcontrib_katex.__file__).with_name("katex.min.js")
    return subprocess.Popen(
        [str(node_program()), str(HERE / "katex.js"), str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


@cache
def typeset(tex: str, display: bool, macros: tuple[tuple[str, str], ...]) -> str:
    """The HTML of a formula, for the eye, with MathML beside it for the ear.

    Raises:
        ValueError: KaTeX refuses the formula.
    """
    options = {
        "displayMode": display,
        "output": "htmlAndMathml",
        "strict": "error",
        "macros": dict(macros),
    }
    process = katex()
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps({"tex": tex, "options": options}) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    if "error" in answer:
        raise ValueError(answer["error"])
    return str(answer["html"])


def render_math(app: Sphinx, node: nodes.Element, display: bool) -> str:
    """Typeset the TeX of `node`; what KaTeX refuses is a warning that names the place."""
    tex = node.astext()
    try:
        return typeset(tex, display, tuple(app.config.dsf_math_macros.items()))
    except ValueError as error:
        log.warning("KaTeX refuses %r: %s", tex, error, location=node)
        return f"<code>{html.escape(tex)}</code>"


def visit_math(self: Any, node: nodes.math) -> None:
    """Write an inline formula."""
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    self.body.append(render_math(self.builder.app, node, display=False))
    self.body.append("</span>")
    raise nodes.SkipNode


def visit_entry(self: Any, node: nodes.entry) -> None:
    """Write a cell of a table; an empty one in the head is a plain cell, for it names nothing."""
    HTML5Translator.visit_entry(self, node)
    if not node.astext():
        self.body[-1] = self.body[-1].replace("<th", "<td", 1)
        self.context[-1] = self.context[-1].replace("</th", "</td", 1)


def depart_entry(self: Any, node: nodes.entry) -> None:
    """End a cell."""
    HTML5Translator.depart_entry(self, node)


def visit_math_block(self: Any, node: nodes.math_block) -> None:
    """Write a displayed formula, its number beside it, in a box that scrolls by itself."""
    self.body.append(self.starttag(node, "div", CLASS="math equation"))
    self.body.append('<div class="equation-body">')
    self.body.append(render_math(self.builder.app, node, display=True))
    self.body.append("</div>")
    if node["number"]:
        number = sphinxcontrib_katex.get_node_equation_number(self, node)
        self.body.append(
            f'<a class="eqno" href="#{node["ids"][0]}" '
            f'aria-label="Equation {number}">({number})</a>'
        )
    self.body.append("</div>\n")
    raise nodes.SkipNode


# --- numbering --------------------------------------------------------------------------------


def number_chapters_by_file_name() -> None:
    """Let `chapters/03-name` be chapter 3, whatever stands before it in the table of contents."""
    original = TocTreeCollectorWithStyles.assign_section_numbers

    def assign(self: TocTreeCollectorWithStyles, env: Any) -> list[str]:
        before = {doc: dict(numbers) for doc, numbers in env.toc_secnumbers.items()}
        original(self, env)
        for doc, numbers in env.toc_secnumbers.items():
            match = CHAPTER.match(doc)
            if not match:
                continue
            chapter = int(match[1])
            for anchor, number in numbers.items():
                if number:
                    numbers[anchor] = (chapter, *number[1:])
            renumber = [env.titles[doc], *env.tocs[doc].findall(nodes.reference)]
            for node in renumber:
                if node.get("secnumber"):
                    node["secnumber"] = [chapter, *node["secnumber"][1:]]
        return [doc for doc, numbers in env.toc_secnumbers.items() if numbers != before.get(doc)]

    TocTreeCollectorWithStyles.assign_section_numbers = assign


# --- folding ----------------------------------------------------------------------------------


class details(nodes.General, nodes.Element):
    """A block the reader opens: a native `<details>`, so it works without JavaScript."""


class summary(nodes.General, nodes.TextElement):
    """The visible line of a `details`."""


class Fold(SphinxPostTransform):
    """Fold every solution, and every proof or admonition of class `dropdown`."""

    default_priority = 100  # after the titles of exercises and solutions are resolved

    def run(self, **kwargs: Any) -> None:
        """Replace the nodes and drop the identifiers that the extensions repeat on a page."""
        for section in self.document.findall(nodes.section):
            if set(section["ids"]) & {"proof-content", "exercise-content", "solution-content"}:
                section["ids"] = []
        for node in list(self.document.findall(self.is_foldable)):
            node.replace_self(self.folded(node))
        for node in list(self.document.findall(proof_node)):
            node.replace_self(self.proof(node))

    @staticmethod
    def is_foldable(node: nodes.Node) -> bool:
        """Whether `node` is a solution or asks for folding itself."""
        if isinstance(node, solution_node):
            return True
        return (
            isinstance(node, nodes.Admonition)
            and not isinstance(node.parent, proof_node)
            and "dropdown" in node["classes"]
            and len(node) > 0
            and isinstance(node[0], nodes.title)
        )

    @staticmethod
    def folded(node: nodes.Element) -> details:
        """`node` as a `details` with its title as the visible line."""
        title, *content = node.children
        for link in list(title.findall(nodes.reference)):
            link.parent.replace(link, link.children)  # a click on the line opens, and only opens
        classes = ["fold", *(c for c in node["classes"] if c not in {"dropdown", "admonition"})]
        return details(
            "", summary("", "", *title.children), *content, ids=node["ids"], classes=classes
        )

    @staticmethod
    def proof(node: proof_node) -> nodes.Element:
        """A proof: folded where it asks for it, else text that opens with the word “Proof.”."""
        (section,) = node.children
        first = next(iter(section.findall(nodes.Text)))
        first.parent.replace(first, nodes.Text(first.astext().removeprefix("Proof. ")))
        if "dropdown" in section["classes"]:
            return details(
                "", summary("", "Proof"), *section.children, classes=["fold", "proof-text"]
            )
        lead = section[0]
        lead.insert(0, nodes.strong("", "Proof. "))
        return nodes.container("", *section.children, classes=["proof-text"])


class ScrollTables(SphinxPostTransform):
    """Put every table in a box that scrolls by itself where the screen is narrow."""

    default_priority = 105

    def run(self, **kwargs: Any) -> None:
        """Wrap the tables."""
        for table in list(self.document.findall(nodes.table)):
            box = nodes.container(classes=["table-box"])
            table.replace_self(box)
            box += table


def visit_details(self: Any, node: details) -> None:
    """Open the block."""
    self.body.append(self.starttag(node, "details"))


def depart_details(self: Any, node: details) -> None:
    """Close the block."""
    self.body.append("</details>\n")


def visit_summary(self: Any, node: summary) -> None:
    """Open the visible line."""
    self.body.append(self.starttag(node, "summary", ""))


def depart_summary(self: Any, node: summary) -> None:
    """Close the visible line."""
    self.body.append("</summary>\n")


# --- directives of the book -------------------------------------------------------------------


class ChapterFacts(SphinxDirective):
    """The head of a chapter: minutes, level, what it needs, and what the reader can do after it."""

    has_content = True
    option_spec: ClassVar = {
        "minutes": directives.positive_int,
        "level": directives.unchanged_required,
        "prerequisites": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """A box of facts followed by the list of objectives."""
        missing = [name for name in self.option_spec if name not in self.options]
        if missing:
            raise self.error(f"chapter-facts lacks {', '.join(missing)}")
        line = (
            f"**Time** {self.options['minutes']} minutes\n"
            f"**Level** {self.options['level']}\n"
            f"**You need** {self.options['prerequisites']}"
        )
        box = nodes.container(classes=["chapter-facts"])
        for text in line.splitlines():
            inline, messages = self.state.inline_text(text, self.lineno)
            box += nodes.paragraph("", "", *inline)
            box += messages
        box += nodes.paragraph("", "After this chapter you can", classes=["objectives-title"])
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class BookOnly(SphinxDirective):
    """Text for the pages that the notebooks leave out."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The content, as it stands."""
        box = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, box)
        return box.children


class NotebookOnly(SphinxDirective):
    """Text for the notebooks that the pages leave out."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Nothing."""
        return []


CODE_CELL = re.compile(r"^(?P<fence>`{3,})\{code-cell\}.*?^(?P=fence)[ \t]*$", re.M | re.S)
CELL_TAGS = re.compile(r"^:tags:(.*)$|^tags:(.*(?:\n[ \t]*- .*)*)", re.M)


def drop_notebook_only_cells(app: Sphinx, docname: str, source: list[str]) -> None:
    """Blank out the cells tagged `notebook-only`; blank lines keep the line numbers right."""

    def blank(match: re.Match[str]) -> str:
        cell = match[0]
        tags = CELL_TAGS.search(cell)
        wanted = tags is None or "notebook-only" not in tags[0]
        return cell if wanted else "\n" * cell.count("\n")

    source[0] = CODE_CELL.sub(blank, source[0])


class LaunchLine(SphinxPostTransform):
    """Put “Run it: Binder · Colab · download” under the title of every page that is a notebook."""

    default_priority = 110

    def run(self, **kwargs: Any) -> None:
        """Insert the line after the first title."""
        path = f"{self.env.docname}.ipynb"
        title = next(iter(self.document.findall(nodes.title)), None)
        if title is None or not CHAPTER.match(self.env.docname):
            return
        if not (Path(self.app.srcdir) / path).exists():
            log.warning("%s is missing: run `make notebooks`", path, location=self.env.docname)
            return
        book = settings.load(Path(self.app.srcdir))
        line = (
            '<p class="launch">Run it: '
            f'<a href="{book.binder_url(path)}">Binder</a> · '
            f'<a href="{book.colab_url(path)}">Colab</a> · '
            f'<a href="{Path(path).name}" download>download the notebook</a></p>'
        )
        title.parent.insert(title.parent.index(title) + 1, nodes.raw("", line, format="html"))


# --- references -------------------------------------------------------------------------------


def round_brackets() -> BracketStyle:
    """(Gu and Dao, 2023) rather than [Gu and Dao, 2023]."""
    return BracketStyle(left="(", right=")")


@dataclass
class RoundAuthorYear(AuthorYearReferenceStyle):
    """Author-year citations in round brackets."""

    bracket_parenthetical: BracketStyle = field(default_factory=round_brackets)
    bracket_textual: BracketStyle = field(default_factory=round_brackets)


def foreign_name(app: Sphinx, env: Any, node: Any, contnode: nodes.Element) -> Any:
    """Leave the name of another package, or of a type alias, in a signature as text."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    if "." not in target and node.get("py:module"):
        # Imported here: a page that is written again from the cache has imported nothing yet.
        meant = getattr(importlib.import_module(node["py:module"]), target, None)
        origin = getattr(meant, "__module__", "") if isinstance(meant, type) else "typing"
        target = f"{origin}.{target}" if meant is not None else target
    return contnode if target.split(".")[0] in FOREIGN else None


BARE_MARK = re.compile(r"\||(?<![\w*])\*{1,2}(?=[A-Za-z_]\w*(?:[\s,.)]|$))")


def escape(match: re.Match[str]) -> str:
    """Each character of the match with a backslash before it."""
    return "".join(f"\\{character}" for character in match[0])


def prepare_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Read docstrings as their authors mean them.

    |x| is an absolute value, not a substitution of reStructuredText, and *args are arguments, not
    the beginning of an emphasis. The first line of an
    attribute or of what a function returns is text even where it holds a colon: our docstrings
    name no types. An empty comment takes the place where the type could stand.
    """
    empty_comment = ["..", ""]
    read = []
    for line in lines:
        parts = re.split(r"(`+[^`]*`+)", line)
        read.append("".join(p if p.startswith("`") else BARE_MARK.sub(escape, p) for p in parts))
        if line in {"Returns:", "Yields:"}:
            read += [f"    {text}".rstrip() for text in empty_comment]
    if what in {"attribute", "data", "property"}:
        read = empty_comment + read
    lines[:] = read


def skip_field_aliases(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out the fields of named tuples, which the class itself describes."""
    return True if type(obj).__name__ == "_tuplegetter" else None


# --- pages and files --------------------------------------------------------------------------


def is_unused(name: str) -> bool:
    """Whether the static file `name` is needed by no page."""
    return Path(name).name in UNUSED_STATIC or Path(name).name.startswith(UNUSED_PREFIXES)


def page_context(app: Sphinx, pagename: str, template: str, context: Any, doctree: Any) -> None:
    """What the page template needs beyond Sphinx's own context."""
    context["css_files"] = [c for c in context["css_files"] if not is_unused(str(c.filename))]
    context["asset_digest"] = lambda path: _digest(HERE / "static" / path)
    context["page_sections"] = _sections(context)
    context["policy"], context["with_policy"] = POLICY, with_policy
    context["author"] = app.config.author
    toctree = context["toctree"]
    context["toctree"] = lambda **options: spoken(toctree(**options))
    if "body" in context:
        context["body"] = spoken(context["body"])
    if doctree is not None:
        book = settings.load(Path(app.srcdir))
        context["source_link"] = book.source_url(f"{pagename}.md")
        paragraph = next(iter(doctree.findall(nodes.paragraph)), None)
        if paragraph is not None:
            context["page_description"] = " ".join(paragraph.astext().split())[:160]


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
    return markup


def _sections(context: Any) -> str:
    """The list of the sections of a page, without the title of the page itself."""
    toc = context.get("toc", "")
    match = re.search(r"<ul>.*?</a>(<ul>.*</ul>)\s*</li>\s*</ul>\s*$", toc, re.S)
    return match[1] if match else ""


def _digest(path: Path) -> str:
    data = path.read_bytes() if path.exists() else path.name.encode()
    return hashlib.sha256(data).hexdigest()[:8]


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


def setup(app: Sphinx) -> dict[str, bool]:
    """Register everything with Sphinx."""
    app.add_config_value("dsf_math_macros", {}, "html")
    # Jupyter Book sets this one for an extension that the book does not load.
    app.add_config_value("comments_config", {}, "html")
    app.add_html_math_renderer("prerendered_katex", (visit_math, None), (visit_math_block, None))
    app.add_html_theme("dsf_book", str(HERE / "theme"))
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
    app.add_node(details, html=(visit_details, depart_details))
    app.add_node(summary, html=(visit_summary, depart_summary))
    app.add_post_transform(Fold)
    app.add_post_transform(LaunchLine)
    app.add_post_transform(ScrollTables)
    app.add_directive("chapter-facts", ChapterFacts)
    app.add_directive("book-only", BookOnly)
    app.add_directive("notebook-only", NotebookOnly)
    number_chapters_by_file_name()
    register_plugin("sphinxcontrib.bibtex.style.referencing", "author_year_round", RoundAuthorYear)
    app.connect("source-read", drop_notebook_only_cells)
    app.connect("missing-reference", foreign_name)
    app.connect("autodoc-process-docstring", prepare_docstring, priority=400)
    app.connect("autodoc-skip-member", skip_field_aliases)
    app.connect("html-page-context", page_context)
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
