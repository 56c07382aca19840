"""A sequence in pieces, or token by token, gives what it gives as a whole."""

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dsf import (
    ARCHITECTURES,
    DenseSystem,
    KeyValueCache,
    LTVSystem,
    NormalizedState,
    linear_attention,
    linear_attention_system,
    normalized_attention,
    normalized_attention_system,
    separable_attention_system,
    softmax_attention,
    softmax_attention_system,
)
from dsf.feature_maps import elu_plus_one, positive_random, relu
from dsf.mixers import MIXERS, RECURRENT
from dsf.model import Block, SequenceModel, ShortConvolution

EXACT = {"rtol": 1e-9, "atol": 1e-9}
NAMES = sorted(ARCHITECTURES)
LENGTH = 150  # more than two chunks
seeds = st.integers(0, 2**31)
pieces = st.lists(st.integers(1, 70), min_size=1, max_size=5)


def normal(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def spans(lengths):
    start = 0
    for length in lengths:
        yield slice(start, start + length)
        start += length


def axis_of(entry, which, key, **changed):
    """The axis, from the right, along which an argument is longer when this size is."""
    plain = {"length": 3, "n": 2, "d": 2, "batch": (2,)}
    some, others = (
        getattr(entry.example(**sizes), which)[key] for sizes in (plain, {**plain, **changed})
    )
    if not torch.is_tensor(some):
        return None
    pairs = enumerate(zip(some.shape, others.shape, strict=True))
    return next((k - some.ndim for k, (one, other) in pairs if one != other), None)


def takes_what_was_before(entry):
    return "before" in inspect.signature(entry.system).parameters


def state_of(system, state):
    """A state as the system keeps it: dense ones have a vector, channel by channel."""
    return state.mT.flatten(-2) if isinstance(system, DenseSystem) else state


def cut(entry, which, arguments, span):
    """The arguments of an architecture, "native" or "system", for a range of times."""
    found = dict(arguments)
    for key, value in arguments.items():
        axis = axis_of(entry, which, key, length=4)
        if axis is not None:
            found[key] = value.narrow(axis, span.start, span.stop - span.start)
    if "length" in found:
        found["length"] = span.stop - span.start
    return found


@pytest.mark.parametrize("name", NAMES)
@given(pieces, st.integers(1, 3), st.integers(1, 3), seeds)
@settings(max_examples=8)
def test_native_form_in_pieces(name, lengths, n, d, seed):
    entry, length = ARCHITECTURES[name], sum(lengths)
    example = entry.example(length, n, d, (2,), seed, torch.float64)
    whole, state, y = entry.native(**example.native), None, []
    for span in spans(lengths):
        arguments = cut(entry, "native", example.native, span)
        y_i, state = entry.native(**arguments, state=state, return_state=True)
        y.append(y_i)
    torch.testing.assert_close(torch.cat(y, dim=-2), whole, **EXACT)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        (k, m)
        for k, e in ARCHITECTURES.items()
        for m in e.system(**e.example(2, 1, 1).system).methods
    ],
)
def test_systems_of_pieces_hand_on_what_they_know(name, method):
    """Each piece is made from its own tokens and from what the one before has returned."""
    entry, lengths = ARCHITECTURES[name], (1, 70, 66, 3)
    length = sum(lengths)
    example = entry.example(length, 3, 2, (2,), 1, torch.float64)
    whole, state, y = entry.system(**example.system).run(example.u), None, []
    for span in spans(lengths):
        arguments = cut(entry, "system", example.system, span)
        if takes_what_was_before(entry):
            arguments["before"] = state
        system = entry.system(**arguments)
        y_i, state = system.run(example.u[..., span, :], method, state, return_state=True)
        y.append(y_i)
    torch.testing.assert_close(torch.cat(y, dim=-2), whole, **EXACT)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"softmax"}))
def test_native_form_and_system_have_one_state(name):
    """What one returns the other goes on from; softmax is truncated in one and not in the other."""
    entry = ARCHITECTURES[name]
    example = entry.example(80, 3, 2, (2,), 1, torch.float64)
    whole = entry.native(**example.native)
    first, second = (
        cut(entry, which, getattr(example, which), span)
        for which, span in (("native", slice(0, 50)), ("system", slice(50, 80)))
    )
    y, state = entry.native(**first, return_state=True)
    if takes_what_was_before(entry):
        second["before"] = state
    system = entry.system(**second)
    rest, last = system.run(
        example.u[..., 50:, :], "auto", state_of(system, state), return_state=True
    )
    torch.testing.assert_close(torch.cat([y, rest], -2), whole, **EXACT)
    _, native_last = entry.native(**example.native, return_state=True)
    native_last = state_of(system, native_last)
    assert type(last) is type(native_last)
    for one, other in zip(last, native_last, strict=True):
        if one is not None or other is not None:
            torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("feature_map", [elu_plus_one, positive_random(5)])
def test_slices_of_a_whole_normalized_system_stay_right(feature_map):
    q, k, v = normal(3, 90, 4).unbind(0)
    system = linear_attention_system(q, k, feature_map)
    y, state = system[:40].run(v[:40], return_state=True)
    rest = system[40:].run(v[40:], "auto", state)
    torch.testing.assert_close(torch.cat([y, rest]), system.run(v), **EXACT)
    # The tensor alone will do, because the first transition of the slice is known.
    torch.testing.assert_close(system[40:].run(v[40:], "auto", state.h), rest, **EXACT)
    h, y_40 = system.step(state, v[40], 40)
    torch.testing.assert_close(y_40, rest[0], **EXACT)
    torch.testing.assert_close(h, system.states(v)[40], **EXACT)


@pytest.mark.parametrize("whole_first", [False, True])
def test_systems_of_shifted_features_hand_on_their_shift(whole_first):
    """Also where the first piece is a slice; the largest key stands in the first piece."""
    q, k, v = normal(3, 2, 30, 4).unbind(0)
    k[0, 3] *= 10
    feature_map = positive_random(5)
    y = linear_attention(q, k, v, feature_map)
    first = slice(None) if whole_first else slice(12)
    system = linear_attention_system(q[:, first], k[:, first], feature_map)[:12]
    early, state = system.run(v[:, :12], return_state=True)
    system = linear_attention_system(q[:, 12:], k[:, 12:], feature_map, before=state)
    late, last = system.run(v[:, 12:], "auto", state, return_state=True)
    torch.testing.assert_close(torch.cat([early, late], 1), y, **EXACT)
    _, expected = linear_attention(q, k, v, feature_map, return_state=True)
    for one, other in zip(last, expected, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


def test_a_normalized_system_that_begins_a_sequence_takes_no_state():
    q, k, v = normal(3, 9, 2).unbind(0)
    for system in (
        linear_attention_system(q, k),
        normalized_attention_system(q, k, v[:, 0].exp()),
        softmax_attention_system(q, k, 4),
    ):
        _, state = system.run(v, return_state=True)
        for given_state in (state, state.h):
            for call in (
                lambda s=system, h=given_state: s.run(v, "auto", h),
                lambda s=system, h=given_state: s.states(v, h),
                lambda s=system, h=given_state: s.step(h, v[0], 0),
            ):
                with pytest.raises(ValueError, match="state is given, expected None"):
                    call()


def test_softmax_with_a_cache_of_other_leading_axes():
    """One cache of keys for all heads, as in multi-query attention."""
    q, k, v = normal(3, 12, 4), normal(12, 4, seed=1), normal(12, 2, seed=2)
    whole = softmax_attention(q, k, v)
    _, cache = softmax_attention(q[:, :7], k[:7], v[:7], return_state=True)
    assert cache.keys.shape == (7, 4)
    for stop in (8, 12):
        rest = softmax_attention(q[:, 7:stop], k[7:stop], v[7:stop], state=cache)
        torch.testing.assert_close(rest, whole[:, 7:stop], **EXACT)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"softmax"}))
@pytest.mark.parametrize("batches", [((2,), ()), ((), (2,)), ((2, 1), (3,))])
@pytest.mark.parametrize("length", [5, 70])
def test_one_state_for_a_batch_and_one_piece_after_a_batch_of_states(name, batches, length):
    """The leading axes of a state and of the piece after it broadcast, in both forms."""
    entry, (before, batch) = ARCHITECTURES[name], batches
    _, state = entry.native(
        **entry.example(4, 3, 2, before, 1, torch.float64).native, return_state=True
    )
    example = entry.example(length, 3, 2, batch, 2, torch.float64)
    y, last = entry.native(**example.native, state=state, return_state=True)
    whole = torch.broadcast_shapes(before, batch)
    assert y.shape == (*whole, length, 2)
    wide = entry.example(length, 3, 2, batch, 2, torch.float64).native
    flat = {
        key: x if leading is None else x.expand(*whole, *x.shape[len(batch) :])
        for key, x in wide.items()
        for leading in [axis_of(entry, "native", key, batch=(3,))]
    }

    def spread(x):
        axes = x.shape[len(before) :]
        return x.expand(*whole, *axes)

    if isinstance(state, NormalizedState):
        state = NormalizedState(*(None if x is None else spread(x) for x in state))
    else:
        state = spread(state)
    expected, right = entry.native(**flat, state=state, return_state=True)
    torch.testing.assert_close(y, expected, **EXACT)
    pairs = zip(last, right, strict=True) if isinstance(last, tuple) else [(last, right)]
    for one, other in pairs:
        if one is not None:
            torch.testing.assert_close(one.expand(other.shape), other, **EXACT)


NORMALIZED = NormalizedState(normal(3, 2), normal(()).abs(), normal(3).abs())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda q, v: linear_attention(q, q, v, state=v),
            "state is .*, expected a NormalizedState",
        ),
        (
            lambda q, v: linear_attention(q, q, v, state=NORMALIZED._replace(keys=None)),
            "state has keys = None, expected the keys of a row sum",
        ),
        (
            lambda q, v: normalized_attention(q, q, v, v[:, 0], state=NORMALIZED),
            "state has keys = .*, expected a normaliser from outside",
        ),
        (
            lambda q, v: linear_attention(q, q, v, normalize=False, state=NORMALIZED),
            "state is a NormalizedState, expected a tensor",
        ),
        (
            lambda q, v: linear_attention(q, q, v[:, :1], state=NORMALIZED),
            r"state has shape \(3, 2\), expected .* n = 3, d = 1",
        ),
        (
            lambda q, v: linear_attention_system(q, q, before=NORMALIZED._replace(h=v[0])),
            r"before.h has shape \(2,\), expected \(\.\.\., n, d\)",
        ),
        (
            lambda q, v: separable_attention_system(q, q, None, NORMALIZED),
            "before is .*, expected None where there is no η",
        ),
        (
            lambda q, v: linear_attention(q, q, v, state=NORMALIZED._replace(shift=v[0, 0])),
            "feature_map is .*, expected one with a `scaled` form",
        ),
        (lambda q, v: softmax_attention(q, q, v, state=v), "state is .*, expected a KeyValueCache"),
        (
            lambda q, v: softmax_attention(q, q, v, state=KeyValueCache(v, v)),
            r"state.keys has shape \(5, 2\), expected .* m = 3",
        ),
        (
            lambda q, v: LTVSystem(*[torch.ones(5, 1, 1).double()] * 3).run(v, "auto", NORMALIZED),
            "initial_state is a NormalizedState, expected a tensor",
        ),
    ],
)
def test_states_that_do_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call(normal(5, 3), normal(5, 2))


def model(name, num_layers=2, **options):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        n = 1 if name in RECURRENT else 4
        made = SequenceModel(20, 8, lambda: MIXERS[name](8, n), num_layers, **options).double()
        for parameter in made.parameters():  # away from initialisation: as if trained
            parameter.data += 0.1 * torch.randn_like(parameter)
    return made


@pytest.mark.parametrize("name", sorted(MIXERS))
class TestModel:
    tokens = torch.randint(20, (3, LENGTH), generator=torch.Generator().manual_seed(0))

    @pytest.mark.parametrize(
        ("length", "options"),
        [(LENGTH, {}), (70, {"conv_kernel": 0, "mlp_ratio": 2, "max_length": 200})],
    )
    def test_token_by_token_is_the_parallel_pass(self, name, length, options):
        made, state, logits = model(name, **options), None, []
        with torch.no_grad():
            whole = made(self.tokens[:, :length])
            for token in self.tokens[:, :length].unbind(1):
                scores, state = made.step(token, state)
                logits.append(scores)
        torch.testing.assert_close(torch.stack(logits, 1), whole, **EXACT)
        assert state.length == length

    def test_in_pieces_shorter_and_longer_than_the_convolution(self, name):
        made, state, logits = model(name), None, []
        with torch.no_grad():
            for span in spans((2, 1, 1, 90, 1, LENGTH - 95)):
                scores, state = made(self.tokens[:, span], None, state, return_state=True)
                logits.append(scores)
            torch.testing.assert_close(torch.cat(logits, 1), made(self.tokens), **EXACT)
            positions = torch.tensor([[3, 0]] * 3)
            _, state = made(self.tokens[:, :9], return_state=True)
            asked = made(self.tokens[:, 9:20], positions, state)
        torch.testing.assert_close(asked, torch.cat(logits, 1)[:, 9 + positions[0]], **EXACT)

    def test_generation_is_the_parallel_pass_run_again_for_every_token(self, name):
        made, found = model(name), self.tokens[:, :5]
        for _ in range(8):
            with torch.no_grad():
                found = torch.cat([found, made(found)[:, -1:].argmax(-1)], dim=1)
        assert torch.equal(made.generate(self.tokens[:, :5], 8), found)

    def test_the_state_does_not_grow_unless_it_is_a_cache(self, name):
        def numbers(state):
            if isinstance(state, torch.Tensor):
                return state.numel()
            return sum(map(numbers, state)) if isinstance(state, tuple) else 0

        made = model(name)
        with torch.no_grad():
            sizes = [
                numbers(made(self.tokens[:, :length], return_state=True)[1].blocks)
                for length in (10, 20)
            ]
        assert (sizes[1] > sizes[0]) == (name == "softmax")


def test_generation_draws_from_the_softmax_of_its_temperature():
    made, prefix = model("linear", 1), torch.zeros(4000, 1, dtype=torch.int64)
    with torch.no_grad():
        chances = (made(prefix[:1])[0, -1] / 2.0).softmax(-1)
    generator = torch.Generator().manual_seed(0)
    drawn = made.generate(prefix, 1, temperature=2.0, generator=generator)[:, 1]
    shares = torch.bincount(drawn, minlength=20) / 4000
    # Five standard errors of a share of 4000 draws.
    assert ((shares - chances).abs() < 5 * (chances * (1 - chances) / 4000).sqrt() + 1e-9).all()
    assert torch.equal(made.generate(prefix[:2], 0), prefix[:2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, t: m.step(t), r"tokens has shape \(2, 5\), expected int64 \(batch,\)"),
        (lambda m, t: m(t[0]), r"tokens has shape \(5,\), expected int64 \(batch, L\)"),
        (lambda m, t: m(t.float()), "tokens has dtype torch.float32, expected .*int64"),
        (lambda m, t: m.generate(t, -1), "num_tokens is -1, expected an integer >= 0"),
        (lambda m, t: m.generate(t, 1, -1.0), "temperature is -1.0, expected"),
        (lambda m, t: m.generate(t, 9), "tokens has length 13, expected at most max_length = 12"),
        (lambda m, t: m(t, [0]), r"positions is \[0\], expected a torch tensor"),
    ],
)
def test_bad_calls_of_the_model(call, message):
    made, tokens = model("linear", 1, max_length=12), torch.zeros(2, 5, dtype=torch.int64)
    with pytest.raises(ValueError, match=message):
        call(made, tokens)


def test_a_convolution_continues_where_it_was():
    conv, x = ShortConvolution(2, 4).double(), normal(3, 9, 2)
    whole = conv(x)
    torch.testing.assert_close(conv(x[:, 5:], x[:, 2:5]), whole[:, 5:], rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match=r"before has shape \(3, 2, 2\), expected .* t = 3"):
        conv(x[:, 5:], x[:, 3:5])
    block = Block(MIXERS["linear"](2, 2), conv_kernel=4).double()
    _, state = block(x[:, :1], return_state=True)
    assert state.conv.shape == (3, 3, 2)
    assert (state.conv[:, :2] == 0).all()


@pytest.mark.parametrize("feature_map", [elu_plus_one, relu])
def test_a_row_sum_that_vanishes_for_one_query_does_not_spoil_the_state(feature_map):
    """η is near 0 or 0 for query 5 alone; what is handed on is divided by another scale there."""
    q, k, v = normal(3, 12, 4, dtype=torch.float32).unbind(0)
    k = k.abs()
    q[5] = -96
    whole = linear_attention(q, k, v, feature_map)
    later = torch.arange(12) > 5
    state, y = None, []
    for i in range(12):
        arguments = (q[i : i + 1], k[i : i + 1], v[i : i + 1], feature_map)
        y_i, state = linear_attention(*arguments, state=state, return_state=True)
        y.append(y_i)
    fine = whole.isfinite().all(-1) & later
    assert fine.sum() > 2
    torch.testing.assert_close(torch.cat(y)[fine], whole[fine], rtol=1e-4, atol=1e-5)


def test_a_state_of_another_model_is_refused():
    made, tokens = model("linear", 1), torch.zeros(2, 5, dtype=torch.int64)
    for other, message in (
        (model("linear", 2), "state is that of 2 blocks, expected 1"),
        (model("linear", 1, conv_kernel=0), "state is that of a block without a convolution"),
    ):
        _, state = other(tokens, return_state=True)
        with pytest.raises(ValueError, match=message):
            made(tokens, None, state)
    _, state = made(tokens, return_state=True)
    with pytest.raises(ValueError, match="state is that of 2 sequences, expected 1"):
        made(tokens[:1], None, state)
