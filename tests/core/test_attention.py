"""Attention: native forms against their sums, and what the DSF form says about Λ, B, C."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.profiler import ProfilerActivity, profile

from dsf import (
    kv_cache_system,
    linear_attention,
    linear_attention_system,
    normalized_attention,
    normalized_attention_system,
    separable_attention_system,
    softmax_attention,
    softmax_attention_system,
    softmax_matrix,
)
from dsf.feature_maps import FEATURE_MAPS, elu_plus_one, exponential, identity, relu

EXACT = {"rtol": 1e-10, "atol": 1e-10}
seeds = st.integers(0, 2**31)


def qkv(length, m, d, batch=(), seed=0):
    g = torch.Generator().manual_seed(seed)
    shapes = [(*batch, length, m), (*batch, length, m), (*batch, length, d)]
    return [torch.randn(s, generator=g, dtype=torch.float64) for s in shapes]


def weighted_sum(score, v):
    """y_i = Σ_{j≤i} score(i, j) v_j, one term at a time."""
    rows = [sum(score(i, j) * v[j] for j in range(i + 1)) for i in range(len(v))]
    return torch.stack(rows)


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), seeds)
def test_softmax_attention_by_its_definition(length, m, d, seed):
    q, k, v = qkv(length, m, d, seed=seed)

    def score(i, j):
        weights = [math.exp(q[i] @ k[l] / math.sqrt(m)) for l in range(i + 1)]
        return weights[j] / sum(weights)

    expected = weighted_sum(score, v)
    torch.testing.assert_close(softmax_attention(q, k, v), expected, **EXACT)
    torch.testing.assert_close(softmax_matrix(q, k) @ v, expected, **EXACT)


@pytest.mark.parametrize(("m", "d"), [(8, 8), (4, 8), (8, 4)])
def test_softmax_attention_never_forms_the_map(m, d):
    """Whatever the widths, nothing of L × L numbers is allocated, forwards or backwards."""
    length = 1024
    q, k, v = (x.float().requires_grad_() for x in qkv(length, m, d))
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as log:
        softmax_attention(q, k, v).sum().backward()
    largest = max(event.cpu_memory_usage for event in log.events())
    assert largest < 4 * length**2 / 2  # the kernel keeps blocks of constant size


@given(st.integers(1, 140), st.integers(1, 4), st.integers(1, 3), st.booleans(), seeds)
def test_linear_attention_by_its_definition(length, m, d, normalize, seed):
    """Over chunk borders too: the masked quadratic form is the reference."""
    q, k, v = qkv(length, m, d, (2,), seed)
    scores = (elu_plus_one(q) @ elu_plus_one(k).mT).tril()
    expected = scores @ v
    if normalize:
        expected = expected / scores.sum(-1, keepdim=True)
    y = linear_attention(q, k, v, normalize=normalize)
    torch.testing.assert_close(y, expected, **EXACT)


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), seeds)
def test_normalized_attention_by_its_definition(length, m, d, seed):
    q, k, v = qkv(length, m, d, seed=seed)
    eta = torch.exp(v[:, 0])
    expected = weighted_sum(lambda i, j: (q[i] @ k[j]) / eta[i], v)
    torch.testing.assert_close(normalized_attention(q, k, v, eta), expected, **EXACT)


@pytest.mark.parametrize("feature_map", [elu_plus_one, exponential, relu, identity])
@pytest.mark.parametrize("normalize", [True, False])
def test_every_feature_map_in_both_forms(feature_map, normalize):
    q, k, v = qkv(70, 3, 2, (2,))
    if feature_map is identity or feature_map is relu:
        q, k = q.abs() + 0.1, k.abs() + 0.1  # keeps the row sums away from zero
    expected = linear_attention(q, k, v, feature_map, normalize)
    system = linear_attention_system(q, k, feature_map, normalize)
    torch.testing.assert_close(system.run(v), expected, **EXACT)
    assert len(FEATURE_MAPS) >= 4


class TestSeparableForm:
    def test_matrices_of_the_paper(self):
        """Λ_i = η_{i-1}/η_i, B_i = ψ_i/η_i with the η of the same time, C_i = φ_i."""
        phi, psi, v = qkv(6, 3, 2)
        eta = torch.exp(v[:, 0])
        system = separable_attention_system(phi, psi, eta)
        for i in range(6):
            if i > 0:
                expected = (eta[i - 1] / eta[i]).reshape(1, 1)
                torch.testing.assert_close(system.transition[i], expected, **EXACT)
            torch.testing.assert_close(system.input[i, :, 0], psi[i] / eta[i], **EXACT)
            torch.testing.assert_close(system.output[i, :, 0], phi[i], **EXACT)

    @pytest.mark.parametrize("eta", [True, False])
    def test_one_system_for_any_number_of_channels(self, eta):
        """Λ is a multiple of the identity, so that one Φ serves all channels."""
        phi, psi, v = qkv(6, 3, 5)
        system = separable_attention_system(phi, psi, v[:, 0].exp() if eta else None)
        assert (system.is_scalar, system.d) == (True, None)
        assert system.transition.shape == (6, 1, 1)
        assert system.run(v).shape == (6, 5)

    def test_products_of_transitions_telescope(self):
        """Φ_ij = φ_iᵀψ_j / η_i whatever lies between j and i."""
        phi, psi, v = qkv(20, 3, 2)
        eta = torch.exp(v[:, 0])
        expected = ((phi @ psi.mT) / eta.unsqueeze(-1)).tril()
        matrix = separable_attention_system(phi, psi, eta).matrix()
        torch.testing.assert_close(matrix, expected, **EXACT)

    def test_state_is_the_normalized_sum_of_outer_products(self):
        phi, psi, v = qkv(6, 3, 2)
        eta = torch.exp(v[:, 0])
        states = separable_attention_system(phi, psi, eta).states(v)
        sums = (psi.unsqueeze(-1) * v.unsqueeze(-2)).cumsum(0)
        torch.testing.assert_close(states, sums / eta[:, None, None], **EXACT)

    def test_linear_attention_ratio_can_exceed_one(self):
        q, k, _ = qkv(200, 2, 1)
        ratios = linear_attention_system(q, k).transition[1:]
        assert ratios.max() > 1 > ratios.min() > 0

    def test_normalized_attention_is_linear_attention_with_an_output_gate(self):
        q, k, v = qkv(20, 3, 2)
        eta = torch.exp(v[:, 0])
        gated = linear_attention(q, k, v, identity, normalize=False) / eta.unsqueeze(-1)
        torch.testing.assert_close(normalized_attention_system(q, k, eta).run(v), gated, **EXACT)


class TestSoftmaxSystems:
    def test_taylor_system_converges_to_softmax(self):
        q, k, v = qkv(30, 3, 2)
        q, k = torch.tanh(q), torch.tanh(k)  # scores below √3, so 3^(19/2)/19! bounds the kernel
        exact = softmax_attention(q, k, v)
        errors = []
        for order in (2, 6, 10, 14, 18):
            system = softmax_attention_system(q, k, order)
            assert system.n == math.comb(3 + order, order)
            errors.append((system.run(v) - exact).abs().max().item())
        assert errors == sorted(errors, reverse=True)
        assert errors[0] > 1e-3
        assert errors[-1] < 1e-11

    def test_kv_cache_is_exact_with_one_state_row_per_token(self):
        q, k, v = qkv(30, 3, 2, (2,))
        system = kv_cache_system(q, k)
        assert system.n == 30
        torch.testing.assert_close(system.run(v), softmax_attention(q, k, v), **EXACT)
        cache = system.states(v)[0, 20]
        torch.testing.assert_close(cache[:21], v[0, :21], **EXACT)
        assert torch.equal(cache[21:], torch.zeros_like(cache[21:]))

    def test_scale(self):
        q, k, v = qkv(10, 3, 2)
        y = softmax_attention(q, k, v, scale=0.1)
        torch.testing.assert_close(softmax_matrix(q, k, scale=0.1) @ v, y, **EXACT)
        torch.testing.assert_close(kv_cache_system(q, k, 0.1).run(v), y, **EXACT)
        torch.testing.assert_close(softmax_attention_system(q, k, 14, 0.1).run(v), y, **EXACT)


def test_heads_are_a_leading_axis():
    q, k, v = qkv(10, 3, 2, (2, 4))
    y = softmax_attention(q, k, v)
    torch.testing.assert_close(y[1, 3], softmax_attention(q[1, 3], k[1, 3], v[1, 3]), **EXACT)
    # One set of keys for all heads, as in multi-query attention.
    y = softmax_attention(q, k[:, :1], v[:, :1])
    torch.testing.assert_close(y[1, 3], softmax_attention(q[1, 3], k[1, 0], v[1, 0]), **EXACT)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda q, k, v: softmax_attention(q[:4], k, v), r"k has shape \(5, 3\), .*L = 4"),
        (lambda q, k, v: softmax_attention(q, k[:, :2], v), r"k has shape \(5, 2\), .*m = 3"),
        (lambda q, k, v: softmax_attention(q, k, v[:4]), r"v has shape \(4, 2\), .*L = 5"),
        (
            lambda q, k, v: softmax_attention(q[0], k, v),
            r"q has shape \(3,\), expected \(\.\.\., L",
        ),
        (lambda q, k, v: softmax_attention(q.long(), k, v), r"q has dtype torch.int64"),
        (
            lambda q, k, v: softmax_matrix(q, k, -1.0),
            r"scale is -1.0, expected a finite number > 0",
        ),
        (
            lambda q, k, v: softmax_attention(q, k, v, 0),
            r"scale is 0, expected a finite number > 0",
        ),
        (
            lambda q, k, v: softmax_attention_system(q, k, 2, 0.0),
            r"scale is 0.0, expected a finite number > 0",
        ),
        (lambda q, k, v: softmax_attention_system(q, k, -1), r"order"),
        (lambda q, k, v: normalized_attention(q, k, v, v[:3, 0]), r"eta has shape \(3,\)"),
        (lambda q, k, v: normalized_attention_system(q, k, v[:3, 0]), r"eta has shape \(3,\)"),
        (lambda q, k, v: separable_attention_system(q, v), r"psi has shape \(5, 2\), .*n = 3"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call(*qkv(5, 3, 2))
