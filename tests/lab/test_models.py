"""The trained models that come with the package score what is said of them."""

import pytest

from book.models import MODELS, recorded
from dsf import models
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
