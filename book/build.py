"""Build the pages: `python -m book.build`, with `--strict` as the checks do it.

`--without-solutions` and `--print` write other editions of the book (`book.editions`).

The cache of executed notebooks looks at a notebook's own code only, and Sphinx at its sources only.
A change in the package makes the first stale, a change in this folder the second, so each carries
a fingerprint of what it was made with and is emptied when that differs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from book import editions, pdf, settings

ROOT = settings.ROOT
OUT = ROOT / "_build"
KERNEL_CONFIG = """\
# Pictures of the pages: vector graphics without a background, the same on every build.
c = get_config()
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.print_figure_kwargs = {
    "bbox_inches": "tight",
    "facecolor": "none",
    "metadata": {"Date": None},
}
c.HistoryManager.enabled = False
c.IPKernelApp.log_level = "ERROR"
"""


def _fingerprint(root: Path, names: tuple[str, ...]) -> str:
    """A digest of the files and folders `names` under `root`, and of the interpreter."""
    digest = hashlib.sha256((sys.version + KERNEL_CONFIG).encode())
    for name in names:
        top = root / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()


def drop_stale(root: Path = ROOT, out: Path = OUT) -> list[str]:
    """Remove from `out` what was made with another state of the package or of this folder.

    Returns:
        The names of what was stale: `executions`, `pages`, both or none.
    """
    kinds = {
        "executions": (
            ("dsf", "pyproject.toml", "requirements.txt", "binder/install-torch.sh"),
            [".jupyter_cache"],
        ),
        "pages": (("book", "requirements.txt"), [*editions.EDITIONS]),
    }
    stale = []
    for kind, (sources, products) in kinds.items():
        stamp = out / f".{kind}-made-with"
        current = _fingerprint(root, sources)
        if stamp.exists() and stamp.read_text() == current:
            continue
        for name in [".doctrees", *products]:
            shutil.rmtree(out / name, ignore_errors=True)
        out.mkdir(parents=True, exist_ok=True)
        stamp.write_text(current)
        stale.append(kind)
    return stale


def kernel_environment(out: Path = OUT) -> dict[str, str]:
    """The environment of the kernels: the book's own IPython settings, not the user's."""
    profile = out / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL_CONFIG, encoding="utf-8")
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "IPYTHONDIR": str(out / "ipython"),
        # A list of fonts of its own: another environment's may name files that are gone.
        "MPLCONFIGDIR": str(out / "matplotlib"),
        "PLOTLY_RENDERER": "browser",  # nothing in the notebook: pages take `Interactive.html`
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONPATH": os.pathsep.join(path),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        # Threads of small matrices gain a sixth on a quiet machine; where another program wants a
        # core they wait for each other, and a chapter of 33 s takes 270.
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }


def build(strict: bool, edition: editions.Edition = editions.EDITIONS["html"]) -> int:
    """Execute the notebooks and write the pages to `_build/html`, or to the folder of an edition.

    Args:
        strict: Treat warnings and unresolved references as errors.
        edition: With or without solutions, for a screen or for paper.

    Returns:
        The exit status: 0 when the pages are good.
    """
    if "executions" in drop_stale():
        print("The package is new or has changed: every notebook will be executed.")
    environment = kernel_environment()
    subprocess.run([sys.executable, "-m", "book.execute"], env=environment, check=False)
    command = [sys.executable, "-m", "book.editions", edition.folder]
    command += ["--strict"] if strict else []
    status = subprocess.run(command, env=environment, check=False).returncode
    folder = OUT / edition.folder
    if status == 0 and edition.paper:
        print(f"\nTo print: {folder / 'chapters'}")
        pdf.write(folder / "chapters", OUT / f"{edition.folder}-pdf")
    elif status == 0:
        print(f"\nThe book: {(folder / 'index.html').as_uri()}")
        if edition.folder == "html":
            print("On localhost: make serve")
        if settings.load().is_unset:
            print(
                "Reminder: repository.url in _config.yml is still an example; "
                "the Binder and Colab links lead nowhere, and the pages have no canonical "
                "address and no picture for other sites, until it is set."
            )
    return status


def main() -> int:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="warnings are errors")
    parser.add_argument(
        "--without-solutions",
        action="store_true",
        help="leave solutions and notes for teachers out of pages, notebooks and search",
    )
    parser.add_argument(
        "--print",
        action="store_true",
        help="a page a chapter to be printed, answers at its end; PDF where there is a Chromium",
    )
    wanted = parser.parse_args()
    return build(wanted.strict, editions.named(not wanted.without_solutions, wanted.print))


if __name__ == "__main__":
    sys.exit(main())
