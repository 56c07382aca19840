"""Recorded runs: what was trained, with which seed, what came out, where and when.

A file of runs is text, one JSON object a line:

    {"config": {"mixer": "linear", "n": 16, ...}, "seed": 0,
     "result": {"test_accuracy": 0.73, ...}, "provenance": {"commit": "...", ...}}

`config` holds every field of a configuration (`dsf.config`) but seed, device and compile, so that
equal experiments have equal configs; where a field is missing that was added later, it has the
value that stood for it. A number that is not finite stands as null. `result` also has `learned`,
one object of numbers a layer, where a mixer tells what training has made of it
(`dsf.mixers.Mixer.learned`), as the exponent of a qLSTM. `dsf.sweep` writes such files, chapters
10 and 11 and the MQAR explorer read them.

No run counts twice: equal runs are merged, with a note on stderr, and two results of one run are
refused. What was measured decides whether two results are equal, not where or how fast.
"""

from dsf.results.choosing import Cell, cells
from dsf.results.grouping import alike, by_mixer
from dsf.results.line import Run, run_key
from dsf.results.reader import names, read, recorded, split
from dsf.results.record import Record
from dsf.results.table import Table

__all__ = [
    "Cell",
    "Record",
    "Run",
    "Table",
    "alike",
    "by_mixer",
    "cells",
    "names",
    "read",
    "recorded",
    "run_key",
    "split",
]
