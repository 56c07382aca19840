"""Editions that leave something out, or are for paper: what is dropped, and what moves to the end.

In a book without solutions these are gone before a page is written, so that the search, previews
and pictures, which are made of the pages, know nothing of them. On paper nothing can be opened:
solutions and the answers of what a chapter asks stand at its end, and a link says where it leads.
"""

from __future__ import annotations

import copy
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

from book import editions
from book.sphinx.elements import element
from book.sphinx.folding import details, summary
from book.sphinx.numbering import CHAPTER

# The classes of what an edition without solutions leaves out, on a screen and on paper.
UNANSWERED = {"solution", "teachers"}
HANDOUT = UNANSWERED | {"answer", "hint"}
SHORT = 160  # characters of a question that is repeated above its answer


class LeaveOut(SphinxPostTransform):
    """Drop what an edition without solutions does not hold."""

    default_priority = 101  # once solutions have been folded

    def run(self, **kwargs: Any) -> None:
        """Remove the blocks from the page."""
        edition = editions.of(self.app)
        if not edition.solutions:
            for node in blocks(self.document, HANDOUT if edition.paper else UNANSWERED):
                node.parent.remove(node)


class Answers(SphinxPostTransform):
    """On paper, put solutions and answers at the end of the chapter; open the rest."""

    default_priority = 120  # when all that is folded is a `details`

    def run(self, **kwargs: Any) -> None:
        """Move the blocks, each of which leaves a line that says where it is."""
        if not editions.of(self.app).paper:
            return
        if CHAPTER.match(self.env.docname):
            self.move(blocks(self.document, {"solution", "answer"}))
        for node in self.document.findall(details):
            node["open"] = True
        for link in list(self.document.findall(nodes.reference)):
            spell_address(link)

    def move(self, found: list[details]) -> None:
        """Put `found` into a section of its own."""
        title = next(iter(self.document.findall(nodes.title)), None)
        if title is None or not found:
            return
        # No title of Sphinx, which would get the number of the chapter.
        section = nodes.section("", element("", nodes.Text("Answers"), tag="h2"), ids=["answers"])
        for number, node in enumerate(found, 1):
            section += self.moved(node, number)
        title.parent += section

    def moved(self, node: details, number: int) -> nodes.Element:
        """The block as it stands at the end, under its number."""
        name = f"answer-{number}"
        said = "Solution" if "solution" in node["classes"] else "Answer"
        link = nodes.reference("", f"A{number}", refid=name, internal=True)
        line = nodes.paragraph(
            "", "", nodes.Text(f"{said}: "), link, nodes.Text(", at the end of the chapter."),
            classes=["see-answer"], ids=[f"see-{name}"],
        )  # fmt: skip
        first, *content = node.children
        node.parent.replace(node, line)
        heading = [nodes.strong("", f"A{number}. ")]
        if "solution" in node["classes"] and isinstance(first, summary):
            heading += first.children
        else:
            heading += question_of(line)
        head = nodes.paragraph("", "", *heading, classes=["answer-head"])
        ids = [name, *node["ids"]]
        return element("", head, *content, ids=ids, classes=["paper-answer"])


def blocks(document: nodes.document, classes: set[str]) -> list[Any]:
    """The folded blocks of these classes, without those that stand in another of them."""
    found: list[nodes.Element] = []
    for node in document.findall(details):
        inside = node.parent
        while inside is not None and inside not in found:
            inside = inside.parent
        if {*node["classes"]} & classes and inside is None:
            found.append(node)
    return found


def question_of(line: nodes.Element) -> list[nodes.Node]:
    """What is asked where the line of an answer stands: the question if it is short, or where."""
    asked = next((n for n in line.parent.children if "asked" in n.get("classes", [])), None)
    kind, *question = list(asked.findall(nodes.paragraph)) if asked is not None else [line]
    if question and len(question[0].astext()) <= SHORT:
        return [copy.deepcopy(node) for node in question[0].children]
    place: nodes.Node | None = line
    while place is not None and not isinstance(place, nodes.section):
        place = place.parent
    title = place.next_node(nodes.title) if place is not None else None
    where = f", in “{title.astext()}”" if title is not None else ""
    return [nodes.Text(kind.astext() + where)]


def spell_address(link: nodes.reference) -> None:
    """Put the address of another site behind the words of its link."""
    address = str(link.get("refuri", ""))
    if address.startswith(("http://", "https://")) and address not in link.astext():
        short = address.split("://", 1)[1].rstrip("/")
        index = link.parent.index(link)
        link.parent.insert(index + 1, nodes.inline("", f" ({short})", classes=["address"]))


def fit(app: Sphinx, pagename: str, template: str, context: Any, doctree: Any) -> None:
    """Tell the template of the edition; paper needs no scripts."""
    edition = context["edition"] = editions.of(app)
    if edition.paper:
        context["script_files"] = []
    if not edition.solutions:
        context["source_link"] = ""  # which holds them


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_config_value("dsf_edition", "html", "html", types=[str])
    app.add_post_transform(LeaveOut)
    app.add_post_transform(Answers)
    app.connect("html-page-context", fit, priority=900)
