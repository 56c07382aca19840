import math
from itertools import combinations_with_replacement

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dsf.feature_maps import (
    FEATURE_MAPS,
    PositiveRandom,
    elu_plus_one,
    exponential,
    identity,
    positive_random,
    positive_random_features,
    relu,
    taylor,
    taylor_features,
    taylor_size,
)

F64 = torch.float64


def points(*shape, seed=0):
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def kernel(feature_map, q, k):
    return (feature_map(q) * feature_map(k)).sum(-1)


# --- elementwise maps


def test_elementwise_maps_compute_their_formula():
    x = points(3, 5)
    assert torch.equal(exponential(x), x.exp())
    assert torch.equal(relu(x), torch.where(x > 0, x, 0))
    assert torch.equal(identity(x), x)
    expected = torch.where(x > 0, x + 1, x.exp())
    assert torch.equal(elu_plus_one(x), expected)
    torch.testing.assert_close(elu_plus_one(x), torch.nn.functional.elu(x) + 1, atol=1e-15, rtol=0)


def test_elu_plus_one_is_positive_where_float32_elu_rounds_to_minus_one():
    x = torch.tensor([-80.0, -20.0])
    assert (torch.nn.functional.elu(x) + 1 == 0).all()
    torch.testing.assert_close(elu_plus_one(x), x.exp(), atol=0, rtol=1e-6)


def test_elu_plus_one_has_slope_one_at_zero_and_no_nan_for_large_arguments():
    x = torch.tensor([-1e4, 0.0, 1e4], dtype=F64, requires_grad=True)
    (slope,) = torch.autograd.grad(elu_plus_one(x).sum(), x)
    assert slope.tolist() == [0, 1, 1]


# --- Taylor features


@given(
    m=st.integers(1, 5),
    order=st.integers(0, 6),
    batch=st.lists(st.integers(1, 3), max_size=2),
    seed=st.integers(0, 1000),
)
def test_taylor_features_give_the_taylor_polynomial_of_the_exponential(m, order, batch, seed):
    q, k = points(2, *batch, m, seed=seed)
    score = (q * k).sum(-1)
    expected = sum(score**r / math.factorial(r) for r in range(order + 1))
    # The terms of the sum, not the result, set the rounding.
    size = torch.exp((q * k).abs().sum(-1))
    assert ((kernel(taylor(order), q, k) - expected).abs() <= 1e-14 * size).all()


def test_taylor_features_are_the_monomials_over_the_root_of_their_factorial():
    x = torch.tensor([2.0, 3.0, 5.0], dtype=F64)
    expected = [1.0]
    for degree in (1, 2, 3):
        monomials = combinations_with_replacement(range(3), degree)
        for monomial in sorted(monomials, key=lambda alpha: alpha[::-1]):
            weight = math.prod(math.factorial(monomial.count(j)) for j in range(3))
            expected.append(math.prod(x[j].item() for j in monomial) / math.sqrt(weight))
    torch.testing.assert_close(
        taylor_features(x, 3), torch.tensor(expected, dtype=F64), atol=0, rtol=1e-14
    )


@pytest.mark.parametrize(("m", "order"), [(1, 0), (1, 7), (4, 0), (4, 1), (3, 12), (16, 3)])
def test_number_of_taylor_features_is_a_binomial_coefficient(m, order):
    n = math.comb(m + order, order)
    assert taylor_size(m, order) == n
    assert taylor_features(points(2, m), order).shape == (2, n)


def test_features_of_lower_order_come_first():
    x = points(4, 3)
    assert torch.equal(taylor_features(x, 5)[..., : taylor_size(3, 2)], taylor_features(x, 2))


def test_taylor_features_are_differentiable_twice_also_at_zero():
    for x in (torch.zeros(2, 3, dtype=F64), points(2, 3)):
        x.requires_grad_()
        assert torch.autograd.gradcheck(taylor(4), x)
        assert torch.autograd.gradgradcheck(taylor(4), x)


def test_taylor_features_can_be_trained_after_use_in_inference_mode():
    with torch.inference_mode():
        taylor_features(points(2, 7), 3)
    x = points(2, 7).requires_grad_()
    taylor_features(x, 3).sum().backward()
    assert x.grad is not None


def test_even_order_is_positive_where_odd_order_is_not():
    q, k = torch.tensor([[3.0]], dtype=F64), torch.tensor([[-3.0]], dtype=F64)
    assert kernel(taylor(4), q, k) > 0
    assert kernel(taylor(3), q, k) < 0


# --- positive random features


def test_positive_random_features_are_the_formula_with_one_set_of_directions():
    # The features of the unit vectors and of 0 give the directions back.
    m, n = 3, 7
    x = torch.cat([torch.eye(m, dtype=F64), torch.zeros(1, m, dtype=F64), points(2, m)])
    log_features = (positive_random_features(x, n, seed=5) * math.sqrt(n)).log()
    directions = log_features[:m] + 0.5  # log φ(e_j) = ω_j - 1/2
    expected = x @ directions - (x**2).sum(-1, keepdim=True) / 2
    torch.testing.assert_close(log_features, expected, atol=1e-13, rtol=0)


def test_positive_random_features_estimate_the_exponential_kernel_without_bias():
    q, k = 0.3 * points(2, 20, 4)
    exact = torch.exp((q * k).sum(-1))
    n = 200_000
    phi, psi = positive_random_features(q, n), positive_random_features(k, n)
    error = (phi * psi).sum(-1) - exact
    standard_error = (phi * psi * n).std(-1) / math.sqrt(n)
    assert (error.abs() < 5 * standard_error).all()
    assert (standard_error < 0.02 * exact).all()  # so that the line above says something


def test_positive_random_features_do_not_depend_on_precision_or_global_seed():
    x = points(5, 4)
    expected = positive_random_features(x, 16, seed=3)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert torch.equal(positive_random_features(x, 16, seed=3), expected)
    assert torch.equal(torch.get_rng_state(), state)
    with torch.device("meta"):  # where new tensors go by default
        assert torch.equal(positive_random_features(x, 16, seed=3), expected)
    single = positive_random_features(x.float(), 16, seed=3)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, atol=0, rtol=1e-5)
    assert not torch.allclose(positive_random_features(x, 16, seed=4), expected, rtol=0.1)


def of_norm(norm, *shape, seed=0):
    x = points(*shape, seed=seed)
    return norm * x / torch.linalg.vector_norm(x, dim=-1, keepdim=True)


def test_scaled_features_and_their_size_are_the_plain_features():
    x = of_norm(3.0, 5, 7, 8)
    features, log_scale = positive_random(64, seed=2).scaled(x)
    assert features.shape == (5, 7, 64)
    assert log_scale.shape == (5, 7)
    assert torch.equal(features.amax(-1), torch.ones(5, 7, dtype=F64))
    plain = positive_random_features(x, 64, seed=2)
    torch.testing.assert_close(features * log_scale.exp().unsqueeze(-1), plain, atol=0, rtol=1e-12)


@pytest.mark.parametrize("norm", [20, 60, 1e4])
def test_scaled_features_are_positive_in_float32_where_plain_ones_are_zero(norm):
    q, k = of_norm(norm, 2, 50, 16).float()
    map = positive_random(32)
    assert (map(q) == 0).all()
    features, log_scale = map.scaled(torch.stack([q, k]))
    assert features.dtype == log_scale.dtype == torch.float32
    assert features.isfinite().all()
    assert log_scale.isfinite().all()
    assert (features.unsqueeze(-1) * features.unsqueeze(-2) > 0).all()
    # Against the same in float64, where the plain ones are not zero yet at norm 20.
    if norm == 20:
        exact = map(torch.stack([q, k]).double())
        shifted = features.double() * log_scale.double().exp().unsqueeze(-1)
        seen = exact > 1e-15 * exact.amax(-1, keepdim=True)
        torch.testing.assert_close(shifted[seen], exact[seen], atol=0, rtol=1e-3)


@pytest.mark.parametrize("norm", [3, 20, 60])
def test_attention_by_scaled_features_is_finite_in_float32_and_right_where_keys_are_seen(norm):
    # As the docstring of ScaledFeatureMap has it: the size of a query cancels, that of a key is
    # taken relative to the largest so far.
    q, k = of_norm(norm, 2, 40, 3)
    v, map = points(40, 3, seed=1), positive_random(256, seed=1)

    def attention(q, k, v):
        (phi, _), (psi, size) = map.scaled(q), map.scaled(k)
        past = torch.ones(40, 40, dtype=torch.bool).tril()
        largest = size.cummax(-1).values.unsqueeze(-1)
        weights = (size - largest).masked_fill(~past, -torch.inf).exp()
        scores = phi @ psi.mT * weights
        row_sum = scores.sum(-1, keepdim=True)
        return scores @ v / row_sum, row_sum.squeeze(-1)

    exact, row_sum = attention(q, k, v)
    if norm == 3:
        scores = (map(q) @ map(k).mT).tril()
        torch.testing.assert_close(exact, scores @ v / scores.sum(-1, keepdim=True))
    single, single_sum = attention(q.float(), k.float(), v.float())
    assert single.isfinite().all()
    assert (single_sum > 0).all()
    assert (single.abs() <= v.abs().max() * (1 + 1e-5)).all()
    # Far from every key so far, scores below 1e-19 of the largest possible one are not resolved.
    seen = row_sum > 1e-15
    assert seen.sum() >= 10
    torch.testing.assert_close(single.double()[seen], exact[seen], atol=1e-6 * norm**2, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision_the_exponents_are_computed_in_float32(dtype):
    x = of_norm(300.0, 4, 8).to(dtype)  # whose square is beyond float16
    features, log_scale = positive_random(16).scaled(x)
    assert features.dtype == log_scale.dtype == torch.float32
    wide = positive_random(16).scaled(x.float())
    assert torch.equal(features, wide[0])
    assert torch.equal(log_scale, wide[1])
    y = of_norm(2.0, 4, 8).to(dtype)
    plain = positive_random(16)(y.float()).to(dtype)
    assert torch.equal(positive_random(16)(y), plain)


def test_under_autocast_too():
    x = of_norm(20.0, 4, 8).float()
    features, log_scale = positive_random(16).scaled(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = positive_random(16).scaled(x)
    assert torch.equal(found[0], features)
    assert torch.equal(found[1], log_scale)


def test_scaled_features_have_derivatives_of_their_own():
    x = points(3, 2).requires_grad_()
    assert torch.autograd.gradcheck(positive_random(4).scaled, x)
    assert torch.autograd.gradgradcheck(positive_random(4).scaled, x)
    mapped = torch.vmap(positive_random(4).scaled, randomness="same")(x)
    for found, wanted in zip(mapped, positive_random(4).scaled(x), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-14, rtol=1e-14)


def test_a_positive_random_map_is_its_size_and_seed():
    map = positive_random(np.int64(6), np.int64(3))
    assert map == PositiveRandom(6, 3)
    assert repr(map) == "PositiveRandom(n=6, seed=3)"
    assert map != PositiveRandom(6)
    with pytest.raises(AttributeError):
        map.n = 7


# --- all of them

MAPS = {
    "elu_plus_one": elu_plus_one,
    "exponential": exponential,
    "relu": relu,
    "identity": identity,
    "taylor": taylor(2),
    "positive_random": positive_random(6, seed=1),
}


def test_the_table_lists_every_map():
    assert FEATURE_MAPS.keys() == MAPS.keys()
    x = points(2, 3)
    for name, arguments in {"taylor": (2,), "positive_random": (6, 1)}.items():
        assert torch.equal(FEATURE_MAPS[name].make(*arguments)(x), MAPS[name](x))
    for name in FEATURE_MAPS.keys() - {"taylor", "positive_random"}:
        assert FEATURE_MAPS[name].make() is MAPS[name]


@pytest.mark.parametrize("name", MAPS)
def test_a_map_acts_on_the_last_axis_alone(name):
    x = points(2, 3, 4)
    whole = MAPS[name](x)
    assert whole.shape[:-1] == (2, 3)
    torch.testing.assert_close(whole[1, 2], MAPS[name](x[1, 2]), atol=1e-14, rtol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, F64])
@pytest.mark.parametrize("name", MAPS)
def test_a_map_keeps_the_dtype(name, dtype):
    assert MAPS[name](points(2, 3).to(dtype)).dtype == dtype


@given(seed=st.integers(0, 10_000))
def test_the_table_is_right_about_positive_kernels(seed):
    q, k = 3 * points(2, 8, 3, seed=seed)
    for name, entry in FEATURE_MAPS.items():
        if entry.positive:
            assert (kernel(MAPS[name], q, k) > 0).all(), name


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0], r"x is \[1.0\], expected a torch tensor"),
        (torch.tensor(1.0), r"x has shape \(\), expected \(..., m\)"),
        (torch.ones(2, 0), r"x has shape \(2, 0\), expected \(..., m\)"),
        (torch.tensor([1, 2]), "x has dtype torch.int64"),
        (torch.ones(2, dtype=torch.complex64), "x has dtype torch.complex64"),
    ],
)
def test_what_is_not_a_feature_axis_of_real_numbers_is_refused(name, x, message):
    with pytest.raises(ValueError, match=message):
        MAPS[name](x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: taylor(-1), "order is -1, expected an integer >= 0"),
        (lambda: taylor_features(points(2), 1.5), "order is 1.5"),
        (lambda: taylor_size(0, 2), "m is 0, expected an integer >= 1"),
        (lambda: taylor_size(2, True), "order is True"),
        (lambda: positive_random(0), "n is 0, expected an integer >= 1"),
        (lambda: positive_random_features(points(2), -3), "n is -3"),
        (lambda: positive_random(2, -1), "seed is -1, expected an integer from 0 to"),
        (lambda: positive_random_features(points(2), 3, 2**63), "seed is 9223372036854775808, exp"),
        (lambda: positive_random(2).scaled([1.0]), r"x is \[1.0\], expected a torch tensor"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
