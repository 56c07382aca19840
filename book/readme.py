"""What the README says of addresses, chapters and results: made with the notebooks.

It stands between `<!-- made: name -->` and `<!-- end -->`, so that it is never typed.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from book import settings
from book.notebooks.book import Book
from dsf.results import cells, recorded
from dsf.train import TrainConfig

MADE = re.compile(r"(?P<head><!-- made: (?P<name>\w+) -->\n).*?(?P<end><!-- end -->)", re.S)
FREE = {"mixer", "n", "learning_rate"}  # what differs between the runs that are compared


def generate(root: Path = settings.ROOT) -> dict[Path, str]:
    """The text of the README, by its path.

    Raises:
        KeyError: It asks for what is not made.
    """
    path = root / "README.md"
    book = Book.read(root)
    made = {"links": links(book), "chapters": chapters(book), "result": result(book)}
    text = path.read_text(encoding="utf-8")
    return {path: MADE.sub(lambda m: f"{m['head']}{made[m['name']]}\n{m['end']}", text)}


def page(book: Book, name: str) -> str:
    """Where a chapter is read: on the site, or in this folder as long as there is none."""
    site = book.settings.site
    return f"{site}chapters/{name}.html" if site else f"chapters/{name}.md"


def links(book: Book) -> str:
    """Where the book is read and run."""
    path = f"chapters/{next(iter(book.chapters))}.ipynb"
    site = book.settings.site
    return " · ".join(
        [
            *([f"**[Read the book]({site})**"] if site else []),
            f"[Run it on Binder]({book.settings.binder_url(path)})",
            f"[Run it in Colab]({book.settings.colab_url(path)})",
        ]
    )


def chapters(book: Book) -> str:
    """The chapters, each to be read and to be run."""
    lines = ["| | chapter | run it |", "|---|---|---|"]
    for name, chapter in book.chapters.items():
        path = f"chapters/{name}.ipynb"
        run = (
            f"[Binder]({book.settings.binder_url(path)}) · [Colab]({book.settings.colab_url(path)})"
        )
        lines.append(f"| {chapter.number} | [{chapter.title}]({page(book, name)}) | {run} |")
    return "\n".join(lines)


def result(book: Book) -> str:
    """What state expansion buys, from the recorded runs of chapter 10."""
    task = vars(TrainConfig())
    found = {
        (cell.config["mixer"], cell.config["n"]): cell
        for cell in cells(recorded("mqar"))
        if all(cell.config[name] == task[name] for name in cell.config.keys() - FREE)
    }
    sizes = sorted(n for mixer, n in found if mixer == "linear")
    few, many = (found["linear", n] for n in (sizes[0], sizes[-1]))
    least = math.floor(1000 * min(found["softmax", n].mean for n in sizes)) / 1000
    chapter = next(name for name, found in book.chapters.items() if found.number == 10)
    return (
        f"**One result.** Trained to recall {task['num_kv_pairs']} key-value pairs from "
        f"{task['seq_len']} tokens, linear attention has\na test accuracy of {few.mean:.2f} with "
        f"n = {sizes[0]} and of {many.mean:.2f} with n = {sizes[-1]}; softmax attention,\n"
        f"which keeps every key and value, of at least {least} at every n from {sizes[0]} to "
        f"{sizes[-1]} (recorded runs,\nmeans over {len(few.seeds)} seeds, "
        f"[chapter 10]({page(book, chapter)}))."
    )
