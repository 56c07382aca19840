"""The registry: every architecture of the book, once.

Tables, parametrised tests, benchmarks and widgets read `ARCHITECTURES`. A new architecture is one
pair of functions and one entry here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from dsf import attention, rnn, ssm
from dsf._checks import check_integer, shown
from dsf.system import LTVSystem

Arguments = dict[str, Any]
Normal = Callable[..., Tensor]
MakeArguments = Callable[[Normal, int, int, int], tuple[str, Arguments, Arguments]]


class Example(NamedTuple):
    """Random but valid arguments of an architecture.

    Attributes:
        u: the input of the system, (..., L, d).
        native: arguments of the native function, the input among them.
        system: arguments of the system function.
    """

    u: Tensor
    native: Arguments
    system: Arguments


@dataclass(frozen=True)
class Architecture:
    """One architecture: its two forms and what the tables say about it.

    Attributes:
        name: key in `ARCHITECTURES`.
        title: name for people.
        family: "attention", "ssm" or "rnn".
        native: the computation as its own paper writes it.
        system: the function that returns its `LTVSystem`.
        state_size: N in LaTeX.
        transition: Λ_i in LaTeX.
        distinct: how many distinct numbers Λ_i holds, in LaTeX, for one head.
        depends_on: what Λ_i depends on.
        paper: key of its paper in the bibliography.
        chapter: number of the chapter that derives it.
        arguments: makes random arguments: called with (normal, L, n, d), where normal(*shape)
            draws a tensor, it returns the name of the input, the arguments that both functions
            take, and those that only the system function takes.
    """

    name: str
    title: str
    family: Literal["attention", "ssm", "rnn"]
    native: Callable[..., Tensor]
    system: Callable[..., LTVSystem]
    state_size: str
    transition: str
    distinct: str
    depends_on: str
    paper: str
    chapter: int
    arguments: MakeArguments

    def example(
        self,
        length: int,
        n: int,
        d: int,
        batch: tuple[int, ...] = (),
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> Example:
        """Random arguments of typical size, reproducible from the seed.

        Args:
            length: L.
            n: state expansion. qLSTM and RG-LRU have n = 1 whatever is asked; softmax attention
                gets queries and keys of width min(n, 2) and its expansion from the Taylor order.
            d: number of channels.
            batch: leading axes.
            seed: seed of the generator.
            dtype: torch.float32 or torch.float64.

        Returns:
            The input and the arguments of the two functions.

        Raises:
            ValueError: a size is below 1, the seed is negative or the dtype is another one.
        """
        length, n, d = (check_integer(*x) for x in (("length", length), ("n", n), ("d", d)))
        if not isinstance(batch, tuple | list):
            raise ValueError(f"batch is {shown(batch)}, expected a tuple of lengths")
        batch = tuple(check_integer("batch", size) for size in batch)
        seed = check_integer("seed", seed, low=0, high=2**63 - 1)
        if dtype not in (torch.float32, torch.float64):
            raise ValueError(f"dtype is {shown(dtype)}, expected torch.float32 or torch.float64")
        generator = torch.Generator().manual_seed(seed)

        def normal(*shape: int, leading: bool = True) -> Tensor:
            full = (*batch, *shape) if leading else shape
            # Drawn in float64, so that both precisions see the same numbers.
            return torch.randn(full, generator=generator, dtype=torch.float64).to(dtype)

        u = normal(length, d)
        name, shared, system_only = self.arguments(normal, length, n, d)
        return Example(u, {name: u, **shared}, {**shared, **system_only})


def _softmax(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    # Bounded scores, |q·k|/√m ≤ √m ≤ 1.5, so that Taylor order 16 is exact to 1e-11.
    m = min(n, 2)
    q, k = torch.tanh(normal(length, m)), torch.tanh(normal(length, m))
    return "v", {"q": q, "k": k}, {"order": 16}


def _linear(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    return "v", {"q": normal(length, n), "k": normal(length, n)}, {}


def _normalized(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    qk = {"q": normal(length, n), "k": normal(length, n)}
    return "v", {**qk, "eta": torch.exp(normal(length))}, {}


def _s4d(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    frequencies = math.pi * torch.arange(n, dtype=torch.float64)  # S4D-Lin: -1/2 + iπs
    step = torch.exp(normal(d, leading=False) - 3)
    a = torch.complex(torch.full_like(frequencies, -0.5), frequencies).expand(d, n)
    real, imaginary = normal(d, n, leading=False), normal(d, n, leading=False)
    c = torch.complex(real, imaginary)
    a = a.to(c.dtype)
    return "u", {"a": a, "b": torch.ones_like(a), "c": c, "step": step}, {"length": length}


def _s6(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    step = torch.nn.functional.softplus(normal(length, d) - 2)
    a = -torch.arange(1, n + 1).to(step).expand(d, n)
    skip = normal(d, leading=False)
    bc = {"b": normal(length, n), "c": normal(length, n)}
    return "u", {"step": step, "a": a, **bc, "skip": skip}, {}


def _ssd(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    step = torch.nn.functional.softplus(normal(length) - 2)
    bc = {"b": normal(length, n), "c": normal(length, n)}
    return "u", {"step": step, "a": -1.0, **bc, "skip": normal(d, leading=False)}, {}


def _gates(normal: Normal, length: int, d: int) -> Arguments:
    names = ("forget_gate", "input_gate", "output_gate")
    return {name: normal(length, d) for name in names}


def _qlstm(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    return "u", _gates(normal, length, d), {}


def _qlstm_reversed(
    normal: Normal, length: int, n: int, d: int
) -> tuple[str, Arguments, Arguments]:
    arguments = {**_gates(normal, length, d), "reversed_sigmoid": True, "exponent": 0.5}
    return "u", arguments, {}


def _rg_lru(normal: Normal, length: int, n: int, d: int) -> tuple[str, Arguments, Arguments]:
    decay = normal(d, leading=False) + 4
    gates = {"recurrence_gate": normal(length, d), "input_gate": normal(length, d)}
    return "u", {**gates, "decay": decay}, {}


_ENTRIES = (
    Architecture(
        name="softmax",
        title="Softmax attention",
        family="attention",
        native=attention.softmax_attention,
        system=attention.softmax_attention_system,
        state_size=r"\infty",
        transition=r"(\eta_{i-1}/\eta_i)\, I",
        distinct="1",
        depends_on="all keys so far, the queries at $i-1$ and $i$",
        paper="vaswani2017",
        chapter=2,
        arguments=_softmax,
    ),
    Architecture(
        name="linear",
        title="Linear attention",
        family="attention",
        native=attention.linear_attention,
        system=attention.linear_attention_system,
        state_size="nd",
        transition=r"(\eta_{i-1}/\eta_i)\, I",
        distinct="1",
        depends_on="all keys so far, the queries at $i-1$ and $i$",
        paper="katharopoulos2020",
        chapter=3,
        arguments=_linear,
    ),
    Architecture(
        name="normalized",
        title="Normalised attention",
        family="attention",
        native=attention.normalized_attention,
        system=attention.normalized_attention_system,
        state_size="nd",
        transition=r"(\eta(u_{i-1})/\eta(u_i))\, I",
        distinct="1",
        depends_on="the inputs at $i-1$ and $i$",
        paper="sieber2024",
        chapter=4,
        arguments=_normalized,
    ),
    Architecture(
        name="s4d",
        title="S4D",
        family="ssm",
        native=ssm.s4d,
        system=ssm.s4d_system,
        state_size="nd",
        transition=r"e^{\Delta a}",
        distinct="nd",
        depends_on="nothing: it is constant",
        paper="gu2022s4d",
        chapter=5,
        arguments=_s4d,
    ),
    Architecture(
        name="s6",
        title="S6 (Mamba)",
        family="ssm",
        native=ssm.s6,
        system=ssm.s6_system,
        state_size="nd",
        transition=r"e^{(\Delta_i \otimes I_n) \odot a}",
        distinct="nd",
        depends_on="the input at $i$",
        paper="gu2023mamba",
        chapter=6,
        arguments=_s6,
    ),
    Architecture(
        name="ssd",
        title="SSD (Mamba-2)",
        family="ssm",
        native=ssm.ssd,
        system=ssm.ssd_system,
        state_size="nd",
        transition=r"e^{a\Delta_i}\, I",
        distinct="1",
        depends_on="the input at $i$",
        paper="dao2024",
        chapter=7,
        arguments=_ssd,
    ),
    Architecture(
        name="qlstm",
        title="qLSTM",
        family="rnn",
        native=rnn.qlstm,
        system=rnn.qlstm_system,
        state_size="d",
        transition=r"\mathrm{diag}(\sigma(f_i))",
        distinct="d",
        depends_on="the input at $i$",
        paper="sieber2024",
        chapter=8,
        arguments=_qlstm,
    ),
    Architecture(
        name="qlstm_reversed",
        title="qLSTM, reversed sigmoid",
        family="rnn",
        native=rnn.qlstm,
        system=rnn.qlstm_system,
        state_size="d",
        transition=r"\mathrm{diag}(\sigma(-f_i)^{\alpha})",
        distinct="d",
        depends_on="the input at $i$",
        paper="sieber2024",
        chapter=8,
        arguments=_qlstm_reversed,
    ),
    Architecture(
        name="rg_lru",
        title="RG-LRU (Griffin)",
        family="rnn",
        native=rnn.rg_lru,
        system=rnn.rg_lru_system,
        state_size="d",
        transition=r"\mathrm{diag}(a^{8\sigma(r_i)})",
        distinct="d",
        depends_on="the input at $i$",
        paper="de2024",
        chapter=8,
        arguments=_rg_lru,
    ),
)

ARCHITECTURES: dict[str, Architecture] = {entry.name: entry for entry in _ENTRIES}
