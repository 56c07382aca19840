"""Recurrent networks: definitions, the sign flip, trajectories that reproduce PyTorch's layers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dsf import (
    ARCHITECTURES,
    elman,
    elman_trajectory,
    lstm,
    lstm_trajectory,
    qlstm,
    qlstm_expanded,
    qlstm_expanded_system,
    qlstm_system,
    rg_lru,
    rg_lru_system,
)

EXACT = {"rtol": 1e-10, "atol": 1e-10}
seeds = st.integers(0, 2**31)


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("reverse", "exponent"), [(False, 1.0), (False, 0.5), (True, 1.7)])
def test_qlstm_by_its_definition(reverse, exponent):
    u, f, g, o = normal(4, 9, 3)
    y = qlstm(u, f, g, o, reverse, exponent)
    c = torch.zeros(3, dtype=torch.float64)
    for i in range(9):
        keep = torch.sigmoid(-f[i] if reverse else f[i]) ** exponent
        c = keep * c + torch.sigmoid(g[i]) * u[i]
        torch.testing.assert_close(y[i], torch.sigmoid(o[i]) * c, **EXACT)


def test_reversed_sigmoid_at_exponent_one_is_a_change_of_sign():
    u, f, g, o = normal(4, 9, 3)
    standard, mirrored = qlstm(u, f, g, o), qlstm(u, -f, g, o, reversed_sigmoid=True)
    torch.testing.assert_close(mirrored, standard, **EXACT)
    other = qlstm(u, -f, g, o, reversed_sigmoid=True, exponent=2.0)
    assert (other - standard).abs().max() > 0.01


class TestExpandedQLSTM:
    """Against its definition, and against the qLSTM, which it is at n = 1."""

    @staticmethod
    def arguments(length=9, n=4, d=3, batch=(2,)):
        q, k = normal(2, *batch, length, n)
        return q, k, *normal(4, *batch, length, d, seed=1)  # u, f, g, o

    def test_its_definition(self):
        q, k, u, f, g, o = self.arguments()
        first = normal(2, 4, 3, seed=2)
        y, last = qlstm_expanded(q, k, u, f, g, o, first, return_state=True)
        h = first
        for i in range(9):
            write = torch.sigmoid(g[:, i]) * u[:, i]
            h = torch.sigmoid(f[:, i, None]) * h + k[:, i, :, None] * write[:, None]
            read = torch.sigmoid(o[:, i]) * torch.einsum("bn,bnd->bd", q[:, i], h)
            torch.testing.assert_close(y[:, i], read, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(last, h, rtol=1e-12, atol=1e-12)

    def test_with_one_state_and_q_k_of_one_it_is_the_qlstm(self):
        _, _, u, *gates = self.arguments()
        one = torch.ones(9, 1, dtype=torch.float64)
        state = normal(2, 1, 3, seed=2)
        found = qlstm_expanded(one, one, u, *gates, state, return_state=True)
        for x, wanted in zip(found, qlstm(u, *gates, state=state, return_state=True), strict=True):
            torch.testing.assert_close(x, wanted, rtol=1e-12, atol=1e-12)
        system, plain = qlstm_expanded_system(one, one, *gates), qlstm_system(*gates)
        for x, wanted in zip(system.dense(), plain.dense(), strict=True):
            assert torch.equal(x, wanted)

    @pytest.mark.parametrize("length", [1, 9, 150])
    @pytest.mark.parametrize("method", ["recurrent", "scan", "chunked", "matrix", "auto"])
    def test_both_forms_are_the_same_map(self, method, length):
        q, k, u, *gates = self.arguments(length)
        state = normal(2, 4, 3, seed=2)
        system = qlstm_expanded_system(q, k, *gates)
        assert (system.n, system.d, system.state_size) == (4, 3, 12)
        wanted = qlstm_expanded(q, k, u, *gates, state, return_state=True)
        found = system.run(u, method, state, return_state=True)
        for x, y in zip(found, wanted, strict=True):
            torch.testing.assert_close(x, y, rtol=1e-12, atol=1e-12)

    def test_no_output_depends_on_a_later_token(self):
        arguments = self.arguments()
        later = [torch.cat([x[:, :6], x[:, 6:] + 1], dim=1) for x in arguments]
        before, after = qlstm_expanded(*arguments), qlstm_expanded(*later)
        assert torch.equal(after[:, :6], before[:, :6])
        assert (after[:, 6:] - before[:, 6:]).abs().amax(-1).min() > 1e-6

    def test_in_pieces(self):
        arguments = self.arguments()
        y = qlstm_expanded(*arguments)
        head, state = qlstm_expanded(*(x[:, :4] for x in arguments), return_state=True)
        tail = qlstm_expanded(*(x[:, 4:] for x in arguments), state)
        torch.testing.assert_close(torch.cat([head, tail], 1), y, rtol=1e-12, atol=1e-12)

    def test_half_precision_keeps_its_state_in_float32(self):
        arguments = [x.bfloat16() for x in self.arguments()]
        y, state = qlstm_expanded(*arguments, return_state=True)
        assert (y.dtype, state.dtype) == (torch.bfloat16, torch.float32)
        wanted = qlstm_expanded(*(x.double() for x in arguments))
        torch.testing.assert_close(y.double(), wanted, rtol=2**-8, atol=1e-4)

    def test_gradient(self):
        inputs = [x.requires_grad_() for x in self.arguments(5, 2, 2)]
        state = normal(2, 2, 2, seed=2).requires_grad_()
        assert torch.autograd.gradcheck(qlstm_expanded, [*inputs, state])

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({1: normal(9, 3)}, r"q has shape \(2, 9, 4\)|k has shape \(9, 3\)"),
            ({4: normal(9, 2)}, r"input_gate has shape \(9, 2\)"),
            ({6: normal(2, 3, 3)}, r"state has shape \(2, 3, 3\)"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, change, message):
        arguments = dict(enumerate(self.arguments())) | change
        with pytest.raises(ValueError, match=message):
            qlstm_expanded(*arguments.values())


def test_rg_lru_by_its_definition():
    u, r, g = normal(3, 9, 2)
    decay = normal(2, seed=1) + 3
    y = rg_lru(u, r, g, decay)
    h = torch.zeros(2, dtype=torch.float64)
    for i in range(9):
        a = torch.sigmoid(decay) ** (8 * torch.sigmoid(r[i]))
        h = a * h + torch.sqrt(1 - a**2) * torch.sigmoid(g[i]) * u[i]
        torch.testing.assert_close(y[i], h, **EXACT)


def test_rg_lru_keeps_the_variance_of_white_noise():
    """√(1 - a²) as input gain: variance 1 in, variance 1 out. 4 standard errors of the mean of
    200 independent channels over 4000 steps with correlation time below 10 steps."""
    u = normal(4000, 200)
    open_gate = torch.full_like(u, 40.0)
    y = rg_lru(u, torch.zeros_like(u), open_gate, torch.full((200,), 4.0).double())[200:]
    assert abs(y.var().item() - 1) < 0.01 * 4


@pytest.mark.parametrize("name", ["qlstm", "qlstm_reversed", "rg_lru"])
def test_gradient(name):
    entry = ARCHITECTURES[name]
    arguments = entry.example(5, 1, 2, (2,), 0, torch.float64).native
    tensors = {k: v for k, v in arguments.items() if isinstance(v, torch.Tensor)}
    rest = {k: v for k, v in arguments.items() if k not in tensors}

    def f(*values):
        return entry.native(**dict(zip(tensors, values, strict=True)), **rest)

    assert torch.autograd.gradcheck(f, [v.requires_grad_() for v in tensors.values()])


def test_gradient_with_respect_to_the_exponent():
    u, f, g, o = normal(4, 5, 2)
    exponent = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: qlstm(u, f, g, o, True, a), [exponent])


class TestTrajectories:
    @given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), seeds)
    def test_elman(self, length, d, m, seed):
        x, w_in, w_rec = normal(2, length, m, seed=seed), normal(d, m), normal(d, d, seed=1)
        torch_rnn = torch.nn.RNN(m, d, bias=False, batch_first=True, dtype=torch.float64)
        with torch.no_grad():
            torch_rnn.weight_ih_l0.copy_(w_in)
            torch_rnn.weight_hh_l0.copy_(w_rec)
        outputs, system = elman_trajectory(x, w_in, w_rec)
        torch.testing.assert_close(outputs, torch_rnn(x)[0], **EXACT)
        torch.testing.assert_close(elman(x, w_in, w_rec), outputs, **EXACT)
        torch.testing.assert_close(system.run(x), outputs, **EXACT)

    @given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), seeds)
    def test_lstm(self, length, d, m, seed):
        x, w_in = normal(2, length, m, seed=seed), normal(4 * d, m)
        w_rec = normal(4 * d, d, seed=1)
        torch_lstm = torch.nn.LSTM(m, d, bias=False, batch_first=True, dtype=torch.float64)
        with torch.no_grad():
            torch_lstm.weight_ih_l0.copy_(w_in)
            torch_lstm.weight_hh_l0.copy_(w_rec)
        outputs, system = lstm_trajectory(x, w_in, w_rec)
        torch.testing.assert_close(outputs, torch_lstm(x)[0], **EXACT)
        torch.testing.assert_close(lstm(x, w_in, w_rec), outputs, **EXACT)
        torch.testing.assert_close(system.run(x), outputs, **EXACT)

    @pytest.mark.parametrize("trajectory", [elman_trajectory, lstm_trajectory])
    def test_matrices_hold_for_one_input_only(self, trajectory):
        """Which is why it is no DSF: for another input the matrices are others."""
        gates = 1 if trajectory is elman_trajectory else 4
        x, w_in, w_rec = normal(8, 3), normal(gates * 4, 3), normal(gates * 4, 4, seed=1)
        _, system = trajectory(x, w_in, w_rec)
        other = normal(8, 3, seed=2)
        difference = system.run(other) - trajectory(other, w_in, w_rec).outputs
        assert difference.abs().max() > 0.1

    def test_zero_preactivation(self):
        """tanh(z)/z is 1 at z = 0, not NaN."""
        x = torch.zeros(3, 2, dtype=torch.float64)
        _, system = elman_trajectory(x, normal(2, 2), normal(2, 2))
        assert torch.equal(system.input[0], normal(2, 2))

    def test_gradient_at_zero_preactivation(self):
        """tanh(z)/z = 1 - z²/3 + … has slope 0 at z = 0, not NaN."""
        x, w_in, w_rec = torch.zeros(3, 2).double(), normal(2, 2), normal(2, 2, seed=1)
        arguments = [z.requires_grad_() for z in (x, w_in, w_rec)]
        _, system = elman_trajectory(*arguments)
        found = torch.autograd.grad(sum(matrices.sum() for matrices in system), arguments)
        for gradient, expected in zip(found, (0.0, 3.0, 3.0), strict=True):
            assert torch.equal(gradient, torch.full_like(gradient, expected))


ONES = torch.ones(5, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: qlstm(ONES[:4], ONES, ONES, ONES), r"u has shape \(4, 3\), expected .*L = 5"),
        (lambda: qlstm(ONES[:, :2], ONES, ONES, ONES), r"u has shape \(5, 2\), .*d = 3"),
        (lambda: qlstm_system(ONES, ONES[:4], ONES), r"input_gate has shape \(4, 3\), .*L = 5"),
        (lambda: qlstm_system(ONES, ONES, ONES[:, :2]), r"output_gate has shape \(5, 2\), .*d = 3"),
        (
            lambda: qlstm(ONES, ONES, ONES, ONES, exponent=-1.0),
            r"exponent is -1.0, expected .*>= 0",
        ),
        (lambda: rg_lru(ONES, ONES, ONES, ONES[0, :2]), r"decay has shape \(2,\), .*d = 3"),
        (lambda: rg_lru(ONES[:4], ONES, ONES, ONES[0]), r"u has shape \(4, 3\), .*L = 5"),
        (lambda: rg_lru_system(ONES, ONES[:, :2], ONES[0]), r"input_gate has shape \(5, 2\)"),
        (lambda: elman(ONES, ONES, ONES), r"w_rec has shape \(5, 3\), expected \(d, d\)"),
        (
            lambda: elman(ONES, ONES, ONES[:3]),
            r"w_in has shape \(5, 3\), expected \(d, m\) with d = 3",
        ),
        (lambda: lstm(ONES, ONES, ONES), r"w_rec has shape \(5, 3\), expected \(4d, d\)"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
