"""Sweeps: nothing is lost, nothing is run twice, nothing wrong is started."""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from sweeps import GRID, TINY, inline, run_all, stripped

from dsf import cli, engines, results
from dsf.results import Record
from dsf.results import record as record_module
from dsf.sweep import key_of, read_grid, run_sweep
from dsf.train import TrainConfig, train

# The grid file.


def test_a_grid_is_the_product_of_its_lists_with_the_defaults_fastest(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text("[defaults]\nseed = [0, 1]\nn = 8\n[[grid]]\nn = [2, 4]\n[[grid]]\nn = 4\n")
    configs = read_grid(path)
    assert [(config.n, config.seed) for config in configs] == [(2, 0), (2, 1), (4, 0), (4, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[grid]\n", "not TOML"),
        ("n = 4\n", r"has \['n'\], expected \[defaults\] and at least one \[\[grid\]\]"),
        ("[defaults]\n", "at least one"),
        ("defaults = 3\n[[grid]]\nn = 4\n", "defaults is 3, expected fields"),
        ("grid = [1]\n", "grid is 1, expected fields"),
        ("[[grid]]\nn = 4\n[[grid]]\nm = 3\n", r"number 2: m is 3, expected a field of task mqar"),
        ("[[grid]]\nn = []\n", r"number 1: n is \[\], expected at least one value"),
        ("[[grid]]\nn = [4, 0]\n", r"number 1: n is 0, expected an integer >= 1"),
        ("[[grid]]\nmixer = 'qlstm'\n", "n is 16, expected 1: QLSTM has one state"),
        ("[[grid]]\nmixer = 's4d'\nn = 3\n", "n is 3, expected an even number"),
        ("[[grid]]\nstart = 'slow'\n", "start is 'slow', expected one of ''$"),
        ("[[grid]]\nforget_bias = 1\n", "forget_bias is 1.0, expected 0: softmax has none"),
    ],
)
def test_a_bad_grid_is_refused_before_anything_starts(tmp_path, text, message):
    path = tmp_path / "grid.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"grid.toml.*{message}"):
        read_grid(path)


def test_false_stands_for_no_goal(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text("[[grid]]\nstop_accuracy = [false, 0.0]\n")
    assert [config.stop_accuracy for config in read_grid(path)] == [None, 0.0]


def test_runs_of_one_key_are_asked_for_and_run_once(grid, tmp_path):
    path = tmp_path / "twice.toml"
    path.write_text(GRID.replace("seed = [0, 1]", 'seed = 0\ndevice = ["cpu", "cuda"]'))
    configs = read_grid(path)
    assert [config.device for config in configs] == ["cpu", "cpu"]
    with Record(tmp_path / "runs.jsonl") as record:
        assert len(list(run_sweep(configs * 2, record, inline))) == 2


# The record.


def test_a_sweep_records_what_train_gives(grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    outcomes = run_all(grid, path)
    assert [outcome.run for outcome in outcomes] == results.read(path)
    assert len(outcomes) == 4
    config = outcomes[0].config
    result = train(config, progress=False)
    assert outcomes[0].run.result["test_accuracy"] == result.test_accuracy
    assert outcomes[0].run.result["steps"] == 3
    assert outcomes[0].run.key == key_of(config)
    assert outcomes[0].run.provenance["versions"]["torch"]


def test_what_is_recorded_is_not_run_again(grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    run_all(grid, path)
    before = path.read_bytes()
    assert run_all(grid, path) == []
    assert path.read_bytes() == before


def test_a_torn_last_line_is_cut_off_and_run_again(grid, tmp_path, capsys):
    path = tmp_path / "runs.jsonl"
    run_all(grid, path)
    whole = stripped(path)
    data = path.read_bytes()
    last = len(data.splitlines()[-1]) + 1
    for cut in (2, 30, last - 1):
        path.write_bytes(data[:-cut])
        with Record(path) as record:
            assert len(record.repaired) == last - cut
            assert len(record.runs) == 3
        run_all(grid, path)
        assert stripped(path) == whole
    path.write_bytes(data[:-30])
    assert cli.main(["sweep", str(grid), "--out", str(path), "--workers", "1"]) == 0
    assert stripped(path) == whole
    said = " ".join(capsys.readouterr().out.split())
    assert f"cut off a torn last line ({last - 30} characters)" in said


def test_a_last_line_that_lacks_its_end_only_is_kept(grid, tmp_path):
    path, whole = tmp_path / "runs.jsonl", tmp_path / "whole.jsonl"
    with Record(whole) as record:
        first, second, *_ = run_sweep(read_grid(grid), record, inline)
    data = whole.read_bytes()
    end = data.index(b"\n")
    path.write_bytes(data[:end])
    with Record(path) as record:
        assert record.repaired is None
        assert [*record.runs.values()] == [first.run]
        assert path.read_bytes() == data[:end]
        record.append(second.run)
    assert results.read(path) == [first.run, second.run]
    assert path.read_bytes().count(b"\n") == 2


def test_a_run_is_on_the_disk_when_it_is_recorded(grid, tmp_path, monkeypatch):
    path, flushed = tmp_path / "runs.jsonl", []
    monkeypatch.setattr(os, "fsync", lambda file: flushed.append(os.fstat(file)))
    with Record(path) as record:
        for number, _ in enumerate(run_sweep(read_grid(grid)[:2], record, inline), start=1):
            assert [state.st_ino for state in flushed] == [path.stat().st_ino] * number
            assert flushed[-1].st_size == path.stat().st_size  # with the run in it


def test_a_run_is_written_once_and_not_with_another_result(grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    (outcome, *_) = run_all(grid, path)
    run = outcome.run
    before = path.read_bytes()
    with Record(path) as record:
        record.append(dataclasses.replace(run, provenance={**run.provenance, "seconds": 1e3}))
        other = {**run.result, "num_parameters": 7}
        with pytest.raises(
            ValueError, match=r"another result of this run: num_parameters .* and 7"
        ):
            record.append(dataclasses.replace(run, result=other))
        with pytest.raises(ValueError, match=r"provenance is \[\], expected an object with commit"):
            record.append(dataclasses.replace(run, seed=9, provenance={}))
    assert path.read_bytes() == before


def test_a_broken_line_in_the_middle_is_refused_and_nothing_is_touched(grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    run_all(grid, path)
    broken = b"{broken}\n" + path.read_bytes()
    path.write_bytes(broken)
    with pytest.raises(ValueError, match=r"runs\.jsonl, line 1: not JSON"):
        run_all(grid, path)
    assert path.read_bytes() == broken


@pytest.mark.parametrize("end", [b"milk", b"caf\xe9", b'{"config"; '])
def test_a_file_that_is_no_record_is_refused_and_nothing_is_touched(end, grid, tmp_path):
    path = tmp_path / "notes.txt"
    run_all(grid, path)
    for notes in (end, b"bread\n" + end, path.read_bytes() + end):
        path.write_bytes(notes)
        with pytest.raises(ValueError, match=r"notes\.txt(, line 1: not JSON|: the last line)"):
            run_all(grid, path)
        assert path.read_bytes() == notes


def test_a_file_with_the_first_characters_of_a_run_is_a_record(grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b'{"con')
    assert len(run_all(grid, path)) == len(results.read(path)) == 4


@contextlib.contextmanager
def room_for(size):
    """Let files grow to so many bytes only."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("room", [0, 100])
def test_a_run_for_which_there_is_no_space_leaves_no_part_of_itself(room, grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    configs = read_grid(grid)
    with Record(path) as record:
        list(run_sweep(configs[:2], record, inline))
        before = path.read_bytes()
        with (
            room_for(len(before) + room),
            pytest.raises(OSError, match=r"runs\.jsonl: a run could not be written"),
        ):
            list(run_sweep(configs, record, inline))
        assert path.read_bytes() == before
        assert len(list(run_sweep(configs, record, inline))) == 2


def test_a_file_under_another_name_is_the_same_file(tmp_path):
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "runs.jsonl")
    with (
        Record(tmp_path / "runs.jsonl"),
        pytest.raises(ValueError, match="another sweep"),
        Record(tmp_path / "link.jsonl"),
    ):
        pass


@pytest.mark.parametrize("before", [True, False], ids=["an old file", "a new file"])
def test_a_hard_link_is_the_same_file_whichever_sweep_comes_first(before, grid, tmp_path):
    path, link = tmp_path / "runs.jsonl", tmp_path / "elsewhere" / "link.jsonl"
    link.parent.mkdir()
    if before:
        path.touch()
    with Record(path) as record:
        link.hardlink_to(path)
        with pytest.raises(ValueError, match=r"link\.jsonl: another sweep is writing this file"):
            run_all(grid, link)
        list(run_sweep(read_grid(grid)[:1], record, inline))
        with pytest.raises(ValueError, match=r"link\.jsonl: another sweep is writing this file"):
            run_all(grid, link)
        assert len(results.read(link)) == 1  # a reader is not kept out
    with Record(link), pytest.raises(ValueError, match=r"runs\.jsonl: another sweep"):
        run_all(grid, path)
    assert len(run_all(grid, link)) == 3
    assert len(results.read(path)) == 4


def test_a_file_that_is_replaced_under_its_name_stays_locked(grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    path.touch()
    with Record(path):
        path.rename(tmp_path / "old.jsonl")
        with pytest.raises(ValueError, match="another sweep"):
            run_all(grid, path)


@pytest.mark.parametrize("way", ["no flock", "refused by the file system"])
def test_where_a_file_cannot_be_locked_it_may_have_one_name(way, grid, tmp_path, monkeypatch):
    def refuse(*unused):
        raise OSError(errno.ENOLCK, "No locks available")

    path, link = tmp_path / "runs.jsonl", tmp_path / "link.jsonl"
    if way == "no flock":
        monkeypatch.setattr(record_module, "fcntl", None)
    else:
        monkeypatch.setattr(record_module, "fcntl", FakeLocks(refuse))
    assert len(run_all(grid, path)) == 4
    with Record(path), pytest.raises(ValueError, match="another sweep"), Record(path):
        pass
    link.hardlink_to(path)
    with pytest.raises(ValueError, match=r"link\.jsonl: the file has 2 names \(hard links\)"):
        run_all(grid, link)


class FakeLocks:
    """A file system without locks."""

    LOCK_EX, LOCK_NB = fcntl.LOCK_EX, fcntl.LOCK_NB

    def __init__(self, flock):
        self.flock = flock


def test_a_killed_sweep_leaves_nothing_locked(grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    hold = "import sys, time; from dsf.results import Record\nwith Record(sys.argv[1]):\n"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{hold}    print('held', flush=True); time.sleep(600)", str(path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(ValueError, match="another sweep"):
        run_all(grid, path)
    process.kill()
    process.wait()
    assert len(run_all(grid, path)) == 4


def test_what_a_run_was_made_with_is_read_before_it_starts(grid, monkeypatch):
    order = []

    def spy(name, function):
        return lambda *args, **kwargs: order.append(name) or function(*args, **kwargs)

    monkeypatch.setattr(engines, "_machine", spy("machine", engines._machine))
    monkeypatch.setattr(engines, "train", spy("train", train))
    (outcome,) = engines.run_group(read_grid(grid)[:1])
    assert order == ["machine", "train"]
    assert outcome.run.provenance["versions"]["torch"] == torch.__version__


def test_two_sweeps_on_one_file_are_refused(grid, tmp_path, capsys):
    path = tmp_path / "runs.jsonl"
    with Record(path):
        with pytest.raises(ValueError, match="another sweep is writing this file"):
            run_all(grid, path)
        assert cli.main(["sweep", str(grid), "--out", str(path)]) == 2
        assert "another sweep is writing" in capsys.readouterr().err
    assert len(run_all(grid, path)) == 4


def test_a_run_that_diverges_is_recorded_with_its_reason(tmp_path):
    grid = tmp_path / "grid.toml"
    grid.write_text(
        TINY.replace("steps = 3", "steps = 100")
        + '[[grid]]\nmixer = "normalized"\ninit_std = 10.0\nlearning_rate = 1.0\nreport_every = 5\n'
    )
    run_all(grid, tmp_path / "runs.jsonl")
    (run,) = results.read(tmp_path / "runs.jsonl")
    assert "training loss became" in run.result["diverged"]
    assert run.result["test_accuracy"] is None
    assert results.cells([run])[0].diverged == 1


def test_a_run_whose_validation_is_not_finite_is_recorded_with_its_reason(grid, monkeypatch):
    monkeypatch.setattr("dsf.optimize.learning_rate", lambda config, step: 1e38 * (step == 2))
    (outcome,) = engines.run_group(read_grid(grid)[:1])
    assert "no longer finite" in outcome.run.result["diverged"]
    assert outcome.run.result["history"][-1][2] is None
    json.dumps(dataclasses.asdict(outcome.run), allow_nan=False)


def test_a_run_that_fails_is_told_not_recorded_and_tried_again(grid, tmp_path, monkeypatch):
    def broken(config, progress):
        if config.seed == 1:
            raise MemoryError("no more memory")
        return train(config, progress)

    path = tmp_path / "runs.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(engines, "train", broken)
        outcomes = run_all(grid, path)
    failed = [outcome for outcome in outcomes if outcome.error]
    assert [outcome.config.seed for outcome in failed] == [1, 1]
    assert all("no more memory" in outcome.error for outcome in failed)
    assert len(results.read(path)) == 2
    assert [outcome.config.seed for outcome in run_all(grid, path)] == [1, 1]


def test_keys_do_not_depend_on_the_device():
    assert key_of(TrainConfig(device="cpu")) == key_of(TrainConfig(device="cuda"))
    assert key_of(TrainConfig(seed=0)) != key_of(TrainConfig(seed=1))
    assert json.loads(key_of(TrainConfig()))[1] == 0
