"""Derivations in steps: the source, the page, the notebook, the colours."""

import contextlib
import json
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from book import notebooks

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from contrast import contrast
from small_book import Build

from book.palette import palette
from book.sphinx.derivation import PARTS, colored

DERIVATION = r"""
````{derivation}
```{step} Choose
The state:

$$
h_i = \frac{1}{\eta_i} x_i
$$ (eq:one)

So $\Lambda_i = 1$.
```

```{step} Multiply
By {eq}`eq:one`:

$$
\eta_i h_i = x_i
$$ (eq:two)
```
````

By {eq}`eq:two`.
"""
GATED = r"""
```{derivation-start}
```

```{step} Choose
The state:

$$
h_i = x_i
$$ (eq:one)
```

```{code-cell}
from dsf import check
```

More.

```{step} Read
The output:

$$
y_i = h_i
$$ (eq:two)
```

```{code-cell}
check.same(1, 1, name="y")
```

```{derivation-end}
```

After.
"""


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"\Lambda_i", r"\htmlClass{part-decay}{\Lambda_i}"),
        (r"\eta_{i-1}\eta", r"\htmlClass{part-norm}{\eta_{i-1}}\htmlClass{part-norm}{\eta}"),
        (r"B'_i u_i", r"\htmlClass{part-write}{B'_i} u_i"),
        (r"C_i^{-1}", r"\htmlClass{part-read}{C_i^{-1}}"),
        (r"\lambda^{i-j} h", r"\htmlClass{part-decay}{\lambda^{i-j}} h"),
        (r"\theta \beta \C \Big( AB BA", r"\theta \beta \C \Big( AB BA"),
        (r"\begin{Bmatrix} x_B \end{Bmatrix}", None),
    ],
)
def test_letters_are_colored_with_their_indices(tex: str, expected: str | None) -> None:
    if expected is None:
        assert r"\begin{Bmatrix}" in colored(tex)
    else:
        assert colored(tex) == expected


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colored_letters_can_be_read(theme: str) -> None:
    colors = palette(theme)
    for part in PARTS.values():
        for paper in ("page", "panel"):
            assert contrast(colors[part], colors[paper]) >= 4.5, (part, paper)


def test_all_steps_stand_in_the_page_each_with_its_equation(tmp_path: Path) -> None:
    built = Build(tmp_path, {"01-test": DERIVATION})
    assert built.warnings == ""
    page = built.page()
    (block,) = page.select(".derivation")
    steps = block.select(":scope > .step")
    assert [step.strong.get_text() for step in steps] == ["Choose.", "Multiply."]
    assert [len(step.select(":scope > .equation .part-norm")) for step in steps] == [1, 1]
    assert steps[0].select(".more .part-decay")
    assert [step.select_one(".eqno").get_text() for step in steps] == ["(1)", "(2)"]
    assert block.find_next_sibling("p").get_text() == "By (2)."
    assert len(page.select('script[src*="derivation.js"][defer]')) == 1


def test_what_stands_between_two_steps_belongs_to_the_first(tmp_path: Path) -> None:
    built = Build(tmp_path, {"01-test": GATED}, execute="force")
    assert built.warnings == ""
    page = built.page()
    first, second = page.select(".derivation > .step")
    assert first.select(".more .cell")
    assert "More." in first.select_one(".more").get_text()
    assert second.select_one(".more .badge").get_text() == "✓ y · 0"
    assert page.find("p", string="After.").find_parent(class_="derivation") is None


def test_a_page_without_a_derivation_does_not_load_its_script(tmp_path: Path) -> None:
    assert not Build(tmp_path, {"01-test": "Text."}).page().select('script[src*="derivation.js"]')


def test_in_the_notebook_the_steps_are_plain_markdown(tmp_path: Path) -> None:
    Build(tmp_path, {"01-test": DERIVATION})
    (text,) = notebooks.generate(tmp_path).values()
    cells = json.loads(text)["cells"]
    source = "".join(cells[-1]["source"])
    assert "**Choose.** The state:\n\n$$\nh_i = \\frac{1}{\\eta_i} x_i \\tag{1.1}\n$$" in source
    assert "**Multiply.** By (1.1):" in source
    assert "htmlClass" not in text


@pytest.mark.parametrize(
    ("source", "warning"),
    [
        (
            ":::{step} Alone\nText.\n\n$$\nx\n$$\n:::\n",
            r"01-test\.md:8: .*\{step\} stands outside of a \{derivation\}",
        ),
        (GATED.replace("```{derivation-end}\n```\n", ""), r"01-test\.md:9: .*never closed"),
        (DERIVATION.replace("$$ (eq:one)", "$$\n\n$$\nx\n$$"), r"01-test\.md:10: .*2 equations"),
        (DERIVATION.replace("The state:\n", ""), r"01-test\.md:10: .*expected a sentence"),
        (DERIVATION.partition("\n```{step} Multiply")[0] + "````\n", r"01-test\.md:9: .*two or"),
        (DERIVATION.replace("````{derivation}", "````{derivation}\nText.\n"), r"01-test\.md:9: "),
    ],
)
def test_mistakes_are_warnings_that_name_the_place(
    tmp_path: Path, source: str, warning: str
) -> None:
    with contextlib.suppress(notebooks.ChapterError):
        assert re.search(warning, Build(tmp_path, {"01-test": source}).warnings)


@pytest.mark.book
def test_the_derivations_of_the_book_hold_their_numbered_equations(
    chapters: dict[Path, BeautifulSoup],
) -> None:
    numbers = {
        path.name: [e.get_text() for e in page.select(".derivation .step .eqno")]
        for path, page in chapters.items()
    }
    assert any(numbers.values())
    for name, found in numbers.items():
        chapter = int(name[:2])
        assert all(re.fullmatch(rf"\({chapter}\.\d+\)", one) for one in found), name
        places = [int(one.strip("()").split(".")[1]) for one in found]
        assert places == sorted(set(places)), f"{name}: the steps are numbered in their order"
    for path, page in chapters.items():
        for step in page.select(".derivation > .step:has(.eqno)"):
            seen = step.select(".badge") or "✓" in step.get_text()  # folded, or beside its code
            assert seen, f"{path.name}: {step.strong}"
