"""The built pages: what a browser loads for them, and how much, without a browser."""

import base64
import gzip
import hashlib
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, NavigableString, Tag

from dsf import models

pytestmark = pytest.mark.book


BUDGET = 350 * 1024  # bytes, gzip, of all files that the first load of a page fetches

# Scripts that hold text of the book, with the addresses of its sources.
TEXT = {"search-index.js", "previews.js"}

# KaTeX fetches a font when a page uses one of its classes.
KATEX_FONTS = {
    "Main-Regular": r"katex-html",
    "Math-Italic": r"mathnormal",
    "Main-Italic": r"mathit|textit",
    "Main-Bold": r"mathbf|textbf",
    "Main-BoldItalic": r"textbf textit",
    "Math-BoldItalic": r"boldsymbol",
    "AMS-Regular": r"amsrm",
    "Caligraphic-Regular": r"mathcal",
    "SansSerif-Regular": r"textsf",
    "Typewriter-Regular": r"mathtt|texttt",
    "Fraktur-Regular": r"mathfrak",
    "Script-Regular": r"mathscr",
    "Size1-Regular": r"delimsizing size1|small-op",
    "Size2-Regular": r"delimsizing size2|large-op",
    "Size3-Regular": r"delimsizing size3",
    "Size4-Regular": r"delimsizing size4|delim-size4",
}


def assets(path: Path, page: BeautifulSoup) -> list[str]:
    """What the browser fetches for a page, without links that wait for a click."""
    found = [tag["src"] for tag in page.select("script[src], img[src], iframe[src], source[src]")]
    found += [tag["href"] for tag in page.select("link[href]") if is_fetched(tag)]
    found += re.findall(r"url\(([^)]*)\)", " ".join(str(tag) for tag in page.select("style")))
    return [str(address) for address in found]


def is_fetched(link: Tag) -> bool:
    return bool({"stylesheet", "icon", "preload", "modulepreload"} & {*link.get("rel", [])})


def test_no_page_asks_another_host(pages: dict[Path, BeautifulSoup]) -> None:
    for path, page in pages.items():
        for address in assets(path, page):
            parts = urlsplit(address)
            local = not parts.netloc and parts.scheme in {"", "data"}
            assert local, f"{path.name} fetches {address}"


def test_every_page_says_what_it_may_load_and_run(pages: dict[Path, BeautifulSoup]) -> None:
    for path, page in pages.items():
        (policy,) = page.select('head > meta[http-equiv="Content-Security-Policy"]')
        assert not policy.find_previous(["script", "style", "link"]), "it holds for what follows it"
        rules = dict(rule.strip().split(maxsplit=1) for rule in str(policy["content"]).split(";"))
        assert rules["default-src"] == "'self'"
        own = [
            hashlib.sha256(script.get_text().encode()).digest()
            for script in page.select("script:not([src])")
            if script.get("type") != "application/json"
        ]
        hashes = {f"'sha256-{base64.b64encode(one).decode()}'" for one in own}
        wanted = {"'self'", "'wasm-unsafe-eval'", *hashes}  # no other text becomes a script
        assert {*rules["script-src"].split()} == wanted, path.name
        assert rules["worker-src"] == "blob:"
        assert own, path.name


def test_no_style_or_script_names_another_host(site: Path) -> None:
    for path in [*site.rglob("*.css"), *site.rglob("*.js")]:
        if path.name in TEXT or path.parent.name == "plotly":
            continue  # what Plotly asks for is watched in the browser
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        code = re.sub(r"/\*.*?\*/|^\s*//[^\n]*", "", text, flags=re.S | re.M)
        assert not re.search(r"https?://", code), path
        assert "@import" not in code, path


def test_every_asset_exists_and_none_is_idle(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    used = set()
    for path, page in pages.items():
        addresses = {one for one in assets(path, page) if not one.startswith("data:")}
        files = {(path.parent / unquote(urlsplit(one).path)).resolve() for one in addresses}
        assert len(files) == len(addresses), f"{path.name} fetches a file under two addresses"
        used |= files
    for path in list(used):
        assert path.exists(), path
        if path.suffix == ".css":
            for address in re.findall(r"url\(([^)]*)\)", path.read_text(encoding="utf-8")):
                if not address.strip("\"'").startswith(("data:", "#")):
                    used.add((path.parent / address.strip("\"'")).resolve())
    idle = [p for p in (site / "_static").rglob("*") if p.is_file() and p.resolve() not in used]
    # What is fetched by a script: Plotly near a figure, the library and the index in a search,
    # and what trains, or was trained.
    late = {site / "_static" / name for name in ("plotly", "minisearch", *TEXT)}
    widgets = site / "_static" / "widgets"
    late |= {widgets / "train.js", *(widgets / f"model-{name}.js" for name in models.names())}
    assert [p.name for p in idle if p.name != "LICENSE" and not late & {p, p.parent}] == []


def test_a_page_has_one_viewport_and_one_style_sheet(pages: dict[Path, BeautifulSoup]) -> None:
    for path, page in pages.items():
        assert len(page.select('meta[name="viewport"]')) == 1, path
        assert len(page.select('link[rel="stylesheet"], style')) == 1, path


def test_pages_with_recorded_results_load_the_script_that_fetches_plotly(
    pages: dict[Path, BeautifulSoup],
) -> None:
    charted = [page for page in pages.values() if page.select("figure.dsf-plotly")]
    assert charted
    for page in pages.values():
        scripts = [tag for tag in page.select("script[src]") if "interactive.js" in str(tag["src"])]
        assert len(scripts) == (page in charted)
        assert all(tag.has_attr("defer") for tag in scripts)


def is_greek(text: NavigableString) -> bool:
    """Whether a text has Greek letters that are set in the face of the text."""
    others = ["figure", "table", "code", "pre", "svg", "summary", "script"]
    is_other = text.find_parent(others) or text.find_parent(class_=["katex", "menu"])
    return bool(re.search("[Α-Ωα-ω]", text)) and not is_other


def test_first_load_of_a_page_is_light(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    def weight(path: Path) -> int:
        return len(gzip.compress(path.read_bytes()))

    for path, page in pages.items():
        html = path.read_text(encoding="utf-8")
        own = [address for address in assets(path, page) if not address.startswith("data:")]
        files = {(path.parent / urlsplit(address).path).resolve() for address in own}
        fonts = site / "_static" / "katex" / "fonts"
        classes = " ".join(re.findall(r'class="([^"]*)"', html))
        face = site / "_static" / "face"
        files |= {*face.glob("*-latin-*.woff2"), face / "blackboard.woff2", face / "sans.woff2"}
        if any(map(is_greek, page.find_all(string=True))):
            files |= {*face.glob("*-greek-*.woff2")}
        if path.name == "search.html":
            files |= {*(site / "_static" / "minisearch").glob("*.js")}
            files |= {site / "_static" / "search-index.js"}
        files |= {
            fonts / f"KaTeX_{name}.woff2"
            for name, pattern in KATEX_FONTS.items()
            if re.search(pattern, classes)
        }
        total = weight(path) + sum(map(weight, files))
        assert total <= BUDGET, f"{path.name}: {total / 1024:.0f} KB"
