"""MQAR: making the data, and one training step, against the plain way of doing both.

The plain generator draws example by example with NumPy's `choice` without replacement, as the
reference code of the task does. The plain training loop projects every position to the vocabulary,
forms every attention matrix and every transition explicitly, takes AdamW as it comes and asks for
the loss as a number after each step. It trains the same model: equal architecture, sizes and
initial parameters, no dropout on either side.
"""

import os
import resource
import sys
import tracemalloc
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm.auto import tqdm  # type: ignore[import-untyped]

from benchmarks.timing import interleaved, row
from dsf import mqar
from dsf.feature_maps import elu_plus_one
from dsf.mixers import S6, LinearAttention, SoftmaxAttention
from dsf.model import Block
from dsf.optimize import parameter_groups
from dsf.tasks import Batch
from dsf.train import TrainConfig, asked_loss, build_model, fresh_batches, train

# Progress bars cost time on both sides and would break the tables apart.
NOWHERE = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def main() -> None:
    """Print the three tables."""
    generation()
    training_step()
    teaching_run()


# Data.


def generation() -> None:
    """Examples per second and peak memory of the generator."""
    print("\nMQAR data, examples a second")
    head = ("V", "L", "K", "loop", "loop, new RNG", "dsf", "ratio", "goal", "peak/output")
    print(row(*head))
    for vocab_size, seq_len, pairs, goal in (
        (8192, 64, 4, 30),
        (128, 64, 8, 30),
        (8192, 256, 16, 30),
        (8192, 512, 64, 8),
    ):
        few, many = 500, 2**21 // seq_len

        def legacy(n: int = few, task: tuple[int, int, int] = (seq_len, pairs, vocab_size)) -> None:
            plain_generate(np.random.RandomState(0).choice, n, *task)

        def modern(n: int = few, task: tuple[int, int, int] = (seq_len, pairs, vocab_size)) -> None:
            plain_generate(np.random.default_rng(0).choice, n, *task)

        def ours(n: int = many, task: tuple[int, int, int] = (seq_len, pairs, vocab_size)) -> None:
            mqar.generate(n, *task)

        seconds = interleaved(legacy, modern, ours)
        rates = [few / seconds[0], few / seconds[1], many / seconds[2]]
        cells = (vocab_size, seq_len, pairs, *(f"{rate / 1e3:.1f} k" for rate in rates))
        ratio = f"{rates[2] / rates[0]:.0f} x"
        memory = f"{_peak_memory_ratio(many, seq_len, pairs, vocab_size):.2f}"
        print(row(*cells, ratio, f"{goal} x", memory))


def plain_generate(
    choice: Callable[..., np.ndarray], num_examples: int, seq_len: int, pairs: int, vocab_size: int
) -> tuple[Tensor, Tensor]:
    """Draw keys, values and slots of one example after the other; lay them out all at once."""
    first_value, num_slots = vocab_size // 2, (seq_len - 2 * pairs) // 2
    weights = np.arange(1, num_slots + 1) ** (0.01 - 1)
    weights /= weights.sum()
    all_keys, all_values = np.arange(1, first_value), np.arange(first_value, vocab_size)
    keys, values, slots = [], [], []
    for _ in range(num_examples):
        keys.append(choice(all_keys, size=pairs, replace=False))
        values.append(choice(all_values, size=pairs, replace=False))
        slots.append(choice(num_slots, size=pairs, replace=False, p=weights))
    inputs = np.zeros((num_examples, seq_len), dtype=np.int64)
    labels = np.full((num_examples, seq_len), -100, dtype=np.int64)
    inputs[:, 0 : 2 * pairs : 2], inputs[:, 1 : 2 * pairs : 2] = keys, values
    asked = 2 * pairs + 2 * np.array(slots)
    np.put_along_axis(inputs, asked, np.array(keys), axis=1)
    np.put_along_axis(labels, asked, np.array(values), axis=1)
    return torch.from_numpy(inputs), torch.from_numpy(labels)


def _peak_memory_ratio(num_examples: int, seq_len: int, pairs: int, vocab_size: int) -> float:
    tracemalloc.start()
    inputs, labels = mqar.generate(num_examples, seq_len, pairs, vocab_size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / (inputs.nbytes + labels.nbytes)


# Training.


class PlainSoftmax(SoftmaxAttention):
    """Softmax attention with its matrix written out."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute softmax(q kᵀ / √n + mask) v."""
        scores = self.query(x) @ self.key(x).mT * self.n**-0.5
        later = torch.full(scores.shape[-2:], -torch.inf).triu(1)
        return torch.softmax(scores + later, dim=-1) @ self.u(x)


class PlainLinear(LinearAttention):
    """Linear attention with its matrix written out."""

    def forward(self, x: Tensor) -> Tensor:
        """Compute (φ(q) φ(k)ᵀ ∘ mask) v with the rows of the matrix made to sum to 1."""
        scores = (elu_plus_one(self.query(x)) @ elu_plus_one(self.key(x)).mT).tril()
        return scores / scores.sum(dim=-1, keepdim=True) @ self.u(x)


class PlainS6(S6):
    """S6 step by step, all transitions and inputs laid out before with the channels before the
    time, as the reference code does where its GPU kernel is missing.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Run h ← exp(Δ_i a) h + Δ_i b_i u_i and read c_i h."""
        u, step, b, c = self.u(x).mT, self.step(x).mT, self.key(x).mT, self.query(x).mT
        transition = torch.exp(torch.einsum("bdl,n->bdln", step, -self.log_decay.exp()))
        driven = torch.einsum("bdl,bnl,bdl->bdln", step, b, u)
        h, outputs = torch.zeros_like(driven[:, :, 0]), []
        for i in range(x.shape[1]):
            h = transition[:, :, i] * h + driven[:, :, i]
            outputs.append(torch.einsum("bdn,bn->bd", h, c[:, :, i]))
        return torch.stack(outputs, dim=1) + self.skip * u.mT


PLAIN = {"softmax": PlainSoftmax, "linear": PlainLinear, "s6": PlainS6}


def training_step() -> None:
    """Milliseconds of a training step: two layers, d = 64, positions embedded, no MLP."""
    print(f"\nMQAR training step, ms, {torch.get_num_threads()} threads")
    print(row("mixer", "V", "L", "K", "B", "n", "plain loop", "dsf", "ratio", "goal"), flush=True)
    for mixer, vocab_size, pairs, batch_size, n, goal in (
        ("softmax", 8192, 4, 64, 64, 7.0),
        ("linear", 8192, 4, 64, 64, 7.0),
        ("softmax", 128, 8, 64, 64, 1.3),
        ("linear", 128, 8, 32, 64, 1.3),
        ("s6", 128, 8, 32, 16, 8.0),
    ):
        config = TrainConfig(
            mixer=mixer,
            n=n,
            num_layers=2,
            conv_kernel=0,
            position_embedding=True,
            vocab_size=vocab_size,
            num_kv_pairs=pairs,
            batch_size=batch_size,
            steps=5,
        )
        batches = list(fresh_batches(config, 0, torch.device("cpu")))
        plain, ours = _plain_steps(config, batches), _our_steps(config, batches)
        seconds = [s / len(batches) for s in interleaved(plain, ours)]
        cells = (mixer, vocab_size, config.seq_len, pairs, batch_size, n)
        times = (f"{1e3 * s:.1f}" for s in seconds)
        print(row(*cells, *times, f"{seconds[0] / seconds[1]:.2f} x", f"{goal:g} x"))


def _plain_steps(config: TrainConfig, batches: list[Batch]) -> Callable[[], None]:
    model = build_model(config)
    for block in model.blocks:
        assert isinstance(block, Block)
        mixer = PLAIN[config.mixer](config.d_model, config.n)
        mixer.load_state_dict(block.mixer.state_dict())
        block.mixer = mixer
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.0), lr=1e-3)
    data = []
    for inputs, positions, values in batches:
        labels = torch.full_like(inputs, mqar.NOT_ASKED).scatter(1, positions, values)
        data.append((inputs, labels))

    def run() -> None:
        with tqdm(data, file=NOWHERE) as bar:
            for inputs, labels in bar:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(inputs).flatten(0, 1), labels.flatten())
                loss.backward()
                optimizer.step()
                bar.set_postfix(loss=loss.item())

    return run


def _our_steps(config: TrainConfig, batches: list[Batch]) -> Callable[[], None]:
    model = build_model(config)
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.0), lr=1e-3, fused=True)

    def run() -> None:
        with tqdm(batches, file=NOWHERE) as bar:
            for batch in bar:
                optimizer.zero_grad()
                asked_loss(model, batch).backward()
                optimizer.step()

    return run


def teaching_run() -> None:
    """The run of a live notebook cell: softmax attention until it has learnt the task."""
    result = train(TrainConfig(mixer="softmax"), progress=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_gb = peak / (1e9 if sys.platform == "darwin" else 1e6)
    print(
        f"\nLive cell, softmax: test accuracy {result.test_accuracy:.3f} after "
        f"{result.history[-1].step} steps and {result.seconds:.1f} s (goal 30 s); "
        f"peak memory of this process {peak_gb:.2f} GB (goal 1.5 GB)"
    )


if __name__ == "__main__":
    main()
