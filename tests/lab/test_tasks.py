"""Tasks: all that trains, records and compares works for one that the package has never seen."""

import dataclasses
import math
import pickle

import pytest
import torch
from rich.console import Console
from sweeps import inline
from torch.nn import functional as F

from dsf import cli, results
from dsf.config import Config, TrainConfig, config_class, experiment
from dsf.engines import process_pool
from dsf.results import Record
from dsf.stack import train_stack
from dsf.sweep import key_of, read_grid, run_sweep
from dsf.tasks import (
    ACCURACY,
    MQAR,
    TASKS,
    Composition,
    Metric,
    Overwrite,
    Parity,
    SelectiveCopying,
    Sizes,
    Task,
)
from dsf.tasks.base import check_fields, data_seeds
from dsf.train import build_model, evaluate, train


@dataclasses.dataclass(frozen=True, kw_only=True)
class Majority(Task):
    """Which of three letters stands most often in a sequence of several possible lengths?"""

    longest: int = 9
    stop_accuracy: float | None = None

    def check(self):
        check_fields(self, {"longest": 3})
        if self.longest % 2 == 0:
            raise ValueError(f"longest is {self.longest}, expected an odd number")

    @property
    def sizes(self):
        return Sizes(self.longest, vocabulary=4, classes=3)

    @property
    def goal(self):
        return self.stop_accuracy

    def draw(self, num_examples, seed, split="train"):
        draws = torch.Generator().manual_seed(seed % 2**63)
        letters = torch.randint(3, (num_examples, self.longest), generator=draws)
        lengths = torch.randint(3, self.longest + 1, (num_examples, 1), generator=draws)
        inside = torch.arange(self.longest) < lengths
        counts = (F.one_hot(letters, 3) * inside[..., None]).sum(1)
        return letters.where(inside, 3), lengths - 1, counts.argmax(1, keepdim=True)

    def chance_levels(self):
        return {"any letter": 1 / 3}


PERPLEXITY = Metric(
    "perplexity",
    lambda logits, targets: F.cross_entropy(logits.movedim(-1, 1), targets, reduction="none"),
    of_mean=math.exp,
    sign=-1,
    low=1.0,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counting(Task):
    """Language modelling of texts that count upwards from anywhere, from three splits."""

    modulus: int = 8
    stop_perplexity: float | None = None

    metric = PERPLEXITY

    def check(self):
        check_fields(self, {"modulus": 2})

    @property
    def sizes(self):
        return Sizes(12, self.modulus, questions=12)

    @property
    def goal(self):
        return self.stop_perplexity

    def draw(self, num_examples, seed, split="train"):
        draws = torch.Generator().manual_seed(seed % 2**63)
        first = torch.randint(self.modulus, (num_examples, 1), generator=draws)
        text = (first + torch.arange(13)) % self.modulus
        return text[:, :-1], torch.arange(12).expand(num_examples, -1), text[:, 1:]

    def chance_levels(self):
        return {"any token": float(self.modulus)}


@pytest.fixture(autouse=True)
def _tasks(monkeypatch):
    monkeypatch.setitem(TASKS, "majority", Majority)
    monkeypatch.setitem(TASKS, "counting", Counting)


SMALL = {
    "d_model": 16, "n": 4, "steps": 150, "report_every": 30, "learning_rate": 1e-2,
    "num_validation": 100, "num_test": 100, "batch_size": 16,
}  # fmt: skip


def small(task, **fields) -> Config:
    return config_class(task)(**{**SMALL, **fields})


# Configurations.


def test_a_configuration_is_flat_and_mqar_is_what_it_is_where_no_task_is_named():
    config = TrainConfig(mixer="linear", n=16, seq_len=64)
    assert config.task == "mqar"
    assert config_class("mqar") is TrainConfig
    assert vars(config).keys() == {field.name for field in dataclasses.fields(config)}
    assert {field.name for field in dataclasses.fields(MQAR)} < vars(config).keys()
    assert dataclasses.replace(config, num_kv_pairs=4).num_kv_pairs == 4
    assert small("majority", longest=5).longest == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"longest": 8}, "longest is 8, expected an odd number"),
        ({"longest": 1}, "longest is 1, expected an integer >= 3"),
        ({"n": 0}, "n is 0, expected an integer >= 1"),
        ({"task": "mqar"}, "task is 'mqar', expected one of majority"),
    ],
)
def test_a_configuration_checks_its_own_fields_and_those_of_its_task(change, message):
    with pytest.raises(ValueError, match=message):
        config_class("majority")(**change)


def test_a_task_that_is_not_known_or_takes_the_name_of_another_field_is_refused(monkeypatch):
    with pytest.raises(ValueError, match=r"task is 'chess', expected one of mqar, .*, majority"):
        config_class("chess")
    clash = dataclasses.make_dataclass("Clash", [("n", int, 1)], bases=(Majority,), frozen=True)
    monkeypatch.setitem(TASKS, "clash", clash)
    with pytest.raises(ValueError, match="task clash has n, expected names of its own"):
        config_class("clash")


def test_configurations_go_to_other_processes_and_come_back_equal():
    for config in (TrainConfig(n=4), small("majority", seed=3), small("counting")):
        assert pickle.loads(pickle.dumps(config)) == config


def test_a_task_is_of_use_without_a_model():
    inputs, positions, targets = Majority(longest=5).draw(50, seed=0)
    asked = inputs.gather(1, positions)
    assert inputs.shape == (50, 5)
    assert positions.shape == targets.shape == (50, 1)
    assert (asked < 3).all()
    mqar = MQAR(num_kv_pairs=4, queries_per_key=2)
    assert mqar.draw(6, seed=0)[1].shape == (6, mqar.sizes.questions)
    assert mqar.chance_levels()["any value shown"] == 1 / 4
    assert len(set(data_seeds(0).values())) == 3


@pytest.mark.parametrize("kind", [Composition, Overwrite, Parity, SelectiveCopying])
def test_the_same_seed_draws_the_same_and_fewer_examples_are_the_first_of_more(kind):
    task = kind()
    for few, many in zip(task.draw(30, seed=5), task.draw(100, seed=5), strict=True):
        assert torch.equal(few, many[:30])
    assert not torch.equal(task.draw(30, seed=6)[0], task.draw(30, seed=5)[0])


# Training. Counting the letters of a sequence is easy for a sum over it; so is the next number.


def test_classes_are_scored_by_a_matrix_of_their_own():
    config = small("majority", position_embedding=True)
    model = build_model(config)
    inputs, positions, _ = config.draw(10, seed=0)
    logits = model(inputs, positions)
    assert logits.shape == (10, 1, 3)
    state = model.blocks[0](model.embedding(inputs) + model.position.weight, positions)
    torch.testing.assert_close(logits, model.classes(model.norm(state)))
    with pytest.raises(ValueError, match="model scores 3 classes, expected tokens"):
        model.generate(inputs, 1)


@pytest.mark.parametrize("mixer", ["linear", "s6", "rg_lru"])
def test_a_second_task_is_learnt(mixer):
    config = small("majority", mixer=mixer, n=1 if mixer == "rg_lru" else 4, steps=300)
    result = train(config, progress=False)
    assert result.test_score > config.chance_levels()["any letter"] + 0.3
    assert result.history[-1].loss < result.history[0].loss
    data = config.draw(100, data_seeds(0)["test"], "test")
    assert evaluate(result.model, data, batch_size=7) == result.test_score


def test_where_smaller_is_better_a_run_stops_below_its_goal_and_not_above():
    free = train(small("counting"), progress=False)
    scores = [report.score for report in free.history]
    assert scores == sorted(scores, reverse=True)
    assert 1 < free.test_score < 1.5 < scores[0]
    assert small("counting").chance_levels()["any token"] > scores[0]
    goal = (scores[1] + scores[2]) / 2
    stopped = train(small("counting", stop_perplexity=goal), progress=False)
    assert [report.score for report in stopped.history] == scores[:3]


@pytest.mark.parametrize("task", ["majority", "counting"])
def test_a_stack_gives_the_runs_of_any_task(task):
    configs = [small(task, seed=seed, learning_rate=rate) for seed, rate in ((0, 1e-2), (1, 3e-3))]
    for stacked, config in zip(train_stack(configs), configs, strict=True):
        alone = train(config, progress=False)
        assert stacked.config == config
        for a, b in zip(stacked.history, alone.history, strict=True):
            # Float32 sums in another order, through 150 steps of Adam.
            assert a.loss == pytest.approx(b.loss, rel=1e-2)
            assert a.score == pytest.approx(b.score, rel=0.05)


def test_a_stack_is_of_one_task():
    with pytest.raises(ValueError, match="task is 'counting', expected 'majority'"):
        train_stack([small("majority"), small("counting")])


# The record and the sweep.

GRID = """
[defaults]
d_model = 8
n = 4
steps = 6
report_every = 4
batch_size = 4
num_validation = 9
num_test = 7
learning_rate = [1e-2, 1e-4]

[[grid]]
task = "majority"
longest = [5, 7]

[[grid]]
task = "counting"
mixer = "linear"
stop_perplexity = [false, 1.5]

[[grid]]
task = ["mqar", "counting"]
seed = 5
"""


@pytest.fixture
def grid(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text(GRID)
    return path


def test_a_sweep_over_tasks_is_recorded_read_again_and_not_repeated(grid, tmp_path):
    path, configs = tmp_path / "runs.jsonl", read_grid(grid)
    assert [config.task for config in configs] == (
        ["majority"] * 4 + ["counting"] * 4 + ["mqar"] * 2 + ["counting"] * 2
    )
    assert [config.goal for config in configs[4:8]] == [None, None, 1.5, 1.5]
    with Record(path) as record:
        outcomes = list(run_sweep(configs, record, inline, stack=2))
        assert [outcome.error for outcome in outcomes] == [None] * 12
        assert list(run_sweep(configs, record, inline)) == []
    runs = results.read(path)
    assert [run.key for run in runs] == [*map(key_of, configs)]
    assert [run.metric for run in runs] == [config.metric for config in configs]
    assert runs[0].config == experiment(configs[0])
    alone = train(configs[4], progress=False)
    assert runs[4].test_score == pytest.approx(alone.test_score, rel=1e-4)
    assert runs[4].result["test_perplexity"] == runs[4].test_score
    assert runs[4].validation_score == pytest.approx(alone.history[-1].score, rel=1e-4)


def test_other_processes_train_tasks_that_they_have_never_seen(grid, tmp_path):
    configs = read_grid(grid)[3:5]
    with Record(tmp_path / "runs.jsonl") as record:
        outcomes = list(run_sweep(configs, record, process_pool(workers=1)))
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert {outcome.config for outcome in outcomes} == {*configs}


def test_the_best_rate_is_the_one_with_the_smaller_score_where_smaller_is_better(grid, tmp_path):
    with Record(tmp_path / "runs.jsonl") as record:
        list(run_sweep(read_grid(grid)[4:6], record, inline))
        runs = [*record.runs.values()]
    (cell,) = results.cells(runs)
    best = min(runs, key=lambda run: run.validation_score)
    assert cell.learning_rate == best.config["learning_rate"] == 1e-2
    assert cell.scores == (best.test_score,)
    lost = {"test_perplexity": None, "validation_perplexity": None, "diverged": "why"}
    lost = dataclasses.replace(best, result={**best.result, **lost})
    (cell,) = results.cells([lost, *(run for run in runs if run is not best)])
    assert cell.learning_rate == 1e-4


@pytest.mark.parametrize(
    ("number", "changes", "message"),
    [
        (0, {"test_accuracy": 0.5}, "result.test_accuracy is 0.5, .* to 7 questions"),
        (4, {"test_perplexity": 0.5}, "result.test_perplexity is 0.5, expected .*, at least 1"),
        (4, {"steps": 4}, "result.steps is 4, expected 6, the step of the last report"),
        (6, {"history": [[4, 2.0, 1.4], [6, 2.0, 9.0]], "validation_perplexity": 9.0},
         r"result.history\[0\]\[2\] is 1.4, expected more than 1.5 before the last"),
    ],
)  # fmt: skip
def test_what_follows_from_a_task_for_its_results_is_checked(
    number, changes, message, grid, tmp_path
):
    config = read_grid(grid)[number]
    with Record(tmp_path / "runs.jsonl") as record:
        (outcome,) = run_sweep([config], record, inline)
        run = dataclasses.replace(outcome.run, seed=1, result={**outcome.run.result, **changes})
        with pytest.raises(ValueError, match=message):
            record.append(run)


def test_the_command_shows_every_task_with_its_own_metric(grid, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "console", Console(width=400))
    monkeypatch.setattr(cli, "_engine", lambda options: inline)
    assert cli.main(["sweep", str(grid)]) == 0
    said = capsys.readouterr().out
    assert "best test accuracy or perplexity now" in said
    assert "softmax, majority" in said
    assert cli.main(["results", str(grid.with_suffix(".jsonl"))]) == 0
    said = capsys.readouterr().out
    assert "accuracy (grid)" in said
    assert "perplexity (grid)" in said
    assert "task = majority" in said


# The metric.


def test_a_metric_says_what_is_better_and_what_is_worst():
    assert ACCURACY.reached(0.9, 0.9)
    assert not ACCURACY.reached(0.8, 0.9)
    assert PERPLEXITY.reached(2.0, 3.0)
    assert not PERPLEXITY.reached(4.0, 3.0)
    assert not ACCURACY.reached(math.nan, 0.0)
    assert not PERPLEXITY.reached(math.nan, math.inf)
    assert (ACCURACY.worst, PERPLEXITY.worst) == (0.0, math.inf)


def test_perplexity_is_the_exponential_of_the_mean_loss_over_all_batches():
    config = small("counting")
    model, data = build_model(config), config.draw(30, seed=0)
    logits = model(data[0], data[1])
    loss = F.cross_entropy(logits.flatten(0, 1), data[2].flatten()).item()
    assert evaluate(model, data, 7, PERPLEXITY) == pytest.approx(math.exp(loss), rel=1e-5)
