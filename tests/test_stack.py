"""Several runs at once are the runs one by one."""

import dataclasses

import pytest

from dsf.layers import MIXERS, RECURRENT
from dsf.stack import train_stack
from dsf.train import TrainConfig, train

pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop")
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


@pytest.mark.parametrize("mixer", sorted(MIXERS))
def test_each_run_of_a_stack_is_the_run_alone(mixer):
    n = 1 if mixer in RECURRENT else TINY.n
    configs = [
        dataclasses.replace(TINY, mixer=mixer, n=n, seed=seed, learning_rate=rate)
        for seed, rate in ((0, 1e-2), (1, 1e-2), (0, 2e-3))
    ]
    for stacked, config in zip(train_stack(configs), configs, strict=True):
        assert_same(stacked, train(config, progress=False))


def test_runs_end_each_at_its_time():
    learns = dataclasses.replace(
        TINY, d_model=32, n=16, steps=300, report_every=50, stop_accuracy=0.6, learning_rate=8e-3
    )
    configs = [learns, dataclasses.replace(learns, learning_rate=1e-5)]
    early, late = train_stack(configs)
    assert early.history[-1].step < late.history[-1].step == 300
    assert early.history[-1].step == train(learns, progress=False).history[-1].step
    assert 0 < early.seconds < late.seconds


def test_a_run_that_diverges_leaves_the_others_alone():
    wild = dataclasses.replace(TINY, mixer="normalized", steps=60, learning_rate=1.0)
    tame = dataclasses.replace(wild, learning_rate=1e-3)
    lost, kept = train_stack([wild, tame])
    assert lost.diverged
    assert kept.diverged is None
    assert_same(kept, train(tame, progress=False))


def test_runs_of_different_models_are_refused():
    with pytest.raises(ValueError, match="n = 8: expected 4 as in the first of these runs"):
        train_stack([TINY, dataclasses.replace(TINY, n=8)])
    with pytest.raises(ValueError, match="compile = True: expected False"):
        train_stack([dataclasses.replace(TINY, compile=True)])
