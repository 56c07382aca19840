"""The numbers of chapters, which their files carry in their names."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_external_toc.collectors import TocTreeCollectorWithStyles

CHAPTER = re.compile(r"chapters/(\d\d)-")


def number_chapters_by_file_name() -> None:
    """Let `chapters/03-name` be chapter 3, whatever stands before it in the table of contents."""
    original = TocTreeCollectorWithStyles.assign_section_numbers

    def assign(self: TocTreeCollectorWithStyles, env: Any) -> list[str]:
        before = {doc: dict(numbers) for doc, numbers in env.toc_secnumbers.items()}
        original(self, env)
        for doc, numbers in env.toc_secnumbers.items():
            match = CHAPTER.match(doc)
            if not match:
                continue
            chapter = int(match[1])
            for anchor, number in numbers.items():
                if number:
                    numbers[anchor] = (chapter, *number[1:])
            renumber = [env.titles[doc], *env.tocs[doc].findall(nodes.reference)]
            for node in renumber:
                if node.get("secnumber"):
                    node["secnumber"] = [chapter, *node["secnumber"][1:]]
        return [doc for doc, numbers in env.toc_secnumbers.items() if numbers != before.get(doc)]

    TocTreeCollectorWithStyles.assign_section_numbers = assign


def setup(app: Sphinx) -> None:
    """Register with Sphinx."""
    number_chapters_by_file_name()
