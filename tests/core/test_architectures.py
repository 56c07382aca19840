"""The registry is complete and honest."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import pad

import dsf
from dsf import ARCHITECTURES, LowRankSystem, System

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
def test_the_state_has_the_size_that_the_table_says(name):
    entry = ARCHITECTURES[name]
    for n, d in ((3, 2), (2, 7)):
        system = entry.system(**entry.example(9, n, d).system)
        assert isinstance(system, System)
        size = system.state_size or system.n * d
        expected = {"nd": n * d, "d": d, r"\infty": size}[entry.state_size]
        assert size == expected


@pytest.mark.parametrize("name", NAMES)
def test_transitions_are_of_the_kind_that_the_table_says(name):
    """Counted in the full matrices of the paper."""
    entry = ARCHITECTURES[name]
    system = entry.system(**entry.example(9, 3, 2, (), 0, torch.float64).system)
    full = system.dense(2).transition[-1]
    off = full - torch.diag(full.diagonal())
    assert entry.is_diagonal == (off.abs().max().item() == 0)
    if entry.is_diagonal:
        values = len({complex(x) for x in full.diagonal().tolist()})
        assert values == {"1": 1, "d": 2, "n": 3, "nd": 6}[entry.distinct]


def test_what_the_tables_say_of_the_papers_nine():
    said = {e.name: (e.state_size, e.distinct) for e in ARCHITECTURES.values() if e.chapter <= 8}
    assert said == {
        "softmax": (r"\infty", "1"),
        **dict.fromkeys(("linear", "normalized", "ssd"), ("nd", "1")),
        **dict.fromkeys(("s4d", "s6"), ("nd", "nd")),
        **dict.fromkeys(("qlstm", "qlstm_reversed", "rg_lru"), ("d", "d")),
    }


def test_a_system_of_each_class_can_be_an_entry():
    """What the tables say is read off the system, whatever its class."""
    entry = ARCHITECTURES["ssd"]

    def low_rank(**arguments):
        plain = entry.system(**arguments)
        b, c = plain.input, plain.output
        return LowRankSystem(plain.transition.squeeze(-1), b, c, b, c, plain.feedthrough)

    for system, kind in ((low_rank, "1 + 2n"), (lambda **x: entry.system(**x).dense(), "N^2")):
        other = replace(entry, name="other", system=system)
        assert (other.state_size, other.distinct, other.is_diagonal) == ("nd", kind, False)

    def wider(b, c, **arguments):
        return entry.system(b=pad(b, (0, 1)), c=pad(c, (0, 1)), **arguments)

    strange = replace(entry, system=wider)
    with pytest.raises(ValueError, match=r"^system of ssd has state sizes"):
        _ = strange.state_size


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
