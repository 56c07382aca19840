"""What a reader opens: solutions, and proofs and boxes that ask for it."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import solution_node
from sphinx_proof.nodes import proof_node


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


def visit_details(self: Any, node: details) -> None:
    """Open the block."""
    opened = {"open": "open"} if node.get("open") else {}
    self.body.append(self.starttag(node, "details", **opened))


def depart_details(self: Any, node: details) -> None:
    """Close the block."""
    self.body.append("</details>\n")


def visit_summary(self: Any, node: summary) -> None:
    """Open the visible line."""
    self.body.append(self.starttag(node, "summary", ""))


def depart_summary(self: Any, node: summary) -> None:
    """Close the visible line."""
    self.body.append("</summary>\n")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_node(details, html=(visit_details, depart_details))
    app.add_node(summary, html=(visit_summary, depart_summary))
    app.add_post_transform(Fold)
