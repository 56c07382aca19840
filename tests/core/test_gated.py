"""What came after the paper: what the tests of the registry do not see."""

import pytest
import torch

from dsf import (
    delta_rule,
    delta_rule_system,
    min_gru,
    min_gru_system,
    retention,
    retention_system,
)

EXACT = {"rtol": 1e-12, "atol": 1e-12}


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_retention_is_its_recurrence_with_a_decay_for_each_head():
    q, k, v = normal(3, 2, 4, 9, 3)
    decay = torch.tensor([0.0, 0.5, 0.9, 1.0]).double()
    y = retention(q, k, v, decay)
    torch.testing.assert_close(retention_system(q, k, decay).run(v), y, **EXACT)
    state = torch.zeros(2, 4, 3, 3).double()
    for i in range(9):
        state = decay[:, None, None] * state + k[..., i, :, None] * v[..., i, None, :]
        torch.testing.assert_close(y[..., i, :], (q[..., i, None, :] @ state).squeeze(-2), **EXACT)


def test_one_beta_for_all_tokens_or_one_for_each():
    q, k, v = normal(3, 9, 4)
    y = delta_rule(q, k, v, 0.5)
    torch.testing.assert_close(delta_rule(q, k, v, torch.full((9,), 0.5).double()), y, **EXACT)
    torch.testing.assert_close(delta_rule_system(q, k, 0.5).run(v), y, **EXACT)


def test_a_key_that_comes_again_is_replaced_and_others_are_kept():
    """β = 1, orthogonal keys of unit length: an exact dictionary, where retention only adds."""
    keys = torch.eye(3).double()
    written = torch.tensor([0, 1, 0, 2, 1])
    v = normal(5, 2)
    for asked, last in ((0, 2), (1, 4), (2, 3)):
        q = keys[asked].expand(5, 3)
        y = delta_rule(q, keys[written], v, 1.0)
        torch.testing.assert_close(y[-1], v[last], **EXACT)
    sums = retention(keys[[0] * 5], keys[written], v, 1.0)
    torch.testing.assert_close(sums[-1], v[0] + v[2], **EXACT)


def test_beta_two_reflects():
    """Λ = I - 2kkᵀ has the eigenvalue -1: with one key the sign of the state alternates."""
    k = torch.ones(6, 1).double()
    system = delta_rule_system(k, k, 2.0)
    states = system.states(torch.zeros(6, 1).double(), torch.ones(1, 1).double())
    assert states.flatten().tolist() == [-1, 1, -1, 1, -1, 1]


def test_min_gru_is_its_recurrence():
    u, gate = normal(2, 2, 9, 3)
    h = first = normal(2, 1, 3, seed=1)
    y, last = min_gru(u, gate, first, return_state=True)
    system = min_gru_system(gate)
    torch.testing.assert_close(system.run(u, initial_state=first), y, **EXACT)
    for i in range(9):
        z = torch.sigmoid(gate[:, i : i + 1])
        h = (1 - z) * h + z * u[:, i : i + 1]
        torch.testing.assert_close(y[:, i : i + 1], h, **EXACT)
    torch.testing.assert_close(last, h, **EXACT)


def test_the_state_of_min_gru_is_a_mean_of_the_candidates_and_the_first_state():
    gate = normal(9, 3)
    system = min_gru_system(gate)
    weights = system.matrix()
    assert weights.min() >= 0
    left = system.transition.squeeze(-2).cumprod(0).mT  # of the first state
    torch.testing.assert_close(weights.sum(-1) + left, torch.ones(3, 9).double(), **EXACT)
    same = torch.full((9, 3), 0.7).double()
    torch.testing.assert_close(min_gru(same, gate, same[:1]), same, **EXACT)


def test_what_min_gru_forgets_stays_exact_where_the_gate_is_open():
    gate = torch.full((1, 1), 30.0)
    wanted = torch.sigmoid(-gate.double())
    y = min_gru(torch.zeros(1, 1), gate, torch.ones(1, 1))
    for found in (y, min_gru_system(gate).transition.flatten(-2)):
        torch.testing.assert_close(found.double(), wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: retention(x, x, x, 1.5), "decay is 1.5, expected a number >= 0 and <= 1"),
        (lambda x: min_gru(x, x[:, :2]), r"u has shape \(4, 3\)|update_gate has shape \(4, 2\)"),
        (lambda x: delta_rule(x, x, x, -0.1), "beta is -0.1, expected a number >= 0 and <= 2"),
        (lambda x: delta_rule(x, x, x, x), r"beta has leading axes \(4,\)|beta has shape \(4, 3\)"),
        (
            lambda x: delta_rule(x, x, x, 1.0, x),
            r"state has shape \(4, 3\), expected .* n = 3, d = 3",
        ),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(normal(4, 3))
