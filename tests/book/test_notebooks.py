"""The generated notebooks: in step with their sources, plain, and numbered as the pages are."""

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from IPython.core.inputtransformer2 import TransformerManager

from book import notebooks, settings
from book.notebooks.bibliography import Bibliography

ROOT = Path(__file__).parents[2]
NOTEBOOKS = notebooks.generate(ROOT)
API = "https://github.com/OWNER/dsf-book/blob/main/chapters/api.md"
BY_NAME = [pytest.param(path, id=path.stem) for path in NOTEBOOKS]


def cells(path: Path, kind: str) -> list[str]:
    notebook = json.loads(NOTEBOOKS[path])
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == kind]


# --- the notebooks of the book --------------------------------------------------------------


def test_notebooks_are_in_step_with_their_sources() -> None:
    assert notebooks.differences(NOTEBOOKS) == []


def test_no_two_references_read_alike() -> None:
    references = Bibliography(ROOT / "references.bib")
    marks = Counter((references.authors(key), references.year(key)) for key in references.entries)
    assert [mark for mark, count in marks.items() if count > 1] == []


def test_generation_is_repeatable() -> None:
    assert notebooks.generate(ROOT) == NOTEBOOKS


@pytest.mark.parametrize("path", BY_NAME)
def test_notebook_is_valid_and_without_outputs(path: Path) -> None:
    notebook = nbformat.reads(NOTEBOOKS[path], as_version=4)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("path", BY_NAME)
def test_no_myst_and_no_shorthand_is_left(path: Path) -> None:
    for text in cells(path, "markdown"):
        text = re.sub(r"```.*?```", "", text, flags=re.S)
        assert not re.search(r"\{[\w:.-]+\}`|:::|^```\{|^\([\w:-]+\)=|\{\{", text, re.M), text
        for name in settings.load(ROOT).macros:
            assert not re.search(re.escape(name) + r"(?![A-Za-z])", text), (name, text)


@pytest.mark.parametrize("path", BY_NAME)
def test_code_parses_and_set_up_pins_nothing(path: Path) -> None:
    manager = TransformerManager()
    setup, *rest = cells(path, "code")
    for source in (setup, *rest):
        ast.parse(manager.transform_cell(source))
    book = settings.load(ROOT)
    assert f"git+{book.repository}@{book.release}" in setup
    for source in (setup, *rest):
        for line in re.findall(r"^.*pip install.*$", source, re.M):
            assert "==" not in line
            assert "torch" not in line


PIP = """
import importlib, pathlib, sys
class get_ipython:
    def run_line_magic(self, magic, line):
        print(magic, line)
        package = pathlib.Path(sys.path[0], "dsf")
        package.mkdir()
        (package / "__init__.py").write_text("classroom = None")
        importlib.invalidate_caches()
"""


@pytest.mark.parametrize(
    ("installed", "prints", "fails"),
    [
        (None, r'pip install --quiet "dsf-book\[notebooks\] @ git\+https://\S+"\n', ""),
        ("classroom = None", "", ""),
        ("", "", r"[\s\S]*ImportError: The `dsf` installed here is another project[\s\S]*"),
    ],
    ids=["nothing", "ours", "another project"],
)
def test_set_up_installs_once_and_names_another_project(
    tmp_path: Path, installed: str | None, prints: str, fails: str
) -> None:
    if installed is not None:
        (tmp_path / "dsf").mkdir()
        (tmp_path / "dsf" / "__init__.py").write_text(installed)
    setup, *_ = cells(next(iter(NOTEBOOKS)), "code")
    source = TransformerManager().transform_cell(setup)
    program = f"{PIP}\nsys.path.insert(0, {str(tmp_path)!r})\nexec({source!r})\nexec({source!r})"
    done = subprocess.run([sys.executable, "-IS", "-c", program], capture_output=True, text=True)
    assert re.fullmatch(prints, done.stdout)
    assert re.fullmatch(fails, done.stderr)


@pytest.mark.parametrize("path", BY_NAME)
def test_links_to_neighbors_exist(path: Path) -> None:
    for text in cells(path, "markdown"):
        for target in re.findall(r"\]\(([\w.-]+\.(?:ipynb|md))(?:#[^)]*)?\)", text):
            assert (path.parent / target).exists(), target


@pytest.mark.book
@pytest.mark.parametrize("path", BY_NAME)
def test_numbers_are_those_of_the_page(path: Path, site: Path) -> None:
    html = site / "chapters" / f"{path.stem}.html"
    if not html.exists():
        pytest.skip(f"{path.stem} is not in the contents of the book")
    page = BeautifulSoup(html.read_text(encoding="utf-8"), "html.parser")
    text = "\n".join(cells(path, "markdown"))

    on_page = [tag.get_text() for tag in page.select(".eqno")]
    assert [f"({number})" for number in re.findall(r"\\tag\{([\d.]+)\}", text)] == on_page

    titles = [tag.get_text().strip() for tag in page.select(".proof .caption-number")]
    kinds = "|".join(kind.capitalize() for kind in notebooks.THEOREMS)
    assert re.findall(rf"\*\*((?:{kinds}) [\d.]+)", text) == titles

    titles = [tag.get_text().strip() for tag in page.select(".exercise .caption-number")]
    assert re.findall(r"^### (Exercise [\d.]+)", text, re.M) == titles

    titles = [tag.get_text().strip() for tag in page.select("figcaption .caption-number")]
    assert re.findall(r"\*\*(Figure [\d.]+)\*\*", text) == titles

    h1 = page.select_one("h1")
    assert h1
    assert h1.get_text().split(".")[0] == text.removeprefix("# ").split(".")[0]


# --- the converter --------------------------------------------------------------------------

HEAD = "---\nkernelspec: {name: python3}\n---\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "chapters").mkdir()
    for name in ("_config.yml", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "references.bib").write_text(
        "@article{one, author={Gu, Albert and Dao, Tri}, title={A {T}itle}, year={2023}}\n"
        "@article{many, author={A, B and C, D and E, F}, title={Other}, year={2024}}\n"
    )
    (tmp_path / "chapters" / "api.md").write_text("(ch:api)=\n# API\n")
    return tmp_path


def convert(book: Path, source: str, name: str = "02-test") -> list[dict[str, object]]:
    """The cells after the title and the set-up."""
    path = book / "chapters" / f"{name}.md"
    path.write_text(f"{HEAD}\n# Test\n\n{source}\n", encoding="utf-8")
    text = notebooks.generate(book)[path.with_suffix(".ipynb")]
    return list(json.loads(text)["cells"][2:])


def markdown(book: Path, source: str) -> str:
    parts = ["".join(c["source"]) for c in convert(book, source) if c["cell_type"] == "markdown"]  # type: ignore[arg-type]
    return "\n\n".join(parts)


EQUATION = "$$\nx = 1\n$$ (eq:x)\n\n"
THEOREM = "```{prf:theorem} Name\n:label: thm:x\nText.\n```\n\n"
EXERCISE = "```{exercise} Name\n:label: ex:x\nDo.\n```\n\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(EQUATION + "{eq}`eq:x`", "$$\nx = 1 \\tag{2.1}\n$$\n\n(2.1)", id="equation"),
        pytest.param("$$ y $$", "$$\ny\n$$", id="equation without number"),
        pytest.param(
            "```{math}\n:label: eq:y\n\ny\n```", "$$\ny \\tag{2.1}\n$$", id="math directive"
        ),
        pytest.param(r"$\R^n$, $\abs{x_{1}}$", r"$\mathbb{R}^n$, $\left\lvert x_{1} \right\rvert$",
                     id="shorthands"),
        pytest.param(THEOREM, '> <a id="thm:x"></a>**Theorem 2.1 (Name)**\n>\n> Text.',
                     id="theorem"),
        pytest.param(THEOREM + "See {prf:ref}`thm:x`.", "See [Theorem 2.1](#thm:x).",
                     id="reference to theorem"),
        pytest.param("```{prf:proof}\nClear.\n```", "*Proof.* Clear. ∎", id="proof"),
        pytest.param("```{prf:proof}\n:class: dropdown\nClear.\n```",
                     "<details>\n<summary>Proof</summary>\n\nClear. ∎\n\n</details>",
                     id="folded proof"),
        pytest.param(EXERCISE, '<a id="ex:x"></a>\n\n### Exercise 2.1 (Name)\n\nDo.',
                     id="exercise"),
        pytest.param(EXERCISE + "```{solution} ex:x\nSo.\n```",
                     "<summary>Solution to Exercise 2.1</summary>\n\nSo.", id="solution"),
        pytest.param(":::{note}\nMind.\n:::", "> **Note**\n>\n> Mind.", id="note"),
        pytest.param("::::{admonition} My title\n:::{tip}\nInner.\n:::\n::::",
                     "> **My title**\n>\n> > **Tip**\n> >\n> > Inner.", id="nested boxes"),
        pytest.param("```{margin}\nShapes: $n$.\n```\nText.", "> Shapes: $n$.\n\nText.",
                     id="note in the margin"),
        pytest.param(":::{note}\n$$\na\n+ b\n$$\n:::", "> $$ a + b $$", id="formula in a box"),
        pytest.param("As {cite}`one,many`.", "As (Gu and Dao, 2023; A et al., 2024).",
                     id="citation"),
        pytest.param("By {cite:t}`one`.", "By Gu and Dao (2023).", id="citation in the text"),
        pytest.param("By {cite:t}`one`.",
                     "## References\n\n- Albert Gu, Tri Dao (2023). *A Title*.",
                     id="list of references"),
        pytest.param("(sec:a)=\n## Part\n\n{ref}`sec:a`, {ref}`it <sec:a>`",
                     "[Part](#sec:a), [it](#sec:a)", id="section"),
        pytest.param("{doc}`api`, {ref}`ch:api`, [here](api.md)",
                     f"[API]({API}), [API]({API}#ch:api), [here]({API})", id="other page"),
        pytest.param("{term}`state`, {func}`torch.zeros`", "state, `torch.zeros()`", id="words"),
        pytest.param("{func}`dsf.check.same`, {func}`~dsf.check.same`, {func}`it <dsf.check.same>`",
                     ", ".join(f"[`{words}`](https://github.com/OWNER/dsf-book/blob/main/dsf/check.py)"
                               for words in ("dsf.check.same()", "same()", "it")),
                     id="function"),
        pytest.param("{data}`dsf.ARCHITECTURES`", "`dsf.ARCHITECTURES`", id="value"),
        pytest.param("`{eq}` and `$x$`", "`{eq}` and `$x$`", id="code stays as it is"),
        pytest.param("```python\n{eq}`a`\n```", "```python\n{eq}`a`\n```", id="shown code stays"),
        pytest.param("a{book-only}", None, id="braces alone are text"),
        pytest.param("```{figure} pic.svg\n:alt: A line.\n:name: fig:a\n\nCaption.\n```",
                     "raw/main/chapters/pic.svg)\n\n**Figure 2.1** Caption.", id="figure"),
        pytest.param("```{table} Costs\n:name: tab:a\n\n|a|\n|-|\n```\n\n{numref}`tab:a`",
                     "**Table 2.1** Costs\n\n|a|\n|-|\n\n[Table 2.1](#tab:a)", id="table"),
    ],
)  # fmt: skip
def test_markup_becomes_plain(book: Path, source: str, expected: str | None) -> None:
    assert (source if expected is None else expected) in markdown(book, source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("text\n\n```{mermaid}\nx\n```", r"02-test\.md:9: .*directive \{mermaid\}"),
        ("text\n{unknown}`x`", r"02-test\.md:8: .*role \{unknown\}"),
        ("{eq}`eq:none`", r"02-test\.md:7: unknown label 'eq:none'"),
        ("{func}`dsf.none`", r"02-test\.md:7: there is no dsf\.none"),
        ("{cite}`none`", r"02-test\.md:7: no entry 'none'"),
        ("```{note}\nx", r"02-test\.md:7: .*never closed"),
        ("$$\nx", r"02-test\.md:7: .*never closed"),
        (EQUATION + EQUATION, r"02-test\.md:11: the label eq:x is taken"),
        ("note[^1]", r"02-test\.md:7: footnotes"),
        (":::note\nx\n:::", r"02-test\.md:7: expected a directive"),
        ("```{figure} a.svg\n```", r"02-test\.md:7: a figure needs the option alt"),
        ("```{code-cell}\nfrom myst_nb import glue\n```", r"02-test\.md:7: .*book-only"),
        ("$$\n\\begin{align} x \\end{align}\n$$ (eq:a)", r"02-test\.md:7: .*aligned"),
        (":::{note}\n{unknown}`x`\n:::", r"02-test\.md:8: .*role \{unknown\}"),
    ],
)
def test_what_cannot_be_shown_is_an_error_with_its_place(
    book: Path, source: str, message: str
) -> None:
    with pytest.raises(notebooks.ChapterError, match=message):
        convert(book, source)


def test_parts_for_one_medium_only(book: Path) -> None:
    found = convert(
        book,
        "```{code-cell}\n:tags: [book-only]\npage = 1\n```\n\n"
        "```{code-cell}\n:tags: [notebook-only]\nlive = 1\n```\n\n"
        ":::{book-only}\nMove it.\n:::\n\n:::{notebook-only}\nRun it.\n:::",
    )
    text = json.dumps(found)
    assert "live = 1" in text
    assert "Run it." in text
    assert "page = 1" not in text
    assert "Move it." not in text


def test_solution_around_cells_is_read_and_not_run(book: Path) -> None:
    found = convert(
        book,
        EXERCISE + "```{solution-start} ex:x\n```\n\nLook:\n\n```{code-cell}\nx = 1\n```\n\n"
        "```{solution-end}\n```\n\nAfter.",
    )
    fold, after = found[-2:]
    assert "".join(fold["source"]) == (  # type: ignore[arg-type]
        "<details>\n<summary>Solution to Exercise 2.1</summary>\n\nLook:\n\n"
        "```python\nx = 1\n```\n\n</details>"
    )
    assert "".join(after["source"]) == "After."  # type: ignore[arg-type]


@pytest.mark.parametrize("path", BY_NAME)
def test_a_link_leads_to_a_notebook_beside_it_or_has_a_whole_address(path: Path) -> None:
    """Colab has only the notebook, and what it links to in the repository."""
    links = [
        target
        for text in cells(path, "markdown")
        for target in re.findall(r"\]\(([^()\s]+)\)", re.sub(r"`[^`]*`|\$[^$]*\$", "", text))
    ]
    assert links
    beside = {path.name for path in NOTEBOOKS}
    for target in links:
        file, _, _ = target.partition("#")
        assert target.startswith(("https://", "#")) or file in beside, target


def test_a_page_that_is_no_notebook_is_linked_where_it_is_published(book: Path) -> None:
    config = (book / "_config.yml").read_text("utf-8").replace("/OWNER/", "/someone/")
    (book / "_config.yml").write_text(config, "utf-8")
    text = markdown(book, "{doc}`api`, {ref}`ch:api`")
    site = "https://someone.github.io/dsf-book/chapters/api.html"
    assert f"[API]({site}), [API]({site}#ch-api)" in text


def test_label_of_another_chapter_links_to_its_notebook(book: Path) -> None:
    (book / "chapters" / "01-first.md").write_text(f"{HEAD}# First\n\n{EQUATION}{THEOREM}")
    text = markdown(book, "{eq}`eq:x`, {prf:ref}`thm:x`")
    assert "[(1.1)](01-first.ipynb), [Theorem 1.1](01-first.ipynb#thm:x)" in text


def test_ids_depend_on_the_place_not_on_the_text(book: Path) -> None:
    first, second = ([c["id"] for c in convert(book, text)] for text in ("One.", "Two."))
    assert first == second
    assert first != [c["id"] for c in convert(book, "One.", "03-other")]


def test_check_names_a_stale_notebook(book: Path) -> None:
    convert(book, "Text.")
    found = notebooks.generate(book)
    (path,) = found
    assert notebooks.differences(found) == [f"{path} differs from its source"]
    path.write_text(found[path], encoding="utf-8")
    assert notebooks.differences(found) == []
    (book / "chapters" / "09-old.ipynb").write_text("{}")
    assert notebooks.differences(found) == [f"{book / 'chapters' / '09-old.ipynb'} has no source"]


# --- what asks and what is folded -----------------------------------------------------------------

ASK = (
    ":::{{{name}}}\n:label: ask:x\n:answer: {answer}\n\nHow many, by {{eq}}`eq:x`?\n\n{items}\n\n"
    "Since {{set}}`it <fig: n=4>` is so.\n:::"
)
CHOICES = "- **A.** One\n  - No.\n- **B.** $\\R$\n  - Yes."


def test_a_prediction_is_a_box_and_a_folded_answer(book: Path) -> None:
    text = markdown(book, EQUATION + ASK.format(name="predict", answer="B", items=CHOICES))
    assert text.endswith(
        "> **Predict before you see**\n>\n> How many, by (2.1)?\n>\n> - **A.** One\n"
        "> - **B.** $\\mathbb{R}$\n\n<details>\n<summary>Answer</summary>\n\n**Answer: B**\n\n"
        "- **A.** No.\n- **B.** Yes.\n\nSince it is so.\n\n</details>"
    )


def test_a_number_is_asked_for_without_its_replies(book: Path) -> None:
    items = "- **4**\n  - Half of it.\n- **else**\n  - Count."
    source = ASK.replace("{{{name}}}", "{{question}} number").format(answer="8", items=items)
    text = markdown(book, EQUATION + source)
    front, back = text.split("<details>")
    assert "Half" not in front
    assert "**Answer: 8**\n\n- **4.** Half of it.\n- **else.** Count." in back


def test_an_order_is_asked_for_shuffled(book: Path) -> None:
    text = markdown(
        book, ":::{question} order\n:label: ask:o\n\nOrder?\n\n1. a\n2. b\n   - hint\n3. c\n:::"
    )
    front, back = text.split("<details>")
    shown = re.findall(r"> - \*\*(\w)\.\*\* (\w)", front)
    assert "".join(letter for letter, _ in shown) == "abc"
    assert sorted(text for _, text in shown) == ["a", "b", "c"]
    assert [text for _, text in shown] != ["a", "b", "c"]
    assert "1. a\n2. b\n3. c" in back


def test_cells_of_a_prediction_follow_its_folded_answer(book: Path) -> None:
    source = ASK.format(name="predict-start", answer="B", items=CHOICES)
    found = convert(
        book,
        f"{EQUATION}{source}\n\n```{{code-cell}}\nx = 1\n```\n\nNote.\n\n"
        "```{predict-end}\n```\n\nOn.",
    )
    texts = ["".join(cell["source"]) for cell in found]  # type: ignore[arg-type]
    assert texts[0].endswith("</details>")
    assert texts[1:] == ["x = 1", "Note.", "On."]


def test_a_question_has_a_cell_for_its_answer(book: Path) -> None:
    question = ASK.replace("{{{name}}}", "{{question}} choice").format(answer="B", items=CHOICES)
    found = convert(book, f"{EQUATION}```{{exercise}} Name\n:label: ex:y\n{question}\n```\n\nOn.")
    asked, cell, after = found[-3:]
    assert asked["cell_type"] == after["cell_type"] == "markdown"
    assert "".join(cell["source"]) == (  # type: ignore[arg-type]
        'classroom.answer("x", None)  # a letter, such as "B", in the place of None'
    )


def test_a_stub_is_a_cell_of_its_own_and_has_to_be_known(book: Path) -> None:
    [cell] = convert(book, "```{stub} la-recurrence\n```")
    text = "".join(cell["source"])  # type: ignore[arg-type]
    assert text.startswith("def recurrent_attention(q, k, v):")
    assert text.endswith('    ...\n\n\nclassroom.exercise("la-recurrence", recurrent_attention)')
    with pytest.raises(notebooks.ChapterError, match=r"02-test\.md:7: .* no exercise 'none'"):
        convert(book, "```{stub} none\n```")


def test_a_deeper_box_is_folded_with_its_cells(book: Path) -> None:
    found = convert(
        book,
        ":::{deeper} Why\nSo.\n:::\n\n```{deeper-start} More\nFirst.\n```\n\n"
        "```{code-cell}\nx = 1\n```\n\n```{deeper-end}\n```\n\nAfter.",
    )
    texts = ["".join(cell["source"]) for cell in found]  # type: ignore[arg-type]
    assert texts == [
        "<details>\n<summary>Deeper: Why</summary>\n\nSo.\n\n</details>",
        "<details>\n<summary>Deeper: More</summary>\n\nFirst.\n\n</details>",
        "# @title Deeper: More\nx = 1",
        "After.",
    ]


def test_a_solution_ends_and_the_box_around_it_goes_on(book: Path) -> None:
    one = (
        "```{{exercise}} Name\n:label: ex:{0}\nDo {0}.\n```\n\n"
        "```{{solution-start}} ex:{0}\n:label: sol:{0}\n```\n\nDone.\n\n"
        "```{{solution-end}}\n```\n\n"
    )
    box = "```{deeper-start} More\n```\n\n"
    found = convert(book, box + one.format("a") + one.format("b") + "```{deeper-end}\n```\n\nOn.")
    texts = ["".join(cell["source"]) for cell in found]  # type: ignore[arg-type]
    heads = [text.split("\n")[1] for text in texts[:-1]]
    assert heads == [
        "<summary>Deeper: Exercise 2.1</summary>",
        "<summary>Solution to Exercise 2.1</summary>",
        "<summary>Deeper: Exercise 2.2</summary>",
        "<summary>Solution to Exercise 2.2</summary>",
    ]
    assert texts[-1] == "On."


def test_a_question_that_cannot_be_put_is_an_error_with_its_place(book: Path) -> None:
    with pytest.raises(notebooks.ChapterError, match=r"02-test\.md:7: predict: answer is 'C'"):
        convert(book, ASK.format(name="predict", answer="C", items=CHOICES))


def test_the_head_of_a_chapter_says_the_computed_time(book: Path) -> None:
    facts = "```{chapter-facts}\n:level: easy\n:prerequisites: none\n\n1. count\n```\n\n"
    text = markdown(book, facts + EXERCISE.replace("Do.", "*Pencil, 15 minutes.* Do."))
    assert text.startswith("*1 minute to read, exercises 15 minutes · easy · you need: none*")


def test_imports_and_drawing_are_folded(book: Path) -> None:
    found = convert(book, "```{code-cell}\nimport torch\n```\n\n```{code-cell}\nx = 1\n```")
    hidden = {"cellView": "form", "jupyter": {"source_hidden": True}}
    assert [cell["metadata"] for cell in found] == [hidden, {}]
