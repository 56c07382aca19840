"""The sequence model around a mixer."""

import dataclasses
import json
import re

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from dsf.config import TrainConfig, experiment
from dsf.mixers import MIXERS, RECURRENT, SSD, LinearAttention
from dsf.model import (
    Block,
    SequenceModel,
    ShortConvolution,
    build_model,
    load,
    num_parameters,
    save,
)


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def make(mixer="linear", **options):
    n = 1 if mixer in RECURRENT else 4
    return SequenceModel(20, 8, lambda: MIXERS[mixer](8, n), **options).double()


TOKENS = torch.randint(20, (3, 12), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("length", [1, 3, 10])  # shorter and longer than the kernel
def test_short_convolution_is_a_causal_depthwise_convolution(length):
    conv, x = ShortConvolution(5, kernel=4).double(), torch.randn(2, length, 5).double()
    kernel = conv.weight.flip(0).T.unsqueeze(1)  # the library correlates: oldest tap first
    expected = F.conv1d(F.pad(x.mT, (3, 0)), kernel, groups=5).mT
    torch.testing.assert_close(conv(x), expected, rtol=1e-12, atol=1e-12)


def test_block_adds_its_parts_to_the_residual_stream():
    block, x = Block(LinearAttention(8, 4), mlp_ratio=2).double(), torch.randn(2, 9, 8).double()
    mixed = x + block.out(block.mixer(block.conv(block.norm(x))))
    torch.testing.assert_close(block(x), mixed + block.mlp(mixed))
    torch.nn.init.zeros_(block.out.weight)
    torch.nn.init.zeros_(block.mlp[-1].weight)
    torch.nn.init.zeros_(block.mlp[-1].bias)
    assert torch.equal(block(x), x)


def test_the_model_is_embedding_blocks_norm_and_read_out():
    model = make(num_layers=2, max_length=15)
    x = model.embedding.weight[TOKENS] + model.position.weight[:12]
    for block in model.blocks:
        x = block(x)
    x = F.layer_norm(x, (8,))
    torch.testing.assert_close(model(TOKENS), x @ model.embedding.weight.T, rtol=1e-12, atol=1e-12)


def test_read_out_at_positions_is_a_selection_of_the_read_out_everywhere():
    model, positions = (
        make(num_layers=2, mlp_ratio=2),
        torch.tensor([[0, 11, 5], [3, 3, 4], [7, 1, 0]]),
    )
    everywhere = model(TOKENS)
    assert everywhere.shape == (3, 12, 20)
    expected = torch.stack([everywhere[i, row] for i, row in enumerate(positions)])
    torch.testing.assert_close(model(TOKENS, positions), expected, rtol=1e-12, atol=1e-12)


def test_only_asked_positions_meet_the_vocabulary(monkeypatch):
    rows = []
    linear = F.linear

    def counting(x, weight, bias=None):
        if weight.shape == (20, 8):
            rows.append(x.numel() // 8)
        return linear(x, weight, bias)

    model = make()
    monkeypatch.setattr(F, "linear", counting)
    model(TOKENS, torch.tensor([[1, 2]] * 3))
    assert rows == [6]


@pytest.mark.parametrize("mixer", sorted(MIXERS))
def test_the_model_is_causal(mixer):
    model, changed = make(mixer, num_layers=2, max_length=12), TOKENS.clone()
    changed[:, 8] = (changed[:, 8] + 1) % 20
    before, after = model(TOKENS), model(changed)
    torch.testing.assert_close(after[:, :8], before[:, :8], rtol=1e-12, atol=1e-12)
    assert (after[:, 8] - before[:, 8]).abs().max() > 1e-6


def test_embedding_and_read_out_are_one_matrix():
    model = make(conv_kernel=0)
    # embedding, position none, norm, mixer (q, k, v), out, final norm
    assert num_parameters(model) == 20 * 8 + 16 + (8 * 4 * 2 + 8 * 8) + 8 * 8 + 16
    with torch.no_grad():
        model.embedding.weight[19] = 0
    tokens = TOKENS.clamp(max=18)  # 19 is not shown, only scored
    assert (model(tokens)[..., 19] == 0).all()
    assert (model(tokens)[..., :19] != 0).all()


def test_positions_are_told_apart_only_with_a_position_embedding():
    repeated = torch.full((1, 6), 3)
    plain = make(conv_kernel=0)(repeated)
    torch.testing.assert_close(plain[:, 0], plain[:, 5], rtol=1e-12, atol=1e-12)
    placed = make(conv_kernel=0, max_length=6)
    assert (placed(repeated)[:, 0] - placed(repeated)[:, 5]).abs().max() > 1e-3
    with pytest.raises(ValueError, match="tokens has length 12, expected at most max_length = 6"):
        placed(TOKENS)


def test_initialization():
    model = SequenceModel(500, 64, lambda: SSD(64, 16), num_layers=2, mlp_ratio=2, init_std=0.03)
    # 0.03 to within five standard errors of a standard deviation from 64² samples or more.
    for weight in (
        model.embedding.weight,
        model.blocks[0].out.weight,
        model.blocks[1].mixer.value.weight,
        model.blocks[1].mlp[1].weight,
    ):
        assert abs(weight.std().item() / 0.03 - 1) < 5 / (2 * weight.numel()) ** 0.5
    assert (model.blocks[0].mlp[1].bias == 0).all()
    for block in model.blocks:  # what the mixer initialises by itself is left alone
        assert 1e-3 * 0.999 < F.softplus(block.mixer.step_bias).item() < 1e-1 * 1.001
        assert (block.mixer.skip == 1).all()
    assert model.blocks[0].mixer.step_bias != model.blocks[1].mixer.step_bias


def test_what_a_model_is_made_of_where_nothing_is_said():
    model = SequenceModel(500, 64, lambda: LinearAttention(64, 16))
    assert (len(model.blocks), model.position) == (1, None)
    block = model.blocks[0]
    assert (block.conv.weight.shape, block.mlp) == ((4, 64), None)
    assert abs(model.embedding.weight.std().item() / 0.1 - 1) < 5 / (2 * 500 * 64) ** 0.5
    plain = Block(LinearAttention(8, 4))
    assert (plain.conv.weight.shape, plain.mlp) == ((4, 8), None)
    # The bound of PyTorch's own convolutions: uniform between ±1/√kernel, so of that size.
    weight = ShortConvolution(5000, 4).weight
    assert weight.abs().max() <= 0.5
    assert weight.min() < -0.499
    assert weight.max() > 0.499
    wide = Block(LinearAttention(8, 4), mlp_ratio=3).mlp
    assert (wide[1].weight.shape, wide[3].weight.shape) == ((24, 8), (8, 24))


def test_a_model_without_layers_is_refused():
    with pytest.raises(ValueError, match="num_layers is 0, expected"):
        make(num_layers=0)


# --- files

SMALL = TrainConfig(d_model=8, n=4, vocab_size=32, seq_len=16, num_kv_pairs=2)


@pytest.mark.parametrize("mixer", sorted(MIXERS))
def test_a_model_that_is_saved_and_loaded_says_the_same(mixer, tmp_path):
    n = 1 if mixer in RECURRENT else 4
    more = {"position_embedding": True, "mlp_ratio": 2, "num_layers": 2, "seed": 7}
    config = dataclasses.replace(SMALL, mixer=mixer, n=n, learning_rate=0.016, **more)
    model = build_model(config)
    with torch.no_grad():
        for x in model.parameters():
            x.add_(0.01)  # no longer what the seed alone gives
    save(model, config, tmp_path / "it.safetensors")
    again, found = load(str(tmp_path / "it.safetensors"))
    assert found == config
    tokens = torch.randint(32, (3, 16))
    assert torch.equal(again(tokens), model(tokens))
    assert not torch.equal(build_model(config)(tokens), model(tokens))
    assert all(x.requires_grad for x in again.parameters())


def test_a_model_keeps_its_precision_and_its_start(tmp_path):
    config = dataclasses.replace(SMALL, mixer="ssd", start="slow")
    model = build_model(config).double()
    save(model, config, tmp_path / "it")
    again, found = load(tmp_path / "it")
    assert found.start == "slow"
    assert {x.dtype for x in again.parameters()} == {torch.float64}
    assert torch.equal(again(TOKENS), model(TOKENS))


def test_a_model_is_saved_only_with_its_own_configuration(tmp_path):
    wider = dataclasses.replace(SMALL, n=8)
    shape = r"blocks.0.mixer.query.weight has shape \(4, 8\), expected \(8, 8\)"
    with pytest.raises(ValueError, match=f"model is not the one of config: {shape}"):
        save(build_model(SMALL), wider, tmp_path / "it")
    with_mlp = dataclasses.replace(SMALL, mlp_ratio=2)
    with pytest.raises(ValueError, match=r"one of config: blocks\.0\.mlp\.0\.weight is missing"):
        save(build_model(SMALL), with_mlp, tmp_path / "it")
    with pytest.raises(ValueError, match=r"blocks\.0\.mlp\.0\.weight is there, expected no such"):
        save(build_model(with_mlp), SMALL, tmp_path / "it")
    assert not (tmp_path / "it").exists()


def test_a_foreign_file_is_refused_with_its_name_and_what_is_wrong(tmp_path):
    path, tensors = tmp_path / "it.safetensors", build_model(SMALL).state_dict()
    said = {**experiment(SMALL), "seed": 0}

    def refused(expected, metadata):
        save_file(tensors, path, {"dsf.config": json.dumps(metadata)} if metadata else None)
        with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: {expected}"):
            load(path)

    path.write_text("no such thing")
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: no file in the safetensors"):
        load(path)
    refused("no model of dsf: its metadata have no 'dsf.config'", None)
    refused(
        "its configuration cannot be used: mixer is 'mlp', expected one of",
        {**said, "mixer": "mlp"},
    )
    refused("its configuration cannot be used: .*'heads'", {**said, "heads": 2})
    refused("its configuration cannot be used: .*list", [1])
    shapes = r"blocks.0.mixer.query.weight has shape \(4, 8\), expected \(2, 8\)"
    refused(f"not the model of its configuration: {shapes}", {**said, "n": 2})
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere")


def test_a_file_without_fields_that_came_later_is_read(tmp_path):
    path, model = tmp_path / "it.safetensors", build_model(SMALL)
    said = {k: v for k, v in experiment(SMALL).items() if k not in ("task", "start")}
    save_file(model.state_dict(), path, {"dsf.config": json.dumps(said)})
    assert load(path)[1] == SMALL
