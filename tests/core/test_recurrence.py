"""Products of transitions and the diagonal recurrence."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dsf import linear_recurrence, segment_products
from dsf.scan import scan


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@given(st.integers(1, 40), st.integers(0, 2**31))
def test_segment_products_by_their_definition(length, seed):
    a = normal(2, length, seed=seed)
    p = segment_products(a)
    for i in range(length):
        for j in range(length):
            expected = a[:, j + 1 : i + 1].prod(-1) if i >= j else torch.zeros(2).double()
            torch.testing.assert_close(p[:, i, j], expected, rtol=1e-12, atol=0)


def test_segment_products_keep_their_digits_under_strong_decay():
    """Relative error below L rounding errors where the product is 1e-300; a difference of
    cumulative logarithms would lose ten digits here."""
    a = torch.full((300,), 0.1, dtype=torch.float64)
    p = segment_products(a)
    assert abs(p[299, 0].item() / 1e-299 - 1) < 300 * 2.3e-16


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_segment_products_gradient(dtype):
    a = normal(2, 5, dtype=dtype)
    a[0, 2] = 0  # the derivative at zero is the product of the others
    a.requires_grad_()
    assert torch.autograd.gradcheck(segment_products, [a])
    assert torch.autograd.gradgradcheck(segment_products, [a])


@given(st.integers(1, 20), st.integers(0, 2**31))
def test_linear_recurrence_by_its_definition(length, seed):
    a, x, h = normal(3, length, 2, seed=seed), normal(length, 2, seed=seed + 1), normal(2)
    states = linear_recurrence(a, x, h)
    expected = h.expand(3, 2)
    for i in range(length):
        expected = a[:, i] * expected + x[i]
        torch.testing.assert_close(states[:, i], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_linear_recurrence_gradient(dtype):
    a, x, h = normal(5, 2, dtype=dtype), normal(3, 5, 2, dtype=dtype), normal(2, dtype=dtype)
    for tensor in (a, x, h):
        tensor.requires_grad_()
    assert torch.autograd.gradcheck(linear_recurrence, [a, x, h])


def test_linear_recurrence_leaves_its_arguments_alone():
    a, x = normal(5, 2), normal(5, 2)
    before = x.clone()
    linear_recurrence(a, x)
    assert torch.equal(x, before)


def run_scan(length, n, d, seed=0):
    """Outputs and gradients of a scan with exp(Δa) as S6 has it, and the states that it keeps."""
    step, u = normal(2, length, d, seed=seed).exp(), normal(2, length, d, seed=seed + 1)
    b, c = (normal(2, length, n, 1, seed=seed + k) for k in (2, 3))
    a, h = -normal(n, d, seed=seed + 4).exp(), normal(2, n, d, seed=seed + 5)
    inputs = [x.requires_grad_() for x in (step, a, b, c, u, h)]
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.shape) or x, lambda x: x):
        y, last = scan((step, a), b, c, u, h)
    gradients = torch.autograd.grad(y.square().sum() + last.sum(), inputs)
    return y, last, gradients, sum(shape[0] for shape in kept if shape[1:] == h.shape)


@pytest.mark.parametrize("length", [1, 2, 3, 64, 500])
def test_a_scan_over_states_too_large_for_a_chunk_still_keeps_few_of_them(length, monkeypatch):
    *expected, few = run_scan(length, 3, 5)
    assert few == 1  # all of it is one chunk
    monkeypatch.setattr("dsf.scan._CHUNK_NUMEL", 1)
    *found, kept = run_scan(length, 3, 5)
    assert kept <= 3 * length**0.5
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])
    for x, right in zip(found[2], expected[2], strict=True):
        # The adjoint is rounded once more at every border.
        torch.testing.assert_close(x, right, rtol=1e-11, atol=1e-11)


class Allocated(TorchDispatchMode):
    """The largest tensor that any operation gives back, in numbers."""

    largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        for x in tree_leaves(found):
            if isinstance(x, torch.Tensor):
                self.largest = max(self.largest, x.untyped_storage().nbytes() // 8)
        return found


@pytest.mark.parametrize("numel", [1, 2 * 3 * 5 * 20])
def test_a_scan_never_holds_more_than_a_chunk_or_the_borders(numel, monkeypatch):
    """Chunks of 20 states where 20 fit, and of √(L/3) where not a single one does."""
    monkeypatch.setattr("dsf.scan._CHUNK_NUMEL", numel)
    length, state = 1200, 2 * 3 * 5
    with Allocated() as allocated:
        *_, kept = run_scan(length, 3, 5)
    size = 20  # both ways
    assert kept == length // size
    # B and C, as long as the sequence, are the smaller ones: n of the n·d numbers of a state.
    assert allocated.largest == max(length * 2 * 5, length // size * state)
