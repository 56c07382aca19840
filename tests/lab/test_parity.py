"""Parity: the law of the sequences, and which recurrences can follow it."""

import itertools

import numpy as np
import pytest
import torch
from laws import count_rows, fits

from dsf import linear_recurrence
from dsf.config import config_class
from dsf.tasks import Parity
from dsf.train import train


@pytest.mark.parametrize("length", [1, 2, 9, 64])
def test_the_answer_is_whether_the_number_of_ones_is_odd(length):
    inputs, positions, targets = Parity(seq_len=length).draw(200, seed=3)
    assert inputs.shape == targets.shape == (200, length)
    assert positions.tolist() == [[*range(length)]] * 200
    for bits, answers in zip(inputs.tolist(), targets.tolist(), strict=True):
        assert answers == [sum(bits[: i + 1]) % 2 for i in range(length)]
    last = Parity(seq_len=length, every_position=False)
    assert last.sizes.questions == 1
    same, positions, odd = last.draw(200, seed=3)
    assert torch.equal(same, inputs)
    assert positions.tolist() == [[length - 1]] * 200
    assert torch.equal(odd, targets[:, -1:])


def test_all_strings_are_equally_likely():
    inputs, _, _ = Parity(seq_len=5).draw(20_000, seed=1)
    strings = [*itertools.product((0, 1), repeat=5)]
    assert fits(count_rows(inputs, strings), np.full(32, 1 / 32))


@pytest.mark.parametrize("every", [True, False])
@pytest.mark.parametrize("length", [1, 4, 32])
def test_the_chance_levels_are_those_of_guessers(length, every):
    task, draws = Parity(seq_len=length, every_position=every), np.random.default_rng(0)
    inputs, positions, targets = task.draw(20_000, seed=7)
    levels = task.chance_levels()
    guess = torch.from_numpy(draws.integers(2, size=targets.shape))
    guesses = {"either": guess, "the last bit": inputs.gather(1, positions)}
    assert guesses.keys() == levels.keys()
    for name, level in levels.items():
        # Questions of one sequence hang together, so the spread is that over sequences.
        right = (guesses[name] == targets).double().mean(1)
        spread = float(right.std()) / len(right) ** 0.5
        assert abs(float(right.mean()) - level) <= 3.3 * spread, name


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seq_len": 0}, "seq_len is 0"),
        ({"every_position": 1}, "every_position is 1"),
        ({"stop_accuracy": 2.0}, "stop_accuracy is 2.0"),
    ],
)
def test_what_is_not_possible_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Parity(**fields)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 0), "num_examples is 0"), ((1, -1), "seed is -1"), ((1, 0, "dev"), "split is 'dev'")],
)
def test_so_is_a_draw_that_is_not_possible(arguments, message):
    with pytest.raises(ValueError, match=message):
        Parity().draw(*arguments)


@pytest.mark.parametrize("length", [16, 1024])
def test_a_transition_of_minus_one_follows_it_at_any_length(length):
    bits, _, targets = Parity(seq_len=length).draw(100, seed=0)
    # h turns at a one; the first token writes 1.
    flip = 1.0 - 2.0 * bits.double().unsqueeze(-1)
    write = torch.zeros_like(flip)
    write[:, 0] = flip[:, 0]
    odd = linear_recurrence(flip, write).squeeze(-1) < 0
    assert torch.equal(odd.long(), targets)


def test_a_count_follows_it_with_a_read_out_that_turns_at_every_one_and_not_with_a_threshold():
    bits, _, targets = Parity(seq_len=32, every_position=False).draw(20_000, seed=0)
    ones = torch.ones(*bits.shape, 1, dtype=torch.float64)
    count = linear_recurrence(ones, bits.double().unsqueeze(-1))[:, -1]  # Λ = 1
    assert torch.equal((torch.cos(torch.pi * count) < 0).long(), targets)
    right = [((count > bound).long() == targets).double().mean().item() for bound in range(33)]
    assert max(max(right), 1 - min(right)) < 0.6


def test_four_taps_show_the_first_four_answers():
    inputs, _, targets = Parity().draw(20_000, seed=0)
    guess = torch.from_numpy(np.random.default_rng(0).integers(2, size=targets.shape))
    seen = inputs.unfold(1, 4, 1).sum(-1)[:, :1] % 2  # of the window that starts with the sequence
    guess[:, :3], guess[:, 3:4] = inputs[:, :3].cumsum(1) % 2, seen
    right = (guess == targets).double().mean(1)
    assert abs(float(right.mean()) - (4 + 28 / 2) / 32) < 3.3 * float(right.std()) / 20_000**0.5


def test_a_small_model_learns_what_its_convolution_sees_():
    config = config_class("parity")(
        seq_len=4, mixer="qlstm", n=1, d_model=32, steps=300, learning_rate=1.6e-2,
        stop_accuracy=0.98, num_validation=100, num_test=200,
    )  # fmt: skip
    assert train(config, progress=False).test_score > 0.95
