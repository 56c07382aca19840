"""LTVSystem: the four evaluators, streaming, Φ and the dense matrices are one map."""

import threading

import hypothesis
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dsf import ARCHITECTURES, DenseSystem, LowRankSystem, LTVSystem, NormalizedState, System

METHODS = ("recurrent", "scan", "chunked", "matrix", "auto")
NAMES = sorted(ARCHITECTURES)
# float64 rounding over at most 200 steps on data of size 1.
EXACT = {"rtol": 1e-9, "atol": 1e-9}

lengths = st.integers(1, 140)  # one block of 64, several, and no multiple of it
batches = st.sampled_from([(), (1,), (3,), (2, 1)])
small = st.integers(1, 4)
seeds = st.integers(0, 2**31)


def random_system(length, n, d, batch=(), seed=0, dtype=torch.float64, transition=None):
    """A system without structure: every array full, with feed-through."""
    g = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*batch, *shape, generator=g, dtype=torch.float64).to(dtype)

    if transition is None:
        transition = torch.tanh(normal(length, n, d))
    system = LTVSystem(transition, normal(length, n, d), normal(length, n, d), normal(length, d))
    return system, normal(length, d)


def apply(phi, u, d):
    """Φ u for Φ (..., L, L) or (..., d, L, L)."""
    return phi @ u if d is None else (phi @ u.mT.unsqueeze(-1)).squeeze(-1).mT


def by_matrix(system, u):
    """Φ u for any system; that of a dense one mixes the channels too."""
    if not isinstance(system, DenseSystem):
        return apply(system.matrix(), u, system.d)
    stacked = u.flatten(-2).to(system.input.dtype).unsqueeze(-1)
    return torch.real((system.matrix() @ stacked).squeeze(-1)).unflatten(-1, u.shape[-2:])


class TestEveryFormIsTheSameMap:
    @pytest.mark.parametrize("name", NAMES)
    @given(lengths, small, small, batches, seeds)
    @hypothesis.example(1, 1, 1, (), 0)
    @hypothesis.example(65, 1, 1, (3,), 0)
    def test_native_equals_each_evaluator_and_phi(self, name, length, n, d, batch, seed):
        entry = ARCHITECTURES[name]
        example = entry.example(length, n, d, batch, seed, torch.float64)
        system, y = entry.system(**example.system), entry.native(**example.native)
        assert y.shape == (*batch, length, d)
        for method in system.methods:
            torch.testing.assert_close(system.run(example.u, method), y, **EXACT)
        torch.testing.assert_close(by_matrix(system, example.u), y, **EXACT)

    @pytest.mark.parametrize("name", NAMES)
    @given(st.integers(1, 9), small, st.integers(1, 3), batches, seeds)
    @hypothesis.settings(max_examples=10)
    def test_native_equals_dense(self, name, length, n, d, batch, seed):
        entry = ARCHITECTURES[name]
        example = entry.example(length, n, d, batch, seed, torch.float64)
        dense = entry.system(**example.system).dense(d)
        y = entry.native(**example.native)
        torch.testing.assert_close(torch.real(dense.run(example.u)), y, **EXACT)
        torch.testing.assert_close(by_matrix(dense, example.u), y, **EXACT)

    @pytest.mark.parametrize("name", NAMES)
    @given(lengths, small, small, batches, seeds)
    @hypothesis.settings(max_examples=5)
    def test_streaming_equals_the_whole_run(self, name, length, n, d, batch, seed):
        entry = ARCHITECTURES[name]
        example = entry.example(length, n, d, batch, seed, torch.float64)
        system, state, y = entry.system(**example.system), None, []
        for i, u_i in enumerate(example.u.unbind(-2)):
            state, y_i = system.step(state, u_i, i)
            y.append(y_i)
        torch.testing.assert_close(torch.stack(y, -2), entry.native(**example.native), **EXACT)
        _, last = system.run(example.u, return_state=True)
        last = last.h if isinstance(last, NormalizedState) else last
        torch.testing.assert_close(state, last, **EXACT)

    @pytest.mark.parametrize("name", NAMES)
    def test_causality(self, name):
        """Φ has nothing above the diagonal, and the output before a changed input is the same."""
        entry = ARCHITECTURES[name]
        example = entry.example(70, 3, 2, (2,), 5, torch.float64)
        system = entry.system(**example.system)
        later = 2 if isinstance(system, DenseSystem) else 1  # its blocks are 2 × 2
        assert torch.equal(
            system.matrix().triu(later), torch.zeros_like(system.matrix()).triu(later)
        )
        u = example.u.clone()
        u[..., 40:, :] += 1
        for method in system.methods:
            change = system.run(u, method) - system.run(example.u, method)
            assert torch.equal(change[..., :40, :], torch.zeros_like(change[..., :40, :]))
            assert change[..., 40, :].abs().min() > 0

    @given(st.integers(1, 130), small, small, batches, seeds)
    def test_unstructured_system_against_its_dense_matrices(self, length, n, d, batch, seed):
        system, u = random_system(length, n, d, batch, seed)
        expected = system.dense(d).run(u)
        for method in METHODS:
            torch.testing.assert_close(system.run(u, method), expected, **EXACT)

    def test_streaming_with_every_array_varying_in_time(self):
        system, u = random_system(6, 3, 2)
        state, y = None, []
        for i, u_i in enumerate(u):
            state, y_i = system.step(state, u_i, i)
            y.append(y_i)
        torch.testing.assert_close(torch.stack(y), system.run(u, "recurrent"), **EXACT)


class TestWhereAxesAndComplexNumbersStand:
    """Each of the four arrays may alone carry a leading axis, have one channel, or be complex."""

    @given(
        st.integers(1, 3),
        st.sampled_from([1, 5, 64, 130]),
        st.lists(st.sampled_from([(), (2,), (3, 1), (3, 2)]), min_size=6, max_size=6),
        st.lists(st.booleans(), min_size=4, max_size=4),
        st.lists(st.booleans(), min_size=4, max_size=4),
        st.booleans(),
        st.booleans(),
        seeds,
    )
    @hypothesis.settings(max_examples=150)
    def test_every_evaluator_is_the_definition(
        self, n, length, leading, wide, kinds, has_feedthrough, u_too, seed
    ):
        g = torch.Generator().manual_seed(seed)

        def normal(batch, *shape, is_complex=False):
            x = torch.randn(*batch, *shape, generator=g, dtype=torch.float64)
            y = torch.randn(*batch, *shape, generator=g, dtype=torch.float64)
            return torch.complex(x, y) if is_complex else x

        d = 2
        shapes = [(length, n, d), (length, n, d), (length, n, d), (length, d)]
        arrays = []
        for k, (shape, batch) in enumerate(zip(shapes, leading[:4], strict=True)):
            shape = shape if wide[k] else (*shape[:-1], 1)
            arrays.append(normal(batch, *shape, is_complex=kinds[k]))
        arrays[0] = 0.7 * arrays[0] / (1 + arrays[0].abs())
        system = LTVSystem(*arrays[: 4 if has_feedthrough else 3])
        u, h = normal(leading[4], length, d, is_complex=u_too), normal(leading[5], n, d)
        expected = system.dense(d).run(u, "auto", h.mT.flatten(-2))
        expected = expected if u_too else torch.real(expected)
        for method in METHODS:
            y, last = system.run(u, method, h, return_state=True)
            torch.testing.assert_close(y, expected.expand(y.shape), **EXACT)
            torch.testing.assert_close(last, system.states(u, h)[..., -1, :, :], **EXACT)
        if u_too:
            return  # Φ is the map between real inputs and outputs
        torch.testing.assert_close(system.run(u), apply(system.matrix(), u, system.d), **EXACT)
        stacked = torch.real(
            system.dense(d).matrix() @ u.flatten(-2).to(system.dense(d).input.dtype).unsqueeze(-1)
        ).squeeze(-1)
        torch.testing.assert_close(stacked.unflatten(-1, (length, d)), system.run(u), **EXACT)

    @pytest.mark.parametrize("which", ["transition", "input", "output", "feedthrough", "u"])
    def test_streaming_of_complex_systems_gives_real_outputs(self, which):
        system, u = random_system(5, 2, 3)
        arrays = {name: getattr(system, name) for name in ("transition", "input", "output")}
        arrays["feedthrough"] = system.feedthrough
        if which == "u":
            u = u * (1 + 1j)
        else:
            arrays[which] = arrays[which] * (1 + 1j)
        system, state = LTVSystem(**arrays), None
        y = system.run(u)
        assert y.is_complex() == (which == "u")
        for i, u_i in enumerate(u):
            state, y_i = system.step(state, u_i, i)
            assert y_i.dtype == y.dtype
            torch.testing.assert_close(y_i, y[i], **EXACT)

    def test_heads_that_share_keys_and_values(self):
        """Multi-query attention: only the queries, which are C, differ between heads."""
        g = torch.Generator().manual_seed(0)
        q = torch.randn(4, 150, 3, generator=g, dtype=torch.float64)
        k, v = torch.randn(2, 150, 3, generator=g, dtype=torch.float64)
        one = torch.ones(150, 1, 1, dtype=torch.float64)
        system = LTVSystem(one, k.unsqueeze(-1), q.unsqueeze(-1))
        expected = (q @ k.mT).tril() @ v
        for method in METHODS:
            y, _ = system.run(v, method, return_state=True)
            torch.testing.assert_close(y, expected, **EXACT)


class TestDefinition:
    """The formulas of the DSF, written out with indices."""

    def test_recurrence_entry_by_entry(self):
        system, u = random_system(5, 3, 2, seed=1)
        h = torch.zeros(3, 2, dtype=torch.float64)
        for i in range(5):
            y = torch.zeros(2, dtype=torch.float64)
            for c in range(2):
                for a in range(3):
                    h[a, c] = system.transition[i, a, c] * h[a, c] + system.input[i, a, c] * u[i, c]
                    y[c] += system.output[i, a, c] * h[a, c]
                y[c] += system.feedthrough[i, c] * u[i, c]
            torch.testing.assert_close(system.states(u)[i], h, **EXACT)
            torch.testing.assert_close(system.run(u, "recurrent")[i], y, **EXACT)

    def test_phi_entry_by_entry(self):
        """Φ_ij = C_i Λ_i ⋯ Λ_{j+1} B_j: no Λ on the diagonal, Λ_i in, Λ_j out."""
        system, _ = random_system(6, 3, 2, seed=2)
        phi = system.matrix()
        for c in range(2):
            for i in range(6):
                for j in range(i + 1):
                    product = system.transition[j + 1 : i + 1, :, c].prod(0)
                    expected = (system.output[i, :, c] * product * system.input[j, :, c]).sum()
                    if i == j:
                        expected = expected + system.feedthrough[i, c]
                    torch.testing.assert_close(phi[c, i, j], expected, **EXACT)

    def test_first_transition_never_matters(self):
        system, u = random_system(6, 3, 2, seed=3)
        transition = system.transition.clone()
        transition[0] = 123.0
        other = LTVSystem(transition, system.input, system.output, system.feedthrough)
        for method in METHODS:
            torch.testing.assert_close(other.run(u, method), system.run(u, method), **EXACT)

    def test_dense_puts_the_channel_outside_and_the_feature_inside(self):
        """B = I_d ⊗ ψ and C = I_d ⊗ φᵀ, the Kronecker order of the paper."""
        g = torch.Generator().manual_seed(4)
        psi, phi = torch.randn(2, 4, 3, generator=g, dtype=torch.float64)
        rate = torch.rand(4, 3, 2, generator=g, dtype=torch.float64)
        system = LTVSystem(rate, psi.unsqueeze(-1), phi.unsqueeze(-1))
        dense = system.dense()
        eye = torch.eye(2, dtype=torch.float64)
        for i in range(4):
            assert torch.equal(dense.input[i], torch.kron(eye, psi[i].unsqueeze(-1)))
            assert torch.equal(dense.output[i], torch.kron(eye, phi[i].unsqueeze(0)))
            expected = torch.stack([rate[i, a, c] for c in range(2) for a in range(3)])
            assert torch.equal(dense.transition[i], torch.diag(expected))
            assert torch.equal(dense.feedthrough[i], torch.zeros(2, 2, dtype=torch.float64))

    def test_time_invariant_system_is_a_convolution(self):
        """Φ is Toeplitz with the taps K_0 = CB + D, K_l = CΛ^l B."""
        _, u = random_system(9, 2, 1)
        lam, b, c = torch.tensor([[0.9, -0.5], [1.0, 2.0], [0.3, 0.7]], dtype=torch.float64)
        arrays = [x.reshape(1, 2, 1).expand(9, 2, 1) for x in (lam, b, c)]
        system = LTVSystem(*arrays, torch.tensor([[0.25]], dtype=torch.float64))
        taps = torch.stack([(c * lam**lag * b).sum() for lag in range(9)])
        taps[0] += 0.25
        phi = system.matrix()
        for i in range(9):
            torch.testing.assert_close(phi[i, : i + 1], taps[: i + 1].flip(0), **EXACT)
        expected = torch.stack([(taps[: i + 1].flip(0) * u[: i + 1, 0]).sum() for i in range(9)])
        torch.testing.assert_close(system.run(u, "matrix").squeeze(-1), expected, **EXACT)

    def test_sizes(self):
        system, _ = random_system(5, 3, 2)
        assert (system.length, system.n, system.d, system.state_size) == (5, 3, 2, 6)
        one = torch.ones(5, 1, 1)
        unknown = LTVSystem(one, one.expand(5, 3, 1), one.expand(5, 3, 1))
        assert (unknown.d, unknown.state_size) == (None, None)
        assert unknown.matrix().shape == (5, 5)
        assert unknown.dense(d=4).transition.shape == (5, 12, 12)


class TestWhichEvaluatorRuns:
    """Results agree, so what tells the evaluators apart is what they keep for the backward pass."""

    @staticmethod
    def kept(length, method, transition=1, b=1, c=1):
        """Numbers kept beside the arrays, for n = d = 4; widths are those of the three arrays."""
        g = torch.Generator().manual_seed(0)
        shapes = [(length, min(transition, 4), transition), (length, 4, b), (length, 4, c)]
        arrays = [torch.rand(s, generator=g, requires_grad=True) for s in shapes]
        u = torch.rand(length, 4, generator=g)
        known = {x.untyped_storage().data_ptr() for x in (*arrays, u)}
        kept = {}

        def pack(x):
            storage = x.untyped_storage()
            if storage.data_ptr() not in known:
                kept[storage.data_ptr()] = storage.nbytes() // 4, x  # x lives, so addresses differ
            return x

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
            LTVSystem(*arrays).run(u, method)
        return sum(numbers for numbers, _ in kept.values())

    def test_the_one_that_is_named(self):
        length = 512
        kept = {method: self.kept(length, method) for method in METHODS}
        assert kept["scan"] == 2 * 16  # the state before its one chunk, and the last
        assert 16 * length <= kept["recurrent"] < 17 * length  # every state
        assert 64 * length <= kept["chunked"] < 4 * 64 * length  # blocks of 64 × 64
        assert length**2 <= kept["matrix"]
        assert kept["auto"] == kept["chunked"]

    @pytest.mark.parametrize(
        ("length", "widths", "method"),
        [
            (1, {}, "recurrent"),
            (128, {}, "matrix"),
            (129, {}, "chunked"),
            (100, {"transition": 4}, "scan"),
            (200, {"transition": 4}, "scan"),
            (100, {"b": 4}, "scan"),
            (200, {"c": 4}, "scan"),
        ],
    )
    def test_the_fastest_where_it_is_left_open(self, length, widths, method):
        kept = {m: self.kept(length, m, **widths) for m in METHODS}
        assert kept["auto"] == kept[method]
        assert length == 1 or sorted(kept.values()).count(kept[method]) == 2


class TestStateInAndOut:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("shape", [(70, 1, 1), (70, 3, 2)])
    def test_the_first_transition_acts_on_the_initial_state(self, method, shape):
        system, u = random_system(70, 3, 2)
        first = torch.tensor(0.5).double().expand(1, *shape[1:])
        transition = torch.cat([first, torch.zeros(69, *shape[1:]).double()])
        system = LTVSystem(transition, system.input, system.output)
        h = torch.randn(3, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        change = system.run(u, method, h) - system.run(u, method)
        expected = torch.zeros(70, 2).double()
        expected[0] = (system.output[0] * 0.5 * h).sum(-2)
        torch.testing.assert_close(change, expected, **EXACT)

    @pytest.mark.parametrize("method", METHODS)
    @given(st.integers(2, 140), small, small, batches, seeds)
    def test_two_halves_with_the_state_handed_over(self, method, length, n, d, batch, seed):
        system, u = random_system(length, n, d, batch, seed)
        cut = length // 2
        y1, state = system[:cut].run(u[..., :cut, :], method, return_state=True)
        y2, last = system[cut:].run(u[..., cut:, :], method, state, return_state=True)
        torch.testing.assert_close(torch.cat([y1, y2], -2), system.run(u, "recurrent"), **EXACT)
        torch.testing.assert_close(last, system.states(u)[..., -1, :, :], **EXACT)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("length", [1, 64, 65, 200])
    def test_scalar_transition_from_an_initial_state(self, method, length):
        entry = ARCHITECTURES["ssd"]
        example = entry.example(length, 3, 2, (2,), 1, torch.float64)
        system = entry.system(**example.system)
        h = torch.randn(3, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        y, last = system.run(example.u, method, h, return_state=True)
        expected, state = system.run(example.u, "recurrent", h, return_state=True)
        torch.testing.assert_close(y, expected, **EXACT)
        torch.testing.assert_close(last, state, **EXACT)
        torch.testing.assert_close(system.states(example.u, h)[..., -1, :, :], state, **EXACT)


class TestGradients:
    @pytest.mark.parametrize("method", ["recurrent", "scan", "chunked", "matrix"])
    @pytest.mark.parametrize(
        ("transition", "b", "c"),
        [
            ((4, 3, 2), (4, 3, 2), (4, 3, 2)),
            ((4, 1, 1), (4, 3, 1), (4, 3, 1)),
            ((4, 3, 1), (4, 3, 1), (4, 3, 2)),
            ((4, 1, 2), (2, 4, 1, 2), (4, 1, 1)),
        ],
    )
    def test_every_argument(self, method, transition, b, c):
        g = torch.Generator().manual_seed(0)
        shapes = [transition, b, c, (4, 2), (4, 2), (b[-2], 2)]
        arrays = [torch.randn(s, generator=g, dtype=torch.float64) for s in shapes]

        def f(transition, b, c, d, u, h):
            system = LTVSystem(transition, b, c, d)
            return system.run(u, method, h, return_state=True)

        assert torch.autograd.gradcheck(f, [x.requires_grad_() for x in arrays])

    @pytest.mark.parametrize("method", ["recurrent", "scan", "chunked", "matrix"])
    def test_complex_system_on_real_input(self, method):
        g = torch.Generator().manual_seed(0)
        arrays = [torch.randn(4, 2, 2, generator=g, dtype=torch.complex128) for _ in range(3)]
        arrays.append(torch.randn(4, 2, generator=g, dtype=torch.float64))

        def f(transition, b, c, u):
            return LTVSystem(transition, b, c).run(u, method)

        assert torch.autograd.gradcheck(f, [x.requires_grad_() for x in arrays])

    @pytest.mark.parametrize("method", ["recurrent", "scan", "chunked", "matrix"])
    def test_at_zero_transitions(self, method):
        """Where Λ = 0 the derivative with respect to Λ is still h_{i-1}."""
        g = torch.Generator().manual_seed(1)
        transition = torch.randn(5, 2, 1, generator=g, dtype=torch.float64)
        transition[1] = 0
        transition[3] = 0
        b, c = torch.randn(2, 5, 2, 1, generator=g, dtype=torch.float64)
        u = torch.randn(5, 2, generator=g, dtype=torch.float64)

        def f(transition):
            return LTVSystem(transition, b, c).run(u, method)

        assert torch.autograd.gradcheck(f, [transition.requires_grad_()])

    @pytest.mark.parametrize("length", [70, 300])
    def test_chunk_borders(self, length, monkeypatch):
        """The gradients do not depend on how time is cut."""
        grads = []
        for numel in (2**30, 7 * 12):
            monkeypatch.setattr("dsf.scan._CHUNK_NUMEL", numel)
            system, u = random_system(length, 3, 2, (2,))
            arrays = (system.transition, system.input, system.output, u)
            for x in arrays:
                x.requires_grad_()
            y = system.run(u, "scan")
            weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
            grads.append(torch.autograd.grad((y * weights).sum(), arrays))
        for whole, cut in zip(*grads, strict=True):
            torch.testing.assert_close(whole, cut, **EXACT)

    def test_second_backward_over_the_same_graph(self):
        system, u = random_system(20, 3, 2)
        u.requires_grad_()
        y = system.run(u, "scan").sum()
        first = torch.autograd.grad(y, u, retain_graph=True)
        second = torch.autograd.grad(y, u)
        assert torch.equal(first[0], second[0])

    def test_threads_do_not_meet(self):
        """Scans that run at the same time in several threads give what they give alone."""
        entry = ARCHITECTURES["s6"]

        def work(seed):
            example = entry.example(300, 8, 16, (2,), seed, torch.float64)
            arguments = {
                k: v.requires_grad_() if isinstance(v, torch.Tensor) else v
                for k, v in example.native.items()
            }
            y = entry.native(**arguments)
            return [y, *torch.autograd.grad(y.square().sum(), list(arguments.values()))]

        alone = [work(seed) for seed in range(4)]
        together = [None] * 4

        def run(seed):
            together[seed] = work(seed)

        threads = [threading.Thread(target=run, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for a, b in zip(alone, together, strict=True):
            assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


class TestHardTransitions:
    """Strong decay, exact zeros, amplification, negative and complex transitions.

    Each step of memory adds at most one rounding error u (6e-8 in float32), so the error allowed,
    relative to the largest output, is u times the length of the memory.
    """

    @staticmethod
    def check(transition, memory, dtype):
        length = transition.shape[-3]
        transition = transition.to(dtype.to_complex() if transition.is_complex() else dtype)
        wide = transition.to(torch.complex128 if transition.is_complex() else torch.float64)
        system, u = random_system(length, 3, 2, seed=7, transition=wide.expand(length, 3, 2))
        arrays = (system.input, system.output, system.feedthrough, u)
        b, c, d, u = (x.to(dtype) for x in arrays)
        system = LTVSystem(wide, b.double(), c.double(), d.double())
        expected = system.run(u.double(), "recurrent")
        narrow = LTVSystem(transition, b, c, d)
        for method in METHODS:
            y = narrow.run(u, method)
            assert y.isfinite().all()
            error = ((y - expected).abs().max() / expected.abs().max()).item()
            assert error < memory * torch.finfo(dtype).eps / 2, method

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize(
        ("rate", "memory"), [(1e-30, 10), (1e-3, 10), (0.5, 20), (0.999, 1000), (1.0, 1000)]
    )
    def test_decay(self, rate, memory, dtype):
        """At rate 1e-30 the product over 1000 steps is 1e-30000, far below the smallest number."""
        self.check(torch.full((1000, 1, 1), rate), memory, dtype)
        self.check(torch.full((1000, 3, 2), rate), memory, dtype)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_zeros(self, dtype):
        transition = torch.rand(300, 3, 2, generator=torch.Generator().manual_seed(0))
        transition[::7] = 0
        self.check(transition, 20, dtype)
        self.check(transition[:, :1, :1], 20, dtype)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_negative(self, dtype):
        transition = torch.tanh(torch.randn(300, 3, 2, generator=torch.Generator().manual_seed(0)))
        self.check(transition, 20, dtype)
        self.check(transition[:, :1, :1], 20, dtype)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_ratios_that_amplify_and_telescope(self, dtype):
        """Λ_i = η_{i-1}/η_i with η between 1e-3 and 1e3."""
        generator = torch.Generator().manual_seed(0)
        eta = 10 ** (6 * torch.rand(300, generator=generator, dtype=torch.float64) - 3)
        ratio = torch.cat([eta[:1], eta[:-1]]) / eta
        self.check(ratio.reshape(-1, 1, 1), 300, dtype)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_amplification(self, dtype):
        self.check(torch.full((300, 1, 1), 1.05), 300, dtype)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_complex_rotation(self, dtype):
        angle = torch.linspace(0, 3, 300)
        self.check(torch.polar(torch.full_like(angle, 0.99), angle).reshape(-1, 1, 1), 300, dtype)

    @pytest.mark.parametrize("name", NAMES)
    def test_float32_at_length_4096(self, name):
        """Single precision against double: the error of 4096 steps stays near rounding."""
        entry = ARCHITECTURES[name]
        wide = entry.example(4096, 4, 2, (), 0, torch.float64)
        expected = entry.native(**wide.native)
        example = entry.example(4096, 4, 2, (), 0, torch.float32)
        system = entry.system(**example.system)
        for method in set(system.methods) - {"recurrent", "matrix"}:
            y = system.run(example.u, method)
            assert y.dtype == torch.float32
            assert ((y - expected).abs().max() / expected.abs().max()).item() < 5e-5, method


class TestDevice:
    """The device "meta" has shapes and no numbers: a stand-in for every device but the CPU."""

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("length", [9, 140])
    def test_everything_is_made_where_the_arguments_are(self, name, length):
        entry = ARCHITECTURES[name]
        example = entry.example(length, 3, 2, (2,), 0)

        def moved(arguments):
            return {k: x.to("meta") if torch.is_tensor(x) else x for k, x in arguments.items()}

        system, u = entry.system(**moved(example.system)), example.u.to("meta")
        made = [system.matrix(), system.states(u), *system.dense(2)]
        made += [system.run(u, method) for method in system.methods]
        made += [entry.native(**moved(example.native)), system.step(None, u[:, 0], 0)[1]]
        _, state = entry.native(**moved(example.native), return_state=True)
        made += [x for x in (state if isinstance(state, tuple) else (state,)) if x is not None]
        assert {x.device.type for x in made} == {"meta"}

    @pytest.mark.parametrize("name", ["transition", "input", "output", "feedthrough"])
    def test_arrays_of_two_devices(self, name):
        one = {"transition": torch.ones(4, 1, 1), "feedthrough": torch.ones(4, 2)}
        arrays = {"input": torch.ones(4, 3, 2), "output": torch.ones(4, 3, 2), **one}
        arrays[name] = arrays[name].to("meta")
        with pytest.raises(ValueError, match=r"is on (meta|cpu), expected (cpu|meta)"):
            LTVSystem(**arrays)

    def test_inputs_and_states_of_another_device(self):
        system, u = random_system(4, 3, 2)
        h = torch.zeros(3, 2).double()
        with pytest.raises(ValueError, match="u is on meta, expected cpu, that of the system"):
            system.run(u.to("meta"))
        for call in (system.run, system.states):
            with pytest.raises(ValueError, match="initial_state is on meta, expected cpu"):
                call(u, initial_state=h.to("meta"))
        with pytest.raises(ValueError, match="u_i is on meta"):
            system.step(None, u[0].to("meta"), 0)
        with pytest.raises(ValueError, match="transition is on cpu, expected meta"):
            system.dense().run(u.to("meta"))
        with pytest.raises(ValueError, match="initial_state is on meta, expected cpu"):
            system.dense().run(u, "auto", h.flatten().to("meta"))


class TestBadInput:
    """Every refusal names the argument, what it was and what was expected."""

    ones = torch.ones(4, 3, 2)

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            (([1.0], ones, ones), r"transition is \[1.0\], expected a torch tensor"),
            ((ones.long(), ones, ones), r"transition has dtype torch.int64, expected a floating"),
            (
                (ones, ones.double(), ones),
                r"transition has dtype torch.float32, .* of input, torch.float64",
            ),
            ((ones, ones[0], ones), r"input has shape \(3, 2\), expected \(\.\.\., L, n, d\|1\)"),
            ((ones[:3], ones, ones), r"transition has shape \(3, 3, 2\), expected .* with L = 4"),
            ((ones, ones, ones[:1]), r"output has shape \(1, 3, 2\), expected .* with L = 4"),
            ((ones, ones, ones[:, :2]), r"output has shape \(4, 2, 2\), .* n = 3"),
            ((ones[:, :2], ones, ones), r"transition has shape \(4, 2, 2\), .* n = 3"),
            ((ones[..., :0], ones, ones), r"transition has shape .* no empty axis"),
            ((ones, ones, torch.ones(4, 3, 5)), r"output has shape \(4, 3, 5\), .* d = 2"),
            ((ones, ones, ones, torch.ones(3, 2)), r"feedthrough has shape \(3, 2\), .*L = 4"),
            ((ones, ones, ones, torch.ones(2)), r"feedthrough has shape \(2,\)"),
            (
                (torch.ones(2, 4, 3, 2), torch.ones(3, 4, 3, 2), ones),
                r"transition has leading axes \(2,\), .*\(3,\)",
            ),
        ],
    )
    def test_arrays(self, arrays, message):
        with pytest.raises(ValueError, match=message):
            LTVSystem(*arrays)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda s: s.run(torch.ones(5, 2)), r"u has shape \(5, 2\), expected .* L = 4"),
            (lambda s: s.run(torch.ones(4, 3)), r"u has shape \(4, 3\), .* d = 2"),
            (lambda s: s.run(torch.ones(4, 2).double()), r"u has dtype torch.float64, expected"),
            (lambda s: s.run(torch.ones(4, 2, dtype=torch.int64)), r"u has dtype torch.int64"),
            (lambda s: s.run([1.0]), r"u is \[1.0\], expected a torch tensor"),
            (lambda s: s.run(torch.ones(4, 2), "fft"), r"method is 'fft', expected one of recurr"),
            (
                lambda s: s.run(torch.ones(4, 2), "scan", torch.ones(5, 2)),
                r"initial_state has shape \(5, 2\), expected .* with n = 3, d = 2",
            ),
            (
                lambda s: s.run(torch.ones(4, 2), "scan", 0.0),
                r"initial_state is 0.0, expected a torch tensor",
            ),
            (
                lambda s: s.states(torch.ones(4, 2), [0.0]),
                r"initial_state is \[0.0\], expected a torch tensor",
            ),
            (
                lambda s: s.dense().run(torch.ones(4, 2), "auto", 0.0),
                r"initial_state is 0.0, expected a torch tensor",
            ),
            (lambda s: s.step(None, torch.ones(2), 4), r"i is 4, expected an integer from 0 to 3"),
            (lambda s: s.dense(5), r"d is 5, expected 2"),
            (lambda s: s[::2], r"index is .*expected a slice of times with step 1"),
            (lambda s: s[1], r"index is 1, expected a slice"),
        ],
    )
    def test_calls(self, call, message):
        system = LTVSystem(self.ones, self.ones, self.ones)
        with pytest.raises(ValueError, match=message):
            call(system)

    def test_leading_axes_of_the_input(self):
        system = LTVSystem(*[torch.ones(2, 4, 3, 2)] * 3)
        with pytest.raises(ValueError, match=r"u has leading axes \(3,\), expected .*\(2,\)"):
            system.run(torch.ones(3, 4, 2))

    def test_leading_axes_of_the_state(self):
        system = LTVSystem(*[torch.ones(2, 4, 3, 2)] * 3)
        with pytest.raises(ValueError, match=r"initial_state has leading axes \(3,\), .*\(2,\)"):
            system.run(torch.ones(4, 2), "scan", torch.ones(3, 3, 2))

    def test_dense_needs_d_where_it_is_not_known(self):
        system = LTVSystem(*[torch.ones(4, 1, 1)] * 3)
        with pytest.raises(ValueError, match="d is None, expected the number of channels"):
            system.dense()

    def test_immutable(self):
        system = LTVSystem(self.ones, self.ones, self.ones)
        with pytest.raises(AttributeError):
            system.transition = self.ones


class TestProtocol:
    """LTVSystem, LowRankSystem and DenseSystem are systems, and the same ones of one map."""

    @staticmethod
    def three():
        plain, u = random_system(
            9, 3, 2, transition=torch.linspace(-1, 1, 9).double()[:, None, None]
        )
        zero = torch.zeros(9, 3, 1).double()
        arrays = (plain.input, plain.output, plain.feedthrough)
        return u, (
            plain,
            LowRankSystem(plain.transition[..., 0], zero, zero, *arrays),
            plain.dense(),
        )

    def test_sizes_and_outputs(self):
        u, systems = self.three()
        expected = systems[0].run(u, "recurrent")
        for system in systems:
            assert isinstance(system, System)
            assert (system.length, system.n, system.d, system.state_size) == (9, 3, 2, 6)
            assert {"recurrent", "matrix", "auto"} <= set(system.methods)
            for method in system.methods:
                y, state = system.run(u, method, None, return_state=True)
                torch.testing.assert_close(y, expected, **EXACT)
                rest = system.run(u, method, state)
                torch.testing.assert_close(rest, system.run(u, "recurrent", state), **EXACT)
            state = None
            for i, u_i in enumerate(u):
                state, y_i = system.step(state, u_i, i)
                torch.testing.assert_close(y_i, expected[i], **EXACT)
                torch.testing.assert_close(state, system.states(u)[i], **EXACT)
            for one, other in zip(system.dense(2), systems[0].dense(), strict=True):
                torch.testing.assert_close(one, other, **EXACT)

    def test_what_is_no_system(self):
        assert not isinstance(torch.ones(3), System)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (
                lambda s, u: s.run(u, "scan"),
                "method is 'scan', expected one of recurrent, matrix, auto",
            ),
            (lambda s, u: s.run(u[:4]), r"u has shape \(4, 2\), expected .* L = 9"),
            (lambda s, u: s.run(u, "auto", u), r"initial_state has shape \(9, 2\), .* N = 6"),
            (
                lambda s, u: s.run(u, "auto", NormalizedState(u, u)),
                "initial_state is a Norm.*, expected",
            ),
            (lambda s, u: s.step(None, u[0], 9), "i is 9, expected an integer from 0 to 8"),
            (lambda s, u: s.step(u[0], u[0], 0), r"state has shape \(2,\), expected .* N = 6"),
            (lambda s, u: s.step(None, u[0, :1], 0), r"u_i has shape \(1,\), expected .* m = 2"),
            (lambda s, u: s.dense(3), "d is 3, expected 2"),
        ],
    )
    def test_dense_systems_refuse_by_name(self, call, message):
        u, systems = self.three()
        with pytest.raises(ValueError, match=message):
            call(systems[2], u)

    def test_n_of_a_dense_system_is_rounded_up(self):
        one = torch.ones(4, 5, 5)
        assert DenseSystem(one, one[..., :2], one[:, :3], one[:, :3, :2]).n == 3


def test_dense_system_with_inputs_and_outputs_of_different_width():
    g = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    dense = DenseSystem(normal(5, 3, 3), normal(5, 3, 2), normal(5, 4, 3), normal(5, 4, 2))
    u = normal(5, 2)
    expected = (dense.matrix() @ u.flatten()).reshape(5, 4)
    torch.testing.assert_close(dense.run(u), expected, **EXACT)
