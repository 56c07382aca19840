"""The training loop: what it computes, that it repeats, that it learns."""

import dataclasses
import functools
import itertools
import math
import random

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dsf.mixers import MIXERS, RECURRENT
from dsf.optimize import learning_rate, parameter_groups
from dsf.tasks import mqar
from dsf.train import TrainConfig, asked_loss, build_model, evaluate, fresh_batches, train

SMALL = TrainConfig(
    d_model=32, seq_len=32, num_kv_pairs=4, vocab_size=64, steps=400, learning_rate=8e-3
)
TINY = dataclasses.replace(
    SMALL, d_model=8, n=4, steps=7, report_every=3, num_validation=20, num_test=30
)


def draw(config, num_examples, seed=0):
    inputs, labels = mqar.generate(
        num_examples, config.seq_len, config.num_kv_pairs, config.vocab_size, seed=seed
    )
    positions = mqar.asked_positions(labels)
    return inputs, labels, (inputs, positions, labels.gather(1, positions))


# Learning. Softmax solves the small task; linear attention does so the better the larger n.


def test_softmax_learns_the_task_and_linear_attention_learns_more_of_it_with_a_larger_state():
    accuracy = {
        (mixer, n): train(
            dataclasses.replace(SMALL, mixer=mixer, n=n), progress=False
        ).test_accuracy
        for mixer, n in (("softmax", 16), ("linear", 2), ("linear", 16))
    }
    assert accuracy["softmax", 16] > 0.99
    assert accuracy["linear", 16] > accuracy["linear", 2] + 0.1
    assert accuracy["linear", 2] > mqar.chance_levels(4, 64)["any value shown"]


@pytest.mark.parametrize("device", ["cpu", *["cuda"] * torch.cuda.is_available()])
@pytest.mark.parametrize("mixer", sorted(MIXERS))
def test_every_mixer_trains_and_reports(mixer, device):
    n = 1 if mixer in RECURRENT else TINY.n
    config = dataclasses.replace(TINY, mixer=mixer, n=n, num_layers=2, device=device)
    result = train(config, progress=False)
    assert [report.step for report in result.history] == [3, 6, 7]
    assert all(0 < report.loss < 10 for report in result.history)
    assert result.diverged is None
    assert result.num_parameters == sum(p.numel() for p in result.model.parameters())
    assert result.seconds > 0
    assert result.processor_seconds > 0


def test_the_test_accuracy_is_that_of_the_returned_model_on_unseen_sequences():
    result = train(SMALL, progress=False)
    _, labels, data = draw(SMALL, 500, seed=12345)
    fresh = evaluate(result.model, data, batch_size=64)
    assert abs(fresh - result.test_accuracy) < 0.02
    with torch.no_grad():
        predictions = result.model(data[0]).argmax(-1)
    assert fresh == pytest.approx(mqar.accuracy(predictions, labels), abs=1e-12)


# The loss.


def test_the_loss_and_its_gradients_are_those_of_projecting_every_position():
    model = build_model(TINY).double()
    inputs, labels, batch = draw(TINY, 16)
    loss = asked_loss(model, batch)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    everywhere = F.cross_entropy(model(inputs).flatten(0, 1), labels.flatten(), ignore_index=-100)
    expected = torch.autograd.grad(everywhere, list(model.parameters()))
    torch.testing.assert_close(loss, everywhere, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradients, expected, rtol=1e-10, atol=1e-12)


def test_the_untrained_model_knows_nothing():
    config = dataclasses.replace(TINY, steps=1, learning_rate=1e-9, init_std=1e-3)
    result = train(config, progress=False)
    assert result.history[0].loss == pytest.approx(math.log(config.vocab_size), abs=0.01)


# Repetition.


def test_a_seed_repeats_bit_for_bit_and_leaves_the_global_random_state_alone():
    def global_state():
        return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002

    first = train(TINY, progress=False)
    torch.rand(3)  # the second run starts from another global state
    before = global_state()
    second = train(TINY, progress=False)
    assert global_state() == before
    assert first.history == second.history
    assert first.test_accuracy == second.test_accuracy
    for name, value in first.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name]), name


@pytest.mark.parametrize("mixer", ["softmax", "s6"])
def test_compiling_the_model_changes_nothing(mixer, monkeypatch):
    # Without the code generator, which needs a C++ compiler and a minute.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    config = dataclasses.replace(TINY, mixer=mixer)
    plain = train(config, progress=False)
    compiled = train(dataclasses.replace(config, compile=True), progress=False)
    for a, b in zip(compiled.history, plain.history, strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-5)
        assert a.accuracy == pytest.approx(b.accuracy, abs=0.01)


def test_another_seed_is_another_model_and_other_data():
    other = dataclasses.replace(TINY, seed=1)
    assert not torch.equal(build_model(TINY).embedding.weight, build_model(other).embedding.weight)
    a, b = train(TINY, progress=False), train(other, progress=False)
    assert a.history != b.history


def test_no_training_sequence_comes_twice(monkeypatch):
    monkeypatch.setattr("dsf.train._CHUNK_TOKENS", 3 * 32 * 32)  # three batches at a time
    batches = list(fresh_batches(TINY, seed=0, device=torch.device("cpu")))
    assert len(batches) == TINY.steps
    sequences = {tuple(row) for inputs, _, _ in batches for row in inputs.tolist()}
    assert len(sequences) == TINY.steps * TINY.batch_size


def test_training_validation_and_test_sets_are_disjoint(monkeypatch):
    seeds = []
    generate = mqar.generate

    def spy(*args):
        seeds.append(args[-1])
        return generate(*args)

    monkeypatch.setattr(mqar, "generate", spy)
    for seed in range(20):
        train(dataclasses.replace(TINY, steps=1, seed=seed), progress=False)
    assert len(set(seeds)) == len(seeds) == 60


# Stopping.


def test_training_stops_once_validation_reaches_the_goal():
    result = train(dataclasses.replace(SMALL, stop_accuracy=0.5), progress=False)
    assert result.history[-1].accuracy >= 0.5
    assert all(report.accuracy < 0.5 for report in result.history[:-1])
    assert result.history[-1].step < SMALL.steps


def test_without_a_goal_all_steps_are_run():
    result = train(dataclasses.replace(TINY, stop_accuracy=None), progress=False)
    assert result.history[-1].step == TINY.steps


def test_a_run_that_diverges_ends_and_says_so():
    config = dataclasses.replace(TINY, mixer="normalized", init_std=10.0, learning_rate=1.0)
    result = train(dataclasses.replace(config, steps=100), progress=False)
    last = result.history[-1]
    assert not math.isfinite(last.loss)
    assert last.step < 100
    assert result.diverged == f"the training loss became {last.loss} by step {last.step}"
    assert math.isnan(result.test_accuracy)


def leap(config, step):
    """A last step that no model survives; no training loss is taken after it."""
    return 1e38 if step == config.steps - 1 else 1e-3


def test_a_run_whose_logits_are_not_finite_in_the_end_has_diverged(monkeypatch):
    monkeypatch.setattr("dsf.optimize.learning_rate", leap)
    result = train(dataclasses.replace(TINY, stop_accuracy=0.0), progress=False)
    assert result.diverged is None  # its goal was reached before
    result = train(TINY, progress=False)
    assert all(math.isfinite(report.loss) for report in result.history)
    assert result.diverged == f"the logits were no longer finite by step {TINY.steps}"
    assert math.isnan(result.test_accuracy)


def test_a_run_that_only_the_test_set_shows_to_be_lost_has_diverged(monkeypatch):
    found = iter([0.1, 0.2, 0.3, math.nan])
    monkeypatch.setattr("dsf.train.evaluate", lambda *unused: next(found))
    result = train(TINY, progress=False)
    assert [report.accuracy for report in result.history] == [0.1, 0.2, 0.3]
    assert "no longer finite" in result.diverged


def test_the_progress_bar_can_be_seen_and_silenced(capsys):
    train(TINY, progress=True)
    assert "softmax, n = 4" in capsys.readouterr().err
    train(TINY, progress=False)
    assert capsys.readouterr().err == ""


# Schedule and weight decay.


def test_the_learning_rate_warms_up_linearly_and_falls_along_a_cosine():
    config = TrainConfig(steps=100, warmup=0.1, learning_rate=1e-2)
    rates = [learning_rate(config, step) for step in range(100)]
    assert rates[:10] == pytest.approx([1e-3 * (step + 1) for step in range(10)])
    assert rates[10] == max(rates) == 1e-2
    assert rates[55] == pytest.approx(5e-3)  # half way down
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))
    assert 0 < rates[-1] < 1e-5


@pytest.mark.parametrize("warmup", [0.0, 1.0])
def test_the_schedule_without_a_warm_up_and_with_nothing_else(warmup):
    config = TrainConfig(steps=10, warmup=warmup)
    rates = [learning_rate(config, step) for step in range(10)]
    assert min(rates) > 0
    assert max(rates) == config.learning_rate == rates[0 if warmup == 0 else -1]


def test_weight_decay_is_for_the_matrices_of_linear_maps():
    model = build_model(dataclasses.replace(TINY, mixer="ssd", mlp_ratio=2))
    name_of = {id(p): name for name, p in model.named_parameters()}
    decayed, others = (
        {name_of[id(p)] for p in group["params"]} for group in parameter_groups(model, 0.3)
    )
    assert parameter_groups(model, 0.3)[0]["weight_decay"] == 0.3
    assert parameter_groups(model, 0.3)[1]["weight_decay"] == 0.0
    assert decayed | others == set(name_of.values())
    assert not decayed & others
    assert "blocks.0.out.weight" in decayed
    for kept in ("embedding.weight", "blocks.0.norm.weight", "blocks.0.conv.weight"):
        assert kept in others
    for kept in ("step_bias", "log_decay", "skip"):
        assert f"blocks.0.mixer.{kept}" in others
    assert not any(name.endswith("bias") for name in decayed)


def test_each_step_uses_the_rate_of_the_schedule(monkeypatch):
    asked = []

    def schedule(config, step):
        asked.append(step)
        return 0.0

    monkeypatch.setattr("dsf.optimize.learning_rate", schedule)
    trained, untrained = train(TINY, progress=False).model, build_model(TINY)
    assert asked == [step for step in range(TINY.steps) for _ in ("matrices", "others")]
    for name, value in untrained.state_dict().items():
        assert torch.equal(trained.state_dict()[name], value), name


def test_weight_decay_shrinks_a_matrix_by_its_rate():
    config = dataclasses.replace(TINY, steps=1, learning_rate=0.01)
    start = build_model(config).state_dict()
    free = train(config, progress=False).model.state_dict()
    decayed = train(
        dataclasses.replace(config, weight_decay=2.0), progress=False
    ).model.state_dict()
    name = "blocks.0.out.weight"
    torch.testing.assert_close(free[name] - decayed[name], 0.01 * 2.0 * start[name])
    assert torch.equal(free["embedding.weight"], decayed["embedding.weight"])


# Refusals.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mixer": "transformer"}, "mixer is 'transformer', expected one of softmax, linear, "),
        ({"mixer": ["softmax"]}, "mixer is "),
        ({"n": 0}, "n is 0, expected an integer >= 1"),
        ({"d_model": 64.0}, "d_model is 64.0"),
        ({"num_layers": 0}, "num_layers is 0"),
        ({"conv_kernel": -1}, "conv_kernel is -1, expected an integer >= 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0, expected a number > 0 and <= 1"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"warmup": 1.5}, "warmup is 1.5, expected a number >= 0 and <= 1"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1, expected a number >= 0 and <= 10"),
        ({"stop_accuracy": 99}, "stop_accuracy is 99, expected a number >= 0 and <= 1"),
        ({"init_std": "0.1"}, "init_std is '0.1'"),
        ({"compile": "yes"}, "compile is 'yes', expected True or False"),
        ({"position_embedding": 1}, "position_embedding is 1, expected True or False"),
        ({"seed": 2**63}, "seed is .* from 0 to"),
        ({"device": "abacus"}, "device is 'abacus'"),
        ({"seq_len": 30}, "seq_len is 30, expected at least 32 = "),
        ({"vocab_size": 64}, "vocab_size is 64, expected more than seq_len = 64"),
    ],
)
def test_impossible_configurations_are_refused_when_they_are_made(change, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**change)


def test_numbers_from_numpy_are_taken_and_stored_as_plain_ones():
    config = TrainConfig(n=np.int64(4), learning_rate=np.float32(0.5))
    assert type(config.n) is int
    assert type(config.learning_rate) is float


def test_a_device_that_is_not_there_is_refused_before_anything_starts():
    with pytest.raises(ValueError, match="device is 'cuda:99', expected a device of this machine"):
        train(dataclasses.replace(TINY, device="cuda:99"), progress=False)
