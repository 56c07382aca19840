"""What to train, on which task, and how: one flat dataclass a task.

    TrainConfig(mixer="linear", n=16, num_kv_pairs=4)

is a configuration for MQAR, whose defaults are the teaching configuration of chapter 10: one layer
that learns in seconds on a laptop and shows what the state expansion n buys. The configurations of
another task have that task's fields beside those of `Config`; `config_class` makes their class.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, make_dataclass
from functools import cache
from typing import Any

import torch

from dsf._checks import check_choice, shown
from dsf.mixers import MIXERS, mixer_class
from dsf.tasks import TASKS
from dsf.tasks.base import Task, check_fields
from dsf.tasks.mqar import MQAR

ADDED: dict[str, Any] = {"task": "mqar", "start": ""}
"""Fields that configurations gained after runs were recorded, and the value that those stand for.

A recorded config without such a field means this value, and a config with this value is the same
experiment as one without the field. Whoever adds a field adds it here, in the same commit.
"""

NOT_RECORDED = ("seed", "device", "compile")
"""Fields that are no part of a recorded config: the seed stands beside it, the others say how."""


@dataclass(frozen=True, kw_only=True)
class Config(Task):
    """What every run has beside the parameters of its task. Checked when it is made.

    Attributes:
        task: name of the task, a key of `dsf.tasks.TASKS`; each class of configurations has one.
        mixer: name of the token mixer, a key of `dsf.mixers.MIXERS`.
        n: state expansion; 1 for the recurrent networks, which have one state a channel.
        forget_bias: logit of the transition of a qLSTM or minGRU when training begins; 0 for every
            other mixer.
        start: name of another initialisation of the mixer's dynamics, one of its `starts`; empty
            for that of its paper.
        d_model: width d.
        num_layers: number of blocks.
        conv_kernel: taps of the short convolution; 0 for none.
        mlp_ratio: hidden width of the MLPs in units of d; 0 for none.
        position_embedding: whether to add a learned embedding of the position.
        init_std: standard deviation of the initial embeddings and linear maps.
        steps: number of optimiser steps, each on a fresh batch.
        batch_size: sequences in a batch.
        learning_rate: peak of the schedule: linear warm-up, then a cosine to zero.
        warmup: fraction of the steps spent warming up.
        weight_decay: AdamW's, on the matrices of linear maps only.
        report_every: steps between two looks at the validation set.
        num_validation: sequences in the validation set, which decides when to stop.
        num_test: sequences in the test set, which is used once, at the end.
        seed: determines initialisation and all data.
        device: where to train, `"cpu"`, `"cuda"` or `"cuda:1"`.
        compile: whether to pass the model through `torch.compile`; at the sizes of the book this
            takes longer than it saves.

    Raises:
        ValueError: naming the field, its value and what is allowed.
    """

    task: str
    mixer: str = "softmax"
    n: int = 16
    forget_bias: float = 0.0
    start: str = ""
    d_model: int = 64
    num_layers: int = 1
    conv_kernel: int = 4
    mlp_ratio: int = 0
    position_embedding: bool = False
    init_std: float = 0.1
    steps: int = 1000
    batch_size: int = 32
    learning_rate: float = 4e-3
    warmup: float = 0.05
    weight_decay: float = 0.0
    report_every: int = 50
    num_validation: int = 500
    num_test: int = 1000
    seed: int = 0
    device: str = "cpu"
    compile: bool = False

    def __post_init__(self) -> None:
        check_choice("task", self.task, (getattr(type(self), "task", ""),))
        check_choice("mixer", self.mixer, MIXERS)
        check_fields(self, _INTEGERS, _NUMBERS, ("position_embedding", "compile"))
        make = mixer_class(self.mixer)
        make.check_expansion(self.n)
        for name in _options() - {*make.options}:
            if value := getattr(self, name):
                raise ValueError(f"{name} is {value}, expected 0: {self.mixer} has none")
        if not isinstance(self.start, str) or self.start not in ("", *make.starts):
            known = ", ".join(map(repr, ("", *make.starts)))
            raise ValueError(f"start is {shown(self.start)}, expected one of {known}")
        try:
            torch.device(self.device)
        except (RuntimeError, TypeError) as error:
            raise ValueError(
                f"device is {shown(self.device)}, expected a device of PyTorch"
            ) from error
        super().__post_init__()


_INTEGERS: dict[str, int | tuple[int, int]] = {  # smallest, or smallest and largest
    "n": 1,
    "d_model": 1,
    "num_layers": 1,
    "conv_kernel": 0,
    "mlp_ratio": 0,
    "steps": 1,
    "batch_size": 1,
    "report_every": 1,
    "num_validation": 1,
    "num_test": 1,
    "seed": (0, 2**63 - 1),  # what PyTorch takes
}
_NUMBERS = {  # lowest, highest, whether the lowest itself is excluded
    "forget_bias": (-20.0, 20.0, False),
    "init_std": (0.0, 10.0, True),
    "learning_rate": (0.0, 1.0, True),
    "warmup": (0.0, 1.0, False),
    "weight_decay": (0.0, 10.0, False),
}


@dataclass(frozen=True, kw_only=True)
class TrainConfig(MQAR, Config):
    """A configuration for MQAR: the fields of `Config` and of `dsf.tasks.MQAR`."""

    task: str = "mqar"


def config_class(task: str) -> type[Config]:
    """The class of the configurations of a task.

    Args:
        task: a key of `dsf.tasks.TASKS`.

    Returns:
        A frozen dataclass with the fields of `Config` and of the task; `TrainConfig` for MQAR.

    Raises:
        ValueError: there is no such task, or one of its fields has the name of a field of `Config`.
    """
    check_choice("task", task, TASKS)
    return _class_of(task, TASKS[task])


@cache
def _class_of(name: str, task: type[Task]) -> type[Config]:
    if task is MQAR:
        return TrainConfig
    own, shared = ({field.name for field in dataclasses.fields(c)} for c in (task, Config))
    if twice := own & shared:
        raise ValueError(f"task {name} has {', '.join(sorted(twice))}, expected names of its own")

    def reduce(config: Config) -> tuple[Any, ...]:  # this class has no name in any module
        return _restored, (name, task, vars(config))

    return make_dataclass(
        f"{task.__name__}Config",
        [("task", str, field(default=name))],
        bases=(task, Config),
        namespace={"__reduce__": reduce},
        frozen=True,
        kw_only=True,
    )


def _restored(name: str, task: type[Task], fields: dict[str, Any]) -> Config:
    return _class_of(name, task)(**fields)


def experiment(config: Config) -> dict[str, Any]:
    """What is recorded of a configuration.

    Args:
        config: of a run.

    Returns:
        Its fields by name, without those of `NOT_RECORDED`.

    Example:
        >>> from dsf.config import TrainConfig, experiment
        >>> experiment(TrainConfig(mixer="linear", n=8))["n"]
        8
    """
    fields = dataclasses.asdict(config)
    return {name: value for name, value in fields.items() if name not in NOT_RECORDED}


def mixer_options(config: Config) -> dict[str, Any]:
    """What the mixer takes from a configuration beside width and state expansion.

    Args:
        config: of a run.

    Returns:
        Arguments of its constructor by name.
    """
    mixer = mixer_class(config.mixer)
    options = {name: getattr(config, name) for name in mixer.options}
    return {**options, **mixer.starts.get(config.start, {})}


def _options() -> set[str]:
    """The options of all mixers."""
    return {name for mixer in MIXERS for name in mixer_class(mixer).options}
