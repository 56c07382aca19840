"""What the search knows and what a page says of itself to other software, without a browser."""

import dataclasses
import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from book import bundle, settings

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from book.sphinx import meta, previews, searching
from book.sphinx.plain import plain_tex, spell_formulas

STATIC = Path(__file__).parents[2] / "book" / "static"


def test_the_library_is_the_published_one() -> None:
    (library,) = (STATIC / "minisearch").glob("*.js")
    assert f"minisearch/{library.name}" in (STATIC / "search.js").read_text(encoding="utf-8")
    try:
        package = bundle.npm_package("minisearch")
    except bundle.PackageMissingError as error:
        pytest.skip(f"not compared: {error}")
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    assert library.name == f"minisearch-{version}.js"
    assert library.read_bytes() == (package / "dist" / "umd" / "index.js").read_bytes()


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"h_i = \Lambda_i\, h_{i-1} + B_i u_i", "h_i = Λ_i h_{i-1} + B_i u_i"),
        (r"\frac{\eta_{i-1}}{\eta_i}", "(η_{i-1})/η_i"),
        (r"\frac{n(d + 1)}{m + d}", "(n(d + 1))/(m + d)"),
        (r"\frac12", "1/2"),
        (r"q_i\T k_j \in \R^{n}", "q_iᵀ k_j ∈ ℝ^n"),
        (r"\bar\delta \le \abs{x}", "δ̄ ≤ | x |"),
        (r"\left\{ \operatorname{elu}(x) \right\}", "{ elu(x) }"),
        (r"\begin{aligned} a &= b, \\ c &= d \end{aligned}", "a = b, c = d"),
    ],
)
def test_a_formula_reads_as_text(tex: str, text: str) -> None:
    macros = {r"\R": r"\mathbb{R}", r"\T": r"^{\mathsf{T}}"}
    assert plain_tex(tex, macros | {r"\abs": r"\left\lvert #1 \right\rvert"}) == text


CHAPTER = r"""<article><section id="top"><h1>A chapter<a class="headerlink">#</a></h1><p>One.</p>
<section id="scores"><h2>Scores</h2>
<p>With <span class="katex"><math><annotation>\eta_i</annotation></math></span> and
<a href="#d">2</a>.</p>
<div class="equation"><span class="katex"><math><annotation>\Phi_{t}</annotation></math></span>
<a class="eqno">(3.1)</a></div>
<div class="admonition" id="d"><p class="admonition-title">Definition 1</p><p>Split.</p></div>
<p>After it.</p><ul><li><p>first</p></li><li>second</li></ul>
<div class="cell_input"><pre>eta = 1</pre></div><div class="cell_output"><pre>printed</pre></div>
<details class="hide"><summary>Show</summary><pre>plt.plot()</pre></details>
<section id="case"><h3>A case</h3><table><tr><th>a</th><td>b</td></tr></table></section></section>
<dl><dt class="sig" id="dsf.f"><span class="descname">f</span>(x)</dt><dd><p>Does it.</p></dd></dl>
<dl class="glossary"><dt id="term-n">n</dt><dd><p>A number.</p></dd></dl>
</section></article>"""


def places() -> dict[str, searching.Place]:
    article = BeautifulSoup(CHAPTER, "html.parser").article
    assert article
    spell_formulas(article, {})
    return {place.title: place for place in searching.places(article, "A chapter")}


def test_places_are_sections_boxes_names_and_terms_with_their_paths() -> None:
    found = {title: (place.anchor, place.path) for title, place in places().items()}
    assert found == {
        "A chapter": ("", ()),
        "Scores": ("scores", ()),
        "Definition 1": ("d", ("Scores",)),
        "A case": ("case", ("Scores",)),
        "dsf.f": ("dsf.f", ()),
        "n": ("term-n", ()),
    }


def test_a_place_has_its_own_lines_and_its_visible_code() -> None:
    found = places()
    lines = ["With η_i and 2.", "After it.", "first", "second", "Show"]
    assert found["Scores"].text == lines
    assert found["Scores"].code == ["eta = 1"]
    assert found["Scores"].formulas == ["Φ_t (3.1)"]
    assert found["Definition 1"].formulas == []
    assert found["Definition 1"].text == ["Split."]
    assert found["A case"].text == ["a · b"]
    assert found["dsf.f"].text == ["Does it."]
    assert found["n"].text == ["A number."]


def test_previews_hold_what_links_of_other_pages_lead_to() -> None:
    page = '<article><a href="b.html#{}">x</a><a href="#own">y</a><p id="own">z</p></article>'
    other = (
        '<div class="equation" id="e"><span>E</span><a class="headerlink">#</a></div>'
        '<div class="equation" id="unused"></div><p id="p">no preview</p>'
        '<dl><dt id="t">term</dt><dd>meaning</dd></dl>'
    )
    parsed = {
        name: BeautifulSoup(text, "html.parser")
        for name, text in (
            ("a.html", page.format("e") + page.format("t") + page.format("p")),
            ("b.html", other),
        )
    }
    parsed["a.html"].article["class"] = ""  # type: ignore[index]
    text = previews.script(parsed)
    found = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert found == {
        "b.html#e": '<div class="equation" id="e"><span>E</span></div>',
        "b.html#t": '<dt id="t">term</dt><dd>meaning</dd>',
    }


def test_a_description_is_the_beginning_of_the_text() -> None:
    body = (
        '<h1>T</h1><div class="chapter-facts"><p>18 minutes</p></div><p>One sentence, of many '
        "words, that says what this is about, and for whom, and why. " + "And more. " * 30 + "</p>"
    )
    text = meta.description(body, {})
    assert text.startswith("One sentence")
    assert text.endswith("more.")
    assert len(text) <= meta.LENGTH
    assert meta.shorten("word " * 90).endswith("word …")


def test_the_site_is_where_the_repository_is_published_unless_told_otherwise() -> None:
    book = settings.load()
    unset = dataclasses.replace(book, repository="https://github.com/OWNER/dsf-book")
    assert unset.site == ""
    owned = dataclasses.replace(book, repository="https://github.com/Some/dsf-book")
    assert owned.site == "https://some.github.io/dsf-book/"
    assert dataclasses.replace(owned, baseurl="https://a.org/b").site == "https://a.org/b/"


def test_a_page_of_a_published_book_has_an_address_and_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Title:
        astext = staticmethod(lambda: "Linear <attention>")

    class App:
        srcdir, outdir = ".", tmp_path
        config = type("Config", (), {"root_doc": "index", "dsf_math_macros": {}})
        env = type("Env", (), {"titles": {"chapters/03-name": Title}})

    book = dataclasses.replace(settings.load(), repository="https://github.com/Some/dsf-book")
    monkeypatch.setattr(settings, "load", lambda root: book)
    head = BeautifulSoup(
        meta.tags(App, "chapters/03-name", {"body": "<p>About it.</p>"}),  # type: ignore[arg-type]
        "html.parser",
    )
    said = {str(tag.get("property") or tag.get("name")): tag["content"] for tag in head("meta")}
    address = "https://some.github.io/dsf-book/chapters/03-name.html"
    assert said["description"] == said["og:description"] == "About it."
    assert said["og:title"] == "Chapter 3: Linear <attention>"
    assert said["og:url"] == address
    assert head.link
    assert head.link["href"] == address
    picture = tmp_path / str(said["og:image"]).removeprefix(book.site)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.book
def test_every_page_says_what_it_is_about(pages: dict[Path, BeautifulSoup]) -> None:
    told = [p for path, p in pages.items() if p.article and path.name != "search.html"]
    abouts = []
    for page in told:
        if not page.select("article .source-page"):
            (about,) = page.select('meta[name="description"]')
            abouts.append(str(about["content"]))
            assert "minutes" not in abouts[-1][:20]
            assert page.select('meta[property="og:title"]')
    assert len(set(abouts)) == len(abouts) > 5
    if settings.load().is_unset:
        assert not any(page.select('link[rel="canonical"]') for page in pages.values())


@pytest.mark.book
def test_the_page_for_what_is_not_found_needs_nothing_else(site: Path) -> None:
    page = BeautifulSoup((site / "404.html").read_text(encoding="utf-8"), "html.parser")
    assert not page.select("link:not([href='data:,']), img, script[src]")
    assert {str(a["href"]).rsplit("/", 1)[-1] for a in page("a")} == {"index.html", "search.html"}
