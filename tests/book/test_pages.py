"""The built pages: what stands in them, without a browser."""

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from book import settings

pytestmark = pytest.mark.book
ROOT = Path(__file__).parents[2]


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
