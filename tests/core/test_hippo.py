"""HiPPO-LegS: the state is the best polynomial, A is normal minus rank one and ill-conditioned."""

import math

import numpy as np
import pytest
import torch

from dsf import (
    discretize_dense,
    hippo_condition,
    hippo_legs,
    hippo_legs_system,
    hippo_normal,
    hippo_reconstruct,
    s4d_poles,
)

pytestmark = pytest.mark.usefixtures("double")
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def signal(length, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(length, 1, generator=generator)


def gauss(points, low=0.0, high=1.0):
    """Places and weights that integrate polynomials up to degree 2·points - 1 exactly."""
    x, w = np.polynomial.legendre.leggauss(points)
    return low + (high - low) * torch.tensor(x + 1) / 2, (high - low) * torch.tensor(w) / 2


def basis(n, places):
    return hippo_reconstruct(torch.eye(n), places)  # (n, P)


class TestThePolynomials:
    def test_they_are_orthonormal(self):
        places, weights = gauss(20)
        phi = basis(12, places)
        torch.testing.assert_close((phi * weights) @ phi.mT, torch.eye(12), **EXACT)

    def test_they_are_those_of_numpy(self):
        places = torch.linspace(0, 1, 7)
        for k, row in enumerate(basis(6, places)):
            wanted = np.polynomial.legendre.Legendre.basis(k)(2 * places.numpy() - 1)
            torch.testing.assert_close(row, math.sqrt(2 * k + 1) * torch.tensor(wanted), **EXACT)

    def test_coefficients_come_in_batches(self):
        x, places = torch.randn(3, 2, 5), torch.linspace(0, 1, 4)
        torch.testing.assert_close(hippo_reconstruct(x, places)[2, 1], x[2, 1] @ basis(5, places))


class TestTheState:
    @pytest.mark.parametrize("n", [1, 2, 5, 16])
    def test_it_is_the_projection_of_the_history(self, n):
        """x_k at time i + 1 is the mean of φ_k times the signal, whatever the signal is."""
        u = signal(9)
        states = hippo_legs_system(9, n).run(u)
        for i, state in enumerate(states):
            wanted = torch.zeros(n)
            for j in range(i + 1):
                places, weights = gauss(n, j / (i + 1), (j + 1) / (i + 1))
                wanted += u[j] * (basis(n, places) @ weights)
            torch.testing.assert_close(state, wanted, **EXACT)

    @pytest.mark.parametrize("n", [1, 4, 8])
    def test_it_is_the_fit_by_least_squares(self, n):
        """No polynomial of degree n - 1 is nearer to the signal, fitted on a fine grid."""
        length, fine = 40, 200
        u = torch.sin(torch.arange(length) / 5).unsqueeze(-1) + signal(length) / 10
        state = hippo_legs_system(length, n).run(u)[-1]
        places = (torch.arange(length * fine) + 0.5) / (length * fine)
        values = u.flatten().repeat_interleave(fine)
        powers = np.polynomial.polynomial.polyvander(places.numpy(), n - 1)
        fit, *_ = np.linalg.lstsq(powers, values.numpy(), rcond=None)
        wanted = torch.tensor(powers @ fit)
        found = hippo_reconstruct(state, places)
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)

    def test_a_polynomial_history_is_kept_whole(self):
        """ẋ = (A x + B u)/t carries the coefficients of a history of degree below n exactly."""
        n, history = 5, torch.tensor([0.3, -1.2, 0.7, 2.0, -0.4])
        a, b = hippo_legs(n)

        def state(t):
            """The coefficients of r ↦ p(t r), by projection."""
            places, weights = gauss(2 * n)
            values = sum(c * (t * places) ** k for k, c in enumerate(history))
            return basis(n, places) @ (weights * values)

        for t in (0.5, 1.0, 3.0):
            u = sum(c * t**k for k, c in enumerate(history))
            slope = (state(t + 1e-6) - state(t - 1e-6)) / 2e-6
            wanted = (a @ state(t) + b.flatten() * u) / t
            torch.testing.assert_close(slope, wanted, rtol=1e-6, atol=1e-6)

    def test_s4_fits_a_past_that_is_warped(self):
        """Without 1/t the weight of what was s ago is e^{As}B = e^{-s} φ(e^{-s})."""
        n = 6
        a, b = hippo_legs(n)
        for s in (0.0, 0.3, 1.0, 4.0):
            r = math.exp(-s)
            wanted = r * basis(n, torch.tensor([r]))
            torch.testing.assert_close(torch.matrix_exp(a * s) @ b, wanted, **EXACT)

    def test_more_coefficients_fit_better(self):
        length = 64
        u = torch.sin(torch.arange(length) / 4).unsqueeze(-1)
        places = (torch.arange(length) + 0.5) / length
        errors = []
        for n in (2, 4, 8, 16, 32):
            state = hippo_legs_system(length, n).run(u)[-1]
            errors.append(float((hippo_reconstruct(state, places) - u.flatten()).square().mean()))
        assert errors == sorted(errors, reverse=True)
        assert errors[0] > 0.1
        assert errors[-1] < 1e-3

    def test_a_long_sequence_stays_finite(self):
        states = hippo_legs_system(500, 64).run(torch.ones(500, 1))
        torch.testing.assert_close(states, torch.eye(64)[0].expand(500, 64), rtol=0, atol=1e-8)


class TestTheMatrix:
    @pytest.mark.parametrize("n", [1, 2, 7, 64])
    def test_it_is_normal_minus_rank_one(self, n):
        a, b = hippo_legs(n)
        normal, p = hippo_normal(n)
        torch.testing.assert_close(normal - p @ p.mT, a, **EXACT)
        torch.testing.assert_close(normal @ normal.mT, normal.mT @ normal, **EXACT)
        skew = normal + torch.eye(n) / 2
        torch.testing.assert_close(skew, -skew.mT, **EXACT)
        torch.testing.assert_close(b, math.sqrt(2) * p, **EXACT)

    def test_its_own_eigenvalues_are_whole_numbers(self):
        a, _ = hippo_legs(9)
        torch.testing.assert_close(torch.diagonal(a), -torch.arange(1.0, 10))
        assert (a.triu(1) == 0).all()

    @pytest.mark.parametrize("n", [1, 2, 4, 8, 12])
    def test_condition_is_that_of_the_computed_eigenvectors_while_they_have_digits(self, n):
        a, _ = hippo_legs(n)
        vectors = torch.linalg.eig(a).eigenvectors
        found = float(torch.linalg.cond(vectors))
        assert hippo_condition(n) == pytest.approx(found, rel=1e-6)

    def test_computed_eigenvectors_have_no_digit_right_at_32(self):
        a, _ = hippo_legs(32)
        found = float(torch.linalg.cond(torch.linalg.eig(a).eigenvectors))
        assert found < hippo_condition(32) / 1000

    def test_condition_grows_exponentially(self):
        """By a factor that rises to (1 + √2)²."""
        sizes = (4, 8, 16, 32, 64, 127)
        factors = [hippo_condition(n + 1) / hippo_condition(n) for n in sizes]
        assert factors == sorted(factors)
        assert factors[0] > 5
        assert factors[-1] == pytest.approx((1 + math.sqrt(2)) ** 2, rel=3e-3)
        assert factors[-1] < (1 + math.sqrt(2)) ** 2

    def test_with_half_the_input_the_normal_part_alone_tends_to_the_whole(self):
        """Why diagonal is enough: responses to held inputs agree ever better as n grows."""
        errors = []
        for n in (4, 16, 64, 256):
            (a, b), (normal, _) = hippo_legs(n), hippo_normal(n)
            kernels = []
            for matrix, write in ((a, b), (normal, b / 2)):
                a_bar, h = discretize_dense(matrix, write, 0.1)
                taps = []
                for _ in range(40):
                    taps.append(h[:3, 0])
                    h = a_bar @ h
                kernels.append(torch.stack(taps))
            errors.append(float((kernels[1] - kernels[0]).norm() / kernels[0].norm()))
        assert errors == sorted(errors, reverse=True)
        assert errors[0] > 0.5
        assert errors[-1] < 0.02

    def test_the_normal_part_is_well_conditioned(self):
        normal, _ = hippo_normal(64)
        vectors = torch.linalg.eigh(1j * (normal + torch.eye(64) / 2)).eigenvectors
        assert float(torch.linalg.cond(vectors)) == pytest.approx(1)


class TestPoles:
    def test_formulas(self):
        lin, inv = s4d_poles("lin", 3), s4d_poles("inv", 3)
        wanted = [complex(-0.5, math.pi * s) for s in range(3)]
        torch.testing.assert_close(lin, torch.tensor(wanted), **EXACT)
        wanted = [complex(-0.5, 6 / math.pi * (6 / (2 * s + 1) - 1)) for s in range(3)]
        torch.testing.assert_close(inv, torch.tensor(wanted), **EXACT)

    @pytest.mark.parametrize("n", [1, 2, 8, 32])
    def test_those_of_legs_are_eigenvalues_of_the_normal_part(self, n):
        found = s4d_poles("legs", n)
        both = torch.cat([found, found.conj()])
        normal, _ = hippo_normal(2 * n)
        wanted = torch.linalg.eigvals(normal)
        distance = (both[:, None] - wanted).abs()
        assert distance.min(0).values.max() < 1e-9 * n**2
        assert distance.min(1).values.max() < 1e-9 * n**2
        assert (found.real == -0.5).all()
        assert (found.imag > 0).all()
        assert (found.imag.diff() < 0).all()

    def test_those_of_inv_follow_those_of_legs(self):
        ratio = s4d_poles("inv", 32).imag / s4d_poles("legs", 32).imag
        assert (ratio - 1).abs().max() < 0.25
        assert abs(ratio[0] - 1) < 0.02

    def test_the_default_dtype(self):
        torch.set_default_dtype(torch.float32)
        for kind in ("lin", "inv", "legs"):
            assert s4d_poles(kind, 3).dtype == torch.complex64
        assert {x.dtype for x in (*hippo_legs(3), *hippo_normal(3))} == {torch.float32}
        assert hippo_legs_system(3, 2).transition.dtype == torch.float32


def test_the_steps_in_log_time_are_those_of_the_equation():
    """Λ_i and B_i solve ẋ = (A x + B u)/t from i to i + 1, against many small steps."""
    n, i, u = 4, 3, 0.7
    system = hippo_legs_system(i + 1, n)
    a, b = hippo_legs(n)
    start = signal(n)
    x, steps = start, 4000
    for k in range(steps):
        middle = i + (k + 0.5) / steps
        half = x + (a @ x + b * u) / (2 * steps * (i + k / steps))
        x = x + (a @ half + b * u) / (steps * middle)
    found = system.transition[i] @ start + system.input[i] * u
    torch.testing.assert_close(found, x, rtol=0, atol=1e-6)
    again = discretize_dense(a, b, math.log((i + 1) / i))
    torch.testing.assert_close(again[0], system.transition[i], **EXACT)
