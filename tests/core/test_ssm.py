"""State space models: native forms against their recurrences, discretisation, gradients."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dsf import (
    ARCHITECTURES,
    discretize,
    s4d,
    s4d_kernel,
    s4d_system,
    s6,
    s6_system,
    ssd,
    ssd_system,
)

EXACT = {"rtol": 1e-10, "atol": 1e-10}
seeds = st.integers(0, 2**31)


def example(name, length=7, n=3, d=2, batch=(), seed=0):
    return ARCHITECTURES[name].example(length, n, d, batch, seed, torch.float64)


class TestS4D:
    @pytest.mark.parametrize("rule", ["zoh", "bilinear"])
    def test_kernel_is_the_impulse_response(self, rule):
        """K_l = Re c ā^l b̄, one tap after the other."""
        arguments = {k: v for k, v in example("s4d").native.items() if k != "u"}
        kernel = s4d_kernel(**arguments, length=20, rule=rule)
        a, b = discretize(arguments["a"], arguments["b"], arguments["step"][:, None], rule)
        h = b
        for tap in kernel:
            torch.testing.assert_close(tap, (arguments["c"] * h).sum(-1).real, **EXACT)
            h = a * h

    @pytest.mark.parametrize("rule", ["zoh", "bilinear"])
    @given(st.integers(1, 100), seeds)
    def test_convolution_is_the_recurrence(self, rule, length, seed):
        arguments = example("s4d", length, batch=(2,), seed=seed).native
        u = arguments.pop("u")
        system = s4d_system(**arguments, length=length, rule=rule)
        torch.testing.assert_close(s4d(u, **arguments, rule=rule), system.run(u), **EXACT)

    def test_zero_order_hold_solves_the_differential_equation(self):
        """With a constant input, one ZOH step is exact: x(Δ) = e^{aΔ}x(0) + (e^{aΔ} - 1)(b/a)u."""
        a = torch.tensor([-0.7 + 2j], dtype=torch.complex128)
        b, x0, step = torch.tensor([1.3, 0.4, 0.8], dtype=torch.float64)
        u = 0.9
        a_bar, b_bar = discretize(a, b, step)
        # Integrate ẋ = ax + bu with many small midpoint steps as an independent reference.
        x, steps = x0 + 0j, 20000
        dt = step.item() / steps
        for _ in range(steps):
            middle = x + dt / 2 * (a.item() * x + b.item() * u)
            x = x + dt * (a.item() * middle + b.item() * u)
        torch.testing.assert_close(
            a_bar * x0 + b_bar * u, torch.as_tensor([x], dtype=torch.complex128), rtol=1e-7, atol=0
        )

    @pytest.mark.parametrize("step", [0.1, 3.0])
    def test_the_bilinear_rule_is_the_trapezoidal_rule(self, step):
        """x(Δ) = x(0) + Δ (a (x(0) + x(Δ))/2 + b u), which is implicit in x(Δ)."""
        a = torch.tensor([-0.7 + 2j, -4.0], dtype=torch.complex128)
        b, x0, u = torch.tensor([1.3, 0.4]).double(), 0.6, 0.9
        a_bar, b_bar = discretize(a, b, torch.tensor(step, dtype=b.dtype), "bilinear")
        x = a_bar * x0 + b_bar * u
        torch.testing.assert_close(x, x0 + step * (a * (x0 + x) / 2 + b * u), **EXACT)

    def test_rules_agree_for_small_steps_and_keep_stability(self):
        a = torch.tensor([-0.5 + 3j, -2.0 + 0j], dtype=torch.complex128)
        one = torch.ones_like(a)
        for step in (1e-2, 1e-3):
            zoh = discretize(a, one, torch.tensor(step).double())
            bilinear = discretize(a, one, torch.tensor(step).double(), "bilinear")
            # Both expansions agree up to and including step², hence to the third order.
            assert (zoh[0] - bilinear[0]).abs().max() < (4 * step) ** 3
        for rule in ("zoh", "bilinear"):
            assert discretize(a, one, torch.tensor(50.0).double(), rule)[0].abs().max() < 1

    def test_conjugate_pair_equals_twice_the_real_part(self):
        arguments = example("s4d", 30).native
        pair = {k: torch.cat([arguments[k], arguments[k].conj()], -1) for k in "abc"}
        once = s4d(**{**arguments, "c": 2 * arguments["c"]})
        torch.testing.assert_close(s4d(**{**arguments, **pair}), once, **EXACT)

    def test_gradient(self):
        arguments = example("s4d", 5).native
        names = ("u", "a", "b", "c", "step")
        tensors = [arguments[name].clone().requires_grad_() for name in names]
        assert torch.autograd.gradcheck(s4d, tensors)


class TestS6:
    def test_by_its_definition(self):
        u, step, a, b, c, skip = (example("s6").native[k] for k in ("u", "step", *"abc", "skip"))
        y = s6(u, step, a, b, c, skip)
        h = torch.zeros(2, 3, dtype=torch.float64)
        for i in range(7):
            for channel in range(2):
                total = skip[channel] * u[i, channel]
                for s in range(3):
                    decay = math.exp(step[i, channel] * a[channel, s])
                    gain = step[i, channel] * b[i, s]
                    h[channel, s] = decay * h[channel, s] + gain * u[i, channel]
                    total = total + c[i, s] * h[channel, s]
                torch.testing.assert_close(y[i, channel], total, **EXACT)

    @pytest.mark.parametrize("numel", [2**19, 10])
    def test_gradient(self, numel, monkeypatch):
        """With time in one chunk and cut after every step."""
        monkeypatch.setattr("dsf.scan._CHUNK_NUMEL", numel)
        arguments = example("s6", 5, batch=(2,)).native
        names = ("u", "step", "a", "b", "c", "skip")
        tensors = [arguments[name].clone().requires_grad_() for name in names]
        assert torch.autograd.gradcheck(s6, tensors)

    @pytest.mark.parametrize("frozen", ["u", "step", "a", "b", "c"])
    def test_gradient_with_one_argument_frozen(self, frozen):
        arguments = example("s6", 5).native
        tensors = {k: v.clone().requires_grad_(k != frozen) for k, v in arguments.items()}
        s6(**tensors).square().sum().backward()
        reference = {k: v.detach().clone().requires_grad_(k != frozen) for k, v in tensors.items()}
        u = reference.pop("u")
        s6_system(**reference).run(u, "recurrent").square().sum().backward()
        reference["u"] = u
        for name, tensor in tensors.items():
            if name == frozen:
                assert tensor.grad is None
            else:
                torch.testing.assert_close(tensor.grad, reference[name].grad, **EXACT)

    def test_euler_and_zero_order_hold_inputs_differ_at_second_order(self):
        """Mamba's B = Δb is the first term of ZOH's (e^{Δa} - 1)b/a."""
        a, b = torch.tensor([-1.0]).double(), torch.tensor([1.0]).double()
        for step in (1e-1, 1e-2, 1e-3):
            gap = discretize(a, b, torch.tensor(step).double())[1] - step * b
            assert gap.item() == pytest.approx(-(step**2) / 2, rel=step)


class TestSSD:
    def test_by_its_definition(self):
        u, step, b, c, skip = (example("ssd").native[k] for k in ("u", "step", "b", "c", "skip"))
        y = ssd(u, step, -0.7, b, c, skip)
        h = torch.zeros(3, 2, dtype=torch.float64)
        for i in range(7):
            h = torch.exp(-0.7 * step[i]) * h + step[i] * torch.outer(b[i], u[i])
            torch.testing.assert_close(y[i], c[i] @ h + skip * u[i], **EXACT)

    def test_equals_s6_with_one_rate_and_one_step(self):
        u, step, b, c = (example("ssd", 80).native[k] for k in ("u", "step", "b", "c"))
        a = torch.full((2, 3), -0.7, dtype=torch.float64)
        wide = step.unsqueeze(-1).expand(80, 2)
        torch.testing.assert_close(ssd(u, step, -0.7, b, c), s6(u, wide, a, b, c), **EXACT)

    def test_one_rate_per_head(self):
        u, step, b, c = (example("ssd", 9, batch=(2, 4)).native[k] for k in ("u", "step", "b", "c"))
        a = -torch.arange(1, 5).double().unsqueeze(-1)
        y = ssd(u, step, a, b, c)
        single = ssd(u[1, 2], step[1, 2], -3.0, b[1, 2], c[1, 2])
        torch.testing.assert_close(y[1, 2], single, **EXACT)
        torch.testing.assert_close(ssd_system(step, a, b, c).run(u), y, **EXACT)

    @pytest.mark.parametrize("strength", [0.1, 10.0, 50.0])
    def test_float32_keeps_its_digits_under_strong_decay(self, strength):
        """Cumulative sums subtracted from each other would lose digits as the decay grows."""
        u, step, b, c = (example("ssd", 512, 8, 4).native[k] for k in ("u", "step", "b", "c"))
        expected = ssd(u, step, -strength, b, c)
        narrow = [x.float() for x in (u, step, b, c)]
        y = ssd(*narrow[:2], -strength, *narrow[2:])
        system = ssd_system(narrow[1], -strength, *narrow[2:])
        for result in (y, system.run(narrow[0], "chunked"), system.run(narrow[0], "scan")):
            assert ((result - expected).abs().max() / expected.abs().max()).item() < 2e-6

    def test_transition_is_the_reversed_sigmoid(self):
        """e^{-a softplus(x)} = σ(-x)^a."""
        x = torch.linspace(-20, 20, 50, dtype=torch.float64)
        step = torch.nn.functional.softplus(x)
        ones = torch.ones(50, 1, dtype=torch.float64)
        transition = ssd_system(step, -1.7, ones, ones).transition.flatten()
        torch.testing.assert_close(transition, torch.sigmoid(-x) ** 1.7, rtol=1e-12, atol=0)

    def test_gradient(self):
        arguments = example("ssd", 5).native
        u, step, b, c = (arguments[k].requires_grad_() for k in ("u", "step", "b", "c"))
        a = torch.tensor(-0.7, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(ssd, [u, step, a, b, c])


ONES = torch.ones(5, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: discretize(ONES, ONES, ONES, "euler"),
            r"rule is 'euler', expected one of zoh, bilinear",
        ),
        (
            lambda: discretize(ONES, ONES, ONES * 1j),
            r"step has dtype torch.complex64, expected a real floating dtype",
        ),
        (
            lambda: s4d(ONES.mT, ONES * 1j, ONES, ONES, ONES[:, 0] * 1j),
            r"step has dtype torch.complex64, expected a real floating dtype",
        ),
        (
            lambda: s4d(ONES.mT * 1j, ONES, ONES, ONES, ONES[:, 0]),
            r"u has dtype torch.complex64, expected a real floating dtype",
        ),
        (
            lambda: s4d_kernel(ONES, ONES, ONES, ONES[:, 0], 0),
            r"length is 0, expected an integer >= 1",
        ),
        (lambda: s4d_system(ONES, ONES, ONES, ONES[:, 0], math.nan), r"length is nan, expected"),
        (
            lambda: s4d(ONES, ONES[0], ONES, ONES, ONES[:, 0]),
            r"a has shape \(3,\), expected \(d, n",
        ),
        (lambda: s4d(ONES, ONES, ONES[:4], ONES, ONES[:, 0]), r"b has shape \(4, 3\), expected"),
        (lambda: s4d(ONES, ONES, ONES, ONES, ONES[:, :1]), r"step has shape \(5, 1\), expected"),
        (lambda: s4d(ONES, ONES, ONES, ONES, ONES[:, 0]), r"u has shape \(5, 3\), .* d = 5"),
        (lambda: s6(ONES, ONES, ONES, ONES, ONES), r"a has shape \(5, 3\), .* d = 3"),
        (lambda: s6(ONES[:4], ONES, ONES[:3], ONES, ONES), r"u has shape \(4, 3\), .*L = 5"),
        (lambda: s6(ONES, ONES, ONES[:3], ONES, ONES[:, :2]), r"c has shape \(5, 2\), .* n = 3"),
        (lambda: s6_system(ONES, ONES[:3], ONES[:4], ONES), r"b has shape \(4, 3\), .*L = 5"),
        (lambda: ssd(ONES, ONES, -1.0, ONES, ONES), r"b has shape \(5, 3\), .*L = 3"),
        (lambda: ssd(ONES, ONES[:, 0], -1.0, ONES, ONES[:, :1]), r"c has shape \(5, 1\), .* n = 3"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
