"""What leads the reader: predictions, questions, setters, tours, boxes, badges, times, progress."""

import contextlib
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from book import asking, code, notebooks, reading
from book.notebooks.chapter import read_chapter

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

import small_book
from small_book import HEAD, PREDICT, SET, TOUR, Build


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Build]:
    return lambda text, **options: Build(tmp_path, {"01-test": text}, **options)


def one(page: BeautifulSoup | Tag, selector: str) -> Tag:
    (found,) = page.select(selector)
    return found


# --- the source of a question ---------------------------------------------------------------------

OPTIONS = [
    "Why?",
    "",
    "- **A.** One",
    "  - No.",
    "- **B.** Two",
    "  going on",
    "  - Yes,",
    "    so.",
    "",
]


def test_question_options_replies_and_answer_are_told_apart() -> None:
    asked = asking.read("predict", [*OPTIONS, "Because.", "- a list"], {"answer": "B"})
    assert asked.question.text == ["Why?", ""]
    assert [(i.key, i.text.text, i.reply.text) for i in asked.items] == [
        ("A", ["One"], ["No."]),
        ("B", ["Two", "going on"], ["Yes,", "so.", ""]),
    ]
    assert (asked.answer.text, asked.answer.start) == (["Because.", "- a list"], 9)
    assert [item.reply.start for item in asked.items] == [3, 6]


@pytest.mark.parametrize(
    ("kind", "body", "answer", "message"),
    [
        ("predict", OPTIONS, "C", r"answer is 'C', expected one of A, B"),
        ("predict", OPTIONS, "", r"answer is '', expected one of A, B"),
        ("predict", OPTIONS[:4], "A", r"the options are A, expected two to four"),
        ("predict", ["Why?"], "A", r"the options are none"),
        ("predict", OPTIONS[2:], "A", r"no question before the list"),
        ("predict", ["?", "- **A.** x", "  - y", "- **C.** x", "  - y"], "A", r"options are A, C"),
        ("predict", ["?", "- **A.** x", "- **B.** x", "  - y"], "A", r"item A has no reply"),
        ("predict", ["?", "- **A.**", "  - y", "- **B.** x", "  - y"], "A", r"item A has no text"),
        ("riddle", OPTIONS, "A", r"a question is 'riddle', expected one of choice, number"),
        ("number", ["?", "- **2**", "  - y"], "", r"'' is not a number"),
        ("number", ["?", "- **two**", "  - y"], "2", r"'two' is not a number"),
        ("number", ["?", "- **2** text", "  - y"], "2", r"item 2 has a text"),
        ("number", ["?", "- **2**"], "2", r"item 2 has no reply"),
        ("order", ["?", "1. a", "2. b"], "", r"at least three items"),
        ("order", ["?", "1. a", "2. b", "3. c"], "1", r"an order has no option answer"),
        ("set", ["?", "- **else**", "  - y"], "n is 4", r"'n is 4' is not a condition"),
        ("set", ["?", "- **m >**", "  - y"], "n = 4", r"'m >' is not a condition"),
    ],
)
def test_a_question_that_cannot_be_put_is_refused(
    kind: str, body: list[str], answer: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        asking.read(kind, body, {"answer": answer} if answer else {})


def test_an_order_is_shown_shuffled_and_the_same_each_time() -> None:
    asked = asking.read("order", ["?", "1. a", "2. b", "3. c"], {})
    for label in map(str, range(50)):
        assert asked.order(label) == asked.order(label) != [0, 1, 2]
        assert sorted(asked.order(label)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "value"), [("12", 12), ("-0.5", -0.5), ("−2", -2), ("1/4", 0.25), ("1e-3", 1e-3)]
)
def test_numbers_are_read_as_they_are_written(text: str, value: float) -> None:
    assert asking.number(text) == value


# --- which code is for the eye --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sources", "kinds"),
    [
        (["import torch"], ["scaffolding"]),
        (["x = 1\nplt.plot(x)"], ["scaffolding"]),
        (["Markdown(text)"], ["scaffolding"]),
        (["from dsf.widgets import A\nA()"], ["scaffolding"]),
        (["x = 1"], ["shown"]),
        (["check.same(x, y)"], ["check"]),
        (["z = x @ y\nfor i in range(3):\n    check.same(z[i], x)"], ["check"]),
        (["check.same(x, y)\nprint(x)"], ["shown"]),
        (["check.same(x, y)\nx"], ["shown"]),
        (["mine = None\nif mine is not None:\n    check.same(mine, x)"], ["shown"]),
        (["z = x + y\ncheck.same(z, x)", "w = z"], ["shown", "shown"]),
        (["z = x + y\ncheck.same(z, x)", "z = 1\nw = z"], ["check", "shown"]),
        (["z = x + y\ncheck.same(z, x)", "z = z + 1"], ["shown", "shown"]),
        (["def f(a):\n    return a\n\n\ncheck.same(f(x), x)", "f(3)"], ["shown", "shown"]),
        (["check.same([z for z in x], x)", "print(z)"], ["check", "shown"]),
        (["%pip install x", "check.same(x, y)"], ["shown", "check"]),
        (["assert x"], ["shown"]),
    ],
)
def test_cells_are_told_apart_by_what_they_do(sources: list[str], kinds: list[str]) -> None:
    assert code.kinds(sources) == kinds


CELLS = """\
```{code-cell}
import math
from dsf import check
```

```{code-cell}
x = math.pi - 3
x
```

```{code-cell}
y = x + 3
check.same(y, math.pi, name="π by hand")
check.same(y, y, name="itself")
```
"""


def test_imports_fold_and_a_check_is_a_line_that_opens_its_cell(
    build: Callable[..., Build],
) -> None:
    built = build(CELLS, execute="force")
    assert built.warnings == ""
    imports, plain, check = built.page().select(".cell")
    assert "import math" in one(imports, "details").get_text()
    assert not plain.select("details")
    assert "0.14" in one(plain, ".cell_output").get_text()
    badges = [badge.get_text() for badge in check.select("details > summary > .badge")]
    assert badges == ["✓ π by hand · 0", "✓ itself · 0"]
    assert "y = x + 3" in one(check, "details > .cell_input").get_text()
    assert not check.select(".cell_output")


# --- how long it takes ----------------------------------------------------------------------------


def chapter_time(folder: Path, text: str) -> tuple[reading.Counts, reading.Time]:
    path = folder / "01-test.md"
    path.write_text(HEAD + text, "utf-8")
    chapter = read_chapter(path)
    return reading.counts(chapter), reading.time(chapter)


def test_the_time_is_that_of_what_stands_open(tmp_path: Path) -> None:
    counts, _ = chapter_time(
        tmp_path,
        "Two words and $x$, see {eq}`a`.\n\n$$\ny\n$$\n\n"
        "```{code-cell}\na = 1\n\nb = 2\n```\n\n```{code-cell}\nimport x\n```\n\n"
        "```{code-cell}\nb = 3\ncheck.same(b, 3)\n```\n\n"
        ":::{admonition} Aside\n:class: dropdown\n\nmany words\n:::\n\n"
        ":::{deeper} Aside\nmany words\n:::\n\n"
        "```{deeper-start} Aside\n```\n\nmany words\n\n```{deeper-end}\n```\n\n" + PREDICT,
    )
    # Test; Two words and see reference; What falls faster, The feather, Neither, There is no air,
    # Both have the same.
    assert counts == reading.Counts(words=1 + 5 + 3 + 2 + 1 + 4 + 4, inline=3, displayed=1, lines=3)


def test_minutes_follow_the_standard(tmp_path: Path) -> None:
    counts = reading.Counts(words=200, inline=20, displayed=3, lines=30)
    assert counts.minutes == pytest.approx(1 + 1 + 1 + 1)
    exercise = "```{exercise} E\n:label: ex:e\n\n*Pencil, 15 minutes, objective 1.* Do.\n```\n\n"
    text = exercise + exercise.replace("ex:e", "ex:f").replace("15", "20")
    assert str(chapter_time(tmp_path, text)[1]) == "1 minute to read, exercises 35 minutes"
    with pytest.raises(
        notebooks.ChapterError, match=r"01-test\.md:8: the first line of an exercise"
    ):
        chapter_time(tmp_path, "```{exercise} E\nDo.\n```")


# --- the pages ------------------------------------------------------------------------------------


def test_a_prediction_is_complete_without_a_script(build: Callable[..., Build]) -> None:
    built = build(PREDICT)
    assert built.warnings == ""
    page = built.page()
    block = one(page, ".ask.predict")
    assert block["data-key"] == "chapters/01-test#ask-fall"
    assert block.select(".options > li")[0].get_text().strip() == "A. The feather"
    answer = one(block, "details.answer")
    assert not answer.has_attr("open")
    assert [li["class"] for li in answer.select(".replies > li")] == [["wrong"], ["right"]]
    assert "Both have the same" in one(answer, ".revealed").get_text()
    assert len(page.select('script[src*="lead.js"][defer]')) == 1


def test_a_page_that_asks_nothing_loads_no_script_for_it(build: Callable[..., Build]) -> None:
    assert not build("Text.").page().select('script[src*="lead.js"]')


GATED = """\
```{predict-start}
:label: ask:gate
:answer: A

Why?

- **A.** So.
  - Yes.
- **B.** No.
  - No.

$$
x
$$ (eq:x)
```

Between.

```{code-cell}
y = 1
```

```{predict-end}
```

After, by {eq}`eq:x`.
"""


def test_cells_between_start_and_end_stand_in_the_answer(build: Callable[..., Build]) -> None:
    built = build(GATED)
    assert built.warnings == ""
    page = built.page()
    inside = one(page, "details.answer > .revealed")
    assert "Between." in inside.get_text()
    assert "y = 1" in one(inside, ".cell").get_text()
    assert "After, by (1)" in one(page, "section > p:last-child").get_text()


def test_a_deeper_box_folds_text_and_cells(build: Callable[..., Build]) -> None:
    cell = "```{code-cell}\ny = 1\n```"
    built = build(
        f"```{{deeper-start}} Why $x$\n```\n\nText.\n\n{cell}\n\n```{{deeper-end}}\n```\n"
    )
    assert built.warnings == ""
    box = one(built.page(), "details.deeper")
    assert one(box, "summary").get_text().startswith("Deeper: Why")
    assert "y = 1" in one(box, ".cell").get_text()


def test_a_setter_leads_to_its_figure_and_knows_the_state(
    build: Callable[..., Build],
) -> None:
    built = build(f"{small_book.figure()}\nSee {{set}}`it <it: n=2, text=a b>`.\n\n{TOUR}\n{SET}")
    assert built.warnings == ""
    page = built.page()
    link = page.select("a.set")[0]
    assert (link["href"], link["data-set"]) == ("#it", "n=2,text=a%20b")
    assert len(page.select(".tour > ol > li")) == 2
    assert json.loads(str(one(page, ".ask.set")["data-right"])) == [["n", ">=", 3.0]]


@pytest.mark.parametrize(
    ("source", "warning"),
    [
        (PREDICT.replace("answer: B", "answer: C"), r"01-test\.md:8: .*answer is 'C', expected"),
        (PREDICT.replace(":label: ask:fall\n", ""), r"01-test\.md:8: .*has no label"),
        (PREDICT + "\n" + PREDICT, r"01-test\.md:\d\d: .*the label ask:fall is taken"),
        (GATED.replace("```{predict-end}\n```\n", ""), r"01-test\.md:8: .*never closed"),
        ("```{predict-end}\n```\n", r"01-test\.md:8: .*closes nothing"),
        (SET, r"01-test\.md:8: .*the page has no figure it, only none"),
        ("{set}`it <it: n=2>`", r"01-test\.md:8: .*the page has no figure it"),
        ("{set}`it <it: n>`", r"01-test\.md:8: .*'n' is not of the form name=value"),
        ("{set}`it`", r"01-test\.md:8: .*expected 'text <figure-id: name=value"),
        (":::{tour}\n- {set}`a <it: n=1>`\n:::", r"01-test\.md:8: .*a numbered list"),
    ],
)
def test_mistakes_are_warnings_that_name_the_place(
    tmp_path: Path, source: str, warning: str
) -> None:
    with contextlib.suppress(notebooks.ChapterError):
        assert re.search(warning, Build(tmp_path, {"01-test": source}).warnings)


# --- the pages of the book ------------------------------------------------------------------------


@pytest.mark.book
def test_no_visible_cell_imports_or_draws(chapters: dict[Path, BeautifulSoup]) -> None:
    visible = 0
    for path, page in chapters.items():
        for cell in page.select(".cell_input"):
            if cell.find_parent("details", class_=["hide", "check"]):
                continue
            visible += 1
            tree = code.parsed(cell.get_text())
            assert tree is None or not code.is_scaffolding(tree), f"{path.name}: {cell.get_text()}"
    assert visible > 50


@pytest.mark.book
def test_the_time_on_a_page_is_that_of_what_the_page_shows(
    chapters: dict[Path, BeautifulSoup],
) -> None:
    for path, page in chapters.items():
        facts = one(page, ".chapter-facts").get_text()
        minutes = re.search(r"(\d+) minutes to read, exercises (\d+) minutes", facts)
        assert minutes, path.name
        article = BeautifulSoup(str(one(page, "article")), "html.parser")
        away = ".exercise, .solution, .launch, .headerlink, figure.dsf-widget"
        printed = ".cell_output :is(pre, .table-box)"  # which the source does not know
        folded = "details:not(.answer, .check), .replies > .wrong, .answer > summary, script, style"
        for tag in article.select(f"{away}, {folded}, {printed}"):
            tag.decompose()
        lines = sum(
            1
            for block in article.select(".cell_input")
            if not block.find_parent("details", class_="check")
            for line in block.get_text().splitlines()
            if line.strip()
        ) + len(article.select("details.check"))
        displayed = len(article.select(".math.equation"))
        inline = len(article.select("span.math"))
        for tag in article.select("pre, .math, svg"):
            tag.decompose()
        words = len(reading.WORD.findall(article.get_text(" ")))
        shown = reading.Counts(words, inline, displayed, lines).minutes
        assert int(minutes[1]) == pytest.approx(shown, abs=1), path.name


def test_the_script_is_small() -> None:
    script = small_book.ROOT / "book" / "static" / "lead.js"
    assert len(gzip.compress(script.read_bytes(), mtime=0)) <= 8_000
