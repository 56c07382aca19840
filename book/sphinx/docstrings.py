"""What the API page takes of the docstrings and signatures of the package."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.autodoc import FunctionDocumenter, MethodDocumenter
from sphinx.util import logging

from book import examples
from book.sphinx import formulas
from book.sphinx.api import contents, every

log = logging.getLogger(__name__)

# Packages whose names may stand in a signature. Their documentation lies on other hosts and the
# book is built without network, so such a name stays text. A wrong name of our own still warns.
FOREIGN = {
    "anywidget", "collections", "matplotlib", "numpy", "pathlib", "plotly", "torch", "tqdm",
    "types", "typing",
}  # fmt: skip
SECTION = re.compile(r"(?:Args|Attributes|Example|Raises|Returns|Yields):")
NAMED = {"Args:", "Attributes:", "Raises:"}  # the sections whose entries begin with a name
FIELD = re.compile(r"    \w[\w, *]*:(?= |$)")
BARE_MARK = re.compile(r"\||(?<![\w*])\*{1,2}(?=[A-Za-z_]\w*(?:[\s,.)]|$))")


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


def escape(match: re.Match[str]) -> str:
    """Each character of the match with a backslash before it."""
    return "".join(f"\\{character}" for character in match[0])


def prose(line: str) -> str:
    """A line of text: formulas set, but not in code; marks that authors mean as they are."""
    written = ""
    for part in re.split(r"(`+[^`]*`+)", line):
        if part.startswith("`"):
            written += code(part)
            continue
        for is_formula, piece in formulas.split(part):
            # The escaped spaces vanish; without them no role could stand beside a letter.
            written += rf"\ :math:`{piece}`\ " if is_formula else BARE_MARK.sub(escape, piece)
    return written


def code(part: str) -> str:
    """A piece of code in a text: what has a place in the API is a link to it."""
    name = part.strip("`")
    path = _paths().get(name)
    return f":py:obj:`{name} <{path}>`" if path and part == f"`{name}`" else f"``{name}``"


@cache
def _paths() -> dict[str, str]:
    """What docstrings may call functions, classes and modules of the API, and where they are."""
    known = {name: name for floor in contents().values() for name in floor}
    for _, entry in every():
        name = entry.key[1]
        known |= dict.fromkeys((name, f"dsf.{name}", entry.path), entry.path)
    return known


def block(lines: list[str]) -> list[str]:
    """An indented block: formulas, one a line, or code."""
    try:
        rows = [formulas.line(line) for line in lines]
    except ValueError:
        return ["::", "", *lines, ""]
    body = [r"\begin{aligned}", *(rf"{row} \\" for row in rows), r"\end{aligned}"]
    return [".. math::", "", *(f"   {line}" for line in body), ""]


def prepare_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Read docstrings as their authors mean them.

    What is mathematics is set as such, see `formulas`; a block that stands indented in the text is
    formulas or code; examples are run. |x| is an absolute value, not a substitution of
    reStructuredText, and *args are arguments, not the beginning of an emphasis. The first line of
    an attribute or of what a function returns is text even where it holds a colon: our docstrings
    name no types. An empty comment takes the place where the type could stand.
    """
    if ">>> " in (text := "\n".join(lines)) and (wrong := examples.report(name, text)):
        log.warning("the example of %s is wrong:\n%s", name, wrong)
    read = ["..", ""] if what in {"attribute", "data", "property"} else []
    for kind, piece in groupby(_kinds(lines), key=lambda marked: marked[0]):
        here = [line for _, line in piece]
        if kind == "block":
            read += block(here)
        elif kind == "code":
            read += here
        else:
            read += _text(here)
    lines[:] = read


def _kinds(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Every line after its kind: "text", an indented "block" in it, or "code" of an example."""
    kind, section = "text", ""
    before, last = "", ""
    for line in lines:
        if line and not line.startswith(" "):
            section = line if SECTION.fullmatch(line) else ""
            kind = "code" if section == "Example:" else "text"
        elif line and not before and not section and kind == "text":
            kind = "code" if last.endswith("::") else "block"
        yield "text" if kind == "block" and not line else kind, line
        before, last = line, line or last


def _text(lines: list[str]) -> Iterator[str]:
    section = ""
    for line in lines:
        if line and not line.startswith(" "):
            section = line
        head = FIELD.match(line) if section in NAMED else None
        start = head.end() if head else 0
        yield line[:start] + prose(line[start:])
        if line in {"Returns:", "Yields:"}:
            yield from ("    ..", "")


def skip_field_aliases(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out the fields of named tuples, which the class itself describes."""
    return True if type(obj).__name__ == "_tuplegetter" else None


class OneSignature:
    """Documents what has overloads by the signature of the code, which says as much in one."""

    def format_signature(self, **kwargs: Any) -> str:
        """The signature."""
        self.analyzer.overloads.pop(".".join(self.objpath), None)  # type: ignore[attr-defined]
        return super().format_signature(**kwargs)  # type: ignore[misc]


class OneFunction(OneSignature, FunctionDocumenter):
    """A function."""


class OneMethod(OneSignature, MethodDocumenter):
    """A method."""


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    for documenter in (OneFunction, OneMethod):
        app.add_autodocumenter(documenter, override=True)
    app.connect("missing-reference", foreign_name)
    app.connect("autodoc-process-docstring", prepare_docstring, priority=400)
    app.connect("autodoc-skip-member", skip_field_aliases)
