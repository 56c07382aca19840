"""Train the models that come with the package: ``python -m book.models``, minutes on one core.

Which settings those are stands in `MODELS`. Rate and seed are taken from the record: the rate that
validation chose, the seed whose test accuracy is the median of the seeds, so that a model is
neither the best nor the worst of its kind. A run on another processor differs in its last digits,
and by the end of training a little in its accuracy; the tests compare that with the record.
"""

from __future__ import annotations

import sys
from typing import Any

from dsf import models, results
from dsf.config import TrainConfig, experiment
from dsf.model import save
from dsf.train import train

MODELS: dict[str, dict[str, Any]] = {
    "softmax-4": {"mixer": "softmax", "n": 4},
    "linear-4": {"mixer": "linear", "n": 4},
    "linear-16": {"mixer": "linear", "n": 16},
    "linear-64": {"mixer": "linear", "n": 64},
    "normalized-4": {"mixer": "normalized", "n": 4},
    "ssd-slow-4": {"mixer": "ssd", "start": "slow", "n": 4},
}
"""The settings by the names of the files: what differs from the teaching task."""

RECORDS = ("mqar", "starts")


def recorded(setting: dict[str, Any]) -> tuple[TrainConfig, float]:
    """The run of the records that a model repeats.

    Args:
        setting: fields of a configuration; the others are those of the teaching task.

    Returns:
        Its configuration, and the test accuracy that it reached.

    Raises:
        ValueError: the records have no such runs.
    """
    wanted = experiment(TrainConfig(**setting))
    for cell in results.cells(run for name in RECORDS for run in results.recorded(name)):
        if cell.config == {k: v for k, v in wanted.items() if k != "learning_rate"}:
            ranked = sorted(zip(cell.scores, cell.seeds, strict=True))
            score, seed = ranked[len(ranked) // 2]
            return TrainConfig(**setting, learning_rate=cell.learning_rate, seed=seed), score
    raise ValueError(f"setting is {setting}, expected one of the records {', '.join(RECORDS)}")


def main(wanted: list[str]) -> None:
    """Train and write.

    Args:
        wanted: names, keys of `MODELS`; all if there are none.
    """
    for name in wanted or MODELS:
        config, score = recorded(MODELS[name])
        result = train(config)
        save(result.model, config, models.FOLDER / f"{name}.safetensors")
        print(f"{name}: {result.test_accuracy:.4f}, in the record {score:.4f}")


if __name__ == "__main__":
    main(sys.argv[1:])
