"""Notebooks are executed side by side, before Sphinx asks for them."""

from pathlib import Path

import pytest

pytest.importorskip("jupyter_book", reason="requirements.txt is not installed")

from small_book import HEAD, Build

from book import execute

# Each writes its own file and waits for that of the other: one after the other they would not end.
MEETS = """\
```{{code-cell}} ipython3
import time
from pathlib import Path

Path("{mine}").touch()
while not Path("{other}").exists():
    time.sleep(0.05)
print("met")
```
"""
FAILS = """\
```{code-cell} ipython3
1 / 0
```
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("book")
    (root / "chapters").mkdir()
    (root / "_config.yml").write_text("execute: {timeout: 60}", "utf-8")
    chapters = {
        "one": MEETS.format(mine="1", other="2"),
        "two": MEETS.format(mine="2", other="1"),
        "three": FAILS,
    }
    for name, text in chapters.items():
        (root / "chapters" / f"{name}.md").write_text(HEAD + text, "utf-8")
    (root / "README.md").write_text("No notebook", "utf-8")
    return root


def test_side_by_side_and_once(
    book: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    failing = book / "chapters" / "three.md"
    assert execute.execute(book, book / "_build") == [failing]
    assert capsys.readouterr().out.count("executed chapters/") == 2
    assert execute.execute(book, book / "_build") == [failing], "only what failed is tried again"
    assert "(1 of 1)" in capsys.readouterr().out


TWO_CELLS = """\
```{code-cell} ipython3
:tags: [notebook-only]

1 / 0
```

```{code-cell} ipython3
print("in the page")
```
"""


@pytest.mark.book
def test_it_executes_what_sphinx_would(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = Build(tmp_path, {"01-test": TWO_CELLS}, execute="cache")
    assert "in the page" in book.page().text
    assert execute.execute(tmp_path, tmp_path) == []
    assert capsys.readouterr().out == "", "all is in the cache that Sphinx has filled"
