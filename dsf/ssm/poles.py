"""Where the poles of S4D begin."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from dsf._checks import check_choice, check_integer
from dsf.ssm.hippo import _normal

Start = Literal["lin", "inv", "legs"]


def s4d_poles(kind: Start, n: int) -> Tensor:
    """The poles with which S4D begins, one of each of n conjugate pairs; all have real part -1/2.

    lin: a_s = -1/2 + iπs, evenly spaced as in a Fourier series.

    inv: a_s = -1/2 + i (N/π) (N/(2s+1) - 1) with N = 2n, few fast ones and many slow ones.

    legs: the eigenvalues above the real axis of the normal part of HiPPO-LegS of size N = 2n, see
    `hippo_normal`, in falling order. "inv" follows them: with n = 32 to within a quarter, and the
    fastest ones to within 2 %.

    Args:
        kind: "lin", "inv" or "legs".
        n: number of poles.

    Returns:
        The poles, (n,), complex, in the default dtype. As the argument a of `s4d` repeat them for
        every channel, and double c for the other half of each pair.

    Raises:
        ValueError: an argument is not what it has to be.

    Source: Gu et al. (2022), S4D, section 4; chapter 5.

    Example:
        >>> dsf.s4d_poles("lin", 3)
        tensor([-0.5000+0.0000j, -0.5000+3.1416j, -0.5000+6.2832j])
        >>> dsf.s4d_poles("inv", 2)
        tensor([-0.5000+3.8197j, -0.5000+0.4244j])
    """
    check_choice("kind", kind, get_args(Start))
    n = check_integer("n", n)
    s, size = torch.arange(n, dtype=torch.float64), 2 * n
    if kind == "lin":
        frequency = math.pi * s.to(torch.get_default_dtype())  # rounded as in recorded runs
    elif kind == "inv":
        frequency = size / math.pi * (size / (2 * s + 1) - 1)
    else:
        skew = _normal(size)[0].fill_diagonal_(0)
        frequency = torch.linalg.eigvalsh(1j * skew).flip(0)[:n]  # i times skew is Hermitian
    half = torch.full_like(frequency, -0.5)
    return torch.complex(half, frequency).to(torch.get_default_dtype().to_complex())
