"""The figures from the Python side: what a page gets, that it is true, that bundles are fresh."""

import base64
import dataclasses
import gzip
import hashlib
import inspect
import io
import json
import math
import os
import re
import subprocess
import tarfile
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import golden
import pytest
import torch
import traitlets
from bs4 import BeautifulSoup
from jupyter_client.manager import run_kernel
from layers import layers
from torch.nn.functional import normalize

from book import bundle
from dsf import (
    ARCHITECTURES,
    attention,
    check,
    feature_maps,
    mqar,
    results,
    retention_system,
    theory,
    widgets,
)
from dsf.mixers import TITLES
from dsf.widgets import explorer, gallery, hero, message, pairs, runs
from dsf.widgets.base import number

EVERY = [getattr(widgets, name) for name in widgets.__all__]
VOID = {"br", "hr", "img", "input", "link", "meta"}


def figure(widget: Any) -> BeautifulSoup:
    return BeautifulSoup(widget.html(), "html.parser")


class Balanced(HTMLParser):
    """Complains of an element that is not closed, or closed by another's end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("kind", EVERY)
def test_output_holds_the_live_view_and_the_page(kind: type[Any]) -> None:
    widget = kind()
    data, _ = widget._repr_mimebundle_()
    live = data["application/vnd.jupyter.widget-view+json"]
    assert live["model_id"] == widget.model_id
    assert data["text/html"] == widget.html()
    assert "0x" not in data["text/plain"], "an address changes from run to run"
    assert "render" in str(widget._esm)
    assert "dsf-" in str(widget._css)


@pytest.mark.parametrize("kind", EVERY)
def test_page_is_well_formed_and_complete(kind: type[Any]) -> None:
    widget = kind(figure_id="here")
    parser = Balanced()
    parser.feed(widget.html())
    assert parser.open == []
    page = figure(widget).figure
    assert page["id"] == "here"
    assert page["data-widget"] == widget.name
    assert "live notebook" in page.p.text
    assert page.figcaption.text == widget.caption()
    assert json.loads(page.script.string) == widget.state()
    head, *rows = page.find_all("tr") or [page]
    assert all(len(row.find_all(["th", "td"])) == len(head.find_all("th")) for row in rows)


@pytest.mark.parametrize("kind", EVERY)
def test_every_trait_is_documented(kind: type[Any]) -> None:
    documented = re.findall(r"^    (?:    )?(\w+): ", kind.__doc__ or "", re.M)
    state = kind().state()
    assert set(state) <= set(documented)
    shown = inspect.signature(kind).parameters
    assert "args" not in shown
    for name in shown.keys() & state.keys():
        assert shown[name].default in (None, state[name])


def test_figures_on_one_page_have_different_ids() -> None:
    first, second = widgets.DSFExplorer(), widgets.DSFExplorer()
    assert first.figure_id != second.figure_id


def test_what_a_reader_types_stays_text() -> None:
    widget = widgets.DSFExplorer(input="text", text="</script><b>&\"'")
    page = figure(widget)
    assert page.b is None
    assert json.loads(page.script.string)["text"] == widget.text


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ("n", 0),
        ("n", 17),
        ("architecture", "mlp"),
        ("input", ""),
        ("text", ""),
        ("text", "x" * 33),
        ("time", -1),
        ("channel", 4),
        ("seed", 1000),
    ],
)
def test_explorer_refuses_what_it_cannot_show(trait: str, value: object) -> None:
    widget = widgets.DSFExplorer()
    with pytest.raises(traitlets.TraitError):
        setattr(widget, trait, value)


def test_explorer_says_which_architectures_live_in_the_page() -> None:
    with pytest.raises(traitlets.TraitError) as caught:
        widgets.DSFExplorer(architecture="mlp")
    wanted = ", ".join(explorer.IN_PAGE)
    assert f"architecture is 'mlp', expected one of {wanted}: the others are not" in str(caught)


def test_the_page_has_the_architectures_of_the_paper_and_none_that_the_registry_lacks() -> None:
    paper = {entry.name for entry in ARCHITECTURES.values() if entry.chapter <= 8}
    assert paper <= set(explorer.IN_PAGE) <= ARCHITECTURES.keys()


KINDS = ("random", "impulse", "mqar", "text")


@pytest.mark.parametrize("name", explorer.IN_PAGE)
def test_the_package_agrees_with_what_the_explorer_draws(name: str) -> None:
    asked = [{"name": name, "kind": kind, "n": n} for kind in KINDS for n in (1, 7, 16)]
    for layer in layers(asked):
        check.same(layer.matrix(), layer.phi, tolerance=1e-6)
        check.same(layer.system.run(layer.u, method="recurrent"), layer.outputs, tolerance=1e-6)


def test_the_explorer_reads_what_it_says() -> None:
    found = layers([{"name": "linear", "kind": kind} for kind in KINDS])
    noise, impulse, recall, text = found
    assert [len(layer.tokens) for layer in found] == [24, 24, 24, 16]
    assert noise.tokens == [str(i) for i in range(24)]
    assert noise.matches == impulse.matches == [[]] * 24
    assert torch.unique(impulse.embeddings, dim=0).shape[0] == 1, "Λ, B, C must not change"
    assert impulse.u.sum(0).tolist() == [1] * 4
    keys = recall.tokens[:8:2]
    assert len(set(recall.tokens[:8])) == 8
    assert sorted(token for token in recall.tokens[8:] if token != "·") == sorted(keys)
    assert text.tokens == list("the cat, the hat")
    for layer in (recall, text):
        for i, places in enumerate(layer.matches):
            follow = [j for j in range(1, i + 1) if layer.tokens[j - 1] == layer.tokens[i]]
            assert places == ([] if layer.tokens[i] == "·" else follow)


def test_numbers_for_people() -> None:
    shown = [number(x) for x in (0, 0.123456, -1.5, 12.34, -1234.5, 1e-5, 2.5e6)]
    assert shown == ["0", "0.123", "−1.50", "12.3", "−1235", "1.0e−5", "2.5e+6"]
    # Halves are rounded away from zero, as toFixed does in JavaScript.
    assert [number(x) for x in (0.0625, -0.8125)] == ["0.063", "−0.813"]


def test_the_recorded_counts_are_those_of_the_package() -> None:
    assert golden.RECALLED.read_text("utf-8") == golden.recalled()


def test_a_smaller_memory_never_brings_back_more() -> None:
    for memory in hero.TITLES:
        means = [hero.mean(memory, widgets.KeyValueMemory(n=n).size()) for n in range(1, 33)]
        assert means == sorted(means)
        assert 0 <= means[0] < means[-1] <= hero.PAIRS


@pytest.mark.parametrize(("memory", "decay"), [("linear", 1.0), ("decay", hero.DECAY)])
def test_the_memory_is_the_state_of_a_linear_system(memory: str, decay: float) -> None:
    n, back = 8, torch.zeros(hero.PAIRS, dtype=torch.int64)
    keys = torch.nn.functional.normalize(hero.keys()[..., :n], dim=-1)
    for draw, k in enumerate(keys):
        asked = (torch.arange(hero.PAIRS) + draw * hero.PAIRS) % hero.CODEBOOK
        values = hero.codebook()[asked]
        state = retention_system(k, k, decay).states(values)[-1]
        distance = torch.cdist(k @ state, hero.codebook())
        # Members of the codebook have one length, so the nearest by angle is the nearest.
        back += distance.argmin(-1) == asked
    assert back.tolist() == hero.recalled(memory, n)


def test_softmax_keeps_all_pairs() -> None:
    n, back = 2, torch.zeros(hero.PAIRS, dtype=torch.int64)
    keys = torch.nn.functional.normalize(hero.keys()[..., :n], dim=-1)
    for draw, k in enumerate(keys):
        asked = (torch.arange(hero.PAIRS) + draw * hero.PAIRS) % hero.CODEBOOK
        values = hero.codebook()[asked]
        for place in range(hero.PAIRS):
            q = k[place].expand_as(k)
            read = attention.softmax_attention(q, k, values, hero.SCALE)[-1]
            back[place] += (hero.codebook() @ read).argmax() == asked[place]
    assert back.tolist() == hero.recalled("softmax", n)


def test_half_lives_halve() -> None:
    widget = widgets.DecayAndMemory(pre_activation=0.5)
    gates = widget.gates(torch.tensor([0.5], dtype=torch.float64))
    for name, steps in widget.half_lives().items():
        check.same(gates[name].transition ** steps, [0.5], tolerance=1e-12)
    assert widgets.DecayAndMemory(pre_activation=-1.0).half_lives()["normalized"] == math.inf


def test_gallery_draws_the_features_of_the_package() -> None:
    x = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(4)
    directions = torch.randn(2, 7, generator=generator, dtype=torch.float64).mT
    wanted = feature_maps.positive_random_features(x, 7, seed=4)
    check.same(gallery.random_features(x, directions), wanted)


def test_draws_of_random_features_scatter_about_the_exponential_as_theory_says() -> None:
    norm, n = 0.5, 8
    widget = widgets.FeatureMapGallery(norm=norm, features=n)
    angles = torch.tensor([0.0, 60.0, 120.0, 180.0], dtype=torch.float64)
    ratios = []
    for seed in range(25):
        widget.seed = seed
        ratios.append(widget.drawn(angles) / widget.kernels(angles)["exact"])
    found = torch.cat(ratios)
    # The square of one feature's ratio has the mean exp(‖q + k‖²).
    variance = (torch.exp(2 * norm**2 * (1 + torch.cos(torch.deg2rad(angles)))) - 1) / n
    assert ((found.mean(0) - 1).abs() <= 4 * (variance / len(found)).sqrt() + 1e-12).all()
    assert torch.allclose(found.var(0), variance, rtol=0.35, atol=1e-12)


@pytest.mark.parametrize("norm", [0.5, 1.0, 1.5, 2.0, 2.5])
def test_with_more_random_features_the_median_draw_is_no_further_off(norm: float) -> None:
    widget = widgets.FeatureMapGallery(norm=norm)
    least, off = math.inf, {}
    for n in (1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64):
        widget.features = n
        off[n] = widget.worst()["positive_random"]
        assert off[n] < least + 0.05, f"{n} features"  # 40 draws leave that much to chance
        least = min(least, off[n])
    assert off[64] > 0.1, "still off, as chapter 3 says"
    if norm == 1:
        assert off[64] < 0.6 * off[4]


def test_the_band_of_64_random_features_is_narrower_than_that_of_4() -> None:
    angles = torch.arange(0, 181, 2, dtype=torch.float64)
    share = torch.tensor([0.1, 0.9], dtype=torch.float64)
    for seed in range(3):
        wide = {}
        for n in (4, 64):
            widget = widgets.FeatureMapGallery(features=n, seed=seed)
            low, high = widget.drawn(angles).log10().quantile(share, dim=0)
            wide[n] = high - low
        assert wide[64].mean() < 0.5 * wide[4].mean()
        assert (wide[64] < wide[4]).double().mean() > 0.95


def test_gallery_tells_how_far_off_the_features_are() -> None:
    coarse, fine = widgets.FeatureMapGallery(order=2), widgets.FeatureMapGallery(order=8)
    angles = torch.arange(181, dtype=torch.float64)

    def worst(widget: widgets.FeatureMapGallery) -> float:
        kernels = widget.kernels(angles)
        return float((kernels["taylor"] / kernels["exact"] - 1).abs().max())

    score = fine.norm**2
    bound = score**9 / math.factorial(9) * math.exp(score)  # Lagrange's remainder
    assert worst(fine) <= bound < worst(coarse)
    assert f"{number(100 * worst(coarse))} %" in coarse.caption()


def test_mqar_tells_the_numbers_of_its_cells_in_a_table(cells: list[results.Cell]) -> None:
    widget = widgets.MQARExplorer(cells)
    of_the_task = cells[:-2]
    assert len(widget.cells) == len(of_the_task), "those of another experiment are left out"
    titles = {"slow": ", slow start", "own": "", "4000": ", four times the steps", "1000": ""}
    for cell in of_the_task:
        config = cell.config
        start = runs.start_name(config["start"])
        widget.mixer, widget.start, widget.steps = config["mixer"], start, config["steps"]
        widget.n, widget.d, widget.pairs = config["n"], config["d_model"], config["num_kv_pairs"]
        chosen = widget.chosen()
        assert (chosen["n"], chosen["d"], chosen["K"]) == (widget.n, widget.d, widget.pairs)
        title, head, rows = widget.table()
        assert title == f"Test accuracy at d = {widget.d}, {widget.pairs} pairs"
        name = TITLES.get(config["mixer"], config["mixer"])
        name += titles[start] + titles[str(config["steps"])]
        row = next(row for row in rows if row[0] == name)
        lost, kept = cell.diverged, len(cell.seeds) - cell.diverged
        if not kept:
            wanted = "diverged"
        elif cell.high - cell.low < 0.1:
            wanted = number(cell.mean)
            wanted += f" ({number(cell.low)} to {number(cell.high)})" if kept > 1 else ""
        else:
            seeds = sorted(x for x in cell.scores if math.isfinite(x))
            hint = mqar.position_level(64, config["num_kv_pairs"])
            wanted = f"{', '.join(map(number, seeds))}: {len(cell.beyond(hint + 0.05))}"
            wanted += f" of {len(cell.seeds)}"
        assert row[head.index(f"n = {config['n']}")] == wanted + (" ✗" if lost and kept else "")


def test_mqar_shows_cells_of_another_experiment_where_there_are_no_others(
    cells: list[results.Cell],
) -> None:
    shown = widgets.MQARExplorer(cells[-1:])
    assert [(cell["line"], cell["K"]) for cell in shown.cells] == [("qlstm", 2)]
    assert shown.mixer == "qlstm"
    assert [task["L"] for task in shown.tasks] == [16]


def test_mqar_looks_at_the_nearest_that_was_run(cells: list[results.Cell]) -> None:
    widget = widgets.MQARExplorer(cells, mixer="linear", n=63, d=40, pairs=9)
    assert [widget.chosen()[name] for name in ("line", "n", "d", "K")] == ["linear", 16, 32, 8]
    widget.steps, widget.d = 4500, 64
    assert widget.chosen()["line"] == "linear for 4000 steps"
    widget.start = "slow"
    assert widget.chosen()["line"] == "linear for 4000 steps", "it has no such start"
    widget.mixer = "ssd"
    assert widget.chosen()["line"] == "ssd from slow"
    widget.start = "own"
    assert widget.chosen()["line"] == "ssd from slow", "it has no other"
    widget.pairs = 4
    assert widget.chosen()["line"] == "linear", "nothing else was run there"


def test_mqar_is_small_enough_for_a_page() -> None:
    assert len(gzip.compress(widgets.MQARExplorer().html().encode(), mtime=0)) < 60_000


def test_mqar_shows_mark_up_in_names_as_it_is(cells: list[results.Cell]) -> None:
    name = '<img src="x" onerror="alert(1)"></script><b>bold</b> & \'quoted\''
    config = {**cells[0].config, "mixer": name, "start": name}
    widget = widgets.MQARExplorer([*cells, dataclasses.replace(cells[0], config=config)])
    widget.mixer, widget.start = name, name
    page = figure(widget)
    assert page.select("img, b") == []
    assert len(page.select("script")) == 1
    assert any(name in head.text for head in page.select("th"))
    assert json.loads(page.script.string) == widget.state()


def test_mqar_without_runs_says_so() -> None:
    widget = widgets.MQARExplorer([])
    page = figure(widget)
    assert "No runs are recorded" in page.figcaption.text
    assert page.table is None
    assert json.loads(page.script.string) == widget.state()


def test_mqar_refuses_what_was_not_run_and_what_cannot_be(cells: list[results.Cell]) -> None:
    widget = widgets.MQARExplorer(cells)
    refused = {"mixer": "s4d", "start": "fast", "drawn": "s4d", "axis": "d", "n": 0, "pairs": 0}
    for trait, value in {**refused, "steps": 0, "seed": 4}.items():
        with pytest.raises(traitlets.TraitError, match=trait):
            setattr(widget, trait, value)
    with pytest.raises(traitlets.TraitError, match="s4d"):
        widgets.MQARExplorer(cells, mixer="s4d")


def test_markers_tell_apart_what_colors_do_not() -> None:
    looks = [runs.look(mixer, variant=k) for mixer in TITLES for k in range(3)]
    assert len({(look["marker"], look["hollow"]) for look in looks}) == len(looks)


# --- hooks


def test_no_constant_decay_lets_the_message_stand_out() -> None:
    decays = [round(0.9 + k / 100, 2) for k in range(31)]
    held = [message.recall(decay) for decay in decays]
    ratios = [m / e for m, e in held if math.isfinite(e)]
    assert ratios == sorted(ratios)
    assert ratios[-1] < 0.6, "noise of almost twice the message"
    lost = [not math.isfinite(noise) for _, noise in held]
    assert lost == sorted(lost), "once out of range it stays out of range"
    assert decays[lost.index(True)] == 1.16


@pytest.mark.parametrize("decay", [0.9, 0.99, 1.0, 1.05])
def test_message_and_noise_are_those_of_the_geometric_series(decay: float) -> None:
    steps = message.LENGTH - 1
    squares = steps if decay == 1 else (1 - decay ** (2 * steps)) / (1 - decay**2)
    # 4999 products, each rounded to 1.1e-16
    assert message.recall(decay) == pytest.approx((decay**steps, math.sqrt(squares)), rel=1e-12)


@pytest.mark.parametrize("d", pairs.WIDTHS)
def test_with_fewer_features_fewer_values_come_back_and_never_more(d: int) -> None:
    means = pairs.recalled(d)
    assert len(means) == pairs.MOST
    assert list(means) == sorted(means)
    assert means[0] < 2
    assert d < 64 or means[-1] > pairs.PAIRS - 0.1


@pytest.mark.parametrize(("n", "d"), [(4, 64), (8, 64), (16, 16), (4, 128)])
def test_the_mean_is_that_of_the_cell_in_the_chapter(n: int, d: int) -> None:
    right = []
    for seed in range(200, 300):
        generator = torch.Generator().manual_seed(seed)
        possible = normalize(torch.randn(1024, d, generator=generator))
        keys = normalize(torch.randn(32, n, generator=generator))
        nearest = (keys @ (keys.mT @ possible[:32]) @ possible.mT).argmax(-1)
        right.append((nearest == torch.arange(32)).sum().item())
    spread = torch.tensor(right).double().std().item()
    # Means of 100 independent draws each: four standard errors of their difference.
    allowed = 4 * spread * math.sqrt(2 / 100)
    assert abs(sum(right) / 100 - pairs.recalled(d)[n - 1]) < allowed


@pytest.mark.parametrize("kind", [widgets.MessageAndNoise, widgets.PairsRecalled])
def test_a_hook_has_at_most_two_controls_and_says_what_to_try(kind: type[Any]) -> None:
    widget = kind()
    assert "To try: " in widget.caption()
    numbers = [name for name, value in widget.state().items() if isinstance(value, int | float)]
    assert len(numbers) <= 2
    assert all(kind.places[k] < kind.places[k + 1] for k in range(len(kind.places) - 1))


@pytest.mark.parametrize(("a", "asks"), [(0.01, 1), (1.0, 2)])
def test_recall_follows_the_rules_of_the_task(a: float, asks: int) -> None:
    length, pairs, vocabulary = 40, 3, 21
    task = {"L": length, "K": pairs, "V": vocabulary, "a": a, "R": asks}
    slots = (length - 2 * pairs) // 2
    first, many = 0, 400
    for seed in range(many):
        tokens, asked = golden.recall(task, seed)
        keys, values = tokens[0 : 2 * pairs : 2], tokens[1 : 2 * pairs : 2]
        assert len(set(keys)) == len(set(values)) == pairs
        assert set(keys) <= set(range(1, vocabulary // 2))
        assert set(values) <= set(range(vocabulary // 2, vocabulary))
        places = {at: key for key, at_ in zip(keys, asked, strict=True) for at in at_}
        assert len(places) == pairs * asks
        assert all(at % 2 == 0 and at >= 2 * pairs for at in places)
        rest = [places.get(at, mqar.FILLER) for at in range(2 * pairs, length)]
        assert tokens[2 * pairs :] == rest
        first += asks == 1 and asked[0] == [2 * pairs]
    if asks == 1:  # the first slot drawn, which asks for pair 0, is the first of all
        wanted = 1 / sum((g + 1) ** (a - 1) for g in range(slots))
        assert abs(first / many - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / many)


@pytest.mark.parametrize("scale", [0.3, 1.0])
def test_taylor_stand_in_falls_with_the_order_and_obeys_its_bound(scale: float) -> None:
    widget = widgets.SoftmaxApproximation(scale=scale)
    q, k, v = widget.draws()
    errors = widget.errors()["taylor"]
    largest = float(v.norm(dim=-1).max())
    for p, error in enumerate(errors):
        e = theory.truncation_error(q, k, v, p, scale / math.sqrt(2))
        check.same(error, e.output_error / largest, tolerance=1e-12)
        check.same(widget.radius(), e.radius)
        assert widget.bound(p) == pytest.approx(e.output_bound / largest, rel=1e-12)
        assert error <= widget.bound(p)
    assert math.isfinite(widget.bound(12))
    # From p = 2R on, each bound of the remainder is less than half of the one before.
    past = [error for p, error in enumerate(errors) if p > 2 * widget.radius()]
    assert past == sorted(past, reverse=True)
    assert past[-1] < past[0] / 2 ** len(past[1:])


def test_elementwise_maps_do_not_tend_to_softmax_and_random_features_do() -> None:
    errors = widgets.SoftmaxApproximation(scale=0.3).errors()
    for name in ("elu_plus_one", "exponential"):
        assert errors[name][-1] > 5 * errors["taylor"][4]
    medians = [
        torch.tensor(
            [
                widgets.SoftmaxApproximation(scale=0.3, seed=seed).error("positive_random", step)
                for seed in range(9)
            ]
        ).median()
        for step in (3, 7)
    ]
    # The error of an average of n samples falls like 1/sqrt(n); half of that factor of 4 is safe.
    assert medians[1] < medians[0] / 2


def test_ranks_of_the_approximation_are_those_of_theory() -> None:
    widget = widgets.SoftmaxApproximation(digits=3, length=20)
    q, k, _ = widget.draws()
    phi = attention.softmax_matrix(q, k)
    assert widget.ranks() == theory.hankel_ranks(phi, tol=1e-3).tolist()
    widget.digits = 12
    assert widget.ranks() == [min(t, 20 - t) for t in range(1, 20)]


@pytest.mark.parametrize("order", [0, 1, 2])
def test_too_few_states_stay_further_away_than_the_tolerance(order: int) -> None:
    widget = widgets.SoftmaxApproximation(order=order, digits=2)
    assert widget.size("taylor") < max(widget.ranks())
    exact = widget.exact()
    distance = torch.linalg.matrix_norm(widget.stand_in("taylor", order).matrix() - exact, ord=2)
    assert distance > 1e-2 * torch.linalg.matrix_norm(exact, ord=2)


def test_approximation_caption_tells_error_and_ranks() -> None:
    widget = widgets.SoftmaxApproximation(map="positive_random", doublings=5, length=24)
    error = number(100 * widget.error("positive_random", 5))
    assert f"32 features (positive random) are off by at most {error} %" in widget.caption()
    assert "at least 12 states a channel" in widget.caption()
    assert f"at least {max(widget.ranks())}. To try: " in widget.caption()


# --- the JavaScript ------------------------------------------------------------------------------


def differ(found: Any, wanted: Any, at: str = "") -> list[str]:
    """Where two nested values differ, numbers by more than 1e-12."""
    if isinstance(wanted, dict):
        if found.keys() != wanted.keys():
            return [at]
        return [line for key in wanted for line in differ(found[key], wanted[key], f"{at}.{key}")]
    if isinstance(wanted, list):
        if len(found) != len(wanted):
            return [at]
        pairs = enumerate(zip(found, wanted, strict=True))
        return [line for i, (a, b) in pairs for line in differ(a, b, f"{at}[{i}]")]
    if isinstance(wanted, float):
        return [] if math.isclose(found, wanted, rel_tol=1e-12, abs_tol=1e-12) else [at]
    return [] if found == wanted else [at]


def test_golden_numbers_are_those_of_the_package() -> None:
    recorded = json.loads(golden.PATH.read_text(encoding="utf-8"))
    fresh = json.loads(json.dumps(golden.compute()))
    assert differ(recorded, fresh) == [], "run python tests/figures/golden.py"


def test_javascript_computes_the_golden_numbers() -> None:
    files = sorted(str(path) for path in golden.PATH.parent.glob("*.test.mjs"))
    assert files
    command = [str(bundle.node_program()), "--test", *files]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]


def test_packages_of_npm_are_pinned_by_version_and_hash_and_name_no_other_registry() -> None:
    files = (bundle.LOCKED / name for name in ("package.json", "package-lock.json"))
    wanted, lock = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    _, *packages = lock["packages"].items()
    assert lock["packages"][""]["devDependencies"] == wanted["devDependencies"]
    for name, version in wanted["devDependencies"].items():
        assert dict(packages)[f"node_modules/{name}"]["version"] == version
    for path, package in packages:
        assert re.fullmatch(r"sha512-[\w+/]{86}==", package["integrity"]), path
        registry = "https://registry.npmjs.org/"
        assert package.get("resolved", registry).startswith(registry), path


@pytest.fixture
def registry(
    tmp_path: Path, stranger: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, Any], list[str]]:
    """A registry that has one package, with a lock for it, and what the registry is asked for."""
    address, asked = stranger
    package = {"name": "made-up", "version": "1.0.0"}
    with tarfile.open(tmp_path / "made-up.tgz", "w:gz") as archive:
        text = json.dumps(package).encode()
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    hashed = hashlib.sha512((tmp_path / "made-up.tgz").read_bytes()).digest()
    integrity = f"sha512-{base64.b64encode(hashed).decode()}"
    offered = {**package, "dist": {"tarball": f"{address}/made-up.tgz", "integrity": integrity}}
    page = {"name": "made-up", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": offered}}
    (tmp_path / "made-up").write_text(json.dumps(page), encoding="utf-8")
    needs = {"name": "tools", "devDependencies": {"made-up": "1.0.0"}}
    own = {"version": "1.0.0", "integrity": integrity, "dev": True}
    lock = {"lockfileVersion": 3, "packages": {"": needs, "node_modules/made-up": own}}
    monkeypatch.setenv("npm_config_registry", address)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setattr(bundle, "LOCKED", tmp_path / "locked")
    monkeypatch.setattr(bundle, "INSTALLED", tmp_path / "installed")
    bundle.LOCKED.mkdir()
    (bundle.LOCKED / "package.json").write_text(json.dumps(needs), encoding="utf-8")
    (bundle.LOCKED / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    return lock, asked


def test_a_package_comes_once_from_whatever_registry_npm_uses(
    registry: tuple[dict[str, Any], list[str]],
) -> None:
    lock, asked = registry
    folder = bundle.npm_package("made-up")
    assert json.loads((folder / "package.json").read_text("utf-8"))["version"] == "1.0.0"
    assert "/made-up.tgz" in asked
    asked.clear()
    bundle.npm_package("made-up")
    assert asked == []
    (folder / "package.json").unlink()
    lock["name"] = "other"
    (bundle.LOCKED / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    assert (bundle.npm_package("made-up") / "package.json").exists(), "another lock, but no new try"


def test_a_package_whose_files_have_another_hash_is_refused_until_it_is_put_right(
    registry: tuple[dict[str, Any], list[str]],
) -> None:
    lock, _ = registry
    right = (bundle.LOCKED / "package-lock.json").read_bytes()
    lock["packages"]["node_modules/made-up"]["integrity"] = f"sha512-{'A' * 86}=="
    (bundle.LOCKED / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    for _ in range(2):
        with pytest.raises(bundle.PackageMissingError, match="EINTEGRITY"):
            bundle.npm_package("made-up")
    (bundle.LOCKED / "package-lock.json").write_bytes(right)
    assert (bundle.npm_package("made-up") / "package.json").exists()


def test_a_package_that_the_lock_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"name is 'made-up', expected .*package\.json"):
        bundle.npm_package("made-up")


def test_bundles_say_that_they_are_made_from_these_sources() -> None:
    names = {f"{name}.{kind}" for name in bundle.WIDGETS for kind in ("js", "mjs")}
    names |= {"widgets.css", "train.js"}
    assert {path.name for path in bundle.STATIC.iterdir()} == names | {
        "architectures.json",
        "training.json",
    }
    for path in map(bundle.STATIC.joinpath, names):
        text = path.read_text(encoding="utf-8")
        assert bundle.digest() in text[:200], f"{path.name} is stale: run python -m book.bundle"


def test_bundles_are_what_a_fresh_build_gives() -> None:
    try:
        stale = bundle.differences()
    except bundle.PackageMissingError as error:
        pytest.skip(f"bundles not rebuilt: {error}")
    assert stale == [], "run python -m book.bundle"


def test_bundles_are_small() -> None:
    def size(name: str) -> int:
        return len(gzip.compress((bundle.STATIC / name).read_bytes(), mtime=0))

    shared, each = 20_000, 8_000
    for name in bundle.WIDGETS:
        assert size(f"{name}.js") + size("widgets.css") <= shared + each
        assert size(f"{name}.mjs") <= shared + each


def test_every_widget_of_the_package_is_bundled() -> None:
    assert {kind.name for kind in EVERY} == set(bundle.WIDGETS)


# --- in a live kernel ----------------------------------------------------------------------------

LIVE = """
from dsf.widgets import DSFExplorer
w = DSFExplorer()
heard = []
w.observe(lambda change: heard.append(change.new), "n")
w
"""


def test_traits_follow_and_tell_a_real_kernel() -> None:
    with run_kernel(env={**os.environ, "OMP_NUM_THREADS": "1"}) as client:
        messages: list[dict[str, Any]] = []
        run = partial(client.execute_interactive, timeout=60, output_hook=messages.append)
        assert run(LIVE)["content"]["status"] == "ok"
        # Colab's ipywidgets 7 displays a figure itself, 8 leaves it to the kernel.
        results = ("execute_result", "display_data")
        shown = next(m["content"]["data"] for m in messages if m["msg_type"] in results)
        comm = shown["application/vnd.jupyter.widget-view+json"]["model_id"]
        opened = next(
            m["content"]["data"]["state"]
            for m in messages
            if m["msg_type"] == "comm_open" and m["content"]["comm_id"] == comm
        )
        assert opened["n"] == 16
        assert "render" in opened["_esm"]

        messages.clear()
        assert run("w.n = 8")["content"]["status"] == "ok"
        updates = [m["content"]["data"] for m in messages if m["msg_type"] == "comm_msg"]
        assert {"method": "update", "state": {"n": 8}}.items() <= updates[0].items()

        # What a figure sends when its reader moves a slider.
        data = {"method": "update", "state": {"n": 3}, "buffer_paths": []}
        message = client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        client.shell_channel.send(message)
        messages.clear()
        run("print(w.n, heard)")
        printed = next(m["content"]["text"] for m in messages if m["msg_type"] == "stream")
        assert printed.strip() == "3 [8, 3]"
