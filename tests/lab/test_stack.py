"""Several runs at once are the runs one by one."""

import dataclasses
import math

import pytest
import torch

from dsf.mixers import MIXERS, RECURRENT
from dsf.stack import train_stack
from dsf.train import TrainConfig, train

# A kernel that vmap can only call run by run.
pytestmark = pytest.mark.filterwarnings("error:There is a performance drop")
DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
TINY = TrainConfig(
    d_model=8, n=4, seq_len=32, num_kv_pairs=4, vocab_size=64, steps=7, report_every=3,
    num_validation=50, num_test=50, stop_accuracy=None, learning_rate=1e-2,
)  # fmt: skip


def assert_same(stacked, alone):
    assert stacked.config == alone.config
    assert stacked.diverged == alone.diverged
    assert stacked.num_parameters == alone.num_parameters
    assert [report.step for report in stacked.history] == [report.step for report in alone.history]
    for a, b in zip(stacked.history, alone.history, strict=True):
        # Float32 sums in another order, through a few steps of Adam.
        assert a.loss == pytest.approx(b.loss, rel=1e-4)
        assert a.accuracy == pytest.approx(b.accuracy, abs=0.011)
    assert stacked.test_accuracy == pytest.approx(alone.test_accuracy, abs=0.011, nan_ok=True)


# Deep: the whole outputs of a layer, SSD cut into chunks, weight decay on some parameters only.
DEEP = {
    "num_layers": 2, "mlp_ratio": 2, "weight_decay": 0.5, "steps": 3, "seq_len": 160,
    "vocab_size": 192,
}  # fmt: skip


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", [{}, DEEP], ids=["shallow", "deep"])
@pytest.mark.parametrize("mixer", sorted(MIXERS))
def test_each_run_of_a_stack_is_the_run_alone(mixer, size, device, monkeypatch):
    monkeypatch.setattr("dsf.scan._CHUNK_NUMEL", 1)  # scans in several chunks
    n = 1 if mixer in RECURRENT else TINY.n
    configs = [
        dataclasses.replace(
            TINY, mixer=mixer, n=n, device=device, seed=seed, learning_rate=rate, **size
        )
        for seed, rate in ((0, 1e-2), (1, 1e-2), (0, 2e-3))
    ]
    for stacked, config in zip(train_stack(configs), configs, strict=True):
        assert_same(stacked, train(config, progress=False))


def test_a_goal_that_is_exactly_reached_ends_a_run_of_a_stack_as_it_ends_the_run_alone():
    config = dataclasses.replace(TINY, steps=60, num_validation=25)  # 100 questions
    (free,) = train_stack([config])
    seen = [report.accuracy for report in free.history]
    assert seen == [report.accuracy for report in train(config, progress=False).history]
    goal = max(accuracy for accuracy in seen if float(torch.tensor(accuracy)) < accuracy)
    alone = train(dataclasses.replace(config, stop_accuracy=goal), progress=False)
    (stacked,) = train_stack([alone.config])
    assert [report.accuracy for report in stacked.history] == seen[: len(alone.history)]
    assert alone.history[-1].accuracy == stacked.history[-1].accuracy == goal
    assert stacked.test_accuracy == alone.test_accuracy


def test_runs_end_each_at_its_time():
    learns = dataclasses.replace(
        TINY, d_model=32, n=16, steps=300, report_every=50, stop_accuracy=0.6, learning_rate=8e-3
    )
    configs = [learns, dataclasses.replace(learns, learning_rate=1e-5)]
    early, late = train_stack(configs)
    assert early.history[-1].step < late.history[-1].step == 300
    assert early.history[-1].step == train(learns, progress=False).history[-1].step
    assert 0 < early.seconds < late.seconds
    assert 0 < early.processor_seconds < late.processor_seconds


def test_a_run_that_diverges_leaves_the_others_alone():
    wild = dataclasses.replace(TINY, mixer="normalized", steps=60, learning_rate=1.0)
    tame = dataclasses.replace(wild, learning_rate=1e-3)
    lost, kept = train_stack([wild, tame])
    assert lost.diverged
    assert kept.diverged is None
    assert_same(kept, train(tame, progress=False))


def test_a_run_whose_logits_are_not_finite_in_the_end_has_diverged(monkeypatch):
    def leap(config, step):  # the loss is taken before the step, and there is no loss after it
        return 1e38 if config.seed == 1 and step == TINY.steps - 1 else 1e-3

    monkeypatch.setattr("dsf.optimize.learning_rate", leap)
    configs = [
        dataclasses.replace(TINY, seed=seed, learning_rate=1 / (seed + 1)) for seed in (0, 1)
    ]
    kept, lost = train_stack(configs)
    assert kept.diverged is None
    assert math.isfinite(lost.history[-1].loss)
    assert lost.diverged == f"the logits were no longer finite by step {TINY.steps}"
    assert math.isnan(lost.test_accuracy)


def test_runs_of_different_models_are_refused():
    with pytest.raises(ValueError, match="n is 8, expected 4 as in the first of these runs"):
        train_stack([TINY, dataclasses.replace(TINY, n=8)])
    with pytest.raises(ValueError, match="compile is True, expected False"):
        train_stack([dataclasses.replace(TINY, compile=True)])
