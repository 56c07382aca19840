"""The laboratory of chapter 10 without a browser: what it trains, keeps, says, writes and reads."""

import base64
import csv
import io
import json
import math
import re
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import safetensors.torch
import torch
import traitlets
from training import answers as engine
from training import weights

from book import bundle
from dsf import model, models, mqar, results
from dsf.carried import carried
from dsf.config import TrainConfig, experiment
from dsf.mixers import mixer_class
from dsf.train import build_model
from dsf.widgets import MQARLab
from dsf.widgets import lab as lab_module
from dsf.widgets.training import DEFAULTS

SCRIPT = Path(__file__).with_name("lab.mjs")
USUAL = {"d": 32, "K": 4, "L": 32, "rate": 0.01, "steps": 400, "seed": 0, "start": ""}

SETUP = {"mixer": "linear", "n": 8, **USUAL}


def lab(*tasks: dict[str, Any]) -> list[Any]:
    """What the figure gives for tasks of `lab.mjs`, in one process."""
    found: list[Any] = json.loads(bundle.run_node(str(SCRIPT), text=json.dumps(tasks)))
    return found


def run(
    accuracy: float = 0.5, done: int = 400, hidden: bool = False, name: str = "", **setup: Any
) -> Any:
    """A run whose accuracy rises in a line to its last."""
    whole = {**SETUP, **setup}
    every = math.ceil(whole["steps"] / 40)
    steps = [min(k * every, done) for k in range(1, math.ceil(done / every) + 1)]
    points = [{"step": s, "accuracy": accuracy * s / done, "loss": 4 - 3 * s / done} for s in steps]
    return {"setup": whole, "points": points, "done": done, "hidden": hidden, "name": name}


def test_it_offers_what_the_engine_and_the_package_know() -> None:
    [known] = lab({"do": "known"})
    starts = engine([{"do": "known"}])[0]["starts"]
    assert {*known["mixers"]} == {*starts} == {*lab_module.MIXERS}
    for mixer, entry in known["mixers"].items():
        assert {"", *entry.get("starts", [])} == {*starts[mixer]}
        kind = "one" if entry.get("single") else "even" if entry.get("even") else "any"
        assert kind == mixer_class(mixer).expansion
    traits = (lab_module.SIZES, lab_module.RATES, lab_module.STEPS)
    assert traits == tuple(tuple(known[name]) for name in ("sizes", "rates", "steps"))


def test_the_engine_takes_every_set_up_that_can_be_chosen() -> None:
    asked = []
    for mixer in lab_module.MIXERS:
        starts = ["", *mixer_class(mixer).starts, "fixed"]
        for n, length, pairs in product(lab_module.SIZES, lab_module.LENGTHS, (1, 5, 16)):
            state = {"mixer": mixer, "n": n, "start": starts[n % len(starts)], "length": length}
            state |= {"pairs": pairs, "d": 16, "rate": 0.03, "steps": 100, "seed": 7}
            asked.append(state)
    found = lab(*({"do": "setup", "state": state} for state in asked))
    configs = lab(*({"do": "config", "setup": setup} for setup in found))
    refused = engine([{"do": "refused", "config": config} for config in configs])
    assert refused == [None] * len(asked)
    for state, config in zip(asked, configs, strict=True):
        TrainConfig(**config)
        if mixer_class(config["mixer"]).expansion == "any":
            assert config["n"] == state["n"]
        assert config["num_kv_pairs"] == min(state["pairs"], state["length"] // 4)


def test_it_begins_with_the_default_set_up_of_the_engine() -> None:
    state = MQARLab().state()
    [setup] = lab({"do": "setup", "state": state})
    [config] = lab({"do": "config", "setup": setup})
    fields = engine([{"do": "known"}])[0]["fields"]
    assert {**fields, **config} == {**fields, "mixer": "linear", "n": 8, "report_every": 10}


def test_what_is_handed_on_and_the_hint_are_those_of_the_package() -> None:
    setups = [
        {**SETUP, "mixer": mixer, "n": 1 if mixer == "qlstm" else 8, "d": d, "L": length}
        for mixer in lab_module.MIXERS
        for d, length in ((32, 32), (16, 64))
    ]
    for setup, found in zip(
        setups, lab(*({"do": "carried", "setup": s} for s in setups)), strict=True
    ):
        config = lab({"do": "config", "setup": setup})[0]
        assert found == carried(TrainConfig(**config)), setup["mixer"]
    tasks = [{**SETUP, "K": 4}, {**SETUP, "K": 8, "L": 64}, {**SETUP, "K": 2}]
    for setup, level in zip(tasks, lab(*({"do": "level", "setup": s} for s in tasks)), strict=True):
        asks = min(3, setup["L"] // (2 * setup["K"]) - 1)
        wanted = mqar.position_level(setup["L"], setup["K"], queries_per_key=asks)
        assert level == pytest.approx(wanted, abs=0.02)
        assert level > 1 / setup["K"]


def test_runs_keep_what_they_are_as_text() -> None:
    runs = [
        run(0.8),
        run(0.3, mixer="s6", start="slow poles, long steps", n=16, rate=0.003, hidden=True),
        run(0.61, done=123, steps=800, name="a ~ b_c %20 é", seed=999, L=64, K=16),
    ]
    [text] = lab({"do": "text", "runs": runs})
    assert all(letter.isalnum() or letter in "_~.-, %é" for letter in text)
    [found] = lab({"do": "read", "text": text})
    runs[2]["name"] = "a   b c  20 é"
    for kept, wanted in zip(found, runs, strict=True):
        points = kept.pop("points")
        for point, other in zip(points, wanted.pop("points"), strict=True):
            assert point["step"] == other["step"]
            assert point["accuracy"] == pytest.approx(other["accuracy"], abs=2e-4)
            assert point["loss"] == pytest.approx(other["loss"], abs=1e-3)
        assert kept == wanted


def test_a_text_that_is_no_run_is_not_taken() -> None:
    [text] = lab({"do": "text", "runs": [run()]})
    damaged = [
        *("x", text[:-1], text + "A", text.replace("linear", "gpt"), text.replace("_8_", "_9_", 1)),
        *(
            text.replace("_400_", "_401_"),
            text.replace("_", "", 1),
            text + "~",
            "~".join([text] * 13),
        ),
    ]
    assert lab(*({"do": "read", "text": one} for one in damaged)) == [None] * len(damaged)
    assert lab({"do": "read", "text": ""}, {"do": "read", "text": -999}) == [[], None]


def test_what_is_kept_of_a_run_lies_on_the_grid_and_ends_where_it_ended() -> None:
    points = [{"step": s, "accuracy": s / 100, "loss": 1.0} for s in (1, 2, 10, 20, 27)]
    [kept] = lab({"do": "kept", "setup": SETUP, "points": points})
    assert [point["step"] for point in kept["points"]] == [10, 20, 27]
    assert [point["accuracy"] for point in kept["points"]] == [0.1, 0.2, 0.27]
    assert lab({"do": "kept", "setup": SETUP, "points": []}) == [None]


def test_curves_as_csv() -> None:
    [text] = lab(
        {"do": "csv", "runs": [run(0.5, name='with "quotes", and a comma'), run(0.9, n=16)]}
    )
    rows = [*csv.DictReader(io.StringIO(text))]
    assert len(rows) == 80
    assert rows[0]["run"] == 'with "quotes", and a comma'
    last = rows[-1]
    assert (last["run"], last["mixer"], last["n"], last["step"]) == (
        "linear, n = 16",
        "linear",
        "16",
        "400",
    )
    assert float(last["accuracy"]) == 0.9


def test_titles_say_what_is_unusual_and_labels_what_differs() -> None:
    wide = {**SETUP, "n": 16, "d": 64, "seed": 2}
    assert lab(*({"do": "title", "setup": setup} for setup in (SETUP, wide))) == [
        "linear, n = 8",
        "linear, n = 16, d = 64, seed 2",
    ]
    others = [wide, {**wide, "n": 4, "seed": 3}]
    assert lab(*({"do": "label", "setup": setup, "others": others} for setup in others)) == [
        "n = 16, seed 2",
        "n = 4, seed 3",
    ]
    others = [SETUP, {**SETUP, "mixer": "s6"}]
    assert lab(*({"do": "label", "setup": setup, "others": others} for setup in others)) == [
        "linear, n = 8",
        "S6, n = 8",
    ]
    assert lab({"do": "label", "setup": SETUP, "others": [SETUP]}) == ["linear, n = 8"]


def test_runs_of_one_architecture_share_a_hue_and_those_of_one_size_a_shade() -> None:
    runs = [*four(0.1, 0.2, 0.3, 0.4), run(seed=1), run(mixer="s6"), run(mixer="qlstm", n=1)]
    [styles] = lab({"do": "styles", "runs": runs})
    looks = [style.split() for style in styles]
    assert [look[0] for look in looks] == ["dsf-linear"] * 5 + ["dsf-s6", "dsf-qlstm"]
    shades = [look[1] for look in looks[:6]]
    assert len({*shades[:4]}) == 4
    assert shades[4] == shades[5] == shades[1], "n = 8"
    assert [look[-1] for look in looks] == [f"dsf-dash-{k}" for k in (0, 0, 0, 0, 1, 0, 0)]


def test_another_run_of_a_set_up_has_another_seed() -> None:
    tasks = [[], [run()], [run(done=10)], [run(), run(seed=1), run(n=4, seed=2)]]
    assert lab(*({"do": "seed", "runs": runs, "setup": SETUP} for runs in tasks)) == [0, 1, 0, 2]


# --- the bet --------------------------------------------------------------------------------------


def said(bet: int, *runs: Any) -> Any:
    [words] = lab({"do": "verdict", "bet": bet, "runs": runs})
    return words


def four(*accuracies: float) -> list[Any]:
    return [run(x, n=n) for x, n in zip(accuracies, lab_module.SERIES, strict=True)]


def test_a_bet_stays_open_until_the_runs_decide_it() -> None:
    runs = four(0.5, 0.7, 0.8, 0.82)
    for k in range(4):
        assert said(8, *runs[:k]) is None
    assert said(8, run(0.95, n=16)) is None, "a smaller n may do"
    assert said(8, *four(0.5, 0.7, 0.8, 0.82)[:3], run(0.99, n=32, done=390)) is None
    assert said(8, *runs[:3], run(0.99, n=32, steps=800)) is None, "not what was asked"
    right = "✓ Right: with n = 8 the accuracy is 95 % of the questions."
    assert said(8, *four(0.5, 0.95, 0.8, 0.82)[:2]) == right


def test_what_a_verdict_lacks_is_said_once_something_was_trained() -> None:
    def lacks(*runs: Any) -> Any:
        return lab({"do": "lacking", "runs": runs})[0]

    runs = four(0.5, 0.7, 0.8, 0.82)
    assert lacks() == ""
    assert lacks(*runs) == ""
    assert lacks(run(0.5, mixer="s6")) == "", "of another architecture"
    open_ = "Your runs leave it open: "
    assert lacks(*runs[:2]) == f"{open_}n = 16 and n = 32 are missing."
    assert lacks(*runs[:3]) == f"{open_}n = 32 is missing."
    stopped = run(0.5, n=32, done=120)
    assert lacks(*runs[:3], stopped) == f"{open_}n = 32 is not trained to the end."


def test_each_bet_that_is_wrong_has_its_reply_and_the_way_on() -> None:
    runs = four(0.5, 0.7, 0.8, 0.82)
    replies = {bet: said(bet, *runs) for bet in lab_module.SERIES}
    for bet, words in replies.items():
        assert words.startswith(
            f"✗ You bet that n = {bet} is enough for 90 %. In your runs no n is: "
            "50, 70, 80 and 82 % with n = 4, 8, 16 and 32. "
        )
        assert words.endswith("choose 1600 steps, under More.")
    assert len({words.split(". ", 2)[2] for words in replies.values()}) == 4
    assert f"any four of {distinct_keys()} keys may be shown" in replies[8]
    assert said(0, *runs).startswith(
        "✓ Right: none of the four. Even with n = 32 the accuracy is 82 %"
    )
    told = said(0, *four(0.5, 0.7, 0.95, 0.96))
    assert told == (
        "✗ Your bet was none of the four. In your runs n = 16 is enough for 90 %: it has 95 %; "
        "with another seed it may be another n."
    )


def distinct_keys() -> int:
    """Keys that sequences of the usual set-up show, as `dsf.mqar` draws them."""
    tokens, _ = mqar.generate(2000, 32, 4, 64)
    return len(tokens[:, :8:2].unique())


def test_seeds_are_taken_together() -> None:
    runs = [*four(0.92, 0.95, 0.96, 0.97), run(0.5, n=4, seed=1)]
    assert said(8, *runs) == "✓ Right: with n = 8 the accuracy is 95 % of the questions."


def test_the_verdict_of_the_record_is_that_of_its_runs() -> None:
    [told] = lab({"do": "recordedVerdict", "record": MQARLab().record})
    reached: dict[int, list[float]] = {n: [] for n in lab_module.SERIES}
    for one in results.recorded("lab"):
        if one.config["mixer"] == "linear":
            reached[one.config["n"]].append(one.result["history"][-1][2])
    means = [fmean(reached[n]) for n in lab_module.SERIES]
    first = next((n for n, mean in zip(reached, means, strict=True) if mean > 0.9), None)
    answer = "none of the four" if first is None else f"n = {first}"
    assert told.startswith(f"In the record, 5 seeds each, it is {answer}: the mean accuracy is ")
    found = [int(x) for x in re.findall(r"(\d+) %", told.split(" of the questions")[0])]
    assert found == pytest.approx([100 * mean for mean in means], abs=1)
    last = [round(100 * x) for x in reached[32]]
    assert f"reach {min(last)} to {max(last)} %, and {sum(x > 90 for x in last)} of 5" in told


# --- files ----------------------------------------------------------------------------------------


def written(tmp_path: Path, setup: dict[str, Any], held: dict[str, Any]) -> Path:
    [text] = lab({"do": "write", "setup": setup, "weights": held})
    path = tmp_path / "model.safetensors"
    path.write_bytes(base64.b64decode(text))
    return path


def opened(path: Path) -> Any:
    return lab({"do": "open", "file": base64.b64encode(path.read_bytes()).decode()})[0]


@pytest.mark.parametrize("mixer", lab_module.MIXERS)
def test_weights_of_the_page_are_a_model_of_the_package(tmp_path: Path, mixer: str) -> None:
    setup = {**SETUP, "mixer": mixer, "n": 1 if mixer == "qlstm" else 8, "seed": 3}
    [config] = lab({"do": "config", "setup": setup})
    [held] = engine([{"do": "untrained", "config": config}])
    path = written(tmp_path, setup, held)
    trained, found = model.load(path)
    assert {**experiment(found), "seed": found.seed} == {
        **experiment(TrainConfig(**config)),
        "seed": 3,
    }
    for name, x in trained.state_dict().items():
        assert x.flatten().tolist() == held[name]["values"], name
    assert opened(path) == {"setup": setup, "weights": held}


def test_the_metadata_are_those_that_the_package_writes(tmp_path: Path) -> None:
    [config] = lab({"do": "config", "setup": SETUP})
    torch_model = build_model(TrainConfig(**config))
    ours = written(tmp_path, SETUP, weights(torch_model))
    theirs = tmp_path / "theirs.safetensors"
    model.save(torch_model, TrainConfig(**config), theirs)
    heads = []
    for path in (ours, theirs):
        with safetensors.safe_open(path, "pt") as file:
            heads.append({name: json.loads(text) for name, text in file.metadata().items()})
        assert path.stat().st_size % 4 == 0
    assert heads[0] == heads[1]
    a, b = (safetensors.torch.load_file(path) for path in (ours, theirs))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert opened(theirs) == opened(ours)


def test_models_of_the_package_can_be_opened() -> None:
    for name in models.names():
        found = opened(models.FOLDER / f"{name}.safetensors")
        trained, config = models.trained(name)
        assert (found["setup"]["mixer"], found["setup"]["n"]) == (config.mixer, config.n)
        assert found["setup"]["L"] == 64
        assert found["weights"] == weights(trained)


def test_the_list_has_every_model_of_the_package() -> None:
    [listed] = lab({"do": "shipped"})
    assert sorted(name for name, _ in listed) == models.names()
    assert dict(listed)["ssd-slow-4"] == "SSD, slow, n = 4"
    assert dict(listed)["linear-16"] == "linear, n = 16"


def test_a_kernel_sends_the_model_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(
        MQARLab, "send", lambda self, content, buffers: sent.append((content, buffers))
    )
    figure = MQARLab()
    for content in (
        {"shipped": "../linear-4"},
        {"shipped": None},
        "linear-4",
        {"shipped": "linear-4"},
    ):
        figure._handle_custom_msg(content, [])
    file = (models.FOLDER / "linear-4.safetensors").read_bytes()
    assert sent == [({"shipped": "linear-4"}, [file])]
    assert lab({"do": "fetched", "name": "linear-4", "file": [*file[:99]]}) == [[[*file[:99]], 0]]


def test_a_page_loads_a_model_as_a_script(tmp_path: Path) -> None:
    bundle.write_models(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"model-{x}.js" for x in models.names()}
    text = (tmp_path / "model-linear-4.js").read_text(encoding="utf-8")
    script = f"{text} process.stdout.write(globalThis.dsfModels['linear-4'])"
    held = base64.b64decode(bundle.run_node("--eval", script))
    assert held == (models.FOLDER / "linear-4.safetensors").read_bytes()


def test_what_a_state_stores_is_told_as_shares_of_each_key() -> None:
    sizes = [[1.0, 2.0, 0.0], [3.0, 2.0, 0.0]]  # a row a feature
    [shares] = lab({"do": "shares", "stored": [x for row in sizes for x in row], "K": 3})
    assert shares == [0.25, 0.5, 0, 0.75, 0.5, 0]
    told = lab({"do": "stored", "shares": [0.25, 0.8, 0.75, 0.2], "keys": [7, 9], "pair": 0})[0]
    assert told.startswith(
        "Key 7: 75 % in feature 1. Over all keys the strongest feature has 78 %;"
    )
    drawn = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0)).abs()
    wanted = 100 * float((drawn.amax(1) / drawn.sum(1)).mean())
    assert told.endswith(" That is nearly as for random numbers: the keys share features.")
    asked = {"do": "stored", "keys": [7, 9], "pair": 0}
    one, between = lab(
        {**asked, "shares": [0.1, 0.2, 0.9, 0.8]},
        {**asked, "shares": [0.4, 0.1, *[0.1] * 10, 0.05, 0.4, 0.05, 0]},
    )
    assert one.endswith(" Each key stands out in one feature: 2 keys in 1 feature.")
    assert re.search(r"of random numbers it would have \d+ %\.$", between)
    assert int(re.search(r"of random numbers it would have (\d+) %", told)[1]) == pytest.approx(  # type: ignore[index]
        wanted, abs=3
    )


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"

    def refused(**fields: Any) -> Any:
        config = TrainConfig(**{**experiment(TrainConfig(**DEFAULTS)), **fields})
        model.save(build_model(config), config, path)
        return opened(path)

    assert refused(num_layers=2) == "its num_layers is 2, expected 1"
    assert refused(mixer="deltanet").startswith("its mixer is deltanet, expected one of softmax, ")
    assert refused(d_model=24) == "its d is 24, expected one of 16, 32, 64"
    assert refused(vocab_size=100) == "its vocab_size is 100, expected 64"
    assert refused(learning_rate=0.02)["setup"]["rate"] == 0.01, "of no matter to what it answers"
    refused()
    whole = path.read_bytes()
    for cut in (0, 4, 100, len(whole) - 8):
        path.write_bytes(whole[:cut])
        assert "is not whole" in opened(path) or "no file in the safetensors format" in opened(path)
    path.write_bytes(safetensors.torch.save({"x": torch.zeros(2)}))
    assert opened(path) == "it is no model of this book: its metadata have no dsf.config"
    path.write_bytes((7).to_bytes(8, "little") + b"not it!")
    assert opened(path) == "its header is no JSON object"


def test_the_picture_of_phi_is_its_mean_over_channels() -> None:
    phi = torch.rand(5, 3, 5).tril(0)
    wanted = phi.mean(1).tril()
    [found] = lab({"do": "phi", "phi": phi.flatten().tolist(), "L": 5, "d": 3})
    assert torch.allclose(torch.tensor(found).view(5, 5), wanted)


def test_python_refuses_what_there_is_not() -> None:
    for wrong in ({"mixer": "gpt"}, {"n": 3}, {"start": "fast"}, {"rate": 1.0}, {"pairs": 0}):
        with pytest.raises(traitlets.TraitError, match=next(iter(wrong))):
            MQARLab(**wrong)
