"""Native forms that are shaped by speed are the formulas that stand beside them."""

import pytest
import torch
from torch import Tensor

from dsf import (
    ARCHITECTURES,
    linear_attention,
    linear_attention_matrix,
    normalized_attention_matrix,
    s4d_matrix,
    softmax_matrix,
    ssd_matrix,
)
from dsf.feature_maps import exponential, identity, positive_random

FORMULAS = {
    "softmax": softmax_matrix,
    "linear": linear_attention_matrix,
    "normalized": normalized_attention_matrix,
    "s4d": s4d_matrix,
    "ssd": ssd_matrix,
}


def example(name, length):
    return ARCHITECTURES[name].example(length, 4, 3, (2,), seed=length, dtype=torch.float64)


def by_formula(name, u, skip=0.0, **arguments):
    """Φ u + D u, where S4D has one Φ for each channel."""
    if name == "s4d":
        phi = s4d_matrix(**arguments, length=u.shape[-2])  # (d, L, L)
        return torch.einsum("cij,...jc->...ic", phi, u)
    return FORMULAS[name](**arguments) @ u + skip * u


def assert_equal(actual, expected):
    """To 1e-12 of the largest number: sums of a few hundred terms of that size."""
    scale = max(1.0, float(expected.detach().abs().max()))
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("length", [1, 9, 150])  # 150: over the borders of chunks
def test_a_native_form_and_its_gradients_are_those_of_its_formula(name, length):
    u, arguments, _ = example(name, length)
    leaves = [x.requires_grad_() for x in arguments.values() if isinstance(x, Tensor)]
    native = ARCHITECTURES[name].native(**arguments)
    formula = by_formula(name, u, **{key: x for key, x in arguments.items() if x is not u})
    assert_equal(native, formula)
    weights = torch.randn(u.shape, generator=torch.Generator().manual_seed(0)).double()
    gradients = [torch.autograd.grad((y * weights).sum(), leaves) for y in (native, formula)]
    for actual, expected in zip(*gradients, strict=True):
        assert_equal(actual, expected)


@pytest.mark.parametrize("name", sorted(FORMULAS.keys() - {"softmax"}))
def test_a_formula_is_the_matrix_of_the_system(name):
    """For softmax attention that holds only in the limit of the order."""
    arguments = {key: x for key, x in example(name, 40).system.items() if key != "skip"}
    system = ARCHITECTURES[name].system(**arguments)
    assert_equal(FORMULAS[name](**arguments), system.matrix())


@pytest.mark.parametrize("feature_map", [exponential, identity, positive_random(5)])
@pytest.mark.parametrize("normalize", [True, False])
def test_linear_attention_is_its_formula_with_every_kind_of_features(feature_map, normalize):
    q, k, v = (example("linear", 150).native[name] for name in "qkv")
    if feature_map is identity:
        q, k = q.abs(), k.abs()  # else a row sum may be near 0, where no digit is left
    phi = linear_attention_matrix(q, k, feature_map, normalize)
    assert_equal(linear_attention(q, k, v, feature_map, normalize), phi @ v)


def test_rows_of_attention_are_averages():
    q, k = (example("linear", 40).native[name] for name in "qk")
    for phi in (softmax_matrix(q, k), linear_attention_matrix(q, k)):
        assert (phi >= 0).all()
        assert_equal(phi.sum(-1), torch.ones(2, 40, dtype=torch.float64))
