"""PDF of the pages that are to be printed, by the Chrome or Chromium of this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

# The shell draws pages as Chromium does, without the windows around them.
BROWSERS = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "chrome"),
)


def browser() -> str | None:
    """The program of a Chrome or Chromium, if there is one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def write(pages: Path, out: Path) -> list[Path]:
    """Print the pages of a folder, one file each; say so where there is no browser.

    Args:
        pages: folder of the pages.
        out: folder for the files, made anew.

    Returns:
        The files.

    Raises:
        RuntimeError: the browser did not print a page.
    """
    program = browser()
    if program is None:
        print("No Chrome or Chromium here: open the pages in a browser and print them.")
        return []
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    files = []
    for page in sorted(pages.glob("*.html")):
        file = out / f"{page.stem}.pdf"
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        command = [program, *flags, f"--print-to-pdf={file}", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if not file.exists():
            raise RuntimeError(f"{program} did not print {page.name}:\n{done.stderr[-2000:]}")
        files.append(file)
    print(f"PDF: {out}")
    return files
