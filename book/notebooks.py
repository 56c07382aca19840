"""Write `chapters/NN-name.ipynb` from `chapters/NN-name.md`: `python -m book.notebooks [--check]`.

The chapters are written in MyST, which only Sphinx understands. Here every directive and role
becomes plain Markdown that reads well in Colab and Jupyter, with the numbers of the pages. What
is not known here raises an error that names file, line and directive: nothing leaks through.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from pybtex.database import Person, parse_file
from pybtex.richtext import Text as PybtexText

from book import settings

CHAPTER_FILE = re.compile(r"(\d\d)-.*\.md$")

# A tag, since a branch would move under the reader's feet.
SETUP = """\
# Set-up, safe to run again: installs the book's package (not PyPI's `dsf`) where it is missing.
try:
    from dsf import LTVSystem
except ModuleNotFoundError:
    %pip install --quiet "dsf-book[notebooks] @ git+{repository}@{release}"
    from dsf import LTVSystem
except ImportError as error:
    raise ImportError(
        "The `dsf` installed here is another project. Run `%pip uninstall --yes dsf`, "
        "restart the kernel, then run this cell again."
    ) from error
"""

ADMONITIONS = {
    "note", "tip", "hint", "important", "warning", "caution", "attention", "danger", "error",
    "seealso",
}  # fmt: skip
THEOREMS = {
    "axiom", "theorem", "lemma", "algorithm", "definition", "remark", "conjecture", "corollary",
    "criterion", "example", "property", "observation", "proposition", "assumption", "notation",
}  # fmt: skip
PYTHON_ROLES = {"func", "class", "meth", "mod", "attr", "data", "exc", "obj"}


class ChapterError(ValueError):
    """Something in a chapter that a notebook cannot show; the message names file and line."""


# --- reading MyST -----------------------------------------------------------------------------


@dataclass
class Text:
    """Lines of plain Markdown."""

    lines: list[str]
    line: int


@dataclass
class Code:
    """A fenced block of code that is only shown."""

    lines: list[str]
    line: int


@dataclass
class Math:
    """A displayed formula."""

    tex: str
    label: str
    line: int
    indent: str = ""


@dataclass
class Target:
    """A label that stands before a heading."""

    label: str
    line: int


@dataclass
class Break:
    """A line `+++`: a new cell begins."""

    line: int


@dataclass
class Directive:
    """A directive with its argument, its options and its unparsed body."""

    name: str
    argument: str
    options: dict[str, Any]
    body: list[str]
    line: int
    body_line: int
    indent: str = ""

    def flag(self, name: str) -> bool:
        """Whether the option `name` is given, with or without a value."""
        return name in self.options

    def classes(self) -> list[str]:
        """The names in the option `class`."""
        return str(self.options.get("class") or "").split()

    def tags(self) -> list[str]:
        """The tags of a code cell."""
        tags = self.options.get("tags") or []
        return tags if isinstance(tags, list) else re.findall(r"[\w-]+", str(tags))


Block = Text | Code | Math | Target | Break | Directive

FENCE = re.compile(r"^(?P<indent>\s*)(?P<fence>`{3,}|:{3,}|~{3,})(?P<rest>.*)$")
HEAD = re.compile(r"^\s*\{(?P<name>[^}\s]+)\}\s*(?P<argument>.*?)\s*$")
TARGET = re.compile(r"^\(([^)\s]+)\)=\s*$")
OPTION = re.compile(r"^:([\w-]+):\s*(.*)$")
MATH_END = re.compile(r"\$\$\s*(?:\((?P<label>[^)\s]+)\))?\s*$")
HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*$")


def parse(lines: list[str], first: int, path: Path) -> list[Block]:
    """Split the lines of a chapter, of which the first has the number `first`, into blocks."""
    blocks: list[Block] = []
    text: list[str] = []

    def flush(end: int) -> None:
        if any(line.strip() for line in text):
            blocks.append(Text(text.copy(), end - len(text)))
        text.clear()

    i = 0
    while i < len(lines):
        line, number = lines[i], first + i
        fence = FENCE.match(line)
        if fence:
            flush(number)
            end = _closing(lines, i, fence["fence"], path, first)
            blocks.append(_fenced(fence, lines[i + 1 : end], number, path))
            i = end
        elif line.lstrip().startswith("$$"):
            flush(number)
            end, block = _math(lines, i, first, path)
            blocks.append(block)
            i = end
        elif match := TARGET.match(line):
            flush(number)
            blocks.append(Target(match[1], number))
        elif line.startswith("+++"):
            flush(number)
            blocks.append(Break(number))
        elif line.startswith("%"):
            flush(number)
        elif HEADING.match(line):
            flush(number)
            blocks.append(Text([line], number))
        else:
            text.append(line)
        i += 1
    flush(first + len(lines))
    return blocks


def _closing(lines: list[str], start: int, fence: str, path: Path, first: int) -> int:
    closing = re.compile(rf"^\s*{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    for i in range(start + 1, len(lines)):
        if closing.match(lines[i]):
            return i
    raise ChapterError(f"{path}:{first + start}: the block opened by {fence} is never closed")


def _fenced(fence: re.Match[str], body: list[str], line: int, path: Path) -> Block:
    indent = fence["indent"]
    body = [text.removeprefix(indent) for text in body]
    head = HEAD.match(fence["rest"])
    if not head:
        if fence["fence"].startswith(":"):
            raise ChapterError(f"{path}:{line}: expected a directive after {fence['fence']}")
        return Code([fence[0], *(indent + text for text in body), indent + fence["fence"]], line)
    options, used = _options(body, path, line)
    return Directive(
        head["name"], head["argument"], options, body[used:], line, line + 1 + used, indent
    )


def _options(body: list[str], path: Path, line: int) -> tuple[dict[str, Any], int]:
    if body and body[0].strip() == "---":
        end = next((i for i in range(1, len(body)) if body[i].strip() == "---"), None)
        if end is None:
            raise ChapterError(f"{path}:{line}: the options opened by --- are never closed")
        return yaml.safe_load("\n".join(body[1:end])) or {}, end + 1
    options: dict[str, Any] = {}
    for i, text in enumerate(body):
        match = OPTION.match(text)
        if not match:
            return options, i
        options[match[1]] = match[2]
    return options, len(body)


def _math(lines: list[str], start: int, first: int, path: Path) -> tuple[int, Math]:
    indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    body = [lines[start].lstrip()[2:]]
    for i in range(start, len(lines)):
        if i > start:
            body.append(lines[i])
        end = MATH_END.search(body[-1])
        if end:
            body[-1] = body[-1][: end.start()]
            tex = "\n".join(part.strip() for part in body).strip()
            return i, Math(tex, end["label"] or "", first + start, indent)
    raise ChapterError(f"{path}:{first + start}: the formula opened by $$ is never closed")


# --- numbers and labels -----------------------------------------------------------------------


@dataclass
class Label:
    """What a label points to: `Theorem 1.1` in chapter `01-name`, or a section by its title."""

    document: str
    kind: str
    number: str
    title: str

    @property
    def text(self) -> str:
        """How the pages call it where the author gives no words of their own."""
        if self.kind == "section":
            return self.title
        return f"{self.kind.capitalize()} {self.number}"


@dataclass
class Chapter:
    """A source file, its blocks, and the numbers that the pages give to what stands in it."""

    path: Path
    number: int
    title: str
    blocks: list[Block]
    numbers: dict[int, str] = field(default_factory=dict)  # line of an object -> its number

    @property
    def name(self) -> str:
        """File name without its ending."""
        return self.path.stem


CONTAINERS = (
    ADMONITIONS
    | {f"prf:{kind}" for kind in THEOREMS}
    | {"admonition", "prf:proof", "exercise", "exercise-start", "solution", "solution-start"}
    | {"book-only", "notebook-only", "chapter-facts"}
)


def children(block: Directive, path: Path) -> list[Block]:
    """The blocks inside a directive."""
    return parse(block.body, block.body_line, path)


def walk(blocks: list[Block], path: Path) -> Iterator[Block]:
    """All blocks in the order of the pages, also those inside directives."""
    for block in blocks:
        yield block
        if isinstance(block, Directive) and block.name in CONTAINERS - {"notebook-only"}:
            yield from walk(children(block, path), path)


def _object(block: Block) -> tuple[str, str] | None:
    """Kind and label of a block that the pages number, else None."""
    if isinstance(block, Math):
        return ("equation", block.label) if block.label else None
    if not isinstance(block, Directive) or block.flag("nonumber"):
        return None
    label = str(block.options.get("label") or block.options.get("name") or "")
    if block.name == "math":
        return ("equation", label) if label else None
    if block.name.startswith("prf:") and block.name != "prf:proof":
        return block.name.removeprefix("prf:"), label
    if block.name in {"exercise", "exercise-start"}:
        return "exercise", label
    if block.name == "figure" and any(line.strip() for line in block.body):
        return "figure", label
    if block.name == "table" and block.argument:
        return "table", label
    if block.name == "code-cell" and "notebook-only" not in block.tags():
        figure = (block.options.get("mystnb") or {}).get("figure") or {}
        return ("figure", figure.get("name") or "") if figure.get("caption") else None
    return None


def read_chapter(path: Path) -> Chapter:
    """Parse a chapter and number its objects as Sphinx does: by kind, in order."""
    match = CHAPTER_FILE.match(path.name)
    if not match:
        raise ChapterError(f"{path}: a chapter is called NN-name.md")
    lines = path.read_text(encoding="utf-8").split("\n")
    start = lines.index("---", 1) + 1 if lines[0] == "---" else 0
    blocks = parse(lines[start:], start + 1, path)
    headings = [HEADING.match(b.lines[0]) for b in blocks if isinstance(b, Text)]
    title = next((h[2] for h in headings if h and h[1] == "#"), None)
    if title is None:
        raise ChapterError(f"{path}: no title")
    chapter = Chapter(path, int(match[1]), title, blocks)
    counts: Counter[str] = Counter()
    for block in walk(blocks, path):
        found = _object(block)
        if found:
            counts[found[0]] += 1
            chapter.numbers[block.line] = f"{chapter.number}.{counts[found[0]]}"
    return chapter


def labels(chapters: list[Chapter]) -> dict[str, Label]:
    """Every label of the given chapters."""
    known: dict[str, Label] = {}

    def add(label: str, chapter: Chapter, line: int, kind: str, number: str, title: str) -> None:
        if label in known:
            raise ChapterError(f"{chapter.path}:{line}: the label {label} is taken")
        known[label] = Label(chapter.name, kind, number, title)

    for chapter in chapters:
        blocks = list(walk(chapter.blocks, chapter.path))
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            if isinstance(block, Target):
                first = following.lines[0] if isinstance(following, Text) else ""
                heading = HEADING.match(first)
                title = heading[2] if heading else block.label
                add(block.label, chapter, block.line, "section", "", title)
                continue
            found = _object(block)
            if found and found[1]:
                kind, label = found
                title = block.argument if isinstance(block, Directive) else ""
                add(label, chapter, block.line, kind, chapter.numbers[block.line], title)
    return known


def page_labels(folder: Path) -> dict[str, tuple[str, str]]:
    """Label and title of every section of the pages that are no notebooks (`notation.md`, ...)."""
    known = {}
    for path in sorted(folder.glob("*.md")):
        if CHAPTER_FILE.match(path.name):
            continue
        lines = path.read_text(encoding="utf-8").split("\n")
        for line, following in pairwise(lines):
            target, heading = TARGET.match(line), HEADING.match(following)
            if target and heading:
                known[target[1]] = (path.name, heading[2])
    return known


# --- mathematics ------------------------------------------------------------------------------


def expand_macros(tex: str, macros: dict[str, str]) -> str:
    """Replace the book's TeX shorthands, which Colab does not know, by what they stand for."""
    for _ in range(20):
        for name, body in macros.items():
            tex = _expand(tex, name, body)
        if not any(re.search(re.escape(name) + r"(?![A-Za-z])", tex) for name in macros):
            return tex
    raise ValueError(f"the TeX shorthands go round in circles in {tex!r}")


def _expand(tex: str, name: str, body: str) -> str:
    arguments = max((int(digit) for digit in re.findall(r"#(\d)", body)), default=0)
    pattern = re.compile(re.escape(name) + r"(?![A-Za-z])")
    while match := pattern.search(tex):
        end, replaced = match.end(), body
        for index in range(1, arguments + 1):
            end, argument = _argument(tex, end)
            replaced = replaced.replace(f"#{index}", argument)
        follows_letter = tex[end : end + 1].isalpha() and replaced[-1:].isalpha()
        tex = tex[: match.start()] + replaced + (" " if follows_letter else "") + tex[end:]
    return tex


def _argument(tex: str, start: int) -> tuple[int, str]:
    while start < len(tex) and tex[start].isspace():
        start += 1
    if tex[start : start + 1] != "{":
        return start + 1, tex[start : start + 1]
    depth = 0
    for i in range(start, len(tex)):
        depth += {"{": 1, "}": -1}.get(tex[i], 0)
        if depth == 0:
            return i + 1, tex[start + 1 : i]
    raise ValueError(f"unbalanced braces in {tex!r}")


# --- bibliography -----------------------------------------------------------------------------


def _decode(tex: str) -> str:
    """Text of a BibTeX field without its TeX."""
    return str(PybtexText.from_latex(tex))


class Bibliography:
    """Author-year citations and the list of what was cited."""

    def __init__(self, path: Path) -> None:
        self.entries = parse_file(str(path)).entries

    def authors(self, key: str) -> str:
        """`Gu and Dao`, or `Sieber et al.` for more than two."""
        names = [self._last(person) for person in self.entries[key].persons["author"]]
        if len(names) > 2:
            return f"{names[0]} et al."
        return " and ".join(names)

    def year(self, key: str) -> str:
        """The year of the publication."""
        return str(self.entries[key].fields["year"])

    def full(self, key: str) -> str:
        """The line of the list of references."""
        entry = self.entries[key]
        people = entry.persons["author"]
        names = [
            " ".join([*map(_decode, [*p.first_names, *p.middle_names]), self._last(p)])
            for p in people
        ]
        parts = [f"{', '.join(names)} ({self.year(key)}). *{_decode(entry.fields['title'])}*."]
        for name in ("journal", "booktitle", "publisher", "howpublished"):
            if name in entry.fields:
                parts.append(f"{_decode(entry.fields[name])}.")
                break
        if "url" in entry.fields:
            parts.append(f"<{entry.fields['url']}>")
        return " ".join(parts)

    @staticmethod
    def _last(person: Person) -> str:
        return " ".join(map(_decode, [*person.prelast_names, *person.last_names]))


# --- writing Markdown -------------------------------------------------------------------------

INLINE = re.compile(
    r"""
      \{(?P<role>[\w:.+-]+)\}(?P<ticks>`+)(?P<content>.+?)(?P=ticks)(?!`)
    | (?P<code>(?P<codeticks>`+)(?!`).+?(?<!`)(?P=codeticks)(?!`))
    | (?P<math>(?<!\\)\$(?P<tex>(?:\\.|[^$\\])+)\$)
    | (?P<link>(?P<bang>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\))
    """,
    re.X | re.S,
)
EXPLICIT = re.compile(r"^(?P<text>.*?)\s*<(?P<target>[^<>]+)>$", re.S)
LEAK = re.compile(r"^\s*(?:`{3,}|:{3,})\{|\{[\w:.-]+\}`|^\([\w:.-]+\)=", re.M)
FOOTNOTE = re.compile(r"\[\^[^\]]+\]")


class Writer:
    """Turns the blocks of one chapter into the cells of a notebook."""

    def __init__(
        self,
        chapter: Chapter,
        chapters: dict[str, Chapter],
        known: dict[str, Label],
        pages: dict[str, tuple[str, str]],
        bibliography: Bibliography,
        book: settings.Settings,
    ) -> None:
        self.chapter = chapter
        self.chapters = chapters
        self.known = known
        self.pages = pages
        self.bibliography = bibliography
        self.book = book
        self.cited: list[str] = []
        self.cells: list[dict[str, Any]] = []
        self.markdown: list[str] = []
        self.solution = ""  # what a gated solution belongs to, while inside one

    def fail(self, line: int, message: str) -> ChapterError:
        """An error that says where."""
        return ChapterError(f"{self.chapter.path}:{line}: {message}")

    # cells

    def write(self) -> list[dict[str, Any]]:
        """All cells of the notebook."""
        self._title()
        for block in self.chapter.blocks:
            self._top(block)
        self._flush()
        if self.cited:
            items = sorted(self.bibliography.full(key) for key in self.cited)
            self.markdown = ["## References", "\n".join(f"- {item}" for item in items)]
            self._flush()
        return self.cells

    def _add(self, kind: str, source: str, metadata: dict[str, Any] | None = None) -> None:
        seed = f"{self.chapter.name}:{len(self.cells)}"
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": hashlib.sha256(seed.encode()).hexdigest()[:12],
            "metadata": metadata or {},
            "source": source.splitlines(keepends=True),
        }
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        self.cells.append(cell)

    def _flush(self) -> None:
        text = "\n\n".join(part.strip("\n") for part in self.markdown if part.strip())
        self.markdown = []
        if not text:
            return
        if self.solution:
            text = fold(f"Solution to {self.solution}", text)
        plain = re.sub(r"^(`{3,})(?!\{).*?^\1", "", text, flags=re.M | re.S)
        plain = re.sub(r"(?<!\})(`+)(?!`).+?\1", "", plain)
        if leak := LEAK.search(plain):
            raise ChapterError(
                f"{self.chapter.path}: MyST would leak into the notebook: {leak[0].strip()!r} "
                f"in the cell that begins {text[:60]!r}"
            )
        self._add("markdown", text)

    def _title(self) -> None:
        path = f"chapters/{self.chapter.name}.ipynb"
        title = self.inline(self.chapter.title, 1)
        self.markdown = [
            f"# {self.chapter.number}. {title}",
            f"[Open in Colab]({self.book.colab_url(path)}) · "
            f"[Open on Binder]({self.book.binder_url(path)}) · "
            f"from the book *{self.book.title}*",
        ]
        self._flush()
        setup = SETUP.format(repository=self.book.repository, release=self.book.release)
        self._add("code", setup.strip("\n"))

    def _top(self, block: Block) -> None:
        name = block.name if isinstance(block, Directive) else ""
        heading = isinstance(block, Text) and HEADING.match(block.lines[0])
        if isinstance(block, Break):
            self._flush()
        elif isinstance(block, Directive) and name == "code-cell":
            self._code_cell(block)
        elif isinstance(block, Directive) and name in {"solution-start", "solution-end"}:
            self._flush()
            starts = name == "solution-start"
            self.solution = self._reference(block.argument, block.line).text if starts else ""
        elif name != "exercise-end" and not (heading and heading[1] == "#"):
            if heading or name in {"exercise", "exercise-start"}:
                self._flush_before_heading()
            self.markdown.append(self.block(block))

    def _flush_before_heading(self) -> None:
        """Begin a cell, but keep the anchors that belong to the heading with it."""
        anchors: list[str] = []
        while self.markdown and self.markdown[-1].startswith("<a id="):
            anchors.insert(0, self.markdown.pop())
        self._flush()
        self.markdown = anchors

    def _code_cell(self, block: Directive) -> None:
        tags = block.tags()
        if "book-only" in tags:
            return
        self._flush()
        source = "\n".join(block.body).strip("\n")
        if "myst_nb" in source:
            raise self.fail(block.line, "a cell that needs myst_nb must be tagged book-only")
        metadata: dict[str, Any] = {}
        if self.solution:
            source = f"# @title Solution to {self.solution}\n{source}"
        if self.solution or {"hide-input", "hide-cell", "remove-input", "remove-cell"} & {*tags}:
            metadata = {"cellView": "form", "jupyter": {"source_hidden": True}}
        if kept := sorted({"raises-exception"} & {*tags}):
            metadata["tags"] = kept
        self._add("code", source, metadata)
        figure = (block.options.get("mystnb") or {}).get("figure") or {}
        if figure.get("caption"):
            caption = self.inline(figure["caption"].strip(), block.line)
            number = self.chapter.numbers[block.line]
            anchor = f'<a id="{figure["name"]}"></a>' if figure.get("name") else ""
            self.markdown.append(f"{anchor}**Figure {number}** {caption}")
            self._flush()

    # blocks

    def blocks(self, blocks: list[Block], quoted: bool = False) -> str:
        """The Markdown of several blocks."""
        parts = [self.block(block, quoted) for block in blocks]
        return "\n\n".join(part.strip("\n") for part in parts if part.strip())

    def block(self, block: Block, quoted: bool = False) -> str:
        """The Markdown of one block; `quoted` where every line will get a prefix."""
        if isinstance(block, Text):
            text = "\n".join(block.lines)
            if match := FOOTNOTE.search(text):
                line = block.line + text.count("\n", 0, match.start())
                raise self.fail(line, f"footnotes do not show in notebooks: {match[0]}")
            return self.inline(text, block.line)
        if isinstance(block, Code):
            return "\n".join(block.lines)
        if isinstance(block, Math):
            return self.math(block.tex, block.line, quoted, block.indent)
        if isinstance(block, Target):
            return f'<a id="{block.label}"></a>'
        if isinstance(block, Break):
            return ""
        return self.directive(block, quoted)

    def math(self, tex: str, line: int, quoted: bool, indent: str = "") -> str:
        """A displayed formula with the number it has on the page."""
        tex = expand_macros(tex.strip(), self.book.macros)
        number = self.chapter.numbers.get(line)
        if number:
            if re.search(r"\\begin\{(align|gather|equation)\*?\}", tex):
                raise self.fail(line, "a numbered formula needs aligned or gathered inside")
            tex += f" \\tag{{{number}}}"
        if quoted or indent:
            return f"{indent}$$ {' '.join(tex.split())} $$"
        return f"$$\n{tex}\n$$"

    def directive(self, block: Directive, quoted: bool) -> str:
        """The Markdown of a directive."""
        name = block.name
        for known, write in self._writers().items():
            if name == known or (known.endswith("*") and name.startswith(known[:-1])):
                return write(block, quoted)
        if name in ADMONITIONS:
            return self._admonition(block, name.capitalize())
        raise self.fail(block.line, f"a notebook cannot show the directive {{{name}}}")

    def _writers(self) -> dict[str, Callable[[Directive, bool], str]]:
        return {
            "math": lambda b, quoted: self.math("\n".join(b.body), b.line, quoted, b.indent),
            "prf:proof": self._proof,
            "prf:*": self._theorem,
            "exercise-start": self._exercise,
            "exercise": self._exercise,
            "solution": self._solution,
            "admonition": lambda b, _: self._admonition(b, b.argument),
            "chapter-facts": self._facts,
            "book-only": lambda b, _: "",
            "notebook-only": lambda b, quoted: self._inside(b, quoted),
            "figure": self._figure,
            "table": self._table,
            "code-block": lambda b, _: "\n".join([f"```{b.argument}", *b.body, "```"]),
            "bibliography": lambda b, _: "",
        }

    def _inside(self, block: Directive, quoted: bool) -> str:
        return self.blocks(children(block, self.chapter.path), quoted)

    def _anchor(self, block: Directive) -> str:
        label = block.options.get("label") or block.options.get("name")
        return f'<a id="{label}"></a>' if label else ""

    def _admonition(self, block: Directive, title: str) -> str:
        title = self.inline(title, block.line)
        if "dropdown" in block.classes():
            return fold(title, self._inside(block, quoted=False))
        body = self._inside(block, quoted=True)
        return quote(f"**{title}**\n\n{body}")

    def _theorem(self, block: Directive, quoted: bool) -> str:
        kind = block.name.removeprefix("prf:")
        if kind not in THEOREMS:
            raise self.fail(block.line, f"a notebook cannot show the directive {{{block.name}}}")
        number = self.chapter.numbers.get(block.line, "")
        title = f" ({self.inline(block.argument, block.line)})" if block.argument else ""
        head = f"{self._anchor(block)}**{kind.capitalize()} {number}".rstrip() + f"{title}**"
        return quote(f"{head}\n\n{self._inside(block, quoted=True)}")

    def _proof(self, block: Directive, quoted: bool) -> str:
        if "dropdown" in block.classes():
            return fold("Proof", f"{self._inside(block, quoted=False)} ∎")
        return f"*Proof.* {self._inside(block, quoted)} ∎"

    def _exercise(self, block: Directive, quoted: bool) -> str:
        number = self.chapter.numbers.get(block.line, "")
        title = f" ({self.inline(block.argument, block.line)})" if block.argument else ""
        head = f"### Exercise {number}".rstrip() + title
        anchor = self._anchor(block)
        return "\n\n".join(filter(None, [anchor, head, self._inside(block, quoted)]))

    def _solution(self, block: Directive, quoted: bool) -> str:
        exercise = self._reference(block.argument, block.line).text
        return fold(f"Solution to {exercise}", self._inside(block, quoted=False))

    def _facts(self, block: Directive, quoted: bool) -> str:
        facts = {name: self.inline(str(v), block.line) for name, v in block.options.items()}
        return (
            f"*About {facts['minutes']} minutes · {facts['level']} · "
            f"you need: {facts['prerequisites']}*\n\n"
            f"**After this chapter you can**\n\n{self._inside(block, quoted)}"
        )

    def _figure(self, block: Directive, quoted: bool) -> str:
        alt = str(block.options.get("alt", ""))
        if not alt:
            raise self.fail(block.line, "a figure needs the option alt")
        picture = f"![{alt}]({self._picture(block.argument)})"
        caption = self._inside(block, quoted)
        if not caption:
            return f"{self._anchor(block)}{picture}"
        number = self.chapter.numbers[block.line]
        return f"{self._anchor(block)}{picture}\n\n**Figure {number}** {caption}"

    def _table(self, block: Directive, quoted: bool) -> str:
        number = self.chapter.numbers.get(block.line)
        title = self.inline(block.argument, block.line)
        head = f"{self._anchor(block)}**Table {number}** {title}" if number else ""
        return "\n\n".join(filter(None, [head, self._inside(block, quoted)]))

    def _picture(self, path: str) -> str:
        if "://" in path:
            return path
        return self.book.raw_url(f"chapters/{path}")

    # text

    def inline(self, text: str, line: int) -> str:
        """`text` with roles, shorthands and links made plain."""

        def replace(match: re.Match[str]) -> str:
            here = line + text.count("\n", 0, match.start())
            if match["role"]:
                return self.role(match["role"], " ".join(match["content"].split()), here)
            if match["math"]:
                return f"${expand_macros(match['tex'], self.book.macros)}$"
            if match["link"]:
                return self._link(match["bang"], match["text"], match["target"], here)
            return match[0]

        return INLINE.sub(replace, text)

    def _link(self, bang: str, text: str, target: str, line: int) -> str:
        if bang:
            return f"![{text}]({self._picture(target)})"
        if target.startswith("#"):
            label = self._reference(target[1:], line)
            return self._to(label, target[1:], self.inline(text, line) or label.text)
        path, _, anchor = target.partition("#")
        if path.endswith(".md"):
            path = self._document(path.removesuffix(".md"))
            words = self.inline(text, line) or self._document_title(path, line)
            return f"[{words}]({path}{'#' + anchor if anchor else ''})"
        return f"[{self.inline(text, line)}]({target})"

    def _document(self, name: str) -> str:
        return f"{name}.ipynb" if name in self.chapters else f"{name}.md"

    def _document_title(self, path: str, line: int) -> str:
        name = path.rsplit(".", 1)[0]
        if name in self.chapters:
            return self.chapters[name].title
        page = self.chapter.path.parent / path
        if not page.exists():
            raise self.fail(line, f"there is no page {path}")
        heading = re.search(r"^# (.*)$", page.read_text(encoding="utf-8"), re.M)
        return heading[1] if heading else name

    def _reference(self, label: str, line: int) -> Label:
        if label in self.known:
            return self.known[label]
        if label in self.pages:
            name, title = self.pages[label]
            return Label(name, "section", "", title)
        raise self.fail(line, f"unknown label {label!r}")

    def _to(self, label: Label, anchor: str, words: str) -> str:
        if label.document == self.chapter.name:
            return f"[{words}](#{anchor})"
        document = label.document if label.document.endswith(".md") else f"{label.document}.ipynb"
        return f"[{words}]({document}#{anchor})"

    def role(self, name: str, content: str, line: int) -> str:
        """The Markdown of a role."""
        explicit = EXPLICIT.match(content)
        target, words = (explicit["target"], explicit["text"]) if explicit else (content, "")
        if name == "eq":
            label = self._reference(target, line)
            number = f"({label.number})"
            same = label.document == self.chapter.name
            return number if same else f"[{number}]({label.document}.ipynb)"
        if name in {"ref", "numref", "prf:ref"}:
            label = self._reference(target, line)
            text = label.text
            if name == "numref":
                words = words.replace("%s", label.number).replace("{number}", label.number)
            return self._to(label, target, self.inline(words or text, line))
        if name == "doc":
            path = self._document(target.removesuffix(".md"))
            return f"[{words or self._document_title(path, line)}]({path})"
        if name in {"cite", "cite:p", "cite:t"}:
            return self._cite(name, content, line)
        return self._simple_role(name, content, words or target, line)

    def _simple_role(self, name: str, content: str, words: str, line: int) -> str:
        if name == "term":
            return words
        if name == "math":
            return f"${expand_macros(content, self.book.macros)}$"
        if name in {"sub", "sup", "kbd"}:
            return f"<{name}>{content}</{name}>"
        if name == "code":
            return f"`{content}`"
        if name.removeprefix("py:") in PYTHON_ROLES:
            short = words.rsplit(".", 1)[-1] if words.startswith("~") else words
            brackets = "()" if name.removeprefix("py:") in {"func", "meth"} else ""
            return f"`{short.removesuffix('()')}{brackets}`"
        if name in {"glue:text", "glue", "eval"}:
            return f"*[{content.partition(':')[0]}, as computed in this notebook]*"
        raise self.fail(line, f"a notebook cannot show the role {{{name}}}")

    def _cite(self, name: str, content: str, line: int) -> str:
        keys = [key.strip() for key in content.split(",")]
        for key in keys:
            if key not in self.bibliography.entries:
                raise self.fail(line, f"no entry {key!r} in references.bib")
            if key not in self.cited:
                self.cited.append(key)
        pairs = [(self.bibliography.authors(key), self.bibliography.year(key)) for key in keys]
        if name == "cite:t":
            return ", ".join(f"{authors} ({year})" for authors, year in pairs)
        return "(" + "; ".join(f"{authors}, {year}" for authors, year in pairs) + ")"


def quote(text: str) -> str:
    """`text` as a block quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def fold(title: str, text: str) -> str:
    """`text` behind a line that opens it; the blank lines let Markdown go on inside."""
    return f"<details>\n<summary>{title}</summary>\n\n{text}\n\n</details>"


# --- notebooks --------------------------------------------------------------------------------


def generate(root: Path = settings.ROOT) -> dict[Path, str]:
    """The text of every notebook of the book, by its path.

    Raises:
        ChapterError: A chapter holds something that a notebook cannot show.
    """
    folder = root / "chapters"
    paths = sorted(path for path in folder.glob("*.md") if CHAPTER_FILE.match(path.name))
    chapters = {path.stem: read_chapter(path) for path in paths}
    known, pages = labels(list(chapters.values())), page_labels(folder)
    bibliography, book = Bibliography(root / "references.bib"), settings.load(root)
    notebooks = {}
    for chapter in chapters.values():
        writer = Writer(chapter, chapters, known, pages, bibliography, book)
        notebook = {
            "cells": writer.write(),
            "metadata": {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        notebooks[chapter.path.with_suffix(".ipynb")] = text
    return notebooks


def differences(notebooks: dict[Path, str]) -> list[str]:
    """What is not as `generate` would write it, one line each."""
    found = [
        f"{path} differs from its source"
        for path, text in notebooks.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    folders = {path.parent for path in notebooks}
    for folder in sorted(folders):
        for path in sorted(folder.glob("*.ipynb")):
            if path not in notebooks:
                found.append(f"{path} has no source")
    return found


def main() -> int:
    """Write the notebooks, or with `--check` say which are not in step with their sources."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    check = parser.parse_args().check
    try:
        notebooks = generate()
    except ChapterError as error:
        print(error, file=sys.stderr)
        return 1
    if check:
        found = differences(notebooks)
        for line in found:
            print(line, file=sys.stderr)
        if found:
            print("Repair: make notebooks, then commit what it wrote.", file=sys.stderr)
        return 1 if found else 0
    for path, text in notebooks.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"wrote {path.relative_to(settings.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
