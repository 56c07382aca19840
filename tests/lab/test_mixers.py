"""Trainable mixers: each is the dynamical system it says it is."""

import functools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dsf import mixers
from dsf.mixers import MIXERS, RECURRENT, TITLES
from dsf.model import SequenceModel, num_parameters
from dsf.ssm import ssd

D, N, LENGTH = 6, 4, 11
FORGETFUL = [name for name in MIXERS if "forget_bias" in mixers.mixer_class(name).options]


def expansion(name):
    return 1 if name in RECURRENT else N


def make(name, d_model=D, n=None, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        mixer = MIXERS[name](d_model, n or expansion(name)).double()
        x = torch.randn(2, LENGTH, d_model, dtype=torch.float64)
    return mixer, x


@pytest.fixture(params=sorted(MIXERS))
def mixer_and_tokens(request):
    return make(request.param)


def test_forward_is_the_system_run_step_by_step(mixer_and_tokens):
    mixer, x = mixer_and_tokens
    y = mixer.system(x).run(mixer.u(x), method="recurrent")
    torch.testing.assert_close(mixer(x), y, rtol=1e-11, atol=1e-11)


def test_a_long_sequence_agrees_too(mixer_and_tokens):
    # Longer than any chunk, where forward takes another road than for a short one.
    mixer, _ = mixer_and_tokens
    x = torch.randn(1, 200, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = mixer.system(x).run(mixer.u(x), method="recurrent")
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


def test_the_outputs_at_some_positions_are_those_of_the_whole_sequence(mixer_and_tokens):
    mixer, x = mixer_and_tokens
    positions = torch.tensor([[0, 3, 10, 3], [10, 9, 0, 1]])
    y = torch.stack([row[where] for row, where in zip(mixer(x), positions, strict=True)])
    torch.testing.assert_close(mixer.at(x, positions), y, rtol=1e-12, atol=1e-12)


def test_every_parameter_gets_a_gradient(mixer_and_tokens):
    mixer, x = mixer_and_tokens
    weights = torch.linspace(-1, 1, D, dtype=torch.float64)
    (mixer(x) * weights).sum().backward()
    for name, parameter in mixer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("name", sorted(set(MIXERS) - {"softmax"}))
def test_the_state_has_n_numbers_a_channel(name):
    mixer, x = make(name)
    system = mixer.system(x)
    parts = 2 if system.transition.is_complex() else 1
    assert parts * system.n == mixer.n


def test_the_state_of_softmax_is_its_cache():
    mixer, x = make("softmax")
    assert mixer.system(x).n == LENGTH


def test_the_class_behind_a_name_knows_its_sizes_and_options(monkeypatch):
    assert mixers.mixer_class("qlstm_reversed").options == ("forget_bias",)
    assert mixers.mixer_class("s4d").expansion == "even"
    assert mixers.mixer_class("rg_lru").check_expansion(1) == 1
    monkeypatch.setitem(MIXERS, "mine", lambda d_model, n: mixers.S6(d_model, n))
    assert mixers.mixer_class("mine").expansion == "any"


def test_every_mixer_has_a_title():
    assert sorted(TITLES) == sorted(MIXERS)


def in_a_model(name, d_model, n, num_layers=1):
    with torch.device("meta"):
        make = functools.partial(MIXERS[name], d_model, n)
        return num_parameters(SequenceModel(128, d_model, make, num_layers))


def spread(d_model, n, num_layers):
    names = [name for name in MIXERS if name not in RECURRENT]
    counts = [in_a_model(name, d_model, n, num_layers) for name in names]
    return max(counts) / min(counts) - 1


@pytest.mark.parametrize("d_model", [16, 32, 48, 64])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("n", [2, 4, 64])
def test_models_of_equal_sizes_have_equal_parameters_to_within_five_percent(n, num_layers, d_model):
    assert spread(d_model, n, num_layers) <= 0.05


def test_a_large_s6_has_six_percent_more():
    assert spread(512, 4, num_layers=2) == pytest.approx(0.06, abs=0.005)


@pytest.mark.parametrize("d_model", [32, 64])
def test_so_have_recurrent_networks(d_model):
    counts = [in_a_model(name, d_model, 1) for name in RECURRENT]
    assert max(counts) <= 1.05 * min(counts)


def test_ssd_is_the_quadratic_dual_of_its_projections():
    mixer, x = make("ssd")
    a = -mixer.log_decay.exp()
    y = ssd(mixer.u(x), mixer.step(x), a, mixer.key(x), mixer.query(x), mixer.skip)
    torch.testing.assert_close(mixer(x), y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        ("normalized", lambda z: torch.exp(-z)),
        ("normalized_softplus", lambda z: 1 / torch.log1p(torch.exp(z))),
        ("normalized_sigmoid", lambda z: 1 + torch.exp(-z)),
    ],
)
def test_normalized_attention_is_unnormalized_attention_with_an_output_gate(name, gate):
    mixer, x = make(name)
    scores = (mixer.query(x) @ mixer.key(x).mT).tril()
    y = gate(mixer.eta_weight(x)) * (scores @ mixer.u(x))
    torch.testing.assert_close(mixer(x), y, rtol=1e-12, atol=1e-12)


def test_the_two_controls_differ_by_the_gate():
    (gated, x), (plain, _) = make("gated_linear"), make("unnormalized")
    plain.load_state_dict(gated.state_dict(), strict=False)
    torch.testing.assert_close(
        gated(x), plain(x) / (1 + torch.exp(-gated.gate(x))), rtol=1e-12, atol=1e-12
    )


def test_reversing_the_sigmoid_is_a_change_of_sign():
    (standard, x), (reverse, _) = make("qlstm_exponent"), make("qlstm_reversed")
    weights = standard.state_dict()
    for name in ("forget.weight", "forget_bias"):
        weights[name] = -weights[name]
    reverse.load_state_dict(weights)
    torch.testing.assert_close(reverse(x), standard(x), rtol=1e-13, atol=1e-13)


def test_a_qlstm_tells_the_exponent_that_it_has_learnt_and_no_other_mixer_tells_anything():
    told = {name: make(name)[0].learned() for name in MIXERS}
    assert {name for name, learnt in told.items() if learnt} == {"qlstm_exponent", "qlstm_reversed"}
    mixer, x = make("qlstm_exponent")
    with torch.no_grad():
        mixer.log_exponent.fill_(math.log(2.0))
    plain = MIXERS["qlstm"](D, 1).double()
    plain.load_state_dict({k: v for k, v in mixer.state_dict().items() if k != "log_exponent"})
    squared = plain.system(x).transition ** mixer.learned()["alpha"]
    torch.testing.assert_close(mixer.system(x).transition, squared, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", FORGETFUL)
def test_the_forget_bias_is_the_logit_of_the_first_transition(name):
    mixer = MIXERS[name](D, expansion(name), forget_bias=3.0)
    transition = mixer.system(torch.zeros(1, 2, D)).transition
    assert transition.flatten().tolist() == pytest.approx([1 / (1 + math.exp(-3))] * 2 * D)


STARTS = [(name, start) for name in MIXERS for start in mixers.mixer_class(name).starts]


@pytest.mark.parametrize(("name", "start"), STARTS)
def test_another_start_is_another_transition_of_the_same_size(name, start):
    n = expansion(name)
    torch.manual_seed(0)
    own = MIXERS[name](D, n)
    torch.manual_seed(0)
    other = MIXERS[name](D, n, **mixers.mixer_class(name).starts[start])
    shapes = [[p.shape for p in mixer.parameters()] for mixer in (own, other)]
    assert shapes[0] == shapes[1]
    x = torch.zeros(1, 2, D)
    assert not torch.allclose(own.system(x).transition, other.system(x).transition)


def test_slow_poles_are_a_hundred_times_slower():
    kept = {}
    for start in ("", "slow poles"):
        torch.manual_seed(0)
        mixer = mixers.S6(D, 4, **mixers.S6.starts.get(start, {}))
        kept[start] = mixer.system(torch.zeros(1, 2, D)).transition.double()
    torch.testing.assert_close(kept["slow poles"] ** 100, kept[""], rtol=1e-4, atol=0)


def test_the_steps_of_a_start_without_a_bias_are_softplus_of_0():
    for make_mixer in (mixers.S6, mixers.SSD):
        mixer = make_mixer(D, 4, **make_mixer.starts["ln 2"])
        torch.testing.assert_close(
            mixer.step_bias, torch.zeros_like(mixer.step_bias), atol=1e-6, rtol=0
        )


def test_rg_lru_starts_with_griffins_memory():
    mixer = mixers.RGLRU(2000)
    transition = torch.sigmoid(mixer.decay.detach().double()) ** 8
    assert 0.9 - 1e-4 <= transition.min() < 0.901
    assert 0.998 < transition.max() <= 0.999 + 1e-4


def test_min_gru_keeps_what_it_does_not_write():
    mixer, x = make("min_gru")
    system = mixer.system(x)
    ones = torch.ones_like(system.input)
    torch.testing.assert_close(system.transition + system.input, ones, rtol=1e-14, atol=0)


def test_s6_starts_as_mamba_does():
    mixer = mixers.S6(2000, 8)
    steps = F.softplus(mixer.step_bias.detach().double())
    assert 1e-3 * (1 - 1e-3) <= steps.min() < 1.1e-3
    assert 0.09 < steps.max() <= 0.1 * (1 + 1e-3)
    assert mixer.log_decay.exp().tolist() == pytest.approx(list(range(1, 9)))


def test_s4d_has_a_fixed_convolution_kernel():
    mixer, x = make("s4d")
    u = mixer.u(x)
    impulse = torch.zeros_like(u)
    impulse[..., 0, :] = 1
    a = torch.complex(-mixer.log_decay.exp(), mixer.frequency)
    c, step = torch.view_as_complex(mixer.read), mixer.log_step.exp()
    lags = torch.arange(LENGTH)[:, None, None]
    weights = c * torch.expm1(step[:, None] * a) / a
    kernel = 2 * (torch.exp(lags * step[:, None] * a) * weights).real.sum(-1)
    kernel[0] = kernel[0] + mixer.skip
    system = mixer.system(x)
    torch.testing.assert_close(system.run(impulse), kernel.expand(2, -1, -1), rtol=1e-9, atol=1e-11)


def test_ssd_starts_as_mamba_2_does():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = [mixers.SSD(1, 1, decay_range=(1, 16)) for _ in range(400)]
    steps = torch.stack([F.softplus(m.step_bias.detach()) for m in made])
    decays = torch.stack([m.log_decay.detach().exp() for m in made])
    # Uniform on [0, 1] after undoing the scale: the range is kept, mean 1/2 and mean square 1/3
    # to within 4 standard errors, which are 0.0144 and 0.0149.
    for unit in (steps.log10() / 2 + 1.5, (decays - 1) / 15):
        assert unit.min() > -1e-4
        assert unit.max() < 1 + 1e-4
        assert abs(unit.mean() - 1 / 2) < 4 * 0.0144
        assert abs(unit.square().mean() - 1 / 3) < 4 * 0.0149
    assert all((m.skip == 1).all() for m in made)
    # A single head starts with the longest memory of that range.
    assert mixers.SSD(1, 1).log_decay.item() == 0


@pytest.mark.parametrize("step", [1e-3, 0.1, 5.0])
def test_ssd_starts_with_the_step_it_is_given(step):
    mixer = mixers.SSD(3, 2, step_range=(step, step))
    assert mixer.step(torch.zeros(4, 3)).tolist() == pytest.approx([step] * 4, rel=1e-4)


def test_ssd_stays_finite_under_strong_decay():
    mixer, x = make("ssd")
    nn.init.constant_(mixer.log_decay, math.log(1e4))
    y = mixer.system(x).run(mixer.u(x), method="recurrent")
    torch.testing.assert_close(mixer(x), y, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"d_model": 0, "n": 1}, "d_model is 0, expected an integer >= 1"),
        ({"d_model": 1, "n": 0}, "n is 0, expected"),
        (
            {"d_model": 1, "n": 1, "step_range": (0, 1)},
            r"step_range is \(0, 1\), expected a pair 0 < low <= high",
        ),
        ({"d_model": 1, "n": 1, "decay_range": (2, 1)}, r"decay_range is \(2, 1\), expected"),
    ],
)
def test_bad_sizes_and_ranges_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        mixers.SSD(**arguments)


@pytest.mark.parametrize(
    ("make_mixer", "message"),
    [
        (
            lambda: mixers.NormalizedAttention(2, 2, eta="relu"),
            "eta is 'relu', expected one of exp",
        ),
        (lambda: mixers.S4D(2, 3), "n is 3, expected an even number"),
        (lambda: mixers.QLSTM(2, 2), "n is 2, expected 1"),
        (lambda: mixers.S4D(2, 2, poles="log"), "poles is 'log', expected one of lin"),
        (lambda: mixers.S6(2, 2, slowest=0), "slowest is 0, expected a finite number > 0"),
        (lambda: mixers.RGLRU(2, decay_range=(0.5, 1)), "decay_range is .*below 1"),
        (lambda: mixers.RGLRU(2, 2), "n is 2, expected 1"),
        (lambda: mixers.MinGRU(2, 2), "n is 2, expected 1"),
        (lambda: mixers.ExpandedQLSTM(2, 2, forget_bias=math.inf), "forget_bias is inf, expected"),
        (lambda: mixers.MinGRU(2, 1, forget_bias=math.nan), "forget_bias is nan, expected"),
        (lambda: mixers.QLSTM(2, 1, forget_bias=math.inf), "forget_bias is inf, expected"),
    ],
)
def test_so_are_other_bad_arguments(make_mixer, message):
    with pytest.raises(ValueError, match=message):
        make_mixer()
