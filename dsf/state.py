"""What is handed from one piece of a sequence to the next, where one tensor is not enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_leading, check_state, shown

__all__ = ["KeyValueCache", "NormalizedState", "Normalizer"]


class KeyValueCache(NamedTuple):
    """The state of softmax attention: all keys and values so far. It grows with every token.

    Attributes:
        keys: (..., L, m).
        values: (..., L, d).
    """

    keys: Tensor
    values: Tensor


class NormalizedState(NamedTuple):
    """What a normalised system hands on to the system of the piece after it.

    Its state h is divided by the normaliser of its time, so h alone does not say how to go on.

    Attributes:
        h: the state H, (..., n, d).
        eta: the normaliser η of the last time, (...), or any other scale that h is divided by.
        keys: Σ_j ψ_j where η is a row sum, (..., n); None where η is given from outside.
        shift: the logarithm M of what eta and keys are divided by, (...); None for M = 0.
    """

    h: Tensor
    eta: Tensor
    keys: Tensor | None = None
    shift: Tensor | None = None


State = Tensor | NormalizedState


@dataclass(frozen=True, eq=False)
class Normalizer:
    """The normaliser of a system at all times; see `NormalizedState`.

    Attributes:
        eta: (..., L).
        keys: (..., L, n) or None.
        shift: (..., L) or None.
        follows: whether Λ_0 leads on from a normaliser before the first time. Where it does not,
            Λ_0 is 1 and means nothing, and no run can start from a state.
    """

    eta: Tensor
    keys: Tensor | None = None
    shift: Tensor | None = None
    follows: bool = False

    def __getitem__(self, span: slice) -> Normalizer:
        """The same for a range of times."""
        return Normalizer(
            self.eta[..., span],
            None if self.keys is None else self.keys[..., span, :],
            None if self.shift is None else self.shift[..., span],
            self.follows or span.indices(self.eta.shape[-1])[0] > 0,
        )

    def last(self, h: Tensor) -> NormalizedState:
        """What is handed on after the last time, with the state H."""
        keys = None if self.keys is None else self.keys[..., -1, :]
        shift = None if self.shift is None else self.shift[..., -1]
        return NormalizedState(h, self.eta[..., -1], keys, shift)


def check_cache(state: object, k: Tensor, v: Tensor) -> None:
    """Refuse what is not a `KeyValueCache` that new keys and values fit."""
    if not isinstance(state, KeyValueCache):
        raise ValueError(f"state is {shown(state)}, expected a KeyValueCache")
    arrays = {"k": (k, "(..., L, m)"), "state.keys": (state.keys, "(..., T, m)")}
    check_arrays({**arrays, "state.values": (state.values, "(..., T, d)")}, d=v.shape[-1])


def plain_state(state: object, phi: Tensor, v: Tensor) -> Tensor | None:
    """A state without a normaliser, in the dtype of sums."""
    if state is None:
        return None
    if isinstance(state, NormalizedState):
        raise ValueError("state is a NormalizedState, expected a tensor: nothing is normalised")
    check_state("state", state, "(..., n, d)", v, n=phi.shape[-1], d=v.shape[-1])
    assert isinstance(state, Tensor)
    return state.to(v.dtype)


def check_normalized(
    name: str,
    state: object,
    like: Tensor,
    batch: tuple[int, ...],
    keys: bool = False,
    **sizes: int,
) -> NormalizedState | None:
    """Return the state; refuse what is neither None nor one whose parts fit each other."""
    if state is None:
        return None
    if not isinstance(state, NormalizedState):
        raise ValueError(f"{name} is {shown(state)}, expected a NormalizedState")
    if keys != (state.keys is not None):
        wanted = "the keys of a row sum" if keys else "a normaliser from outside, without keys"
        raise ValueError(f"{name} has keys = {shown(state.keys)}, expected {wanted}")
    check_state(f"{name}.h", state.h, "(..., n, d)", like, **sizes)
    batch = check_leading(f"{name}.h", state.h.shape[:-2], batch)
    check_state(f"{name}.eta", state.eta, "(...)", like)
    check_leading(f"{name}.eta", state.eta.shape, batch)
    if state.keys is not None:
        check_state(f"{name}.keys", state.keys, "(..., n)", like, n=state.h.shape[-2])
        check_leading(f"{name}.keys", state.keys.shape[:-1], batch)
    if state.shift is not None:
        check_state(f"{name}.shift", state.shift, "(...)", like)
    return state


def check_sums(start: Tensor, phi: Tensor, v: Tensor) -> None:
    """Refuse a state of another size than that of φ and v."""
    check_state("state", start, "(..., n, d)", v, n=phi.shape[-1], d=v.shape[-1])


def divided(
    sums: Tensor, eta: Tensor, keys: Tensor | None = None, shift: Tensor | None = None
) -> NormalizedState:
    """Sums S, (..., n, d), divided by the last η, or by 1 where S/η might overflow.

    Only h · η = S matters for what follows, so any scale will do.
    """
    least = torch.finfo(eta.dtype).tiny ** 0.5
    scale = torch.where(eta.abs() < least, torch.ones_like(eta), eta)
    return NormalizedState(sums / scale[..., None, None], scale, keys, shift)
