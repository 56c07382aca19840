"""The pictures that pages show without a script: complete, true, drawn by the widgets' modules."""

import base64
import dataclasses
import io
import json
import re
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup, Tag
from layers import layers
from test_widgets import EVERY, Balanced
from torch.nn.functional import softplus

from book.stills import with_stills
from dsf import looks, mqar, results, widgets
from dsf.widgets import hero
from dsf.widgets.base import number


def stills(*shown: Any) -> list[Tag]:
    """The figures of a page, drawn in one go."""
    texts = with_stills([widget.html() for widget in shown])
    return [BeautifulSoup(text, "html.parser").figure for text in texts]


@pytest.mark.parametrize("kind", EVERY)
def test_a_still_is_complete_and_has_nothing_to_turn(kind: type[Any]) -> None:
    widget = kind(figure_id="here")
    [text] = with_stills([widget.html()])
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    page = BeautifulSoup(text, "html.parser").figure
    still = page.select_one(".dsf-still > .dsf-figure")
    for picture in still.select("[role=img]"):
        assert len(picture["aria-label"]) > 10
        assert picture.name == "svg"
        assert picture.has_attr("viewbox"), "it shrinks with the screen"
    assert all(image["alt"] for image in still.select("img"))
    assert len(still.select_one(".dsf-finding").text) > 40
    assert still.select("input, select, button, canvas, [hidden], [id], .dsf-touch") == []
    assert re.search(r"\d", page.figcaption.text), "a caption states a finding with its numbers"
    assert page.figcaption.text.startswith(widget.caption())
    assert json.loads(page.script.string) == widget.state()


@pytest.mark.parametrize("kind", EVERY)
def test_a_still_has_the_numbers_of_the_package(kind: type[Any]) -> None:
    widget = kind()
    [page] = stills(widget)
    shown = [
        [cell.text for cell in row.select("th, td")] for row in page.select(".dsf-data tbody tr")
    ]
    assert shown
    if widget.table():
        assert shown == widget.table()[2]


def test_texts_without_figures_stay_and_several_of_one_text_are_drawn() -> None:
    two = widgets.DecayAndMemory().html() + "<p>between</p>" + widgets.DSFExplorer().html()
    plain, drawn = with_stills(["<p>nothing</p>", two])
    assert plain == "<p>nothing</p>"
    page = BeautifulSoup(drawn, "html.parser")
    assert len(page.select(".dsf-still > .dsf-figure")) == 2
    assert with_stills([]) == []


def test_what_cannot_be_drawn_stops_the_build() -> None:
    good = widgets.DecayAndMemory().html()
    with pytest.raises(RuntimeError, match=r"exponent is 9, expected a number from 0\.1 to 4"):
        with_stills([good.replace('"exponent":1.0', '"exponent":9')])
    with pytest.raises(RuntimeError, match="nothing"):
        with_stills([good.replace('data-widget="decay"', 'data-widget="nothing"')])


def test_what_a_reader_types_stays_text() -> None:
    [page] = stills(widgets.DSFExplorer(shown="write", input="text", text="</script><b>&\"'"))
    assert page.b is None
    assert len(page.select("script")) == 1
    assert "&" in page.select_one(".dsf-signals").text


@pytest.mark.parametrize("name", ["ssd", "s4d", "normalized"])
def test_a_still_shows_phi_of_the_package(name: str) -> None:
    widget = widgets.DSFExplorer(architecture=name, channel=2)
    [layer] = layers([{"name": name, "kind": "mqar"}])
    phi = layer.matrix()[2]
    [page] = stills(widget)
    length = len(phi)
    drawn = torch.zeros(length, length, dtype=torch.float64)
    for path in page.select(".dsf-phi .dsf-heat path"):
        sign = -1 if "dsf-neg" in path["class"] else 1
        for x, y in re.findall(r"M(\d+) (\d+)", path["d"]):
            drawn[int(y), int(x)] = sign * float(path["stroke-opacity"])
    # The largest of each row has the full colour; the root makes small values visible.
    limit = phi.abs().amax(-1, keepdim=True)
    limit[limit == 0] = 1
    wanted = phi.sign() * (phi.abs() / limit).sqrt()
    # Half of one of 32 steps, and the two digits it is written with.
    assert (drawn - wanted).abs().max() <= 0.5 / 32 + 0.005


def test_a_still_shows_the_matrix_of_a_canvas() -> None:
    widget = widgets.SoftmaxApproximation(length=100)  # the curves of so many are drawn later
    [page] = stills(widget)
    exact, _, difference = page.select("img")
    exact, difference = (
        matplotlib.image.imread(io.BytesIO(base64.b64decode(image["src"].split(",")[1])))
        for image in (exact, difference)
    )
    phi = widget.exact()
    wanted = (phi / phi.amax(-1, keepdim=True)).sqrt().numpy()
    assert np.abs(exact[..., 3] - wanted).max() <= 1 / 255  # eight bits
    away = widget.stand_in("taylor", 4).matrix() - phi
    strong = np.abs(difference[..., 3]) > 0.1
    blue = difference[..., 2] > difference[..., 0]
    for color, chosen in ((looks.PLUS, blue), (looks.MINUS, ~blue)):
        [rgb] = np.unique(np.rint(255 * difference[strong & chosen][:, :3]).astype(int), axis=0)
        assert "#" + "".join(f"{part:02x}" for part in rgb) == color
    assert (blue[strong] == (away > 0).numpy()[strong]).all()
    assert not page.select(".dsf-dim")
    assert len(page.select("polyline")) == 5, "error and goal; two ranks and the stand-in's"


def test_a_curve_keeps_its_shape_where_points_are_left_out() -> None:
    [page] = stills(widgets.DecayAndMemory())
    curve = page.select_one("polyline.dsf-s6")
    points = [pair.split(",") for pair in curve["points"].split(" ")]
    across, up = np.array(points, float).T
    x = torch.linspace(-6, 6, 121, dtype=torch.float64)
    name, height = 17, 30  # of a row
    wanted = name + height * (1 - torch.exp(-2 * softplus(x)) / 1.25)
    drawn = np.interp(across[0] + (across[-1] - across[0]) * (x.numpy() + 6) / 12, across, up)
    assert len(points) < 60
    # At most 0.15 pixels off, and more up than across where it is steep; coordinates have a digit.
    assert np.abs(drawn - wanted.numpy()).max() < 0.3


def test_recall_grows_with_the_state() -> None:
    shown = stills(*(widgets.DSFExplorer(n=n) for n in (1, 4, 8, 16)))
    found = [
        re.search(r"recalls ([\d.]+) of 4 answers in the mean", page.figcaption.text)
        for page in shown
    ]
    hits = [float(match[1]) for match in found]
    assert hits == sorted(hits)
    assert hits[-1] > 2 > hits[0]


def test_mqar_says_the_numbers_of_its_cells(cells: list[results.Cell]) -> None:
    shown = []
    for cell in widgets.MQARExplorer(cells).cells:
        look = widgets.MQARExplorer(cells).lines[cell["line"]]
        state = {name: look[name] for name in ("mixer", "start", "steps")}
        state |= {"n": cell["n"], "d": cell["d"], "pairs": cell["K"]}
        shown.append((cell, widgets.MQARExplorer(cells, **state, pair=1)))
    for (cell, widget), page in zip(shown, stills(*(w for _, w in shown)), strict=True):
        assert widget.chosen() == cell
        said = page.select_one(".dsf-finding").text
        first = f"As first shown, at d = {cell['d']} with {cell['K']} pairs: {said}"
        assert page.figcaption.text.endswith(first)
        assert said.startswith(f"{widget.lines[cell['line']]['title']}, n = {cell['n']}: ")
        seen = sorted(value for value in cell["accuracy"] if value is not None)
        every = len(cell["accuracy"])
        lost = every - len(seen)
        task = next(task for task in widget.tasks if task["K"] == cell["K"])
        learnt = sum(value > task["hint"] + 0.05 for value in seen)
        if not seen:
            assert ": diverged (3 of 3)" in said
        elif seen[-1] - seen[0] < 0.1:
            spread = f"{number(seen[0])} to {number(seen[-1])} over {len(seen)} seeds"
            spread = spread if len(seen) > 1 else "1 seed"
            assert f": {number(sum(seen) / len(seen))} ({spread})" in said
            assert (", which is no more than a guess" in said) == (learnt == 0)
        else:
            share = f"{learnt} of {every}" if learnt < every else f"all {every}"
            assert f" and {number(seen[-1])}, seed by seed: {share} learnt to bind" in said
        assert (f", {lost} of {every} diverged" in said) == (0 < lost < every)
        assert "Learning rate 0.004, chosen of 2 on validation." in page.text
        chance = mqar.chance_levels(task["K"], task["V"])["any value shown"]
        assert f"chance {number(chance)}" in page.text
        rival = cell["line"] != "softmax" and cell["d"] == 64 and cell["K"] == 8
        assert ("; softmax attention, n = " in said) == rival


def test_mqar_says_that_a_mixer_was_not_run_at_this_size(cells: list[results.Cell]) -> None:
    [page] = stills(widgets.MQARExplorer(cells, mixer="s6", pairs=4))
    said = page.select_one(".dsf-finding").text
    assert said.startswith(
        "S6 (Mamba) was not run with 4 pairs at d = 64. Linear attention, n = 16"
    )


def test_mqar_shows_mark_up_in_names_as_it_is(cells: list[results.Cell]) -> None:
    name = '<img src="x" onerror="alert(1)"></script><b>bold</b> & \'quoted\''
    stranger = dataclasses.replace(cells[0], config={**cells[0].config, "mixer": name})
    [page] = stills(widgets.MQARExplorer([*cells, stranger], mixer=name))
    assert page.select("img, b") == []
    assert len(page.select("script")) == 1
    assert name in page.figcaption.text
    assert any(name in item.text for item in page.select("svg text"))


def test_mqar_without_runs_says_so() -> None:
    [page] = stills(widgets.MQARExplorer([]))
    assert page.select(".dsf-still svg") == []
    assert "No runs are recorded" in page.select_one(".dsf-still").text


@pytest.mark.parametrize("memory", hero.TITLES)
def test_a_still_marks_what_comes_back_in_its_draw(memory: str) -> None:
    pages = stills(*(hero.KeyValueMemory(memory=memory, n=n) for n in hero.SIZES))
    for n, page in zip(hero.SIZES, pages, strict=True):
        marks = [text.text for text in page.select("svg text") if text.text in ("✓", "✗")]
        assert marks == ["✓" if back else "✗" for back in hero.came_back(memory, n)[hero.SHOWN]]
