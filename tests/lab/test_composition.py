"""Recall in one step and in two: the law of the sequences, and how many layers each takes."""

import itertools

import numpy as np
import pytest
import torch
from laws import count_rows, fits
from torch.nn import functional as F

import dsf
from dsf.tasks import Composition

SMALL = {"seq_len": 16, "num_chains": 2, "vocab_size": 9}
TASKS = [{}, SMALL, {"seq_len": 8, "num_chains": 1, "vocab_size": 6}, {"vocab_size": 17}]
TASKS += [{**fields, "values_first": True} for fields in TASKS]


def led_to(task, tokens):
    """What each token of a pair leads to."""
    return {tokens[i]: tokens[i + 1] for i in range(0, 4 * task.num_chains, 2)}


@pytest.mark.parametrize("fields", TASKS)
def test_keys_and_middles_are_asked_once_and_the_end_of_their_chain_is_the_answer(fields):
    task = Composition(**fields)
    chains, third = task.num_chains, task.vocab_size // 3
    data = task.draw(200, seed=3)
    inputs, positions, targets = data
    assert all(x.dtype == torch.int64 for x in data)
    assert inputs.shape == (200, task.sizes.length)
    assert positions.shape == targets.shape == (200, task.sizes.questions)
    for tokens, asked, answers in zip(*(x.tolist() for x in data), strict=True):
        found = led_to(task, tokens)
        assert len(found) == 2 * chains
        assert sorted(tokens[i] for i in asked) == sorted(found)
        keys = [token for token in found if token < third]
        assert min(keys) >= 1
        assert sorted(found[key] for key in keys) == sorted(found.keys() - {*keys})
        assert all(third <= found[key] < 2 * third for key in keys)
        ends = [found.get(found[tokens[i]], found[tokens[i]]) for i in asked]
        assert ends == answers
        assert len(set(answers)) == chains
        assert all(2 * third <= value < task.vocab_size for value in answers)
        assert asked == sorted(asked)
        assert all(i % 2 == 0 and i >= 4 * chains for i in asked)
        rest = {*range(4 * chains, task.seq_len)} - set(asked)
        assert all(tokens[i] == 0 for i in rest)


def test_tokens_order_and_places_are_uniform():
    inputs, positions, _ = Composition(**SMALL).draw(60_000, seed=1)
    # Keys are 1 and 2, middles two of 3 to 5, values two of 6 to 8.
    middles = [*itertools.combinations(range(3, 6), 2)]
    orders = [row for two in middles for row in itertools.permutations((1, 2, *two))]
    assert fits(count_rows(inputs[:, 0:8:2], orders), np.full(72, 1 / 72))
    last = inputs[:, 1:8:2]
    values = last[last > 5].reshape(-1, 2)
    assert fits(count_rows(values, [*itertools.permutations(range(6, 9), 2)]), np.full(6, 1 / 6))
    assert (positions == torch.tensor([8, 10, 12, 14])).all()  # the shortest text is full
    asked = inputs.gather(1, positions)
    assert fits(count_rows(asked, orders), np.full(72, 1 / 72))
    shown = (asked[:, :, None] == inputs[:, None, 0:8:2]).int().argmax(-1)  # which pair is asked
    places = [*itertools.permutations(range(4))]
    assert fits(count_rows(shown, places), np.full(24, 1 / 24))


def test_the_pairs_with_values_come_first_where_they_shall_and_else_all_orders_are_alike():
    inputs, _, _ = Composition(**SMALL, values_first=True).draw(60_000, seed=1)
    middles, keys = inputs[:, 0:4:2], inputs[:, 4:8:2]
    led_to = inputs[:, 5:8:2]
    swapped = (led_to[:, 0] == middles[:, 1]).int()
    assert ((led_to == middles) | (led_to.flip(1) == middles)).all()
    two = [*itertools.permutations((1, 2))]
    law = [(*order, other) for order in two for other in (0, 1)]
    assert fits(count_rows(torch.cat([keys, swapped[:, None]], 1), law), np.full(4, 1 / 4))
    assert (inputs[:, 1:4:2] > 5).all()


@pytest.mark.parametrize("values_first", [False, True])
def test_the_chance_levels_are_those_of_guessers(values_first):
    task, draws = Composition(values_first=values_first), np.random.default_rng(0)
    inputs, positions, targets = task.draw(4000, seed=7)
    answers, asked = targets.numpy(), inputs.gather(1, positions).numpy()
    first = 2 * (task.vocab_size // 3)
    ends = inputs[:, 1 : 4 * task.num_chains : 2].numpy()
    ends = ends[ends >= first].reshape(len(ends), task.num_chains)
    shown = np.take_along_axis(ends, draws.integers(task.num_chains, size=answers.shape), 1)
    guesses = {
        "any value": draws.integers(first, task.vocab_size, answers.shape),
        "any value shown": shown,
        "one step": np.where(asked < first // 2, shown, answers),
    }
    assert guesses.keys() == task.chance_levels().keys()
    for name, level in task.chance_levels().items():
        right = int((guesses[name] == answers).sum())
        assert fits([right, answers.size - right], [level, 1 - level]), name


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_chains": 0}, "num_chains is 0, expected an integer >= 1"),
        ({"seq_len": 30}, "seq_len is 30, expected an even number, at least 32 = 8"),
        ({"seq_len": 63}, "seq_len is 63, expected an even number"),
        ({"vocab_size": 14}, "vocab_size is 14, expected at least 15 = 3"),
        ({"values_first": 1}, "values_first is 1, expected True or False"),
        ({"stop_accuracy": 1.5}, "stop_accuracy is 1.5"),
    ],
)
def test_what_is_not_possible_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Composition(**fields)


def test_the_smallest_vocabulary_that_is_allowed_suffices():
    assert Composition(vocab_size=15).draw(100, seed=0)[0].max() == 14


@pytest.mark.parametrize("values_first", [False, True])
def test_a_perfect_memory_knows_the_middles_after_one_layer_and_the_keys_after_two(values_first):
    """Every token a unit vector; a layer writes what follows a token, and looks up its input."""
    task = Composition(values_first=values_first)
    inputs, positions, targets = task.draw(20, seed=0)
    vectors = F.one_hot(inputs, task.vocab_size).double()
    before = torch.cat([torch.zeros_like(vectors[:, :1]), vectors[:, :-1]], dim=1)
    places = torch.arange(task.seq_len)
    is_second = ((places % 2 == 1) & (places < 4 * task.num_chains)).double().unsqueeze(-1)
    third = task.vocab_size // 3
    is_key = inputs.gather(1, positions) < third

    def look_up(queries, values):
        keys, identity = before * is_second, dsf.feature_maps.identity
        values = values * is_second
        return dsf.linear_attention(queries, keys, values, feature_map=identity, normalize=False)

    def answers(y):
        return y.gather(1, positions.unsqueeze(-1).expand(-1, -1, task.vocab_size))

    right = F.one_hot(targets, task.vocab_size).double()
    first = look_up(vectors, vectors)
    one, two = answers(first), answers(look_up(first, vectors))
    assert torch.equal(one[~is_key], right[~is_key])
    assert (one[is_key].argmax(-1) // third == 1).all()  # a middle
    assert torch.equal(two[is_key], right[is_key])
    # What the middles found while the text was read, the second layer can write beside their keys.
    while_reading = answers(look_up(vectors, first))
    assert torch.equal(while_reading[is_key], right[is_key]) == values_first
