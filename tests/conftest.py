import functools
import http.server
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from hypothesis import settings

from book import bundle, pdf
from dsf.results import Cell
from dsf.train import TrainConfig

# Small tensors: threads cost more than they bring, and results do not depend on the machine.
torch.set_num_threads(1)

# The first call into PyTorch is slow, which says nothing about the code under test.
settings.register_profile("dsf", deadline=None, max_examples=25, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dsf"))


def pytest_configure(config: pytest.Config) -> None:
    # Where processes share the tests, each takes the next file; not those with most tests first.
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that no process is left with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


def is_trouble(line: str) -> bool:
    return any(word in line for word in ("WARNING", "ERROR", "Error", "Exception"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages, built as `make test` builds them, which says that it has."""
    root = Path(__file__).parent.parent
    if os.environ.get("SITE_BUILT"):
        return root / "_build" / "html"
    pytest.importorskip("jupyter_book", reason="pages not built: requirements.txt is not installed")
    command = [sys.executable, "-m", "book.build", "--strict"]
    # Of the processes that share a run the first builds, and the others wait for it.
    shared = tmp_path_factory.getbasetemp().parent
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", os.getpid())
    built = shared / f"site-{run}.built"
    with FileLock(shared / "site.lock"):
        if not built.exists():
            done = subprocess.run(command, cwd=root, capture_output=True, text=True)
            if done.returncode:
                lines = (done.stdout + done.stderr).splitlines()
                trouble = ["the book does not build:", *filter(is_trouble, lines)]
                pytest.fail("\n".join(trouble), False)
            built.touch()
    return root / "_build" / "html"


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A server on this machine: its address, and the paths it is asked for."""
    asked: list[str] = []

    class Server(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            asked.append(self.path)

    handler = functools.partial(Server, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}", asked
        httpd.shutdown()


@pytest.fixture(scope="module")
def server(site: Path) -> Iterator[str]:
    """The address of a server that has the pages."""
    with serving(site) as (address, _):
        yield address


@pytest.fixture(params=["file", "server"])
def base(request: pytest.FixtureRequest, site: Path, server: str) -> str:
    """Where the pages are: the address of their folder, or of a server that has it."""
    return site.as_uri() if request.param == "file" else server


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Another host: its address, and what it is asked for."""
    with serving(tmp_path) as (address, asked):
        yield address, asked


@pytest.fixture
def cells() -> list[Cell]:
    """Made-up results: a mixer nobody knows, starts, steps, other tasks, runs that diverged."""
    found = []

    def add(mixer: str, n: int, accuracy: tuple[float, ...], **other: Any) -> None:
        config = {**vars(TrainConfig()), **other, "mixer": mixer, "n": n}
        seeds = tuple(range(len(accuracy)))
        ends = [0.0 if math.isnan(score) else score for score in accuracy]
        courses = tuple(((50, 0.1), (100, round(end, 3))) for end in ends)
        cell = Cell(config, 0.004, (0.002, 0.004), seeds, accuracy, 1, histories=courses)
        found.append(cell)

    for k, n in enumerate((4, 16, 64)):
        add("softmax", n, (0.9995, 1.0, 1.0))
        for d in (32, 64):
            add("linear", n, (0.12 + 0.3 * k, 0.2 + 0.3 * k, 0.15 + 0.003 * d), d_model=d)
    add("linear", 16, (0.9, 0.95, 0.96), steps=4000)
    add("linear", 16, (0.8125, 0.0625), num_kv_pairs=4)
    add("s6", 4, (0.5, math.nan, 0.7))
    add("s6", 16, (math.nan, math.nan, math.nan))
    add("s6", 4, (0.99, 0.98, 0.97), start="slow poles, long steps")
    add("ssd", 4, (0.16, 0.14, 0.17), start="slow")
    add("mixer_of_next_year", 4, (0.3,))
    add("rg_lru", 1, (0.123, 0.124))
    add("linear", 16, (0.5,), warmup=0.5)  # this and the next are of another experiment
    add("qlstm", 1, (0.6,), seq_len=16, num_kv_pairs=2, vocab_size=32, num_layers=2)
    return found


@pytest.fixture(scope="module")  # not longer: Playwright's event loop would bar others from theirs
def browser() -> Iterator[Any]:
    """Whatever Chrome or Chromium this machine has."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = pdf.browser()
    if program is None:
        pytest.skip("browser checks skipped: neither Chrome nor Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        # Else the shell rounds the widths of letters to pixels, as no screen of today does.
        arguments = ["--no-sandbox", "--font-render-hinting=none"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that looks for what keeps readers out."""
    try:
        return (bundle.npm_package("axe-core") / "axe.min.js").read_text(encoding="utf-8")
    except bundle.PackageMissingError as error:
        pytest.skip(f"axe not run: {error}")
