"""Which code of a chapter is for the eye, and which is folded away: one rule for all media.

Three kinds of cells:

- `scaffolding`: imports, drawing, tables, the showing of a figure. Folded. What a reader shall see
  stands in a cell of its own.
- `check`: nothing but checks. It calls `check.same`, prints and shows nothing itself, and makes
  nothing that a later cell reads. On the page it is one line, `✓ Φ by hand · 1e-16`, that opens it.
- `shown`: the rest, the mathematics.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Literal

Kind = Literal["scaffolding", "check", "shown"]

# Names by which drawing and tables are known.
DRAWING = {"plt", "plots", "figure", "axes", "ax", "Markdown", "HTML", "display", "Interactive"}


def kinds(sources: Iterable[str]) -> list[Kind]:
    """The kind of every cell of a chapter, in order.

    Args:
        sources: the code of all cells, also of those whose code the page leaves out.

    Returns:
        One kind a cell. Code that is not plain Python, such as a magic, is shown.
    """
    trees = [parsed(source) for source in sources]
    found: list[Kind] = []
    for number, tree in enumerate(trees):
        if tree is None:
            found.append("shown")
        elif is_scaffolding(tree):
            found.append("scaffolding")
        elif _only_checks(tree) and not _are_read(_made(tree), trees[number + 1 :]):
            found.append("check")
        else:
            found.append("shown")
    return found


def parsed(source: str) -> ast.Module | None:
    """The syntax tree of a cell; None where it is not plain Python."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def is_scaffolding(tree: ast.Module) -> bool:
    """Whether a cell imports or draws."""
    return any(
        isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Name) and node.id in DRAWING)
        for node in ast.walk(tree)
    )


def _is_check(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "check.same"


def _only_checks(tree: ast.Module) -> bool:
    """Whether all that the cell prints or shows is the lines of its checks."""
    nodes = list(ast.walk(tree))
    speaks = any(isinstance(n, ast.Call) and ast.unparse(n.func) == "print" for n in nodes)
    waits = any(isinstance(n, ast.If) for n in nodes)  # for what the reader will fill in
    values = [node.value for node in nodes if isinstance(node, ast.Expr)]
    return bool(values) and not speaks and not waits and all(map(_is_check, values))


def _made(tree: ast.Module) -> set[str]:
    """The names that stand after the cell has run."""
    made = {n.id for n in _own(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return made | {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}


def _own(tree: ast.Module) -> Iterable[ast.AST]:
    """The nodes of the cell itself, in the order in which they run, without bodies of functions."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop(0)
        yield node
        inner = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            todo[:0] = [node.value, *targets]
        elif not isinstance(node, (*inner, ast.ListComp, ast.SetComp, ast.DictComp)):
            todo[:0] = list(ast.iter_child_nodes(node))


def _are_read(names: set[str], later: list[ast.Module | None]) -> bool:
    """Whether a later cell reads one of the names before it is made anew."""
    names = set(names)
    for tree in later:
        if tree is None:
            continue
        remade: set[str] = set()
        for statement in tree.body:
            loads = {
                n.id
                for n in ast.walk(statement)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
            }
            if loads & (names - remade):
                return True
            remade |= _made(ast.Module([statement], []))
        names -= remade
        if not names:
            return False
    return False
