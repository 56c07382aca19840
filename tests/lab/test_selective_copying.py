"""Selective copying: the law of the sequences, and what a model needs for it."""

import itertools

import numpy as np
import pytest
import torch
from laws import count_rows, fits
from torch.nn import functional as F

from dsf import linear_recurrence
from dsf.config import config_class
from dsf.tasks import SelectiveCopying
from dsf.train import train

SMALL = {"seq_len": 7, "num_tokens": 2, "vocab_size": 5}
SMALLEST = {"seq_len": 2, "num_tokens": 1, "vocab_size": 4}


@pytest.mark.parametrize("fields", [{}, SMALL, SMALLEST, {"seq_len": 8, "num_tokens": 4}])
def test_the_tokens_are_asked_for_in_the_order_in_which_they_stand(fields):
    task = SelectiveCopying(**fields)
    data = task.draw(200, seed=3)
    inputs, positions, targets = data
    shown = task.seq_len - task.num_tokens
    assert all(x.dtype == torch.int64 for x in data)
    assert inputs.shape == (200, task.sizes.length)
    assert positions.tolist() == [[*range(shown, task.seq_len)]] * 200
    assert (inputs[:, shown:] == 1).all()
    assert targets.shape == (200, task.sizes.questions)
    for tokens, answers in zip(inputs[:, :shown].tolist(), targets.tolist(), strict=True):
        assert [token for token in tokens if token] == answers
        assert all(2 <= token < task.vocab_size for token in answers)


def test_tokens_and_places_are_uniform():
    inputs, _, targets = SelectiveCopying(**SMALL).draw(40_000, seed=1)
    pairs = [*itertools.product(range(2, 5), repeat=2)]
    assert fits(count_rows(targets, pairs), np.full(9, 1 / 9))
    places = [tuple(int(i in chosen) for i in range(5))
              for chosen in itertools.combinations(range(5), 2)]  # fmt: skip
    assert fits(count_rows((inputs[:, :5] > 0).long(), places), np.full(10, 1 / 10))


def test_the_chance_levels_are_those_of_guessers():
    task, draws = SelectiveCopying(), np.random.default_rng(0)
    _, _, targets = task.draw(4000, seed=7)
    answers = targets.numpy()
    guesses = {
        "any token": draws.integers(2, task.vocab_size, answers.shape),
        "any token shown": np.take_along_axis(
            answers, draws.integers(task.num_tokens, size=answers.shape), 1
        ),
    }
    assert guesses.keys() == task.chance_levels().keys()
    for name, level in task.chance_levels().items():
        right = int((guesses[name] == answers).sum())
        assert fits([right, answers.size - right], [level, 1 - level]), name


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seq_len": 7}, "seq_len is 7, expected at least 8 = 2 . num_tokens"),
        ({"num_tokens": 0}, "num_tokens is 0"),
        ({"num_tokens": 2.5}, "num_tokens is 2.5"),
        ({"vocab_size": 3}, "vocab_size is 3, expected an integer >= 4"),
        ({"stop_accuracy": -1.0}, "stop_accuracy is -1.0"),
    ],
)
def test_what_is_not_possible_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        SelectiveCopying(**fields)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 0), "num_examples is 0"), ((1, -1), "seed is -1"), ((1, 0, "dev"), "split is 'dev'")],
)
def test_so_is_a_draw_that_is_not_possible(arguments, message):
    with pytest.raises(ValueError, match=message):
        SelectiveCopying().draw(*arguments)


def test_a_shift_register_that_moves_at_tokens_only_can_do_it():
    """Λ, B and C chosen by hand: what is kept depends on the token, as selection has it."""
    task = SelectiveCopying()
    inputs, positions, targets = task.draw(50, seed=0)
    many = task.num_tokens
    data, asked = inputs > 1, inputs == 1
    # State a holds the a-th token: written when a tokens came before, kept ever after.
    before = data.cumsum(1) - data.long()
    write = F.one_hot(before.clamp(max=many - 1), many) * data.unsqueeze(-1)
    read = F.one_hot((asked.cumsum(1) - 1).clamp(min=0), many)
    values = F.one_hot(inputs, task.vocab_size).double()
    u = (write.double().unsqueeze(-1) * values.unsqueeze(-2)).flatten(2)
    states = linear_recurrence(torch.ones_like(u), u).unflatten(2, (many, task.vocab_size))
    y = (read.double().unsqueeze(-1) * states).sum(2).argmax(-1)
    assert torch.equal(y.gather(1, positions), targets)


def test_a_small_selective_model_learns_it():
    config = config_class("selective_copying")(
        seq_len=12, num_tokens=2, vocab_size=8, mixer="s6", start="slow poles, long steps", n=8,
        d_model=32, steps=300, learning_rate=1.6e-2, stop_accuracy=0.9, num_test=200,
    )  # fmt: skip
    assert train(config, progress=False).test_score > 0.85
