"""The registry is complete and honest."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import dsf
from dsf import ARCHITECTURES

NAMES = sorted(ARCHITECTURES)


def test_names_are_the_keys():
    assert all(name == entry.name for name, entry in ARCHITECTURES.items())


@pytest.mark.parametrize("name", NAMES)
def test_example_is_reproducible_and_in_the_dtype_asked_for(name):
    entry = ARCHITECTURES[name]
    for dtype in (torch.float32, torch.float64):
        first, second = (entry.example(9, 3, 2, (2,), 4, dtype) for _ in range(2))
        assert first.u.dtype == dtype
        assert torch.equal(first.u, second.u)
        assert torch.equal(entry.native(**first.native), entry.native(**second.native))
        assert entry.native(**first.native).dtype == dtype
    other = entry.example(9, 3, 2, (2,), 5, torch.float64)
    assert not torch.equal(first.u, other.u)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": 0}, "length is 0, expected an integer >= 1"),
        ({"n": 2.0}, "n is 2.0, expected an integer"),
        ({"d": True}, "d is True, expected an integer"),
        ({"batch": 3}, "batch is 3, expected a tuple of lengths"),
        ({"batch": (2, 0)}, "batch is 0, expected an integer >= 1"),
        ({"seed": -1}, "seed is -1, expected an integer from 0 to"),
        ({"dtype": torch.int64}, "dtype is torch.int64, expected torch.float32 or torch.float64"),
    ],
)
def test_impossible_examples_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ARCHITECTURES["s6"].example(**{"length": 4, "n": 2, "d": 3, **change})


@pytest.mark.parametrize("name", NAMES)
def test_state_size_is_what_the_system_has(name):
    entry = ARCHITECTURES[name]
    system = entry.system(**entry.example(9, 3, 2).system)
    expected = {"nd": 3, "d": 1, r"\infty": system.n}[entry.state_size]
    assert system.n == expected


@pytest.mark.parametrize("name", NAMES)
def test_distinct_transitions_are_what_the_table_says(name):
    entry = ARCHITECTURES[name]
    shape = entry.system(**entry.example(9, 3, 2).system).transition.shape[-2:]
    assert shape == {"1": (1, 1), "d": (1, 2), "nd": (3, 2)}[entry.distinct]


@pytest.mark.parametrize("name", NAMES)
def test_paper_is_in_the_bibliography(name):
    bibliography = Path(__file__).parents[2] / "references.bib"
    keys = re.findall(r"@\w+\{([^,]+),", bibliography.read_text(encoding="utf-8"))
    assert ARCHITECTURES[name].paper in keys


def test_public_names_exist():
    assert all(hasattr(dsf, name) for name in dsf.__all__)


def test_import_brings_no_plotting():
    code = "import sys, dsf; print([m for m in ('matplotlib', 'plotly') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
