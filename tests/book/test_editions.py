"""The editions of the book: without solutions, and for paper."""

import json
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from small_book import CHOICE, PREDICT, Build

from book import editions, pdf

SECRETS = ("hidden sentence", "hidden_code", "hidden_output", "hidden_formula", "hidden plan")
TEXT = f"""\
{PREDICT}
A link to [a site](https://example.org/place).

```{{exercise}} First ●○○
:label: ex:first

*Pencil, 3 minutes.* Do it.

:::{{admonition}} Hint
:class: dropdown hint

A nudge.
:::
```

```{{solution}} ex:first
:label: sol:first

A hidden sentence.

$$
\\mathrm{{hidden\\_formula}} = 1
$$ (eq:hidden)
```

```{{exercise-start}} Second ●○○
:label: ex:second
```

*Code, 5 minutes.* Do it, too.

{CHOICE}
```{{exercise-end}}
```

```{{solution-start}} ex:second
:label: sol:second
```

```{{code-cell}}
hidden_code = 1
print("hidden_" + "output")
```

```{{solution-end}}
```

$$
a = b
$$ (eq:after)

After the solutions, {{eq}}`eq:after`.

:::{{admonition}} For teachers
:class: dropdown teachers

The hidden plan.
:::
"""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Build]:
    folder = tmp_path_factory.mktemp("editions")
    return {
        name: Build(folder / name, {"01-test": TEXT}, execute="force", edition=name)
        for name in editions.EDITIONS
    }


def everything(book: Build) -> str:
    """All that is written, but for what came from the package and the styles."""
    files = [p for p in book.pages.parent.rglob("*") if p.is_file() and "trees" not in p.parts]
    return "\n".join(p.read_bytes().decode("utf-8", "ignore") for p in files).replace("\\_", "_")


def test_editions_are_told_apart_by_two_questions() -> None:
    assert [editions.named(a, b).folder for a in (True, False) for b in (False, True)] == [
        "html", "print", "without-solutions", "handouts",
    ]  # fmt: skip


def test_an_edition_leaves_what_the_book_has_read_as_it_is(tmp_path: Path) -> None:
    trees = tmp_path / ".doctrees"
    trees.mkdir()
    (trees / "page").write_text("one")
    (tmp_path / "print").mkdir()
    (tmp_path / "print" / "old.html").write_text("")
    with editions.trees(tmp_path, editions.EDITIONS["html"]) as own:
        assert own == trees
    with editions.trees(tmp_path, editions.EDITIONS["print"]) as own:
        assert (own / "page").read_text() == "one"
        (own / "page").write_text("two")
    assert (trees / "page").read_text() == "one"
    assert not own.exists()
    assert not (tmp_path / "print").exists()


def test_chapters_and_what_they_refer_to_are_printed() -> None:
    names = [path.stem for path in editions.printed(Path(__file__).parents[2])]
    assert names[0] == "01-linear-recurrences"
    assert names[-2:] == ["notation", "references"]
    assert {"progress", "teachers", "api"} & {*names} == set()


@pytest.mark.parametrize("name", editions.EDITIONS)
def test_an_edition_is_built_without_a_warning(books: dict[str, Build], name: str) -> None:
    assert books[name].warnings == ""


def test_the_whole_book_holds_what_others_leave_out(books: dict[str, Build]) -> None:
    written = everything(books["html"])
    assert [secret for secret in SECRETS if secret not in written] == []


@pytest.mark.parametrize("name", ["without-solutions", "handouts"])
def test_nothing_that_is_written_holds_a_solution(books: dict[str, Build], name: str) -> None:
    written = everything(books[name])
    assert [secret for secret in SECRETS if secret in written] == []
    assert "After the solutions" in written


def test_a_class_gets_a_notebook_without_solutions(books: dict[str, Build]) -> None:
    whole, rest = (
        (books[name].pages / "01-test.ipynb").read_text("utf-8")
        for name in ("html", "without-solutions")
    )
    assert "hidden sentence" in whole
    assert "tag{1.2}" in rest
    cells = json.loads(rest)["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    assert "Solution" not in text
    assert "Exercise 1.2" in text
    assert "A nudge." in text
    assert "Both have the same" in text  # the answer of a prediction is part of the chapter
    assert "colab" not in text


def test_numbers_are_the_same_in_all_editions(books: dict[str, Build]) -> None:
    for name, book in books.items():
        assert "After the solutions, (2)." in " ".join(book.page().get_text().split()), name


def test_a_class_is_led_to_no_place_that_holds_solutions(books: dict[str, Build]) -> None:
    page = books["without-solutions"].page()
    links = [str(a["href"]) for a in page.select("a[href]")]
    assert [link for link in links if link.startswith("http")] == ["https://example.org/place"]
    assert [a["href"] for a in page.select(".launch a")] == ["01-test.ipynb"]
    assert page.select_one(".ask details.answer"), "questions still reply"


def test_paper_has_the_answers_at_its_end_and_a_line_in_their_place(
    books: dict[str, Build],
) -> None:
    page = books["print"].page()
    assert page.html["class"] == ["paper"]  # type: ignore[index]
    assert not page.select("script:not([type]), nav, header, button, .launch, dialog")
    section = page.select_one("section#answers")
    assert section
    assert page.select("article section[id]")[-1] is section
    heads = [" ".join(p.get_text().split()) for p in section.select(".answer-head")]
    assert heads == [
        "A1. What falls faster?",
        "A2. Solution to Exercise 1 (First ●○○)",
        "A3. Which?",
        "A4. Solution to Exercise 2 (Second ●○○)",
    ]
    for number, line in enumerate(page.select(".see-answer"), 1):
        assert line.get_text().endswith(f"A{number}, at the end of the chapter.")
        assert page.select_one(str(line.a["href"])) in section.select(".paper-answer")  # type: ignore[index]
    assert "hidden_output" in section.get_text()
    assert "(example.org/place)" in page.article.get_text()  # type: ignore[union-attr]
    assert [d for d in page.select("article details") if not d.has_attr("open")] == []


def test_a_handout_has_neither_answers_nor_hints(books: dict[str, Build]) -> None:
    page = books["handouts"].page()
    text = page.get_text()
    assert "What falls" in text
    assert "The feather" in text
    for gone in ("A nudge.", "Both have the same", "Not that.", "Answers"):
        assert gone not in text


@pytest.mark.browser
def test_a_page_is_printed_to_pdf(
    books: dict[str, Build], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if pdf.browser() is None:
        pytest.skip("neither Chrome nor Chromium is installed")
    [file] = pdf.write(books["print"].pages, tmp_path / "pdf")
    assert file.read_bytes().startswith(b"%PDF")
    assert file.stat().st_size > 10_000


def test_without_a_browser_the_pages_are_left_to_print(
    books: dict[str, Build], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(pdf, "BROWSERS", ())
    assert pdf.write(books["print"].pages, tmp_path / "pdf") == []
    assert "open the pages in a browser" in capsys.readouterr().out


def test_a_browser_that_prints_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.html").write_text("<p>")
    said = subprocess.CompletedProcess([], 1, "", "no display")
    monkeypatch.setattr(pdf, "browser", lambda: "chrome")
    monkeypatch.setattr(pdf.subprocess, "run", lambda *a, **k: said)
    with pytest.raises(RuntimeError, match=r"did not print a\.html:\nno display"):
        pdf.write(tmp_path, tmp_path / "pdf")
