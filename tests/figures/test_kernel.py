"""Training in the kernel of a notebook: the messages of the page's engine, answered by PyTorch."""

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest
import torch
from torch import Tensor

from book import bundle
from dsf import models
from dsf.config import TrainConfig
from dsf.model import build_model
from dsf.tasks import mqar
from dsf.tasks.base import data_seeds
from dsf.train import Alone, asked_loss, train
from dsf.widgets import kernel
from dsf.widgets.buffers import packed, unpacked
from dsf.widgets.kernel import Engine, attach
from dsf.widgets.probe import probe
from dsf.widgets.training import DEFAULTS, STARTS

TASK = {"seq_len": 16, "vocab_size": 20, "num_kv_pairs": 2, "d_model": 16, "n": 8}
TINY = {**TASK, "batch_size": 8, "steps": 40, "report_every": 10, "learning_rate": 0.01}
LONG = {**TINY, "steps": 100_000, "report_every": 100}
HELD = TrainConfig(**{**DEFAULTS, **TINY}, stop_accuracy=None, num_validation=250)


class Figure:
    """What stands at the other end of the messages."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.engine = Engine(lambda message, buffers: self.heard.append(unpacked(message, buffers)))

    def ask(self, do: Any, **more: Any) -> dict[str, Any]:
        """What the engine answers."""
        buffers: list[Any] = []
        self.engine.hear({**packed(more, buffers), "do": do, "id": 7}, buffers)
        (answer,) = [message for message in self.heard if message.pop("id", None) == 7]
        self.heard.remove(answer)
        return answer

    def said(self, say: str) -> list[dict[str, Any]]:
        """What it has said unasked."""
        return [message for message in self.heard if message["say"] == say]

    def until(self, *say: str, count: int = 1) -> dict[str, Any]:
        """Wait until it has said one of these words so often."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = [one for word in say for one in self.said(word)]
            if len(found) >= count:
                return found[-1]
            time.sleep(0.005)
        raise AssertionError(f"none of {say} is said, only {self.heard}")

    def weights(self) -> dict[str, Tensor]:
        """Parameters of its model."""
        found = self.ask("weights")["weights"]
        return {name: x["values"].reshape(x["shape"]) for name, x in found.items()}


def training() -> list[threading.Thread]:
    """The threads that train."""
    return [thread for thread in threading.enumerate() if thread.name == kernel.THREAD]


@pytest.fixture
def figure() -> Iterator[Figure]:
    """A figure whose engine ends with the test."""
    figure = Figure()
    yield figure
    figure.engine.close()
    assert not training()


def test_a_run_is_the_one_of_train(figure: Figure) -> None:
    ready = figure.ask("start", config=TINY)
    assert ready["say"] == "ready"
    assert (ready["step"], ready["steps"], ready["backend"]) == (0, 40, "PyTorch")
    assert ready["config"] == {**DEFAULTS, **TINY}
    assert figure.until("done", "failed") == {"say": "done", "step": 40}
    result = train(HELD, progress=False)
    reports = figure.said("report")
    assert [one["step"] for one in reports] == [10, 20, 30, 40]
    for report, seen in zip(reports, result.history, strict=True):
        assert report["accuracy"] == seen.accuracy
        assert report["loss"] == pytest.approx(seen.loss, rel=1e-5)
        assert report["rate"] > 0
    found = figure.weights()
    for name, x in result.model.state_dict().items():
        assert torch.equal(found[name], x), name
    assert not training()


def test_a_pause_comes_at_once_and_resuming_changes_nothing(figure: Figure) -> None:
    figure.ask("start", config={**LONG, "report_every": 3})
    figure.until("report")
    paused = figure.ask("pause")
    assert paused["say"] == "paused"
    assert not training()
    assert 3 <= paused["step"] < 100_000
    heard = len(figure.heard)
    stopped = figure.weights()
    assert len(figure.heard) == heard, "nothing moves"
    assert figure.ask("resume") == {"say": "resumed", "step": paused["step"]}
    figure.until("report", count=len(figure.said("report")) + 2)
    assert figure.ask("pause")["step"] > paused["step"]
    name = "embedding.weight"
    assert not torch.equal(figure.weights()[name], stopped[name])


def test_a_run_with_pauses_ends_where_one_without_does(figure: Figure) -> None:
    figure.ask("start", config=TINY, paused=True)
    assert not training()
    for _ in range(3):
        figure.ask("resume")
        figure.ask("pause")
        figure.ask("step", count=2)
        figure.until("paused", "done", count=1)
    figure.ask("resume")
    figure.until("done")
    found = figure.weights()
    for name, x in train(HELD, progress=False).model.state_dict().items():
        assert torch.equal(found[name], x), name


def test_steps_are_counted_and_reported(figure: Figure) -> None:
    figure.ask("start", config=TINY, paused=True)
    assert figure.ask("step") == {"say": "resumed", "step": 0}
    assert figure.until("paused") == {"say": "paused", "step": 1}
    figure.ask("step", count=4)
    assert figure.until("paused", count=2)["step"] == 5
    assert [one["step"] for one in figure.said("report")] == [1, 5]
    figure.ask("step", count=1000)
    assert figure.until("done")["step"] == 40
    assert figure.ask("resume")["say"] == "resumed"
    assert not training(), "there is nothing left to do"


def test_a_reset_is_the_beginning(figure: Figure) -> None:
    figure.ask("start", config=TINY)
    figure.until("done")
    assert figure.ask("reset") == {"say": "reset", "step": 0}
    assert not training()
    found = figure.weights()
    for name, x in build_model(HELD).state_dict().items():
        assert torch.equal(found[name], x), name
    first = figure.said("report")
    figure.ask("resume")
    figure.until("done", count=2)
    again = figure.said("report")[len(first) :]
    assert [one["loss"] for one in again] == [one["loss"] for one in first]


def test_weights_come_and_go(figure: Figure) -> None:
    model = train(HELD, progress=False).model
    given = {name: {"shape": [*x.shape], "values": x} for name, x in model.state_dict().items()}
    figure.ask("start", config=TINY)
    assert figure.ask("load", weights=given) == {"say": "loaded", "step": 0}
    assert not training()
    found = figure.weights()
    for name, x in model.state_dict().items():
        assert torch.equal(found[name], x), name
    figure.ask("step")
    figure.until("paused")
    batch = HELD.draw(8 * 40, data_seeds(HELD.seed)["train"])
    first = tuple(x[:8] for x in batch)
    wanted = asked_loss(model, first)  # type: ignore[arg-type]
    assert figure.said("report")[-1]["loss"] == pytest.approx(wanted.item(), rel=1e-6)
    assert not torch.equal(model.embedding.weight, figure.weights()["embedding.weight"])


@pytest.mark.parametrize("mixer", STARTS)
def test_what_is_shown_of_a_sequence_is_the_phi_of_the_package(figure: Figure, mixer: str) -> None:
    n = 1 if mixer == "qlstm" else 8
    fields = {**TINY, "mixer": mixer, "n": n, "num_layers": 2, "steps": 3}
    figure.ask("start", config=fields)
    figure.until("done", "failed")
    model = build_model(TrainConfig(**{**DEFAULTS, **fields}))
    model.load_state_dict(figure.weights())
    tokens = mqar.MQAR(seq_len=16, num_kv_pairs=2, vocab_size=20).draw(1, seed=3)[0]
    found = figure.ask("probe", tokens=tokens[0].tolist())
    assert (found["step"], found["V"], found["L"], found["d"]) == (3, 20, 16, 16)
    with torch.no_grad():
        shown = found["probabilities"].view(16, 20)
        assert torch.allclose(shown, model(tokens)[0].softmax(-1))
        x = model.embedding(tokens)
        for block, phi in zip(model.blocks, found["phi"], strict=True):
            z = block.conv(block.norm(x))
            wanted = block.mixer(z)[0]
            mine = torch.einsum("icj,jc->ic", phi.view(16, 16, 16), block.mixer.u(z)[0])
            assert torch.allclose(mine, wanted, atol=1e-5)
            x = block(x)
    if mixer == "softmax":
        assert found["stored"] is None
        return
    wanted = probe(model, tokens[0], 2)["stored"]
    assert torch.equal(found["stored"], wanted.flatten())
    assert len(wanted) == {"qlstm": 1, "s4d": 4}.get(mixer, 8)


@pytest.mark.parametrize("mixer", [name for name in STARTS if name != "softmax"])
def test_what_is_stored_is_over_many_sequences_the_table_of_the_package(mixer: str) -> None:
    sizes = {"seq_len": 16, "num_kv_pairs": 2, "vocab_size": 18}
    config = TrainConfig(mixer=mixer, n=1 if mixer == "qlstm" else 4, d_model=16, **sizes)
    model = build_model(config)
    columns: dict[int, list[Tensor]] = {key: [] for key in range(1, 9)}
    for tokens in config.draw(60, 5)[0]:
        found = probe(model, tokens, 2)["stored"]
        for pair in range(2):
            columns[int(tokens[2 * pair])].append(found[:, pair])
    table = torch.stack([torch.stack(of).mean(0) for of in columns.values()], 1)
    wanted = models.stored(model, config, num_examples=60, seed=5)
    assert torch.allclose(table, wanted, atol=1e-6)


def test_a_question_does_not_disturb_training(figure: Figure) -> None:
    figure.ask("start", config={**TINY, "steps": 400})
    for _ in range(20):
        figure.ask("probe", tokens=[0] * 16)
        figure.ask("weights")
    figure.until("done", "failed")
    assert [one["step"] for one in figure.said("report")] == [*range(10, 401, 10)]
    whole = TrainConfig(**{**DEFAULTS, **TINY, "steps": 400})
    wanted = build_model(whole).state_dict()
    assert {*figure.weights()} == {*wanted}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"do": "fly"}, "do is 'fly', expected one of start, pause, resume"),
    ({"do": "resume"}, "nothing is in training: start comes first"),
    ({"do": "start"}, "config is None, expected fields by name"),
    ({"do": "start", "config": {"mixer": "transformer"}}, "mixer is 'transformer', expected one"),
    ({"do": "start", "config": {"n": 2.5}}, "n is 2.5, expected an integer"),
    ({"do": "start", "config": {"vocab_size": 32}}, "vocab_size is 32, expected"),
    ({"do": "start", "config": {"device": "cpu"}}, "a field is 'device', expected one of mixer"),
    ({"do": "start", "config": {"steps": "many"}}, "steps is 'many', expected an integer"),
]
AFTER: list[tuple[dict[str, Any], str]] = [
    ({"do": "step", "count": 0}, "count is 0, expected an integer"),
    ({"do": "probe", "tokens": [1]}, r"tokens is \[1\], expected a list of 16"),
    ({"do": "probe", "tokens": [20] * 16}, "a token is 20, expected an integer from 0 to 19"),
    ({"do": "load", "weights": {}}, "weights do not fit: embedding.weight is missing"),
    ({"do": "load", "weights": {"a": 1}}, "a is no array with a shape"),
    ({"do": "load", "weights": {"a": {"floats": 3}}}, "floats is 3, expected"),
]


@pytest.mark.parametrize(("asked", "reason"), [*REFUSED, *AFTER])
def test_what_cannot_be_done_is_said(figure: Figure, asked: dict[str, Any], reason: str) -> None:
    if (asked, reason) in AFTER:
        figure.ask("start", config=TINY, paused=True)
    answer = figure.ask(**asked)
    assert answer["say"] == "failed"
    assert re.match(reason, answer["reason"]), answer["reason"]


def test_a_question_that_cannot_be_answered_leaves_training_alone(figure: Figure) -> None:
    figure.ask("start", config=LONG)
    assert figure.ask("probe", tokens=[])["say"] == "failed"
    assert training()
    figure.until("report")


def test_a_loss_that_is_lost_is_told(figure: Figure) -> None:
    figure.ask("start", config=TINY, paused=True)
    lost = {
        name: {"shape": [*x.shape], "values": x * torch.nan} for name, x in figure.weights().items()
    }
    figure.ask("load", weights=lost)
    figure.ask("resume")
    assert "the training loss became nan by step 10" in figure.until("failed")["reason"]
    assert not figure.said("done")
    assert figure.ask("reset")["say"] == "reset"


def test_what_breaks_in_training_is_told_and_printed(
    figure: Figure, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Tensor:
        raise RuntimeError("out of memory")

    figure.ask("start", config=TINY, paused=True)
    monkeypatch.setattr(Alone, "losses", broken)
    figure.ask("resume")
    assert figure.until("failed") == {"say": "failed", "reason": "out of memory"}
    assert "RuntimeError: out of memory" in capsys.readouterr().err


def test_an_interrupt_ends_training_as_a_pause(figure: Figure) -> None:
    figure.ask("start", config=LONG)
    figure.until("report")
    figure.engine.interrupt()
    step = figure.until("paused")["step"]
    figure.engine.interrupt()
    assert figure.ask("pause")["step"] == step
    figure.ask("resume")
    figure.until("report", count=len(figure.said("report")) + 1)
    assert len(figure.said("paused")) == 1


def test_closing_ends_all(figure: Figure) -> None:
    figure.ask("start", config=LONG)
    figure.until("report")
    assert figure.ask("close") == {"say": "closed"}
    assert not training()
    assert figure.ask("resume") == {"say": "failed", "reason": "the engine is closed"}
    assert figure.ask("start", config=TINY)["reason"] == "the engine is closed"


class Wired(ipywidgets.Widget):
    """A widget whose messages a test reads, in place of a browser."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[dict[str, Any], Any]] = []
        attach(self)

    def send(self, content: Any, buffers: Any = None) -> None:
        self.sent.append((content, buffers))

    def receive(self, content: Any, *buffers: Any) -> None:
        """As if a view had sent it."""
        self._handle_custom_msg(content, [memoryview(x) for x in buffers])


@pytest.fixture
def wired() -> Iterator[Wired]:
    widget = Wired()
    yield widget
    widget.close()
    assert not training()


def test_each_view_of_a_widget_has_its_own_engine(wired: Wired) -> None:
    for view in "ab":
        wired.receive({"train": view, "do": "start", "config": LONG, "id": 1})
    assert len(training()) == 2
    assert [(x["train"], x["say"], x["id"]) for x, _ in wired.sent if "id" in x] == [
        ("a", "ready", 1),
        ("b", "ready", 1),
    ]
    wired.receive({"train": "a", "do": "close"})
    assert len(training()) == 1
    wired.receive({"kind": "anywidget-command", "do": "close"})
    wired.receive("close")
    assert len(training()) == 1, "those were not for it"


def test_arrays_travel_as_buffers(wired: Wired) -> None:
    wired.receive({"train": "a", "do": "start", "config": TINY, "paused": True, "id": 1})
    wired.receive({"train": "a", "do": "weights", "id": 2})
    answer, buffers = wired.sent[-1]
    assert all(isinstance(x, bytes) for x in buffers)
    wired.receive({"train": "a", "do": "load", "id": 3, "weights": answer["weights"]}, *buffers)
    assert wired.sent[-1][0]["say"] == "loaded"
    wired.receive({"train": "a", "do": "weights", "id": 4})
    assert wired.sent[-1][1] == buffers


def test_a_widget_that_is_closed_trains_no_more(wired: Wired) -> None:
    wired.receive({"train": "a", "do": "start", "config": LONG, "id": 1})
    assert training()
    wired.close()
    assert not training()


def test_arrays_of_messages_are_float32_and_whole() -> None:
    buffers: list[Any] = []
    what = {"a": [torch.ones(2, 3, dtype=torch.float64)], "b": "floats", "c": {"d": None}}
    message = packed(what, buffers)
    assert message == {"a": [{"floats": 0}], "b": "floats", "c": {"d": None}}
    assert torch.equal(unpacked(message, buffers)["a"][0], torch.ones(6))
    with pytest.raises(ValueError, match="buffer 0 has 3 bytes, expected a multiple of 4"):
        unpacked({"floats": 0}, [b"abc"])


def test_the_page_and_the_kernel_answer_the_same_messages() -> None:
    source = (bundle.SOURCES / "train" / "serve.js").read_text(encoding="utf-8")
    inside = source[source.index("const answers = {") : source.index("let before =")]
    words = re.findall(r"^    (?:async )?(\w+)\(", inside, re.M)
    assert {*words} == {*kernel._ANSWERS}
