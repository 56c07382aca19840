"""Chapter 9: the map."""

import torch

import dsf
from dsf.classroom.kinds import Draw, Exercise

# --- match the pictures --------------------------------------------------------------------------


def pictures():
    """The architectures of pictures 1 to 5: linear, s4d, s6, ssd, rg_lru, in the right order."""
    return ["s4d", "rg_lru", "s6", "linear", "ssd"]


def _are_names(yours):
    names, known = yours(), sorted(pictures())
    if isinstance(names, list | tuple) and sorted(map(str, names)) == known:
        return None
    return f"is no order of the five names: {', '.join(known)}, each once"


def _match(yours):
    names, right = list(yours()), pictures()
    if names == right:
        return None
    exchanged = {
        ("s6", "ssd"): "S6 and SSD: which of them has a rate of its own for every state?",
        ("linear", "ssd"): "linear attention and SSD: which of them can amplify?",
        ("rg_lru", "s6"): "RG-LRU and S6: which of them has one state a channel?",
        ("s4d", "s6"): "S4D and S6: which of them is the same at all times?",
    }
    for (one, other), said in exchanged.items():
        if names == [{one: other, other: one}.get(name, name) for name in right]:
            return f"exchanges {said}"
    return f"has {sum(map(str.__eq__, names, right))} of 5 right"


def _named(*names):
    return lambda: list(names)


# --- a test that nearly all pass -----------------------------------------------------------------


def example(name, length=24, n=4, d=3, seed=0):
    """Random arguments of an architecture."""
    entry = dsf.ARCHITECTURES[name]
    return entry.example(length, n, d, seed=seed, dtype=torch.float64)


def build(name, order=16, **sizes):
    """The system of an architecture for these arguments; `order` is for softmax alone."""
    arguments = example(name, **sizes).system
    if "order" in arguments:
        arguments["order"] = order
    return dsf.ARCHITECTURES[name].system(**arguments)


def with_other_token(name, t):
    """The system for arguments of which those at time t are new."""
    some, others = (example(name, seed=seed).system for seed in (0, 1))
    for key, array in some.items():
        if torch.is_tensor(array) and len(array) == 24:
            some[key] = torch.cat([array[:t], others[key][t : t + 1], array[t + 1 :]])
    return dsf.ARCHITECTURES[name].system(**some)


def can_forget(name, t=12):
    """Whether token t changes the last row of Φ by more than a factor."""
    before = build(name).matrix().expand(3, 24, 24)[0, -1]
    after = with_other_token(name, t).matrix().expand(3, 24, 24)[0, -1]
    factor = (after / before)[before * after != 0]
    return not torch.allclose(factor / factor[0], torch.ones_like(factor), rtol=1e-6)


def mended(name, t=12):
    """Whether token t changes the last row of Φ, but for its own weight, by more than a factor."""
    before = build(name).matrix().expand(3, 24, 24)[0, -1]
    after = with_other_token(name, t).matrix().expand(3, 24, 24)[0, -1]
    kept = (before * after != 0) & (torch.arange(24) != t)
    factor = (after / before)[kept] / (after / before)[(before.abs() * kept).argmax()]
    return not torch.allclose(factor, torch.ones_like(factor), rtol=1e-6)


def _turned(before, after, kept):
    kept = (before * after != 0) & kept
    factor = (after / before)[kept] / (after / before)[(before.abs() * kept).argmax()]
    return not torch.allclose(factor, torch.ones_like(factor), rtol=1e-6)


def _rows(name, t, row=-1):
    systems = build(name), with_other_token(name, t)
    return (system.matrix().expand(3, 24, 24)[0, row] for system in systems)


def _the_row_of_the_token(name, t=12):
    """looks at a token that asks and is new: that finds looking up, not forgetting"""
    return _turned(*_rows(name, t, row=t), torch.arange(24) < t)


def _only_what_came_before(name, t=12):
    """leaves out all that comes after token t: less is left, but against what?"""
    return _turned(*_rows(name, t), torch.arange(24) < t)


def _any_change(name, t=12):
    """asks whether the other weights change at all: a factor that all have in common is no loss"""
    before, after = _rows(name, t)
    others = torch.arange(24) != t
    return not torch.allclose(before[others], after[others])


# --- gated linear attention ----------------------------------------------------------------------


def gla_system(q, k, gate):
    """GLA as an `LTVSystem`: q, k, gate (L, n)."""
    return dsf.LTVSystem(gate.unsqueeze(-1), k.unsqueeze(-1), q.unsqueeze(-1))


def _outputs(system, case):
    """What the system makes of random values of two channels."""
    return system.run(Draw(99).normal(len(case[0]), 2))


def _no_gate(q, k, gate):
    """does not fade: Λ_i is the gate"""
    return gla_system(q, k, torch.ones_like(gate))


def _one_gate_for_all(q, k, gate):
    """has one number a step: each feature has a gate of its own"""
    return gla_system(q, k, gate.mean(-1, keepdim=True).expand_as(gate))


def _input_gate(q, k, gate):
    """writes with 1 − α: in GLA the key is written as it is"""
    return gla_system(q, k * (1 - gate), gate)


def _gate_at_writing(q, k, gate):
    """fades the new key too: token i is not faded by its own gate"""
    return gla_system(q, k * gate, gate)


def _q_and_k_exchanged(q, k, gate):
    """has q and k exchanged: keys write, queries read"""
    return gla_system(k, q, gate)


def _forgets_the_rest(q, k, gate):
    """keeps 1 − α: α is what is kept"""
    return gla_system(q, k, 1 - gate)


def _late_gate(q, k, gate):
    """fades by the gate of the token before: the state meets α_i before token i is written"""
    return gla_system(q, k, torch.cat([gate[:1], gate[:-1]]))


def _gated(draw):
    for length, n in ((1, 3), (5, 4), (8, 3)):
        yield *draw.normal(2, length, n), draw.between(0.2, 0.95, length, n)


# --- turn the tables -----------------------------------------------------------------------------


def mean_of_flagged(batch, length, generator):
    """Tokens (value, flag), (batch, length, 2), and the mean of the flagged values so far."""
    value = torch.randn(batch, length, generator=generator)
    flag = (torch.rand(batch, length, generator=generator) < 0.25).double()
    mean = (value * flag).cumsum(-1) / flag.cumsum(-1).clamp(min=1)
    return torch.stack([value, flag], -1), mean


def _drawn(yours):
    made = yours(40, 24, torch.Generator().manual_seed(0))
    return made if isinstance(made, tuple | list) and len(made) == 2 else None


def _has_the_shapes(yours):
    made = _drawn(yours)
    if made is None:
        return "does not return two arrays: tokens, and what is wanted"
    shapes = [tuple(torch.as_tensor(x).shape) for x in made]
    if shapes != [(40, 24, 2), (40, 24)]:
        return f"returns shapes {shapes[0]} and {shapes[1]}, expected (40, 24, 2) and (40, 24)"
    return None


def _has_flags(yours):
    tokens, wanted = _drawn(yours)
    flag = tokens[..., 1]
    if not ((flag == 0) | (flag == 1)).all():
        return "has flags that are neither 0 nor 1: the flag is the second number of a token"
    if not 0.15 < flag.double().mean() < 0.35:
        return f"flags {flag.double().mean():.0%} of the tokens: one in four is to have a flag"
    if not torch.isfinite(wanted).all():
        return "divides by 0 before the first flag: there the mean is 0"
    return None


def _is_the_mean(yours):
    tokens, wanted = _drawn(yours)
    value, flag = tokens.double().unbind(-1)
    total, count = (value * flag).cumsum(-1), flag.cumsum(-1)
    known = {
        "is the sum of the flagged values: divide by their number": total,
        "is the mean of all values, flagged or not": value.cumsum(-1)
        / torch.arange(1.0, value.shape[-1] + 1),
        "divides by the number of tokens: it is the number of flags so far": total
        / torch.arange(1.0, value.shape[-1] + 1),
        "is the mean over the whole text: at time i only the flags up to i are known": (
            total[:, -1:] / count[:, -1:].clamp(min=1)
        ).expand_as(total),
        "lacks the present token: a flag counts at once": torch.cat(
            [0 * total[:, :1], (total / count.clamp(min=1))[:, :-1]], -1
        ),
    }
    if torch.allclose(wanted.double(), total / count.clamp(min=1), atol=1e-5):
        return None
    same = (said for said, x in known.items() if torch.allclose(wanted.double(), x, atol=1e-5))
    return next(same, "is not the mean of the flagged values so far")


def _wanted(change):
    def wrong(batch, length, generator):
        tokens, mean = mean_of_flagged(batch, length, generator)
        value, flag = tokens.unbind(-1)
        return tokens, change(value, flag, mean)

    return wrong


def _flag_first(batch, length, generator):
    tokens, mean = mean_of_flagged(batch, length, generator)
    return tokens.flip(-1), mean


# --- challenge: a bonus for the present token ----------------------------------------------------


def with_bonus(q, k, gate, bonus):
    """GLA that reads the state before it, and the present token with a bonus, as an `LTVSystem`.

    S_i = S_{i-1} diag(gate_i) + v_i k_iᵀ, y_i = (S_{i-1} + v_i (bonus ⊙ k_i)ᵀ) q_i;
    q, k, gate (L, n), gates above 0, bonus (n,).
    """
    read = q / gate
    direct = (q * bonus * k).sum(-1) - (read * k).sum(-1)
    return dsf.LTVSystem(gate[..., None], k[..., None], read[..., None], direct[:, None])


def _with(q, k, gate, read, direct):
    return dsf.LTVSystem(gate[..., None], k[..., None], read[..., None], direct[:, None])


def _reads_the_new_state(q, k, gate, bonus):
    """reads S_i in the place of S_{i−1}: token i has then been written, and the rest has faded"""
    return _with(q, k, gate, q, (q * bonus * k).sum(-1))


def _counted_twice(q, k, gate, bonus):
    """counts the present token twice: what q_i/α_i reads of it has to be subtracted in D_i"""
    return _with(q, k, gate, q / gate, (q * bonus * k).sum(-1))


def _faded_once_too_often(q, k, gate, bonus):
    """reads the past faded by α_i, though S_{i−1} has not met it: divide the query by the gate"""
    return _with(q, k, gate, q, (q * bonus * k).sum(-1) - (q * k).sum(-1))


def _no_bonus(q, k, gate, bonus):
    """has no bonus: it belongs into D_i"""
    return _with(q, k, gate, q / gate, -(q / gate * k).sum(-1))


def _bonus_as_key(q, k, gate, bonus):
    """has written with the bonus: S_i gets k_i as it is"""
    return dsf.LTVSystem(
        gate[..., None],
        (bonus * k)[..., None],
        (q / gate)[..., None],
        ((q * bonus * k).sum(-1) - (q / gate * bonus * k).sum(-1))[:, None],
    )


EXERCISES = {
    "map-match": Exercise(
        pictures,
        mistakes=(
            _named("s4d", "rg_lru", "ssd", "linear", "s6"),
            _named("s4d", "rg_lru", "s6", "ssd", "linear"),
            _named("s4d", "s6", "rg_lru", "linear", "ssd"),
            _named("s6", "rg_lru", "s4d", "linear", "ssd"),
            _named("linear", "s4d", "s6", "rg_lru", "ssd"),
            _named("s4d", "s4d", "s6", "linear", "ssd"),
        ),
        laws=(_are_names, _match),
    ),
    "map-bug": Exercise(
        mended,
        lambda draw: [(name,) for name in dsf.ARCHITECTURES if name != "softmax"],
        (_the_row_of_the_token, _only_what_came_before, _any_change),
        given=can_forget,
    ),
    "map-gla": Exercise(
        gla_system,
        _gated,
        (
            _no_gate,
            _one_gate_for_all,
            _input_gate,
            _gate_at_writing,
            _q_and_k_exchanged,
            _forgets_the_rest,
            _late_gate,
        ),
        view=_outputs,
    ),
    "map-mean": Exercise(
        mean_of_flagged,
        mistakes=(
            _wanted(lambda value, flag, mean: (value * flag).cumsum(-1)),
            _wanted(lambda value, flag, mean: (value * flag).cumsum(-1) / flag.cumsum(-1)),
            _wanted(lambda value, flag, mean: value.cumsum(-1) / torch.arange(1, 25)),
            _wanted(lambda value, flag, mean: (value * flag).cumsum(-1) / torch.arange(1, 25)),
            _wanted(lambda value, flag, mean: mean[:, -1:].expand_as(mean)),
            _wanted(lambda value, flag, mean: torch.cat([0 * mean[:, :1], mean[:, :-1]], -1)),
            _wanted(lambda value, flag, mean: mean[:, -1]),
            _wanted(lambda value, flag, mean: value * flag),
            _flag_first,
        ),
        laws=(_has_the_shapes, _has_flags, _is_the_mean),
    ),
    "with-bonus": Exercise(
        with_bonus,
        lambda draw: [(*one, draw.normal(one[0].shape[1])) for one in _gated(draw)],
        (
            _reads_the_new_state,
            _counted_twice,
            _faded_once_too_often,
            _no_bonus,
            _bonus_as_key,
        ),
        view=_outputs,
        published=False,
    ),
}
