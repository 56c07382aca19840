import math
from decimal import Decimal, localcontext
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dsf.attention import (
    kv_cache_system,
    linear_attention_system,
    separable_attention_system,
    softmax_attention_system,
    softmax_matrix,
)
from dsf.rnn import qlstm_system
from dsf.ssm import s4d_system, s6_system, ssd, ssd_system
from dsf.system import LTVSystem
from dsf.theory import (
    attention_output_bound,
    attention_to_ssd,
    change_realization,
    hankel_block,
    hankel_ranks,
    is_nondecreasing,
    minimal_state_size,
    ssd_to_attention,
    taylor_kernel_bound,
    truncation_error,
)

F64 = torch.float64


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def uniform(*shape, seed=0):
    return torch.rand(*shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def close(actual, expected, tolerance=1e-12):
    torch.testing.assert_close(actual, expected, atol=tolerance, rtol=tolerance)


def exponential_kernel_matrix(length, spread):
    """Softmax attention with m = 1 and distinct queries and keys."""
    q = torch.linspace(-spread, spread, length, dtype=F64)
    return softmax_matrix(q.unsqueeze(-1), q.flip(0).unsqueeze(-1), scale=1.0)


# --- how much state a mixer needs


def test_a_hankel_block_maps_inputs_before_t_to_outputs_from_t_on():
    system = ssd_system(uniform(7), -1.0, normal(7, 2), normal(7, 2, seed=1))
    phi, u = system.matrix(), normal(7, 1)
    past = u.clone()
    past[3:] = 0
    close(hankel_block(phi, 3) @ u[:3], system.run(past)[3:])
    assert hankel_block(phi, 1).shape == (6, 1)
    assert hankel_block(phi, 6).shape == (1, 6)


def test_softmax_needs_a_state_that_grows_with_the_length():
    length = 16
    phi = exponential_kernel_matrix(length, spread=3.0)
    expected = [min(t, length - t) for t in range(1, length)]
    assert hankel_ranks(phi).tolist() == expected
    assert minimal_state_size(phi, d=5) == 5 * (length // 2)
    # The key-value cache has that matrix, and carries no fewer states.
    q = torch.linspace(-3, 3, length, dtype=F64)
    cache = kv_cache_system(q[:, None], q.flip(0)[:, None], scale=1.0)
    close(cache.matrix(), phi)
    assert cache.n >= minimal_state_size(phi)


@given(length=st.integers(1, 14), n=st.integers(1, 5), d=st.integers(1, 3), seed=st.integers(0, 99))
def test_hankel_ranks_never_exceed_the_state_expansion(length, n, d, seed):
    q, k = normal(2, length, n, seed=seed)
    step = uniform(length, seed=seed)
    a = -uniform(d, n, seed=seed) - 0.1
    for system in (
        linear_attention_system(q, k),
        ssd_system(step, -1.0, k, q),
        s6_system(uniform(length, d, seed=seed), a, k, q),
        s4d_system(torch.complex(a, normal(d, n)), a + 0j, a + 0j, uniform(d, seed=seed), length),
        qlstm_system(*normal(3, length, d, seed=seed)),
    ):
        ranks = hankel_ranks(system.matrix())
        assert ranks.shape[-1] == length - 1
        # The real part of a complex state counts twice.
        assert (ranks <= system.n * (2 if system.transition.is_complex() else 1)).all()


def test_generic_systems_reach_the_state_expansion():
    length, n, d = 12, 3, 2
    q, k = normal(2, length, n)
    expected = [min(t, length - t, n) for t in range(1, length)]
    ssd_phi = ssd_system(uniform(length), -1.0, k, q).matrix()
    assert hankel_ranks(ssd_phi).tolist() == expected
    assert hankel_ranks(linear_attention_system(q, k).matrix()).tolist() == expected
    assert minimal_state_size(ssd_phi) == n
    assert minimal_state_size(ssd_phi, d=7) == 7 * n
    s6_phi = s6_system(uniform(length, d), -uniform(d, n) - 0.1, k, q).matrix()
    assert s6_phi.shape == (d, length, length)
    assert hankel_ranks(s6_phi).tolist() == [expected] * d
    assert minimal_state_size(s6_phi) == minimal_state_size(s6_phi, d=d) == n * d


def test_the_state_is_counted_at_one_time_for_all_channels():
    # Channel 0 remembers early, channel 1 late, so that one state serves them in turn.
    phi = torch.zeros(2, 6, 6, dtype=F64)
    phi[0, 1, 0] = phi[1, 5, 4] = 1.0
    assert hankel_ranks(phi).tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]]
    assert minimal_state_size(phi) == 1


def test_the_pure_delay_carries_one_state_and_the_dsf_reads_it_with_two():
    length = 6
    delay = torch.diag(torch.ones(length - 1, dtype=F64), -1)
    assert hankel_ranks(delay).tolist() == [1] * (length - 1)
    # Two slots take turns: one is overwritten, the other one read.
    slot = torch.eye(2, dtype=F64)[torch.arange(length) % 2].unsqueeze(-1)
    system = LTVSystem(1 - slot, slot, 1 - slot)
    close(system.matrix(), delay, 0)
    assert system.n == minimal_state_size(delay) + 1


def test_rounding_does_not_count_as_rank():
    # Queries that match no earlier key, up to rounding: nothing has to be carried.
    basis, _ = torch.linalg.qr(normal(8, 8))
    phi = (basis @ basis.mT).tril()
    assert phi.tril(-1).abs().max() > 0  # the zeros are rounding, not zeros
    assert hankel_ranks(phi).tolist() == [0] * 7
    # What a stated tolerance says.
    phi = torch.diag(torch.tensor([1.0, 1.0, 1.0], dtype=F64))
    phi[2, 0] = 1e-6
    assert hankel_ranks(phi).tolist() == [1, 1]
    assert hankel_ranks(phi, tol=1e-5).tolist() == [0, 0]


def test_scaling_outputs_does_not_change_ranks():
    phi = exponential_kernel_matrix(10, spread=3.0)
    assert torch.equal(hankel_ranks(1e-200 * phi), hankel_ranks(phi))
    batch = torch.stack([phi, phi.triu()])
    assert hankel_ranks(batch).sum(-1).tolist() == [25, 0]


def test_a_single_token_needs_no_state():
    assert hankel_ranks(torch.ones(3, 1, 1, dtype=F64)).shape == (3, 0)
    assert minimal_state_size(torch.ones(1, 1, dtype=F64)) == 0


# --- how far Taylor features are from softmax


@given(tenths=st.integers(-300, 300), order=st.integers(0, 40), slack=st.floats(1, 2))
def test_the_kernel_bound_holds_for_every_score_within_the_radius(tenths, order, slack):
    with localcontext(prec=60):  # in float64 the polynomial cancels at negative scores
        x = Decimal(tenths) / 10
        polynomial = sum(x**r / math.factorial(r) for r in range(1, order + 1)) + 1
        error = float(abs(polynomial / x.exp() - 1))
    assert error <= taylor_kernel_bound(abs(tenths / 10) * slack, order) * (1 + 1e-12)


def test_the_kernel_bound_is_its_formula_and_never_overflows():
    expected = 1.5**5 * math.exp(1.5) / math.factorial(5)
    assert taylor_kernel_bound(1.5, 4) == pytest.approx(expected, rel=1e-13)
    assert taylor_kernel_bound(0.0, 0) == 0
    assert taylor_kernel_bound(800.0, 3) == math.inf
    assert taylor_kernel_bound(1.0, 300) == 0  # 1/301! is below the smallest float


@given(
    epsilon=st.floats(0, 0.99),
    scores=st.lists(st.floats(0.01, 10), min_size=1, max_size=6),
    signs=st.integers(0, 63),
    seed=st.integers(0, 99),
)
def test_the_output_bound_holds_for_every_disturbance_of_the_scores(epsilon, scores, signs, seed):
    score = torch.tensor(scores, dtype=F64)
    v = normal(len(scores), 3, seed=seed)
    sign = torch.tensor([1.0 if signs >> j & 1 else -1.0 for j in range(len(scores))], dtype=F64)
    disturbed = score * (1 + epsilon * sign)
    error = disturbed @ v / disturbed.sum() - score @ v / score.sum()
    v_max = float(v.norm(dim=-1).max())
    assert error.norm() <= attention_output_bound(epsilon, v_max) + 1e-12


def test_the_output_bound_is_nearly_reached():
    # Two opposite values; the score of the heavy one falls, that of the light one grows.
    epsilon, score, v = (
        0.1,
        torch.tensor([1.2, 1.0], dtype=F64),
        torch.tensor([1.0, -1.0], dtype=F64),
    )
    disturbed = score * (1 + epsilon * torch.tensor([-1.0, 1.0], dtype=F64))
    error = abs(disturbed @ v / disturbed.sum() - score @ v / score.sum())
    assert 0.4 * attention_output_bound(epsilon, 1.0) < error
    assert error < attention_output_bound(epsilon, 1.0)


def test_no_bound_exists_where_the_normalizer_may_vanish():
    assert attention_output_bound(1.0, 2.0) == math.inf
    assert attention_output_bound(math.inf, 2.0) == math.inf
    assert attention_output_bound(0.5, 2.0) == 4


@pytest.mark.parametrize("scale", [None, 1.0])
def test_truncation_errors_fall_to_rounding_below_their_bounds(scale):
    q, k, v = 0.5 * normal(3, 2, 10, 3)
    results = [truncation_error(q, k, v, p, scale) for p in range(0, 25, 2)]
    for result in results:
        assert result.n == math.comb(3 + result.order, 3)
        assert result.kernel_error <= result.kernel_bound + 1e-12
        assert result.output_error <= result.output_bound + 1e-12
    kernel_errors = [result.kernel_error for result in results]
    assert kernel_errors[0] > 0.1
    assert all(after < before for before, after in pairwise(kernel_errors[:6]))
    assert kernel_errors[-1] < 1e-12
    assert results[-1].output_error < 1e-12


def test_truncation_errors_are_those_of_the_features():
    q, k, v = normal(3, 8, 2)
    result = truncation_error(q, k, v, 2)
    exact = softmax_matrix(q, k)
    features = softmax_attention_system(q, k, 2).matrix()
    close(result.output_error, float(((features - exact) @ v).norm(dim=-1).max()))
    score = ((q @ k.mT) / math.sqrt(2))[torch.ones(8, 8).tril() > 0]
    assert result.radius == pytest.approx(float(score.abs().max()))
    error = (1 + score + score**2 / 2) / score.exp() - 1
    assert result.kernel_error == pytest.approx(float(error.abs().max()), rel=1e-12)


def test_scores_of_later_keys_do_not_count():
    q, k, v = normal(3, 8, 2)
    q[7] = 0  # the only query that meets k_7, and it gives it the score 0
    k[7] = 0
    expected = truncation_error(q, k, v, 2)
    k[7] = 100
    for actual, wanted in zip(truncation_error(q, k, v, 2), expected, strict=True):
        assert actual == pytest.approx(wanted, rel=1e-12)


# --- when attention is a state space model


@given(
    batch=st.lists(st.integers(1, 3), max_size=1),
    length=st.integers(1, 12),
    n=st.integers(1, 4),
    a=st.floats(-3, -0.1),
    seed=st.integers(0, 99),
)
def test_an_ssd_head_is_attention_with_a_recursive_normalizer(batch, length, n, a, seed):
    step = 2 * uniform(*batch, length, seed=seed)
    b, c = normal(2, *batch, length, n, seed=seed)
    phi, psi, eta = ssd_to_attention(step, a, b, c)
    expected = ssd_system(step, a, b, c)
    attention = separable_attention_system(phi, psi, eta)
    close(attention.matrix(), expected.matrix())
    # The realisations agree as well, not only the maps; Λ_0 never matters.
    close(attention.transition[..., 1:, :, :], expected.transition[..., 1:, :, :])
    close(attention.input, expected.input)
    close(eta[..., 1:], torch.exp(-a * step[..., 1:]) * eta[..., :-1])
    assert is_nondecreasing(eta)


@given(
    batch=st.lists(st.integers(1, 3), max_size=1),
    length=st.integers(1, 12),
    n=st.integers(1, 4),
    d=st.integers(1, 3),
    a=st.floats(-3, -0.1),
    seed=st.integers(0, 99),
)
def test_attention_with_a_growing_normalizer_is_an_ssd_head(batch, length, n, d, a, seed):
    phi, psi = normal(2, *batch, length, n, seed=seed)
    eta = (0.01 + uniform(*batch, length, seed=seed)).cumsum(-1)
    u = normal(*batch, length, d, seed=seed)
    step, b, c = attention_to_ssd(phi, psi, eta, a)
    assert (step > 0).all()
    close(ssd(u, step, a, b, c), separable_attention_system(phi, psi, eta).run(u), 1e-10)


def test_there_and_back_is_the_same_head():
    step, (b, c) = 0.1 + uniform(2, 9), normal(2, 2, 9, 3)
    back = attention_to_ssd(*ssd_to_attention(step, -0.7, b, c), a=-0.7)
    close(back[0][..., 1:], step[..., 1:])
    close(back[1][..., 1:, :], b[..., 1:, :])
    assert torch.equal(back[2], c)
    # The first step is free, the product Δ_0 b_0 is not.
    close(back[0][..., :1] * back[1][..., 0, :], step[..., :1] * b[..., 0, :])


def test_one_decay_rate_per_head():
    step, a = uniform(2, 3, 8), -torch.tensor([[0.5], [1.0], [2.0]], dtype=F64)
    b, c = normal(2, 2, 3, 8, 4)
    attention = separable_attention_system(*ssd_to_attention(step, a, b, c))
    close(attention.matrix(), ssd_system(step, a, b, c).matrix())


def test_steps_keep_their_digits_where_the_normalizer_hardly_grows():
    eta = 1.7 + torch.tensor([0.0, 1e-13, 3e-13], dtype=F64)
    first_order = torch.diff(eta) / 1.7
    step, _, _ = attention_to_ssd(normal(3, 1), normal(3, 1), eta)
    torch.testing.assert_close(step[1:], first_order, atol=0, rtol=1e-12)


def test_linear_attention_is_no_ssd_because_its_normalizer_decreases():
    q, k = normal(2, 12, 3)
    phi, psi = (torch.nn.functional.elu(x) + 1 for x in (q, k))
    eta = (phi * psi.cumsum(-2)).sum(-1)
    drops = (torch.diff(eta) < 0).nonzero().flatten() + 1
    assert len(drops) > 0
    assert not is_nondecreasing(eta)
    with pytest.raises(
        ValueError, match=f"eta is {eta[drops[0]]:.6g} at index {drops[0]}, expected"
    ):
        attention_to_ssd(phi, psi, eta)


def test_a_constant_normalizer_is_possible_only_where_nothing_is_written():
    phi, psi = normal(2, 5, 2)
    eta = torch.tensor([1.0, 2.0, 2.0, 3.0, 3.0], dtype=F64)
    assert is_nondecreasing(eta)
    with pytest.raises(ValueError, match="eta is 2 at index 2, expected an increase wherever ψ"):
        attention_to_ssd(phi, psi, eta)
    psi[[2, 4]] = 0
    step, b, c = attention_to_ssd(phi, psi, eta)
    assert step[[2, 4]].tolist() == [0, 0]
    expected = separable_attention_system(phi, psi, eta).matrix()
    close(ssd_system(step, -1.0, b, c).matrix(), expected)
    close(separable_attention_system(*ssd_to_attention(step, -1.0, b, c)).matrix(), expected)


def test_the_ssd_transition_is_the_reversed_sigmoid():
    x, a = normal(50), 1.7
    step = torch.nn.functional.softplus(x)
    transition = ssd_system(step, -a, torch.ones(50, 1, dtype=F64), torch.ones(50, 1, dtype=F64))
    close(transition.transition.flatten(), torch.sigmoid(-x) ** a, 1e-15)


# --- what a change of coordinates leaves unchanged


@given(
    batch=st.lists(st.integers(1, 2), max_size=1),
    length=st.integers(1, 6),
    n=st.integers(1, 3),
    d=st.integers(1, 3),
    wide=st.tuples(st.booleans(), st.booleans()),
    seed=st.integers(0, 99),
)
def test_diagonal_coordinates_change_the_states_but_not_the_map(batch, length, n, d, wide, seed):
    system = s6_system(
        uniform(*batch, length, d, seed=seed),
        -uniform(d, n, seed=seed),
        *normal(2, *batch, length, n, seed=seed),
        skip=normal(d),
    )
    t = normal(*batch, length, n if wide[0] else 1, d if wide[1] else 1, seed=seed)
    t = t.sign() * (0.2 + t.abs())
    changed = change_realization(system, t)
    u = normal(*batch, length, d, seed=seed)
    close(changed.matrix(), system.matrix())
    close(changed.states(u), t * system.states(u))
    close(changed.run(u), system.run(u))


@given(
    batch=st.lists(st.integers(1, 2), max_size=1),
    length=st.integers(1, 5),
    n=st.integers(1, 3),
    d=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_dense_coordinates_do_not_change_the_map(batch, length, n, d, seed):
    system = ssd_system(
        uniform(*batch, length, seed=seed), -1.0, *normal(2, *batch, length, n, seed=seed),
        skip=normal(d),
    ).dense(d)  # fmt: skip
    noise = normal(*batch, length, n * d, n * d, seed=seed)
    t = torch.linalg.matrix_exp(0.3 * noise)  # invertible and well conditioned
    changed = change_realization(system, t)
    u = normal(*batch, length, d, seed=seed)
    close(changed.matrix(), system.matrix(), 1e-10)
    close(changed.run(u), system.run(u), 1e-10)
    if length > 1:  # Λ'_1 maps T_0 h_0 to T_1 Λ_1 h_0
        close(
            changed.transition[..., 1, :, :] @ t[..., 0, :, :],
            t[..., 1, :, :] @ system.transition[..., 1, :, :],
            1e-10,
        )


def test_diagonal_and_dense_coordinates_agree():
    system = s6_system(uniform(4, 2), -uniform(2, 3), *normal(2, 4, 3))
    t = 0.5 + uniform(4, 3, 2)
    dense_t = torch.diag_embed(t.mT.flatten(-2))
    for one, other in zip(
        change_realization(system, t).dense(),
        change_realization(system.dense(), dense_t),
        strict=True,
    ):
        close(one, other)


def test_the_spectral_radius_is_not_a_property_of_the_map():
    length, n = 30, 3
    transition = torch.full((length, 1, 1), 0.95, dtype=F64)
    b, c = normal(2, length, n, 1)
    system = LTVSystem(transition, b, c)
    t = (50.0 ** torch.arange(length, dtype=F64).remainder(2))[:, None, None]
    changed = change_realization(system, t)
    assert system.transition.abs().max() == 0.95
    assert changed.transition.abs().max() == pytest.approx(0.95 * 50)
    close(changed.matrix(), system.matrix())
    # The same with full matrices, where Λ' is no longer diagonal.
    rotated = change_realization(system.dense(1), torch.linalg.matrix_exp(normal(length, n, n)))
    radius = torch.linalg.eigvals(rotated.transition).abs().max()
    assert radius > 2
    close(rotated.matrix(), system.matrix(), 1e-10)


# --- what is refused


PHI = torch.eye(3, dtype=F64)
STEP, ROW = torch.ones(3, dtype=F64), torch.ones(3, 2, dtype=F64)
SYSTEM = ssd_system(STEP, -1.0, ROW, ROW)
GAP = torch.ones(3, 2, 1, dtype=F64).index_fill(0, torch.tensor(1), 0.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hankel_block(PHI, 0), "t is 0, expected an integer from 1 to 2"),
        (lambda: hankel_block(PHI, 3), "t is 3, expected an integer from 1 to 2"),
        (lambda: hankel_ranks(PHI[:2]), r"phi has shape \(2, 3\), expected \(..., L, L\)"),
        (lambda: hankel_ranks(PHI * math.nan), "phi has entries that are NaN or infinite"),
        (lambda: hankel_ranks(PHI, tol=2.0), "tol is 2.0, expected a number >= 0 and < 1"),
        (lambda: hankel_ranks(PHI.long()), "phi has dtype torch.int64"),
        (lambda: minimal_state_size(PHI.expand(2, 3, 3), d=3), r"phi has shape \(2, 3, 3\) and d"),
        (lambda: minimal_state_size(PHI.expand(2, 1, 3, 3)), r"phi has shape \(2, 1, 3, 3\)"),
        (lambda: minimal_state_size(PHI, d=0), "d is 0, expected an integer >= 1"),
        (lambda: taylor_kernel_bound(-1.0, 2), "radius is -1.0, expected a finite number >= 0"),
        (lambda: taylor_kernel_bound(1.0, -2), "order is -2, expected an integer >= 0"),
        (lambda: attention_output_bound(-0.1, 1.0), "epsilon is -0.1"),
        (lambda: attention_output_bound(0.1, math.nan), "v_max is nan"),
        (lambda: ssd_to_attention(-STEP, -1.0, ROW, ROW), "step is -1 at index 0, expected"),
        (lambda: ssd_to_attention(STEP, 1.0, ROW, ROW), "a is 1.0, expected a finite number < 0"),
        (lambda: ssd_to_attention(STEP, -1.0, ROW, ROW[:, :1]), r"c has shape \(3, 1\)"),
        (lambda: ssd_to_attention(STEP, -1.0, ROW[:2], ROW), r"b has shape \(2, 2\)"),
        (
            lambda: ssd_to_attention(STEP, -300.0, ROW, ROW),
            r"step has a total decay of e\^-900, expected",
        ),
        (lambda: attention_to_ssd(ROW, ROW, -STEP), "eta is -1 at index 0, expected a positive"),
        (lambda: attention_to_ssd(ROW, ROW[:, :1], STEP), r"key_features has shape \(3, 1\)"),
        (lambda: attention_to_ssd(ROW, ROW, STEP[:2]), r"eta has shape \(2,\)"),
        (
            lambda: attention_to_ssd(ROW, ROW, STEP.cumsum(0), a=0.0),
            "a is 0.0, expected a finite number < 0",
        ),
        (lambda: change_realization(SYSTEM, GAP), "t is wrong at index 1, expected no zeros"),
        (lambda: change_realization(SYSTEM, GAP[:2]), "expected .* with L = 3"),
        (
            lambda: change_realization(SYSTEM, torch.ones(3, 5, 1)),
            r"t has shape .* and n = 2 as in input",
        ),
        (
            lambda: change_realization(SYSTEM.dense(1), GAP),
            r"t has shape .*, N = 2 as in transition",
        ),
        (
            lambda: change_realization(SYSTEM.dense(1), torch.ones(3, 2, 2, dtype=F64)),
            "t is wrong at index 0, expected a matrix with an inverse",
        ),
    ],
)
def test_bad_arguments_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_first_offending_index_is_named_across_the_batch():
    eta = torch.tensor([[1.0, 2.0, 3.0, 2.5], [1.0, 2.0, 1.5, 4.0]], dtype=F64)
    features = torch.ones(2, 4, 1, dtype=F64)
    with pytest.raises(ValueError, match=r"eta is 1.5 at index 2, expected .* never decreases"):
        attention_to_ssd(features, features, eta)
