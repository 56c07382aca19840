"""Recall in two steps: the law of the sequences, and how many layers it takes."""

import itertools

import numpy as np
import pytest
import torch
from laws import count_rows, fits
from torch.nn import functional as F

import dsf
from dsf.tasks import Composition

SMALL = {"seq_len": 12, "num_chains": 2, "vocab_size": 9}
TASKS = [{}, SMALL, {"seq_len": 6, "num_chains": 1, "vocab_size": 6}, {"vocab_size": 17}]


def led_to(task, tokens):
    """What each token of a pair leads to."""
    return {tokens[i]: tokens[i + 1] for i in range(0, 4 * task.num_chains, 2)}


@pytest.mark.parametrize("fields", TASKS)
def test_every_key_is_asked_once_and_two_steps_lead_to_the_answer(fields):
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
        keys = [token for token in found if token < third]
        assert sorted(tokens[i] for i in asked) == sorted(keys)
        assert min(keys) >= 1
        middles = [found[key] for key in keys]
        assert all(third <= middle < 2 * third for middle in middles)
        assert [found[found[tokens[i]]] for i in asked] == answers
        assert len(set(answers)) == chains
        assert all(2 * third <= value < task.vocab_size for value in answers)
        assert asked == sorted(asked)
        assert all(i % 2 == 0 and i >= 4 * chains for i in asked)
        rest = {*range(4 * chains, task.seq_len)} - set(asked)
        assert all(tokens[i] == 0 for i in rest)


def test_tokens_order_and_places_are_uniform():
    inputs, positions, targets = Composition(**SMALL).draw(60_000, seed=1)
    pairs = [*itertools.permutations(range(2))]
    first = inputs[:, 0:8:2]
    # Keys are 1 and 2, middles from 3 to 5: in which order do the four pairs come?
    middles = [*itertools.permutations(range(3, 6), 2)]
    orders = [row for two in middles for row in itertools.permutations((1, 2, *two))]
    orders = sorted({*orders})
    assert fits(count_rows(first, orders), np.full(len(orders), 1 / len(orders)))
    assert fits(count_rows(targets, [*itertools.permutations(range(6, 9), 2)]), np.full(6, 1 / 6))
    slots = [*itertools.permutations((8, 10), 2)]
    ordered = positions.where(inputs.gather(1, positions)[:, :1] == 1, positions.flip(1))
    assert fits(count_rows(ordered, slots), np.full(len(pairs), 1 / 2))


def test_the_same_seed_draws_the_same_and_fewer_examples_are_the_first_of_more():
    task = Composition()
    for few, many in zip(task.draw(30, seed=5), task.draw(100, seed=5), strict=True):
        assert torch.equal(few, many[:30])
    assert not torch.equal(task.draw(30, seed=6)[0], task.draw(30, seed=5)[0])


def test_the_chance_levels_are_those_of_guessers():
    task, draws = Composition(), np.random.default_rng(0)
    answers = task.draw(4000, seed=7)[2].numpy()
    chains, first = task.num_chains, 2 * (task.vocab_size // 3)
    shown = np.take_along_axis(answers, draws.integers(chains, size=answers.shape), 1)
    guesses = {
        "any value": draws.integers(first, task.vocab_size, answers.shape),
        "any value shown": shown,
    }
    assert guesses.keys() == task.chance_levels().keys()
    for name, level in task.chance_levels().items():
        right = int((guesses[name] == answers).sum())
        assert fits([right, answers.size - right], [level, 1 - level]), name


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_chains": 0}, "num_chains is 0, expected an integer >= 1"),
        ({"seq_len": 22}, "seq_len is 22, expected an even number, at least 24 = 6"),
        ({"seq_len": 47}, "seq_len is 47, expected an even number"),
        ({"vocab_size": 14}, "vocab_size is 14, expected at least 15 = 3"),
        ({"stop_accuracy": 1.5}, "stop_accuracy is 1.5"),
    ],
)
def test_what_is_not_possible_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Composition(**fields)


def test_the_smallest_vocabulary_that_is_allowed_suffices():
    assert Composition(vocab_size=15).draw(100, seed=0)[0].max() == 14


def test_a_perfect_memory_needs_two_layers():
    """Every token a unit vector; a layer writes what follows a token and looks up what it is told."""
    task = Composition()
    inputs, positions, targets = task.draw(20, seed=0)
    vectors = F.one_hot(inputs, task.vocab_size).double()
    before = torch.cat([torch.zeros_like(vectors[:, :1]), vectors[:, :-1]], dim=1)
    is_second = (torch.arange(task.seq_len) % 2 == 1) & (torch.arange(task.seq_len) < 16)
    is_second = is_second.double().unsqueeze(-1)
    keys, values = before * is_second, vectors * is_second

    def look_up(queries):
        identity = dsf.feature_maps.identity
        return dsf.linear_attention(queries, keys, values, feature_map=identity, normalize=False)

    def answers(y):
        return y.gather(1, positions.unsqueeze(-1).expand(-1, -1, task.vocab_size))

    first = look_up(vectors)
    one, two = answers(first), answers(look_up(first))
    third = task.vocab_size // 3
    assert (one.argmax(-1) // third == 1).all()  # a middle
    assert torch.equal(two, F.one_hot(targets, task.vocab_size).double())
