"""Chapter 1: linear recurrences and the DSF."""

import torch

from dsf import DenseSystem, LTVSystem, theory
from dsf.classroom.kinds import Exercise


def mixing_matrix(system, case):
    """Φ of a system, for comparison."""
    return system.matrix()


# --- closed forms: the running mean --------------------------------------------------------------


def averaging(L):
    """Φ of part 2 for L tokens: (L, L)."""
    i = torch.arange(float(L))
    return torch.ones(L, L).tril() / (i[:, None] + 1)


def _sees_the_future(L):
    """is not zero above the diagonal: at time i there is no token j > i yet"""
    return torch.ones(L, L) / (torch.arange(float(L))[:, None] + 1)


def _only_written(L):
    """is B_j alone: the transitions that a token meets later are missing"""
    return (torch.ones(L, L) / (torch.arange(float(L)) + 1)).tril()


def _own_transition(L):
    """has one factor too many: the product begins with Λ_{j+1}, not with Λ_j"""
    i = torch.arange(float(L))
    return averaging(L) * i / (i + 1)


def _counts_from_zero(L):
    """divides row i by i: the tokens 0 to i are i + 1"""
    return torch.ones(L, L).tril() / torch.arange(float(L))[:, None]


# --- one factor too many -------------------------------------------------------------------------


def mixing(decay, b, c):
    """Φ of a system with one state."""
    phi = torch.zeros(len(decay), len(decay))
    for i in range(len(decay)):
        for j in range(i + 1):
            phi[i, j] = c[i] * decay[j : i + 1].prod() * b[j]
    return phi


def mended(decay, b, c):
    """Φ of a system with one state."""
    phi = torch.zeros(len(decay), len(decay))
    for i in range(len(decay)):
        for j in range(i + 1):
            phi[i, j] = c[i] * decay[j + 1 : i + 1].prod() * b[j]
    return phi


def _shifted(decay, b, c):
    """has Λ_j in the product and lacks Λ_i: both ends are one step early"""
    return mended(torch.cat([decay[:1], decay[:-1]]), b, c)


def _one_too_few(decay, b, c):
    """lacks Λ_i: the decay of the token that reads comes before the reading"""
    phi = torch.zeros(len(decay), len(decay))
    for i in range(len(decay)):
        for j in range(i + 1):
            phi[i, j] = c[i] * decay[j + 1 : i].prod() * b[j]
    return phi


def _in_and_out(decay, b, c):
    """has B and C exchanged: a token is written with B_j and read with C_i"""
    return mended(decay, c, b)


# --- which mixers are hungry ---------------------------------------------------------------------


def ranks(L, n, w):
    """Ranks at the cut t = L/2: n random states, a window of w tokens, softmax attention."""
    most = L // 2
    return min(n, most), min(w - 1, most), most


def _whole_window(L, n, w):
    """counts the token at the cut: output t sees t − w + 1 to t, of which w − 1 stand before the
    cut"""
    return min(n, L // 2), min(w, L // 2), L // 2


def _softmax_of_finite_width(L, n, w):
    """bounds softmax attention by a width: the exponential, entry by entry, has full rank in
    general"""
    return min(n, L // 2), min(w - 1, L // 2), min(n, L // 2)


def _no_bound_of_the_block(L, n, w):
    """forgets the size of the block: it has L/2 rows, and no rank is above that"""
    return n, w - 1, L // 2


# --- which eigenvalue ----------------------------------------------------------------------------


def forgetting(phi):
    """A number computed from Φ, (L, L), alone."""
    return phi[-1, 3] / phi[-1, 8]


def _leaky(decay, growth=None):
    ones = torch.ones(20, 1, 1)
    plain = LTVSystem(decay * ones, ones, ones)
    if growth is None:
        return plain.matrix()
    return theory.change_realization(plain, growth ** torch.arange(20.0)[:, None, None]).matrix()


def _is_a_number(yours):
    found = torch.as_tensor(yours(_leaky(0.9)))
    if found.numel() != 1 or not torch.isfinite(found).all():
        return "does not return one finite number for the leaky integrator with λ = 0.9"
    return None


def _belongs_to_the_map(yours):
    one, other = (torch.as_tensor(yours(_leaky(0.9, g))) for g in (None, 1.05))
    same = torch.allclose(one, other, rtol=1e-6)
    return None if same else "differs for two realisations of one map: it reads more than Φ"


def _tells_forgetting(yours):
    slow, fast = (torch.as_tensor(yours(_leaky(decay))) for decay in (0.9, 0.5))
    if torch.allclose(slow, fast):
        return "is the same for λ = 0.9 and λ = 0.5, of which one forgets sooner"
    return None


def _diagonal(phi):
    return phi.diagonal().mean()


def _last_row(phi):
    return phi[-1]


# --- two matrices --------------------------------------------------------------------------------


def matrices():
    """A (2, 2), B (2, 1) and C (1, 2) of the mean of two tokens."""
    A = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    B = torch.tensor([[1.0], [0.0]])
    C = torch.tensor([[0.5, 0.5]])
    return A, B, C


def _impulse(result, case):
    """What the linear network makes of one 1 and four zeros."""
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise ValueError("does not return three matrices, `return A, B, C`")
    A, B, C = (torch.as_tensor(matrix, dtype=torch.float64) for matrix in result)
    for name, matrix, shape in (("A", A, (2, 2)), ("B", B, (2, 1)), ("C", C, (1, 2))):
        if tuple(matrix.shape) != shape:
            raise ValueError(f"{name} has shape {tuple(matrix.shape)}, expected {shape}")
    return torch.stack([(C @ torch.matrix_power(A, lag) @ B)[0, 0] for lag in range(5)])


def _with(said, A=((0, 0), (1, 0)), B=((1,), (0,)), C=((0.5, 0.5),)):
    def wrong():
        return A, B, C

    wrong.__doc__ = said
    return wrong


# --- there and back ------------------------------------------------------------------------------


def alternating(L):
    """A diagonal time-invariant `LTVSystem` of length L with the kernel 1, 0, 1, 0, ..."""
    rates = torch.tensor([1.0, -1.0]).reshape(1, 2, 1).expand(L, 2, 1)
    ones = torch.ones(L, 2, 1)
    return LTVSystem(rates, ones, ones / 2)


def _is_time_invariant(yours):
    system = yours(8)
    constant = all(
        torch.equal(x, x[:1].expand_as(x)) for x in (system.transition, system.input, system.output)
    )
    return (
        None if constant else "has the right Φ, and changes in time: Λ, B and C are to be constant"
    )


def _without_the_half(L):
    """is twice the kernel: 1 + (−1)^l is 2 at even lags"""
    system = alternating(L)
    return LTVSystem(system.transition, system.input, 2 * system.output)


def _odd_lags(L):
    """is the kernel 0, 1, 0, 1, ...: the weight of −1 has the wrong sign"""
    system = alternating(L)
    return LTVSystem(system.transition, system.input, system.output * torch.tensor([[1.0], [-1.0]]))


def _switched(L):
    on = (torch.arange(L) % 2 == 0).double().reshape(L, 1, 1)
    zero = torch.zeros_like(on)
    ones = torch.ones(L, 2, 1)
    slots = torch.cat([on, 1 - on], 1)
    return LTVSystem(ones + zero, slots, slots)


def ring(L):
    """A diagonal `LTVSystem` of length L with three states and the kernel 3, 1, 2, 0, 0, ..."""
    age = (torch.arange(L)[:, None] - torch.arange(3)) % 3  # (i - a) mod 3
    written = (age == 0).double()[..., None]
    return LTVSystem(1 - written, written, torch.tensor([3.0, 1.0, 2.0])[age][..., None])


def _never_erased(L):
    """never erases a slot: Λ is to be 0 in the step that writes it"""
    system = ring(L)
    return LTVSystem(torch.ones_like(system.transition), system.input, system.output)


def _read_too_old(L):
    """takes what was just written for one step old: its age is 0"""
    age = (torch.arange(L)[:, None] - torch.arange(3)) % 3
    system = ring(L)
    read = torch.tensor([3.0, 1.0, 2.0])[(age + 1) % 3][..., None]
    return LTVSystem(system.transition, system.input, read)


def _read_backwards(L):
    """counts the age backwards: slot a was written (i − a) mod 3 steps ago"""
    age = (torch.arange(3) - torch.arange(L)[:, None]) % 3
    system = ring(L)
    return LTVSystem(system.transition, system.input, torch.tensor([3.0, 1.0, 2.0])[age][..., None])


# --- written out ---------------------------------------------------------------------------------


def written_out(decay, b, c, d):
    """The `DenseSystem` of d channels that share decay, b and c, all (L, n): h[c·n + a] = H[a, c].

    Λ is (L, N, N), B (L, N, d), C (L, d, N) and D (L, d, d), which is 0, with N = n·d.
    """
    eye = torch.eye(d)
    return DenseSystem(
        torch.kron(eye, torch.diag_embed(decay)),
        torch.kron(eye, b[:, :, None]),
        torch.kron(eye, c[:, None, :]),
        torch.zeros(len(b), d, d),
    )


def _arrays(system, case):
    """Λ, B and C side by side: (L, N, N + 2d)."""
    decay, *_, d = case
    length, n = decay.shape
    shapes = {"transition": (n * d, n * d), "input": (n * d, d), "output": (d, n * d)}
    for name, shape in shapes.items():
        if getattr(system, name).shape != (length, *shape):
            found = tuple(getattr(system, name).shape)
            raise ValueError(f"has {name} of shape {found}, expected {(length, *shape)}")
    return torch.cat([system.transition, system.input, system.output.mT], -1)


def _through_channels(decay, b, c, d, arrays=("transition", "input", "output")):
    """runs through the channels fastest, in all three arrays: the outputs are right, and the state
    is `H.flatten()`, not the `H.mT.flatten()` that is asked for. Which factor of ⊗ is outside?"""
    eye, right = torch.eye(d), written_out(decay, b, c, d)
    turned = {
        "transition": torch.kron(torch.diag_embed(decay), eye),
        "input": torch.kron(b[:, :, None], eye),
        "output": torch.kron(c[:, None, :], eye),
    }
    return DenseSystem(*(turned.get(x) if x in arrays else y for x, y in vars(right).items()))


def _input_turned(decay, b, c, d):
    """has B_i = b_i ⊗ I_d, in another order than Λ_i and C_i: channel c then writes into states of
    other channels"""
    return _through_channels(decay, b, c, d, ("input",))


def _output_turned(decay, b, c, d):
    """has C_i = c_iᵀ ⊗ I_d, in another order than Λ_i and B_i: channel c then reads states of
    other channels"""
    return _through_channels(decay, b, c, d, ("output",))


def _transition_turned(decay, b, c, d):
    """has Λ_i = diag(λ_i) ⊗ I_d, in another order than B_i and C_i: states get the decay of other
    features"""
    return _through_channels(decay, b, c, d, ("transition",))


def _all_channels_mixed(decay, b, c, d):
    """writes every channel into the states of all: outside the diagonal blocks B_i is 0"""
    right = written_out(decay, b, c, d)
    write = torch.kron(torch.ones(d, d), b[:, :, None])
    return DenseSystem(right.transition, write, right.output, right.feedthrough)


def _one_decay(decay, b, c, d):
    """has one decay for all features of a step: λ_i stands on the diagonal of each block"""
    right = written_out(decay, b, c, d)
    mean = written_out(decay.mean(-1, keepdim=True).expand_as(decay), b, c, d)
    return DenseSystem(mean.transition, right.input, right.output, right.feedthrough)


def _shared(draw):
    for length, n, d in ((1, 3, 2), (4, 2, 3), (5, 3, 4)):
        yield draw.between(0.3, 0.9, length, n), *draw.normal(2, length, n), d


# --- challenge: two layers are one system --------------------------------------------------------


def stacked(first, second):
    """One `DenseSystem` with two states for two layers of one state, first and then second."""
    (a, b, c), (g, p, r) = (
        (s.transition[:, 0, 0], s.input[:, 0, 0], s.output[:, 0, 0]) for s in (first, second)
    )
    zero = torch.zeros_like(a)
    transition = torch.stack([torch.stack([a, zero], -1), torch.stack([p * c * a, g], -1)], -2)
    return DenseSystem(
        transition,
        torch.stack([b, p * c * b], -1)[..., None],
        torch.stack([zero, r], -1)[:, None],
        torch.zeros(len(a), 1, 1),
    )


def _one_step_late(first, second):
    """reads the state of the first layer one step late: at time i the second layer gets what the
    first has after its update"""
    exact = stacked(first, second)
    p, c = second.input[:, 0, 0], first.output[:, 0, 0]
    transition, write = exact.transition.clone(), exact.input.clone()
    transition[:, 1, 0] = p * c
    write[:, 1] = 0
    return DenseSystem(transition, write, exact.output, exact.feedthrough)


def _side_by_side(first, second):
    """is the sum of the two layers: they stand side by side, not in a row"""
    exact = stacked(first, second)
    transition, write = exact.transition.clone(), exact.input.clone()
    transition[:, 1, 0] = 0
    write[:, 1] = second.input[:, 0]
    read = torch.cat([first.output[:, 0], second.output[:, 0]], -1)[:, None]
    return DenseSystem(transition, write, read, exact.feedthrough)


def _second_first(first, second):
    """has the layers in the wrong order: Φ of the second stands on the left"""
    return stacked(second, first)


def _without_direct(first, second):
    """lacks the way of a token through both layers in one step: it reaches the second state
    through B, too"""
    exact = stacked(first, second)
    write = exact.input.clone()
    write[:, 1] = 0
    return DenseSystem(exact.transition, write, exact.output, exact.feedthrough)


def _one_state(draw, L):
    return LTVSystem(*(draw.between(0.3, 0.9, L, 1, 1), *draw.normal(2, L, 1, 1)))


EXERCISES = {
    "averaging": Exercise(
        averaging,
        lambda draw: [(1,), (4,), (7,)],
        (
            _sees_the_future,
            _only_written,
            _own_transition,
            _counts_from_zero,
        ),
    ),
    "one-factor": Exercise(
        mended,
        lambda draw: [
            (draw.between(0.2, 1.5, L), draw.normal(L), draw.normal(L)) for L in (1, 4, 6)
        ],
        (
            _shifted,
            _one_too_few,
            _in_and_out,
        ),
        given=mixing,
    ),
    "ranks": Exercise(
        ranks,
        lambda draw: [(32, 4, 6), (16, 3, 5), (12, 9, 4), (10, 2, 9)],
        (
            _whole_window,
            _softmax_of_finite_width,
            _no_bound_of_the_block,
        ),
    ),
    "forgetting": Exercise(
        forgetting,
        mistakes=(
            _diagonal,
            _last_row,
        ),
        laws=(_is_a_number, _belongs_to_the_map, _tells_forgetting),
    ),
    "two-matrices": Exercise(
        matrices,
        lambda draw: [()],
        (
            _with(
                "never sees the previous token: the second state has to copy the first, and C to "
                "read both",
                C=((0.5, 0),),
            ),
            _with(
                "keeps all tokens in the first state: it is to hold the current one alone",
                A=((1, 0), (1, 0)),
            ),
            _with("is the sum of two tokens, not their mean", C=((1, 1),)),
            _with(
                "writes the token into both states: the second gets it from the first later",
                B=((1,), (1,)),
            ),
        ),
        view=_impulse,
    ),
    "alternating": Exercise(
        alternating,
        lambda draw: [(1,), (8,)],
        (
            _without_the_half,
            _odd_lags,
        ),
        view=mixing_matrix,
        laws=(_is_time_invariant,),
    ),
    "ring": Exercise(
        ring,
        lambda draw: [(1,), (9,)],
        (
            _never_erased,
            _read_too_old,
            _read_backwards,
        ),
        view=mixing_matrix,
    ),
    "written-out": Exercise(
        written_out,
        _shared,
        (
            _through_channels,
            _input_turned,
            _output_turned,
            _transition_turned,
            _all_channels_mixed,
            _one_decay,
        ),
        view=_arrays,
    ),
    "stacked": Exercise(
        stacked,
        lambda draw: [(_one_state(draw, L), _one_state(draw, L)) for L in (1, 4, 7)],
        (
            _one_step_late,
            _without_direct,
            _side_by_side,
            _second_first,
        ),
        view=mixing_matrix,
        published=False,
    ),
}
