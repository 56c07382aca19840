"""The pages of the API and those of source, without a build and as built."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from bs4 import BeautifulSoup

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

import dsf
from book.sphinx import api

FILES = {
    "__init__": """
from made.gated import *
from made import gated
from made.attention import softmax
__all__ = ["softmax"]
__all__ += gated.__all__
""",
    "gated": """
from math import exp
from made.system import System
__all__ = ["gla_system", "LIMIT"]
LIMIT = 3
'''The largest.'''
class GLA(System):
    '''Its class.'''
    def run(self): '''Run it.'''
def gla_system() -> GLA: '''Make one.'''
""",
    "system": """
class _Hidden:
    '''No one meets it.'''
class System(_Hidden):
    '''What all have.'''
    def run(self): '''Run it.'''
    def dense(self): '''Write it out.'''
    @property
    def length(self): '''Steps.'''
def _inside(): '''For this module.'''
SILENT = 1
""",
    "attention/__init__": """
from made.attention.softmax import softmax_matrix, softmax
from made.attention.linear import linear
__all__ = ["linear", "softmax", "softmax_matrix"]
""",
    "attention/linear": "def linear(): '''Sum.'''\ndef helper(): '''Inside.'''",
    "attention/softmax": "def softmax(): '''Share.'''\ndef softmax_matrix(): '''Show.'''",
    "again": "from made.attention import softmax as softmax\n__all__ = ['softmax']",
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A made-up package with star imports, sums of `__all__` and a package that re-exports."""
    for name, code in FILES.items():
        file = tmp_path / "made" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield importlib.import_module("made")
    for name in [name for name in sys.modules if name.partition(".")[0] == "made"]:
        del sys.modules[name]


def shown(module: str) -> list[tuple[str, str, str]]:
    return [(e.path, e.home, e.kind) for e in api.public(importlib.import_module(module))]


def test_a_star_import_and_a_sum_of_names_lead_to_where_they_are_defined(made: ModuleType) -> None:
    assert shown("made") == [
        ("made.softmax", "made.attention.softmax", "function"),
        ("made.LIMIT", "made.gated", "data"),
        ("made.gla_system", "made.gated", "function"),
    ]


def test_a_package_shows_its_names_in_the_order_of_their_sources(made: ModuleType) -> None:
    assert shown("made.attention") == [
        ("made.attention.linear", "made.attention.linear", "function"),
        ("made.attention.softmax", "made.attention.softmax", "function"),
        ("made.attention.softmax_matrix", "made.attention.softmax", "function"),
    ]


def test_without_a_list_what_a_module_defines_is_public(made: ModuleType) -> None:
    assert shown("made.system") == [("made.system.System", "made.system", "class")]


@pytest.fixture
def contents(made: ModuleType, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    floors = [("gated", "again"), ("system",), ("attention",)]
    monkeypatch.setattr(api, "FLOORS", [api.Floor(" ".join(names), names) for names in floors])
    found = api.contents.__wrapped__("made")
    return {
        m: [e.path for e in entries] for floor in found.values() for m, entries in floor.items()
    }


def test_every_thing_is_shown_once_and_from_the_ground_up(contents: dict[str, list[str]]) -> None:
    assert list(contents) == ["made.attention", "made.system", "made.gated", "made.again"]
    assert contents["made.again"] == []


def test_a_class_that_readers_meet_is_shown_where_they_meet_it(
    contents: dict[str, list[str]],
) -> None:
    assert contents["made.gated"] == ["made.gated.LIMIT", "made.gated.gla_system", "made.gated.GLA"]
    everything = [path for paths in contents.values() for path in paths]
    assert not any("Hidden" in path for path in everything)


def test_a_class_says_what_comes_from_where(made: ModuleType) -> None:
    [system] = api.public(importlib.import_module("made.system"))
    heir = importlib.import_module("made.gated").GLA
    entry = api.Entry("made.gated.GLA", "made.gated", "class", heir)
    page = api.page("made.gated", [entry], {one.key: one.path for one in (system, entry)})
    members = ":meth:`~made.system.System.dense`, :attr:`~made.system.System.length`"
    assert f"From :class:`~made.system.System`: {members}." in page
    assert page.count(":show-inheritance:") == 1


# --- as built ---------------------------------------------------------------------------------


Pages = dict[Path, BeautifulSoup]


@pytest.fixture(scope="module")
def api_pages(site: Path, pages: Pages) -> Pages:
    """The pages of the modules."""
    return {path: page for path, page in pages.items() if path.parent == site / "chapters" / "api"}


@pytest.mark.book
def test_what_dsf_offers_is_shown_once(api_pages: Pages) -> None:
    ids = [str(tag["id"]) for page in api_pages.values() for tag in page.select("dt[id]")]
    things = [(name, getattr(dsf, name)) for name in dsf.__all__]
    for name, thing in things:
        if callable(thing):
            assert len([one for one in ids if re.fullmatch(rf"dsf\.\w+\.{name}", one)]) == 1, name


@pytest.mark.book
def test_the_list_names_everything_under_its_old_address(
    site: Path, pages: Pages, api_pages: Pages
) -> None:
    chapters = site / "chapters"
    found = pages[chapters / "api.html"]
    for path, page in api_pages.items():
        module = page.select_one('[id^="module-dsf."]')
        assert module
        assert found.select_one(f'p[id="{module["id"]}"] > a[href^="api/{path.name}"]')
        for title in page.select("dl.py:is(.function, .class, .exception, .data) > dt[id]"):
            [entry] = found.select(f'li[id="{title["id"]}"]')
            assert entry.a
            assert entry.a["href"] == f"api/{path.name}#{title['id']}"


@pytest.mark.book
def test_every_function_and_class_leads_to_its_source(pages: Pages, api_pages: Pages) -> None:
    shown = [
        (path, title)
        for path, page in api_pages.items()
        for title in page.select("dl.py:is(.function, .class) > dt[id]")
    ]
    assert len(shown) > 100
    for path, title in shown:
        link = title.select_one('a[href^="../../_modules/"]')
        assert link, title["id"]
        file, _, anchor = str(link["href"]).partition("#")
        source = pages[(path.parent / file).resolve()]
        block = source.select_one(f'[id="{anchor}"]')
        assert block
        first = block.get_text().split("\n", 1)[0]
        name = str(title["id"]).rpartition(".")[2]
        assert re.match(rf"docs(@|(def|class) {name}\b)", first), first
        back = block.select_one("a.viewcode-back")
        assert back
        assert str(back["href"]).endswith(f"chapters/api/{path.name}#{title['id']}")


@pytest.mark.book
def test_pages_of_source_stand_neither_in_the_search_nor_in_the_menu(
    site: Path, pages: Pages
) -> None:
    assert "_modules" not in (site / "_static" / "search-index.js").read_text(encoding="utf-8")
    sources = [path for path in pages if "_modules" in path.parts]
    assert sources
    for page in pages.values():
        assert not page.select('nav a[href*="_modules"]')


@pytest.mark.book
def test_docstrings_lead_to_the_chapters_that_there_are(site: Path, api_pages: Pages) -> None:
    written = {int(path.name[:2]): path.name for path in (site / "chapters").glob("[0-9]*.html")}
    linked = {}
    for link in (link for page in api_pages.values() for link in page.select("article a[href]")):
        words = re.fullmatch(r"(?:chapter )?(\d+)", " ".join(link.get_text().split()))
        if words:
            linked[int(words[1])] = str(link["href"]).removeprefix("../")
    assert linked == written
    named = re.compile(r"\bchapter\s+\d")
    for text in (text for page in api_pages.values() for text in page.find_all(string=named)):
        if text.find_parent("a"):
            continue
        assert {int(n) for n in re.findall(r"\bchapter\s+(\d+)", str(text))}.isdisjoint(written)


@pytest.mark.book
def test_chapters_lead_from_the_dsf_form_to_the_function(
    chapters: dict[Path, BeautifulSoup],
) -> None:
    linked = {
        str(link["href"]).rpartition(".")[2]
        for chapter in chapters.values()
        for link in chapter.select('article a[href^="api/"][href*="#dsf."]')
    }
    mapped = [entry for entry in dsf.ARCHITECTURES.values() if entry.chapter < 9]
    assert {
        entry.system.__name__ for entry in mapped if hasattr(entry.system, "__name__")
    } <= linked
