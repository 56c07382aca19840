"""HiPPO-LegS: a state that is the best polynomial for all that has been seen."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dsf._checks import check_arrays, check_integer
from dsf.dense import DenseSystem
from dsf.ssm.discretize import discretize_dense


def hippo_legs(n: int) -> tuple[Tensor, Tensor]:
    """The matrices of HiPPO-LegS, A_kl = -√(2k+1) √(2l+1) below the diagonal and -(k+1) on it.

    Above the diagonal A is zero; B_k = √(2k+1). The pair is used in two ways.

    HiPPO: ẋ = (A x + B u) / t, which varies with time. Its state at time t is the best polynomial
    of degree n-1 for all of u from 0 to t, each moment alike: see `hippo_reconstruct`.

    S4: ẋ = A x + B u, which does not. Its state is the same fit to a warped past, in which what was
    s ago stands at r = e^{-s}: e^{A s} B = e^{-s} φ(e^{-s}) with the polynomials φ of the fit.

    Args:
        n: number of coefficients.

    Returns:
        A, (n, n), and B, (n, 1), in the default dtype.

    Raises:
        ValueError: n is not what it has to be.

    Source: Gu et al. (2020), section 2; Gu et al. (2022), S4; Gu et al. (2023), How to Train Your
    HiPPO; chapter 5.

    Example:
        >>> a, b = dsf.hippo_legs(2)
        >>> a
        tensor([[-1.0000, -0.0000],
                [-1.7321, -2.0000]])
    """
    a, b = _legs(n)
    return _default(a), _default(b)


def hippo_legs_system(length: int, n: int) -> DenseSystem:
    """HiPPO-LegS on a signal that holds u_i from time i to i + 1, exact; the output is the state.

    In the time log t the equation ẋ = (A x + B u) / t has constant coefficients, so the zero-order
    hold with the step log((i+1)/i) is exact: Λ_i = e^{A log((i+1)/i)}. The first step forgets what
    was before it: a constant is fitted by a constant, Λ_0 = 0 and B_0 = (1, 0, …, 0).

    Args:
        length: number of time steps L.
        n: number of coefficients.

    Returns:
        The system with full Λ_i, B_i of one input, and C_i = I: from u, (L, 1), it makes the
        coefficients, (L, n), of the best polynomial for u_0 … u_i.

    Raises:
        ValueError: an argument is not what it has to be.

    Source: Gu et al. (2020); chapter 5.

    Example:
        >>> u = torch.tensor([[1.0], [1.0], [4.0]])
        >>> dsf.hippo_legs_system(length=3, n=2).run(u)  # first the mean, then the slope
        tensor([[1.0000, 0.0000],
                [1.0000, 0.0000],
                [2.0000, 1.1547]])
    """
    length = check_integer("length", length)
    a, b = _legs(n)
    time = torch.arange(1, length, dtype=torch.float64)
    transition, write = torch.zeros(length, n, n).double(), torch.zeros(length, n, 1).double()
    write[0, 0] = 1
    if length > 1:
        transition[1:], write[1:] = discretize_dense(a, b, torch.log1p(1 / time))
    read = torch.eye(n).expand(length, n, n)
    zero = torch.zeros(length, n, 1)
    return DenseSystem(_default(transition), _default(write), _default(read), _default(zero))


def hippo_reconstruct(coefficients: Tensor, places: Tensor) -> Tensor:
    """The polynomial that a state of HiPPO-LegS stands for, Σ_k x_k φ_k(r).

    φ_k(r) = √(2k+1) P_k(2r - 1) with the Legendre polynomials P_k: orthonormal on 0 ≤ r ≤ 1.

    Args:
        coefficients: the state x, (..., n).
        places: r, (P,), as shares of the time so far: 0 is the beginning, 1 is now.

    Returns:
        The values, (..., P).

    Raises:
        ValueError: an argument is not what it has to be, or does not fit the others.

    Source: Gu et al. (2020); chapter 5.

    Example:
        >>> coefficients = torch.tensor([2.0, 1.1547])  # of the signal 1, 1, 4
        >>> dsf.hippo_reconstruct(coefficients, torch.tensor([0.25, 0.5, 1.0]))
        tensor([1.0000, 2.0000, 4.0000])
    """
    check_arrays({"coefficients": (coefficients, "(..., n)"), "places": (places, "(P,)")})
    n, x = coefficients.shape[-1], 2 * places - 1
    before, now = torch.zeros_like(x), torch.ones_like(x)
    values = [now]  # P_0 … P_{n-1} by (k+1) P_{k+1} = (2k+1) x P_k - k P_{k-1}
    for k in range(n - 1):
        before, now = now, ((2 * k + 1) * x * now - k * before) / (k + 1)
        values.append(now)
    basis = torch.stack([math.sqrt(2 * k + 1) * value for k, value in enumerate(values)])
    return coefficients @ basis


def hippo_normal(n: int) -> tuple[Tensor, Tensor]:
    """HiPPO-LegS as a normal matrix minus a matrix of rank one, A = S - P Pᵀ.

    P_k = √(k + 1/2), and S = A + P Pᵀ is -I/2 plus a skew-symmetric matrix: S has orthogonal
    eigenvectors, and all of its eigenvalues have real part -1/2. S4 keeps both parts; S4D keeps S.

    With S for A and B/2 for B the responses to inputs that are held over steps tend to those of
    HiPPO-LegS as n grows: this is why diagonal is enough.

    Args:
        n: number of coefficients.

    Returns:
        S, (n, n), and P, (n, 1), in the default dtype.

    Raises:
        ValueError: n is not what it has to be.

    Source: Gu et al. (2022), S4, section 3; Gu et al. (2022), S4D; chapter 5.

    Example:
        >>> normal, p = dsf.hippo_normal(2)
        >>> normal
        tensor([[-0.5000,  0.8660],
                [-0.8660, -0.5000]])
    """
    normal, p = _normal(n)
    return _default(normal), _default(p)


def hippo_condition(n: int) -> float:
    """The condition number of the eigenvectors of HiPPO-LegS, each of length one.

    It multiplies errors of rounding where A is diagonalised, and grows exponentially: each further
    coefficient multiplies it by nearly (1 + √2)² = 5.83. The eigenvectors are known (before they
    are scaled, V_kl = (-1)^{k-l} √(2k+1) (k+l)! / ((k-l)! (2l)!) for k ≥ l), and so is the inverse
    of V; found numerically from A they have no digit right from n = 32 on.

    Args:
        n: number of coefficients.

    Returns:
        ‖V‖ ‖V^{-1}‖ with the largest singular values.

    Raises:
        ValueError: n is not what it has to be, 1 to 256.

    Source: Gu et al. (2022), S4, section 3; Yu et al. (2024); chapter 5.

    Example:
        >>> [f"{dsf.hippo_condition(n):.0e}" for n in (4, 8, 16, 32)]
        ['9e+01', '8e+04', '8e+10', '1e+23']
    """
    n = check_integer("n", n, high=256)
    roots = torch.sqrt(2 * torch.arange(n, dtype=torch.float64) + 1)
    vectors, inverse = torch.zeros(2, n, n, dtype=torch.float64)
    for k in range(n):
        for j in range(k + 1):
            vectors[k, j] = float((-1) ** (k - j) * math.comb(k + j, 2 * j))
            inverse[k, j] = math.comb(2 * k + 1, k - j) * (2 * j + 1) / (2 * k + 1)
    vectors, inverse = roots[:, None] * vectors, inverse / roots
    lengths = torch.linalg.vector_norm(vectors, dim=0)
    sizes = [
        torch.linalg.matrix_norm(x, 2) for x in (vectors / lengths, lengths[:, None] * inverse)
    ]
    return float(sizes[0] * sizes[1])


def _legs(n: int) -> tuple[Tensor, Tensor]:
    n = check_integer("n", n)
    degrees = torch.arange(n, dtype=torch.float64)
    b = torch.sqrt(2 * degrees + 1).unsqueeze(-1)
    return -(torch.tril(b @ b.mT, -1) + torch.diag(degrees + 1)), b


def _normal(n: int) -> tuple[Tensor, Tensor]:
    a, b = _legs(n)
    p = b / math.sqrt(2)
    return a + p @ p.mT, p


def _default(x: Tensor) -> Tensor:
    """In the dtype of tensors made from numbers: formulas are evaluated in double precision."""
    return x.to(torch.get_default_dtype())
