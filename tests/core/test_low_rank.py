"""LowRankSystem: its evaluators, its dense matrices and, without a low rank, LTVSystem are one map.

Left and right are scaled so that the eigenvalues of every transition lie in the unit disc.
"""

import math

import hypothesis
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import normalize

from dsf import LowRankSystem, LTVSystem

EXACT = {"rtol": 1e-9, "atol": 1e-9}
EVALUATORS = ("recurrent", "chunked", "matrix", "auto")

lengths = st.integers(1, 140)
batches = st.sampled_from([(), (1,), (3,), (2, 1)])
small = st.integers(1, 4)
seeds = st.integers(0, 2**31)


def draw(seed, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=dtype)

    return normal


def random_system(length, n, d, r, batch=(), seed=0, diagonal=True, by_channel=False):
    """T = a(I - M) with a in [-1, 1] and M of rank r between 0 and 2 times a projection."""
    normal = draw(seed)
    a = torch.tanh(2 * normal(*batch, length, n if diagonal else 1))
    k = normalize(normal(*batch, length, n, r), dim=-2)
    beta = 2 * torch.sigmoid(normal(*batch, length, 1, r)) / r
    wide = d if by_channel else 1
    b, c = normal(*batch, length, n, wide), normal(*batch, length, n, wide)
    system = LowRankSystem(a, a.unsqueeze(-1) * beta * k, k, b, c, normal(*batch, length, d))
    return system, normal(*batch, length, d), normal(*batch, n, d)


def apply(phi, u, shared):
    return phi @ u if shared else (phi @ u.mT.unsqueeze(-1)).squeeze(-1).mT


class TestOneMap:
    @given(lengths, small, small, st.integers(1, 3), batches, st.booleans(), st.booleans(), seeds)
    @hypothesis.settings(max_examples=100)
    @hypothesis.example(64, 3, 2, 1, (), True, False, 0)
    @hypothesis.example(129, 2, 1, 2, (3,), False, False, 1)
    def test_every_evaluator_is_the_definition(
        self, length, n, d, r, batch, diagonal, by_channel, seed
    ):
        system, u, h = random_system(length, n, d, r, batch, seed, diagonal, by_channel)
        y, last = system.run(u, "recurrent", h, return_state=True)
        for method in EVALUATORS:
            found, state = system.run(u, method, h, return_state=True)
            torch.testing.assert_close(found, y, **EXACT)
            torch.testing.assert_close(state, last, **EXACT)
        torch.testing.assert_close(system.states(u, h)[..., -1, :, :], last, **EXACT)
        phi = system.matrix()
        torch.testing.assert_close(
            apply(phi, u, system.d is None), system.run(u, "recurrent"), **EXACT
        )
        assert torch.equal(phi.triu(1), torch.zeros_like(phi))

    @given(st.integers(1, 8), small, small, st.integers(1, 3), batches, st.booleans(), seeds)
    def test_dense_matrices(self, length, n, d, r, batch, by_channel, seed):
        system, u, h = random_system(length, n, d, r, batch, seed, by_channel=by_channel)
        dense, state = system.dense(d), h.mT.flatten(-2)
        assert (dense.n, dense.d, dense.state_size) == (n, d, n * d)
        y, last = dense.run(u, "auto", state, return_state=True)
        for method in EVALUATORS:
            torch.testing.assert_close(system.run(u, method, h), y, **EXACT)
        found, end = dense.run(u, "matrix", state, return_state=True)
        torch.testing.assert_close(found, y, **EXACT)
        torch.testing.assert_close(end, last, **EXACT)
        states = system.states(u, h).mT.flatten(-2)
        torch.testing.assert_close(dense.states(u, state), states, **EXACT)

    def test_recurrence_entry_by_entry(self):
        """The formula of the class, with indices; a, B, C per feature, channel and time."""
        system, u, h = random_system(4, 3, 2, 2, by_channel=True)
        states = system.states(u, h)
        for i in range(4):
            a, left, right = system.transition[i], system.left[i], system.right[i]
            new = torch.zeros_like(h)
            for f in range(3):
                for c in range(2):
                    erased = sum(
                        left[f, j] * right[g, j] * h[g, c] for j in range(2) for g in range(3)
                    )
                    new[f, c] = a[f] * h[f, c] - erased + system.input[i, f, c] * u[i, c]
            h = new
            torch.testing.assert_close(states[i], h, **EXACT)

    @given(lengths, small, small, st.booleans(), seeds)
    @hypothesis.settings(max_examples=10)
    def test_without_a_low_rank_it_is_diagonal(self, length, n, d, diagonal, seed):
        system, u, h = random_system(length, n, d, 1, (2,), seed, diagonal)
        zero = torch.zeros_like(system.left)
        for left, right in ((zero, system.right), (system.left, zero)):
            plain = LowRankSystem(
                system.transition, left, right, system.input, system.output, system.feedthrough
            )
            same = LTVSystem(
                system.transition.unsqueeze(-1), system.input, system.output, system.feedthrough
            )
            y, last = same.run(u, "recurrent", h, return_state=True)
            for method in EVALUATORS:
                found, state = plain.run(u, method, h, return_state=True)
                torch.testing.assert_close(found, y, **EXACT)
                torch.testing.assert_close(state, last, **EXACT)
            torch.testing.assert_close(plain.matrix(), same.matrix(), **EXACT)

    @pytest.mark.parametrize(
        "leading", [((2,), (), (3, 1)), ((), (2, 1), (2, 3)), ((3, 1), (2,), ())]
    )
    def test_leading_axes_broadcast(self, leading):
        """Each of diagonal, low rank, B and C, inputs and state may have its own."""
        (of_a, of_k, of_u), normal = leading, draw(0)
        a, k = torch.tanh(normal(*of_a, 70, 1)), normalize(normal(*of_k, 70, 3, 1), dim=-2)
        b, c = normal(70, 3, 1), normal(*of_a, 70, 3, 1)
        system, u, h = (
            LowRankSystem(a, a.unsqueeze(-1) * k, k, b, c),
            normal(*of_u, 70, 2),
            normal(1, 3, 2),
        )
        y, last = system.run(u, "recurrent", h, return_state=True)
        found, state = system.run(u, "chunked", h, return_state=True)
        torch.testing.assert_close(found, y, **EXACT)
        torch.testing.assert_close(state, last, **EXACT)


class TestPieces:
    @pytest.mark.parametrize("method", EVALUATORS)
    @given(st.integers(2, 140), small, small, st.integers(1, 2), batches, seeds)
    @hypothesis.settings(max_examples=10)
    def test_two_halves_with_the_state_handed_over(self, method, length, n, d, r, batch, seed):
        system, u, h = random_system(length, n, d, r, batch, seed)
        cut = length // 2
        y_1, state = system[:cut].run(u[..., :cut, :], method, h, return_state=True)
        y_2, _ = system[cut:].run(u[..., cut:, :], method, state, return_state=True)
        whole = system.run(u, "recurrent", h)
        torch.testing.assert_close(torch.cat([y_1, y_2], -2), whole, **EXACT)

    def test_steps(self):
        system, u, h = random_system(9, 3, 2, 2, (2,))
        state, dense, vector = h, system.dense(), h.mT.flatten(-2)
        for i, y_i in enumerate(system.run(u, "recurrent", h).unbind(-2)):
            state, found = system.step(state, u[..., i, :], i)
            vector, same = dense.step(vector, u[..., i, :], i)
            torch.testing.assert_close(found, y_i, **EXACT)
            torch.testing.assert_close(same, y_i, **EXACT)
            torch.testing.assert_close(vector, state.mT.flatten(-2), **EXACT)

    def test_sizes(self):
        system, _, _ = random_system(5, 3, 2, 2)
        assert (system.length, system.n, system.d, system.state_size, system.rank) == (
            5,
            3,
            2,
            6,
            2,
        )
        bare = LowRankSystem(
            system.transition, system.left, system.right, system.input, system.output
        )
        assert (bare.d, bare.state_size) == (None, None)
        assert bare.dense(4).transition.shape == (5, 12, 12)


class TestTransitions:
    def test_two_reflections_are_a_rotation(self):
        """(I - 2k'k'ᵀ)(I - 2kkᵀ) turns by twice the angle between k and k': r = 2 is complex."""
        angle = torch.linspace(0.1, 3.0, 150, dtype=torch.float64)
        k = torch.tensor([1.0, 0.0], dtype=torch.float64).expand(150, 2)
        other = torch.stack([angle.cos(), angle.sin()], dim=-1)
        # I - 2k'k'ᵀ - 2kkᵀ + 4 k'(k'ᵀk)kᵀ
        left = torch.stack([2 * other, 2 * k - 4 * angle.cos()[:, None] * other], dim=-1)
        right = torch.stack([other, k], dim=-1)
        normal = draw(1)
        b, c = normal(150, 2, 1), normal(150, 2, 1)
        one = torch.ones(150, 1, dtype=torch.float64)
        system, u = LowRankSystem(one, left, right, b, c), normal(150, 2)
        eigenvalues = torch.linalg.eigvals(system.dense(1).transition)
        expected = torch.polar(torch.ones_like(angle), 2 * angle)
        first = eigenvalues.abs().sub(1).abs().max()
        assert first < 1e-12
        torch.testing.assert_close(eigenvalues.real.amax(-1), expected.real, **EXACT)
        for method in EVALUATORS:
            torch.testing.assert_close(system.run(u, method), system.run(u, "recurrent"), **EXACT)

    def test_complex_arrays_and_inputs(self):
        system, u, h = random_system(70, 3, 2, 2)
        arrays = {
            name: getattr(system, name)
            for name in ("transition", "left", "right", "input", "output", "feedthrough")
        }
        for name, x in arrays.items():
            turned = x * complex(math.cos(1), math.sin(1))
            other = LowRankSystem(**{**arrays, name: turned})
            y = other.run(u, "recurrent", h)
            assert not y.is_complex()
            for method in EVALUATORS:
                torch.testing.assert_close(other.run(u, method, h), y, **EXACT)
            torch.testing.assert_close(
                torch.real(other.dense().run(u, "auto", h.mT.flatten(-2))), y, **EXACT
            )
            torch.testing.assert_close(
                apply(other.matrix(), u, False), other.run(u, "recurrent"), **EXACT
            )
        for method in EVALUATORS:
            y = system.run(u * (1 + 2j), method, h)
            torch.testing.assert_close(y.imag, 2 * system.run(u, "recurrent"), **EXACT)

    @pytest.mark.parametrize("diagonal", [False, True])
    @pytest.mark.parametrize("a", [0.0, 1e-30, -1.0])
    def test_zeros_and_strong_decay_are_ordinary(self, a, diagonal):
        """At 1e-30 the product over a chunk is far below the smallest number."""
        normal = draw(2, torch.float32)
        length, n = 300, 3
        transition = torch.full((length, n if diagonal else 1), a)
        transition[::5] = 1.0
        k = normalize(normal(length, n, 1), dim=-2)
        b, c, u = normal(length, n, 1), normal(length, n, 1), normal(length, 2)
        left = torch.where(transition < 0, -0.9, 0.9).unsqueeze(-1) * k
        arrays = [x.requires_grad_() for x in (transition, left, k, b, c, u)]
        wide = [x.detach().double().requires_grad_() for x in arrays]
        y = LowRankSystem(*wide[:5]).run(wide[5], "recurrent")
        expected = torch.autograd.grad(y.square().sum(), wide)
        for method in EVALUATORS:
            found = LowRankSystem(*arrays[:5]).run(arrays[5], method)
            # One rounding, of 6e-8, for every step of a memory of at most a hundred.
            torch.testing.assert_close(found.double(), y, rtol=0, atol=6e-6 * y.abs().max().item())
            for x, right in zip(
                torch.autograd.grad(found.square().sum(), arrays), expected, strict=True
            ):
                scale = right.abs().max().item()
                torch.testing.assert_close(x.double(), right, rtol=0, atol=1e-5 * scale)

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    @pytest.mark.parametrize("method", ["recurrent", "chunked", "matrix"])
    def test_half_precision(self, dtype, method):
        """Kept in float32 and rounded once, as the erased part is."""
        system, u, _ = random_system(300, 4, 2, 1, diagonal=False)
        arrays = [
            x.to(dtype)
            for x in (system.transition, system.left, system.right, system.input, system.output)
        ]
        expected = LowRankSystem(*(x.double() for x in arrays)).run(u.to(dtype).double())
        y, h = LowRankSystem(*arrays).run(u.to(dtype), method, return_state=True)
        assert (y.dtype, h.dtype) == (dtype, torch.float32)
        assert (y.double() - expected).abs().max() < torch.finfo(dtype).eps * expected.abs().max()
        single, v = LowRankSystem(*(x.float() for x in arrays)), u.float()
        alone = single.run(v, method), single.matrix()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(single.run(v, method), alone[0])
            assert torch.equal(single.matrix(), alone[1])


class TestGradients:
    @pytest.mark.parametrize("method", ["recurrent", "chunked", "matrix"])
    @pytest.mark.parametrize(
        "shapes", [((5, 1), (5, 3, 1), 1), ((2, 5, 3), (5, 3, 2), 1), ((5, 3), (5, 3, 1), 2)]
    )
    def test_every_argument(self, method, shapes, monkeypatch):
        monkeypatch.setattr("dsf.low_rank.CHUNK_LENGTH", 4)
        (a, k, wide), normal = shapes, draw(0)
        arrays = [normal(*s) for s in (a, k, k, (5, 3, wide), (5, 3, wide), (5, 2), (5, 2), (3, 2))]
        arrays[0][..., 1, :] = 0  # where a = 0 the derivative with respect to it is still there

        def f(*x):
            return LowRankSystem(*x[:6]).run(x[6], method, x[7], return_state=True)

        assert torch.autograd.gradcheck(f, [x.requires_grad_() for x in arrays])

    def test_complex(self):
        normal = draw(0, torch.complex128)
        arrays = [normal(*s) for s in ((5, 3), (5, 3, 1), (5, 3, 1), (5, 3, 1), (5, 3, 1))]

        def f(*x):
            return LowRankSystem(*x[:5]).run(x[5], "chunked")

        arrays.append(draw(1)(5, 2))
        assert torch.autograd.gradcheck(f, [x.requires_grad_() for x in arrays])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"left": torch.ones(4, 3)}, r"left has shape \(4, 3\), expected \(\.\.\., L, n, r\) with"),
        ({"right": torch.ones(4, 3, 2)}, r"right has shape \(4, 3, 2\), .* r = 1 as in left"),
        ({"transition": torch.ones(4, 2)}, r"transition has shape \(4, 2\), .* n = 3"),
        ({"transition": torch.ones(4)}, r"transition has shape \(4,\)"),
        ({"output": torch.ones(4, 3, 2).double()}, "output has dtype torch.float64"),
        ({"input": [1.0]}, r"input is \[1.0\], expected a torch tensor"),
    ],
)
def test_arrays_that_do_not_fit(change, message):
    one = torch.ones(4, 3, 1)
    arrays = {
        "transition": torch.ones(4, 1),
        "left": one,
        "right": one,
        "input": one,
        "output": one,
    }
    with pytest.raises(ValueError, match=message):
        LowRankSystem(**{**arrays, **change})
    with pytest.raises(ValueError, match="method is 'scan', expected one of recurrent, chunked"):
        LowRankSystem(**arrays).run(torch.ones(4, 2), "scan")
