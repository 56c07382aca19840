"""The reader of recorded runs."""

import copy
import dataclasses
import json
import math
import os
from pathlib import Path

import pytest

from dsf import cli, results
from dsf.config import ADDED
from dsf.results import Record, Run, reader
from dsf.results.line import foreign, from_line, to_line
from dsf.sweep import key_of, read_grid, run_sweep
from dsf.tasks import MQAR, TASKS

GRIDS = Path(results.__file__).parent
LINES = (
    (GRIDS / "mqar.jsonl").read_bytes().splitlines()[:12]
)  # one setting, four rates, three seeds
GOOD = json.loads(LINES[0])


def run(rate, seed, test, validation=None, mixer="linear", diverged=None):
    return Run(
        config={"mixer": mixer, "n": 4, "learning_rate": rate},
        seed=seed,
        result={
            "test_accuracy": test,
            "validation_accuracy": test if validation is None else validation,
            "diverged": diverged,
            "num_parameters": 10,
            "history": [[50, 1.0, test]],
        },
        provenance={},
    )


def test_the_learning_rate_is_chosen_on_validation_not_on_the_test():
    runs = [run(0.1, 0, test=0.9, validation=0.3), run(0.2, 0, test=0.5, validation=0.4)]
    (cell,) = results.cells(runs)
    assert cell.learning_rate == 0.2
    assert cell.accuracy == (0.5,)
    assert cell.learning_rates == (0.1, 0.2)


def test_the_mean_over_the_seeds_decides_and_the_spread_is_kept():
    runs = [run(0.1, 1, 0.9), run(0.1, 0, 0.1), run(0.2, 0, 0.6), run(0.2, 1, 0.7)]
    (cell,) = results.cells(runs)
    assert cell.learning_rate == 0.2
    assert cell.seeds == (0, 1)
    assert cell.accuracy == (0.6, 0.7)
    assert (cell.low, cell.high) == (0.6, 0.7)
    assert cell.mean == pytest.approx(0.65)


def test_a_rate_with_fewer_seeds_does_not_compete():
    (cell,) = results.cells([run(0.1, 0, 0.99), run(0.2, 0, 0.5), run(0.2, 1, 0.5)])
    assert cell.learning_rate == 0.2


def test_between_equal_rates_the_smaller_is_taken_whatever_the_order():
    for rates in ((0.1, 0.2), (0.2, 0.1)):
        (cell,) = results.cells([run(rate, 0, 1.0) for rate in rates])
        assert cell.learning_rate == 0.1


def test_a_diverged_run_counts_as_nothing_and_is_counted():
    lost = Run(**{**run(0.1, 1, None).__dict__, "result": {
        "test_accuracy": None, "validation_accuracy": None, "diverged": "why", "num_parameters": 1,
        "history": [[50, 4.0, 0.1], [100, None, None]],
    }})  # fmt: skip
    (cell,) = results.cells([run(0.1, 0, 0.8), lost, run(0.2, 0, 0.45), run(0.2, 1, 0.45)])
    assert cell.learning_rate == 0.2  # 0.9 beats 0.8 + 0
    (cell,) = results.cells([run(0.1, 0, 0.8), lost])
    assert cell.diverged == 1
    assert math.isnan(cell.accuracy[1])
    assert (cell.mean, cell.low, cell.high) == (0.8, 0.8, 0.8)
    (cell,) = results.cells([lost])
    assert math.isnan(cell.mean)


def test_a_cell_keeps_the_course_of_every_seed_at_its_rate():
    lost = run(0.2, 1, None)
    lost.result["history"] = [[50, 4.0, 0.1], [100, None, None]]
    (cell,) = results.cells([run(0.1, 0, 0.2), run(0.1, 1, 0.2), lost, run(0.2, 0, 0.9)])
    assert cell.learning_rate == 0.2
    first, second = cell.histories
    assert first == ((50, 0.9),)
    assert second[0] == (50, 0.1)
    assert second[1][0] == 100
    assert math.isnan(second[1][1])


def test_settings_stay_apart_and_in_order():
    runs = [run(0.1, 0, 0.5, mixer="ssd"), run(0.1, 0, 0.7), run(0.1, 1, 0.6, mixer="ssd")]
    cells = results.cells(runs)
    assert [cell.config["mixer"] for cell in cells] == ["ssd", "linear"]
    assert [len(cell.seeds) for cell in cells] == [2, 1]
    assert "learning_rate" not in cells[0].config
    assert results.cells([]) == []


def test_a_rate_that_lacks_seeds_is_named():
    runs = [run(0.1, 0, 0.99), run(0.2, 0, 0.5), run(0.2, 1, 0.5), run(0.4, 0, 0.1)]
    (cell,) = results.cells(runs)
    assert cell.incomplete == (0.1, 0.4)
    (cell,) = results.cells(runs[1:3])
    assert cell.incomplete == ()


def test_an_unknown_record_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"name is 'mqr', expected one of .*mqar"):
        results.recorded("mqr")


# Runs that stand twice.


@pytest.fixture
def file(tmp_path):
    """Write lines to a file."""

    def write(*lines, name="runs.jsonl", end=b"\n"):
        path = tmp_path / name
        path.write_bytes(b"\n".join(lines) + end)
        return path

    return write


def with_changes(line, **changes):
    """A line with other values, by dotted name."""
    entry = json.loads(line)
    for name, value in changes.items():
        *place, last = name.split("__")
        inner = entry
        for part in place:
            inner = inner[int(part) if isinstance(inner, list) else part]
        inner[int(last) if isinstance(inner, list) else last] = value
    return json.dumps(entry).encode()


def record_of(path, monkeypatch):
    monkeypatch.setattr(reader, "_folder", lambda: path.parent)
    return results.recorded(path.stem)


def entered(path):
    with Record(path) as record:
        return list(record.runs.values())


WAYS = {
    "read": lambda path, patch: results.read(path),
    "split": lambda path, patch: results.split(path)[0],
    "recorded": record_of,
    "Record": lambda path, patch: entered(path),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_stands_twice_counts_once_and_is_told(way, file, monkeypatch, capsys):
    again = with_changes(LINES[4], provenance__seconds=1e3, provenance__threads=8)
    path = file(*LINES, again, LINES[0])
    runs = WAYS[way](path, monkeypatch)
    assert runs == results.read(file(*LINES, name="once.jsonl"))
    source = "runs" if way == "recorded" else path
    told = "runs that stand there again count once: line 13 (as 5), line 14 (as 1)"
    assert f"{source}: {told}\n" in capsys.readouterr().err


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({"result__test_accuracy": 0.5}, "test_accuracy 0.9975 and 0.5"),
        ({"result__num_parameters": 5}, "num_parameters 17408 and 5"),
        ({"result__history__0__1": 1.5}, r"history \[\[50, 4.8297, 0.0165\]"),
    ],
)
def test_two_results_of_one_run_are_refused(way, changes, differs, file, monkeypatch):
    path = file(*LINES, with_changes(LINES[0], **changes))
    before = path.read_bytes()
    run = r"mixer = 'softmax', n = 4, .*seed = 0"
    with pytest.raises(ValueError, match=rf"runs.*, lines 1 and 13: two .* \({run}\): {differs}"):
        WAYS[way](path, monkeypatch)
    assert path.read_bytes() == before


def test_equal_numbers_are_equal_however_they_are_written(file, capsys):
    text = LINES[0].replace(b'"learning_rate": 0.002', b'"learning_rate": 2e-3')
    text = text.replace(b'"weight_decay": 0.0', b'"weight_decay": 0')
    assert text.count(b"2e-3") == 1
    assert len(results.read(file(LINES[0], text))) == 1
    assert "line 2 (as 1)" in capsys.readouterr().err


def test_runs_of_several_files_count_once_in_the_table(file, capsys):
    a, b = results.read(file(*LINES)), results.read(file(*LINES[:6]))
    assert results.cells([*a, *b]) == results.cells(a)
    told = "runs: runs that stand there again count once: number 13 (as 1), number 14 (as 2), "
    assert f"{told}number 15 (as 3) and 3 more\n" in capsys.readouterr().err
    other = results.read(file(with_changes(LINES[2], result__test_accuracy=0.25)))
    with pytest.raises(ValueError, match=r"runs, numbers 3 and 13: two results .* and 0\.25"):
        results.cells([*a, *other])


def test_a_repeated_line_does_not_change_the_table_of_the_command(file, capsys):
    assert cli.main(["results", str(file(*LINES))]) == 0
    before = capsys.readouterr()
    assert before.err == ""
    path = file(*LINES, LINES[4])
    assert cli.main(["results", str(path)]) == 0
    after = capsys.readouterr()
    assert after.out == before.out
    assert f"{path}: runs that stand there again count once: line 13 (as 5)" in after.err
    assert cli.main(["results", str(file(*LINES[:-1]))]) == 0
    said = capsys.readouterr().out
    assert "1 of them leave out rates that were run with fewer seeds" in said


# What a line must hold.

CASES = [
    ({"seed": True}, "seed is True, expected a whole number, at least 0"),
    ({"seed": -1}, "seed is -1"),
    ({"seed": 0.0}, r"seed is 0\.0"),
    ({"seed": "0"}, "seed is '0'"),
    ({"config": []}, r"config is \[\], expected an object"),
    ({"config__n": "4"}, "config.n is '4', expected a whole number"),
    ({"config__n": 4.0}, r"config.n is 4\.0"),
    ({"config__n": True}, "config.n is True"),
    ({"config__n": 0}, "n is 0, expected an integer >= 1"),
    ({"config__n": [4]}, r"config.n is \[4\]"),
    ({"config__mixer": ["softmax"]}, r"config.mixer is \['softmax'\], expected a str"),
    ({"config__mixer": None}, "config.mixer is None, expected a str"),
    ({"config__learning_rate": None}, "config.learning_rate is None, expected a number"),
    ({"config__learning_rate": "0.1"}, "config.learning_rate is '0.1'"),
    ({"config__learning_rate": {}}, r"config.learning_rate is \{\}"),
    ({"config__learning_rate": 7.0}, "learning_rate is 7.0, expected"),
    ({"config__learning_rate": False}, "config.learning_rate is False"),
    ({"config__position_embedding": 0}, "config.position_embedding is 0, expected a bool"),
    ({"config__stop_accuracy": True}, "config.stop_accuracy is True"),
    ({"config__seq_len": 6}, "seq_len is 6, expected at least 32"),
    ({"result": "0.5"}, "result is '0.5', expected an object"),
    ({"result__test_accuracy": 1.5}, "result.test_accuracy is 1.5, expected a number from 0 to 1"),
    ({"result__test_accuracy": -0.5}, "result.test_accuracy is -0.5"),
    ({"result__test_accuracy": "0.5"}, "result.test_accuracy is '0.5'"),
    ({"result__test_accuracy": True}, "result.test_accuracy is True"),
    ({"result__test_accuracy": None}, "result.test_accuracy is None"),
    ({"result__test_accuracy": 0.50001}, "result.test_accuracy is 0.50001.* 8000 questions"),
    ({"result__validation_accuracy": None}, "result.validation_accuracy is None"),
    ({"result__validation_accuracy": 0.5}, "result.validation_accuracy is 0.5, expected 0.9982"),
    ({"result__steps": -1}, "result.steps is -1"),
    ({"result__steps": True}, "result.steps is True"),
    ({"result__steps": 300.0}, "result.steps is 300.0, expected a whole number"),
    ({"result__steps": 250}, "result.steps is 250, expected 300, the step of the last report"),
    ({"result__diverged": ""}, "result.diverged is '', expected null or the reason"),
    ({"result__diverged": 1}, "result.diverged is 1"),
    ({"result__diverged": "why"}, "result.test_accuracy is 0.9975, expected null, as it diverged"),
    ({"result__num_parameters": 0}, "result.num_parameters is 0, expected .* at least 1"),
    ({"result__num_parameters": 1.5}, "result.num_parameters is 1.5"),
    ({"result__history": []}, r"result.history is \[\], expected a list"),
    ({"result__history": {}}, r"result.history is \{\}"),
    ({"result__history__1": [100, 4.1]}, r"result.history\[1\] is \[100, 4.1\]"),
    ({"result__history__1__0": 50}, r"result.history\[1\]\[0\] is 50, expected .* at least 51"),
    ({"result__history__1__0": 101}, r"result.history\[1\]\[0\] is 101, expected 100"),
    ({"result__history__1__0": True}, r"result.history\[1\]\[0\] is True"),
    ({"result__history__1__1": None}, r"result.history\[1\]\[1\] is None"),
    ({"result__history__1__1": -1.0}, r"result.history\[1\]\[1\] is -1.0, .* at least 0"),
    ({"result__history__1__2": None}, r"result.history\[1\]\[2\] is None"),
    ({"result__history__1__2": 1.01}, r"result.history\[1\]\[2\] is 1.01"),
    ({"result__history__1__2": 0.0474}, r"result.history\[1\]\[2\] is 0.0474.* 4000 questions"),
    ({"result__history__1__2": 0.999}, r"result.history\[1\]\[2\] is 0.999, expected less than"),
    ({"config__stop_accuracy": 0.999}, "result.steps is 300, expected 1000, as it neither"),
    ({"config__stop_accuracy": None}, "result.steps is 300, expected 1000, as it neither"),
    ({"provenance": None}, "provenance is None, expected an object with commit"),
    ({"provenance__commit": "main"}, "provenance.commit is 'main'"),
    ({"provenance__versions": []}, r"provenance.versions is \[\]"),
    ({"provenance__versions__torch": 2}, "provenance.versions is {"),
    ({"provenance__device": None}, "provenance.device is None, expected a text"),
    ({"provenance__threads": 0}, "provenance.threads is 0"),
    ({"provenance__seconds": -1}, "provenance.seconds is -1, expected a number, at least 0"),
    ({"provenance__seconds": "1"}, "provenance.seconds is '1'"),
    ({"provenance__processor_seconds": -1}, "provenance.processor_seconds is -1, expected a"),
]


@pytest.mark.parametrize(("changes", "message"), CASES, ids=lambda x: str(x)[:60])
def test_a_field_of_the_wrong_type_or_out_of_range_is_named(changes, message, file):
    path = file(LINES[1], with_changes(LINES[0], **changes))
    with pytest.raises(ValueError, match=rf"runs\.jsonl, line 2: {message}"):
        results.read(path)


@pytest.mark.parametrize(
    "name", [*(f"result.{name}" for name in GOOD["result"]), "config.learning_rate",
             *(f"provenance.{name}" for name in GOOD["provenance"]), *GOOD]
)  # fmt: skip
def test_a_field_that_is_missing_is_named(name, file):
    entry = copy.deepcopy(GOOD)
    part, _, field = name.partition(".")
    del (entry[part] if field else entry)[field or part]
    path = file(json.dumps(entry).encode())
    with pytest.raises(
        ValueError, match=rf"runs\.jsonl, line 1: .*expected an object with .*{field}"
    ):
        results.read(path)


def test_a_run_that_diverged_may_lack_numbers_in_its_last_report_only(file):
    lost = {"test_accuracy": None, "validation_accuracy": None, "diverged": "why"}
    history = copy.deepcopy(GOOD["result"]["history"])
    history[-1] = [300, None, None]
    result = {**GOOD["result"], **lost, "history": history}
    (run,) = results.read(file(json.dumps({**GOOD, "result": result}).encode()))
    assert run.result["diverged"] == "why"
    early = {**GOOD["result"], **lost, "history": history[:-1], "steps": 250}
    with pytest.raises(ValueError, match=r"result\.steps is 250, expected 1000, as it neither"):
        results.read(file(json.dumps({**GOOD, "result": early}).encode()))
    history[0] = [50, None, 0.5]
    with pytest.raises(ValueError, match=r"result.history\[0\]\[1\] is None"):
        results.read(file(json.dumps({**GOOD, "result": result}).encode()))


LEARNT = {**GOOD["result"], "learned": [{"alpha": 0.5}]}


@pytest.mark.parametrize(
    ("learned", "message"),
    [
        ({"alpha": 0.5}, "is {'alpha': 0.5}, expected a list of what each layer learnt"),
        ([], r"is \[\], expected a list"),
        ([{}], r"is \[{}\], expected a list of what each layer learnt, not all empty"),
        (None, "is None, expected a list"),
        ([0.5], r"\[0\] is 0.5, expected an object of numbers"),
        ([{"alpha": None}], r"\[0\].alpha is None, expected a number"),
        ([{"alpha": "0.5"}], r"\[0\].alpha is '0.5', expected a number"),
        ([{"alpha": True}], r"\[0\].alpha is True, expected a number"),
        ([{"alpha": [0.5]}], r"\[0\].alpha is \[0.5\], expected a number"),
        ([{"alpha": 0.5}, {}], r"is \[.*, expected one object for each of num_layers = 1"),
    ],
)
def test_what_the_mixers_learnt_is_checked(learned, message, file):
    result = {**LEARNT, "learned": learned}
    with pytest.raises(ValueError, match=rf"line 1: result\.learned ?{message}"):
        results.read(file(json.dumps({**GOOD, "result": result}).encode()))


def test_what_the_mixers_learnt_is_read_is_of_this_version_and_may_be_missing(file, capsys):
    (run,) = results.read(file(json.dumps({**GOOD, "result": LEARNT}).encode()))
    assert run.result["learned"] == [{"alpha": 0.5}]
    assert foreign(run) == ""
    assert from_line(to_line(run)) == run
    assert capsys.readouterr().err == ""
    assert all("learned" not in run.result for run in results.recorded("mqar"))


def test_a_learnt_number_may_be_lost_where_the_run_diverged(file):
    lost = {"test_accuracy": None, "validation_accuracy": None, "diverged": "why"}
    history = [*GOOD["result"]["history"][:-1], [300, None, None]]
    learned = [{"alpha": None}]
    result = {**GOOD["result"], **lost, "history": history, "learned": learned}
    (run,) = results.read(file(json.dumps({**GOOD, "result": result}).encode()))
    assert run.result["learned"] == learned


def test_runs_of_another_version_are_told_and_read(file, capsys):
    entry = copy.deepcopy(GOOD)
    del entry["config"]["forget_bias"], entry["config"]["batch_size"]
    entry["config"] |= {"origin": "elsewhere", "widths": [1, 2]}
    entry["result"]["kept"] = {"state": 0.5}
    other = with_changes(LINES[0], config__mixer="of_next_year", config__task="copy")
    lines = [json.dumps({**entry, "seed": seed}).encode() for seed in range(3)]
    path = file(*lines, other)
    assert [run.seed for run in results.read(path)] == [0, 1, 2, 0]
    told = capsys.readouterr().err.splitlines()
    assert told == [
        f"{path}, line 1 and 2 more: of another version, without config.forget_bias, "
        "config.batch_size and with config.origin, config.widths, result.kept",
        f"{path}, line 4: of another version, with the task 'copy' and "
        "with the mixer 'of_next_year'",
    ]
    assert cli.main(["results", str(path)]) == 0
    said = capsys.readouterr().out
    assert "of_next_year" in said
    assert "task = copy" in said
    assert "origin = ?" in said
    with pytest.raises(ValueError, match=r"line 1: config.n is '4'"):
        results.read(file(with_changes(lines[0], config__n="4")))


def test_one_setting_with_two_sizes_is_told(file, capsys):
    path = file(LINES[0], LINES[1], with_changes(LINES[2], result__num_parameters=17409))
    results.read(path)
    said = "line 3: with other num_parameters than earlier lines of the same setting"
    assert f"{path}, {said}\n" in capsys.readouterr().err


# Lines and files that cannot be read.

TEXT = LINES[0]
UNREADABLE = {
    "no JSON": (b"{", "not JSON"),
    "a list": (b"[1]", "found list, expected an object with config"),
    "another object": (b'{"seed": 1}', r"found \['seed'\]"),
    "an empty line": (b"", "not JSON"),
    "two runs in a line": (TEXT + TEXT, "not JSON"),
    "a cut line": (TEXT[:-2], "not JSON"),
    "NaN": (TEXT.replace(b"0.9975", b"NaN"), "a number is 'NaN', expected finite ones"),
    "Infinity": (TEXT.replace(b"0.9975", b"-Infinity"), "a number is '-Infinity'"),
    "too large": (TEXT.replace(b"0.9975", b"1e999"), "a number is '1e999'"),
    "digits": (TEXT.replace(b"17408", b"9" * 5000), "a number is '999.*at most 19 digits"),
    "a name twice": (
        TEXT.replace(b'"n": 4', b'"n": 4, "n": 8'),
        "'n' stands twice in one object, expected once",
    ),
    "nested": (TEXT.replace(b"0.9975", b"[" * 10**5 + b"]" * 10**5), "nested without end"),
    "nested extra": (
        TEXT.replace(b'"n": 4', b'"n": 4, "x": ' + b"[" * 50 + b"]" * 50),
        r"config.x is .*\[\.\.\.\].*, expected at most 8 values within each other",
    ),
    "nested result": (
        TEXT.replace(b'"steps": 300', b'"steps": 300, "x": ' + b"[" * 50 + b"]" * 50),
        "result.x is .*, expected at most 8 values within each other",
    ),
    "nested provenance": (
        TEXT.replace(b'"threads": 1', b'"threads": 1, "x": ' + b'{"y": ' * 50 + b"0" + b"}" * 50),
        "provenance.x is .*, expected at most 8 values within each other",
    ),
    "control in a list": (
        TEXT.replace(b'"n": 4', b'"n": 4, "x": ["\\u001b[31m"]'),
        "a text is .*control characters",
    ),
    "control": (TEXT.replace(b"softmax", b"\\u001b[31m"), "a text is .*control characters"),
    "half a character": (TEXT.replace(b"AMD", b"\\ud800"), "a text is .*control characters"),
    "a control name": (TEXT.replace(b'"n":', b'"\\u0007n": 1, "n":'), "a text is .*control"),
    "not UTF-8": (TEXT.replace(b"AMD", b"\xff\xfe"), "not JSON .'utf-8' codec"),
    "binary": (bytes(range(256)).replace(b"\n", b""), "not JSON"),
    "UTF-16": (TEXT.decode().encode("utf-16").replace(b"\n", b""), "not JSON"),
}


@pytest.mark.parametrize(("line", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_line_that_cannot_be_read_is_named_by_the_command(line, message, file, capfd):
    path = file(LINES[1], line, LINES[2])
    with pytest.raises(ValueError, match=rf"runs\.jsonl, line 2: .*{message}"):
        results.read(path)
    assert cli.main(["results", str(path)]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith(f"dsf: {path}, line 2: ")


def test_a_file_that_cannot_be_read_is_named_by_the_command(tmp_path, capfd):
    closed = tmp_path / "closed.jsonl"
    closed.write_bytes(TEXT)
    closed.chmod(0)
    wrong = [(tmp_path, "Is a directory"), (tmp_path / "nowhere.jsonl", "No such file")]
    if os.geteuid() != 0:  # who may read everything
        wrong.append((closed, "Permission denied"))
    for path, message in wrong:
        assert cli.main(["results", str(path)]) == 2
        said = capfd.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1
        assert said.err.startswith("dsf: ")
        assert message in said.err
        assert str(path) in said.err


def test_a_last_line_without_its_end_is_a_run_if_it_is_whole(file, capsys):
    path = file(*LINES[:3], end=b"")
    runs, rest = results.split(path)
    assert (len(runs), rest) == (3, b"")
    assert results.read(path) == runs
    assert capsys.readouterr().err == ""
    path = file(*LINES[:2], with_changes(LINES[2], seed=-1), end=b"")
    with pytest.raises(ValueError, match=r"runs\.jsonl, line 3: seed is -1"):
        results.split(path)
    nan = LINES[2].replace(b'"seconds": ', b'"seconds": NaN, "x": ')
    with pytest.raises(ValueError, match=r"runs\.jsonl, line 3: a number is 'NaN'"):
        results.split(file(*LINES[:2], nan, end=b""))
    for cut in (1, 30, len(LINES[2]) - 1):
        runs, rest = results.split(file(*LINES[:2], LINES[2][:-cut], end=b""))
        assert (len(runs), rest) == (2, LINES[2][:-cut])


# The record that comes with the package.


@pytest.mark.parametrize("path", sorted(GRIDS.glob("*.toml")), ids=lambda path: path.name)
def test_the_grids_of_the_records_can_be_run(path):
    configs = read_grid(path)
    assert len(configs) > 50
    settings: dict = {}
    for config in configs:
        setting = dataclasses.replace(config, seed=0, learning_rate=1.0)
        settings.setdefault(setting, []).append(config)
    # The set-up of a figure, whose rate the reader turns, is shown as it is: nothing was chosen.
    rates, seeds = (1, 5) if path.stem == "lab" else (4, 3)
    for runs in settings.values():
        assert len({config.learning_rate for config in runs}) >= rates
        assert len({config.seed for config in runs}) >= seeds


def test_the_recorded_runs_say_where_they_come_from():
    runs = results.recorded("mqar")
    assert len({run.key for run in runs}) == len(runs)
    for run in runs:
        assert run.provenance["commit"]
        assert run.provenance["device"]
        assert run.provenance["versions"]["torch"]
        assert run.provenance["seconds"] > 0
        if run.result["diverged"] is None:
            assert 0 <= run.result["test_accuracy"] <= 1
            assert run.result["history"][-1][0] == run.result["steps"] <= run.config["steps"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class WiderMQAR(MQAR):
    """The task in a later version, with one parameter more; before, there was no noise."""

    noise: float = 0.1


@pytest.fixture
def later_version(monkeypatch):
    monkeypatch.setitem(TASKS, "mqar", WiderMQAR)
    monkeypatch.setitem(ADDED, "noise", 0.0)


def test_the_record_is_found_whole_by_a_version_with_one_field_more(later_version, tmp_path):
    path, grid = tmp_path / "mqar.jsonl", tmp_path / "mqar.toml"
    path.write_bytes((GRIDS / "mqar.jsonl").read_bytes())
    text = (GRIDS / "mqar.toml").read_text()
    grid.write_text(text.replace("[defaults]\n", "[defaults]\nnoise = 0.0\n"))
    with Record(path) as record:
        found = [*record.runs.values()]
        assert len(found) == 2335
        assert len(results.cells(found)) == 185
        assert all(run.config["noise"] == 0.0 for run in found)
        assert not any(map(foreign, found))
        assert list(run_sweep(read_grid(grid), record, engine=lambda groups: iter(groups))) == []
        assert not any(key_of(config) in record.runs for config in read_grid(GRIDS / "mqar.toml"))


def test_a_field_that_was_added_is_written_and_read_again(later_version):
    run = from_line(LINES[0])
    assert from_line(to_line(run)) == run
    other = dataclasses.replace(run, config={**run.config, "noise": 0.1})
    assert from_line(to_line(other)) == other
    assert other.key != run.key


def test_the_keys_of_the_recorded_runs_are_their_configs_and_seeds_as_they_stand_there():
    entries = [json.loads(line) for line in (GRIDS / "mqar.jsonl").read_bytes().splitlines()]
    keys = [json.dumps([entry["config"], entry["seed"]], sort_keys=True) for entry in entries]
    assert [run.key for run in results.recorded("mqar")] == keys


def test_every_recorded_setting_was_tried_with_four_rates_and_three_seeds():
    for cell in results.cells(results.recorded("mqar")):
        assert len(cell.learning_rates) >= 4
        assert len(cell.seeds) >= 3


@pytest.mark.parametrize("name", results.names())
def test_what_a_grid_asks_for_is_recorded_and_no_more(name):
    asked = {key_of(config) for config in read_grid(GRIDS / f"{name}.toml")}
    assert asked == {run.key for run in results.recorded(name)}
