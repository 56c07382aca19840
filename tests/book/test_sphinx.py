"""The Sphinx extension, without a build."""

import base64
import hashlib
import re
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from docutils import nodes
from small_book import Build

from book.sphinx import docstrings, pages


def test_a_script_in_the_text_of_a_page_is_known_by_its_hash() -> None:
    page = (
        f'<meta content="{pages.POLICY}"><script type="application/json">{{}}</script>'
        '<script src="a.js"></script><script>first()</script><script type="text/javascript">\n'
        "if (1 < 2) second();\n</script>"
    )
    rules = BeautifulSoup(pages.with_policy(lambda: page), "html.parser").meta
    assert rules
    found = re.findall(r"'sha256-(.*?)'", str(rules["content"]))
    texts = ("first()", "\nif (1 < 2) second();\n")
    wanted = [base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in texts]
    assert sorted(found) == sorted(one.decode() for one in wanted)


def test_a_page_written_from_the_cache_knows_the_names_of_other_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "dsf.blocks", raising=False)
    place = {"refdomain": "py", "reftarget": "Tensor", "py:module": "dsf.blocks"}
    text = nodes.literal()
    assert docstrings.foreign_name(None, None, nodes.reference(**place), text) is text


def test_a_page_has_no_cell_for_an_exercise_in_code(tmp_path: Path) -> None:
    text = (
        "```{exercise} A loop\n:label: ex:loop\n\n*Code, 5 minutes.* Write it.\n```\n\n"
        "```{stub} la-recurrence\n```\n\nAfter it."
    )
    built = Build(tmp_path, {"01-test": text})
    page = built.page()
    assert "recurrent_attention" not in page.get_text()
    assert "la-recurrence" not in page.get_text()
    assert "After it." in page.get_text()
    notebook = (tmp_path / "chapters" / "01-test.ipynb").read_text("utf-8")
    assert "def recurrent_attention(q, k, v):" in notebook


def test_a_note_for_the_margin_stands_before_its_paragraph(tmp_path: Path) -> None:
    text = "```{margin}\nShapes: $n$, *d*\n```\n\nThe paragraph.\n"
    page = Build(tmp_path, {"01-test": text}).page()
    (note,) = page.select("aside.margin-note")
    assert note.em
    paragraph = note.find_next_sibling("p")
    assert paragraph
    assert paragraph.get_text() == "The paragraph."
