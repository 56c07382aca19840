"""Blocks: directives and displayed formulas as plain Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import ascii_lowercase

from book import asking, reading
from book.notebooks.chapter import ADMONITIONS, THEOREMS, children
from book.notebooks.inline import Inline
from book.notebooks.myst import Block, Break, Code, Directive, Math, Target, Text, parse

FOOTNOTE = re.compile(r"\[\^[^\]]+\]")


class Blocks:
    """Turns the blocks of one chapter into Markdown."""

    def __init__(self, inline: Inline, solutions: bool = True) -> None:
        self.inline = inline
        self.solutions = solutions
        self.chapter = inline.chapter
        self.writers: dict[str, Callable[[Directive, bool], str]] = {
            "math": lambda b, quoted: self._math("\n".join(b.body), b.line, quoted, b.indent),
            "prf:proof": self._proof,
            "prf:*": self._theorem,
            "exercise-start": self._exercise,
            "exercise": self._exercise,
            "solution": self._solution,
            "stub": lambda b, _: "",
            "admonition": lambda b, _: self._admonition(b, b.argument),
            "margin": lambda b, _: quote(self.inside(b, quoted=True)),
            "chapter-facts": self._facts,
            "predict": self._ask,
            "predict-start": self._ask,
            "question": self._ask,
            "deeper": self._deeper,
            "deeper-start": self._deeper,
            "tour": self.inside,
            "derivation*": lambda b, _: self.inside(b),
            "step": self._step,
            "book-only": lambda b, _: "",
            "notebook-only": self.inside,
            "figure": self._figure,
            "table": self._table,
            "code-block": lambda b, _: "\n".join([f"```{b.argument}", *b.body, "```"]),
            "bibliography": lambda b, _: "",
        }

    def markdown(self, block: Block, quoted: bool = False) -> str:
        """The Markdown of one block; `quoted` where every line will get a prefix."""
        if isinstance(block, Text):
            text = "\n".join(block.lines)
            if match := FOOTNOTE.search(text):
                line = block.line + text.count("\n", 0, match.start())
                raise self.inline.fail(line, f"footnotes do not show in notebooks: {match[0]}")
            return self.inline.markdown(text, block.line)
        if isinstance(block, Code):
            return "\n".join(block.lines)
        if isinstance(block, Math):
            return self._math(block.tex, block.line, quoted, block.indent)
        if isinstance(block, Target):
            return f'<a id="{block.label}"></a>'
        if isinstance(block, Break):
            return ""
        return self._directive(block, quoted)

    def _math(self, tex: str, line: int, quoted: bool, indent: str = "") -> str:
        """A displayed formula with the number it has on the page."""
        tex = self.inline.math(tex.strip())
        number = self.chapter.numbers.get(line)
        if number:
            if re.search(r"\\begin\{(align|gather|equation)\*?\}", tex):
                message = "a numbered formula needs aligned or gathered inside"
                raise self.inline.fail(line, message)
            tex += f" \\tag{{{number}}}"
        if quoted or indent:
            return f"{indent}$$ {' '.join(tex.split())} $$"
        return f"$$\n{tex}\n$$"

    def _directive(self, block: Directive, quoted: bool) -> str:
        name = block.name
        for known, write in self.writers.items():
            if name == known or (known.endswith("*") and name.startswith(known[:-1])):
                return write(block, quoted)
        if name in ADMONITIONS:
            return self._admonition(block, name.capitalize())
        raise self.inline.fail(block.line, f"a notebook cannot show the directive {{{name}}}")

    def inside(self, block: Directive, quoted: bool = False) -> str:
        """What stands in a directive."""
        parts = [self.markdown(child, quoted) for child in children(block, self.chapter.path)]
        return "\n\n".join(part.strip("\n") for part in parts if part.strip())

    def _anchor(self, block: Directive) -> str:
        label = block.options.get("label") or block.options.get("name")
        return f'<a id="{label}"></a>' if label else ""

    def _in_brackets(self, block: Directive) -> str:
        text = self.inline.markdown(block.argument, block.line)
        return f" ({text})" if text else ""

    def _admonition(self, block: Directive, title: str) -> str:
        if not self.solutions and "teachers" in block.classes():
            return ""
        title = self.inline.markdown(title, block.line)
        if "dropdown" in block.classes():
            return fold(title, self.inside(block, quoted=False))
        body = self.inside(block, quoted=True)
        return quote(f"**{title}**\n\n{body}")

    def _theorem(self, block: Directive, quoted: bool) -> str:
        kind = block.name.removeprefix("prf:")
        if kind not in THEOREMS:
            message = f"a notebook cannot show the directive {{{block.name}}}"
            raise self.inline.fail(block.line, message)
        number = self.chapter.numbers.get(block.line, "")
        head = f"{self._anchor(block)}**{kind.capitalize()} {number}".rstrip()
        head += f"{self._in_brackets(block)}**"
        return quote(f"{head}\n\n{self.inside(block, quoted=True)}")

    def _proof(self, block: Directive, quoted: bool) -> str:
        if "dropdown" in block.classes():
            return fold("Proof", f"{self.inside(block, quoted=False)} ∎")
        return f"*Proof.* {self.inside(block, quoted)} ∎"

    def _exercise(self, block: Directive, quoted: bool) -> str:
        number = self.chapter.numbers.get(block.line, "")
        head = f"### Exercise {number}".rstrip() + self._in_brackets(block)
        parts = [self._anchor(block), head, self.inside(block, quoted)]
        return "\n\n".join(filter(None, parts))

    def _solution(self, block: Directive, quoted: bool) -> str:
        if not self.solutions:
            return ""
        exercise = self.inline.reference(block.argument, block.line).text
        return fold(f"Solution to {exercise}", self.inside(block, quoted=False))

    def _facts(self, block: Directive, quoted: bool) -> str:
        facts = {
            name: self.inline.markdown(str(value), block.line)
            for name, value in block.options.items()
        }
        return (
            f"*{reading.time(self.chapter)} · {facts['level']} · "
            f"you need: {facts['prerequisites']}*\n\n"
            f"**After this chapter you can**\n\n{self.inside(block, quoted)}"
        )

    def asked(self, block: Directive) -> asking.Asked:
        """What a block asks; the items of an order have the letters that notebooks give them."""
        kind = block.argument if block.name == "question" else "predict"
        try:
            asked = asking.read(kind, block.body, block.options)
        except ValueError as error:
            raise self.inline.fail(block.line, f"{block.name}: {error}") from None
        if kind == "order":
            for letter, place in zip(ascii_lowercase, asked.order(label(block)), strict=False):
                asked.items[place].key = letter
        return asked

    def parsed(self, block: Directive, lines: asking.Lines, quoted: bool = False) -> str:
        """The Markdown of some lines of a block that asks."""
        blocks = parse(lines.text, block.body_line + lines.start, self.chapter.path)
        return "\n\n".join(self.markdown(one, quoted).strip("\n") for one in blocks)

    def _ask(self, block: Directive, quoted: bool) -> str:
        """The question with its options in a box, then the replies and the answer, folded."""
        asked = self.asked(block)

        def listed(item: asking.Item, lines: asking.Lines, quoted: bool) -> str:
            return f"- **{item.key}.** {self.parsed(block, lines, quoted)}"

        shown = asked.items if asked.kind in {"predict", "choice", "order"} else []
        if asked.kind == "order":
            shown = sorted(shown, key=lambda item: item.key)
        options = "\n".join(listed(item, item.text, quoted=True) for item in shown)
        question = self.parsed(block, asked.question, quoted=True)
        front = [f"**{asking.TITLES[asked.kind]}**", question, options]
        replies = [listed(item, item.reply, False) for item in asked.items if item.reply]
        if asked.kind == "order":
            steps = [self.parsed(block, item.text) for item in asked.items]
            replies = [f"{i}. {step}" for i, step in enumerate(steps, 1)]
        right = f"**Answer: {asked.shown()}**" if asked.right else ""
        back = [right, "\n".join(replies), self.parsed(block, asked.answer)]
        folded = fold("Answer", "\n\n".join(filter(None, back)))
        return quote("\n\n".join(filter(None, front))) + f"\n\n{folded}"

    def _deeper(self, block: Directive, quoted: bool) -> str:
        title = self.inline.markdown(block.argument, block.line)
        return fold(f"Deeper: {title}", self.inside(block, quoted=False))

    def _step(self, block: Directive, quoted: bool) -> str:
        """A step of a derivation: its title runs into its sentence."""
        title = self.inline.markdown(block.argument, block.line)
        return f"**{title}.** {self.inside(block, quoted)}"

    def _figure(self, block: Directive, quoted: bool) -> str:
        alt = str(block.options.get("alt", ""))
        if not alt:
            raise self.inline.fail(block.line, "a figure needs the option alt")
        picture = f"![{alt}]({self.inline.picture(block.argument)})"
        caption = self.inside(block, quoted)
        if not caption:
            return f"{self._anchor(block)}{picture}"
        number = self.chapter.numbers[block.line]
        return f"{self._anchor(block)}{picture}\n\n**Figure {number}** {caption}"

    def _table(self, block: Directive, quoted: bool) -> str:
        number = self.chapter.numbers.get(block.line)
        title = self.inline.markdown(block.argument, block.line)
        head = f"{self._anchor(block)}**Table {number}** {title}" if number else ""
        return "\n\n".join(filter(None, [head, self.inside(block, quoted)]))


def label(block: Directive) -> str:
    """The label of a block, or nothing."""
    return str(block.options.get("label", ""))


def quote(text: str) -> str:
    """`text` as a block quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def fold(title: str, text: str) -> str:
    """`text` behind a line that opens it; the blank lines let Markdown go on inside."""
    return f"<details>\n<summary>{title}</summary>\n\n{text}\n\n</details>"
