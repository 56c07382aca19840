"""The examples of the docstrings give what they say."""

import importlib
import inspect
from collections.abc import Iterator
from pkgutil import walk_packages

import pytest

import dsf
from book import examples


def documented() -> Iterator[tuple[str, str]]:
    """Everything in the package with an example, by name."""
    for found in walk_packages(dsf.__path__, "dsf."):
        if found.name.startswith("dsf.widgets") or found.name == "dsf.__main__":
            continue
        try:
            module = importlib.import_module(found.name)
        except ImportError:  # of an extra that is not installed
            continue
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", "") == found.name and ">>> " in (thing.__doc__ or ""):
                yield f"{found.name}.{name}", inspect.getdoc(thing) or ""


EXAMPLES = dict(documented())


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gives_what_it_says(name: str) -> None:
    assert examples.report(name, EXAMPLES[name]) == ""


def test_every_function_that_dsf_offers_has_an_example() -> None:
    functions = {n for n in dsf.__all__ if inspect.isfunction(getattr(dsf, n))}
    assert functions <= {name.rpartition(".")[2] for name in EXAMPLES}


def test_a_wrong_example_is_found() -> None:
    assert "Got:\n    2" in examples.report("f", ">>> 1 + 1\n3\n", {})
