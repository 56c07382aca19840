"""A mass on a spring, and the passage to discrete time with full matrices."""

import math

import pytest
import torch

from dsf import DenseSystem, discretize, discretize_dense, spring, spring_poles, spring_response

pytestmark = pytest.mark.usefixtures("double")
EXACT = {"rtol": 1e-10, "atol": 1e-12}
SPRINGS = {
    "free": (2.0, 0.0, 3.0),
    "swings": (0.7, 0.4, 2.0),
    "critical": (2.0, 4.0, 2.0),
    "near critical, below": (1.0, 2.0 - 1e-9, 1.0),
    "near critical, above": (1.0, 2.0 + 1e-9, 1.0),
    "creeps": (1.0, 5.0, 2.0),
    "stiff": (0.01, 30.0, 2.0),
}


@pytest.fixture(params=SPRINGS)
def given(request):
    return SPRINGS[request.param]


TIME = torch.tensor([0.0, 0.01, 0.3, 1.0, 2.5, 10.0], dtype=torch.float64)


class TestSpring:
    def test_its_matrices_say_newtons_law(self, given):
        mass, damping, stiffness = given
        a, b, c = spring(*given)
        x, u = torch.tensor([[0.3], [-1.1]]), 0.8
        slope = a @ x + b * u
        assert slope[0] == x[1]
        assert float(mass * slope[1] + damping * x[1] + stiffness * x[0]) == pytest.approx(u)
        assert c @ x == x[0]

    def test_poles_are_the_eigenvalues(self, given):
        poles, a = spring_poles(*given), spring(*given)[0]
        mass, damping, stiffness = given
        size = float(a.abs().max())
        for s in poles:  # of the characteristic polynomial, which is better posed where they meet
            assert abs(complex(mass * s**2 + damping * s + stiffness)) < 1e-10 * mass * size**2
        assert float(poles.sum().real) == pytest.approx(-damping / mass)
        assert complex(poles.prod()) == pytest.approx(stiffness / mass)
        assert torch.is_complex(poles)

    def test_impulse_response_is_the_matrix_exponential(self, given):
        a, b, c = spring(*given)
        wanted = torch.stack([(c @ torch.matrix_exp(a * t) @ b).squeeze() for t in TIME])
        torch.testing.assert_close(spring_response(*given, TIME), wanted, rtol=1e-9, atol=1e-12)

    def test_step_response_is_the_state_under_a_constant_force(self, given):
        a, b, c = spring(*given)
        wanted = [torch.zeros(())]
        for t in TIME[1:]:
            wanted.append((c @ discretize_dense(a, b, float(t))[1]).squeeze())
        found = spring_response(*given, TIME, "step")
        torch.testing.assert_close(found, torch.stack(wanted), rtol=1e-9, atol=1e-12)

    def test_step_response_is_the_integral_of_the_impulse_response(self, given):
        time = torch.tensor([0.2, 1.7])
        step = 1e-5
        slope = spring_response(*given, time + step, "step")
        slope = (slope - spring_response(*given, time - step, "step")) / (2 * step)
        torch.testing.assert_close(slope, spring_response(*given, time), rtol=1e-4, atol=1e-6)

    def test_a_constant_force_moves_it_to_its_rest(self):
        """u = k p, Hooke's law, once it has come to rest."""
        mass, damping, stiffness = SPRINGS["swings"]
        found = spring_response(mass, damping, stiffness, torch.tensor(200.0), "step")
        assert float(found) == pytest.approx(1 / stiffness)

    def test_it_creeps_for_long_without_overflow(self):
        found = spring_response(*SPRINGS["stiff"], torch.tensor([1e3, 1e6]))
        assert torch.isfinite(found).all()

    @pytest.mark.parametrize("kind", ["impulse", "step"])
    def test_before_the_force_nothing_moves(self, given, kind):
        assert (spring_response(*given, torch.tensor([-3.0, -0.1]), kind) == 0).all()

    def test_the_response_has_derivatives(self, given):
        time = torch.tensor([0.4, 1.3], requires_grad=True)
        assert torch.autograd.gradcheck(lambda t: spring_response(*given, t), [time])


class TestDiscretize:
    @pytest.mark.parametrize("rule", ["zoh", "bilinear"])
    def test_diagonal_matrices_are_as_before(self, rule):
        a = torch.tensor([-0.5 + 3j, -2.0 + 0j, 0j])
        b = torch.tensor([1.0, 0.3 + 1j, 2.0])
        found = discretize_dense(torch.diag(a), b[:, None], 0.4, rule)
        wanted = discretize(a, b, torch.tensor(0.4), rule)
        torch.testing.assert_close(found[0], torch.diag(wanted[0]), **EXACT)
        torch.testing.assert_close(found[1], wanted[1][:, None], **EXACT)

    def test_zero_order_hold_is_exact_for_a_force_that_is_held(self, given):
        """The recurrence gives the closed form of the step response at every sample."""
        a, b, c = spring(*given)
        step, length = 0.3, 30
        a_bar, b_bar = discretize_dense(a, b, step)
        arrays = [x.expand(length, *x.shape) for x in (a_bar, b_bar, c, torch.zeros(1, 1))]
        y = DenseSystem(*arrays).run(torch.ones(length, 1)).flatten()
        time = step * torch.arange(1, length + 1)
        wanted = spring_response(*given, time, "step")
        torch.testing.assert_close(y, wanted, rtol=1e-8, atol=1e-10)

    def test_the_bilinear_rule_is_the_trapezoidal_rule(self, given):
        a, b, _ = spring(*given)
        x0, u, step = torch.tensor([[0.4], [-0.9]]), 1.3, 0.7
        a_bar, b_bar = discretize_dense(a, b, step, "bilinear")
        x = a_bar @ x0 + b_bar * u
        wanted = x0 + step * (a @ (x0 + x) / 2 + b * u)
        torch.testing.assert_close(x, wanted, rtol=1e-8, atol=1e-8)

    @pytest.mark.parametrize("rule", ["zoh", "bilinear"])
    def test_a_singular_matrix_is_no_trouble(self, rule):
        """A mass without a spring: force, then speed, then way."""
        a, b = torch.tensor([[0.0, 1.0], [0.0, 0.0]]), torch.tensor([[0.0], [1.0]])
        a_bar, b_bar = discretize_dense(a, b, 2.0, rule)
        torch.testing.assert_close(a_bar, torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
        torch.testing.assert_close(b_bar, torch.tensor([[2.0], [2.0]]))

    @pytest.mark.parametrize("rule", ["zoh", "bilinear"])
    def test_the_left_half_plane_becomes_the_unit_disc(self, rule, given):
        a, b, _ = spring(*given)
        for step in (0.01, 1.0, 20.0):
            moduli = torch.linalg.eigvals(discretize_dense(a, b, step, rule)[0]).abs()
            if given[1] == 0:  # without damping: the imaginary axis becomes the circle
                torch.testing.assert_close(moduli, torch.ones(2))
            else:
                assert (moduli < 1).all()

    def test_only_the_bilinear_rule_bends_the_frequency(self):
        """Undamped with frequency ω: a step turns by ωΔ, or by 2 atan(ωΔ/2)."""
        omega, step = 3.0, 0.6
        a, b, _ = spring(1.0, 0.0, omega**2)
        turns = {
            rule: float(torch.linalg.eigvals(discretize_dense(a, b, step, rule)[0]).angle().max())
            for rule in ("zoh", "bilinear")
        }
        assert turns["zoh"] == pytest.approx(omega * step)
        assert turns["bilinear"] == pytest.approx(2 * math.atan(omega * step / 2))

    def test_steps_and_matrices_come_in_batches(self):
        a, b, _ = spring(1.0, 0.4, 2.0)
        steps = torch.tensor([[0.1], [0.5]])
        many = torch.stack([a, 2 * a, -a])
        for rule in ("zoh", "bilinear"):
            a_bar, b_bar = discretize_dense(many, b, steps, rule)
            assert a_bar.shape == (2, 3, 2, 2)
            assert b_bar.shape == (2, 3, 2, 1)
            one = discretize_dense(many[2], b, 0.5, rule)
            torch.testing.assert_close(a_bar[1, 2], one[0])
            torch.testing.assert_close(b_bar[1, 2], one[1])

    @pytest.mark.parametrize("rule", ["zoh", "bilinear"])
    def test_derivatives(self, rule):
        a, b, _ = spring(1.0, 0.4, 2.0)
        tensors = [x.requires_grad_() for x in (a, b, torch.tensor(0.3))]
        assert torch.autograd.gradcheck(lambda *x: discretize_dense(*x, rule), tensors)
