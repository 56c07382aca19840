"""What a page asks: `{predict}` and `{question}`.

The page holds the question, the options, and a `<details>` with all replies and the answer, so
that it is complete without JavaScript and on paper. `lead.js` makes a form of it: the reader
commits, gets the reply to what was chosen, and only then the answer opens.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from book import asking
from book.sphinx.elements import element
from book.sphinx.folding import details, summary


class Ask(SphinxDirective):
    """What predictions and questions share."""

    has_content = True
    option_spec: ClassVar = {
        "label": directives.unchanged_required,
        "answer": directives.unchanged_required,
        "tolerance": directives.unchanged_required,
        "figure": directives.unchanged_required,
    }

    def kind(self) -> str:
        """`predict`, or the kind of the question."""
        return "predict"

    def run(self) -> list[nodes.Node]:
        """The block: title, question, options, and the folded rest."""
        kind = self.kind()
        try:
            asked = asking.read(kind, list(self.content), self.options)
        except ValueError as error:
            raise self.error(f"{self.name}: {error}") from None
        if "label" not in self.options:
            raise self.error(f"{self.name} has no label, by which the reader's progress is kept")
        if (kind == "set") != ("figure" in self.options):
            raise self.error(
                f"{self.name}: the option figure belongs to the kind set, and only there"
            )
        return [self.block(asked, self.options["label"])]

    def block(self, asked: asking.Asked, label: str) -> element:
        """The block of a question that can be put."""
        name = nodes.make_id(label)
        if name in self.state.document.ids:
            raise self.error(f"{self.name}: the label {label} is taken")
        data = {"kind": asked.kind, "right": asked.right, "key": f"{self.env.docname}#{name}"}
        if asked.kind == "number":
            data["tolerance"] = repr(asked.tolerance)
        if asked.kind == "set":
            data |= {"figure": self.options["figure"], "right": when(asked.right)}
        block = element(
            ids=[name],
            classes=["ask", asked.kind],
            data=data,
            html={"role": "group", "aria-labelledby": f"{name}-title"},
        )
        self.set_source_info(block)
        self.state.document.ids[name] = block
        title = nodes.paragraph(
            "", asking.TITLES[asked.kind], classes=["admonition-title"], ids=[f"{name}-title"]
        )
        front = element(classes=["asked"])
        front += title
        self.parse(asked.question, front)
        if asked.kind in {"predict", "choice", "order"}:
            front += self.options_of(asked, label)
        block += front
        block += self.answer(asked)
        if self.name.endswith("-start"):
            block["gate"] = self.name.removesuffix("-start")
        return block

    def parse(self, lines: asking.Lines, into: nodes.Element) -> None:
        """Read lines of the block as Markdown."""
        source = self.state.document["source"]
        text = StringList(lines.text, source)
        self.state.nested_parse(text, self.content_offset + lines.start, into)

    def options_of(self, asked: asking.Asked, label: str) -> element:
        """The options, an order shuffled."""
        options = element(tag="ul", classes=["options"])
        places = asked.order(label) if asked.kind == "order" else range(len(asked.items))
        for place in places:
            item = asked.items[place]
            option = element(tag="li", data={"option": item.key or str(place)})
            self.parse(item.text, option)
            if item.key:
                option[0].insert(0, [nodes.strong("", f"{item.key}."), nodes.Text(" ")])
            options += option
        return options

    def answer(self, asked: asking.Asked) -> details:
        """The replies, what is right, and what the author goes on to say."""
        answer = details("", summary("", "Answer"), classes=["fold", "answer"])
        if asked.right:
            answer += nodes.paragraph("", "", nodes.strong("", f"Answer: {asked.shown()}"))
        if asked.kind == "order":
            steps = nodes.enumerated_list(enumtype="arabic", prefix="", suffix=".")
            for item in asked.items:
                step = nodes.list_item()
                self.parse(item.text, step)
                steps += step
            answer += steps
        answer += self.replies(asked)
        inside = element(classes=["revealed"], inside=True)
        self.parse(asked.answer, inside)
        answer += inside
        return answer

    def replies(self, asked: asking.Asked) -> list[nodes.Node]:
        """The reply to each item that has one."""
        replies = element(tag="ul", classes=["replies"])
        for place, item in enumerate(asked.items):
            if not item.reply:
                continue
            is_right, option = item.key == asked.right, item.key or str(place)
            if asked.kind == "number" and item.key != asking.ELSE:
                option = repr(asking.number(item.key))
                is_right = option == asked.right
            data = {"option": option}
            if asked.kind == "set" and item.key != asking.ELSE:
                data["when"] = when(item.key)
            reply = element(tag="li", data=data, classes=["right" if is_right else "wrong"])
            self.parse(item.reply, reply)
            named = {asking.ELSE: "Otherwise", "": f"Step {place + 1}"}.get(item.key, item.key)
            mark = f"{named} ✓" if is_right else f"{named}."
            reply[0].insert(0, [nodes.strong("", mark), nodes.Text(" ")])
            replies += reply
        return [replies] if len(replies) else []


def when(text: str) -> str:
    """A condition as the script reads it."""
    return json.dumps(asking.conditions(text))


class Predict(Ask):
    """A prediction: the reader commits before the answer is shown."""


class Question(Ask):
    """A question whose answer is checked in the page."""

    required_arguments = 1

    def kind(self) -> str:
        """The argument."""
        return str(self.arguments[0])


class Deeper(SphinxDirective):
    """A folded box for what leads off the main path."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """A native `<details>` under the title."""
        title, messages = self.state.inline_text(self.arguments[0], self.lineno)
        label = nodes.inline("", "Deeper: ", classes=["deeper-label"])
        box = details("", summary("", "", label, *title), classes=["fold", "deeper"])
        self.set_source_info(box)
        inside = element(inside=True)
        self.state.nested_parse(self.content, self.content_offset, inside)
        box += inside
        if self.name.endswith("-start"):
            box["gate"] = self.name.removesuffix("-start")
        return [box, *messages]


def load_script(app: Sphinx, page: str, template: str, context: Any, doctree: Any) -> None:
    """Let pages that ask or lead load the script for it, and no other page."""
    marked = ("ask", "set", "tour", "tally")
    if doctree is not None and any(
        {*node["classes"]} & {*marked} for node in doctree.findall(element)
    ):
        app.add_js_file("lead.js", loading_method="defer")


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    for name, directive in (("predict", Predict), ("deeper", Deeper)):
        app.add_directive(name, directive)
        app.add_directive(f"{name}-start", directive)
    app.add_directive("question", Question)
    app.connect("html-page-context", load_script, priority=400)
