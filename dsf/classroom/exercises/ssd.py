"""Chapter 7: SSD and Mamba-2."""

import torch

import dsf
from dsf.classroom.kinds import Exercise

# --- one wrong line ------------------------------------------------------------------------------


def in_chunks(decay, write, c, u, Q):
    H, y = torch.zeros(write.shape[1], u.shape[1]), []
    for s in range(0, len(u), Q):
        now = slice(s, s + Q)
        mask = dsf.segment_products(decay[now])
        inside = (mask * (c[now] @ write[now].mT)) @ u[now]
        y.append(inside + mask[:, :1] * (c[now] @ H))
        left = (mask[-1, :, None] * write[now]).mT @ u[now]
        H = decay[now].prod() * H + left
    return torch.cat(y)


def mended(decay, write, c, u, Q):
    H, y = torch.zeros(write.shape[1], u.shape[1]), []
    for s in range(0, len(u), Q):
        now = slice(s, s + Q)
        mask = dsf.segment_products(decay[now])
        inside = (mask * (c[now] @ write[now].mT)) @ u[now]
        y.append(inside + decay[now].cumprod(0)[:, None] * (c[now] @ H))
        left = (mask[-1, :, None] * write[now]).mT @ u[now]
        H = decay[now].prod() * H + left
    return torch.cat(y)


def _chunks(decay, write, c, u, Q, faded=None, left=None, carried=None, late=False):
    """The chunks with another factor of the state that comes in, of what is left, of both."""
    H, y = torch.zeros(write.shape[1], u.shape[1]), []
    for s in range(0, len(u), Q):
        now = slice(s, s + Q)
        mask = dsf.segment_products(decay[now])
        inside = (mask * (c[now] @ write[now].mT)) @ u[now]
        factor = decay[now].cumprod(0) if faded is None else faded(decay[now])
        before = H
        last = mask[-1] if left is None else left(decay[now])
        whole = decay[now].prod() if carried is None else carried(decay[now])
        H = whole * H + (last[:, None] * write[now]).mT @ u[now]
        y.append(inside + factor[:, None] * (c[now] @ (H if late else before)))
    return torch.cat(y)


def _not_faded(decay, write, c, u, Q):
    """reads the state that comes in as if nothing had faded since"""
    return _chunks(decay, write, c, u, Q, faded=torch.ones_like)


def _faded_by_the_present(decay, write, c, u, Q):
    """fades the state that comes in by λ_i alone: it has met all decays of the chunk up to i"""
    return _chunks(decay, write, c, u, Q, faded=lambda x: x)


def _faded_by_the_chunk(decay, write, c, u, Q):
    """fades the state that comes in by the whole chunk, also for its first token"""
    return _chunks(decay, write, c, u, Q, faded=lambda x: x.prod().expand(len(x)))


def _nothing_comes_in(decay, write, c, u, Q):
    """does not read the state that comes in: every chunk begins from nothing"""
    return _chunks(decay, write, c, u, Q, faded=torch.zeros_like)


def _left_unfaded(decay, write, c, u, Q):
    """leaves the tokens of a chunk unfaded in the state: they fade to its end"""
    return _chunks(decay, write, c, u, Q, left=torch.ones_like)


def _state_unfaded(decay, write, c, u, Q):
    """carries the old state over without the decay of the whole chunk"""
    return _chunks(decay, write, c, u, Q, carried=lambda x: torch.ones(()))


def _reads_the_new_state(decay, write, c, u, Q):
    """reads the state after the chunk, so that its tokens count twice"""
    return _chunks(decay, write, c, u, Q, late=True)


def _heads(draw):
    for length, n, d, Q in ((1, 3, 2, 2), (6, 4, 3, 2), (7, 5, 3, 4)):
        yield (
            draw.between(0.3, 0.95, length),
            *draw.normal(2, length, n),
            draw.normal(length, d),
            Q,
        )


# --- a decay for each feature --------------------------------------------------------------------


def chunk_scores(gates, c, write):
    """The scores inside one chunk: gates, c, write (Q, n), returns (Q, Q)."""
    P = gates.cumprod(0)
    return ((c * P) @ (write / P).mT).tril()


def _scores(gates, c, write, rows, columns):
    return ((c * rows) @ (write * columns).mT).tril()


def _not_causal(gates, c, write):
    """is not zero above the diagonal"""
    P = gates.cumprod(0)
    return (c * P) @ (write / P).mT


def _rows_alone(gates, c, write):
    """fades by all gates from the beginning of the chunk: divide the column by those up to j"""
    return _scores(gates, c, write, gates.cumprod(0), 1)


def _columns_multiplied(gates, c, write):
    """multiplies the column by P_j, where it should divide"""
    return _scores(gates, c, write, gates.cumprod(0), gates.cumprod(0))


def _own_gate_too(gates, c, write):
    """has the gate of j in it: token j is not faded by its own gate"""
    return _scores(gates, c, write, gates.cumprod(0), gates / gates.cumprod(0))


def _reader_gate_missing(gates, c, write):
    """lacks the gate of i, and has that of j: both ends are one step early"""
    P = gates.cumprod(0)
    return _scores(gates, c, write, P / gates, gates / P)


def _no_gates(gates, c, write):
    """does not fade"""
    return _scores(gates, c, write, 1, 1)


def _upside_down(gates, c, write):
    """has P_j/P_i, so that a score grows with the lag"""
    P = gates.cumprod(0)
    return _scores(gates, c, write, 1 / P, P)


def _gated(draw):
    for length, n in ((1, 3), (5, 4), (7, 3)):
        yield draw.between(0.3, 0.95, length, n), *draw.normal(2, length, n)


# --- challenge: a mask with resets ---------------------------------------------------------------


def mask_with_resets(decay):
    """M, (L, L), with M_ij = λ_{j+1} ⋯ λ_i for j ≤ i and 0 above, for decays that may be 0.

    Without `dsf.segment_products`, and with at most one loop.
    """
    L = len(decay)
    factors = decay[:, None].expand(L, L).tril(-1) + torch.ones(L, L).triu()
    return factors.cumprod(0).tril()


def _quotients(decay):
    """divides cumulative products: after a reset that is 0/0"""
    P = decay.cumprod(0)
    return (P[:, None] / P).tril()


def _quotients_without_nan(decay):
    """takes 0 for what divides by 0: behind a reset the tokens that came after it are lost"""
    P = decay.cumprod(0)
    return (P[:, None] / P).nan_to_num(0, 0, 0).tril()


def _logarithms(decay):
    """keeps logarithms away from 0, and so nothing is ever erased"""
    S = decay.clamp(min=1e-3).log().cumsum(0)
    return (S[:, None] - S).exp().tril()


def _own_decay(decay):
    """has λ_j in entry ij: the diagonal is 1"""
    return mask_with_resets(decay) * decay


def _one_short(decay):
    """is λ_j ⋯ λ_{i−1}, one step early at both ends: a token fades what is held, then it reads"""
    return mask_with_resets(torch.cat([decay[:1], decay[:-1]]))


def _no_upper_zeros(decay):
    """is not zero above the diagonal"""
    L = len(decay)
    return (decay[:, None].expand(L, L).tril(-1) + torch.ones(L, L).triu()).cumprod(0)


def _resets(draw):
    for length in (1, 5, 8):
        decay = draw.between(0.3, 0.95, length)
        decay[length // 2] = 0
        yield (decay,)


EXERCISES = {
    "ssd-bug": Exercise(
        mended,
        _heads,
        (
            _not_faded,
            _faded_by_the_present,
            _faded_by_the_chunk,
            _nothing_comes_in,
            _left_unfaded,
            _state_unfaded,
            _reads_the_new_state,
        ),
        given=in_chunks,
    ),
    "ssd-gates": Exercise(
        chunk_scores,
        _gated,
        (
            _not_causal,
            _rows_alone,
            _columns_multiplied,
            _own_gate_too,
            _reader_gate_missing,
            _no_gates,
            _upside_down,
        ),
    ),
    "mask-with-resets": Exercise(
        mask_with_resets,
        _resets,
        (
            _quotients,
            _quotients_without_nan,
            _logarithms,
            _own_decay,
            _one_short,
            _no_upper_zeros,
        ),
        published=False,
    ),
}
