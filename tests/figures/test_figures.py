"""Pages with figures, built by Sphinx from notebooks that are executed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from book import bundle

CONF = """
extensions = ["myst_nb", "book.figures"]
nb_execution_mode = "force"
nb_execution_raise_on_error = True
html_theme = "basic"
exclude_patterns = ["out"]
"""
HEAD = "---\nfile_format: mystnb\nkernelspec: {name: python3}\n---\n"
WITH = f"""{HEAD}# With

```{{code-cell}} python3
from dsf.widgets import DecayAndMemory, DSFExplorer
DSFExplorer(n=8)
```

```{{code-cell}} python3
DecayAndMemory()
```
"""
WITHOUT = f"""{HEAD}# Without

```{{code-cell}} python3
1 + 1
```
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx", reason="pages not built: requirements.txt is not installed")
    folder = tmp_path_factory.mktemp("book")
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    toc = "# Start\n\n```{toctree}\nwith\nwithout\n```\n"
    for name, text in (("index", toc), ("with", WITH), ("without", WITHOUT)):
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    out = folder / "out"
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(folder), str(out)]
    done = subprocess.run(command, cwd=bundle.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


def test_page_takes_the_html_and_nothing_of_the_live_view(pages: Path) -> None:
    text = (pages / "with.html").read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    assert [figure["id"] for figure in page.find_all("figure")] == ["dsf-explorer", "dsf-decay"]
    assert all(figure.select_one(".dsf-still svg") for figure in page.find_all("figure"))
    assert "widget-state" not in text
    assert "widget-view" not in text
    assert "require" not in text


def test_page_loads_each_script_once(pages: Path) -> None:
    page = BeautifulSoup((pages / "with.html").read_text(encoding="utf-8"), "html.parser")
    scripts = [s for s in page.find_all("script", src=True) if "widgets/" in s["src"]]
    assert [re.sub(r".*/|\?.*", "", s["src"]) for s in scripts] == ["explorer.js", "decay.js"]
    for script in scripts:
        assert script.has_attr("defer")
        assert "module" not in script.get("type", ""), "modules do not load from files"
    for name in ("explorer.js", "decay.js"):
        copied = pages / "_static" / "widgets" / name
        assert copied.read_bytes() == (bundle.STATIC / name).read_bytes()


def test_other_pages_load_nothing(pages: Path) -> None:
    for name in ("index.html", "without.html"):
        assert "widgets/" not in (pages / name).read_text(encoding="utf-8")
