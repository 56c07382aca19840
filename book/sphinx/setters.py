"""Links that turn a figure: the role `{set}`, and tours made of them.

`` {set}`four features <dsf-explorer: n=4, text=abc>` `` is a link to the figure, which `lead.js`
completes by the state in the syntax of the addresses of figures, `#dsf-explorer:n=4,text=abc`.
Without JavaScript it leads to the figure.
"""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from book.sphinx.elements import element

log = logging.getLogger(__name__)

SETTER = re.compile(r"^(?P<text>.+?)\s*<(?P<figure>[\w-]+):\s*(?P<state>[^<>]+)>$", re.S)
FORMULA = re.compile(r"^\$[^$]+\$$")
FIGURE = re.compile(
    r'<figure class="dsf-widget"[^>]*? id="(?P<id>[^"]+)".*?'
    r'<script type="application/json">(?P<state>.*?)</script>',
    re.S,
)


def pairs(state: str) -> dict[str, str]:
    """`n=4, time=7` as names and values.

    Raises:
        ValueError: A part is no `name=value`.
    """
    found = {}
    for part in state.split(","):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not (name and sign and value):
            raise ValueError(f"{part.strip()!r} is not of the form name=value")
        found[name] = value
    return found


class SetRole(SphinxRole):
    """The role `{set}`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """A link to the figure that knows the state it asks for."""
        match = SETTER.match(self.text)
        try:
            if not match:
                raise ValueError("expected 'text <figure-id: name=value, ...>'")
            state = pairs(match["state"])
        except ValueError as error:
            message = self.inliner.reporter.error(f"set: {error}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        asked = ",".join(f"{name}={quote(value)}" for name, value in state.items())
        html = {"href": f"#{match['figure']}"}
        if FORMULA.match(match["text"]):  # MathML names a link for few
            html["aria-label"] = match["text"].strip("$")
        link = element(
            tag="a",
            classes=["set"],
            data={"set": asked},
            html=html,
            figure=match["figure"],
            names_used=list(state),
        )
        self.set_source_info(link)
        text, messages = self.inliner.parse(match["text"], self.lineno, self, link)
        link += text
        return [link], messages


class Tour(SphinxDirective):
    """A list of setters, gone through one by one with *Next*."""

    has_content = True
    option_spec: ClassVar = {}

    def run(self) -> list[nodes.Node]:
        """The list, as it stands; the script shows one step at a time."""
        box = element(classes=["tour"], html={"role": "group", "aria-label": "Tour of the figure"})
        self.state.nested_parse(self.content, self.content_offset, box)
        steps = [child for child in box if isinstance(child, nodes.enumerated_list)]
        items = list(steps[0].children) if len(steps) == 1 == len(box) else []
        leads = [any(_is_setter(node) for node in item.findall(element)) for item in items]
        if len(items) < 2 or not all(leads):
            raise self.error(
                "tour: expected a numbered list of two or more items, each with a {set}"
            )
        return [box]


def _is_setter(node: nodes.Node) -> bool:
    return isinstance(node, element) and "names_used" in node


class CheckSetters(SphinxPostTransform):
    """Warn of setters and questions that name a figure or a trait that the page does not have."""

    default_priority = 400  # after the outputs of the cells are chosen

    def run(self, **kwargs: Any) -> None:
        """Compare each with the figures of the page."""
        figures: dict[str, dict[str, Any]] = {}
        for raw in self.document.findall(nodes.raw):
            for match in FIGURE.finditer(raw.astext()):
                figures[match["id"]] = json.loads(match["state"])
        for node in self.document.findall(element):
            data = node.get("data", {})
            if _is_setter(node):
                self.compare(node, node["figure"], node["names_used"], figures)
            elif data.get("kind") == "set":
                found = [name for name, *_ in json.loads(data["right"])]
                self.compare(node, data["figure"], found, figures)

    @staticmethod
    def compare(
        node: element, figure: str, names: list[str], figures: dict[str, dict[str, Any]]
    ) -> None:
        """Warn of what is not there."""
        if figure not in figures:
            known = ", ".join(figures) or "none"
            log.warning("the page has no figure %s, only %s", figure, known, location=node)
            return
        for name in names:
            if name not in figures[figure]:
                known = ", ".join(figures[figure])
                log.warning("figure %s has no %s, only %s", figure, name, known, location=node)


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_role("set", SetRole())
    app.add_directive("tour", Tour)
    app.add_post_transform(CheckSetters)
