"""Train a sequence model on MQAR.

    result = train(TrainConfig(mixer="linear", n=16))
    result.test_accuracy

The defaults are the teaching configuration of chapter 10: one layer that learns in seconds on a
laptop and shows what the state expansion n buys.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm  # type: ignore[import-untyped]

from dsf._checks import check_choice, check_flag, check_integer, check_number, shown
from dsf.mixers import MIXERS, RECURRENT
from dsf.model import SequenceModel, num_parameters
from dsf.tasks import mqar

_CHUNK_TOKENS = 2**20  # training data is drawn this many tokens at a time

Batch = tuple[Tensor, Tensor, Tensor]
"""Inputs (B, L), asked positions (B, Q), their values (B, Q)."""

Forward = Callable[[Tensor, Tensor], Tensor]
"""A model: inputs and asked positions to logits (B, Q, V)."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """What to train, on which task, and how. Checked when it is made.

    Attributes:
        mixer: Name of the token mixer, a key of `dsf.mixers.MIXERS`.
        n: State expansion; 1 for the recurrent networks, which have one state a channel.
        forget_bias: Logit of a qLSTM's transition when training begins; 0 for every other mixer.
        d_model: Width d.
        num_layers: Number of blocks.
        conv_kernel: Taps of the short convolution; 0 for none.
        mlp_ratio: Hidden width of the MLPs in units of d; 0 for none.
        position_embedding: Whether to add a learned embedding of the position.
        init_std: Standard deviation of the initial embeddings and linear maps.
        seq_len: Length L of a sequence; see `dsf.mqar.generate` for this and the next five.
        num_kv_pairs: Number of pairs K.
        vocab_size: Vocabulary V.
        power_a: Exponent of the slot weights.
        random_non_queries: Whether filler is replaced by random tokens.
        queries_per_key: How often each key is asked.
        steps: Number of optimiser steps, each on a fresh batch.
        batch_size: Sequences in a batch.
        learning_rate: Peak of the schedule: linear warm-up, then a cosine to zero.
        warmup: Fraction of the steps spent warming up.
        weight_decay: AdamW's, on the matrices of linear maps only.
        report_every: Steps between two looks at the validation set.
        stop_accuracy: Stop once validation accuracy reaches it; None to run all steps.
        num_validation: Sequences in the validation set, which decides when to stop.
        num_test: Sequences in the test set, which is used once, at the end.
        seed: Determines initialisation and all data.
        device: Where to train, `"cpu"`, `"cuda"` or `"cuda:1"`.
        compile: Whether to pass the model through `torch.compile`; at the sizes of the book this
            takes longer than it saves.

    Raises:
        ValueError: Naming the field, its value and what is allowed.
    """

    mixer: str = "softmax"
    n: int = 16
    forget_bias: float = 0.0
    d_model: int = 64
    num_layers: int = 1
    conv_kernel: int = 4
    mlp_ratio: int = 0
    position_embedding: bool = False
    init_std: float = 0.1
    seq_len: int = 64
    num_kv_pairs: int = 8
    vocab_size: int = 128
    power_a: float = 0.01
    random_non_queries: bool = False
    queries_per_key: int = 1
    steps: int = 1000
    batch_size: int = 32
    learning_rate: float = 4e-3
    warmup: float = 0.05
    weight_decay: float = 0.0
    report_every: int = 50
    stop_accuracy: float | None = 0.995
    num_validation: int = 500
    num_test: int = 1000
    seed: int = 0
    device: str = "cpu"
    compile: bool = False

    def __post_init__(self) -> None:
        check_choice("mixer", self.mixer, MIXERS)
        for name, low in _SMALLEST.items():
            high = _LARGEST_SEED if name == "seed" else None
            object.__setattr__(self, name, check_integer(name, getattr(self, name), low, high))
        for name, (bottom, top, above) in _RANGES.items():
            value = getattr(self, name)
            if name != "stop_accuracy" or value is not None:
                object.__setattr__(self, name, check_number(name, value, bottom, top, above))
        for name in ("position_embedding", "compile"):
            check_flag(name, getattr(self, name))
        if self.mixer in RECURRENT and self.n != 1:
            raise ValueError(f"n is {self.n}, expected 1: {self.mixer} has one state a channel")
        if self.mixer == "s4d" and self.n % 2:
            raise ValueError(f"n is {self.n}, expected an even number: s4d has pairs of poles")
        if self.forget_bias and not self.mixer.startswith("qlstm"):
            raise ValueError(
                f"forget_bias is {self.forget_bias}, expected 0: {self.mixer} has none"
            )
        try:
            torch.device(self.device)
        except (RuntimeError, TypeError) as error:
            raise ValueError(
                f"device is {shown(self.device)}, expected a device of PyTorch"
            ) from error
        mqar.check_task(
            self.seq_len,
            self.num_kv_pairs,
            self.vocab_size,
            power_a=self.power_a,
            random_non_queries=self.random_non_queries,
            queries_per_key=self.queries_per_key,
        )


ADDED: dict[str, Any] = {}
"""Fields that `TrainConfig` gained after runs were recorded, and the value that those stand for.

A recorded config without such a field means this value, and a config with this value is the same
experiment as one without the field. Whoever adds a field adds it here, in the same commit.
"""

_LARGEST_SEED = 2**63 - 1  # that PyTorch takes
_SMALLEST = {
    "n": 1,
    "d_model": 1,
    "num_layers": 1,
    "conv_kernel": 0,
    "mlp_ratio": 0,
    "seq_len": 1,  # the task itself is checked by dsf.mqar.check_task
    "num_kv_pairs": 1,
    "vocab_size": 1,
    "queries_per_key": 1,
    "steps": 1,
    "batch_size": 1,
    "report_every": 1,
    "num_validation": 1,
    "num_test": 1,
    "seed": 0,
}
_RANGES = {  # lowest, highest, whether the lowest itself is excluded
    "forget_bias": (-20.0, 20.0, False),
    "init_std": (0.0, 10.0, True),
    "power_a": (-10.0, 10.0, False),
    "learning_rate": (0.0, 1.0, True),
    "warmup": (0.0, 1.0, False),
    "weight_decay": (0.0, 10.0, False),
    "stop_accuracy": (0.0, 1.0, False),
}


@dataclass(frozen=True)
class Report:
    """One look at a run.

    Attributes:
        step: Optimiser steps done so far.
        loss: Mean training loss, in nats a question, over the steps since the report before.
        accuracy: Accuracy on the validation set; NaN if a logit was not finite.
    """

    step: int
    loss: float
    accuracy: float

    @property
    def diverged(self) -> str | None:
        """None, or the reason why the run is given up here."""
        if not math.isfinite(self.loss):
            return f"the training loss became {self.loss} by step {self.step}"
        if not math.isfinite(self.accuracy):
            return f"the logits were no longer finite by step {self.step}"
        return None


@dataclass(frozen=True)
class TrainResult:
    """What a run gave.

    Attributes:
        config: The configuration.
        model: The trained model.
        history: Reports in the order of the steps; a run ends with the first that is not finite.
        test_accuracy: Accuracy on the test set, NaN if the run diverged.
        diverged: None, or the reason why the run was given up.
        num_parameters: Trained numbers in the model.
        seconds: Wall time of training, validation included, without the test.
    """

    config: TrainConfig
    model: SequenceModel
    history: list[Report]
    test_accuracy: float
    diverged: str | None
    num_parameters: int
    seconds: float


def build_model(config: TrainConfig) -> SequenceModel:
    """The untrained model of a configuration, on the CPU. The seed fixes every initial value.

    The caller's random state is left as it was.

    Args:
        config: The configuration.

    Returns:
        The model.
    """
    make = MIXERS[config.mixer]
    if config.mixer.startswith("qlstm"):
        make = partial(make, forget_bias=config.forget_bias)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)
        return SequenceModel(
            config.vocab_size,
            config.d_model,
            lambda: make(config.d_model, config.n),
            num_layers=config.num_layers,
            conv_kernel=config.conv_kernel,
            mlp_ratio=config.mlp_ratio,
            max_length=config.seq_len if config.position_embedding else 0,
            init_std=config.init_std,
        )


def train(config: TrainConfig, progress: bool = True) -> TrainResult:
    """Train a model on fresh MQAR sequences, stop early if it has learnt the task, and test it.

    The loss is taken at the asked positions only and the others are never projected to the
    vocabulary. Validation and test sets are drawn from streams of their own. Two runs of one
    configuration on the CPU of one machine, with one number of threads, agree bit for bit; on a GPU
    they agree to rounding only, which many steps may amplify. The global random state is neither
    read nor changed.

    A run whose loss or whose logits are no longer finite ends at the next report, and the result
    says so in `diverged`: in a sweep this is a finding like another, not an error.

    Args:
        config: What to do.
        progress: Show a progress bar.

    Returns:
        The result.

    Raises:
        ValueError: If this machine does not have the configured device.
    """
    device = check_device(config.device)
    model = build_model(config).to(device)
    train_seed, validation_seed, test_seed = data_seeds(config.seed)
    validation = draw(config, config.num_validation, validation_seed, device)
    history: list[Report] = []
    start = time.perf_counter()
    label = f"{config.mixer}, n = {config.n}"
    with tqdm(total=config.steps, desc=label, disable=not progress, leave=False) as bar:
        for report in _reports(model, config, train_seed, validation, bar):
            history.append(report)
            if is_last(config, report):
                break
    seconds = time.perf_counter() - start
    test = draw(config, config.num_test, test_seed, device)
    return finish(config, model, history, evaluate(model, test, config.batch_size), seconds)


def finish(
    config: TrainConfig,
    model: SequenceModel,
    history: list[Report],
    test_accuracy: float,
    seconds: float,
) -> TrainResult:
    """The result of a run that has ended.

    Args:
        config: What was done.
        model: The trained model.
        history: All reports.
        test_accuracy: Of `evaluate` on the test set.
        seconds: Wall time.

    Returns:
        The result; the run diverged as well if a logit was not finite on the test set only.
    """
    last = history[-1]
    diverged = last.diverged or replace(last, accuracy=test_accuracy).diverged
    return TrainResult(
        config=config,
        model=model,
        history=history,
        test_accuracy=math.nan if diverged else test_accuracy,
        diverged=diverged,
        num_parameters=num_parameters(model),
        seconds=seconds,
    )


def _reports(
    model: SequenceModel, config: TrainConfig, seed: int, validation: Batch, bar: tqdm
) -> Iterator[Report]:
    """Train step by step and report now and then, the last step included."""
    device = validation[0].device
    forward: Forward = torch.compile(model) if config.compile else model
    optimizer = torch.optim.AdamW(
        parameter_groups(model, config.weight_decay), lr=config.learning_rate, fused=True
    )
    total, since = torch.zeros((), device=device), 0
    for step, batch in enumerate(fresh_batches(config, seed, device)):
        rate = learning_rate(config, step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = asked_loss(forward, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        bar.update()
        total, since = total + loss.detach(), since + 1  # no .item(): a GPU need not wait
        if since == config.report_every or step + 1 == config.steps:
            mean = total.item() / since
            report = Report(step + 1, mean, evaluate(forward, validation, config.batch_size))
            bar.set_postfix(loss=f"{report.loss:.3f}", accuracy=f"{report.accuracy:.3f}")
            yield report
            total, since = torch.zeros_like(total), 0


def is_last(config: TrainConfig, report: Report) -> bool:
    """Whether a run ends with this report before its last step: it diverged or reached its goal.

    Args:
        config: Of the run.
        report: Its latest.

    Returns:
        True if it ends.
    """
    goal = config.stop_accuracy
    return report.diverged is not None or (goal is not None and report.accuracy >= goal)


def asked_loss(model: Forward, batch: Batch) -> Tensor:
    """Mean cross-entropy over the asked positions, the only ones that are read out.

    Args:
        model: The model.
        batch: Inputs, asked positions, their values.

    Returns:
        A scalar, in nats.
    """
    inputs, positions, values = batch
    return F.cross_entropy(model(inputs, positions).flatten(0, 1), values.flatten())


@torch.inference_mode()
def evaluate(model: Forward, data: Batch, batch_size: int) -> float:
    """Fraction of the questions answered correctly.

    Args:
        model: The model.
        data: Inputs, asked positions, their values; all on the device of the model.
        batch_size: Sequences at a time.

    Returns:
        A number from 0 to 1; NaN if a logit is not finite.
    """
    correct = 0
    for inputs, positions, values in zip(*(x.split(batch_size) for x in data), strict=True):
        logits = model(inputs, positions)
        if not logits.isfinite().all():
            return math.nan
        correct += int((logits.argmax(-1) == values).sum())
    return correct / data[2].numel()


def fresh_batches(config: TrainConfig, seed: int, device: torch.device) -> Iterator[Batch]:
    """One batch a step, never the same sequence twice.

    Args:
        config: Task, batch size and number of steps.
        seed: Of the data.
        device: Where the batches shall be.

    Yields:
        Inputs, asked positions, their values.
    """
    per_chunk = max(1, _CHUNK_TOKENS // (config.batch_size * config.seq_len))
    for chunk, first in enumerate(range(0, config.steps, per_chunk)):
        num_steps = min(per_chunk, config.steps - first)
        data = draw(config, num_steps * config.batch_size, seed + chunk, device)
        yield from zip(*(x.split(config.batch_size) for x in data), strict=True)


def learning_rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up to the peak, then half a cosine towards zero.

    Args:
        config: Peak, fraction of warm-up and number of steps.
        step: From 0 to steps - 1.

    Returns:
        The learning rate of this step, positive.
    """
    warmup = round(config.warmup * config.steps)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    done = (step - warmup) / (config.steps - warmup)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Split parameters for the optimiser: weight decay is for the matrices of linear maps.

    Embeddings, norms, biases, convolutions, skips and the decays and steps of state space models
    are left out: pulling those to zero changes what a model can remember.

    Args:
        model: The model.
        weight_decay: Of the matrices.

    Returns:
        Two groups, as torch.optim takes them.
    """
    matrices = {id(m.weight): m.weight for m in model.modules() if isinstance(m, nn.Linear)}
    others = [p for p in model.parameters() if id(p) not in matrices]
    return [
        {"params": list(matrices.values()), "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def draw(config: TrainConfig, num_examples: int, seed: int, device: torch.device) -> Batch:
    """Sequences of the task.

    Args:
        config: The task.
        num_examples: How many.
        seed: Of the data.
        device: Where they shall be.

    Returns:
        Inputs, asked positions, their values.
    """
    inputs, labels = mqar.generate(
        num_examples,
        config.seq_len,
        config.num_kv_pairs,
        config.vocab_size,
        config.power_a,
        config.random_non_queries,
        config.queries_per_key,
        seed,
    )
    positions = mqar.asked_positions(labels)
    values = labels.gather(1, positions)
    return inputs.to(device), positions.to(device), values.to(device)


def data_seeds(seed: int) -> list[int]:
    """Seeds of the training, validation and test data, far from each other for every seed.

    Args:
        seed: Of a run.

    Returns:
        Three seeds.
    """
    return [int(word) for word in np.random.SeedSequence(seed).generate_state(3, np.uint64)]


def check_device(name: str) -> torch.device:
    """The device of this name.

    Args:
        name: As PyTorch has it.

    Returns:
        The device.

    Raises:
        ValueError: If this machine does not have it.
    """
    device = torch.device(name)
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device is {name!r}, expected a device of this machine") from error
    return device
