"""What an architecture is to the book: its two forms, and what the tables say of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from dsf._checks import check_integer, shown
from dsf.low_rank import LowRankSystem
from dsf.system import LTVSystem, System

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

    What its system says itself (the state size, how many numbers Λ_i holds and whether it is
    diagonal) is read off the system of an example.

    Attributes:
        name: key in `ARCHITECTURES`.
        title: name for people.
        family: "attention", "ssm" or "rnn", whose colour it has.
        native: the computation as its own paper writes it.
        system: the function that returns its system.
        transition: Λ_i in LaTeX.
        depends_on: what Λ_i depends on.
        paper: key of its paper in the bibliography.
        chapter: number of the chapter that derives it. Those of the paper have chapters 2 to 8,
            what came after it has 13.
        arguments: makes random arguments: called with (normal, L, n, d), where normal(*shape)
            draws a tensor, it returns the name of the input, the arguments that both functions
            take, and those that only the system function takes.
        section: label of the place in the book that derives it.
    """

    name: str
    title: str
    family: Literal["attention", "ssm", "rnn"]
    native: Callable[..., Tensor]
    system: Callable[..., System]
    transition: str
    depends_on: str
    paper: str
    chapter: int
    arguments: MakeArguments
    section: str = "ch:map"

    @cached_property
    def state_size(self) -> str:
        """N in LaTeX, by n and d. Infinite where the system is cut off at an `order`."""
        if "order" in inspect.signature(self.system).parameters:
            return r"\infty"
        sizes = ((3, 2), (4, 5))
        systems = [self.system(**self.example(2, n, d).system) for n, d in sizes]
        found = [
            system.state_size or system.n * d for system, (_, d) in zip(systems, sizes, strict=True)
        ]
        for name, size in {"nd": [6, 20], "d": [2, 5], "n": [3, 4]}.items():
            times = [N / k for N, k in zip(found, size, strict=True)]
            if times[0] == times[1] and times[0].is_integer():
                return name if times[0] == 1 else f"{times[0]:.0f}{name}"
        raise ValueError(f"system of {self.name} has state sizes {found}, expected multiples of nd")

    @cached_property
    def distinct(self) -> str:
        """How many numbers Λ_i is made of, in LaTeX, for one head."""
        system = self.system(**self.example(2, 3, 2).system)
        if isinstance(system, LTVSystem):
            shape = system.transition.shape[-2:]
            return "".join(name for name, size in zip("nd", shape, strict=True) if size > 1) or "1"
        if isinstance(system, LowRankSystem):
            diagonal = "n" if system.transition.shape[-1] > 1 else "1"
            return f"{diagonal} + {2 * system.rank}n"
        return "N^2"

    @cached_property
    def is_diagonal(self) -> bool:
        """Whether Λ_i is diagonal, as all of the paper's are."""
        return isinstance(self.system(**self.example(2, 3, 2).system), LTVSystem)

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
            n: state expansion. Recurrent networks have n = 1 whatever is asked; softmax attention
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
