"""Sweeps: nothing is lost, nothing is run twice, nothing wrong is started."""

import contextlib
import dataclasses
import errno
import fcntl
import inspect
import json
import os
import resource
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest
import torch
from rich.console import Console

from dsf import cli, engines, results, sweep
from dsf.results import Record
from dsf.results import record as record_module
from dsf.sweep import key_of, read_grid, run_sweep
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
        yield engines.run_group(group)


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
        ("n = 4\n", r"has \['n'\], expected \[defaults\] and at least one \[\[grid\]\]"),
        ("[defaults]\n", "at least one"),
        ("defaults = 3\n[[grid]]\nn = 4\n", "defaults is 3, expected fields"),
        ("grid = [1]\n", "grid is 1, expected fields"),
        ("[[grid]]\nn = 4\n[[grid]]\nm = 3\n", r"number 2: m is 3, expected a field of task mqar"),
        ("[[grid]]\nn = []\n", r"number 1: n is \[\], expected at least one value"),
        ("[[grid]]\nn = [4, 0]\n", r"number 1: n is 0, expected an integer >= 1"),
        ("[[grid]]\nmixer = 'qlstm'\n", "n is 16, expected 1: QLSTM has one state"),
        ("[[grid]]\nmixer = 's4d'\nn = 3\n", "n is 3, expected an even number"),
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


# Engines.


def test_the_process_pool_gives_the_same_runs(grid, tmp_path):
    run_all(grid, tmp_path / "a.jsonl")
    run_all(grid, tmp_path / "b.jsonl", engines.process_pool(workers=2))
    assert stripped(tmp_path / "a.jsonl") == stripped(tmp_path / "b.jsonl")


def test_stacked_runs_are_recorded_like_any_other(grid, tmp_path):
    with Record(tmp_path / "runs.jsonl") as record:
        outcomes = list(run_sweep(read_grid(grid), record, inline, stack=2))
    assert [outcome.run for outcome in outcomes] == results.read(tmp_path / "runs.jsonl")
    assert {outcome.run.key for outcome in outcomes} == set(map(key_of, read_grid(grid)))


needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


def on(grid, **fields):
    return [dataclasses.replace(config, **fields) for config in read_grid(grid)]


@needs_no_gpu
def test_a_device_that_is_not_there_is_refused_before_anything_starts(grid, tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "ProcessPoolExecutor", None)
    mixed = read_grid(grid)[:2] + on(grid, device="cuda")[2:]
    with Record(tmp_path / "runs.jsonl") as record:
        with pytest.raises(ValueError, match="device is 'cuda', expected a device of this machine"):
            list(run_sweep(mixed, record))
        with pytest.raises(ValueError, match="compile is True, expected False"):
            list(run_sweep(on(grid, compile=True), record, inline, stack=2))


@pytest.mark.parametrize(("device", "processes"), [("cpu", os.cpu_count()), ("cuda", 1)])
def test_one_process_a_processor_but_one_only_on_a_gpu(device, processes, grid, monkeypatch):
    class Pool:
        def __init__(self, number, **unused):
            asked.append(number)
            raise InterruptedError

    asked = []
    monkeypatch.setattr(engines, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(engines, "check_device", torch.device)
    for workers in (None, 3):
        with pytest.raises(InterruptedError):
            list(engines.process_pool(workers)([on(grid, device=device)]))
    assert asked == [processes, 3]


def run_script(text, folder):
    root = Path(__file__).parents[2]
    (folder / "script.py").write_text(text)
    return subprocess.run(
        [sys.executable, "script.py"], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip


def test_the_example_is_a_script_that_runs(grid):
    text = inspect.getdoc(sweep).split("\n\n    ")
    example = inspect.cleandoc("\n\n    ".join(["", *text[1:3]]).partition("\nA grid is")[0])
    done = run_script(example, grid.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Outcome(") == len(results.read(grid.parent / "runs.jsonl")) == 4
    (grid.parent / "runs.jsonl").unlink()
    lost = run_script(example.replace('if __name__ == "__main__":', "if True:"), grid.parent)
    assert lost.returncode == 1
    assert 'without `if __name__ == "__main__":`' in lost.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def cluster():
    """A local Ray cluster of two processors."""
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


def test_a_ray_cluster_without_a_gpu_is_refused_and_stopped_early_it_runs_no_further(cluster, grid):
    gpus = cluster.cluster_resources().get("GPU")
    if not gpus:
        with pytest.raises(ValueError, match="device is 'cuda:1', expected 'cpu': the Ray cluster"):
            list(engines.ray_cluster()([on(grid, device="cuda:1")]))
    quick, *slow = read_grid(grid)[:3]
    endless = [dataclasses.replace(config, steps=10**6, stop_accuracy=None) for config in slow]
    outcomes = engines.ray_cluster()([[quick], *([config] for config in endless)])
    assert next(outcomes)[0].run is not None
    outcomes.close()
    wait_until(lambda: cluster.available_resources().get("CPU") == 2)


def test_a_ray_worker_sees_its_gpu_under_its_own_name(grid):
    assert {config.device for config in engines._for_ray(on(grid, device="cuda:1"))} == {"cuda"}
    assert engines._for_ray(read_grid(grid)) == read_grid(grid)


def test_the_number_of_workers_is_that_of_the_processors_of_a_new_ray_cluster(grid, monkeypatch):
    ray = pytest.importorskip("ray")
    asked = {}

    def init(**options):
        asked.update(options)
        raise InterruptedError

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(InterruptedError):
        list(engines.ray_cluster(workers=3)([read_grid(grid)]))
    assert asked["num_cpus"] == 3


def test_a_ray_cluster_gives_the_same_runs_and_stays_where_it_was_there_before(
    cluster, grid, tmp_path
):
    run_all(grid, tmp_path / "a.jsonl")
    run_all(grid, tmp_path / "b.jsonl", engines.ray_cluster())
    assert cluster.is_initialized()
    assert stripped(tmp_path / "a.jsonl") == stripped(tmp_path / "b.jsonl")


def test_after_kill_9_nothing_finished_is_lost_and_no_worker_stays(tmp_path):
    grid, path, whole = (tmp_path / name for name in ("grid.toml", "runs.jsonl", "whole.jsonl"))
    grid.write_text(
        TINY.replace("steps = 3", "steps = 100") + "[[grid]]\nseed = [0, 1, 2, 3, 4, 5, 6, 7]\n"
    )
    command = "import sys; from dsf.cli import main; sys.exit(main())"
    arguments = ["sweep", str(grid), "--out", str(path), "--workers", "2"]
    root = Path(__file__).parents[2]
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


def test_the_board_knows_the_runs_of_before(grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    outcomes = run_all(grid, path)
    softmax, lost, *linear = (outcome.run for outcome in outcomes)
    nothing = {"test_accuracy": None, "validation_accuracy": None, "diverged": "why"}
    lost = {**dataclasses.asdict(lost), "result": {**lost.result, **nothing}}
    lines = [json.dumps(lost), *(json.dumps(dataclasses.asdict(r)) for r in (softmax, *linear))]
    path.write_text("\n".join(lines) + "\n")
    with Record(path) as record:
        board = cli._Board(read_grid(grid), record)
    assert board.done == {"softmax": 2, "linear": 2}
    assert board.diverged == {"softmax": 1}
    best = max(run.result["test_accuracy"] for run in linear)
    assert board.best == {"softmax": softmax.result["test_accuracy"], "linear": best}


def test_results_show_the_number_of_parameters(grid, tmp_path, capsys):
    (outcome, *_) = run_all(grid, tmp_path / "runs.jsonl")
    assert cli.main(["results", str(tmp_path / "runs.jsonl")]) == 0
    said = capsys.readouterr().out
    assert "params" in said
    assert f" {outcome.run.result['num_parameters']:,} " in said


def test_results_of_a_sweep_that_is_writing_are_those_of_its_whole_lines(grid, tmp_path, capsys):
    path = tmp_path / "runs.jsonl"
    run_all(grid, path)
    runs = results.read(path)
    torn = path.read_bytes()[:-20]
    path.write_bytes(torn)
    assert results.read(path) == runs[:-1]
    assert cli.main(["results", str(path)]) == 0
    said = capsys.readouterr()
    assert "linear" in said.out
    assert f"{path}: skipped the last line, which has no end" in said.err
    assert path.read_bytes() == torn


def test_results_of_versions_with_other_fields_stand_side_by_side(
    grid, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(cli, "console", Console(width=400))
    new, old = tmp_path / "new.jsonl", tmp_path / "old.jsonl"
    run_all(grid, new)
    entries = [json.loads(line) for line in new.read_text().splitlines()]
    for entry in entries:
        del entry["config"]["forget_bias"], entry["config"]["batch_size"]
    old.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    for files in ([new, old], [old, new]):
        assert cli.main(["results", *map(str, files)]) == 0
        said = capsys.readouterr().out
        assert "batch_size = 4" in said
        assert "batch_size = ?" in said


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


def test_what_looks_like_mark_up_is_shown_as_it_is(grid, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "console", Console(width=400))
    new, old = tmp_path / "[red]new.jsonl", tmp_path / "old.jsonl"
    run_all(grid, new)
    entries = [json.loads(line) for line in new.read_text().splitlines()]
    names = ["[bold]x[/]", "[/nothing]", ":smile:", "[link=file:///etc/passwd]y[/link]"]
    for entry, name in zip(entries, names, strict=True):
        entry["config"] |= {"mixer": name, "[blink]field[/]": f"{name} value"}
    old.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    assert cli.main(["results", str(new), str(old)]) == 0
    said = capsys.readouterr().out
    assert "accuracy ([red]new)" in said
    for name in names:
        assert f" {name} " in said
        assert f"[blink]field[/] = {name} value" in said
    board = cli._Board(read_grid(grid), Record(old))
    board.last = "[bold]last[/]"
    board.total[names[1]] = 1
    cli.console.print(board.render())
    said = capsys.readouterr().out
    assert "[bold]last[/]" in said
    assert names[1] in said
    torn = tmp_path / "[red].jsonl"
    torn.write_bytes(new.read_bytes()[:-20])
    assert cli.main(["sweep", str(grid), "--out", str(torn), "--workers", "1"]) == 0
    assert "[red].jsonl: cut off a torn" in capsys.readouterr().out


def test_the_command_says_its_version(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"dsf {metadata.version('dsf-book')}\n"


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--address", "auto"], "--address auto: expected with --engine ray only"),
        (["--engine", "ray", "--address", "auto", "--workers", "3"], "workers is 3, expected None"),
        (["--engine", "ray"], 'pip install "dsf-book[ray]"'),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message, grid, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # as where it is not installed
    assert cli.main(["sweep", str(grid), *options]) == 2
    assert message in capsys.readouterr().err
    assert not grid.with_suffix(".jsonl").exists()


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
