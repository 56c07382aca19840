"""Write what is made from the chapters: `python -m book.notebooks [--check]`.

Those are their notebooks, the README, and what they ask, for `dsf.classroom` and its assignments.
"""

from __future__ import annotations

import argparse
import sys

from book import readme, settings
from book.notebooks import ChapterError, differences, generate, questions, tasks


def main() -> int:
    """Write the files, or with `--check` say which are not in step with their sources."""
    parser = argparse.ArgumentParser("book.notebooks", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    check = parser.parse_args().check
    try:
        texts = generate() | questions.generate() | tasks.generate() | readme.generate()
    except ChapterError as error:
        print(error, file=sys.stderr)
        return 1
    if check:
        found = differences(texts)
        for line in found:
            print(line, file=sys.stderr)
        if found:
            print("Repair: make notebooks, then commit what it wrote.", file=sys.stderr)
        return 1 if found else 0
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            print(f"wrote {path.relative_to(settings.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
