"""Chapter 6: selective state space models."""

import torch

from dsf.classroom.kinds import Exercise

# --- held and read -------------------------------------------------------------------------------


def hidden_attention(step, a, b, c):
    """Φ of S6 without feed-through. One line is wrong."""
    phi = torch.zeros(step.shape[1], len(step), len(step))
    for j in range(len(step)):
        held = b[j, :, None] * step[j]  # n × d
        for i in range(j, len(step)):
            held = torch.exp(step[i] * a.mT) * held
            phi[:, i, j] = c[i] @ held
    return phi


def mended(step, a, b, c):
    """Φ of S6 without feed-through."""
    phi = torch.zeros(step.shape[1], len(step), len(step))
    for j in range(len(step)):
        held = b[j, :, None] * step[j]  # n × d
        for i in range(j, len(step)):
            if i > j:
                held = torch.exp(step[i] * a.mT) * held
            phi[:, i, j] = c[i] @ held
    return phi


def _phi(step, a, b, c, time=lambda step, i, j: step[j + 1 : i + 1].sum(0), write=None):
    """Φ with another time that passes between j and i, or another weight at writing."""
    phi = torch.zeros(step.shape[1], len(step), len(step))
    for j in range(len(step)):
        for i in range(j, len(step)):
            held = b[j, :, None] * (step[j] if write is None else write(step, i, j))
            phi[:, i, j] = c[i] @ (torch.exp(time(step, i, j) * a.mT) * held)
    return phi


def _fades_after_reading(step, a, b, c):
    """fades after the reading: what passes is then Δ_j to Δ_{i−1}, not Δ_{j+1} to Δ_i"""
    return _phi(step, a, b, c, lambda s, i, j: s[j:i].sum(0))


def _own_step_missing(step, a, b, c):
    """lets less time pass than it should: the step of the token that reads, Δ_i, belongs to it"""
    return _phi(step, a, b, c, lambda s, i, j: s[j + 1 : i].sum(0))


def _not_weighted(step, a, b, c):
    """leaves Δ_j out where the token is written"""
    return _phi(step, a, b, c, write=lambda s, i, j: torch.ones_like(s[j]))


def _weighted_by_the_reader(step, a, b, c):
    """writes with Δ_i, the step of the token that reads: it is Δ_j"""
    return _phi(step, a, b, c, write=lambda s, i, j: s[i])


def _never_fades(step, a, b, c):
    """never fades: the line belongs to all i > j"""
    return _phi(step, a, b, c, lambda s, i, j: torch.zeros_like(s[0]))


def _one_step_for_all(step, a, b, c):
    """fades by the present step alone: `held` is to be changed, step after step"""
    return _phi(step, a, b, c, lambda s, i, j: s[i] if i > j else torch.zeros_like(s[0]))


def _b_and_c_exchanged(step, a, b, c):
    """has b and c exchanged: a token is written with b_j and read with c_i"""
    return mended(step, a, c, b)


def _layers(draw):
    for length, d, n in ((1, 3, 2), (4, 3, 2), (5, 2, 3)):
        yield (
            draw.between(0.1, 1.5, length, d),
            -draw.between(0.3, 2, d, n),
            *draw.normal(2, length, n),
        )


# --- challenge: a token that lasts ---------------------------------------------------------------


def lasting(step, a, b):
    """Transition and input of a token that lasts for its whole step: both (L, n, d).

    step (L, d), a (d, n) negative or 0, b (L, n): h' = a h + b u, exactly, u constant for Δ.
    """
    fall = step[:, None] * a.mT
    ratio = torch.where(fall == 0, 1.0, torch.expm1(fall) / torch.where(fall == 0, 1.0, fall))
    return fall.exp(), ratio * step[:, None] * b[..., None]


def _both(result, case):
    step, a, _ = case
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise ValueError("does not return two arrays, `return transition, input`")
    shape = (len(step), a.shape[1], a.shape[0])
    for name, array in zip(("the transition", "the input"), result, strict=True):
        if tuple(array.shape) != shape:
            raise ValueError(f"returns {name} of shape {tuple(array.shape)}, expected {shape}")
    return torch.cat([array.flatten(1) for array in result])


def _as_in_s6(step, a, b):
    """writes Δ b, as S6 does: that is right for short steps only"""
    return lasting(step, a, b)[0], step[:, None] * b[..., None]


def _divides_by_zero(step, a, b):
    """divides by a, which is 0 in one state: there the input adds up to Δ b"""
    fall = step[:, None] * a.mT
    return fall.exp(), torch.expm1(fall) / a.mT * b[..., None]


def _not_divided(step, a, b):
    """lacks the division by a: what is written is (e^{Δa} − 1) b/a"""
    fall = step[:, None] * a.mT
    return fall.exp(), torch.where(fall == 0, step[:, None], torch.expm1(fall)) * b[..., None]


def _wrong_sign(step, a, b):
    """has the wrong sign where a < 0: e^{Δa} − 1 and a are both negative"""
    transition, write = lasting(step, a, b)
    return transition, torch.where(a.mT == 0, write, -write)


def _whole_step_at_once(step, a, b):
    """writes at the beginning of the step, so that all of the token fades for the whole of it"""
    transition = lasting(step, a, b)[0]
    return transition, transition * step[:, None] * b[..., None]


def _some_that_never_fade(draw):
    for step, a, b, _ in _layers(draw):
        a[0, 0] = 0
        yield step, a, b


EXERCISES = {
    "s6-bug": Exercise(
        mended,
        _layers,
        (
            _fades_after_reading,
            _own_step_missing,
            _not_weighted,
            _weighted_by_the_reader,
            _never_fades,
            _one_step_for_all,
            _b_and_c_exchanged,
        ),
        given=hidden_attention,
    ),
    "lasting": Exercise(
        lasting,
        _some_that_never_fade,
        (_as_in_s6, _divides_by_zero, _not_divided, _wrong_sign, _whole_step_at_once),
        view=_both,
        published=False,
    ),
}
