"""Small sweeps for the tests: a grid, and ways to run it."""

import os
import time

from dsf import engines, results
from dsf.results import Record
from dsf.sweep import read_grid, run_sweep

TINY = """
[defaults]
d_model = 8
n = 4
seq_len = 16
num_kv_pairs = 2
vocab_size = 32
steps = 3
batch_size = 4
num_validation = 8
num_test = 8
"""
GRID = TINY + '[[grid]]\nmixer = ["softmax", "linear"]\nseed = [0, 1]\n'


def inline(groups):
    for group in groups:
        yield engines.run_group(group)


def run_all(grid, path, engine=inline):
    with Record(path) as record:
        return list(run_sweep(read_grid(grid), record, engine))


def stripped(path):
    """What does not depend on the machine: key to result."""
    return {run.key: run.result for run in results.read(path)}


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
