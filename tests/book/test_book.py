"""The built pages: what a reader's browser gets, without a browser."""

import base64
import gzip
import hashlib
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag

from book import build, settings

pytestmark = pytest.mark.book
ROOT = Path(__file__).parents[2]
BUDGET = 350 * 1024  # bytes, gzip, of all files that the first load of a page fetches

# KaTeX fetches a font when a page uses one of its classes.
KATEX_FONTS = {
    "Main-Regular": r"katex-html",
    "Math-Italic": r"mathnormal",
    "Main-Italic": r"mathit|textit",
    "Main-Bold": r"mathbf|textbf",
    "Main-BoldItalic": r"textbf textit",
    "Math-BoldItalic": r"boldsymbol",
    "AMS-Regular": r"mathbb|amsrm",
    "Caligraphic-Regular": r"mathcal",
    "SansSerif-Regular": r"mathsf|textsf",
    "Typewriter-Regular": r"mathtt|texttt",
    "Fraktur-Regular": r"mathfrak",
    "Script-Regular": r"mathscr",
    "Size1-Regular": r"delimsizing size1|small-op",
    "Size2-Regular": r"delimsizing size2|large-op",
    "Size3-Regular": r"delimsizing size3",
    "Size4-Regular": r"delimsizing size4|delim-size4",
}


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, BeautifulSoup]:
    return {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
    }


@pytest.fixture(scope="module")
def chapters(pages: dict[Path, BeautifulSoup]) -> dict[Path, BeautifulSoup]:
    found = {path: page for path, page in pages.items() if re.match(r"\d\d-", path.name)}
    assert found
    return found


def assets(path: Path, page: BeautifulSoup) -> list[str]:
    """What the browser fetches for a page, without links that wait for a click."""
    found = [tag["src"] for tag in page.select("script[src], img[src], iframe[src], source[src]")]
    found += [tag["href"] for tag in page.select("link[href]") if is_fetched(tag)]
    found += re.findall(r"url\(([^)]*)\)", " ".join(str(tag) for tag in page.select("style")))
    return [str(address) for address in found]


def is_fetched(link: Tag) -> bool:
    return bool({"stylesheet", "icon", "preload", "modulepreload"} & {*link.get("rel", [])})


def words(page: BeautifulSoup) -> str:
    """The text of the article as read, without code and without the TeX kept in the MathML."""
    article = BeautifulSoup(str(page.select_one("article")), "html.parser")
    for tag in article.select("pre, code, annotation, script, style, .katex-html"):
        tag.decompose()
    return article.get_text()


def test_every_page_of_the_contents_is_there(site: Path) -> None:
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    for name in re.findall(r"(?:root|file): (\S+)", toc):
        assert (site / f"{name}.html").exists()


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
        assert {*rules["script-src"].split()} == {"'self'", *hashes}, path.name
        assert own, path.name


def test_no_style_or_script_names_another_host(site: Path) -> None:
    for path in [*site.rglob("*.css"), *site.rglob("*.js")]:
        if path.name == "searchindex.js" or path.parent.name == "plotly":
            continue  # what Plotly asks for is watched in the browser
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        code = re.sub(r"/\*.*?\*/|^\s*//[^\n]*", "", text, flags=re.S | re.M)
        assert not re.search(r"https?://", code), path
        assert "@import" not in code, path


def test_every_asset_exists_and_none_is_idle(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    used = set()
    for path, page in pages.items():
        for address in assets(path, page):
            if not address.startswith("data:"):
                used.add((path.parent / unquote(urlsplit(address).path)).resolve())
    for path in list(used):
        assert path.exists(), path
        if path.suffix == ".css":
            for address in re.findall(r"url\(([^)]*)\)", path.read_text(encoding="utf-8")):
                if not address.strip("\"'").startswith(("data:", "#")):
                    used.add((path.parent / address.strip("\"'")).resolve())
    idle = [p for p in (site / "_static").rglob("*") if p.is_file() and p.resolve() not in used]
    # Plotly is fetched by a script, when a reader comes near a figure.
    assert [p.name for p in idle if p.name != "LICENSE" and p.parent.name != "plotly"] == []


def test_pages_with_recorded_results_load_the_script_that_fetches_plotly(
    pages: dict[Path, BeautifulSoup],
) -> None:
    charted = [page for page in pages.values() if page.select("figure.dsf-plotly")]
    assert charted
    for page in pages.values():
        scripts = [tag for tag in page.select("script[src]") if "interactive.js" in str(tag["src"])]
        assert len(scripts) == (page in charted)
        assert all(tag.has_attr("defer") for tag in scripts)


def test_first_load_of_a_page_is_light(site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    def weight(path: Path) -> int:
        return len(gzip.compress(path.read_bytes()))

    for path, page in pages.items():
        html = path.read_text(encoding="utf-8")
        own = [address for address in assets(path, page) if not address.startswith("data:")]
        files = {(path.parent / urlsplit(address).path).resolve() for address in own}
        fonts = site / "_static" / "katex" / "fonts"
        classes = " ".join(re.findall(r'class="([^"]*)"', html))
        files |= {
            fonts / f"KaTeX_{name}.woff2"
            for name, pattern in KATEX_FONTS.items()
            if re.search(pattern, classes)
        }
        total = weight(path) + sum(map(weight, files))
        assert total <= BUDGET, f"{path.name}: {total / 1024:.0f} KB"


def test_start_page_opens_with_a_figure_and_shows_no_code(
    site: Path, pages: dict[Path, BeautifulSoup]
) -> None:
    page = pages[site / "index.html"]
    assert page.select_one("h1 ~ .cell figure.dsf-widget"), "the figure stands before the sections"
    assert not page.select(".cell_input, .launch")


def test_launch_links_lead_to_notebooks_that_exist(chapters: dict[Path, BeautifulSoup]) -> None:
    book = settings.load(ROOT)
    for path, page in chapters.items():
        binder, colab, download = (str(a["href"]) for a in page.select(".launch a"))
        assert binder.startswith(f"{book.binderhub}/v2/gh/{book.slug}/{book.branch}")
        assert colab.startswith(f"{book.colab}/github/{book.slug}/blob/{book.release}/")
        for address in (binder, colab, download):
            assert address.endswith(".ipynb")
        for address in (binder, colab):
            assert (ROOT / address[address.index("chapters/") :]).exists()
        assert (path.parent / download).read_bytes() == (ROOT / "chapters" / download).read_bytes()


def test_mathematics_is_set_and_spoken(pages: dict[Path, BeautifulSoup]) -> None:
    formulas = 0
    for path, page in pages.items():
        assert not page.select(".katex-error"), path
        for formula in page.select("article .math:not(.katex-mathml *)"):
            if formula.find_parent(class_="katex"):
                continue
            formulas += 1
            assert formula.select_one(".katex-html"), f"{path.name}: {formula}"
            assert formula.select_one(".katex-mathml math"), f"{path.name}: {formula}"
    assert formulas > 20


def test_every_part_of_a_formula_has_as_many_parts_as_it_needs(
    pages: dict[Path, BeautifulSoup],
) -> None:
    needed = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2}
    needed |= {"msubsup": 3, "munderover": 3}
    found = [tag for page in pages.values() for tag in page.find_all([*needed])]
    assert len(found) > 100
    for tag in found:
        assert len(tag.find_all(recursive=False)) == needed[tag.name], tag


def test_no_source_markup_is_left(pages: dict[Path, BeautifulSoup]) -> None:
    for path, page in pages.items():
        if path.name == "search.html":
            continue
        text = words(page)
        for pattern in (r"\$\$?[^$\n]{1,80}\$", r"\\[a-zA-Z]+\{", r"\{[a-z:]+\}`", r":::", r"```"):
            found = re.search(pattern, text)
            assert not found, f"{path.name}: {found[0]!r}"


def test_every_picture_has_a_text(pages: dict[Path, BeautifulSoup]) -> None:
    for path, page in pages.items():
        for picture in page.select("img"):
            alt = str(picture.get("alt", ""))
            assert len(alt) > 20, f"{path.name}: {picture}"
            assert not alt.startswith("../_images"), f"{path.name}: {picture}"


def test_pictures_suit_light_and_dark_pages(site: Path) -> None:
    for path in (site / "_images").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        background = re.search(r'id="patch_1">\s*<path[^>]*style="fill: (#\w+)', text)
        assert not background, f"{path.name} has a background of {background and background[1]}"


def test_links_and_anchors_lead_somewhere(pages: dict[Path, BeautifulSoup]) -> None:
    ids = {path: {str(tag["id"]) for tag in page.select("[id]")} for path, page in pages.items()}
    for path, page in pages.items():
        for link in page.select("a[href]"):
            parts = urlsplit(str(link["href"]))
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path.name} links to {link['href']}"
            if parts.fragment and target in ids:
                assert unquote(parts.fragment) in ids[target], f"{path.name}: {link['href']}"


def test_a_page_is_well_formed_for_assistive_technology(pages: dict[Path, BeautifulSoup]) -> None:
    for path, page in pages.items():
        assert page.html
        assert page.html.get("lang") == "en"
        assert len(page.select("h1")) == 1, path
        assert len(page.select("[role=search]")) == 1, path
        assert len(page.select("main")) == 1, path
        skip = page.select_one("a.skip-link")
        assert skip
        assert page.select_one(str(skip["href"])), path
        counts = Counter(str(tag["id"]) for tag in page.select("[id]"))
        assert [name for name, count in counts.items() if count > 1] == [], path
        for button in page.select("button"):
            assert button.get("aria-label") or button.get_text(strip=True), f"{path}: {button}"
        for field in page.select("input:not([type=hidden]), select, textarea"):
            named = field.get("aria-label") or field.find_parent("label")
            label = field.get("id") and page.select_one(f'label[for="{field["id"]}"]')
            assert named or label, f"{path}: {field}"


def test_solutions_and_proofs_fold_without_script(chapters: dict[Path, BeautifulSoup]) -> None:
    for path, page in chapters.items():
        solutions = page.select(".solution")
        assert solutions, path
        for block in [*solutions, *page.select("details.fold")]:
            assert block.name == "details", path
            assert block.select_one(":scope > summary"), path
            assert not block.has_attr("open"), path


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2 between two colours #rrggbb."""

    def luminance(color: str) -> float:
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colors_of_the_text_can_be_read(theme: str) -> None:
    css = (ROOT / "book" / "static" / "book.css").read_text(encoding="utf-8")
    start = ":root {" if theme == "light" else ':root[data-theme="dark"] {'
    block = css[css.index(start) : css.index("}", css.index(start))]
    colors = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    for ink in ("text", "muted", "link"):
        for paper in ("page", "panel", "code", "theorem", "exercise"):
            assert contrast(colors[ink], colors[paper]) >= 4.5, (ink, paper)


def test_both_dark_blocks_of_the_style_agree() -> None:
    css = (ROOT / "book" / "static" / "book.css").read_text(encoding="utf-8")
    blocks = [
        re.findall(r"--[\w-]+: [^;]+;", css[(at := css.index(start)) : css.index("}", at)])
        for start in (':root[data-theme="dark"] {', ':root:not([data-theme="light"]) {')
    ]
    assert blocks[0] == blocks[1]


def test_fonts_and_typesetter_are_of_one_katex() -> None:
    katex = pytest.importorskip("sphinxcontrib.katex", reason="requirements.txt is not installed")
    css = (ROOT / "book" / "static" / "katex" / "katex.css").read_text(encoding="utf-8")
    assert css.startswith(f"/* KaTeX {katex.katex_version},")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made_with = ("pyproject.toml", "requirements.txt", "binder/install-torch.sh")
    for name in ("dsf/system.py", "book/build.py", *made_with):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "stale"),
    [
        (None, []),
        ("dsf/system.py", ["executions"]),
        ("dsf/new.py", ["executions"]),
        ("pyproject.toml", ["executions"]),
        ("binder/install-torch.sh", ["executions"]),
        ("book/build.py", ["pages"]),
        ("requirements.txt", ["executions", "pages"]),
    ],
)
def test_a_change_drops_what_it_makes_stale(
    project: Path, changed: str | None, stale: list[str]
) -> None:
    out = project / "_build"
    assert build.drop_stale(project, out) == ["executions", "pages"]
    (out / ".jupyter_cache").mkdir()
    (out / "html").mkdir()
    if changed:
        (project / changed).write_text("two")
    assert build.drop_stale(project, out) == stale
    assert (out / ".jupyter_cache").exists() == ("executions" not in stale)
    assert (out / "html").exists() == ("pages" not in stale)
