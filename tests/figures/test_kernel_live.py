"""Training in a real kernel, told what to do as a notebook tells it."""

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from programs import TRAINING

from book import bundle
from dsf import models

jupyter_client = pytest.importorskip("jupyter_client", reason="jupyter_client is not installed")

LONG = {"seq_len": 16, "vocab_size": 20, "num_kv_pairs": 2, "d_model": 16, "n": 8, "steps": 100_000}
OPEN = """
import threading, ipywidgets
from dsf.widgets import kernel
w = ipywidgets.Widget()
kernel.attach(w)
print(w.comm.comm_id)
"""


class Notebook:
    """The other end of a kernel."""

    def __init__(self, manager: Any) -> None:
        self.manager, self.client = manager, manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.comm = self.run(OPEN).strip()

    def run(self, code: str) -> str:
        """What a cell prints."""
        said = []

        def hear(message: Any) -> None:
            if message["msg_type"] in ("stream", "error"):
                content = message["content"]
                said.append(content.get("text") or "\n".join(content["traceback"]))

        self.client.execute_interactive(code, output_hook=hear, timeout=60)
        return "".join(said)

    def trains(self, threads: int) -> bool:
        """Whether so many threads train, now or soon."""
        return self.run(TRAINING.format(threads)).strip() == str(threads)

    def tell(self, do: str, **more: Any) -> None:
        """A message of the view."""
        content = {"train": "view", "do": do, **more}
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        self.client.shell_channel.send(message)

    def until(self, say: str) -> dict[str, Any]:
        """Wait for a word of the engine."""
        end, heard = time.monotonic() + 60, []
        while time.monotonic() < end:
            message = self.client.get_iopub_msg(timeout=60)
            data = message["content"].get("data") or {}
            content = data.get("content", {}) if isinstance(data, dict) else {}
            heard.append(content.get("say"))
            if content.get("say") == say:
                return dict(content)
        raise AssertionError(f"{say} is not said, only {heard}")


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    """A kernel with a widget that trains."""
    path = os.pathsep.join([str(bundle.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    manager = jupyter_client.KernelManager()
    manager.kernel_spec.argv[0] = sys.executable
    manager.start_kernel(env=env)
    try:
        yield (notebook := Notebook(manager))
        notebook.client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)


def test_a_kernel_trains_while_it_is_idle_and_stays_free(notebook: Notebook) -> None:
    notebook.tell("start", config=LONG)
    assert notebook.until("ready")["backend"] == "PyTorch"
    notebook.until("report")
    assert notebook.trains(1), "a cell runs beside it"
    notebook.until("report")
    notebook.tell("pause")
    notebook.until("paused")
    assert notebook.trains(0)

    notebook.tell("resume")
    notebook.until("report")
    notebook.manager.interrupt_kernel()  # no cell runs
    notebook.until("paused")
    assert notebook.trains(0)

    notebook.tell("resume")
    notebook.until("report")
    # An error would let the kernel pass over the next cell.
    notebook.client.execute("while True: pass", stop_on_error=False)
    notebook.until("report")
    notebook.manager.interrupt_kernel()  # a cell runs
    notebook.until("paused")
    assert notebook.trains(0)

    notebook.tell("resume")
    notebook.until("report")
    assert notebook.run("w.close()") == ""
    assert notebook.trains(0)


def test_what_breaks_in_training_is_seen_in_the_notebook(notebook: Notebook) -> None:
    notebook.tell("start", config=LONG, paused=True)
    notebook.until("ready")
    notebook.run("from dsf.train import Alone; Alone.losses = lambda *_: 1 / 0")
    notebook.tell("resume")
    assert notebook.until("failed")["reason"] == "division by zero"
    end, said = time.monotonic() + 60, ""
    while "ZeroDivisionError" not in said and time.monotonic() < end:
        message = notebook.client.get_iopub_msg(timeout=60)
        if message["msg_type"] == "stream":
            said += message["content"]["text"]
    assert "ZeroDivisionError: division by zero" in said


def test_a_kernel_sends_a_trained_model_that_its_laboratory_asks_for(notebook: Notebook) -> None:
    comm = notebook.run("from dsf.widgets import MQARLab; lab = MQARLab(); print(lab.comm.comm_id)")
    data = {"method": "custom", "content": {"shipped": "linear-4"}}
    content = {"comm_id": comm.strip(), "data": data}
    notebook.client.shell_channel.send(notebook.client.session.msg("comm_msg", content))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        message = notebook.client.get_iopub_msg(timeout=60)
        told = message["content"].get("data") or {}
        if isinstance(told, dict) and told.get("content", {}).get("shipped") == "linear-4":
            [file] = message["buffers"]
            assert bytes(file) == (models.FOLDER / "linear-4.safetensors").read_bytes()
            return
    raise AssertionError("no model came")
