"""What each architecture can do, by tests of its Φ, as a picture: the hook of chapter 9."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import torch
import traitlets
from torch import Tensor

from dsf import theory
from dsf.architecture import Architecture, Arguments
from dsf.architectures import ARCHITECTURES
from dsf.widgets.base import STATIC, Widget

_L = 12
_NOISE = 1e-6  # below it a difference is rounding, or the end of a Taylor series
_ZERO = 1e-12  # below it a weight is 0, against the largest of its row


def example_matrices(
    entry: Architecture, length: int = _L, n: int = 3, d: int = 2, t: int | None = None
) -> Tensor:
    """Φ of every channel for random arguments.

    Args:
        entry: the architecture.
        length: L.
        n: state expansion asked for.
        d: number of channels.
        t: token t gets new random arguments; none does if None.

    Returns:
        (d, L, L).
    """

    def drawn(seed: int) -> Arguments:
        return entry.example(length, n, d, seed=seed, dtype=torch.float64).system

    arguments = drawn(0)
    if t is not None:
        others = drawn(1)
        arguments = {key: _changed(x, others[key], t, length) for key, x in arguments.items()}
    return entry.system(**arguments).matrix().expand(d, length, length)


def _changed(argument: Any, other: Any, t: int, length: int) -> Any:
    """The argument with the entry of the other at time t, if it has a time."""
    if not torch.is_tensor(argument) or argument.shape[:1] != (length,):
        return argument
    return torch.cat([argument[:t], other[t : t + 1], argument[t + 1 :]])


def _turns(before: Tensor, after: Tensor) -> bool:
    """Whether rows of weights change by more than a factor each; what stays 0 does not."""
    largest = (before * after).abs().argmax(-1, keepdim=True)
    one, other = (rows / rows.gather(-1, largest) for rows in (before, after))
    return not torch.allclose(one, other, rtol=_NOISE, atol=_ZERO)


def forgets(entry: Architecture) -> bool:
    """Whether a token in the middle makes what came before it weigh less against what comes after.

    In the last row of Φ it changes the weights of the other tokens by more than a factor.
    """
    t = _L // 2
    others = torch.arange(_L) != t
    before, after = (example_matrices(entry, t=at)[:, -1, others] for at in (None, t))
    return _turns(before, after)


def looks_up(entry: Architecture) -> bool:
    """Whether the token that asks decides which earlier tokens it gets.

    In its row of Φ it changes the weights of the tokens before it by more than a factor.
    """
    before, after = (example_matrices(entry, t=at)[:, -1, :-1] for at in (None, _L - 1))
    return _turns(before, after)


def is_finite(entry: Architecture) -> bool:
    """Whether twice the tokens need no larger state: the largest Hankel rank stays as it is."""
    ranks = [
        int(theory.hankel_ranks(example_matrices(entry, length, n=2)[0]).max())
        for length in (_L, 2 * _L)
    ]
    return ranks[0] == ranks[1]


def flips(entry: Architecture) -> bool:
    """Whether a token in the middle can turn the sign of what came before it, with one state.

    For one feature and one channel, the quotient of a weight before token t and one after it, in
    the last row of Φ, has another sign for another token t.
    """
    signs = []
    for t in range(1, _L - 2):
        both = (example_matrices(entry, n=1, d=1, t=at)[0, -1] for at in (None, t))
        signs.append([bool(row[t - 1] * row[t + 1] < 0) for row in both])
    return any(before != after for before, after in signs)


def averages(entry: Architecture) -> bool:
    """Whether every output is an average of inputs: no weight is negative, and rows add up to 1."""
    phi = example_matrices(entry)
    ones = torch.ones_like(phi[..., 0])
    return bool((phi >= 0).all()) and torch.allclose(phi.sum(-1), ones, rtol=0, atol=_NOISE)


def is_shared(entry: Architecture) -> bool:
    """Whether one Φ, but for its diagonal, serves all channels: one product of matrices."""
    first, second = example_matrices(entry).tril(-1)
    return torch.allclose(first, second, rtol=0, atol=_NOISE)


def is_convolution(entry: Architecture) -> bool:
    """Whether all times are treated alike: every diagonal of Φ is constant."""
    phi = example_matrices(entry)
    return torch.allclose(phi[:, 1:, 1:], phi[:, :-1, :-1], rtol=0, atol=_NOISE)


ABILITIES: dict[str, tuple[str, Callable[[Architecture], bool]]] = {
    "forget": ("forget", forgets),
    "look": ("look up", looks_up),
    "finite": ("fixed state", is_finite),
    "flip": ("turn a sign", flips),
    "average": ("average", averages),
    "shared": ("one Φ for all channels", is_shared),
    "alike": ("treat all times alike", is_convolution),
}
"""What can be asked for: by its name the words for it, and its test."""


@cache
def able(name: str) -> tuple[str, ...]:
    """The names of the abilities of an architecture, as the tests find them."""
    entry = ARCHITECTURES[name]
    return tuple(ability for ability, (_, test) in ABILITIES.items() if test(entry))


class FamilyPicture(Widget):
    """The architectures by what Λ_i depends on and how many numbers make it, and who can do what.

    Attributes:
        forget: whether a token must be able to make what came before it weigh less against what
            comes after it.
        look: whether the token that asks must choose among those before it.
        finite: whether a state of fixed size must do.
        flip: whether a token must be able to turn a sign.
        average: whether outputs must be averages of inputs.
        shared: whether one matrix must mix all channels.
        alike: whether all times must be treated alike.
        entries: of every architecture its title, what Λ_i depends on, how many numbers make it,
            and the names of its abilities.

    Source: chapter 9.
    """

    name: ClassVar[str] = "family"
    _esm = STATIC / "family.mjs"

    forget = traitlets.Bool(False).tag(sync=True, figure=True)
    look = traitlets.Bool(False).tag(sync=True, figure=True)
    finite = traitlets.Bool(False).tag(sync=True, figure=True)
    flip = traitlets.Bool(False).tag(sync=True, figure=True)
    average = traitlets.Bool(False).tag(sync=True, figure=True)
    shared = traitlets.Bool(False).tag(sync=True, figure=True)
    alike = traitlets.Bool(False).tag(sync=True, figure=True)
    entries = traitlets.List(traitlets.Dict()).tag(sync=True)

    @traitlets.default("entries")
    def _entries(self) -> list[dict[str, Any]]:
        return [
            {
                "title": entry.title,
                "depends": _plain(entry.depends_on),
                "distinct": _plain(entry.distinct),
                "can": list(able(entry.name)),
            }
            for entry in ARCHITECTURES.values()
        ]

    def state(self) -> dict[str, Any]:
        """What the reader can change, and what was found."""
        return {**super().state(), "entries": self.entries}

    def table(self) -> tuple[str, list[str], list[list[str]]]:
        """Who can do what."""
        words = {name: says for name, (says, _) in ABILITIES.items()}
        rows = [
            [entry["title"], ", ".join(words[name] for name in entry["can"])]
            for entry in self.entries
        ]
        return "Who can do what", ["", "can"], rows

    def caption(self) -> str:
        """What the figure shows, and what to try."""
        return (
            f"The {len(self.entries)} architectures of this book by what Λ depends on (the lines) "
            "and how many numbers are stored for it (the columns), for one head. Forget: a token "
            "makes what came before it weigh less against what comes after it. Look up: the token "
            "that asks chooses among those before it. Tests of the matrix Φ for random arguments "
            "decide."
        )


def _plain(text: str) -> str:
    """LaTeX of the registry as text."""
    return text.replace("$", "").replace("-", "−").replace("^2", "²")
