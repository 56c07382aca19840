"""The trained models that come with the package score what is said of them."""

import pytest
import torch
from torch import Tensor

from book.models import MODELS, recorded
from dsf import models
from dsf.config import TrainConfig
from dsf.model import build_model
from dsf.tasks.base import data_seeds
from dsf.train import evaluate


def test_the_files_are_those_that_the_command_makes() -> None:
    assert models.names() == sorted(MODELS)
    assert all(path.stat().st_size < 200_000 for path in models.FOLDER.glob("*.safetensors"))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_the_run_of_the_record_and_scores_what_it_did(name: str) -> None:
    model, config = models.trained(name)
    wanted, score = recorded(MODELS[name])
    assert config == wanted
    data = config.draw(config.num_test, data_seeds(config.seed)["test"], "test")
    # Equal to the last digit where it was trained on the processor of the record.
    assert evaluate(model, data, config.batch_size) == pytest.approx(score, abs=0.01)


def test_a_model_that_does_not_come_with_the_package_is_refused() -> None:
    with pytest.raises(ValueError, match="name is 'gpt', expected one of linear-16, linear-4"):
        models.trained("gpt")


# What a trained state stores.

SMALL = {"d_model": 8, "n": 4, "seq_len": 16, "num_kv_pairs": 2, "vocab_size": 20}


@pytest.mark.parametrize("mixer", ["linear", "normalized", "ssd", "s6", "s4d", "deltanet"])
@pytest.mark.parametrize("layers", [1, 2])
def test_what_is_stored_of_a_key_is_the_mean_size_of_b_at_its_value(
    mixer: str, layers: int
) -> None:
    config = TrainConfig(mixer=mixer, num_layers=layers, **SMALL)
    model = build_model(config)
    found = models.stored(model, config, num_examples=200, seed=3)
    assert found.shape == (2 if mixer == "s4d" else 4, 9)  # conjugate poles share a feature
    sizes: dict[int, list[Tensor]] = {}
    for row in config.draw(200, 3)[0]:
        x = model.embedding(row.unsqueeze(0))
        for block in model.blocks[:-1]:
            x = block(x)
        last = model.blocks[-1]
        written = last.mixer.system(last.conv(last.norm(x))).input.detach().abs()
        written = written[0] if written.ndim == 4 else written  # (L, n, d or 1)
        for place in (0, 2):
            sizes.setdefault(int(row[place]), []).append(written[place + 1].mean(-1))
    for key in range(1, 10):
        assert torch.allclose(found[:, key - 1], torch.stack(sizes[key]).mean(0), atol=1e-5)


def test_features_that_are_positive_are_drawers_and_those_with_signs_are_not() -> None:
    """By the share of its strongest feature in what a key writes: of four equal ones 0.25."""
    strongest = {}
    for name in ("linear-4", "normalized-4", "ssd-slow-4"):
        table = models.stored(*models.trained(name))
        strongest[name] = float((table.amax(0) / table.sum(0)).mean())
    assert strongest["linear-4"] > 0.6
    assert max(strongest["normalized-4"], strongest["ssd-slow-4"]) < 0.4


def test_what_has_no_table_is_refused() -> None:
    with pytest.raises(ValueError, match="model has softmax attention, expected"):
        models.stored(*models.trained("softmax-4"))
    model, config = models.trained("linear-4")
    with pytest.raises(ValueError, match="num_examples is 2, expected so many that each key"):
        models.stored(model, config, num_examples=2)
    with pytest.raises(ValueError, match="model is 3, expected a SequenceModel"):
        models.stored(3, config)
    with pytest.raises(ValueError, match="config is 'linear', expected a TrainConfig"):
        models.stored(model, "linear")
