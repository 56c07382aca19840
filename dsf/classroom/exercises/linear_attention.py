"""Chapter 3: linear attention and state expansion."""

import math

import torch

import dsf
from dsf import feature_maps, theory
from dsf.classroom.kinds import Exercise
from dsf.feature_maps import elu_plus_one, identity


def _arrays(draw):
    """Queries, keys and values of lengths that all differ."""
    for length, width, values in ((1, 3, 2), (2, 4, 3), (7, 5, 3)):
        yield *draw.normal(2, length, width), draw.normal(length, values)


# --- linear attention in six lines ---------------------------------------------------------------


def recurrent_attention(q, k, v):
    """Linear attention with elu + 1 by a loop: q, k (L, m), v (L, d), returns (L, d)."""
    phi, psi = feature_maps.elu_plus_one(q), feature_maps.elu_plus_one(k)
    S, z, y = torch.zeros(psi.shape[-1], v.shape[-1]), torch.zeros(psi.shape[-1]), []
    for phi_i, psi_i, v_i in zip(phi, psi, v, strict=True):
        S, z = S + torch.outer(psi_i, v_i), z + psi_i
        y.append(phi_i @ S / (phi_i @ z))
    return torch.stack(y)


def _sums(q, k, v, map_q=elu_plus_one, map_k=elu_plus_one):
    """Scores times values and scores, both summed up to every token; and the features."""
    phi, psi = map_q(q), map_k(k)
    S = (psi[:, :, None] * v[:, None]).cumsum(0)
    return phi, psi, (phi[:, :, None] * S).sum(1), (phi * psi.cumsum(0)).sum(-1, keepdim=True)


def _before(x):
    """The same one step earlier, with zeros at time 0."""
    return torch.cat([torch.zeros_like(x[:1]), x[:-1]])


def _read_before_write(q, k, v):
    """reads the state before token i is written: token i attends to itself, too"""
    phi, psi = elu_plus_one(q), elu_plus_one(k)
    S = (psi[:, :, None] * v[:, None]).cumsum(0)
    return (phi[:, :, None] * _before(S)).sum(1) / (phi * _before(psi.cumsum(0))).sum(-1)[:, None]


def _state_after_reading(q, k, v):
    """updates S after the read-out and z before it: both are to hold token i when they are read"""
    phi, psi = elu_plus_one(q), elu_plus_one(k)
    S = (psi[:, :, None] * v[:, None]).cumsum(0)
    return (phi[:, :, None] * _before(S)).sum(1) / (phi * psi.cumsum(0)).sum(-1)[:, None]


def _sum_after_reading(q, k, v):
    """updates z after the read-out and S before it: the normaliser lacks the present token"""
    phi, psi, top, _ = _sums(q, k, v)
    return top / (phi * _before(psi.cumsum(0))).sum(-1)[:, None]


def _no_normaliser(q, k, v):
    """does not divide: the normaliser, φ_i times the sum of the ψ, is missing"""
    return _sums(q, k, v)[2]


def _previous_normaliser(q, k, v):
    """divides by η_{i−1}: row i is divided by the sum of its own scores, η_i"""
    _, _, top, eta = _sums(q, k, v)
    return top / torch.cat([eta[:1], eta[:-1]])


def _no_feature_map(q, k, v):
    """has no feature map: q and k go through elu + 1 before anything is written or read"""
    _, _, top, eta = _sums(q, k, v, identity, identity)
    return top / eta


def _map_on_keys_alone(q, k, v):
    """maps the keys and not the queries"""
    _, _, top, eta = _sums(q, k, v, map_q=identity)
    return top / eta


def _map_on_queries_alone(q, k, v):
    """maps the queries and not the keys"""
    _, _, top, eta = _sums(q, k, v, map_k=identity)
    return top / eta


def _elu_alone(q, k, v):
    """takes elu without the + 1: features, and with them scores, can then be negative"""
    _, _, top, eta = _sums(q, k, v, torch.nn.functional.elu, torch.nn.functional.elu)
    return top / eta


def _scaled(q, k, v):
    """divides q by √m: that belongs to softmax attention, features are taken of q as it is"""
    return dsf.linear_attention(q / math.sqrt(q.shape[-1]), k, v)


def _mean_of_tokens(q, k, v):
    """divides by the number of tokens, not by the sum of their scores"""
    return _sums(q, k, v)[2] / torch.arange(1.0, len(q) + 1)[:, None]


def _normaliser_without_query(q, k, v):
    """divides by the sum of all features of the keys: the query belongs into the normaliser"""
    _, psi, top, _ = _sums(q, k, v)
    return top / psi.cumsum(0).sum(-1, keepdim=True)


def _sees_the_future(q, k, v):
    """gives every token the sums over all tokens: at time i there are only those up to i"""
    phi, psi = elu_plus_one(q), elu_plus_one(k)
    scores = phi @ psi.mT
    return scores / scores.sum(-1, keepdim=True) @ v


def _softmax(q, k, v):
    """is softmax attention: the score here is a product of features, not an exponential"""
    return dsf.softmax_attention(q, k, v)


def _last_token_alone(q, k, v):
    """forgets: S and z are to grow, and not to be made anew by every token"""
    return v.clone()


# --- one index is wrong --------------------------------------------------------------------------


def attention_system(phi, psi, eta):
    """Λ_i = η_{i-1}/η_i, B_i = ψ_i/η_i, C_i = φ_i. One line is wrong."""
    before = torch.cat([eta[:1], eta[:-1]])
    transition = (before / eta)[:, None, None]
    write = (psi / before[:, None])[..., None]
    read = phi[..., None]
    return dsf.LTVSystem(transition, write, read)


def mended(phi, psi, eta):
    """Λ_i = η_{i-1}/η_i, B_i = ψ_i/η_i, C_i = φ_i."""
    before = torch.cat([eta[:1], eta[:-1]])
    transition = (before / eta)[:, None, None]
    write = (psi / eta[:, None])[..., None]
    read = phi[..., None]
    return dsf.LTVSystem(transition, write, read)


def _upside_down(phi, psi, eta):
    """has Λ_i upside down: η_{i−1} stands above, η_i below"""
    right = mended(phi, psi, eta)
    return dsf.LTVSystem(1 / right.transition, right.input, right.output)


def _nothing_divided_in_b(phi, psi, eta):
    """writes ψ_i undivided: B_i has the 1/η_i too, else the state keeps what Λ has taken"""
    right = mended(phi, psi, eta)
    return dsf.LTVSystem(right.transition, psi[..., None], right.output)


def _constant_transition(phi, psi, eta):
    """has Λ_i = 1: then a token stays divided by the normaliser of the time when it was written"""
    right = mended(phi, psi, eta)
    return dsf.LTVSystem(torch.ones_like(right.transition), right.input, right.output)


def _divided_twice(phi, psi, eta):
    """divides in C_i as well: B_i and Λ_i have done it already"""
    right = mended(phi, psi, eta)
    return dsf.LTVSystem(right.transition, right.input, right.output / eta[:, None, None])


def _divided_at_reading(phi, psi, eta):
    """divides in C_i in the place of B_i, and Λ_i divides what is held once more"""
    right = mended(phi, psi, eta)
    return dsf.LTVSystem(right.transition, psi[..., None], right.output / eta[:, None, None])


def _features(draw):
    for length, width in ((1, 3), (6, 4), (9, 5)):
        phi, psi = draw.between(0.1, 1.1, 2, length, width)
        yield phi, psi, (phi * psi.cumsum(0)).sum(-1)


def _mixing_matrix(system, case):
    return system.matrix()


# --- coordinates ---------------------------------------------------------------------------------


def halving(eta):
    """τ_i, (L,), such that T_i = τ_i I turns Λ_i = η_{i-1}/η_i into one half for all i ≥ 1."""
    return eta * 0.5 ** torch.arange(len(eta))


def _new_transitions(tau, case):
    [eta] = case
    tau = torch.as_tensor(tau, dtype=torch.float64)
    if tau.shape != eta.shape:
        raise ValueError(f"returns shape {tuple(tau.shape)}, expected {tuple(eta.shape)}")
    ones = torch.ones(len(eta), 1, 1)
    transition = torch.cat([eta[:1], eta[:-1]]) / eta
    system = dsf.LTVSystem(transition[:, None, None], ones, ones)
    return theory.change_realization(system, tau[:, None, None]).transition[1:].flatten()


def _twice(eta):
    """doubles where it should halve: τ_i has the factor 2^{−i}"""
    return eta * 2.0 ** torch.arange(len(eta))


def _normaliser_left(eta):
    """leaves η in the new Λ: τ_i has to contain η_i, too"""
    return 0.5 ** torch.arange(len(eta))


def _normaliser_inverted(eta):
    """has η_i below: τ_i Λ_i / τ_{i−1} is one half if τ_i is a multiple of η_i"""
    return 0.5 ** torch.arange(len(eta)) / eta


def _constant(eta):
    """turns Λ into the identity: one half asks for a factor more at each step"""
    return eta.clone()


# --- writing differently -------------------------------------------------------------------------


def delta_memory(keys, values, beta, passes=1):
    """The state after the delta rule: keys (..., K, n), values (..., K, d), returns (..., n, d)."""
    S = torch.zeros(*keys.shape[:-2], keys.shape[-1], values.shape[-1])
    for _ in range(passes):
        for i in range(keys.shape[-2]):
            k_i, v_i = keys[..., i : i + 1, :], values[..., i : i + 1, :]
            S = S + beta * k_i.mT @ (v_i - k_i @ S)
    return S


def _delta(keys, values, beta, passes, write):
    S = torch.zeros(*keys.shape[:-2], keys.shape[-1], values.shape[-1])
    for _ in range(passes):
        for i in range(keys.shape[-2]):
            k_i, v_i = keys[..., i : i + 1, :], values[..., i : i + 1, :]
            S = write(S, k_i, v_i, beta)
    return S


def _additive(keys, values, beta, passes=1):
    """writes the value itself: what the memory already returns for this key is to be subtracted"""
    return passes * beta * keys.mT @ values


def _rate_left_out(keys, values, beta, passes=1):
    """leaves β out"""
    return delta_memory(keys, values, 1.0, passes)


def _rate_on_the_value_alone(keys, values, beta, passes=1):
    """has β at the new value alone: it stands before the whole difference"""
    return _delta(keys, values, beta, passes, lambda S, k, v, b: S + k.mT @ (b * v - k @ S))


def _rate_on_the_old_alone(keys, values, beta, passes=1):
    """has β at what is subtracted alone: it stands before the whole difference"""
    return _delta(keys, values, beta, passes, lambda S, k, v, b: S + k.mT @ (v - b * (k @ S)))


def _fades_everywhere(keys, values, beta, passes=1):
    """lets the whole state fade by 1 − β: only what lies along the key is to be replaced"""
    return _delta(keys, values, beta, passes, lambda S, k, v, b: (1 - b) * S + b * k.mT @ v)


def _wrong_sign(keys, values, beta, passes=1):
    """adds what the memory returns where it should subtract it"""
    return _delta(keys, values, beta, passes, lambda S, k, v, b: S + b * k.mT @ (v + k @ S))


def _one_pass(keys, values, beta, passes=1):
    """shows the pairs once, whatever `passes` says"""
    return delta_memory(keys, values, beta)


def _pairs(draw):
    cases = ((), 1, 3, 2, 0.5, 1), ((), 4, 6, 3, 0.75, 1), ((2,), 9, 5, 3, 0.25, 3)
    for leading, number, n, d, beta, passes in cases:
        keys = torch.nn.functional.normalize(draw.normal(*leading, number, n), dim=-1)
        yield keys, draw.normal(*leading, number, d), beta, passes


# --- challenge: a window that forgets ------------------------------------------------------------


def windowed(q, k, v, w):
    """Linear attention with elu + 1 over the last w tokens: q, k (L, m), v (L, d), returns (L, d).

    Without a second loop: what a token does takes as many operations for every w.
    """
    phi, psi = elu_plus_one(q), elu_plus_one(k)
    S, z, y = torch.zeros(psi.shape[-1], v.shape[-1]), torch.zeros(psi.shape[-1]), []
    for i in range(len(q)):
        S, z = S + torch.outer(psi[i], v[i]), z + psi[i]
        if i >= w:
            S, z = S - torch.outer(psi[i - w], v[i - w]), z - psi[i - w]
        y.append(phi[i] @ S / (phi[i] @ z))
    return torch.stack(y)


def _window(q, k, v, w, w_sum=None):
    scores = elu_plus_one(q) @ elu_plus_one(k).mT
    top, total = (scores.tril().triu(1 - size) for size in (w, w_sum or w))
    return top @ v / total.sum(-1, keepdim=True)


def _one_token_too_many(q, k, v, w):
    """reads w + 1 tokens: the one that leaves at time i is i − w"""
    return _window(q, k, v, w + 1)


def _one_token_too_few(q, k, v, w):
    """reads w − 1 tokens: the one that leaves at time i is i − w"""
    return _window(q, k, v, w - 1)


def _normaliser_keeps_all(q, k, v, w):
    """lets the token leave S and not z: the normaliser still counts it"""
    return _window(q, k, v, w, w_sum=len(q))


def _state_keeps_all(q, k, v, w):
    """lets the token leave z and not S"""
    return _window(q, k, v, len(q), w_sum=w)


def _nothing_leaves(q, k, v, w):
    """is linear attention over all tokens: nothing leaves"""
    return _window(q, k, v, len(q))


def _windows(draw):
    for length, width, values, w in ((2, 3, 4, 3), (7, 4, 3, 2), (9, 5, 2, 4)):
        yield *draw.normal(2, length, width), draw.normal(length, values), w


EXERCISES = {
    "la-recurrence": Exercise(
        recurrent_attention,
        _arrays,
        (
            _read_before_write,
            _state_after_reading,
            _sum_after_reading,
            _no_normaliser,
            _previous_normaliser,
            _no_feature_map,
            _map_on_keys_alone,
            _map_on_queries_alone,
            _elu_alone,
            _scaled,
            _mean_of_tokens,
            _normaliser_without_query,
            _sees_the_future,
            _softmax,
            _last_token_alone,
        ),
    ),
    "la-bug": Exercise(
        mended,
        _features,
        (
            _upside_down,
            _nothing_divided_in_b,
            _constant_transition,
            _divided_twice,
            _divided_at_reading,
        ),
        given=attention_system,
        view=_mixing_matrix,
    ),
    "la-telescope": Exercise(
        halving,
        lambda draw: [(draw.between(0.5, 2, L),) for L in (2, 6, 9)],
        (_twice, _normaliser_left, _normaliser_inverted, _constant),
        view=_new_transitions,
    ),
    "la-delta": Exercise(
        delta_memory,
        _pairs,
        (
            _additive,
            _rate_left_out,
            _rate_on_the_value_alone,
            _rate_on_the_old_alone,
            _fades_everywhere,
            _wrong_sign,
            _one_pass,
        ),
    ),
    "windowed": Exercise(
        windowed,
        _windows,
        (
            _one_token_too_many,
            _one_token_too_few,
            _normaliser_keeps_all,
            _state_keeps_all,
            _nothing_leaves,
        ),
        published=False,
    ),
}
