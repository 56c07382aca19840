"""Training in the kernel of a notebook: what a worker does in a page, over ipywidgets messages.

`attach(widget)` lets the JavaScript of a figure (`dsf/widgets/js/lab/kernel.js`) train models here
as it does in a worker: with the messages that `dsf/widgets/js/train/serve.js` lists. The steps are
those of `dsf.train`, in a thread, so that the kernel stays free for cells while a model trains.

Messages are heard where ipywidgets hears them. In most notebooks that is the main thread of the
kernel: while a cell runs they wait, and so does the answer to *Pause*; training goes on meanwhile.
Where comms have a subshell of their own (JupyterLab from 4.4 on) they are heard at once.

Only one thread touches a model at a time: whoever wants something of it lets the running step end,
which stops the thread of training, and starts that again. It also ends where nothing is left to
do, where the kernel is interrupted, and where the widget is closed.
"""

from __future__ import annotations

import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor

from dsf._checks import check_integer, shown
from dsf.config import TrainConfig
from dsf.files import unlike
from dsf.train import Alone, Report, Trainee, steps
from dsf.widgets.base import Widget
from dsf.widgets.buffers import Buffer, packed, unpacked
from dsf.widgets.interrupts import on_interrupt
from dsf.widgets.probe import probe
from dsf.widgets.training import DEFAULTS

__all__ = ["Engine", "attach"]

Message = dict[str, Any]
Tell = Callable[[Message, list[Buffer]], None]
"""Sends a message with its arrays."""

BACKEND, THREAD = "PyTorch", "dsf training"
NUM_VALIDATION = 250
"""Sequences that the accuracy of a report is taken on, as in the record `lab`."""


def attach(widget: Widget) -> None:
    """Let the view of a widget train in this kernel, until the widget is closed.

    Every view has an engine of its own, which begins with its first message.

    Args:
        widget: whose view opens `dsf/widgets/js/lab/kernel.js`.
    """
    engines: dict[str, Engine] = {}

    def hear(_: Widget, content: Any, buffers: Sequence[Buffer]) -> None:
        key = content.get("train") if isinstance(content, dict) else None
        if not isinstance(key, str):
            return  # of another kind

        def tell(message: Message, arrays: list[Buffer]) -> None:
            widget.send({**message, "train": key}, arrays)

        engine = engines.setdefault(key, Engine(tell))
        engine.hear(content, buffers)
        if engine.closed:
            engines.pop(key, None)

    def end(_: Any = None) -> None:
        while engines:
            engines.popitem()[1].close()

    widget.on_msg(hear)
    widget.observe(end, "comm")  # which a widget that is closed here loses
    if widget.comm is not None:
        widget.comm.on_close(end)  # closed by the notebook
    _listen()


class Engine:
    """Answers the messages of `dsf/widgets/js/train/serve.js` with PyTorch.

    Args:
        tell: sends what there is to say; called from the thread that hears and from that of
            training.
    """

    def __init__(self, tell: Tell) -> None:
        self.closed = False
        self._tell_all = tell
        self._run: _Run | None = None
        self._goal: int | None = None  # the step up to which it trains; None where it stands still
        self._interrupted = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._alone = threading.RLock()  # a cell may close what a message asks
        _engines.add(self)

    def hear(self, message: Mapping[str, Any], buffers: Sequence[Buffer] = ()) -> None:
        """Do what is asked, and answer.

        Args:
            message: `do`, what it needs, and maybe an `id`, which the answer repeats.
            buffers: the arrays of the message, see `unpacked`.
        """
        with self._alone:
            asked = {"id": message["id"]} if "id" in message else {}
            try:
                do = message.get("do")
                if not isinstance(do, str) or do not in _ANSWERS:
                    known = ", ".join(_ANSWERS)
                    raise ValueError(f"do is {shown(do)}, expected one of {known}")
                with self._standing():
                    say, what = _ANSWERS[do](self, unpacked(dict(message), buffers))
                    self._tell(say, {**what, **asked})
            except (Exception, KeyboardInterrupt) as problem:
                if isinstance(problem, KeyboardInterrupt):
                    self.interrupt()
                self._fail(problem, asked)

    def close(self) -> None:
        """End training and forget the model; what is asked from now on fails."""
        with self._alone:
            self._halt()
            self._goal, self._run, self.closed = None, None, True

    def interrupt(self) -> None:
        """Let training end after the running step, and say `paused`. Waits for nothing."""
        if self._goal is not None:
            self._interrupted = True
            self._stop.set()

    # The thread.

    @contextmanager
    def _standing(self) -> Iterator[None]:
        """While nothing trains; after it goes on what is to go on."""
        try:
            self._halt()
            yield
        finally:
            self._halt()  # again, where it was interrupted
            if self._goal is not None:
                self._stop.clear()
                self._interrupted = False
                self._thread = threading.Thread(target=self._train, name=THREAD, daemon=True)
                self._thread.start()

    def _halt(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._thread = None

    def _train(self) -> None:
        """Take steps up to the goal, unless told to stop."""
        run = self._model()
        try:
            while not self._stop.is_set():
                run.step()
                last = run.done >= (self._goal or run.config.steps)
                if last or run.done % run.config.report_every == 0:
                    report, rate = run.report()
                    seen = {"step": report.step, "loss": report.loss, "accuracy": report.accuracy}
                    if report.diverged is not None:
                        self._goal = None
                        return self._tell("failed", {"reason": report.diverged})
                    self._tell("report", {**seen, "rate": rate, "backend": BACKEND})
                if last:
                    self._goal = None
                    ended = run.done >= run.config.steps
                    return self._tell("done" if ended else "paused", {"step": run.done})
            if self._interrupted:
                self._goal = None
                self._tell("paused", {"step": run.done})
        except Exception as problem:
            self._goal = None
            self._fail(problem, {})

    # What is said.

    def _tell(self, say: str, what: Message) -> None:
        arrays: list[Buffer] = []
        message = packed(what, arrays)
        self._tell_all({"say": say, **message}, arrays)

    def _fail(self, problem: BaseException, asked: Message) -> None:
        if not isinstance(problem, ValueError):  # which says what was wrong with the question
            traceback.print_exception(problem)
        reason = str(problem) or type(problem).__name__
        self._tell("failed", {"reason": reason, **asked})

    # What is asked, while nothing trains.

    def _model(self) -> _Run:
        if self.closed:
            raise ValueError("the engine is closed")
        if self._run is None:
            raise ValueError("nothing is in training: start comes first")
        return self._run

    def _go(self, step: int) -> tuple[str, Message]:
        run = self._model()
        goal = min(step, run.config.steps)
        self._goal = goal if run.done < goal else None
        return "resumed", {"step": run.done}

    def _begin(self, config: TrainConfig, weights: Mapping[str, Tensor] | None = None) -> _Run:
        self._goal, self._run = None, _Run(config, weights)
        return self._run

    def _start(self, asked: Message) -> tuple[str, Message]:
        if self.closed:
            raise ValueError("the engine is closed")
        config = _checked(asked.get("config"))
        self._begin(config)
        self._goal = None if asked.get("paused") else config.steps
        fields = {name: getattr(config, name) for name in DEFAULTS}
        return "ready", {"backend": BACKEND, "step": 0, "steps": config.steps, "config": fields}

    def _pause(self, asked: Message) -> tuple[str, Message]:
        self._goal = None
        return "paused", {"step": self._model().done}

    def _resume(self, asked: Message) -> tuple[str, Message]:
        return self._go(self._model().config.steps)

    def _step(self, asked: Message) -> tuple[str, Message]:
        return self._go(self._model().done + check_integer("count", asked.get("count", 1)))

    def _reset(self, asked: Message) -> tuple[str, Message]:
        self._begin(self._model().config)
        return "reset", {"step": 0}

    def _load(self, asked: Message) -> tuple[str, Message]:
        self._begin(self._model().config, _tensors(asked.get("weights")))
        return "loaded", {"step": 0}

    def _weights(self, asked: Message) -> tuple[str, Message]:
        state = self._model().trainee.model.state_dict().items()
        return "weights", {"weights": {k: {"shape": [*x.shape], "values": x} for k, x in state}}

    def _probe(self, asked: Message) -> tuple[str, Message]:
        run = self._model()
        tokens = _tokens(asked.get("tokens"), run.config)
        return "probe", {
            "step": run.done,
            **probe(run.trainee.model, tokens, run.config.num_kv_pairs),
        }

    def _close(self, asked: Message) -> tuple[str, Message]:
        self.close()
        return "closed", {}


_ANSWERS: dict[str, Callable[[Engine, Message], tuple[str, Message]]] = {
    "start": Engine._start,
    "pause": Engine._pause,
    "resume": Engine._resume,
    "step": Engine._step,
    "reset": Engine._reset,
    "load": Engine._load,
    "weights": Engine._weights,
    "probe": Engine._probe,
    "close": Engine._close,
}


class _Run:
    """A model in training, step by step.

    Args:
        config: what to train.
        weights: where to begin; None for those of the seed.

    Raises:
        ValueError: a model of this configuration does not have such weights.
    """

    def __init__(self, config: TrainConfig, weights: Mapping[str, Tensor] | None) -> None:
        self.config, self.trainee, self.done = config, Trainee(config), 0
        if weights is not None:
            if wrong := unlike(weights, self.trainee.model.state_dict()):
                raise ValueError(f"weights do not fit: {wrong}")
            self.trainee.model.load_state_dict(weights)
        self._kernel = Alone(self.trainee)
        self._steps = steps([self.trainee], self._kernel)
        self._losses: list[Tensor] = []
        self._spent = 0.0

    def step(self) -> None:
        """Take one."""
        start = time.perf_counter()
        self._losses.append(next(self._steps))
        self._spent += time.perf_counter() - start
        self.done += 1

    def report(self) -> tuple[Report, float]:
        """What `dsf.train.run_loop` reports, and the steps a second since the last one."""
        loss = sum(x.item() for x in self._losses) / len(self._losses)
        rate = len(self._losses) / self._spent
        self._losses, self._spent = [], 0.0
        (score,) = self._kernel.scores([self.trainee], [self.trainee.validation])
        return Report(self.done, loss, score), rate


def _checked(given: Any) -> TrainConfig:
    """The configuration of these fields, the others as in the page."""
    if not isinstance(given, dict):
        raise ValueError(f"config is {shown(given)}, expected fields by name")
    for name in given:
        if name not in DEFAULTS:
            raise ValueError(f"a field is {shown(name)}, expected one of {', '.join(DEFAULTS)}")
    own = {"stop_accuracy": None, "num_validation": NUM_VALIDATION}
    return TrainConfig(**{**DEFAULTS, **given, **own})


def _tensors(weights: Any) -> dict[str, Tensor]:
    if not isinstance(weights, dict):
        raise ValueError(f"weights is {shown(weights)}, expected arrays by name")
    found = {}
    for name, x in weights.items():
        try:
            found[name] = x["values"].reshape(x["shape"])
        except (TypeError, KeyError, AttributeError, RuntimeError) as error:
            raise ValueError(f"{name} is no array with a shape and as many values") from error
    return found


def _tokens(given: Any, config: TrainConfig) -> Tensor:
    length, highest = config.seq_len, config.vocab_size - 1
    if not isinstance(given, list) or len(given) != length:
        raise ValueError(f"tokens is {shown(given)}, expected a list of {length}")
    return torch.tensor([check_integer("a token", x, 0, highest) for x in given])


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


@cache
def _listen() -> None:
    """Let an interrupt of the kernel end all training. Once is enough."""

    def end() -> None:
        for engine in [*_engines]:
            engine.interrupt()

    on_interrupt(end)
