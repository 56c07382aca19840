"""Engines: the same runs wherever they are trained, and nothing left behind."""

import dataclasses
import inspect
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from sweeps import TINY, group_lives, inline, run_all, stripped, wait_until

from dsf import cli, engines, results, sweep
from dsf.config import TrainConfig
from dsf.results import Record
from dsf.stack import train_stack
from dsf.sweep import key_of, read_grid, run_sweep
from dsf.train import train


def test_the_process_pool_gives_the_same_runs(grid, tmp_path):
    run_all(grid, tmp_path / "a.jsonl")
    run_all(grid, tmp_path / "b.jsonl", engines.process_pool(workers=2))
    assert stripped(tmp_path / "a.jsonl") == stripped(tmp_path / "b.jsonl")


def test_stacked_runs_are_recorded_like_any_other(grid, tmp_path):
    with Record(tmp_path / "runs.jsonl") as record:
        outcomes = list(run_sweep(read_grid(grid), record, inline, stack=2))
    assert [outcome.run for outcome in outcomes] == results.read(tmp_path / "runs.jsonl")
    assert {outcome.run.key for outcome in outcomes} == set(map(key_of, read_grid(grid)))


def test_what_the_mixers_learnt_is_recorded_a_layer_and_only_where_there_is_something_to_tell():
    config = TrainConfig(
        mixer="qlstm_exponent", n=1, d_model=8, num_layers=2, seq_len=16, num_kv_pairs=2,
        vocab_size=32, steps=9, batch_size=4, num_validation=8, num_test=8, learning_rate=0.03,
    )  # fmt: skip
    trained, lost = train_stack([config, dataclasses.replace(config, seed=1)])
    alphas = [block.mixer.log_exponent.exp().item() for block in trained.model.blocks]
    recorded = engines.run_of(trained, {}).result["learned"]
    assert recorded == [{"alpha": pytest.approx(alpha, rel=1e-5)} for alpha in alphas]
    assert all(abs(alpha - 1) > 1e-4 for alpha in alphas)  # it has moved
    with torch.no_grad():
        lost.model.blocks[1].mixer.log_exponent.fill_(math.nan)
    assert engines.run_of(lost, {}).result["learned"][1] == {"alpha": None}
    plain = train(dataclasses.replace(config, mixer="qlstm"), progress=False)
    assert "learned" not in engines.run_of(plain, {}).result


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
