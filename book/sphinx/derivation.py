"""Derivations: `{derivation}`, or `{derivation-start}` ... `{derivation-end}` around cells.

A `{step}` has a title, a sentence and one displayed equation. In the page all steps stand one below
the other, as on paper and in the notebooks; `derivation.js` shows them one after another and moves
what two neighbouring equations share from its place in the one to its place in the other.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from book.sphinx.elements import element
from book.sphinx.gates import GateEnd

log = logging.getLogger(__name__)

PARTS = {r"\Lambda": "decay", r"\lambda": "decay", "B": "write", "C": "read", r"\eta": "norm"}
"""The letters that have a colour of their own, and the class that gives it."""
LETTER = re.compile(
    r"(?P<letter>\\(?:[Ll]ambda|eta)|(?<![A-Za-z\\])[BC])(?![A-Za-z])'*"
    r"(?:[_^](?:\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|[A-Za-z0-9]))*"
)


def colored(tex: str) -> str:
    """`tex` with the letters of `PARTS`, each with its indices, in their colours."""
    return LETTER.sub(lambda m: rf"\htmlClass{{part-{PARTS[m['letter']]}}}{{{m[0]}}}", tex)


class Derivation(SphinxDirective):
    """A list of steps."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The block; what stands in it is sorted when all of it is there."""
        block = element(
            classes=["derivation"],
            html={"role": "group", "aria-label": "Derivation"},
            inside=True,
        )
        self.set_source_info(block)
        self.state.nested_parse(self.content, self.content_offset, block)
        if self.name.endswith("-start"):
            block["gate"] = self.name.removesuffix("-start")
        return [block]


class Step(SphinxDirective):
    """One step: a title, a sentence, an equation, and what there is to say after it."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The three parts of the step, in rows that all steps of a derivation share."""
        content = element()
        self.state.nested_parse(self.content, self.content_offset, content)
        equations = [i for i, node in enumerate(content) if isinstance(node, nodes.math_block)]
        if len(equations) != 1 or not isinstance(content[0], nodes.paragraph):
            raise self.error(
                f"step: {len(equations)} equations, expected a sentence and then one equation"
            )
        title, messages = self.state.inline_text(f"{self.arguments[0]}.", self.lineno)
        content[0].insert(0, [nodes.strong("", "", *title), nodes.Text(" ")])
        for formula in [*content.findall(nodes.math), *content.findall(nodes.math_block)]:
            tex = formula.astext()
            formula.clear()
            formula += nodes.Text(colored(tex))
        at = equations[0]
        step = element(classes=["step"])
        self.set_source_info(step)
        step += element("", *content[:at], classes=["said"])
        step += content[at]
        step += element("", *content[at + 1 :], classes=["more"])
        return [step, *messages]


class SortSteps(SphinxTransform):
    """Give each step what stands between it and the next: cells that check it, more text."""

    default_priority = 12  # after the blocks are closed around cells

    def apply(self, **kwargs: Any) -> None:
        """Go through the derivations; what is no derivation is a warning."""
        for node in list(self.document.findall(element)):
            if "derivation" in node["classes"]:
                self.sort(node)
            elif "step" in node["classes"] and "derivation" not in node.parent.get("classes", ()):
                log.warning("{step} stands outside of a {derivation}", location=node)

    @staticmethod
    def sort(block: element) -> None:
        """Move what is no step into the step before it."""
        steps: list[element] = []
        for node in list(block.children):
            if isinstance(node, element) and "step" in node["classes"]:
                steps.append(node)
            elif steps:
                block.remove(node)
                steps[-1][-1].append(node)
        if len(steps) < 2 or steps[0] is not block[0]:
            log.warning("derivation: expected two or more {step}s, nothing before", location=block)


def load_script(app: Sphinx, page: str, template: str, context: Any, doctree: Any) -> None:
    """Let pages with a derivation load the script for it, and no other page."""
    if doctree and any("derivation" in node["classes"] for node in doctree.findall(element)):
        app.add_js_file("derivation.js", loading_method="defer")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_directive("derivation", Derivation)
    app.add_directive("derivation-start", Derivation)
    app.add_directive("derivation-end", GateEnd)
    app.add_directive("step", Step)
    app.add_transform(SortSteps)
    app.connect("html-page-context", load_script, priority=400)
