"""Trainable mixers: each is the dynamical system it says it is."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dsf import layers
from dsf.layers import MIXERS
from dsf.ssm import ssd

D, N, LENGTH = 6, 4, 11


def make(name, d_model=D, n=N, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        mixer = MIXERS[name](d_model, n).double()
        x = torch.randn(2, LENGTH, d_model, dtype=torch.float64)
    return mixer, x


@pytest.fixture(params=sorted(MIXERS))
def mixer_and_tokens(request):
    return make(request.param)


def test_forward_is_the_system_run_step_by_step(mixer_and_tokens):
    mixer, x = mixer_and_tokens
    y = mixer.system(x).run(mixer.inputs(x), method="recurrent")
    torch.testing.assert_close(mixer(x), y, rtol=1e-11, atol=1e-11)


def test_a_long_sequence_agrees_too(mixer_and_tokens):
    # Longer than any chunk, where forward takes another road than for a short one.
    mixer, _ = mixer_and_tokens
    x = torch.randn(1, 200, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = mixer.system(x).run(mixer.inputs(x), method="recurrent")
    torch.testing.assert_close(mixer(x), y, rtol=1e-10, atol=1e-10)


def test_leading_axes_are_free(mixer_and_tokens):
    mixer, x = mixer_and_tokens
    y = mixer(x)
    torch.testing.assert_close(mixer(x[0]), y[0], rtol=1e-12, atol=1e-12)
    stacked = torch.stack([x, 2 * x])
    torch.testing.assert_close(mixer(stacked)[0], y, rtol=1e-12, atol=1e-12)


def test_no_output_depends_on_a_later_token(mixer_and_tokens):
    mixer, x = mixer_and_tokens
    changed = x.clone()
    changed[:, 7:] += 1
    before, after = mixer(x), mixer(changed)
    torch.testing.assert_close(after[:, :7], before[:, :7], rtol=1e-12, atol=1e-12)
    assert (after[:, 7:] - before[:, 7:]).abs().amax(dim=-1).min() > 1e-6


def test_every_parameter_gets_a_gradient(mixer_and_tokens):
    mixer, x = mixer_and_tokens
    weights = torch.linspace(-1, 1, D, dtype=torch.float64)
    (mixer(x) * weights).sum().backward()
    for name, parameter in mixer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("name", sorted(set(MIXERS) - {"softmax"}))
def test_the_state_expansion_is_n(name):
    mixer, x = make(name)
    assert mixer.system(x).n == N


def test_the_state_of_softmax_is_its_cache():
    mixer, x = make("softmax")
    assert mixer.system(x).n == LENGTH


@pytest.mark.parametrize("n", [4, 64])
def test_mixers_of_equal_sizes_have_equal_parameters_to_within_five_percent(n):
    counts = [sum(p.numel() for p in make(name, 64, n)[0].parameters()) for name in MIXERS]
    assert max(counts) <= 1.05 * min(counts)


def test_ssd_is_the_quadratic_dual_of_its_projections():
    mixer, x = make("ssd")
    a = -mixer.log_decay.exp()
    y = ssd(mixer.inputs(x), mixer.step(x), a, mixer.key(x), mixer.query(x), mixer.skip)
    torch.testing.assert_close(mixer(x), y, rtol=1e-12, atol=1e-12)


def test_normalised_attention_is_unnormalised_linear_attention_with_an_output_gate():
    mixer, x = make("normalized")
    scores = (mixer.query(x) @ mixer.key(x).mT).tril()
    gate = torch.exp(-(x @ mixer.log_eta.weight.T + mixer.log_eta.bias))
    torch.testing.assert_close(mixer(x), gate * (scores @ mixer.inputs(x)), rtol=1e-12, atol=1e-12)


def test_ssd_starts_as_mamba_2_does():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        mixers = [layers.SSD(1, 1, decay_range=(1, 16)) for _ in range(400)]
    steps = torch.stack([F.softplus(m.step_bias.detach()) for m in mixers])
    decays = torch.stack([m.log_decay.detach().exp() for m in mixers])
    # Uniform on [0, 1] after undoing the scale: the range is kept, mean 1/2 and mean square 1/3
    # to within 4 standard errors, which are 0.0144 and 0.0149.
    for unit in (steps.log10() / 2 + 1.5, (decays - 1) / 15):
        assert unit.min() > -1e-4
        assert unit.max() < 1 + 1e-4
        assert abs(unit.mean() - 1 / 2) < 4 * 0.0144
        assert abs(unit.square().mean() - 1 / 3) < 4 * 0.0149
    assert all((m.skip == 1).all() for m in mixers)
    # A single head starts with the longest memory of that range.
    assert layers.SSD(1, 1).log_decay.item() == 0


@pytest.mark.parametrize("step", [1e-3, 0.1, 5.0])
def test_ssd_starts_with_the_step_it_is_given(step):
    mixer = layers.SSD(3, 2, step_range=(step, step))
    assert mixer.step(torch.zeros(4, 3)).tolist() == pytest.approx([step] * 4, rel=1e-4)


def test_ssd_stays_finite_under_strong_decay():
    mixer, x = make("ssd")
    nn.init.constant_(mixer.log_decay, math.log(1e4))
    y = mixer.system(x).run(mixer.inputs(x), method="recurrent")
    torch.testing.assert_close(mixer(x), y, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"d_model": 0, "n": 1}, "d_model = 0"),
        ({"d_model": 1, "n": 0}, "n = 0"),
        ({"d_model": 1, "n": 1, "step_range": (0, 1)}, r"step_range = \(0, 1\)"),
        ({"d_model": 1, "n": 1, "decay_range": (2, 1)}, r"decay_range = \(2, 1\)"),
    ],
)
def test_bad_sizes_and_ranges_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.SSD(**arguments)
