"""The examples of docstrings: run when the pages are built, and by the tests.

They stand in the section `Example:` as one would type them after `import dsf, torch`, each with
what it gives.
"""

from __future__ import annotations

import doctest
import io
from typing import Any

import torch

import dsf


def report(name: str, docstring: str, found: dict[str, Any] | None = None) -> str:
    """What goes wrong when the examples of a docstring are run, as `doctest` says it; else nothing.

    Args:
        name: Of what the docstring belongs to.
        docstring: It.
        found: What an example finds, instead of `dsf` and `torch`.
    """
    known = {"dsf": dsf, "torch": torch} if found is None else found
    test = doctest.DocTestParser().get_doctest(docstring, dict(known), name, None, None)
    said = io.StringIO()
    doctest.DocTestRunner(verbose=False).run(test, out=said.write)
    return said.getvalue()
