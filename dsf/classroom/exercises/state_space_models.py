"""Chapter 5: state space models."""

import torch

import dsf
from dsf.classroom.kinds import Exercise

# --- a kernel in four lines ----------------------------------------------------------------------


def spring_kernel(a, b, c, step, length):
    """The kernel of S4D: complex a, b, c (d, n), step (d,), returns (length, d), real."""
    a_bar, b_bar = dsf.discretize(a, b, step[:, None])
    lags = torch.arange(length)[:, None, None]
    powers = a_bar**lags  # (L, d, n)
    return (c * powers * b_bar).sum(-1).real


def _parts(a, b, step, length, first=0):
    """Powers of the discretised poles, (length, d, n), and the discretised b."""
    a_bar, b_bar = dsf.discretize(a, b, step[:, None])
    return a_bar ** torch.arange(first, length + first)[:, None, None], b_bar


def _real_parts_early(a, b, c, step, length):
    """takes real parts before the product: the real part of a product is not that of its factors"""
    powers, b_bar = _parts(a, b, step, length)
    return (c.real * powers.real * b_bar.real).sum(-1)


def _one_lag_late(a, b, c, step, length):
    """begins with the power 1: at lag 0 a token has not been turned yet"""
    powers, b_bar = _parts(a, b, step, length, first=1)
    return (c * powers * b_bar).sum(-1).real


def _poles_of_the_spring(a, b, c, step, length):
    """raises a itself to the powers: those are of a_bar, after the step"""
    return (c * a ** torch.arange(length)[:, None, None] * _parts(a, b, step, 1)[1]).sum(-1).real


def _b_not_discretised(a, b, c, step, length):
    """weighs with b in the place of b_bar"""
    return (c * _parts(a, b, step, length)[0] * b).sum(-1).real


def _step_left_out(a, b, c, step, length):
    """leaves the step out: `step[:, None]` goes into `dsf.discretize`"""
    return spring_kernel(a, b, c, torch.ones_like(step), length)


def _twice(a, b, c, step, length):
    """is twice the kernel: here no pole has its conjugate beside it"""
    return 2 * spring_kernel(a, b, c, step, length)


def _imaginary(a, b, c, step, length):
    """returns the imaginary part"""
    powers, b_bar = _parts(a, b, step, length)
    return (c * powers * b_bar).sum(-1).imag


def _size(a, b, c, step, length):
    """returns the modulus: the sign of a swing is lost"""
    powers, b_bar = _parts(a, b, step, length)
    return (c * powers * b_bar).sum(-1).abs()


def _not_weighted(a, b, c, step, length):
    """leaves c out"""
    return spring_kernel(a, b, torch.ones_like(c), step, length)


def _springs(draw):
    for d, n, length in ((3, 2, 1), (2, 3, 6), (4, 3, 9)):
        a = torch.complex(-draw.between(0.1, 1, d, n), draw.between(0.5, 4, d, n))
        b, c = (torch.complex(*draw.normal(2, d, n)) for _ in range(2))
        yield a, b, c, draw.between(0.05, 0.5, d), length


# --- the layer that knew the end -----------------------------------------------------------------


def convolve(u, kernel):
    """y_i = Σ_l K_l u_{i-l}. One line is wrong; mending it asks for a cut in another."""
    length = u.shape[0]
    spectrum = torch.fft.rfft(u, n=length, dim=0)
    spectrum = spectrum * torch.fft.rfft(kernel, n=length, dim=0)
    return torch.fft.irfft(spectrum, n=length, dim=0)


def mended(u, kernel):
    """y_i = Σ_l K_l u_{i-l}."""
    length = 2 * u.shape[0]
    spectrum = torch.fft.rfft(u, n=length, dim=0)
    spectrum = spectrum * torch.fft.rfft(kernel, n=length, dim=0)
    return torch.fft.irfft(spectrum, n=length, dim=0)[: u.shape[0]]


def _all_of_it(u, kernel):
    length = 2 * u.shape[0]
    spectrum = torch.fft.rfft(u, n=length, dim=0) * torch.fft.rfft(kernel, n=length, dim=0)
    return torch.fft.irfft(spectrum, n=length, dim=0)


def _not_cut(u, kernel):
    """returns the whole ring: only the first L places are outputs"""
    return _all_of_it(u, kernel)


def _cut_at_the_wrong_end(u, kernel):
    """cuts off the outputs and keeps what falls behind the end"""
    return _all_of_it(u, kernel)[len(u) :]


def _one_place_more(u, kernel):
    """has one place more on the ring, not twice as many: the end still wraps around"""
    length = u.shape[0] + 1
    spectrum = torch.fft.rfft(u, n=length, dim=0) * torch.fft.rfft(kernel, n=length, dim=0)
    return torch.fft.irfft(spectrum, n=length, dim=0)[: len(u)]


def _kernel_turned(u, kernel):
    """has the kernel turned around: K_0 belongs to the present token"""
    return mended(u, kernel.flip(0))


def _correlation(u, kernel):
    """reads forwards, u_{i+l}: a conjugate too many"""
    return mended(u.flip(0), kernel).flip(0)


def _signals(draw):
    for length, channels in ((2, 3), (5, 2), (8, 3)):
        yield draw.normal(length, channels), draw.normal(length, channels)


# --- challenge: a spring without complex numbers -------------------------------------------------


def real_spring(radius, angle, L):
    """A `DenseSystem` of length L with two real states and the kernel radius^l cos(l angle)."""
    angle = torch.as_tensor(angle, dtype=torch.float64)
    turn = torch.stack(
        [torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])]
    )
    first = torch.tensor([[1.0], [0.0]])
    return dsf.DenseSystem(
        (radius * turn).expand(L, 2, 2),
        first.expand(L, 2, 1),
        first.mT.expand(L, 1, 2),
        torch.zeros(L, 1, 1),
    )


def _changed(transition=None, write=None, read=None):
    def make(radius, angle, L):
        exact = real_spring(radius, angle, L)
        lam, b, c = exact.transition.clone(), exact.input.clone(), exact.output.clone()
        lam = lam if transition is None else transition(lam, radius)
        b = b if write is None else torch.tensor(write).expand(L, 2, 1)
        c = c if read is None else torch.tensor(read).expand(L, 1, 2)
        return dsf.DenseSystem(lam, b, c, exact.feedthrough)

    return make


def _never_fades(radius, angle, L):
    """turns and never fades: the radius is missing"""
    return _changed(lambda lam, r: lam / r)(radius, angle, L)


def _does_not_turn(radius, angle, L):
    """fades by radius · cos(angle) and does not turn: the off-diagonal entries are missing"""
    return _changed(lambda lam, r: lam * torch.eye(2))(radius, angle, L)


def _mirror(radius, angle, L):
    """is a reflection, not a rotation: one of the two sines has a minus"""
    sign = torch.tensor([[1.0, -1.0], [1.0, 1.0]])
    return _changed(lambda lam, r: lam * sign)(radius, angle, L)


def _reads_the_sine(radius, angle, L):
    """reads the other state, which holds the sine"""
    return _changed(read=[[0.0, 1.0]])(radius, angle, L)


def _writes_into_both(radius, angle, L):
    """writes into both states: a spring begins on the real axis"""
    return _changed(write=[[1.0], [1.0]])(radius, angle, L)


def _a_conjugate_too_many(radius, angle, L):
    """is twice the kernel: the real part of one pole, not the sum of a pole and its conjugate"""
    return _changed(read=[[2.0, 0.0]])(radius, angle, L)


EXERCISES = {
    "ss-kernel": Exercise(
        spring_kernel,
        _springs,
        (
            _real_parts_early,
            _one_lag_late,
            _poles_of_the_spring,
            _b_not_discretised,
            _step_left_out,
            _twice,
            _imaginary,
            _size,
            _not_weighted,
        ),
    ),
    "ss-bug": Exercise(
        mended,
        _signals,
        (_not_cut, _cut_at_the_wrong_end, _one_place_more, _kernel_turned, _correlation),
        given=convolve,
    ),
    "real-spring": Exercise(
        real_spring,
        lambda draw: [(0.9, 0.7, 1), (0.9, 0.7, 5), (0.5, 2.0, 8)],
        (
            _never_fades,
            _does_not_turn,
            _mirror,
            _reads_the_sine,
            _writes_into_both,
            _a_conjugate_too_many,
        ),
        view=lambda system, case: system.matrix(),
        published=False,
    ),
}
