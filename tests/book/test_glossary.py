"""Terms of the glossary, linked where a page first uses them."""

import pytest

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from bs4 import BeautifulSoup
from small_book import PREDICT, Build

WORDS = """
```{glossary}
state
  What is kept.

state expansion
  How many numbers are kept.

Toeplitz matrix
  Equal along its diagonals.

scan
  All sums.

half-life
  How long it takes.
```
"""
CHAPTER = f"""
## The state of a scan

A `state`, a [state](https://example.org), a non-state and $state$; then **State expansions** of
states, again of a state. Toeplitz
matrices have half-lives.

:::{{deeper}} More
A scan here, folded.
:::

A scan here, open.

| scan |
|---|
| Toeplitz matrix |

{PREDICT}
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("glossary")
    return Build(folder, {"01-test": CHAPTER, "words": f"A state.\n{WORDS}"})


@pytest.fixture(scope="module")
def page(build: Build) -> BeautifulSoup:
    return build.page()


def test_each_term_is_linked_once_where_the_open_text_first_uses_it(page: BeautifulSoup) -> None:
    links = page.select("article a.term")
    found = {str(a["href"]).partition("#term-")[2]: " ".join(a.get_text().split()) for a in links}
    assert found == {
        "state-expansion": "State expansions",
        "state": "states",
        "Toeplitz-matrix": "Toeplitz matrices",
        "half-life": "half-lives",
        "scan": "scan",
    }
    assert len(links) == len(found)
    [scan] = page.select('article a.term[href$="#term-scan"]')
    assert not scan.find_parent("details")


def test_the_glossary_does_not_link_to_itself(build: Build) -> None:
    assert not build.page("words").select("a.term")


def test_notebooks_stay_as_they_are(build: Build) -> None:
    text = (build.folder / "chapters" / "01-test.ipynb").read_text("utf-8")
    assert "term-" not in text


def test_a_link_shows_what_the_term_means(build: Build) -> None:
    previews = (build.folder / "out" / "_static" / "previews.js").read_text("utf-8")
    assert "words.html#term-scan" in previews
    assert "All sums." in previews
