"""MQAR: the law of the sequences, not only their shapes."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
import torch
from laws import count_rows, fits

from dsf.tasks import hints, mqar


def plackett_luce_law(size, count, power_a):
    """Probability of every ordered draw, multiplied out slot by slot."""
    weights = [(g + 1) ** (power_a - 1) for g in range(size)]
    law = {}
    for draw in itertools.permutations(range(size), count):
        left, probability = sum(weights), 1.0
        for slot in draw:
            probability *= weights[slot] / left
            left -= weights[slot]
        law[draw] = probability
    return law


# The two samplers.


class AllRanks:
    """A stand-in for the random stream that deals every possible row of ranks once."""

    def integers(self, low, high, size):
        return np.array(list(itertools.product(*(range(low, h) for h in high)))).reshape(size)


@pytest.mark.parametrize(("size", "count"), [(1, 1), (4, 4), (6, 3), (7, 1)])
def test_every_ordered_row_of_distinct_numbers_comes_from_exactly_one_row_of_ranks(size, count):
    rows = mqar.distinct(AllRanks(), math.perm(size, count), count, size)
    assert sorted(map(tuple, rows.tolist())) == list(itertools.permutations(range(size), count))


@pytest.mark.parametrize("power_a", [0.01, 1.0, 2.5])
def test_slots_follow_the_plackett_luce_law(power_a):
    law = plackett_luce_law(4, 2, power_a)
    draws = mqar.plackett_luce(np.random.default_rng(0), 40_000, 2, 4, power_a)
    assert fits(count_rows(draws, law), list(law.values()))


def test_the_test_of_the_slots_can_tell_exponents_apart():
    draws = mqar.plackett_luce(np.random.default_rng(0), 40_000, 2, 4, 0.01)
    law = plackett_luce_law(4, 2, 0.1)
    assert not fits(count_rows(draws, law), list(law.values()))


# Sequences.

TASKS = [
    {"seq_len": 64, "num_kv_pairs": 8, "vocab_size": 128},
    {"seq_len": 64, "num_kv_pairs": 4, "vocab_size": 8192},
    {"seq_len": 4, "num_kv_pairs": 1, "vocab_size": 5},  # the smallest task there is
    {"seq_len": 32, "num_kv_pairs": 8, "vocab_size": 33},  # full to the last slot, odd vocabulary
    {"seq_len": 48, "num_kv_pairs": 6, "vocab_size": 64, "queries_per_key": 3},
]


@pytest.mark.parametrize("task", TASKS)
def test_layout(task):
    inputs, labels = mqar.generate(200, **task, seed=3)
    assert inputs.shape == labels.shape == (200, task["seq_len"])
    assert inputs.dtype == labels.dtype == torch.int64
    pairs, asks = task["num_kv_pairs"], task.get("queries_per_key", 1)
    first_value = task["vocab_size"] // 2
    for tokens, answers in zip(inputs.tolist(), labels.tolist(), strict=True):
        keys, values = tokens[: 2 * pairs : 2], tokens[1 : 2 * pairs : 2]
        assert len(set(keys)) == len(set(values)) == pairs
        assert all(1 <= key < first_value for key in keys)
        assert all(first_value <= value < task["vocab_size"] for value in values)
        value_of = dict(zip(keys, values, strict=True))
        asked = [i for i, answer in enumerate(answers) if answer != -100]
        assert sorted(tokens[i] for i in asked) == sorted(keys * asks)
        for i in range(2 * pairs, task["seq_len"]):
            if i in asked:
                assert i % 2 == 0
                assert answers[i] == value_of[tokens[i]]
            else:
                assert tokens[i] == 0
        assert min(asked) >= 2 * pairs


def test_keys_and_values_are_uniform_in_every_position():
    inputs, _ = mqar.generate(40_000, seq_len=8, num_kv_pairs=2, vocab_size=14, seed=1)
    keys, values = inputs[:, 0:4:2], inputs[:, 1:4:2]
    for tokens, pool in ((keys, range(1, 7)), (values, range(7, 14))):
        pairs = list(itertools.permutations(pool, 2))
        assert fits(count_rows(tokens, pairs), np.full(len(pairs), 1 / len(pairs)))


def test_keys_and_values_are_independent():
    inputs, _ = mqar.generate(40_000, seq_len=4, num_kv_pairs=1, vocab_size=14, seed=2)
    pairs = list(itertools.product(range(1, 7), range(7, 14)))
    assert fits(count_rows(inputs[:, :2], pairs), np.full(len(pairs), 1 / len(pairs)))


def test_key_j_is_asked_in_the_slot_drawn_jth():
    inputs, labels = mqar.generate(40_000, seq_len=12, num_kv_pairs=2, vocab_size=64, seed=3)
    asked = mqar.asked_positions(labels)
    first_comes_first = inputs.gather(1, asked)[:, 0] == inputs[:, 0]
    slots = (asked - 4) // 2
    slots[~first_comes_first] = slots[~first_comes_first].flip(1)
    law = plackett_luce_law(4, 2, 0.01)
    assert fits(count_rows(slots, law), list(law.values()))


def test_with_several_queries_a_round_of_all_keys_is_drawn_before_the_next_round():
    # Two keys, two rounds, four slots that all get used: the m-th draw asks key m mod 2, so the
    # first slot asks the first key if draw 0 or 2 took it.
    inputs, labels = mqar.generate(
        40_000, seq_len=12, num_kv_pairs=2, vocab_size=64, queries_per_key=2, seed=4
    )
    assert (mqar.asked_positions(labels) == torch.tensor([4, 6, 8, 10])).all()
    law = plackett_luce_law(4, 4, 0.01)
    first_key = sum(p for draw, p in law.items() if draw.index(0) % 2 == 0)
    hits = int((inputs[:, 4] == inputs[:, 0]).sum())
    assert fits([hits, 40_000 - hits], [first_key, 1 - first_key])


def test_random_non_queries_replaces_filler_and_nothing_else():
    task = {"seq_len": 16, "num_kv_pairs": 2, "vocab_size": 20, "seed": 5}
    plain, labels = mqar.generate(5_000, **task)
    noisy, noisy_labels = mqar.generate(5_000, **task, random_non_queries=True)
    assert torch.equal(labels, noisy_labels)
    filler = plain == 0
    assert torch.equal(plain[~filler], noisy[~filler])
    assert fits(torch.bincount(noisy[filler], minlength=20), np.full(20, 1 / 20))


# Seeds, blocks, memory.


def test_the_seed_decides_everything_and_the_global_state_nothing():
    first = mqar.generate(50, random_non_queries=True, seed=7)
    torch.rand(1)
    before = torch.get_rng_state()
    again = mqar.generate(50, random_non_queries=True, seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    other = mqar.generate(50, random_non_queries=True, seed=8)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("random_non_queries", [False, True])
def test_examples_depend_neither_on_the_block_size_nor_on_how_many_follow(
    monkeypatch, random_non_queries
):
    task = {
        "seq_len": 16,
        "num_kv_pairs": 3,
        "vocab_size": 40,
        "random_non_queries": random_non_queries,
    }
    whole = mqar.generate(100, **task)
    monkeypatch.setattr(mqar, "_BLOCK_TOKENS", 7 * 16)
    in_blocks = mqar.generate(60, **task)
    assert all(torch.equal(a[:60], b) for a, b in zip(whole, in_blocks, strict=True))


@pytest.mark.parametrize(
    ("num_examples", "task"),
    [
        (20_000, {"seq_len": 64, "num_kv_pairs": 4}),
        (2_000, {"seq_len": 512, "num_kv_pairs": 64}),
        (20_000, {"seq_len": 64, "num_kv_pairs": 8, "vocab_size": 128, "random_non_queries": True}),
    ],
)
def test_peak_memory_is_below_one_and_a_half_times_the_output(num_examples, task):
    tracemalloc.start()
    inputs, labels = mqar.generate(num_examples, **task)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    output = inputs.nbytes + labels.nbytes
    assert output <= peak < 1.5 * output  # the first: tracemalloc does see NumPy's arrays


# Refusals.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_examples": 0}, "num_examples is 0"),
        ({"num_examples": 2.0}, "num_examples is 2.0"),
        ({"seq_len": 63}, "seq_len is 63, expected an even number"),
        ({"num_kv_pairs": 17}, "seq_len is 64, expected at least 68 = "),
        (
            {"queries_per_key": 4},
            "seq_len is 64, .* num_kv_pairs = 8 pairs and queries_per_key = 4",
        ),
        ({"queries_per_key": 0}, "queries_per_key is 0"),
        ({"num_kv_pairs": 0}, "num_kv_pairs is 0"),
        ({"num_kv_pairs": True}, "num_kv_pairs is True"),
        ({"vocab_size": 64}, "vocab_size is 64, expected more than seq_len = 64"),
        ({"power_a": float("nan")}, "power_a is nan, expected a number >= -10 and <= 10"),
        ({"power_a": "1"}, "power_a is '1'"),
        ({"random_non_queries": 1}, "random_non_queries is 1, expected True or False"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": None}, "seed is None"),
    ],
)
def test_impossible_arguments_are_refused_by_name_and_value(change, message):
    with pytest.raises(ValueError, match=message):
        mqar.generate(**{"num_examples": 2, **change})


STREAM = np.random.default_rng(0)
LABELS = torch.tensor([-100, 5, -100, 6])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mqar.distinct(np.random, 2, 1, 3), r"stream is .*, expected a numpy.random.Gener"),
        (lambda: mqar.distinct(STREAM, 2, 4, 3), "count is 4, expected an integer from 1 to 3"),
        (lambda: mqar.plackett_luce(STREAM, 0, 1, 3, 1.0), "num_rows is 0, expected an integer"),
        (
            lambda: mqar.plackett_luce(STREAM, 2, 1, 3, 11),
            "power_a is 11, expected a number >= -10",
        ),
        (lambda: mqar.chance_levels(0, 8), "num_kv_pairs is 0, expected an integer >= 1"),
        (lambda: mqar.chance_levels(1, 1), "vocab_size is 1, expected an integer >= 2"),
        (
            lambda: mqar.accuracy([5], LABELS),
            r"predictions is \[5\], expected .* int64 \(4,\)",
        ),
        (lambda: mqar.accuracy(LABELS.float(), LABELS), "predictions has dtype torch.float32, exp"),
        (lambda: mqar.accuracy(LABELS, LABELS.to("meta")), "labels is on meta, expected a device"),
        (lambda: mqar.asked_positions(LABELS), r"labels has shape \(4,\), expected int64 \(num"),
        (lambda: mqar.asked_positions(LABELS[None, :0]), r"labels has shape \(1, 0\), .* no empty"),
        (
            lambda: mqar.describe(torch.arange(4), LABELS.abs()),
            "labels asks for 4 keys, expected at most L/2 = 2",
        ),
    ],
)
def test_helpers_refuse_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Helpers.


def test_chance_levels():
    levels = mqar.chance_levels(num_kv_pairs=8, vocab_size=128)
    assert levels == {"any value": 1 / 64, "any value shown": 1 / 8}


def test_guessing_reaches_the_chance_levels():
    inputs, labels = mqar.generate(4_000, seq_len=32, num_kv_pairs=4, vocab_size=40, seed=9)
    levels = mqar.chance_levels(4, 40)
    rng = np.random.default_rng(0)
    any_value = torch.from_numpy(rng.integers(20, 40, size=labels.shape))
    shown = inputs[:, 1:8:2].gather(1, torch.from_numpy(rng.integers(4, size=labels.shape)))
    for guess, name in ((any_value, "any value"), (shown, "any value shown")):
        hits = round(mqar.accuracy(guess, labels) * 16_000)
        assert fits([hits, 16_000 - hits], [levels[name], 1 - levels[name]])


def test_accuracy_counts_asked_positions_only():
    labels = torch.tensor([[-100, 5, -100, 6], [7, -100, -100, 8]])
    assert mqar.accuracy(torch.tensor([[5, 5, 5, 5], [7, 7, 7, 8]]), labels) == 0.75
    with pytest.raises(ValueError, match="predictions has shape"):
        mqar.accuracy(torch.zeros(2, 3, dtype=torch.int64), labels)
    with pytest.raises(ValueError, match="labels is -100 everywhere"):
        mqar.accuracy(labels, torch.full_like(labels, -100))


def test_asked_positions():
    labels = torch.tensor([[-100, 5, -100, 6], [7, -100, -100, 8]])
    assert mqar.asked_positions(labels).tolist() == [[1, 3], [0, 3]]
    with pytest.raises(ValueError, match="from 1 to 2"):
        mqar.asked_positions(torch.tensor([[-100, 5], [5, 5]]))
    with pytest.raises(ValueError, match="expected the same number"):
        mqar.asked_positions(torch.full((2, 3), -100))


def test_describe():
    inputs = torch.tensor([3, 9, 5, 8, 5, 0, 3, 0])
    labels = torch.tensor([-100, -100, -100, -100, 8, -100, 9, -100])
    assert mqar.describe(inputs, labels) == "pairs shown  3→9  5→8\nquestions    4: 5→8  6: 3→9"
    with pytest.raises(ValueError, match=r"inputs has shape \(1, 8\), expected int64 \(L,\)"):
        mqar.describe(inputs[None], labels[None])


@pytest.mark.parametrize("asks", [1, 2])
def test_what_a_position_gives_away_is_counted_right(asks: int) -> None:
    pairs, slots, a = 2, 5, 0.01
    weights = [(g + 1) ** (a - 1) for g in range(slots)]
    asked = [[0.0] * pairs for _ in range(slots)]
    for order in itertools.permutations(range(slots), pairs * asks):
        left, probability = sum(weights), 1.0
        for g in order:
            probability *= weights[g] / left
            left -= weights[g]
        for m, g in enumerate(order):
            asked[g][m % pairs] += probability / (pairs * asks)
    exact = sum(map(max, asked))
    found = hints.position_level(2 * pairs + 2 * slots, pairs, a, asks)
    questions = 5000 * pairs * asks
    assert abs(found - exact) < 4 * math.sqrt(exact * (1 - exact) / questions)
    assert hints.position_level(16, 1, a) == 1
