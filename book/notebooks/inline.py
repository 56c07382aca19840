"""Running text: roles, links and shorthands as plain Markdown."""

from __future__ import annotations

import re

from book.notebooks.book import Book
from book.notebooks.chapter import Chapter
from book.notebooks.labels import Label
from book.notebooks.myst import ChapterError
from book.notebooks.tex import expand_macros
from book.package import file_of, find

PYTHON_ROLES = {"func", "class", "meth", "mod", "attr", "data", "exc", "obj"}
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


class Inline:
    """Turns the running text of one chapter into Markdown."""

    def __init__(self, chapter: Chapter, book: Book) -> None:
        self.chapter = chapter
        self.book = book
        self.cited: list[str] = []

    def fail(self, line: int, message: str) -> ChapterError:
        """An error that says where."""
        return ChapterError(f"{self.chapter.path}:{line}: {message}")

    def math(self, tex: str) -> str:
        """`tex` with the shorthands of the book written out."""
        return expand_macros(tex, self.book.settings.macros)

    def markdown(self, text: str, line: int) -> str:
        """`text`, which begins in line `line` of the source, with all that is MyST made plain."""

        def replace(match: re.Match[str]) -> str:
            here = line + text.count("\n", 0, match.start())
            if match["role"]:
                return self.role(match["role"], " ".join(match["content"].split()), here)
            if match["math"]:
                return f"${self.math(match['tex'])}$"
            if match["link"]:
                return self._link(match["bang"], match["text"], match["target"], here)
            return match[0]

        return INLINE.sub(replace, text)

    # links

    def picture(self, path: str) -> str:
        """The address of the picture `path` of a chapter."""
        return path if "://" in path else self.book.settings.raw_url(f"chapters/{path}")

    def reference(self, label: str, line: int) -> Label:
        """What the label leads to."""
        for known in (self.book.labels, self.book.pages):
            if label in known:
                return known[label]
        raise self.fail(line, f"unknown label {label!r}")

    def _link(self, bang: str, text: str, target: str, line: int) -> str:
        if bang:
            return f"![{text}]({self.picture(target)})"
        if target.startswith("#"):
            label = self.reference(target[1:], line)
            return self._to(label, target[1:], self.markdown(text, line) or label.text)
        path, _, anchor = target.partition("#")
        if path.endswith(".md"):
            name = path.removesuffix(".md")
            words = self.markdown(text, line) or self._document_title(name, line)
            return f"[{words}]({self._document(name, anchor)})"
        return f"[{self.markdown(text, line)}]({target})"

    def _document(self, name: str, anchor: str = "") -> str:
        """The address of a chapter's notebook beside this one, or of a page, which hosts lack."""
        book = self.book.settings
        if name in self.book.chapters:
            address = f"{name}.ipynb"
        elif book.site:
            address = f"{book.site}chapters/{name}.html"
            anchor = re.sub(r"[^a-z0-9]+", "-", anchor.lower()).strip("-")  # as pages write it
        else:
            address = book.source_url(f"chapters/{name}.md")
        return f"{address}#{anchor}" if anchor else address

    def _document_title(self, name: str, line: int) -> str:
        if name in self.book.chapters:
            return self.book.chapters[name].title
        page = self.chapter.path.parent / f"{name}.md"
        if not page.exists():
            raise self.fail(line, f"there is no page {name}.md")
        heading = re.search(r"^# (.*)$", page.read_text(encoding="utf-8"), re.M)
        return heading[1] if heading else name

    def _to(self, label: Label, anchor: str, words: str) -> str:
        here = label.document == self.chapter.name
        return f"[{words}]({f'#{anchor}' if here else self._document(label.document, anchor)})"

    # roles

    def role(self, name: str, content: str, line: int) -> str:
        """The Markdown of a role."""
        explicit = EXPLICIT.match(content)
        target, words = (explicit["target"], explicit["text"]) if explicit else (content, "")
        if name == "eq":
            label = self.reference(target, line)
            number = f"({label.number})"
            same = label.document == self.chapter.name
            return number if same else f"[{number}]({self._document(label.document)})"
        if name in {"ref", "numref", "prf:ref"}:
            label = self.reference(target, line)
            if name == "numref":
                words = words.replace("%s", label.number).replace("{number}", label.number)
            return self._to(label, target, self.markdown(words or label.text, line))
        if name == "doc":
            document = target.removesuffix(".md")
            return f"[{words or self._document_title(document, line)}]({self._document(document)})"
        if name in {"cite", "cite:p", "cite:t"}:
            return self._cite(name, content, line)
        return self._simple_role(name, content, words, target, line)

    def _simple_role(self, name: str, content: str, words: str, target: str, line: int) -> str:
        if name in {"term", "set"}:
            return self.markdown(words or target, line)
        if name == "math":
            return f"${self.math(content)}$"
        if name in {"sub", "sup", "kbd"}:
            return f"<{name}>{content}</{name}>"
        if name == "code":
            return f"`{content}`"
        if name.removeprefix("py:") in PYTHON_ROLES:
            return self._code(name.removeprefix("py:"), words, target, line)
        if name in {"glue:text", "glue", "eval"}:
            return f"*[{content.partition(':')[0]}, as computed in this notebook]*"
        raise self.fail(line, f"a notebook cannot show the role {{{name}}}")

    def _code(self, kind: str, words: str, target: str, line: int) -> str:
        """A name of the package, as a link to the file that defines it."""
        path = target.removeprefix("~").removesuffix("()")
        if not words:
            shown = path.rsplit(".", 1)[-1] if target.startswith("~") else path
            words = f"{shown}()" if kind in {"func", "meth"} else shown
        if path.partition(".")[0] != "dsf":
            return f"`{words}`"
        if find(path) is None:
            raise self.fail(line, f"there is no {path}")
        file = file_of(path)
        if file is None:
            return f"`{words}`"
        return f"[`{words}`]({self.book.settings.source_url(file.as_posix())})"

    def _cite(self, name: str, content: str, line: int) -> str:
        bibliography = self.book.bibliography
        keys = [key.strip() for key in content.split(",")]
        for key in keys:
            if key not in bibliography.entries:
                raise self.fail(line, f"no entry {key!r} in references.bib")
            if key not in self.cited:
                self.cited.append(key)
        pairs = [(bibliography.authors(key), bibliography.year(key)) for key in keys]
        if name == "cite:t":
            return ", ".join(f"{authors} ({year})" for authors, year in pairs)
        return "(" + "; ".join(f"{authors}, {year}" for authors, year in pairs) + ")"
