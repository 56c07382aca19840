"""Chapter 8: recurrent networks."""

import cmath
import math

import torch

import dsf
from dsf.classroom.kinds import Exercise

# --- what a gain keeps ---------------------------------------------------------------------------


def gains(keep):
    """The gain that keeps the mean and the gain that keeps the variance, for 0 < Λ = keep < 1."""
    return 1 - keep, math.sqrt(1 - keep**2)


def _exchanged(keep):
    """has the two exchanged: the gain for the mean comes first"""
    return gains(keep)[::-1]


def _not_squared(keep):
    """takes the root of 1 − Λ: a variance is multiplied by Λ²"""
    return 1 - keep, math.sqrt(1 - keep)


def _no_root(keep):
    """gives γ² for the variance: γ is its root"""
    return 1 - keep, 1 - keep**2


def _mean_for_both(keep):
    """takes 1 − Λ for both: with it the variance falls"""
    return 1 - keep, 1 - keep


def _variance_for_both(keep):
    """takes √(1 − Λ²) for both: with it the mean grows"""
    return gains(keep)[1], gains(keep)[1]


# --- RG-LRU in code ------------------------------------------------------------------------------


def hawk(u, r, g, decay):
    """RG-LRU. One line is wrong."""
    a = torch.sigmoid(decay)
    h, states = torch.zeros(u.shape[1]), []
    for u_i, r_i, g_i in zip(u, r, g, strict=True):
        keep = a ** (8 * torch.sigmoid(r_i))
        write = (1 - a**2).sqrt() * torch.sigmoid(g_i)
        h = keep * h + write * u_i
        states.append(h)
    return torch.stack(states)


def mended(u, r, g, decay):
    """RG-LRU."""
    a = torch.sigmoid(decay)
    h, states = torch.zeros(u.shape[1]), []
    for u_i, r_i, g_i in zip(u, r, g, strict=True):
        keep = a ** (8 * torch.sigmoid(r_i))
        write = (1 - keep**2).sqrt() * torch.sigmoid(g_i)
        h = keep * h + write * u_i
        states.append(h)
    return torch.stack(states)


def _lru(u, r, g, decay, gain=lambda keep: (1 - keep**2).sqrt(), gate=torch.sigmoid, power=8):
    keep = torch.sigmoid(decay) ** (power * torch.sigmoid(r))
    return dsf.linear_recurrence(keep, gain(keep) * gate(g) * u)


def _no_square(u, r, g, decay):
    """lacks the square: the gain is √(1 − Λ²)"""
    return _lru(u, r, g, decay, lambda keep: (1 - keep).sqrt())


def _no_root_of_the_gain(u, r, g, decay):
    """lacks the root: the gain is √(1 − Λ²)"""
    return _lru(u, r, g, decay, lambda keep: 1 - keep**2)


def _gain_of_a_mean(u, r, g, decay):
    """has the gain of a mean, 1 − Λ: RG-LRU keeps the variance"""
    return _lru(u, r, g, decay, lambda keep: 1 - keep)


def _no_gain(u, r, g, decay):
    """writes without a gain"""
    return _lru(u, r, g, decay, torch.ones_like)


def _no_input_gate(u, r, g, decay):
    """has lost the input gate"""
    return _lru(u, r, g, decay, gate=torch.ones_like)


def _no_eight(u, r, g, decay):
    """has lost the 8 in the exponent"""
    return _lru(u, r, g, decay, power=1)


# --- count to three ------------------------------------------------------------------------------


def transitions(bits):
    """Λ_i, (L,), complex: the state, 1 before the bits, is 1 where the ones divide by three."""
    turn = cmath.exp(2j * math.pi / 3)
    return torch.where(bits == 1, turn, 1)


def _back_at_one(transition, case):
    [bits] = case
    transition = torch.as_tensor(transition)
    if transition.shape != bits.shape:
        raise ValueError(f"returns shape {tuple(transition.shape)}, expected {tuple(bits.shape)}")
    state = transition.to(torch.complex128).cumprod(0)
    return ((state - 1).abs() < 1e-6).double()


def _parity(bits):
    """is back at 1 after two ones: that is parity"""
    return torch.where(bits == 1, -1.0, 1.0)


def _a_sixth(bits):
    """is back after six ones: a third of a turn is 2π/3"""
    return torch.where(bits == 1, cmath.exp(1j * math.pi / 3), 1)


def _shrinks(bits):
    """never comes back to 1 after a one: its size has to stay 1"""
    return torch.where(bits == 1, 1 / 3, 1.0)


def _zeros_turn(bits):
    """turns at every bit: a zero has Λ = 1"""
    return torch.full(bits.shape, cmath.exp(2j * math.pi / 3))


def _turns_at_zeros(bits):
    """turns at the zeros and not at the ones"""
    return transitions(1 - bits)


def _stays(bits):
    """never leaves 1"""
    return torch.ones(bits.shape)


def _a_quarter(bits):
    """is back after four ones: Λ³ is to be 1"""
    return torch.where(bits == 1, 1j, 1)


def _strings(draw):
    yield (torch.tensor([1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1]),)
    yield ((draw.between(0, 1, 60) > 0.4).long(),)
    yield (torch.tensor([0, 0, 1]),)


# --- challenge: read the input back --------------------------------------------------------------


def read_back(h, keep):
    """The inputs u of the states h_i = keep_i h_{i-1} + √(1 - keep_i²) u_i: all (L, d)."""
    before = torch.cat([torch.zeros_like(h[:1]), h[:-1]])
    return (h - keep * before) / (1 - keep**2).sqrt()


def _before(h):
    return torch.cat([torch.zeros_like(h[:1]), h[:-1]])


def _without_gain(h, keep):
    """does not undo the gain: divide by √(1 − Λ²)"""
    return h - keep * _before(h)


def _gain_not_squared(h, keep):
    """undoes the gain √(1 − Λ): it was √(1 − Λ²)"""
    return (h - keep * _before(h)) / (1 - keep).sqrt()


def _nothing_subtracted(h, keep):
    """leaves in what was held before the token"""
    return h / (1 - keep**2).sqrt()


def _not_faded(h, keep):
    """subtracts the whole state before: Λ_i of it was kept"""
    return (h - _before(h)) / (1 - keep**2).sqrt()


def _previous_decay(h, keep):
    """subtracts Λ_{i−1} h_{i−1}: the decay is that of the token itself"""
    late = torch.cat([keep[:1], keep[:-1]])
    return (h - late * _before(h)) / (1 - keep**2).sqrt()


def _multiplied(h, keep):
    """multiplies by the gain where it should divide"""
    return (h - keep * _before(h)) * (1 - keep**2).sqrt()


EXERCISES = {
    "rnn-gain": Exercise(
        gains,
        lambda draw: [(0.6,), (0.9,), (0.1,)],
        (_exchanged, _not_squared, _no_root, _mean_for_both, _variance_for_both),
    ),
    "rnn-bug": Exercise(
        mended,
        lambda draw: [
            (*draw.normal(3, length, d), draw.normal(d)) for length, d in ((1, 3), (5, 2), (7, 3))
        ],
        (_no_square, _no_root_of_the_gain, _gain_of_a_mean, _no_gain, _no_input_gate, _no_eight),
        given=hawk,
    ),
    "rnn-three": Exercise(
        transitions,
        _strings,
        (_parity, _a_sixth, _shrinks, _zeros_turn, _turns_at_zeros, _stays, _a_quarter),
        view=_back_at_one,
    ),
    "read-back": Exercise(
        read_back,
        lambda draw: [
            (draw.normal(length, d), draw.between(0.1, 0.95, length, d))
            for length, d in ((1, 3), (5, 2), (8, 3))
        ],
        (
            _without_gain,
            _gain_not_squared,
            _nothing_subtracted,
            _not_faded,
            _previous_decay,
            _multiplied,
        ),
        published=False,
    ),
}
