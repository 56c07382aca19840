"""Author-year citations and the list of what was cited."""

from __future__ import annotations

from pathlib import Path

from pybtex.database import Person, parse_file
from pybtex.richtext import Text


def _decode(tex: str) -> str:
    """Text of a BibTeX field without its TeX."""
    return str(Text.from_latex(tex))


class Bibliography:
    """Author-year citations and the list of what was cited."""

    def __init__(self, path: Path) -> None:
        self.entries = parse_file(str(path)).entries

    def authors(self, key: str) -> str:
        """`Gu and Dao`, or `Sieber et al.` for more than two."""
        names = [self._last(person) for person in self.entries[key].persons["author"]]
        if len(names) > 2:
            return f"{names[0]} et al."
        return " and ".join(names)

    def year(self, key: str) -> str:
        """The year of the publication."""
        return str(self.entries[key].fields["year"])

    def full(self, key: str) -> str:
        """The line of the list of references."""
        entry = self.entries[key]
        people = entry.persons["author"]
        names = [
            " ".join([*map(_decode, [*p.first_names, *p.middle_names]), self._last(p)])
            for p in people
        ]
        parts = [f"{', '.join(names)} ({self.year(key)}). *{_decode(entry.fields['title'])}*."]
        for name in ("journal", "booktitle", "publisher", "howpublished"):
            if name in entry.fields:
                parts.append(f"{_decode(entry.fields[name])}.")
                break
        if "url" in entry.fields:
            parts.append(f"<{entry.fields['url']}>")
        return " ".join(parts)

    @staticmethod
    def _last(person: Person) -> str:
        return " ".join(map(_decode, [*person.prelast_names, *person.last_names]))
