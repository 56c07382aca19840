"""Formulas: typeset when the pages are built, for the eye, with MathML for the ear."""

from __future__ import annotations

import html
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinxcontrib import katex as sphinxcontrib_katex

from book.bundle import node_program
from book.sphinx.plain import plain_tex

log = logging.getLogger(__name__)


@cache
def katex() -> subprocess.Popen[str]:
    """A running KaTeX, the one that sphinxcontrib-katex brings."""
    program = Path(sphinxcontrib_katex.__file__).with_name("katex.min.js")
    return subprocess.Popen(
        [str(node_program()), str(Path(__file__).with_name("katex.js")), str(program)],
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
    formula = render_math(self.builder.app, node, display=False)
    if node.get("named"):  # for software that does not read MathML
        name = plain_tex(node.astext(), self.config.dsf_math_macros)
        formula = formula.replace("<math ", f'<math aria-label="{html.escape(name)}" ', 1)
    self.body.append(f"{formula}</span>")
    raise nodes.SkipNode


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


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_config_value("dsf_math_macros", {}, "html")
    app.add_html_math_renderer("prerendered_katex", (visit_math, None), (visit_math_block, None))
