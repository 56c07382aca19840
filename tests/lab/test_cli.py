"""The command: what it shows, and what it refuses."""

import dataclasses
import json
import sys
from importlib import metadata

import pytest
from rich.console import Console
from sweeps import inline, run_all

from dsf import cli, results
from dsf.results import Record
from dsf.sweep import read_grid, run_sweep


def test_the_command_shows_progress_and_results(grid, capsys):
    assert cli.main(["sweep", str(grid), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert "4/4" in said
    path = grid.with_suffix(".jsonl")
    assert cli.main(["results", str(path)]) == 0
    said = capsys.readouterr().out
    for mixer, cell in zip(("softmax", "linear"), results.cells(results.read(path)), strict=True):
        line = next(line for line in said.splitlines() if mixer in line)
        assert f"{cell.mean:.3f} ({cell.low:.3f} to {cell.high:.3f}, 2)" in line


def test_the_board_knows_the_runs_of_before(grid, tmp_path):
    path = tmp_path / "runs.jsonl"
    outcomes = run_all(grid, path)
    softmax, lost, *linear = (outcome.run for outcome in outcomes)
    nothing = {"test_accuracy": None, "validation_accuracy": None, "diverged": "why"}
    lost = {**dataclasses.asdict(lost), "result": {**lost.result, **nothing}}
    lines = [json.dumps(lost), *(json.dumps(dataclasses.asdict(r)) for r in (softmax, *linear))]
    path.write_text("\n".join(lines) + "\n")
    with Record(path) as record:
        board = cli._Board(read_grid(grid), record)
    assert board.done == {"softmax": 2, "linear": 2}
    assert board.diverged == {"softmax": 1}
    best = max(run.result["test_accuracy"] for run in linear)
    assert board.best == {"softmax": softmax.result["test_accuracy"], "linear": best}


def test_results_show_the_number_of_parameters(grid, tmp_path, capsys):
    (outcome, *_) = run_all(grid, tmp_path / "runs.jsonl")
    assert cli.main(["results", str(tmp_path / "runs.jsonl")]) == 0
    said = capsys.readouterr().out
    assert "params" in said
    assert f" {outcome.run.result['num_parameters']:,} " in said


def test_results_of_a_sweep_that_is_writing_are_those_of_its_whole_lines(grid, tmp_path, capsys):
    path = tmp_path / "runs.jsonl"
    run_all(grid, path)
    runs = results.read(path)
    torn = path.read_bytes()[:-20]
    path.write_bytes(torn)
    assert results.read(path) == runs[:-1]
    assert cli.main(["results", str(path)]) == 0
    said = capsys.readouterr()
    assert "linear" in said.out
    assert f"{path}: skipped the last line, which has no end" in said.err
    assert path.read_bytes() == torn


def test_results_of_versions_with_other_fields_stand_side_by_side(
    grid, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(cli, "console", Console(width=400))
    new, old = tmp_path / "new.jsonl", tmp_path / "old.jsonl"
    run_all(grid, new)
    entries = [json.loads(line) for line in new.read_text().splitlines()]
    for entry in entries:
        del entry["config"]["forget_bias"], entry["config"]["batch_size"]
    old.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    for files in ([new, old], [old, new]):
        assert cli.main(["results", *map(str, files)]) == 0
        said = capsys.readouterr().out
        assert "batch_size = 4" in said
        assert "batch_size = ?" in said


@pytest.mark.parametrize("names", [("a.jsonl", "b.jsonl"), ("a/same.jsonl", "b/same.jsonl")])
def test_results_of_two_files_stand_side_by_side(names, grid, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "console", Console(width=400))
    configs = read_grid(grid)
    paths = [tmp_path / name for name in names]
    for path, some in zip(paths, (configs, configs[:2]), strict=True):
        path.parent.mkdir(exist_ok=True)
        with Record(path) as record:
            list(run_sweep(some, record, inline))
    assert cli.main(["results", *map(str, paths)]) == 0
    lines = capsys.readouterr().out.splitlines()
    softmax, linear = (
        next(line for line in lines if name in line) for name in ("softmax", "linear")
    )
    assert softmax.count("@") == 2
    assert linear.count("@") == 1


def test_what_looks_like_mark_up_is_shown_as_it_is(grid, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli, "console", Console(width=400))
    new, old = tmp_path / "[red]new.jsonl", tmp_path / "old.jsonl"
    run_all(grid, new)
    entries = [json.loads(line) for line in new.read_text().splitlines()]
    names = ["[bold]x[/]", "[/nothing]", ":smile:", "[link=file:///etc/passwd]y[/link]"]
    for entry, name in zip(entries, names, strict=True):
        entry["config"] |= {"mixer": name, "[blink]field[/]": f"{name} value"}
    old.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    assert cli.main(["results", str(new), str(old)]) == 0
    said = capsys.readouterr().out
    assert "accuracy ([red]new)" in said
    for name in names:
        assert f" {name} " in said
        assert f"[blink]field[/] = {name} value" in said
    board = cli._Board(read_grid(grid), Record(old))
    board.last = "[bold]last[/]"
    board.total[names[1]] = 1
    cli.console.print(board.render())
    said = capsys.readouterr().out
    assert "[bold]last[/]" in said
    assert names[1] in said
    torn = tmp_path / "[red].jsonl"
    torn.write_bytes(new.read_bytes()[:-20])
    assert cli.main(["sweep", str(grid), "--out", str(torn), "--workers", "1"]) == 0
    assert "[red].jsonl: cut off a torn" in capsys.readouterr().out


def test_the_command_says_its_version(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"dsf {metadata.version('dsf-book')}\n"


def test_results_of_a_file_without_runs(tmp_path, capsys):
    (tmp_path / "empty.jsonl").touch()
    assert cli.main(["results", str(tmp_path / "empty.jsonl")]) == 0
    assert capsys.readouterr().out == "no runs\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "nowhere.toml"], "nowhere.toml"),
        (["results", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_the_command_names_what_is_wrong(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--address", "auto"], "--address auto: expected with --engine ray only"),
        (["--engine", "ray", "--address", "auto", "--workers", "3"], "workers is 3, expected None"),
        (["--engine", "ray"], 'pip install "dsf-book[ray]"'),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message, grid, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # as where it is not installed
    assert cli.main(["sweep", str(grid), *options]) == 2
    assert message in capsys.readouterr().err
    assert not grid.with_suffix(".jsonl").exists()


def test_the_command_refuses_a_bad_number_of_workers(grid, capsys):
    with pytest.raises(SystemExit):
        cli.main(["sweep", str(grid), "--workers", "0"])
    assert "'0': expected a whole number, at least 1" in capsys.readouterr().err


def test_a_grid_that_fails_leaves_no_file(tmp_path):
    grid = tmp_path / "grid.toml"
    grid.write_text("[[grid]]\nn = -1\n")
    assert cli.main(["sweep", str(grid)]) == 2
    assert not grid.with_suffix(".jsonl").exists()
