"""Chapter 4: normalised attention."""

import torch

import dsf
from dsf.classroom.kinds import Exercise
from dsf.feature_maps import identity


def _arrays(draw):
    """Queries, keys, values and positive numbers, of lengths that all differ."""
    for length, width, values in ((1, 3, 2), (6, 4, 3), (9, 5, 2)):
        yield (
            *draw.normal(2, length, width),
            draw.normal(length, values),
            draw.between(0.3, 3, length),
        )


# --- where the division can stand ----------------------------------------------------------------


def gated(q, k, v, eta):
    """Normalised attention by one call of linear attention: (L, d)."""
    return dsf.linear_attention(q, k, v, identity, normalize=False) / eta[:, None]


def _plain(q, k, v):
    return dsf.linear_attention(q, k, v, identity, normalize=False)


def _at_the_value(q, k, v, eta):
    """divides the value: token j is then divided by η_j, of the time when it was written"""
    return _plain(q, k, v / eta[:, None])


def _multiplied(q, k, v, eta):
    """multiplies by η_i where it should divide"""
    return _plain(q, k, v) * eta[:, None]


def _not_divided(q, k, v, eta):
    """does not use η"""
    return _plain(q, k, v)


def _row_sum(q, k, v, eta):
    """divides by the row sum, too: `normalize=False` is missing"""
    return dsf.linear_attention(q, k, v, identity) / eta[:, None]


def _row_sum_alone(q, k, v, eta):
    """divides by the row sum in the place of η"""
    return dsf.linear_attention(q, k, v, identity)


def _with_elu(q, k, v, eta):
    """has the feature map elu + 1: the scores here are plain, `identity`"""
    return dsf.linear_attention(q, k, v, normalize=False) / eta[:, None]


def _twice(q, k, v, eta):
    """divides in two places, so that η stands there squared"""
    return _plain(q, k, v) / eta[:, None] ** 2


def _previous(q, k, v, eta):
    """divides by η_{i−1}: row i has its own η_i"""
    return _plain(q, k, v) / torch.cat([eta[:1], eta[:-1]])[:, None]


# --- a model that forgets ------------------------------------------------------------------------


def attention_system(q, k, eta):
    """The three arrays of normalised attention. One line is wrong."""
    before = torch.cat([torch.ones(1), eta[:-1]])
    transition = (before / eta)[:, None, None]
    return dsf.LTVSystem(transition, k[..., None], q[..., None])


def mended(q, k, eta):
    """The three arrays of normalised attention."""
    before = torch.cat([torch.ones(1), eta[:-1]])
    transition = (before / eta)[:, None, None]
    return dsf.LTVSystem(transition, (k / eta[:, None])[..., None], q[..., None])


def _divided_by_the_previous(q, k, eta):
    """divides the key by η_{i−1}: the whole step is divided by one number, η_i"""
    before = torch.cat([torch.ones(1), eta[:-1]])
    return dsf.LTVSystem(
        (before / eta)[:, None, None], (k / before[:, None])[..., None], q[..., None]
    )


def _input_gate(q, k, eta):
    """has Λ_i = 1 and the key divided: that is an input gate"""
    return dsf.LTVSystem(torch.ones(len(eta), 1, 1), (k / eta[:, None])[..., None], q[..., None])


def _read_divided_too(q, k, eta):
    """divides the query as well: with the key and Λ_i divided, row i is divided twice"""
    right = mended(q, k, eta)
    return dsf.LTVSystem(right.transition, right.input, right.output / eta[:, None, None])


def _read_divided(q, k, eta):
    """divides the query in the place of the key, and leaves Λ_i: what is held is divided again"""
    right = mended(q, k, eta)
    return dsf.LTVSystem(right.transition, k[..., None], right.output / eta[:, None, None])


def _upside_down(q, k, eta):
    """has Λ_i upside down: η_{i−1} stands above, η_i below"""
    right = mended(q, k, eta)
    return dsf.LTVSystem(1 / right.transition, right.input, right.output)


def _undivided(q, k, eta):
    """does not divide at all: Λ_i = 1 needs the 1/η_i at the query"""
    return dsf.LTVSystem(torch.ones(len(eta), 1, 1), k[..., None], q[..., None])


def _mixing_matrix(system, case):
    return system.matrix()


# --- any transition you like ---------------------------------------------------------------------


def eta_of(wanted):
    """η, (L,), positive, whose transitions are the positive numbers `wanted`, (L - 1,)."""
    return torch.cat([torch.ones(1), 1 / wanted.cumprod(0)])


def _transitions(eta, case):
    [wanted] = case
    eta = torch.as_tensor(eta, dtype=torch.float64)
    if tuple(eta.shape) != (len(wanted) + 1,):
        hint = ": is η_0 missing?" if eta.shape == wanted.shape else ""
        raise ValueError(f"returns shape {tuple(eta.shape)}, expected ({len(wanted) + 1},){hint}")
    return eta[:-1] / eta[1:]


def _product(wanted):
    """is the product of the transitions: η is one over it, a transition below 1 makes η grow"""
    return torch.cat([torch.ones(1), wanted.cumprod(0)])


def _not_accumulated(wanted):
    """inverts each transition and does not multiply them up: η_i is η_{i−1}/λ_i"""
    return torch.cat([torch.ones(1), 1 / wanted])


def _transitions_themselves(wanted):
    """is the list of the transitions: λ_i is the quotient of two neighbours of η"""
    return torch.cat([torch.ones(1), wanted])


def _summed(wanted):
    """adds up where it should multiply"""
    return torch.cat([torch.ones(1), 1 / wanted.cumsum(0)])


# --- challenge: a normaliser for signed scores ---------------------------------------------------


def bounded(q, k, v):
    """Attention with plain scores, row i divided by max(|its row sum|, 1): returns (L, d).

    q, k (L, n), v (L, d); token after token, with a state of n (d + 1) numbers.
    """
    S, z, y = torch.zeros(k.shape[-1], v.shape[-1]), torch.zeros(k.shape[-1]), []
    for q_i, k_i, v_i in zip(q, k, v, strict=True):
        S, z = S + torch.outer(k_i, v_i), z + k_i
        y.append(q_i @ S / (q_i @ z).abs().clamp(min=1))
    return torch.stack(y)


def _divided_rows(q, k, v, divisor):
    scores = (q @ k.mT).tril()
    return scores @ v / divisor(scores)[:, None]


def _no_absolute(q, k, v):
    """takes the larger of the row sum and 1 without the absolute value: a sum of −5 divides by 5"""
    return _divided_rows(q, k, v, lambda s: s.sum(-1).clamp(min=1))


def _absolute_scores(q, k, v):
    """sums the absolute scores: it is the sum whose absolute value is taken"""
    return _divided_rows(q, k, v, lambda s: s.abs().sum(-1).clamp(min=1))


def _no_floor(q, k, v):
    """divides by the absolute row sum, which can be near 0: the floor of 1 is missing"""
    return _divided_rows(q, k, v, lambda s: s.sum(-1).abs())


def _plain_row_sum(q, k, v):
    """divides by the row sum, whatever its sign and size"""
    return _divided_rows(q, k, v, lambda s: s.sum(-1))


def _sign_kept(q, k, v):
    """keeps the sign of the row sum in the divisor"""
    return _divided_rows(q, k, v, lambda s: s.sum(-1).sign() * s.sum(-1).abs().clamp(min=1))


def _late_normaliser(q, k, v):
    """divides by the row sum of the step before: z is to hold token i when it is read"""
    return _divided_rows(q, k, v, lambda s: (s.sum(-1) - s.diagonal()).abs().clamp(min=1))


def _signed(draw):
    for length, width, values in ((1, 3, 2), (6, 4, 3), (9, 5, 2)):
        yield *draw.normal(2, length, width), draw.normal(length, values)


EXERCISES = {
    "na-places": Exercise(
        gated,
        _arrays,
        (
            _at_the_value,
            _multiplied,
            _not_divided,
            _row_sum,
            _row_sum_alone,
            _with_elu,
            _twice,
            _previous,
        ),
    ),
    "na-bug": Exercise(
        mended,
        lambda draw: [(q, k, eta) for q, k, _, eta in _arrays(draw)],
        (
            _divided_by_the_previous,
            _input_gate,
            _read_divided_too,
            _read_divided,
            _upside_down,
            _undivided,
        ),
        given=attention_system,
        view=_mixing_matrix,
    ),
    "na-any": Exercise(
        eta_of,
        lambda draw: [(draw.between(0.3, 1.3, count),) for count in (1, 4, 8)],
        (_product, _not_accumulated, _transitions_themselves, _summed),
        view=_transitions,
    ),
    "bounded": Exercise(
        bounded,
        _signed,
        (
            _no_absolute,
            _absolute_scores,
            _no_floor,
            _plain_row_sum,
            _sign_kept,
            _late_normaliser,
        ),
        published=False,
    ),
}
