"""Sweeps: nothing is lost, nothing is run twice, nothing wrong is started."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from dsf import cli, results, sweep
from dsf.sweep import Record, key_of, read_grid, run_sweep
from dsf.train import TrainConfig, train

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


@pytest.fixture
def grid(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text(GRID, encoding="utf-8")
    return path


def inline(groups):
    for group in groups:
        yield sweep.run_group(group)


def run_all(grid, path, engine=inline):
    with Record(path) as record:
        return list(run_sweep(read_grid(grid), record, engine))


def stripped(path):
    """What does not depend on the machine: key to result."""
    return {run.key: run.result for run in results.read(path)}


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
        ("n = 4\n", r"expected \[defaults\] and at least one \[\[grid\]\], found \['n'\]"),
        ("[defaults]\n", "at least one"),
        ("[[grid]]\nn = 4\n[[grid]]\nm = 3\n", r"number 2: m = 3: expected a field"),
        ("[[grid]]\nn = []\n", r"number 1: n = \[\]: expected at least one value"),
        ("[[grid]]\nn = [4, 0]\n", r"number 1: n = 0: expected a whole number, at least 1"),
        ("[[grid]]\nmixer = 'qlstm'\n", "n = 16: expected 1, qlstm has one state"),
        ("[[grid]]\nmixer = 's4d'\nn = 3\n", "n = 3: expected an even number"),
        ("[[grid]]\nforget_bias = 1\n", "forget_bias = 1.0: expected 0, softmax has none"),
    ],
)
def test_a_bad_grid_is_refused_before_anything_starts(tmp_path, text, message):
    path = tmp_path / "grid.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"grid.toml.*{message}"):
        read_grid(path)


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
    for cut in (1, 30, last - 1):
        path.write_bytes(data[:-cut])
        with Record(path) as record:
            assert len(record.repaired) == last - cut
            assert len(record.keys) == 3
        run_all(grid, path)
        assert stripped(path) == whole
    path.write_bytes(data[:-30])
    assert cli.main(["sweep", str(grid), "--out", str(path), "--workers", "1"]) == 0
    assert stripped(path) == whole
    said = " ".join(capsys.readouterr().out.split())
    assert f"cut off a torn last line ({last - 30} characters)" in said


def test_a_broken_line_in_the_middle_is_refused_and_nothing_is_touched(grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    run_all(grid, path)
    broken = b"{broken}\n" + path.read_bytes()
    path.write_bytes(broken)
    with pytest.raises(ValueError, match=r"runs\.jsonl, line 1: not JSON"):
        run_all(grid, path)
    assert path.read_bytes() == broken


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


def test_a_run_that_fails_is_told_not_recorded_and_tried_again(grid, tmp_path, monkeypatch):
    def broken(config, progress):
        if config.seed == 1:
            raise MemoryError("no more memory")
        return train(config, progress)

    path = tmp_path / "runs.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "train", broken)
        outcomes = run_all(grid, path)
    failed = [outcome for outcome in outcomes if outcome.error]
    assert [outcome.config.seed for outcome in failed] == [1, 1]
    assert all("no more memory" in outcome.error for outcome in failed)
    assert len(results.read(path)) == 2
    assert [outcome.config.seed for outcome in run_all(grid, path)] == [1, 1]


# Engines.


def test_the_process_pool_gives_the_same_runs(grid, tmp_path):
    run_all(grid, tmp_path / "a.jsonl")
    run_all(grid, tmp_path / "b.jsonl", sweep.process_pool(workers=2))
    assert stripped(tmp_path / "a.jsonl") == stripped(tmp_path / "b.jsonl")


def test_stacked_runs_are_recorded_like_any_other(grid, tmp_path):
    with Record(tmp_path / "runs.jsonl") as record:
        outcomes = list(run_sweep(read_grid(grid), record, inline, stack=2))
    assert [outcome.run for outcome in outcomes] == results.read(tmp_path / "runs.jsonl")
    assert {outcome.run.key for outcome in outcomes} == set(map(key_of, read_grid(grid)))


def test_a_local_ray_cluster_of_two_workers_gives_the_same_runs(grid, tmp_path):
    ray = pytest.importorskip("ray")
    run_all(grid, tmp_path / "a.jsonl")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        run_all(grid, tmp_path / "b.jsonl", sweep.ray_cluster())
        assert ray.is_initialized()  # a cluster that was there before is left alone
    finally:
        ray.shutdown()
    assert stripped(tmp_path / "a.jsonl") == stripped(tmp_path / "b.jsonl")


def test_after_kill_9_nothing_finished_is_lost_and_no_worker_stays(tmp_path):
    grid, path, whole = (tmp_path / name for name in ("grid.toml", "runs.jsonl", "whole.jsonl"))
    grid.write_text(
        TINY.replace("steps = 3", "steps = 100") + "[[grid]]\nseed = [0, 1, 2, 3, 4, 5, 6, 7]\n"
    )
    command = "import sys; from dsf.cli import main; sys.exit(main())"
    arguments = ["sweep", str(grid), "--out", str(path), "--workers", "2"]
    root = Path(__file__).parent.parent
    process = subprocess.Popen(
        [sys.executable, "-c", command, *arguments],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # its process group is the sweep and its workers
    )
    wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not group_lives(process.pid))
    saved = path.read_bytes()
    assert saved.count(b"\n") < 8, "the sweep was too quick to be interrupted"

    assert cli.main(arguments) == 0
    assert path.read_bytes().startswith(saved[: saved.rfind(b"\n") + 1])
    run_all(grid, whole)
    assert stripped(path) == stripped(whole)
    assert len(results.read(path)) == 8


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


# The command.


def test_the_command_shows_progress_and_results(grid, capsys):
    assert cli.main(["sweep", str(grid), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert "4/4" in said
    path = grid.with_suffix(".jsonl")
    assert cli.main(["results", str(path)]) == 0
    said = capsys.readouterr().out
    for mixer, cell in zip(("softmax", "linear"), results.cells(results.read(path)), strict=True):
        line = next(line for line in said.splitlines() if mixer in line)
        assert f"{cell.mean:.3f} ({cell.low:.3f} to {cell.high:.3f}, 2)" in line


@pytest.mark.parametrize("names", [("a.jsonl", "b.jsonl"), ("a/same.jsonl", "b/same.jsonl")])
def test_results_of_two_files_stand_side_by_side(names, grid, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "console", Console(width=400))
    configs = read_grid(grid)
    paths = [tmp_path / name for name in names]
    for path, some in zip(paths, (configs, configs[:2]), strict=True):
        path.parent.mkdir(exist_ok=True)
        with Record(path) as record:
            list(run_sweep(some, record, inline))
    assert cli.main(["results", *map(str, paths)]) == 0
    lines = capsys.readouterr().out.splitlines()
    softmax, linear = (
        next(line for line in lines if name in line) for name in ("softmax", "linear")
    )
    assert softmax.count("@") == 2
    assert linear.count("@") == 1


def test_results_of_a_file_without_runs(tmp_path, capsys):
    (tmp_path / "empty.jsonl").touch()
    assert cli.main(["results", str(tmp_path / "empty.jsonl")]) == 0
    assert capsys.readouterr().out == "no runs\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "nowhere.toml"], "nowhere.toml"),
        (["results", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_the_command_names_what_is_wrong(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    assert message in capsys.readouterr().err


def test_the_command_refuses_a_bad_number_of_workers(grid, capsys):
    with pytest.raises(SystemExit):
        cli.main(["sweep", str(grid), "--workers", "0"])
    assert "'0': expected a whole number, at least 1" in capsys.readouterr().err


def test_a_grid_that_fails_leaves_no_file(tmp_path):
    grid = tmp_path / "grid.toml"
    grid.write_text("[[grid]]\nn = -1\n")
    assert cli.main(["sweep", str(grid)]) == 2
    assert not grid.with_suffix(".jsonl").exists()


def test_keys_do_not_depend_on_the_device():
    assert key_of(TrainConfig(device="cpu")) == key_of(TrainConfig(device="cuda"))
    assert key_of(TrainConfig(seed=0)) != key_of(TrainConfig(seed=1))
    assert json.loads(key_of(TrainConfig()))[1] == 0
