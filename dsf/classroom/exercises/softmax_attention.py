"""Chapter 2: softmax attention."""

import math

import torch

import dsf
from dsf.classroom.kinds import Exercise

# --- not a number --------------------------------------------------------------------------------


def bare(q, k, v):
    x = q @ k.mT / math.sqrt(q.shape[-1])
    scores = x.exp().tril()
    return scores / scores.sum(-1, keepdim=True) @ v


def mended(q, k, v):
    x = q @ k.mT / math.sqrt(q.shape[-1])
    x = x.masked_fill(torch.ones_like(x).triu(1).bool(), -torch.inf)
    scores = (x - x.amax(-1, keepdim=True)).exp().tril()
    return scores / scores.sum(-1, keepdim=True) @ v


def _largest_of_the_row(q, k, v):
    """takes the largest logit of the whole row: where it belongs to a later token, all scores that
    count can become 0, and 0/0 is no better"""
    x = q @ k.mT / math.sqrt(q.shape[-1])
    scores = (x - x.amax(-1, keepdim=True)).exp().tril()
    return scores / scores.sum(-1, keepdim=True) @ v


def _cut_off(limit):
    def wrong(q, k, v):
        x = (q @ k.mT / math.sqrt(q.shape[-1])).clamp(max=limit)
        scores = x.exp().tril()
        return scores / scores.sum(-1, keepdim=True) @ v

    wrong.__doc__ = (
        "cuts logits off: two above the limit get the same weight, however far apart they are"
    )
    return wrong


def _divided_by_m(q, k, v):
    """divides by m in the place of √m: every output changes, attention becomes flatter"""
    return mended(q / math.sqrt(q.shape[-1]), k, v)


def _without_scale(q, k, v):
    """has lost the division by √m"""
    return mended(q * math.sqrt(q.shape[-1]), k, v)


def _sees_the_future(q, k, v):
    """attends to later tokens too: the mask is missing"""
    return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1) @ v


def _over_queries(q, k, v):
    """takes the largest of each column: only what is the same in a whole row can be subtracted"""
    x = q @ k.mT / math.sqrt(q.shape[-1])
    scores = (x - x.amax(-2, keepdim=True)).exp().tril()
    return scores / scores.sum(-1, keepdim=True) @ v


def _queries_of_all_sizes(draw):
    for length, width, values, factor in (
        (1, 3, 2, 1),
        (6, 4, 3, 1),
        (7, 4, 3, 1e5),
        (5, 2, 3, 4e4),
    ):
        q, k = draw.normal(2, length, width)
        yield factor * q, k, draw.normal(length, values)
    late = torch.arange(5.0)[:, None]  # each logit far above those before, and far below the next
    yield torch.ones(5, 1), 1000 * late, draw.normal(5, 2)


# --- counting monomials --------------------------------------------------------------------------


def features_of(m, p):
    """The number of monomials of degree at most p in m variables."""
    return math.comb(m + p, p)


def _one_degree(m, p):
    """counts the monomials of degree p alone: the lower degrees belong to the map as well"""
    return math.comb(m + p - 1, p)


def _ordered(m, p):
    """counts products in which the order matters: z_1 z_2 and z_2 z_1 are one monomial"""
    return sum(m**r for r in range(p + 1))


def _ordered_of_one_degree(m, p):
    """counts z_1 z_2 and z_2 z_1 as two, and degree p only"""
    return m**p


def _without_the_constant(m, p):
    """lacks the constant 1, the monomial of degree 0"""
    return math.comb(m + p, p) - 1


def _powers_alone(m, p):
    """counts powers of single variables: products of different ones are monomials too"""
    return m * p + 1


def _powers_without_the_constant(m, p):
    """counts powers of single variables, and lacks products and the constant"""
    return m * p


# --- what a rank decides -------------------------------------------------------------------------


def averaging_attention(L, a):
    """Queries and keys, (L, m) each, whose softmax attention is the moving average of (d)."""
    return torch.ones(L, 1), -math.log(a) * torch.arange(L)[:, None]


def _weights(result, case):
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise ValueError("does not return two arrays, `return q, k`")
    q, k = (torch.as_tensor(x, dtype=torch.float64) for x in result)
    if q.ndim != 2 or q.shape != k.shape or len(q) != case[0]:
        raise ValueError(f"returns shapes {tuple(q.shape)} and {tuple(k.shape)}, expected (L, m)")
    return dsf.softmax_matrix(q, k)


def _oldest_first(L, a):
    """gives the largest weight to the oldest token: a sign is wrong"""
    q, k = averaging_attention(L, a)
    return q, -k


def _powers_as_keys(L, a):
    """takes the powers themselves for logits: what is exponentiated is their logarithm"""
    return torch.ones(L, 1), a ** -torch.arange(L)[:, None].double()


def _all_alike(L, a):
    """weighs all tokens alike: the keys have to tell them apart"""
    return torch.ones(L, 1), torch.zeros(L, 1)


def _without_logarithm(L, a):
    """has keys that grow like −j a: the score is an exponential, and its exponent is −j log a"""
    return torch.ones(L, 1), -a * torch.arange(L)[:, None]


# --- a trained model without its cache -----------------------------------------------------------


def polynomial(x, order):
    """T_order(x), the Taylor polynomial of the exponential, term by term: shape of x."""
    term = total = torch.ones_like(x)
    for r in range(1, order + 1):
        term = term * x / r
        total = total + term
    return total


def _one_term_short(x, order):
    """ends one term early: T_p has the degrees 0 to p"""
    return polynomial(x, order - 1)


def _one_term_more(x, order):
    """has one term too many: T_p has the degrees 0 to p"""
    return polynomial(x, order + 1)


def _without_factorials(x, order):
    """lacks the factorials: the term of degree r is divided by r!"""
    return sum(x**r for r in range(order + 1))


def _divided_by_the_degree(x, order):
    """divides the term of degree r by r, and not by r!"""
    return 1 + sum(x**r / r for r in range(1, order + 1))


def _without_one(x, order):
    """lacks the term 1, of degree 0"""
    return polynomial(x, order) - 1


def _exponential(x, order):
    """is the exponential itself"""
    return x.exp()


# --- challenge: attention in one pass ------------------------------------------------------------


def in_one_pass(q, k, v):
    """Attention of one query to all tokens: q (m,), k (L, m), v (L, d), returns (d,).

    Reads token after token, and carries d + 2 numbers.
    """
    largest, total, mixed = torch.tensor(-torch.inf), torch.zeros(()), torch.zeros(v.shape[-1])
    for k_j, v_j in zip(k, v, strict=True):
        x = q @ k_j / math.sqrt(len(q))
        now = torch.maximum(largest, x)
        faded, weight = (largest - now).exp(), (x - now).exp()
        largest, total, mixed = now, faded * total + weight, faded * mixed + weight * v_j
    return mixed / total


def _one_pass(q, k, v, rescale_total=True, rescale_mixed=True, shift=True, scale=True):
    largest, total, mixed = torch.tensor(-torch.inf), torch.zeros(()), torch.zeros(v.shape[-1])
    for k_j, v_j in zip(k, v, strict=True):
        x = q @ k_j / (math.sqrt(len(q)) if scale else 1)
        now = torch.maximum(largest, x) if shift else torch.zeros(())
        faded, weight = (largest - now).exp() if shift else 1.0, (x - now).exp()
        total = (faded if rescale_total else 1) * total + weight
        mixed = (faded if rescale_mixed else 1) * mixed + weight * v_j
        largest = now
    return mixed / total


def _sum_not_rescaled(q, k, v):
    """rescales the values and not the sum of the scores, when a larger logit comes"""
    return _one_pass(q, k, v, rescale_total=False)


def _values_not_rescaled(q, k, v):
    """rescales the sum of the scores and not the values, when a larger logit comes"""
    return _one_pass(q, k, v, rescale_mixed=False)


def _nothing_rescaled(q, k, v):
    """mixes scores with different shifts: what is carried has to fade when a larger logit comes"""
    return _one_pass(q, k, v, rescale_total=False, rescale_mixed=False)


def _no_shift(q, k, v):
    """overflows: the exponential of a large logit is infinite"""
    return _one_pass(q, k, v, shift=False)


def _one_pass_without_scale(q, k, v):
    """has logits that are not divided by √m"""
    return _one_pass(q, k, v, scale=False)


def _single_queries(draw):
    for length, width, values, factor in ((1, 3, 2, 1), (6, 4, 3, 1), (8, 5, 3, 2), (7, 4, 2, 1e5)):
        yield factor * draw.normal(width), draw.normal(length, width), draw.normal(length, values)


EXERCISES = {
    "sm-overflow": Exercise(
        mended,
        _queries_of_all_sizes,
        (
            _largest_of_the_row,
            _cut_off(80),
            _divided_by_m,
            _without_scale,
            _sees_the_future,
            _over_queries,
        ),
        given=bare,
    ),
    "sm-monomials": Exercise(
        features_of,
        lambda draw: [(1, 5), (3, 4), (8, 2), (64, 2)],
        (
            _one_degree,
            _ordered,
            _ordered_of_one_degree,
            _without_the_constant,
            _powers_alone,
            _powers_without_the_constant,
        ),
    ),
    "sm-rank": Exercise(
        averaging_attention,
        lambda draw: [(1, 0.8), (8, 0.8), (6, 0.3)],
        (_oldest_first, _powers_as_keys, _all_alike, _without_logarithm),
        view=_weights,
    ),
    "sm-trained": Exercise(
        polynomial,
        lambda draw: [(2 * draw.normal(3, 5), order) for order in (1, 2, 4, 7)],
        (
            _one_term_short,
            _one_term_more,
            _without_factorials,
            _divided_by_the_degree,
            _without_one,
            _exponential,
        ),
    ),
    "in-one-pass": Exercise(
        in_one_pass,
        _single_queries,
        (
            _sum_not_rescaled,
            _values_not_rescaled,
            _nothing_rescaled,
            _no_shift,
            _one_pass_without_scale,
        ),
        published=False,
    ),
}
