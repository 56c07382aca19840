"""Where the runs of a sweep are trained: processes of this machine, or a Ray cluster."""

from __future__ import annotations

import dataclasses
import math
import os
import platform
import signal
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any

import torch

from dsf.config import Config, experiment
from dsf.results import Run
from dsf.stack import train_stack
from dsf.train import TrainResult, check_device, train

_CANCEL_ORDERS = 30  # a second apart
_DIGITS = 6  # of a learnt number, as many as float32 can tell


@dataclass(frozen=True)
class Outcome:
    """How one run of a sweep ended.

    Attributes:
        config: of the run.
        run: what was recorded; None if it raised an exception.
        error: None, or the traceback.
    """

    config: Config
    run: Run | None
    error: str | None


Engine = Callable[[list[list[Config]]], Iterator[list[Outcome]]]
"""Takes groups of configurations, gives the outcomes of each group when it has ended."""


def process_pool(workers: int | None = None) -> Engine:
    """Run in processes of this machine, one thread each.

    Args:
        workers: number of processes; if None one a processor, or one only if they use a GPU.

    Returns:
        The engine.

    Raises:
        ValueError: when it is started, if this machine lacks a device.
        RuntimeError: while it runs, if a process dies, for example for want of memory.
    """

    def run(groups: list[list[Config]]) -> Iterator[list[Outcome]]:
        devices = {group[0].device for group in groups}
        on_cpu = {check_device(device).type for device in devices} <= {"cpu"}
        with ProcessPoolExecutor(
            workers or (os.cpu_count() if on_cpu else 1),
            mp_context=get_context("spawn"),  # a fork of a process that used OpenMP may hang
            initializer=_start_worker,
        ) as pool:
            try:
                for future in as_completed([pool.submit(run_group, group) for group in groups]):
                    yield future.result()
            except BrokenProcessPool as error:
                raise RuntimeError(
                    "a worker process died: out of memory, or a script that starts the sweep "
                    'without `if __name__ == "__main__":`'
                ) from error
            finally:  # also where the caller stops early
                pool.shutdown(cancel_futures=True)

    return run


def ray_cluster(address: str | None = None, workers: int | None = None) -> Engine:
    """Run as tasks of a Ray cluster, one processor each, and the configured GPU if there is one.

    Args:
        address: of the cluster, as `ray.init` takes it; a cluster of this machine if None.
        workers: processors of the cluster that is started on this machine; all if None.

    Returns:
        The engine.

    Raises:
        ValueError: both are given; when it is started, if a GPU is asked for and the cluster has
            none.
        ModuleNotFoundError: Ray is not installed.
    """
    if address is not None and workers is not None:
        raise ValueError(f"workers is {workers}, expected None: the cluster {address} has its own")
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('Ray is missing: pip install "dsf-book[ray]"') from error

    def run(groups: list[list[Config]]) -> Iterator[list[Outcome]]:
        own = not ray.is_initialized()
        if own:
            ray.init(
                address=address, num_cpus=workers, include_dashboard=False, log_to_driver=False
            )
        try:
            yield from _ray_outcomes(ray, groups)
        finally:
            if own:
                ray.shutdown()

    return run


def _ray_outcomes(ray: Any, groups: list[list[Config]]) -> Iterator[list[Outcome]]:
    """The outcomes of each group from a cluster that Ray is connected to."""
    for device in {group[0].device for group in groups}:
        if _on_gpu(device) and not ray.cluster_resources().get("GPU"):
            raise ValueError(f"device is {device!r}, expected 'cpu': the Ray cluster has no GPU")
    task = ray.remote(run_group)
    running = {}
    try:
        for group in map(_for_ray, groups):
            options = {"num_cpus": 1, "num_gpus": int(_on_gpu(group[0].device))}
            running[task.options(**options).remote(group)] = group
        while running:
            [reference], _ = ray.wait(list(running), num_returns=1)
            group = running.pop(reference)
            try:
                yield ray.get(reference)
            except ray.exceptions.RayError as error:  # the worker died, after Ray's retries
                yield [Outcome(config, None, str(error)) for config in group]
    finally:
        _cancel(ray, list(running))


def _cancel(ray: Any, running: list[Any]) -> None:
    """End tasks where the caller stops early; training overlooks an interrupt.

    A task that is being handed to a worker at this moment may miss one order, hence more than one.
    """
    for _ in range(_CANCEL_ORDERS):
        if not running:
            return
        for reference in running:
            ray.cancel(reference, force=True)
        _, running = ray.wait(running, num_returns=len(running), timeout=1)


def _for_ray(group: list[Config]) -> list[Config]:
    """A Ray worker sees no GPU but the one it was given, whose name is then "cuda"."""
    gpu = _on_gpu(group[0].device)
    return [dataclasses.replace(config, device="cuda") if gpu else config for config in group]


def run_group(configs: list[Config]) -> list[Outcome]:
    """Train configurations at once, on one thread. What the engines call.

    Args:
        configs: what to train; several differ in seed and learning rate only.

    Returns:
        Their outcomes; an exception becomes the `error` of all.
    """
    torch.set_num_threads(1)
    try:
        machine = _machine(configs[0].device)  # before: the checkout may change while this trains
        alone = len(configs) == 1
        trained = [train(configs[0], progress=False)] if alone else train_stack(configs)
        return [Outcome(result.config, run_of(result, machine), None) for result in trained]
    except Exception:  # the other groups shall go on; the traceback is handed to the caller
        return [Outcome(config, None, traceback.format_exc()) for config in configs]


def run_of(result: TrainResult, machine: dict[str, Any]) -> Run:
    """What is recorded of a training run.

    Args:
        result: of `dsf.train.train`.
        machine: commit, versions and device with which it was trained.

    Returns:
        The run; numbers that are not finite are None. What the mixers have learnt is there only
        where they tell something.
    """
    metric = result.config.metric.name
    learned = [
        {name: _finite(float(f"{value:.{_DIGITS}g}")) for name, value in layer.items()}
        for layer in result.learned
    ]
    return Run(
        config=experiment(result.config),
        seed=result.config.seed,
        result={
            f"test_{metric}": _finite(result.test_score),
            f"validation_{metric}": None if result.diverged else result.history[-1].score,
            "steps": result.history[-1].step,
            "diverged": result.diverged,
            "num_parameters": result.num_parameters,
            "history": [
                [report.step, _finite(round(report.loss, 4)), _finite(round(report.score, 4))]
                for report in result.history
            ],
            **({"learned": learned} if any(learned) else {}),
        },
        provenance={
            **machine,
            "threads": torch.get_num_threads(),
            "seconds": round(result.seconds, 2),
            "processor_seconds": round(result.processor_seconds, 2),
        },
    )


def _start_worker() -> None:
    """Let a worker end with its parent: on Ctrl-C quietly, and also where the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _on_gpu(device: str) -> bool:
    return torch.device(device).type == "cuda"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@cache
def _machine(device: str) -> dict[str, Any]:
    """What ran, and on what."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    versions |= {name: metadata.version(name) for name in ("numpy", "dsf-book")}
    name = torch.cuda.get_device_name(device) if _on_gpu(device) else _processor()
    return {"commit": _commit(), "versions": versions, "device": name}


def _processor() -> str:
    """Name of the processor; Python itself knows it on few systems."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str | None:
    """The commit of this package, with a + if the code differs from it; None outside a checkout."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    try:
        if git("ls-files", Path(__file__).name) == "":  # a checkout of something else around it
            return None
        changed = git("status", "--porcelain", "--", ".", ":!results")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None
