"""The pages of the API: a list of all that is public in `dsf`, from the ground up, and a page a
module, whose source is written here before Sphinx looks what there is.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from inspect import Parameter, Signature, signature
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, get_args, get_type_hints

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from book import settings
from book.package import FLOORS, Floor, file_of, find
from book.sphinx import formulas

LIST = "chapters/api"


@dataclass(frozen=True)
class Entry:
    """What a page shows under one heading: a function, a class or a documented value.

    Attributes:
        path: As readers import it, `dsf.attention.softmax_attention`.
        home: The module that defines it, perhaps one inside the package of `path`.
        kind: "function", "class", "exception" or "data".
        thing: What it is.
    """

    path: str
    home: str
    kind: str
    thing: Any

    @property
    def key(self) -> tuple[str, str]:
        """What stays the same wherever it is imported to."""
        return self.home, self.path.rpartition(".")[2]


# --- what is public ---------------------------------------------------------------------------


def public(module: ModuleType) -> list[Entry]:
    """The public names of a module that the page can show, in the order of the sources, bases
    before their heirs.

    They are those of `__all__`, whether it is written down or put together from others'
    (`__all__ += gated.__all__`), and without one those that the module itself defines. What comes
    from another package is no name of ours, and of values only documented ones are shown.
    """
    names = getattr(module, "__all__", None)
    own = names is None
    entries = [
        entry
        for name in (vars(module) if own else names)
        if not name.startswith("_")
        if (entry := _entry(module, name)) and (not own or entry.home == module.__name__)
    ]
    homes = list(dict.fromkeys(entry.home for entry in entries))
    bases = {base for entry in entries if entry.kind == "class" for base in entry.thing.__mro__[1:]}

    def place(entry: Entry) -> tuple[bool, int, int]:
        is_base = entry.kind == "class" and entry.thing in bases
        return not is_base, homes.index(entry.home), _line(entry)

    return sorted(entries, key=place)


def _entry(module: ModuleType, name: str) -> Entry | None:
    thing = getattr(module, name)
    path = f"{module.__name__}.{name}"
    package = module.__name__.partition(".")[0]
    if inspect.isclass(thing) or inspect.isroutine(thing):
        kind = "class" if inspect.isclass(thing) else "function"
        if kind == "class" and issubclass(thing, BaseException):
            kind = "exception"
        home = thing.__module__
        return Entry(path, home, kind, thing) if home.partition(".")[0] == package else None
    # A value does not say where it comes from: a module that documents the name and has the value.
    for home in [module.__name__, *(key for key in sys.modules if key.startswith(f"{package}."))]:
        if getattr(sys.modules[home], name, None) is thing and ("", name) in _analysis(home)[0]:
            return Entry(path, home, "data", thing)
    return None


@cache
def _analysis(module: str) -> tuple[dict[tuple[str, str], list[str]], dict[str, int]]:
    """The documented values of a module, and the order of its names in the source."""
    analyzer = ModuleAnalyzer.for_module(module)
    analyzer.analyze()
    return analyzer.attr_docs, analyzer.tagorder


def _line(entry: Entry) -> int:
    order = _analysis(entry.home)[1]
    return order.get(entry.key[1], len(order))


def companions(entries: list[Entry], known: set[tuple[str, str]]) -> Iterator[Entry]:
    """Classes that no module makes public but readers meet: bases, and what signatures name."""
    package = entries[0].home.partition(".")[0] if entries else ""
    for entry in entries:
        for kind in _met(entry.thing):
            key = (kind.__module__, kind.__qualname__)
            ours = kind.__module__.partition(".")[0] == package
            if ours and key not in known and not kind.__qualname__.startswith("_"):
                known.add(key)
                found = Entry(".".join(key), kind.__module__, "class", kind)
                yield found
                yield from companions([found], known)


def _met(thing: Any) -> Iterator[type]:
    """The classes behind a public thing: its bases, and those in annotations."""
    functions = [thing]
    if inspect.isclass(thing):
        yield from thing.__mro__[1:]
        members = {name: m for name, m in vars(thing).items() if not name.startswith("_")}
        functions = [getattr(m, "fget", m) for m in members.values()]
    for function in filter(inspect.isfunction, functions):
        hints = list(get_type_hints(function).values())
        while hints:
            hint = hints.pop()
            hints += get_args(hint)
            if inspect.isclass(hint):
                yield hint


# --- the page ---------------------------------------------------------------------------------


def modules(floor: Floor, package: str = "dsf") -> Iterator[ModuleType]:
    """The modules of a floor that are there; of a package without `__all__` also its parts."""
    there = parts(package)
    for name in floor.modules:
        if name not in there:
            continue
        module = importlib.import_module(f"{package}.{name}")
        yield module
        if hasattr(module, "__path__") and not hasattr(module, "__all__"):
            public = (part for part in parts(module.__name__) if not part.startswith("_"))
            yield from modules(Floor("", tuple(public)), module.__name__)


def parts(package: str) -> list[str]:
    """The names of the modules in a package."""
    return [part.name for part in iter_modules(importlib.import_module(package).__path__)]


@cache
def contents(package: str = "dsf") -> dict[str, dict[str, list[Entry]]]:
    """What the page shows: by floor and module, every thing once."""
    known: set[tuple[str, str]] = set()
    shown: dict[str, dict[str, list[Entry]]] = {}
    for floor in reversed([floor for floor in FLOORS if floor.title]):
        shown[floor.title] = {}
        for module in modules(floor, package):
            entries = [entry for entry in public(module) if entry.key not in known]
            known |= {entry.key for entry in entries}
            shown[floor.title][module.__name__] = entries
    for floor in shown.values():
        for entries in floor.values():
            entries += list(companions(entries, known))
    return shown


def page_of(module: str) -> str:
    """The name of the page of a module."""
    return f"{LIST}/{module.partition('.')[2]}"


def page(module: str, entries: list[Entry], paths: dict[tuple[str, str], str]) -> str:
    """The MyST of the page of a module.

    Args:
        module: Its name.
        entries: What it shows.
        paths: Where everything in the API is found, for the bases of classes.
    """
    inside = [f".. automodule:: {module}"]
    for entry in entries:  # the names in its signature are those of where it is defined
        inside += [f".. currentmodule:: {entry.home}", _directive(entry, paths)]
    block = "\n\n".join(inside)
    return f"# {module}\n\n```{{eval-rst}}\n{block}\n```\n"


def write_pages(app: Sphinx, config: Config) -> None:
    """Write the sources of the pages, where they are not there as they should be."""
    source = Path(app.srcdir)
    if not (source / f"{LIST}.md").exists():
        return
    paths = {entry.key: entry.path for _, entry in every()}
    modules = {name: entries for floor in contents().values() for name, entries in floor.items()}
    pages = {source / f"{page_of(name)}.md": page(name, e, paths) for name, e in modules.items()}
    (source / LIST).mkdir(exist_ok=True)
    for path in (source / LIST).glob("*"):
        if path not in pages:
            path.unlink()
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def every() -> Iterator[tuple[str, Entry]]:
    """Everything with the module on whose page it stands."""
    for floor in contents().values():
        for module, entries in floor.items():
            yield from ((module, entry) for entry in entries)


class APIList(SphinxDirective):
    """The directive `{api-list}`: floor by floor the modules, and what each offers in a line.

    Every line carries the anchor that its subject has on its own page, so that an address from
    when all stood on one page leads to a link.
    """

    def run(self) -> list[nodes.Node]:
        """A section a floor."""
        found: list[nodes.Node] = []
        for title, modules in contents().items():
            floor = nodes.section("", nodes.title("", title), ids=[nodes.make_id(title)])
            for module, entries in modules.items():
                floor += self.module(module, entries)
            found.append(floor)
        return found

    def module(self, name: str, entries: list[Entry]) -> list[nodes.Node]:
        """What a module is about and its names."""
        link = self.link("mod", name, name)
        about = nodes.paragraph("", "", link, nodes.Text(": "), *summary(sys.modules[name]))
        about["ids"] = [f"module-{name}"]
        names = nodes.bullet_list(classes=["api-names"])
        for entry in entries:
            link = self.link("obj", entry.path, entry.key[1])
            line = [link, nodes.Text(" "), *summary(entry.thing)]
            if entry.kind == "data":
                line = [link]
            item = nodes.list_item("", nodes.paragraph("", "", *line), ids=[entry.path])
            names += item
        return [about, names] if entries else [about]

    def link(self, kind: str, target: str, text: str) -> addnodes.pending_xref:
        """A link to a name on its page."""
        where = {"refdomain": "py", "reftype": kind, "reftarget": target, "refexplicit": True}
        link = addnodes.pending_xref("", nodes.literal("", text), refwarn=True, **where)
        link["refdoc"] = self.env.docname
        return link


def summary(thing: Any) -> list[nodes.Node]:
    """The first sentence of a docstring, its formulas set."""
    text = " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split()).rstrip(":")
    found: list[nodes.Node] = []
    for part in re.split(r"(`+[^`]*`+)", text):
        if part.startswith("`"):
            found.append(nodes.literal("", part.strip("`")))
            continue
        for is_formula, piece in formulas.split(part):
            found.append(nodes.math("", piece) if is_formula else nodes.Text(piece))
    return found


def _directive(entry: Entry, paths: dict[tuple[str, str], str]) -> str:
    lines = [f".. auto{entry.kind}:: {entry.path}"]
    if inspect.isclass(entry.thing):
        lines = [f"{lines[0]}{_hidden_signature(entry.thing)}", "   :members:"]
        bases = [base for base in entry.thing.__mro__[1:] if _key(base) in paths]
        if bases:
            lines.append("   :show-inheritance:")
        lines += [f"\n   {line}" for line in _inherited(entry.thing, bases, paths)]
    return "\n".join(lines)


def _hidden_signature(kind: type) -> str:
    """What a class takes that says so in `__init__` but inherits `__new__`, which autodoc asks."""
    asked = kind.__new__ is not object.__new__ and "__new__" not in vars(kind)
    if not asked or "__init__" not in vars(kind) or "__signature__" in vars(kind):
        return ""
    taken = signature(kind).parameters.values()
    return str(Signature([p.replace(annotation=Parameter.empty) for p in taken]))


def _inherited(kind: type, bases: list[type], paths: dict[tuple[str, str], str]) -> Iterator[str]:
    """A line for each base that says what comes from it."""
    seen = set(vars(kind))
    for base in bases:
        path = paths[_key(base)]
        members = [
            f":{'attr' if isinstance(member, property) else 'meth'}:`~{path}.{name}`"
            for name, member in vars(base).items()
            if not name.startswith("_") and name not in seen and member.__doc__
            if isinstance(member, property) or inspect.isroutine(member)
        ]
        seen |= set(vars(base))
        if members:
            yield f"From :class:`~{path}`: {', '.join(members)}."


def _key(kind: type) -> tuple[str, str]:
    return kind.__module__, kind.__qualname__


# --- links ------------------------------------------------------------------------------------


def place(home: str, name: str) -> tuple[str, str] | None:
    """The page and the anchor of what `home` defines as `name`, perhaps `Class.method`."""
    outer, _, inner = name.partition(".")
    for module, entry in every():
        if entry.key == (home, outer):
            return page_of(module), f"{entry.path}.{inner}" if inner else entry.path
    return None


def own_name(app: Sphinx, env: Any, node: Any, contnode: nodes.Element) -> Any:
    """Lead a name that is imported from elsewhere, `dsf.s6_system`, to its place in the API."""
    if node.get("refdomain") != "py" or not node["reftarget"].startswith("dsf."):
        return None
    thing = find(node["reftarget"])
    found = place(getattr(thing, "__module__", ""), getattr(thing, "__qualname__", ""))
    if found is None:
        return None
    where = (env, node["refdoc"], app.builder, node["reftype"])
    return env.get_domain("py").resolve_xref(*where, found[1], node, contnode)


def source_link(app: Sphinx, pagename: str, template: str, context: Any, doctree: Any) -> None:
    """Lead from the page of a module to its file: the source of the page is in no repository."""
    module = f"dsf.{pagename.removeprefix(f'{LIST}/')}"
    if page_of(module) == pagename and (file := file_of(module)):
        context["source_link"] = settings.load(Path(app.srcdir)).source_url(file.as_posix())


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    app.add_directive("api-list", APIList)
    app.connect("config-inited", write_pages)
    app.connect("missing-reference", own_name)
    app.connect("html-page-context", source_link, priority=600)  # after the one of all pages
