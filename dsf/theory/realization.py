"""What a change of state coordinates leaves unchanged."""

from __future__ import annotations

from typing import overload

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_precision, check_values, refuse_where, shown
from dsf.dense import DenseSystem
from dsf.system import LTVSystem


@overload
def change_realization(system: LTVSystem, t: Tensor) -> LTVSystem: ...
@overload
def change_realization(system: DenseSystem, t: Tensor) -> DenseSystem: ...
def change_realization(system: LTVSystem | DenseSystem, t: Tensor) -> LTVSystem | DenseSystem:
    """The same map in other state coordinates, h'_i = T_i h_i, with T_{-1} = I:

        Λ'_i = T_i Λ_i T_{i-1}^{-1},   B'_i = T_i B_i,   C'_i = C_i T_i^{-1},   D'_i = D_i.

    Φ does not change, but the eigenvalues of Λ_i do: they belong to a realisation, not to the map.

    Args:
        system: a diagonal system, or a dense one as `LTVSystem.dense` returns it.
        t: T_i. For a diagonal system the diagonals, (..., L, n|1, d|1), without zeros; for a dense
            one the matrices, (..., L, N, N), invertible.

    Returns:
        The system in the new coordinates, of the same kind.

    Raises:
        ValueError: t has another shape, a zero, a singular matrix or a precision in which PyTorch
            inverts none; or system is no system.

    Source: chapter 1.

    Example:
        >>> ones = torch.ones(3, 1, 1)
        >>> system = dsf.LTVSystem(0.5 * ones, ones, ones)
        >>> t = torch.tensor([1.0, 2.0, 4.0]).reshape(3, 1, 1)
        >>> other = dsf.theory.change_realization(system, t)
        >>> other.transition.flatten()
        tensor([0.5000, 1.0000, 1.0000])
        >>> torch.allclose(other.matrix(), system.matrix())
        True
    """
    if isinstance(system, DenseSystem):
        return _change_dense(system, t)
    if not isinstance(system, LTVSystem):
        raise ValueError(f"system is {shown(system)}, expected an LTVSystem or a DenseSystem")
    transition, b, c = system.transition, system.input, system.output
    arrays = {
        "transition": (transition, "(..., L, n|1, d|1)"),
        "input": (b, "(..., L, n, d|1)"),
        "output": (c, "(..., L, n, d|1)"),
        "t": (t, "(..., L, n|1, d|1)"),
    }
    check_arrays(arrays, arrays)
    check_values(t=t)
    refuse_where("t", t, (t == 0).flatten(-2).any(-1), "no zeros on the diagonal")
    previous = torch.cat([torch.ones_like(t[..., :1, :, :]), t[..., :-1, :, :]], dim=-3)
    d, normalizer = system.feedthrough, system.normalizer
    return LTVSystem(transition * (t / previous), b * t, c / t, d, normalizer)


def _change_dense(system: DenseSystem, t: Tensor) -> DenseSystem:
    arrays: dict[str, tuple[Tensor, str]] = {
        "transition": (system.transition, "(..., L, N, N)"),
        "input": (system.input, "(..., L, N, m)"),
        "output": (system.output, "(..., L, p, N)"),
        "t": (t, "(..., L, N, N)"),
    }
    check_arrays(arrays, arrays)
    check_values(t=t)
    check_precision("t", t)
    singular = ~(torch.linalg.cond(t) * torch.finfo(t.dtype).eps < 1)
    refuse_where("t", t, singular, "a matrix with an inverse in this precision")
    # Products of matrices want one dtype, also where only some are complex.
    dtype = t.dtype
    for x, _ in arrays.values():
        dtype = torch.promote_types(dtype, x.dtype)
    transition, b, c, t = (x.to(dtype) for x, _ in arrays.values())
    inverse = torch.linalg.inv(t)
    identity = torch.eye(t.shape[-1], dtype=dtype, device=t.device).expand_as(t[..., :1, :, :])
    previous = torch.cat([identity, inverse[..., :-1, :, :]], dim=-3)
    return DenseSystem(t @ transition @ previous, t @ b, c @ inverse, system.feedthrough)
