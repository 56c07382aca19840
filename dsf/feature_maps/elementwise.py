"""Elementwise feature maps: n = m."""

import torch
from torch import Tensor

from dsf._checks import check_arrays


def elu_plus_one(x: Tensor) -> Tensor:
    """elu(x) + 1 elementwise: x + 1 for x > 0 and exp(x) otherwise, always positive; n = m.

    Written without the subtraction of elu, which in float32 would round to 0 below x = -17 and with
    it the normaliser of linear attention.

    Args:
        x: queries or keys, (..., m).

    Returns:
        Features, (..., m).

    Raises:
        ValueError: x is not a floating tensor with a feature axis.

    Source: Katharopoulos et al. (2020), eq. (7); chapter 3.

    Example:
        >>> dsf.feature_maps.elu_plus_one(torch.tensor([-1.0, 0.0, 2.0]))
        tensor([0.3679, 1.0000, 3.0000])
    """
    check_arrays({"x": (x, "(..., m)")})
    positive = torch.relu(x)
    return positive + torch.exp(x - positive)


def exponential(x: Tensor) -> Tensor:
    """exp(x) elementwise, always positive; n = m.

    This is not the softmax kernel: ⟨exp(q), exp(k)⟩ is a sum of exponentials, exp(qᵀk) is one.

    Args:
        x: queries or keys, (..., m).

    Returns:
        Features, (..., m).

    Raises:
        ValueError: x is not a floating tensor with a feature axis.

    Source: chapter 3.

    Example:
        >>> dsf.feature_maps.exponential(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 2.7183])
    """
    check_arrays({"x": (x, "(..., m)")})
    return torch.exp(x)


def relu(x: Tensor) -> Tensor:
    """max(x, 0) elementwise; n = m. The normaliser of linear attention can be 0 with it.

    Args:
        x: queries or keys, (..., m).

    Returns:
        Features, (..., m).

    Raises:
        ValueError: x is not a floating tensor with a feature axis.

    Source: chapter 3.

    Example:
        >>> dsf.feature_maps.relu(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    check_arrays({"x": (x, "(..., m)")})
    return torch.relu(x)


def identity(x: Tensor) -> Tensor:
    """The argument itself, the map of plain scores qᵀk; n = m.

    Args:
        x: queries or keys, (..., m).

    Returns:
        x, (..., m).

    Raises:
        ValueError: x is not a floating tensor with a feature axis.

    Source: arXiv 2405.15731, eq. (21) of v1; chapter 4.

    Example:
        >>> dsf.feature_maps.identity(torch.tensor([-1.0, 2.0]))
        tensor([-1.,  2.])
    """
    check_arrays({"x": (x, "(..., m)")})
    return x
