"""What the API page takes of the docstrings and signatures of the package."""

from __future__ import annotations

import importlib
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

# Packages whose names may stand in a signature. Their documentation lies on other hosts and the
# book is built without network, so such a name stays text. A wrong name of our own still warns.
FOREIGN = {
    "anywidget", "collections", "matplotlib", "numpy", "pathlib", "plotly", "torch", "tqdm",
    "types", "typing",
}  # fmt: skip
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


def prepare_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Read docstrings as their authors mean them.

    |x| is an absolute value, not a substitution of reStructuredText, and *args are arguments, not
    the beginning of an emphasis. The first line of an
    attribute or of what a function returns is text even where it holds a colon: our docstrings
    name no types. An empty comment takes the place where the type could stand.
    """
    empty_comment = ["..", ""]
    read = []
    for line in lines:
        parts = re.split(r"(`+[^`]*`+)", line)
        read.append("".join(p if p.startswith("`") else BARE_MARK.sub(escape, p) for p in parts))
        if line in {"Returns:", "Yields:"}:
            read += [f"    {text}".rstrip() for text in empty_comment]
    if what in {"attribute", "data", "property"}:
        read = empty_comment + read
    lines[:] = read


def skip_field_aliases(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out the fields of named tuples, which the class itself describes."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.connect("missing-reference", foreign_name)
    app.connect("autodoc-process-docstring", prepare_docstring, priority=400)
    app.connect("autodoc-skip-member", skip_field_aliases)
