"""Half precision, autocast, and numbers at the edge of what a dtype holds."""

import math

import pytest
import torch

from dsf import (
    ARCHITECTURES,
    DenseSystem,
    LTVSystem,
    discretize,
    linear_attention,
    linear_attention_system,
    linear_recurrence,
    rg_lru,
    s4d,
    s6,
    s6_system,
    segment_products,
    ssd,
    ssd_system,
)
from dsf.feature_maps import positive_random
from dsf.mixers import MIXERS, RECURRENT
from dsf.model import SequenceModel

HALF = (torch.bfloat16, torch.float16)
METHODS = ("recurrent", "scan", "chunked", "matrix", "auto")
NAMES = sorted(ARCHITECTURES)


def normal(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def to(arguments, dtype):
    """The same arguments in another precision."""
    return {k: v.to(dtype) if isinstance(v, torch.Tensor) else v for k, v in arguments.items()}


class TestHalfPrecision:
    """States are sums over the whole past. They are kept in float32 and rounded at the end, so a
    result differs from the same one in float64 by one rounding of the dtype."""

    @pytest.mark.parametrize("dtype", HALF)
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("width", [1, 2])
    def test_slow_decay_over_a_long_sequence(self, dtype, method, width):
        """Λ = 1 - 2⁻⁸ sums 4096 ones to 256; in bfloat16 itself the sum would stop early."""
        length = 4096 if method != "matrix" else 1024
        decay = 1 - 2**-8
        transition = torch.full((length, 1, width), decay, dtype=dtype)
        one = torch.ones(length, 1, width, dtype=dtype)
        u = torch.full((length, width), 0.046875, dtype=dtype)  # 12 / 256
        y, h = LTVSystem(transition, one, one).run(u, method, return_state=True)
        expected = 12 * (1 - decay**length)
        assert (y.dtype, h.dtype) == (dtype, torch.float32)
        assert y[-1, 0].item() == pytest.approx(expected, rel=torch.finfo(dtype).eps / 2)
        assert h[0, 0].item() == pytest.approx(
            expected, rel=256 * 2**-24
        )  # the memory in roundings

    @pytest.mark.parametrize("dtype", HALF)
    def test_so_do_all_that_run_a_recurrence_by_themselves(self, dtype):
        a = torch.full((4096, 1), 1 - 2**-8, dtype=dtype)
        x = torch.full((4096, 1), 0.046875, dtype=dtype)
        rounding = torch.finfo(dtype).eps / 2
        states = linear_recurrence(a, x)
        assert states.dtype == dtype
        assert states[-1].item() == pytest.approx(12, rel=rounding)
        assert segment_products(a[:600, 0])[599, 0].item() == pytest.approx(
            (1 - 2**-8) ** 599, rel=rounding
        )
        one = torch.ones(300, 1, 1, dtype=dtype)
        phi = LTVSystem(a[:300, None], one, one).matrix()
        assert phi.dtype == dtype
        assert phi[299, 0].item() == pytest.approx((1 - 2**-8) ** 299, rel=rounding)
        dense = DenseSystem(a[:300, None], one, one, 0 * one)
        y = dense.run(x[:300])
        assert y.dtype == dtype
        assert y[-1].item() == pytest.approx(12 * (1 - (1 - 2**-8) ** 300), rel=rounding)

    @pytest.mark.parametrize("dtype", HALF)
    @pytest.mark.parametrize("name", sorted(set(NAMES) - {"s4d", "softmax"}))
    def test_native_forms(self, name, dtype):
        """Against float64 on the rounded arguments: one rounding of inputs into gates, one at the
        end, of numbers that cancel at most to a tenth."""
        entry = ARCHITECTURES[name]
        example = entry.example(2048, 4, 2, (), 0, torch.float64)
        narrow = to(example.native, dtype)
        expected = entry.native(**to(narrow, torch.float64))
        y, state = entry.native(**narrow, return_state=True)
        assert y.dtype == dtype
        for part in state if isinstance(state, tuple) else (state,):
            assert part is None or part.dtype == torch.float32
        error = (y.double() - expected).abs().max() / expected.abs().max()
        assert error < 2 * torch.finfo(dtype).eps

    @pytest.mark.parametrize("dtype", HALF)
    def test_s4d_with_real_poles(self, dtype):
        """Its Fourier transforms exist in single precision only."""
        u = normal(300, 2, dtype=dtype)
        a, b, c = (x.to(dtype) for x in (-normal(2, 3).exp(), normal(2, 3), normal(2, 3, seed=1)))
        step = torch.tensor([0.01, 0.1], dtype=dtype)
        expected = s4d(*(x.double() for x in (u, a, b, c, step)))
        y = s4d(u, a, b, c, step)
        assert y.dtype == dtype
        assert (y - expected).abs().max() < torch.finfo(dtype).eps * expected.abs().max()


@pytest.mark.parametrize("name", sorted(MIXERS))
class TestAutocast:
    def make(self, name):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            n = 1 if name in RECURRENT else 8
            return SequenceModel(20, 16, lambda: MIXERS[name](16, n), num_layers=2)

    def test_training_under_autocast(self, name):
        """Every parameter gets a finite gradient near the one in single precision."""
        model = self.make(name)
        tokens = torch.randint(20, (4, 150), generator=torch.Generator().manual_seed(0))
        gradients = []
        for enabled in (False, True):
            model.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
                logits = model(tokens)
                loss = torch.nn.functional.cross_entropy(
                    logits[:, :-1].flatten(0, 1).float(), tokens[:, 1:].flatten()
                )
            loss.backward()
            gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
        exact, cast = gradients
        assert cast.isfinite().all()
        cosine = torch.nn.functional.cosine_similarity(exact, cast, dim=0)
        assert cosine > 0.99

    def test_streaming_and_single_positions_under_autocast(self, name):
        model = self.make(name)
        tokens = torch.randint(20, (2, 9), generator=torch.Generator().manual_seed(1))
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            whole = model(tokens)
            asked = model(tokens, torch.tensor([[8, 0]] * 2))
            state = None
            for token in tokens.unbind(1):
                last, state = model.step(token, state)
        scale = whole.abs().max()
        assert (asked - whole[:, [8, 0]]).abs().max() < 0.05 * scale
        assert (last - whole[:, -1]).abs().max() < 0.05 * scale


def test_a_system_in_single_precision_stays_so_under_autocast():
    example = ARCHITECTURES["ssd"].example(300, 8, 4)
    system = ssd_system(**example.system)
    expected = system.run(example.u, "chunked")
    attention = ARCHITECTURES["linear"].example(300, 8, 4).native
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for method in METHODS:
            y = system.run(example.u, method)
            assert (y - expected).abs().max() < 1e-5 * expected.abs().max(), method
        assert (ssd(**example.native) - expected).abs().max() < 1e-5 * expected.abs().max()
        y = linear_attention(**attention)
    torch.testing.assert_close(y, linear_attention(**attention))


class TestPositiveRandomFeatures:
    """A row sum of plain features at norm 20 is 0 in float32; shifted ones are those of softmax."""

    @pytest.mark.parametrize("norm", [1.0, 20.0, 60.0])
    @pytest.mark.parametrize("length", [7, 150])
    def test_finite_at_any_norm_in_both_forms(self, norm, length):
        q, k = torch.nn.functional.normalize(normal(2, length, 4, dtype=torch.float32), dim=-1)
        q, k, v = norm * q, norm * k, normal(length, 3, seed=1, dtype=torch.float32)
        for given_q in (q, k, -k):  # also the query for which every score is smallest
            y = linear_attention(given_q, k, v, positive_random(64))
            system = linear_attention_system(given_q, k, positive_random(64))
            assert y.isfinite().all()
            assert y.abs().max() <= v.abs().max() * (1 + 1e-5)  # an average of values
            for method in ("recurrent", "auto"):
                torch.testing.assert_close(system.run(v, method), y, rtol=1e-3, atol=1e-4)

    def test_equal_to_the_plain_features_where_those_are_in_range(self):
        q, k, v = normal(100, 3), normal(100, 3, seed=1), normal(100, 2, seed=2)
        features = positive_random(32)
        expected = linear_attention(q, k, v, lambda x: features(x))  # without `scaled`
        torch.testing.assert_close(
            linear_attention(q, k, v, features), expected, rtol=1e-10, atol=1e-10
        )
        system = linear_attention_system(q, k, features)
        torch.testing.assert_close(system.run(v), expected, rtol=1e-10, atol=1e-10)
        assert (system.transition > 0).all()

    def test_pieces_keep_the_maximum_so_far(self):
        """The largest key first, in the middle, or last."""
        for where in (0, 5, 11):
            k = normal(2, 12, 3)
            k[0, where] *= 30
            q, v = normal(2, 12, 3, seed=1), normal(2, 12, 2, seed=2)
            early, late = ([x[:, span] for x in (q, k, v)] for span in (slice(6), slice(6, None)))
            whole = linear_attention(q, k, v, positive_random(16))
            y, state = linear_attention(*early, positive_random(16), return_state=True)
            rest = linear_attention(*late, positive_random(16), state=state)
            torch.testing.assert_close(torch.cat([y, rest], 1), whole, rtol=1e-9, atol=1e-9)
            system = linear_attention_system(*late[:2], positive_random(16), before=state)
            torch.testing.assert_close(
                system.run(late[2], "auto", state), rest, rtol=1e-9, atol=1e-9
            )

    def test_gradients_at_large_norm_are_finite(self):
        q, k, v = (10 * normal(9, 4, seed=s, dtype=torch.float32) for s in range(3))
        inputs = [x.requires_grad_() for x in (q, k, v)]
        y = linear_attention(*inputs, positive_random(16))
        assert all(g.isfinite().all() for g in torch.autograd.grad(y.square().sum(), inputs))

    def test_gradients_are_those_of_the_plain_features(self):
        inputs = [normal(9, 3, seed=s).requires_grad_() for s in range(3)]
        features = positive_random(16)
        found, expected = (
            torch.autograd.grad(linear_attention(*inputs, f).square().sum(), inputs)
            for f in (features, lambda x: features(x))
        )
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


class TestRootOfRGLRU:
    """√(1 - a²) has an infinite slope at a = 1, where float32 rounds to."""

    def test_gradient_where_a_rounds_to_one(self):
        u = normal(5, 2, dtype=torch.float32).requires_grad_()
        gate = torch.full((5, 2), -90.0, requires_grad=True)  # σ = 0: a = 1 exactly
        decay = torch.full((2,), 20.0, requires_grad=True)
        y = rg_lru(u, gate, torch.zeros(5, 2), decay)
        gradients = torch.autograd.grad(y.sum(), [u, gate, decay])
        assert all(g.isfinite().all() for g in gradients)

    @pytest.mark.parametrize("gap", [1e-2, 1e-5, 2e-7])
    def test_slope_is_that_of_the_root_down_to_a_bound_of_1000(self, gap):
        """d√(1 - a²)/d(1 - a²) = min(1/(2√(1 - a²)), 1000), by the derivative in log a."""
        log_a = 0.5 * math.log1p(-gap)  # 1 - a² = gap
        decay = torch.tensor([0.7], dtype=torch.float64)
        rate = 8 * torch.nn.functional.logsigmoid(decay)
        gate = torch.logit(log_a / rate).reshape(1, 1).requires_grad_()
        one, closed = torch.ones(1, 1).double(), torch.full((1, 1), 40.0).double()
        y = rg_lru(one, gate, closed, decay)
        assert y.item() == pytest.approx(math.sqrt(gap), rel=1e-8)
        slope = torch.autograd.grad(y.sum(), gate)[0].item()
        inner = -2 * (1 - gap) * rate.item() * torch.sigmoid(gate).item()
        inner *= 1 - torch.sigmoid(gate).item()
        assert slope / inner == pytest.approx(min(0.5 / math.sqrt(gap), 1000), rel=1e-6)


class TestZeroOrderHoldAtZero:
    @pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
    def test_limit_and_its_derivatives(self, dtype):
        """b̄ = Δb and db̄/da = Δ²b/2 at a = 0, and no seam where the series begins."""
        a = torch.zeros((), dtype=dtype, requires_grad=True)
        b, step = torch.tensor(1.5, dtype=dtype), torch.tensor(0.3, dtype=torch.float64)
        a_bar, b_bar = discretize(a, b, step)
        assert a_bar.item() == 1
        assert b_bar.item() == pytest.approx(0.45)
        (slope,) = torch.autograd.grad(b_bar.real, a)
        assert slope.item() == pytest.approx(0.3**2 * 1.5 / 2)
        near = torch.tensor([1, -1, 1 + 1e-12, -1 - 1e-12], dtype=torch.float64) * 1e-2
        near = near.to(dtype) * (1j if dtype.is_complex else 1)
        one = torch.ones((), dtype=torch.float64)
        found = discretize(near, torch.ones_like(near), one)[1]
        series = sum(near**k / math.factorial(k + 1) for k in range(12))
        torch.testing.assert_close(found, series, rtol=1e-14, atol=0)

    def test_gradcheck_across_zero(self):
        a = torch.tensor([0.0, 1e-3, -0.5], dtype=torch.float64, requires_grad=True)
        step = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
        one = torch.ones(3, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(discretize, [a, one, step])
        assert torch.autograd.gradgradcheck(discretize, [a, one, step])


class TestFeedThrough:
    """`skip` is a vector or one number, in both forms."""

    @pytest.mark.parametrize("kind", ["number", "scalar", "one", "vector"])
    def test_one_number_or_one_a_channel(self, kind):
        skip = {
            "number": 1.5,
            "scalar": torch.tensor(1.5).double(),
            "one": torch.tensor([1.5]).double(),
            "vector": torch.tensor([1.5, 1.5]).double(),
        }[kind]
        for name, native, system in (("s6", s6, s6_system), ("ssd", ssd, ssd_system)):
            example = ARCHITECTURES[name].example(9, 3, 2, (2,), 0, torch.float64)
            plain = native(**{**example.native, "skip": None})
            y = native(**{**example.native, "skip": skip})
            torch.testing.assert_close(y, plain + 1.5 * example.u)
            run = system(**{**example.system, "skip": skip}).run(example.u)
            torch.testing.assert_close(run, y)

    @pytest.mark.parametrize("skip", [math.nan, "1", True, torch.ones(3).double(), torch.ones(2)])
    def test_others_are_refused_by_name(self, skip):
        for name in ("s6", "ssd"):
            entry = ARCHITECTURES[name]
            example = entry.example(9, 3, 2, (2,), 0, torch.float64)
            with pytest.raises(ValueError, match=r"^skip"):
                entry.native(**{**example.native, "skip": skip})


@pytest.mark.parametrize("name", sorted(MIXERS))
def test_mixers_in_every_precision(name):
    """Outputs as the tokens, states of native form and system in single precision or better."""
    n = 1 if name in RECURRENT else 4
    for dtype in (*HALF, torch.float32, torch.float64):
        mixer, x = MIXERS[name](8, n).to(dtype), normal(2, 9, 8, dtype=dtype)
        y, _ = mixer(x, return_state=True)
        assert y.dtype == mixer(x).dtype == dtype
        assert mixer.system(x).length == 9
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        mixer = MIXERS[name](8, n)
    finally:
        torch.set_default_dtype(default)
    assert {p.dtype for p in mixer.parameters()} == {torch.float64}
    assert mixer(normal(2, 9, 8)).dtype == torch.float64


def test_a_cache_lives_through_a_switch_of_autocast():
    mixer, x = MIXERS["softmax"](8, 4), normal(2, 9, 8, dtype=torch.float32)
    with torch.no_grad():
        whole = mixer(x)
        _, state = mixer(x[:, :5], return_state=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rest = mixer(x[:, 5:], state)
    assert (rest - whole[:, 5:]).abs().max() < 0.02 * whole.abs().max()


def test_dense_systems_in_single_precision_stay_so_under_autocast():
    a, one = torch.full((600, 1, 1), 1 - 2**-8), torch.ones(600, 1, 1)
    system, u = DenseSystem(a, one, one, 0 * one), torch.full((600, 1), 12 / 256)
    expected, phi = system.run(u), system.matrix()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(system.run(u), expected)
        assert torch.equal(system.matrix(), phi)


def test_positive_random_features_of_a_system_in_half_precision():
    q, k, v = (normal(9, 3, seed=s, dtype=torch.bfloat16) for s in range(3))
    y = linear_attention_system(q, k, positive_random(8)).run(v)
    assert y.dtype == torch.bfloat16
    expected = linear_attention(q, k, v, positive_random(8))
    assert (y - expected).abs().max() < 0.05 * expected.abs().max()
